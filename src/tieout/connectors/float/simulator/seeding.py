"""How the seed firm becomes a Float account, and what people do in it by hand.

A client's name ends with its code, as a firm writes it that lets the hub write here. Regions are where people work: a
public holiday of a country is one of each region of it. Neighbours: ``account`` calls these, ``tables`` keeps the rows.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tieout.connect.simulator.base import UnsupportedChangeError
from tieout.connect.simulator.control import (
    Change,
    DeleteRecord,
    PutAssignment,
    PutClient,
    PutPerson,
    PutProject,
    PutTimeOff,
)
from tieout.connect.simulator.seed import (
    SeedAssignment,
    SeedClient,
    SeedFirm,
    SeedPerson,
    SeedProject,
    SeedTask,
    SeedTimeOff,
)
from tieout.connect.simulator.state import State
from tieout.connectors.float.simulator.tables import Body, Json, Tables, hours_text

_PROJECT_STATUSES: Final = {"proposed": 0, "approved": 1, "active": 2, "closed": 3, "delivery_complete": 3}
_BOOKING_STATUSES: Final = {"draft": 0, "soft": 1, "hard": 2, "completed": 3, "cancelled": 4, "canceled": 4}
_LEAVE_STATUSES: Final = {"requested": 1, "approved": 2, "denied": 3, "rejected": 3}
_UNASSIGNED_ROLE: Final = 4
_FULL_WEEK_HOURS: Final = Decimal(40)
_WORKING_DAYS: Final = 5
_LISTS: Final = {
    "client": "clients",
    "person": "people",
    "project": "projects",
    "assignment": "tasks",
    "time_off": "timeoffs",
}


class Seeding:
    """Fills one account, and changes it as people do past the API."""

    def __init__(self, state: State, tables: Tables) -> None:
        self._state = state
        self._tables = tables

    def fill(self, firm: SeedFirm) -> None:
        """Replace everything by ``firm``."""
        with self._state.transaction():
            self._tables.clear()
            places = {(self._country(firm, one), one.location) for one in firm.people if one.location is not None}
            homeless = {one.country for one in firm.holidays} - {country for country, _ in places}
            regions = sorted([*places, *((country, country) for country in homeless)])
            self._state.put("regions", [list(one) for one in regions])
            for role in firm.roles:
                self._role(role)
            for client in firm.clients:
                self._put_client(client)
            for project in firm.projects:
                self._put_project(project)
            for person in firm.people:
                self._put_person(person)
            self._fill_calendar(firm)

    def apply(self, change: Change) -> None:
        """What people do by hand; raises UnsupportedChangeError for what Float has nothing like."""
        with self._state.transaction():
            match change:
                case PutClient():
                    self._put_client(change.client)
                case PutProject():
                    self._put_project(change.project)
                case PutPerson():
                    self._put_person(change.person)
                case PutAssignment():
                    self._put_assignment(change.assignment)
                case PutTimeOff():
                    self._put_time_off(change.time_off)
                case DeleteRecord(kind=kind) if kind in _LISTS:
                    self._delete(_LISTS[kind], change.key)
                case _:
                    raise UnsupportedChangeError(f"float cannot {type(change).__name__}")

    def regions(self) -> list[list[str]]:
        """Country and place of each region, in the order of their ids from 1."""
        return self._state.get("regions", list[list[str]]())

    def _fill_calendar(self, firm: SeedFirm) -> None:
        for number, holiday in enumerate(firm.holidays):
            for region, (country, _) in enumerate(self.regions(), start=1):
                if country == holiday.country:
                    body: Body = {"name": holiday.name, "dates": [holiday.day], "region": region}
                    self._tables.put("public-holidays", f"{number}-{region}", body)
        for time_off in firm.time_off:
            self._put_time_off(time_off)
        for assignment in firm.assignments:
            self._put_assignment(assignment)

    @staticmethod
    def _country(firm: SeedFirm, person: SeedPerson) -> str:
        return next(one.country for one in firm.entities if one.code == person.entity)

    def _put_client(self, client: SeedClient) -> None:
        self._tables.put("clients", client.code, {"name": f"{client.name} [{client.code}]"})

    def _put_project(self, project: SeedProject) -> None:
        made = self._tables.put(
            "projects",
            project.code,
            {
                "name": project.name,
                "project_code": project.code,
                "client_id": self._needed("clients", project.client),
                "start_date": project.starts,
                "end_date": project.ends,
                "status": _status(_PROJECT_STATUSES, project.status),
                **PROJECT_DEFAULTS,
            },
        )
        for task in project.tasks:
            self._put_task(made["project_id"], task)

    def _put_task(self, project_id: Json, task: SeedTask) -> None:
        body: Body = {
            "project_id": project_id,
            "phase_id": 0,
            "task_name": task.name,
            "billable": int(task.billable),
            "budget": None,
        }
        row_id = self._tables.id_of("project-tasks", task.key)
        held = None if row_id is None else self._tables.get("project-tasks", row_id)
        if held is None or any(held[name] != value for name, value in body.items()):
            self._tables.put("project-tasks", task.key, body)

    def _put_person(self, person: SeedPerson) -> None:
        weekly = Decimal(person.weekly_minutes) / 60 * Decimal(person.fte)
        day = f"{(weekly / _WORKING_DAYS).normalize():f}"
        is_full = weekly == _FULL_WEEK_HOURS
        body: Body = {
            "name": person.name,
            "email": person.email,
            "job_title": person.role,
            "role_id": self._role(person.role),
            "department": self._department(person.department),
            "people_type_id": 1,
            "employee_type": int(Decimal(person.fte) == 1),
            "active": 1,
            "region_id": self._region(person),
            "start_date": person.employed_from,
            "end_date": None if person.employed_to is None else _day_before(person.employed_to),
            "work_days_hours": None if is_full else ["0", day, day, day, day, day, "0"],
            "tags": [{"name": one, "type": 1} for one in person.skills],
            "notes": None,
        }
        self._tables.put("people", person.key, body)

    def _put_assignment(self, assignment: SeedAssignment) -> None:
        project_id = self._needed("projects", assignment.project)
        person_id = (
            self._placeholder(project_id, assignment.role)
            if assignment.person is None
            else self._needed("people", assignment.person)
        )
        self._tables.put(
            "tasks",
            assignment.key,
            {
                "project_id": project_id,
                "people_id": person_id,
                "people_ids": None,
                "start_date": assignment.starts,
                "end_date": assignment.ends,
                "hours": hours_text(assignment.minutes_per_day),
                "status": _status(_BOOKING_STATUSES, assignment.status),
                "notes": assignment.notes,
                **TASK_DEFAULTS,
            },
        )

    def _put_time_off(self, time_off: SeedTimeOff) -> None:
        minutes = time_off.minutes_per_day
        self._tables.put(
            "timeoffs",
            time_off.key,
            {
                "timeoff_type_id": sum(time_off.kind.encode()) + 1,
                "timeoff_type_name": time_off.kind,
                "people_ids": [self._needed("people", time_off.person)],
                "start_date": time_off.starts,
                "end_date": time_off.ends,
                "hours": None if minutes is None else hours_text(minutes),
                "full_day": int(minutes is None),
                "status": _status(_LEAVE_STATUSES, time_off.status),
                "repeat_state": 0,
                "repeat_end": None,
                "timeoff_notes": "",
            },
        )

    def _delete(self, name: str, key: str) -> None:
        """What belongs to a person or a project goes with it; projects of a client stay without one."""
        row_id = self._needed(name, key)
        self._tables.delete(name, row_id)
        for body in list(self._tables.all("projects")) if name == "clients" else ():
            if body["client_id"] == row_id:
                self._tables.change("projects", _id(body["project_id"]), {"client_id": None})
        if name in {"people", "projects"}:
            member = "people_id" if name == "people" else "project_id"
            for body in [one for one in self._tables.all("tasks") if one[member] == row_id]:
                self._tables.delete("tasks", _id(body["task_id"]))
        if name == "people":
            for body in [one for one in self._tables.all("timeoffs") if one["people_ids"] == [row_id]]:
                self._tables.delete("timeoffs", _id(body["timeoff_id"]))

    def _role(self, name: str) -> int:
        row_id = self._tables.id_of("roles", name)
        return _id(self._tables.add("roles", {"name": name}, key=name)["id"]) if row_id is None else row_id

    def _department(self, name: str | None) -> Json:
        if name is None:
            return None
        row_id = self._tables.id_of("departments", name)
        if row_id is None:
            row_id = _id(self._tables.add("departments", {"name": name, "parent_id": None}, key=name)["department_id"])
        return {"department_id": row_id, "name": name}

    def _region(self, person: SeedPerson) -> int | None:
        places = [place for _, place in self.regions()]
        if person.location is None:
            return None
        if person.location not in places:
            self._state.put("regions", [*self.regions(), ["", person.location]])
            return len(places) + 1
        return places.index(person.location) + 1

    def _placeholder(self, project_id: int, role: str | None) -> int:
        if role is None:
            raise UnsupportedChangeError("a booking is of a person or of a role")
        return add_placeholder(self._tables, project_id, self._role(role), role)

    def _needed(self, name: str, key: str) -> int:
        row_id = self._tables.id_of(name, key)
        if row_id is None and name == "projects":
            row_id = self._tables.id_of_code(name, key)
        if row_id is None:
            raise UnsupportedChangeError(f"{name} has no row {key!r}")
        return row_id


PROJECT_DEFAULTS: Final[Body] = {
    "notes": "",
    "active": 1,
    "budget_type": 0,
    "budget_total": None,
    "color": "7EC2FB",
    "default_hourly_rate": None,
    "non_billable": 0,
    "all_pms_schedule": 1,
    "locked_task_list": 0,
    "project_manager": None,
    "stage_id": None,
    "project_team": [],
}
TASK_DEFAULTS: Final[Body] = {
    "phase_id": 0,
    "task_meta_id": 0,
    "name": "",
    "billable": 1,
    "priority": 0,
    "start_time": None,
    "repeat_state": 0,
    "repeat_end_date": None,
}


def add_placeholder(tables: Tables, project_id: int, role_id: int, role: str) -> int:
    """The placeholder of an unassigned role in a project's team, made where there is none yet."""
    project = tables.get("projects", project_id) or {}
    held = project.get("project_team")
    team = held if isinstance(held, list) else []
    for member in team:
        if isinstance(member, dict) and member["role_id"] == role_id:
            return _id(member["people_id"])
    person = tables.add(
        "people",
        {
            "name": role,
            "email": None,
            "job_title": role,
            "role_id": role_id,
            "department": None,
            "people_type_id": _UNASSIGNED_ROLE,
            "employee_type": 1,
            "active": 1,
            "region_id": None,
            "start_date": None,
            "end_date": None,
            "work_days_hours": None,
            "tags": [],
            "notes": None,
        },
    )
    placed: Json = {"people_id": person["people_id"], "role_id": role_id, "phase_id": None, "hourly_rate": None}
    tables.change("projects", project_id, {"project_team": [*team, placed]})
    return _id(person["people_id"])


def _id(value: Json) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no id")
    return value


def _status(known: dict[str, int], word: str) -> int:
    if word not in known:
        raise UnsupportedChangeError(f"float has no status {word!r}")
    return known[word]


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
