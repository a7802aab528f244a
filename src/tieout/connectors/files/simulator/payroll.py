"""The payroll behind the folders: takes files of hours, holds them against their trailers, and keeps what it took.

A file is taken as a whole or not at all. Neighbours: ``office`` hands it files and writes its answers.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.state import State

HOURS: Final = "hours"
SCHEMA: Final = """
create table if not exists person (number text primary key) without rowid;
create table if not exists hours_file (
    id integer primary key autoincrement, reference text not null, entity text not null, sequence text not null,
    hours text not null, lines blob not null);
create index if not exists hours_file_reference on hours_file (reference);
"""
TAKEN_COLUMNS: Final = ("ref", "rows", "hours")


class RefusedFileError(Exception):
    """Why a file is not taken: a code of the office's own and words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


def take_hours(state: State, content: bytes, *, dedup: bool) -> tuple[str, str, str]:
    """Take a file of hours; returns its number here, its rows and its hours. Raises RefusedFileError."""
    lines = list(csv.DictReader(io.StringIO(content.decode()), delimiter=";"))
    if len(lines) < 2 or lines[-1]["reference"] != "T":  # noqa: PLR2004 - a row and the trailer
        raise RefusedFileError("H01", "The file has no rows or no trailer.")
    trailer = list(lines.pop().values())
    total = sum((number_of(line["hours"]) for line in lines), Decimal(0))
    _hold_against_trailer(trailer, lines, total, content)
    for line in lines:
        if state.row("select 1 from person where number = ?", (line["number"],)) is None:
            raise RefusedFileError("H20", f"There is no employee {line['number']}.")
    head = lines[0]
    with state.transaction() as rows:
        taken = rows.execute("select id from hours_file where reference = ?", (head["reference"],)).fetchone()
        key = (
            taken["id"]
            if taken is not None and dedup
            else rows.execute(
                "insert into hours_file (reference, entity, sequence, hours, lines) values (?, ?, ?, ?, ?)",
                (head["reference"], head["entity"], head["sequence"], f"{total:f}", msgspec.json.encode(lines)),
            ).lastrowid
        )
    return str(key), str(len(lines)), f"{total:f}".replace(".", ",")


def held_hours(state: State) -> Iterable[Holding]:
    """Every file of hours that was taken, read from the payroll's own table."""
    for row in state.rows("select * from hours_file order by id"):
        lines = msgspec.json.decode(row["lines"], type=list[dict[str, str]])
        total = sum((number_of(line["hours"]) for line in lines), Decimal(0))
        yield Holding(
            kind="post_payroll_hours",
            reference=row["reference"],
            id=str(row["id"]),
            entity=row["entity"],
            facts={
                "hours": f"{total.normalize() + 0:f}",
                "lines": str(len(lines)),
                "sequence": row["sequence"],
                "detail": ";".join(f"{one['number']} {one['date']} {one['type']} {one['hours']}" for one in lines),
            },
        )


def number_of(text: str) -> Decimal:
    """A number with a decimal comma; raises RefusedFileError."""
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation as error:
        raise RefusedFileError("E02", f"{text} is no number.") from error


def _hold_against_trailer(
    trailer: Sequence[str], lines: Sequence[dict[str, str]], total: Decimal, content: bytes
) -> None:
    _, rows, hours, hashed, digest = trailer[:5]
    digits = sum(int("".join(filter(str.isdecimal, line["number"])) or 0) for line in lines)
    before = content[: content.rindex(b"T;")]
    if int(rows) != len(lines) or number_of(hours) != total or int(hashed) != digits:
        raise RefusedFileError("H02", f"The trailer says {rows} rows, {hours} hours, hash {hashed}.")
    if hashlib.sha256(before).hexdigest() != digest:
        raise RefusedFileError("H03", "The file is not the one that its trailer was made for.")
