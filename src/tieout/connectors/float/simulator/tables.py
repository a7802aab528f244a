"""The rows of a local Float account: one table for all lists, each row a document with what lists are filtered by.

Times of change have seconds and nothing finer, and always move on. Hours are kept as text and shown as numbers.
Neighbours: ``listing`` answers questions from these rows, ``seeding`` and ``writes`` change them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from tieout.connect.simulator.state import SqlValue, State

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Body: TypeAlias = dict[str, Json]

ID_MEMBERS: Final[Mapping[str, str]] = {
    "roles": "id",
    "departments": "department_id",
    "clients": "client_id",
    "people": "people_id",
    "projects": "project_id",
    "phases": "phase_id",
    "project-tasks": "task_meta_id",
    "tasks": "task_id",
    "timeoffs": "timeoff_id",
    "public-holidays": "id",
    "holidays": "holiday_id",
}
"""Every list that is played, with the member that is a row's id."""

SCHEMA: Final = """
create table if not exists vendor_row (
    list text not null,
    id integer not null,
    key text,
    modified text not null,
    changed real not null,
    first text,
    last text,
    project_id integer,
    kind integer,
    code text,
    body blob not null,
    before blob,
    primary key (list, id)
) without rowid;
create unique index if not exists vendor_row_key on vendor_row (list, key) where key is not null;
create index if not exists vendor_row_modified on vendor_row (list, modified);
create index if not exists vendor_row_code on vendor_row (list, code) where code is not null;
"""

INSTANT: Final = "%Y-%m-%d %H:%M:%S"
_UNTIMED: Final = frozenset({"clients", "departments", "public-holidays", "holidays"})


class Tables:
    """Reads and writes the rows of one account; ``now`` is the account's clock, in UTC."""

    def __init__(self, state: State, now: Callable[[], datetime]) -> None:
        self._state = state
        self._now = now

    def clear(self) -> None:
        """Forget every row; ids are not used again."""
        self._state.run("delete from vendor_row")

    def add(self, name: str, body: Body, *, key: str | None = None) -> Body:
        """A new row of list ``name``; ``key`` is what the seed calls it."""
        row_id = self._state.bump(f"{name}_ids")
        now = self._now()
        made: Body = {ID_MEMBERS[name]: row_id, **body}
        stamp = now.strftime(INSTANT)
        if name not in _UNTIMED:
            made |= {"created": stamp, "modified": None}
        self._state.run(
            "insert into vendor_row (list, id, key, modified, changed, first, last, project_id, kind, code, body) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (name, row_id, key, stamp, now.timestamp(), *_filters(made), msgspec.json.encode(made)),
        )
        return made

    def change(self, name: str, row_id: int, changes: Body) -> Body:
        """The row ``row_id`` with ``changes``; its time of change moves on, if only by a second."""
        held = self._state.row("select modified, body from vendor_row where list = ? and id = ?", (name, row_id))
        if held is None:
            raise LookupError(f"{name} {row_id}")
        now = self._now()
        stamp = max(now.strftime(INSTANT), _a_second_after(held["modified"]))
        made: Body = {**msgspec.json.decode(held["body"]), **changes}
        if name not in _UNTIMED:
            made["modified"] = stamp
        self._state.run(
            "update vendor_row set modified = ?, changed = ?, first = ?, last = ?, project_id = ?, kind = ?, code = ?, "
            "body = ?, before = ? where list = ? and id = ?",
            (stamp, now.timestamp(), *_filters(made), msgspec.json.encode(made), held["body"], name, row_id),
        )
        return made

    def put(self, name: str, key: str, body: Body) -> Body:
        """The row that the seed calls ``key``, added or changed."""
        row_id = self.id_of(name, key)
        return self.add(name, body, key=key) if row_id is None else self.change(name, row_id, body)

    def delete(self, name: str, row_id: int) -> bool:
        """Delete a row for good; False where there is none. Nothing tells of it."""
        return self._state.run("delete from vendor_row where list = ? and id = ?", (name, row_id)) > 0

    def id_of(self, name: str, key: str) -> int | None:
        """The id of the row that the seed calls ``key``."""
        found = self._state.row("select id from vendor_row where list = ? and key = ?", (name, key))
        return None if found is None else int(found["id"])

    def id_of_code(self, name: str, code: str) -> int | None:
        """The id of the row with this code, whatever its case."""
        found = self._state.row("select id from vendor_row where list = ? and code = ?", (name, code.casefold()))
        return None if found is None else int(found["id"])

    def get(self, name: str, row_id: int) -> Body | None:
        """The row ``row_id`` as it is now."""
        found = self._state.row("select body from vendor_row where list = ? and id = ?", (name, row_id))
        return None if found is None else msgspec.json.decode(found["body"])

    def all(self, name: str) -> Iterator[Body]:
        """Every row of a list in the order of ids."""
        for row in self._state.rows("select body from vendor_row where list = ? order by id", (name,)):
            yield msgspec.json.decode(row["body"])

    def count(self, name: str, where: str, values: Sequence[SqlValue]) -> int:
        """How many rows of a list meet the condition ``where``."""
        found = self._state.row(f"select count(*) as n from vendor_row where list = ?{where}", (name, *values))  # noqa: S608 - conditions of our own
        return 0 if found is None else int(found["n"])

    def select(
        self, name: str, where: str, values: Sequence[SqlValue], *, visible_until: float | None
    ) -> Iterator[Body]:
        """Rows of a list under ``where`` (with order and page); what changed after ``visible_until`` is as before."""
        for row in self._state.rows(
            f"select changed, body, before from vendor_row where list = ?{where}",  # noqa: S608 - as above
            (name, *values),
        ):
            if visible_until is None or row["changed"] <= visible_until:
                yield msgspec.json.decode(row["body"])
            elif row["before"] is not None:
                yield msgspec.json.decode(row["before"])


def hours_text(minutes: int) -> str:
    """Minutes as hours with four decimals at most."""
    return f"{(Decimal(minutes) / 60).quantize(Decimal('0.0001')).normalize():f}"


def _filters(body: Body) -> tuple[SqlValue, ...]:
    """What lists are filtered by: first and last day, project, type of people, code."""
    dates = body.get("dates")
    days = sorted(str(one) for one in dates) if isinstance(dates, list) else []
    first = _text(body.get("start_date")) or (days[0] if days else None)
    last = (
        _text(body.get("repeat_end_date") or body.get("repeat_end") or body.get("end_date"))
        or (days[-1] if days else None)
    )  # fmt: skip
    code = body.get("project_code")
    return (
        first,
        last,
        _number(body.get("project_id")),
        _number(body.get("people_type_id")),
        code.casefold() if isinstance(code, str) else None,
    )


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) else None


def _a_second_after(stamp: str) -> str:
    at = datetime.strptime(stamp, INSTANT).replace(tzinfo=UTC)
    return (at + timedelta(seconds=1)).strftime(INSTANT)
