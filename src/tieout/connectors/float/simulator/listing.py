"""A question for a list, read and answered as the vendor's pages say: filters, order, pages, expansions.

A parameter that is not played is refused, so that a connector cannot rely on a filter that nobody applies.
Neighbours: ``account`` has the routes, ``tables`` the rows.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from tieout.connect.simulator.state import SqlValue
from tieout.connectors.float.simulator.tables import ID_MEMBERS, Body, Tables

USUAL_PAGE: Final = 50
LARGEST_PAGE: Final = 200
Shown: TypeAlias = dict[str, object]

_UNASSIGNED_ROLE: Final = 4
_SATURDAY: Final = 6
_WEEKS: Final = {1: 1, 3: 2, 4: 3, 5: 6}
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_PAGING: Final = frozenset({"page", "per-page", "sort", "fields", "expand"})
_OWN: Final[Mapping[str, frozenset[str]]] = {
    "people": frozenset({"people_type_id", "modified_since"}),
    "projects": frozenset({"project_code", "modified_since"}),
    "phases": frozenset({"project_id", "modified_since"}),
    "project-tasks": frozenset({"project_id"}),
    "tasks": frozenset({"project_id", "start_date", "end_date", "modified_since"}),
    "timeoffs": frozenset({"start_date", "end_date", "modified_since"}),
    "public-holidays": frozenset({"start_date", "end_date"}),
}
"""What each list can be filtered by."""


class RefusedError(Exception):
    """The vendor's refusal: a status, and a name and a message or what is wrong with one field."""

    def __init__(self, status: int, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list, and what its headers say."""

    rows: list[Shown]
    total: int
    page: int
    per_page: int


def listed(tables: Tables, name: str, asked: Mapping[str, str], *, visible_until: float | None) -> Listing:
    """The page that is asked for; raises RefusedError for a question that is not played."""
    unknown = sorted(asked.keys() - _PAGING - _OWN.get(name, frozenset()))
    if unknown:
        raise RefusedError(400, f"Not played here: {', '.join(unknown)}")
    page, per_page = _positive(asked, "page", 1), min(_positive(asked, "per-page", USUAL_PAGE), LARGEST_PAGE)
    where, values = _condition(name, asked)
    order = _order(asked.get("sort"), ID_MEMBERS[name])
    rows = tables.select(
        name,
        f"{where}{order} limit ? offset ?",
        (*values, per_page, (page - 1) * per_page),
        visible_until=visible_until,
    )
    expand = frozenset(asked.get("expand", "").split(","))
    fields = asked["fields"].split(",") if "fields" in asked else None
    return Listing(
        rows=[trimmed(shown(name, row, expand), fields) for row in rows],
        total=tables.count(name, where, values),
        page=page,
        per_page=per_page,
    )


def shown(name: str, body: Body, expand: frozenset[str]) -> Shown:
    """A row as the API tells it: hours as numbers, and only the expansions that were asked for."""
    told: Shown = {**body}
    if name == "tasks":
        told["hours"] = Decimal(str(body["hours"]))
        if "task_days" in expand:
            told["task_days"] = list(_days(body))
    if name == "timeoffs" and body["hours"] is not None:
        told["hours"] = Decimal(str(body["hours"]))
    if name == "people" and isinstance(body["work_days_hours"], list):
        told["work_days_hours"] = [Decimal(str(one)) for one in body["work_days_hours"]]
    if name == "projects" and "project_team" not in expand:
        del told["project_team"]
    return told


def trimmed(row: Shown, fields: list[str] | None) -> Shown:
    """Only the members that were asked for."""
    return row if fields is None else {name: value for name, value in row.items() if name in fields}


def _condition(name: str, asked: Mapping[str, str]) -> tuple[str, tuple[SqlValue, ...]]:
    where, values = "", list[SqlValue]()
    if name == "people":
        where += " and kind = ?" if "people_type_id" in asked else " and kind <> ?"
        values.append(int(asked.get("people_type_id", _UNASSIGNED_ROLE)))
    if "project_id" in asked:
        where += " and project_id = ?"
        values.append(_positive(asked, "project_id", 0))
    if "project_code" in asked:
        where += " and code = ?"
        values.append(asked["project_code"].casefold())
    if "start_date" in asked:
        where += " and last >= ?"
        values.append(_day(asked, "start_date"))
    if "end_date" in asked:
        where += " and first <= ?"
        values.append(_day(asked, "end_date"))
    if "modified_since" in asked:
        if not _INSTANT.fullmatch(asked["modified_since"]):
            raise RefusedError(422, "The format of Modified Since is invalid.", field="modified_since")
        where += " and modified >= ?"
        values.append(asked["modified_since"])
    return where, tuple(values)


def _order(sort: str | None, id_member: str) -> str:
    if sort is None or sort == id_member:
        return " order by id"
    if sort == f"-{id_member}":
        return " order by id desc"
    raise RefusedError(400, f"Not played here: sort={sort}")


def _positive(asked: Mapping[str, str], name: str, usual: int) -> int:
    text = asked.get(name, str(usual))
    if not text.isdecimal() or (int(text) < 1 and name in asked):
        raise RefusedError(422, f"{name} must be an integer.", field=name)
    return int(text)


def _day(asked: Mapping[str, str], name: str) -> str:
    try:
        return date.fromisoformat(asked[name]).isoformat()
    except ValueError as error:
        raise RefusedError(422, f"The format of {name} is invalid.", field=name) from error


def _days(body: Body) -> Iterator[str]:
    """The days from Monday to Friday on which an allocation is worked, each time it happens."""
    first, last = date.fromisoformat(str(body["start_date"])), date.fromisoformat(str(body["end_date"]))
    until = date.fromisoformat(str(body["repeat_end_date"] or body["start_date"]))
    state = body["repeat_state"]
    weeks = _WEEKS.get(state, 0) if isinstance(state, int) else 0
    begins = first
    while begins <= until:
        for number in range((last - first).days + 1):
            day = begins + timedelta(days=number)
            if day.isoweekday() < _SATURDAY:
                yield day.isoformat()
        if not weeks:
            return
        begins += timedelta(weeks=weeks)
