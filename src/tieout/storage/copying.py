"""COPY helpers: rows as prebuilt text, the fastest way in, and blocks of ids taken in one round trip.

The ``store`` modules of the steps use these; whoever writes many rows of one shape builds the lines itself with
``escape`` and numbers as they are, and calls ``copy_lines``.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import Cursor, sql

from tieout.errors import InvariantError
from tieout.storage.pool import Row

CopyValue: TypeAlias = int | Decimal | str | bytes | bool | date | datetime | UUID | None
ID_BLOCK: Final = 8192
"""How many ids one block holds: more than one batch may ever need."""
_LINES_PER_WRITE: Final = 4096
_SPECIAL: Final = re.compile("[\\\\\t\n\r\b\f\v\0]")
_ESCAPES: Final = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"}
)


def escape(text: str) -> str:
    """Text for a COPY field; raises InvariantError (TIE-STORE-008) where PostgreSQL cannot hold it."""
    if _SPECIAL.search(text) is None:
        return text
    if "\0" in text:
        raise InvariantError(code="TIE-STORE-008", message="Text with a NUL character cannot be stored.")
    return text.translate(_ESCAPES)


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise InvariantError(code="TIE-STORE-008", message=f"{value} is not an amount.")
    return str(value)


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise InvariantError(code="TIE-STORE-008", message=f"The instant {value} has no zone.")
    return value.astimezone(UTC).isoformat()


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    type(None): lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    int: str,
    str: escape,
    Decimal: _decimal,
    bytes: lambda value: f"\\\\x{value.hex()}",
    datetime: _instant,
    date: str,
    UUID: str,
}


def copy_text(value: CopyValue) -> str:
    """One value in PostgreSQL's COPY text format.

    Raises InvariantError (TIE-STORE-008) for text with NUL, an instant without zone, a Decimal that is no number and
    any type not listed in ``CopyValue``, floats above all.
    """
    writer = _WRITERS.get(type(value)) or _writer_of_base(value)
    return writer(value)


def _writer_of_base(value: object) -> Callable[[Any], str]:
    """For an enumeration's member, which is a string or an integer too."""
    for base in (str, int):
        if isinstance(value, base):
            return lambda member: copy_text(base(member.value))
    raise InvariantError(code="TIE-STORE-008", message=f"{type(value).__name__} has no place in a table: {value!r}.")


def copy_rows(cur: Cursor[Row], table: str, columns: Sequence[str], rows: Iterable[Sequence[CopyValue]]) -> None:
    """COPY ``rows`` into ``table``."""
    copy_lines(cur, table, columns, ("\t".join(map(copy_text, row)) for row in rows))


def copy_lines(cur: Cursor[Row], table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
    """COPY lines that are in COPY text format already, without their line ends."""
    remaining = iter(lines)
    block = list(islice(remaining, _LINES_PER_WRITE))
    if not block:
        return
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cur.copy(statement) as copy:
        while block:
            copy.write(_encoded(block))
            block = list(islice(remaining, _LINES_PER_WRITE))


def _encoded(lines: list[str]) -> bytes:
    try:
        return ("\n".join(lines) + "\n").encode()
    except UnicodeEncodeError as error:
        raise InvariantError(
            code="TIE-STORE-008", message=f"Text with half a surrogate pair cannot be stored: {error.reason}."
        ) from error


def take_ids(cur: Cursor[Row], sequence: str) -> int:
    """Take ``ID_BLOCK`` consecutive ids in one round trip; returns the first.

    Unused ids of a block are never given out again: ids grow with time, they do not count anything.
    """
    row = cur.execute("select nextval(%s) * %s", (sequence, ID_BLOCK)).fetchone()
    if row is None:
        raise InvariantError(code="TIE-STORE-010", message=f"Sequence {sequence} gave no number.")
    return int(str(row[0]))
