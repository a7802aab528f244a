"""How reading goes on: positions in what changed, and which answers are news. Pure; ``read`` makes the requests.

A row that changes while we walk moves to the end, so counting pages would skip rows. A walk over employees therefore
goes on from the *time* of the last row; where a page is all of one instant, it goes through that instant by employee
id, and then beyond it. An answer that is byte for byte as in the last walk is held back until there is news; from the
first news on all answers of a walk go out, so that its end is stored.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from tieout.connect.repeats import MOST_REMEMBERED, Repeats, digest
from tieout.connect.source import Page
from tieout.errors import ContractError

OLD_ENOUGH: Final = timedelta(days=1)
"""Nothing appears late any more before a row of this age."""

_SECOND: Final = timedelta(seconds=1)


class Mode(StrEnum):
    """What is asked for next: rows from an instant on, of exactly that instant behind an id, or later than it."""

    FROM = "from"
    WITHIN = "within"
    BEYOND = "beyond"


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where reading goes on: ``settled`` for the next walk, all else for the one that is ``walking``.

    ``window`` is the first day to ask time off of next, ``page`` the page of holidays. ``seen`` and ``walked`` are
    digests of the answers of the last and of this walk.
    """

    settled: datetime | None = None
    walking: bool = False
    mode: Mode = Mode.FROM
    after: datetime | None = None
    last_id: int = 0
    newest: datetime | None = None
    window: date | None = None
    page: int = 1
    seen: tuple[str, ...] = ()
    walked: tuple[str, ...] = ()

    def text(self) -> str:
        """The cursor as the opaque text that is stored."""
        return msgspec.json.encode(self).decode()


class ListedRow(msgspec.Struct, frozen=True):
    """All that paging needs of an employee; None where it cannot be read."""

    id: int | None
    changed_at: datetime | None


def read_cursor(text: str | None) -> Cursor:
    """The cursor in a stored text; None is the beginning. Raises ContractError where it is not ours."""
    if text is None:
        return Cursor()
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.MsgspecError as error:
        raise ContractError(
            code="TIE-BAMBOOHR-002", message=f"The stored position {text[:80]!r} is not one of the BambooHR connector."
        ) from error


def start(cursor: Cursor) -> Cursor:
    """The cursor at the start of a walk, or unchanged where one is under way."""
    if cursor.walking:
        return cursor
    return msgspec.structs.replace(
        cursor, walking=True, mode=Mode.FROM, after=cursor.settled, last_id=0, window=None, page=1, walked=()
    )


def advance(cursor: Cursor, rows: Sequence[ListedRow], *, page_size: int) -> Cursor | None:
    """Where the walk goes on after ``rows``, or None at its end.

    Raises ContractError where the rows of a full page do not tell.
    """
    if len(rows) < page_size:
        return msgspec.structs.replace(cursor, mode=Mode.BEYOND) if cursor.mode is Mode.WITHIN else None
    first, last = rows[0], rows[-1]
    if cursor.mode is Mode.WITHIN:
        if last.id is None or last.id <= cursor.last_id:
            raise _lost(cursor)
        return msgspec.structs.replace(cursor, last_id=last.id)
    if last.changed_at is None or (cursor.after is not None and last.changed_at < cursor.after):
        raise _lost(cursor)
    is_one_instant = first.changed_at == last.changed_at
    return msgspec.structs.replace(
        cursor, mode=Mode.WITHIN if is_one_instant else Mode.FROM, after=last.changed_at, last_id=0
    )


def with_newest(cursor: Cursor, times: Sequence[datetime | None]) -> Cursor:
    """The cursor that knows the latest of ``times``."""
    known = [one for one in (*times, cursor.newest) if one is not None]
    return msgspec.structs.replace(cursor, newest=max(known, default=None))


def finish(cursor: Cursor, *, now: datetime, overlap: timedelta) -> Cursor:
    """The cursor after a walk: the next one starts ``overlap`` before the newest row, or behind it where it is old."""
    settled, newest = cursor.settled, cursor.newest
    if newest is not None:
        reached = newest + _SECOND if now - newest > OLD_ENOUGH else newest - overlap
        settled = reached if settled is None else max(settled, reached)
    return Cursor(settled=settled, newest=newest, seen=cursor.walked)


class Telling:
    """Makes the pages of one walk: those that are no repeats of the last one."""

    def __init__(self, object_name: str, stored: Cursor) -> None:
        self._object_name = object_name
        self._repeats = Repeats(stored.seen, resumed=stored.walking)

    def walked(self, cursor: Cursor, payload: bytes) -> Cursor:
        """The cursor that remembers the answer ``payload``."""
        return msgspec.structs.replace(cursor, walked=(*cursor.walked, digest(payload))[-MOST_REMEMBERED:])

    def page(self, payload: bytes, item_count: int, following: Cursor) -> Page | None:
        """The page to store and to go on from as ``following`` says; None while there is no news."""
        if not self._repeats.is_news(payload, item_count):
            return None
        return Page(object=self._object_name, payload=payload, item_count=item_count, next_cursor=following.text())

    def unreadable(self, payload: bytes, cursor: Cursor) -> Page:
        """An answer that cannot be read goes out as it is; it is asked for again another time."""
        return Page(object=self._object_name, payload=payload, item_count=None, next_cursor=cursor.text())


def instant_text(instant: datetime) -> str:
    """An instant as the API is asked for it: UTC, ISO 8601."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def quarters(first: date, last: date) -> list[tuple[date, date]]:
    """The calendar quarters from that of ``first`` to that of ``last``, both days of each included."""
    starts = date(first.year, (first.month - 1) // 3 * 3 + 1, 1)
    found = []
    while starts <= last:
        following = date(starts.year + (starts.month == 10), (starts.month + 2) % 12 + 1, 1)  # noqa: PLR2004 - October
        found.append((starts, following - timedelta(days=1)))
        starts = following
    return found


def _lost(cursor: Cursor) -> ContractError:
    return ContractError(
        code="TIE-BAMBOOHR-001",
        message=f"A full page of employees of BambooHR does not tell where to go on after {cursor.after}: its last row "
        "has no id or time that can be read, or rows come in no order.",
    )
