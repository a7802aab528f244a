"""How a walk over numbered pages misses nothing, and which answers are news. Pure; ``read`` makes the requests.

Rows come in the order of their ids, so new ones are appended, and only a deletion moves others: every row behind it
steps forward by one place, some of them into the page before. A walk therefore reads the *last page first* and the
first one last. What moves, moves towards pages that are still to be read; it may be read twice and is never missed, so
that no row is taken for deleted because its page moved. That holds only in the order of ids: a list of several pages
that comes in another order is refused.

Lists that can be asked for changes are asked for those since the newest change that was seen, less an overlap, and
walked as a whole again every ``WHOLE_WALK_EVERY``: a row that its vendor's filter leaves out is then late, never lost.
Instants are Float's own texts and only compared with each other, so that their zone does not matter.
"""

import hashlib
import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tieout.connectors.float.manifest import PAGE_SIZE
from tieout.errors import ContractError

WHOLE_WALK_EVERY: Final = timedelta(minutes=10)
INSTANT: Final = "%Y-%m-%d %H:%M:%S"


class Row(msgspec.Struct, frozen=True):
    """All that a walk needs of a row; None where it cannot be read."""

    id: int | None
    changed_at: str | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer as a walk sees it: its rows in order, its digest, and how many pages its list has."""

    rows: Sequence[Row]
    digest: str
    page_count: int | None


class Walk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A walk under way: through all rows, or those changed ``since``; ``page`` of list ``part`` is asked for next.

    Page 0 is the first request for a list, which tells how many pages there are.
    """

    started: datetime
    since: str | None = None
    part: int = 0
    page: int = 0
    newest: str | None = None
    digests: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer did to a walk: ``walk`` knows it, and ``is_last`` or goes on; ``is_kept`` answers are stored.

    The first answer for a list of several pages only tells how many there are: its rows come again at the end.
    """

    walk: Walk
    is_kept: bool
    is_last: bool


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where reading goes on: ``newest`` is the latest change seen, ``whole_at`` when the last whole walk started.

    ``seen`` and ``changes`` are digests of the answers of the last whole walk and of the last one through changes.
    """

    newest: str | None = None
    whole_at: datetime | None = None
    seen: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    walk: Walk | None = None

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
            code="TIE-FLOAT-002", message=f"The stored position {text[:80]!r} is not one of the Float connector."
        ) from error


def start(cursor: Cursor, now: datetime, *, overlap: timedelta | None) -> Walk:
    """The walk under way, or a new one; ``overlap`` is None where a list cannot be asked for changes."""
    if cursor.walk is not None:
        return cursor.walk
    is_due = cursor.whole_at is None or now - cursor.whole_at >= WHOLE_WALK_EVERY
    if overlap is None or cursor.newest is None or is_due:
        return Walk(started=now)
    since = datetime.strptime(cursor.newest, INSTANT) - overlap  # noqa: DTZ007 - Float tells no zone
    return Walk(started=now, since=since.strftime(INSTANT))


def advance(walk: Walk, answer: Answer, *, parts: int) -> Step:
    """What comes after an answer.

    Raises ContractError (TIE-FLOAT-003) for a list of several pages that a walk could miss rows of.
    """
    if answer.page_count is None and len(answer.rows) >= PAGE_SIZE:
        raise _unsafe("it does not tell how many pages there are")
    told = [row.changed_at for row in answer.rows if row.changed_at is not None]
    newest = max([*told, *([walk.newest] if walk.newest else [])], default=None)
    if walk.page == 0 and (answer.page_count or 0) > 1:
        onward = msgspec.structs.replace(walk, newest=newest, page=answer.page_count)
        return Step(walk=onward, is_kept=False, is_last=False)
    digests = (*walk.digests, answer.digest)
    onward = msgspec.structs.replace(walk, newest=newest, digests=digests, page=max(walk.page - 1, 0))
    if walk.page > 1:
        return Step(walk=onward, is_kept=True, is_last=False)
    onward = msgspec.structs.replace(onward, part=walk.part + 1)
    return Step(walk=onward, is_kept=True, is_last=onward.part == parts)


def check_order(rows: Sequence[Row], path: str) -> None:
    """Refuse a page of several (TIE-FLOAT-003) whose rows do not come in the order of their ids."""
    ids = [row.id for row in rows if row.id is not None]
    if len(ids) < len(rows) or any(left >= right for left, right in itertools.pairwise(ids)):
        raise _unsafe(f"{path} does not come in the order of ids")


def finish(cursor: Cursor, walk: Walk) -> Cursor:
    """The cursor at the end of ``walk``: none is under way."""
    if walk.since is None:
        return Cursor(newest=walk.newest, whole_at=walk.started, seen=walk.digests, changes=cursor.changes)
    newest = max([one for one in (walk.newest, cursor.newest) if one is not None], default=None)
    return Cursor(newest=newest, whole_at=cursor.whole_at, seen=cursor.seen, changes=walk.digests)


def digest_of(payload: bytes) -> str:
    """By what an answer is known again."""
    return hashlib.sha256(payload).hexdigest()[:16]


def _unsafe(why: str) -> ContractError:
    return ContractError(code="TIE-FLOAT-003", message=f"A list of Float cannot be walked without missing rows: {why}.")
