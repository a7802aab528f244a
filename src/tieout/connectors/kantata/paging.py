"""How a walk over a changing collection misses nothing: positions, and when a time is settled.

Pure; ``read`` makes the requests. Rows come ordered by their time of change. A row that changes while we walk moves
to the end and everything behind it moves up by one, so counting pages would skip a row. Therefore a walk goes on from
the *time* of the last row read; only where too many rows share one second does it count, and then it asks for the
last rows again as witnesses: if none of them is where it should be, it steps back.

A row can also appear late with an early time, because its request took long. So the next walk starts ``overlap`` before
the newest row seen. Only once that row is so old that nothing can appear before it any more, even if our clock and the
vendor's differ by ``SKEW``, does it start behind it; it never starts later, so that a slow clock of the vendor hides
nothing.
"""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tieout.errors import ContractError

SECOND: Final = timedelta(seconds=1)
WITNESSES: Final = 20
REREAD_ROWS: Final = 50
LONG_GROUP_ROWS: Final = 2000
SKEW: Final = timedelta(minutes=15)


class Listed(msgspec.Struct, frozen=True):
    """The rows of one answer in order: their ids and times of change (None where it cannot be read)."""

    ids: Sequence[str]
    changed_at: Sequence[datetime | None]


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where reading goes on: ``settled`` for the next walk, and the position of a walk under way (``started``).

    ``finished`` is when the last walk started that came to its end. ``after`` and ``offset`` say what to ask for next,
    ``witnesses`` are the ids expected first in the answer.
    ``seen`` and ``walked`` are digests of the answers of the last and of this walk, to hold back exact repeats.
    """

    settled: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    after: datetime | None = None
    offset: int = 0
    witnesses: tuple[str, ...] = ()
    newest: datetime | None = None
    seen: tuple[str, ...] = ()
    walked: tuple[str, ...] = ()

    def text(self) -> str:
        """The cursor as the opaque text that is stored."""
        return msgspec.json.encode(self).decode()


def read_cursor(text: str | None) -> Cursor:
    """The cursor in a stored text; None is the beginning. Raises ContractError where it is not ours."""
    if text is None:
        return Cursor()
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.MsgspecError as error:
        raise ContractError(
            code="TIE-KANTATA-002", message=f"The stored position {text[:80]!r} is not one of the Kantata connector."
        ) from error


def start(cursor: Cursor, now: datetime) -> Cursor:
    """The cursor at the start of a walk, or unchanged where a walk is under way."""
    if cursor.started is not None:
        return cursor
    return msgspec.structs.replace(cursor, started=now, after=cursor.settled, offset=0, witnesses=(), walked=())


def advance(cursor: Cursor, listed: Listed, *, page_size: int) -> Cursor | None:
    """Where the walk goes on after an answer, or None where it was the last."""
    times = [one for one in listed.changed_at if one is not None]
    newest = max([*times, cursor.newest]) if cursor.newest and times else (max(times) if times else cursor.newest)
    cursor = msgspec.structs.replace(cursor, newest=newest)
    if cursor.offset and not set(cursor.witnesses) & set(listed.ids):
        return msgspec.structs.replace(cursor, offset=max(0, cursor.offset - page_size))
    if len(listed.ids) < page_size:
        return None
    anchor = _next_anchor(cursor, listed)
    if anchor is not None:
        return msgspec.structs.replace(cursor, after=anchor, offset=0, witnesses=())
    return msgspec.structs.replace(
        cursor,
        offset=cursor.offset + len(listed.ids) - WITNESSES,
        witnesses=tuple(listed.ids[-WITNESSES:]),
    )


def _next_anchor(cursor: Cursor, listed: Listed) -> datetime | None:
    """The time to go on from, or None where counting is better: few new rows, or rows out of order."""
    times = [one for one in listed.changed_at if one is not None]
    if len(times) < len(listed.ids) or any(left > right for left, right in itertools.pairwise(times)):
        return None
    anchor = times[-1].replace(microsecond=0) - SECOND
    if cursor.after is not None and anchor <= cursor.after:
        return None
    reread = sum(one >= anchor for one in times)
    long_group = cursor.offset >= LONG_GROUP_ROWS and reread < len(times)
    return anchor if reread <= REREAD_ROWS or long_group else None


def finish(cursor: Cursor, *, overlap: timedelta) -> Cursor:
    """The cursor after a walk: none under way, and the next one starting as late as is safe."""
    started, newest, settled = cursor.started, cursor.newest, cursor.settled
    if newest is not None:
        is_old = started is not None and started - newest > overlap + SKEW
        reached = newest + SECOND if is_old else newest - overlap
        settled = reached if settled is None else max(settled, reached)
    return Cursor(settled=settled, finished=started, newest=newest, seen=cursor.walked)
