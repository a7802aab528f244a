"""COPY helpers: rows as prebuilt text, the fastest way in, and blocks of ids taken in one round trip."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, TypeAlias
from uuid import UUID

from psycopg import Cursor, sql

from tieout.errors import InvariantError

CopyValue: TypeAlias = int | Decimal | str | bytes | bool | date | datetime | UUID | None
ID_BLOCK: Final = 8192
"""How many ids one block holds: more than one batch may ever need."""
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"})


def copy_text(value: CopyValue) -> str:
    """One value in PostgreSQL's COPY text format; raises InvariantError for text with NUL or a naive instant."""
    match value:
        case None:
            return "\\N"
        case bool():
            return "t" if value else "f"
        case str():
            return escape(value)
        case bytes():
            return f"\\\\x{value.hex()}"
        case datetime():
            if value.tzinfo is None:
                raise InvariantError(code="TIE-STORE-008", message=f"The instant {value} has no zone.")
            return value.astimezone(UTC).isoformat()
        case _:
            return str(value)


def escape(text: str) -> str:
    """Text for a COPY field; raises InvariantError where PostgreSQL cannot hold it."""
    if "\x00" in text:
        raise InvariantError(code="TIE-STORE-008", message="Text with a NUL character cannot be stored.")
    return text.translate(_ESCAPES)


def copy_rows(
    cur: Cursor[tuple[object, ...]], table: str, columns: Sequence[str], rows: Iterable[Sequence[CopyValue]]
) -> None:
    """COPY ``rows`` into ``table``."""
    copy_lines(cur, table, columns, ("\t".join(map(copy_text, row)) for row in rows))


def copy_lines(cur: Cursor[tuple[object, ...]], table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
    """COPY lines that are in COPY text format already."""
    body = "\n".join(lines)
    if not body:
        return
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cur.copy(statement) as copy:
        copy.write(body + "\n")


def take_ids(cur: Cursor[tuple[object, ...]], sequence: str) -> int:
    """Take ``ID_BLOCK`` consecutive ids in one round trip; returns the first.

    Unused ids of a block are never given out again: ids grow with time, they do not count anything.
    """
    cur.execute("select nextval(%s)", (sequence,))
    row = cur.fetchone()
    return int(str(row[0])) * ID_BLOCK if row else 0
