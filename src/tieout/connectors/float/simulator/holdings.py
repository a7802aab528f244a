"""What a simulated account really holds of what was written to it, past its API: the oracle of tests.

Everything is told whoever made it, in the words of the hub's commands; an end as the first day after. So are the soft
and firm allocations of people, as ``assignment``. A client's name
carries a digest of the reference it was written under, which is told in the reference's place. Of a status only the
words that mean one thing are told. Neighbours: ``account`` gives these out.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tieout.connect.simulator.control import Holding
from tieout.connectors.float.simulator.tables import Body, Json, Tables

_CLIENT: Final = re.compile(r"(?P<name>.*\S) \[(?P<code>\S+?)(?: (?P<digest>[0-9a-f]{10}))?\]", re.DOTALL)
_STATUSES: Final = {0: "proposed", 2: "active", 3: "delivery_complete"}
_BUDGET_OF_HOURS: Final = 1
_SATURDAY: Final = 6
_BOOKINGS: Final = {1: "soft", 2: "hard"}
_OWN_FIELDS: Final = ("color", "default_hourly_rate", "non_billable", "project_manager", "stage_id")


def holdings(tables: Tables) -> Iterator[Holding]:
    """Every client, project, status, published demand and allocation of a person."""
    names: dict[Json, str] = {}
    for client in tables.all("clients"):
        told = _CLIENT.fullmatch(str(client["name"]))
        code = None if told is None else told["code"]
        names[client["client_id"]] = code or ""
        yield Holding(
            kind="upsert_customer",
            reference="" if told is None else told["digest"] or "",
            id=str(client["client_id"]),
            code=code,
            facts={"name": str(client["name"]) if told is None else told["name"]},
        )
    codes: dict[Json, str] = {}
    for project in tables.all("projects"):
        codes[project["project_id"]] = str(project["project_code"])
        yield from _of_project(project, names, tables)
    people = {one["people_id"]: str(one["email"]) for one in tables.all("people")}
    for task in tables.all("tasks"):
        yield from _of_allocation(task, people, codes)


def _of_project(project: Body, customers: Mapping[Json, str], tables: Tables) -> Iterator[Holding]:
    code, key = str(project["project_code"]), str(project["project_id"])
    notes = str(project["notes"] or "")
    facts = _facts(project, customers)
    yield Holding(kind="upsert_project", reference=_mark(notes, "project"), id=key, code=code, facts=facts)
    if _mark(notes, "status"):
        told = {name: value for name, value in facts.items() if name == "status"}
        yield Holding(kind="set_project_status", reference=_mark(notes, "status"), id=key, code=code, facts=told)
    if _mark(notes, "demand"):
        demand = _demand(project, tables)
        yield Holding(kind="publish_demand", reference=_mark(notes, "demand"), id=key, code=code, facts=demand)


def _of_allocation(task: Body, people: Mapping[Json, str], codes: Mapping[Json, str]) -> Iterator[Holding]:
    person, status = task["people_id"], task["status"]
    state = _BOOKINGS.get(status) if isinstance(status, int) else None
    if state is None or person not in people or _mark(str(task["notes"] or ""), "line"):
        return
    last = date.fromisoformat(str(task["end_date"]))
    facts = {
        "person": people[person].casefold(),
        "project": codes[task["project_id"]],
        "starts": str(task["start_date"]),
        "ends": (last + timedelta(days=1)).isoformat(),
        "hours_per_day": f"{Decimal(str(task['hours'])).normalize():f}",
        "state": state,
    }
    yield Holding(kind="assignment", reference="", id=str(task["task_id"]), facts=facts)


def _facts(project: Body, customers: Mapping[Json, str]) -> dict[str, str]:
    last = project["end_date"]
    ends = (date.fromisoformat(last) + timedelta(days=1)).isoformat() if isinstance(last, str) else None
    status = _STATUSES.get(project["status"]) if isinstance(project["status"], int) else None
    facts: dict[str, Json] = {
        "name": project["name"],
        "customer_code": customers.get(project["client_id"]),
        "starts": project["start_date"],
        "ends": ends,
        "status": status if project["active"] else "archived",
        "budget_hours": project["budget_total"] if project["budget_type"] == _BUDGET_OF_HOURS else None,
    }
    facts |= {f"field:{name}": project[name] for name in _OWN_FIELDS}
    return {name: str(value) for name, value in facts.items() if value is not None}


def _demand(project: Body, tables: Tables) -> dict[str, str]:
    """Hours and lines of what is published of a project, whether or not somebody was given it."""
    hours, lines = Decimal(0), set[str]()
    for task in tables.all("tasks"):
        line = _mark(str(task["notes"] or ""), "line")
        if line and task["project_id"] == project["project_id"]:
            lines.add(line.rpartition("/")[0])
            hours += Decimal(str(task["hours"])) * _working_days(task)
    facts = {"hours": f"{hours.normalize():f}", "lines": str(len(lines))}
    if project["budget_type"] == _BUDGET_OF_HOURS:
        facts["budget_hours"] = str(project["budget_total"])
    return facts


def _working_days(task: Body) -> int:
    first, last = date.fromisoformat(str(task["start_date"])), date.fromisoformat(str(task["end_date"]))
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return sum(day.isoweekday() < _SATURDAY for day in days)


def _mark(notes: str, kind: str) -> str:
    found = re.findall(rf"^Tieout {kind} (\S+)$", notes, re.MULTILINE)
    return str(found[-1]) if found else ""
