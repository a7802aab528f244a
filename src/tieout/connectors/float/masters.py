"""What Float's rows say in canonical words about people, clients, projects, tasks, roles, departments and holidays.

Pure; ``mapping`` calls these for pages of their object. What a row tells to be empty is told as empty. Clients,
departments and holidays tell no time of change. A region has no name in the API: people and public holidays name it by
its key, so that the key is their location. Tags of people are read as skills, of which Float keeps no level.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tieout.connect.json_codec import JsonValue
from tieout.connect.source import Translated
from tieout.connectors.float.fields import (
    UNCHANGING,
    UnmappableError,
    day_after,
    iso_day_after,
    iso_text,
    phase_key,
    read_row,
    references_to,
    version_of,
    version_or_unchanging,
)
from tieout.connectors.float.marks import split_customer_name
from tieout.connectors.float.records import (
    FloatCustomer,
    FloatDepartment,
    FloatPerson,
    FloatPhase,
    FloatProject,
    FloatProjectTask,
    FloatPublicHoliday,
    FloatRole,
    FloatTeamHoliday,
)
from tieout.model.reported import FieldValue, RecordType, ReportedRecord

_PEOPLE: Final = {1: "employee", 2: "contractor", 3: "generic", 4: "generic"}
"""Reference "People", ``people_type_id``: employee, contractor, placeholder, placeholder of an unassigned role."""

_BUDGET_OF_HOURS: Final = 1
_STATUSES: Final = {0: None, 1: None, 2: "active", 3: "delivery_complete", 4: "archived"}
"""Reference "Projects", ``status``: draft, tentative, confirmed, completed, canceled. The first two are one of several
of our states, so that none is told."""


def _role(row: FloatRole) -> Iterator[Translated]:
    version = version_or_unchanging(row.modified, row.created)
    yield ReportedRecord(type=RecordType.ROLE, source_id=str(row.id), version=version, fields={"name": row.name})


def _department(row: FloatDepartment) -> Iterator[Translated]:
    yield ReportedRecord(
        type=RecordType.ORG_UNIT,
        source_id=str(row.department_id),
        version=UNCHANGING,
        fields={"name": row.name},
        references=references_to(parent_unit=row.parent_id),
    )


def _client(row: FloatCustomer) -> Iterator[Translated]:
    told = split_customer_name(row.name)
    fields: dict[str, FieldValue] = {"name": told.name}
    if told.code is not None:
        fields["code"] = told.code
    yield ReportedRecord(type=RecordType.CLIENT, source_id=str(row.client_id), version=UNCHANGING, fields=fields)


def _person(row: FloatPerson) -> Iterator[Translated]:
    kind = _PEOPLE.get(row.people_type_id)
    if kind is None:
        raise UnmappableError(f"the people type {row.people_type_id} is unknown")
    fields: dict[str, FieldValue] = {
        "name": row.name,
        "email": row.email,
        "kind": kind,
        "employment_from": iso_text(row.start_date),
        "employment_to": iso_day_after(row.end_date),
        "location": None if row.region_id is None else str(row.region_id),
    }
    if row.employee_type:
        fields["fte"] = "1"
    if row.work_days_hours is not None:
        fields["weekly_hours"] = f"{sum((one or Decimal(0) for one in row.work_days_hours), Decimal(0)):f}"
    version = version_of(row.modified, row.created)
    yield ReportedRecord(
        type=RecordType.RESOURCE,
        source_id=str(row.people_id),
        version=version,
        fields=fields,
        references=references_to(
            role=row.role_id, org_unit=None if row.department is None else row.department.department_id
        ),
    )
    for tag in row.tags or ():
        yield from _skill(row.people_id, tag.name, version)


def _skill(people_id: int, tag: str, version: int) -> Iterator[Translated]:
    yield ReportedRecord(type=RecordType.SKILL, source_id=tag, version=UNCHANGING, fields={"code": tag, "name": tag})
    yield ReportedRecord(
        type=RecordType.RESOURCE_SKILL,
        source_id=f"{people_id}/{tag}",
        version=version,
        fields={},
        references={"resource": str(people_id), "skill": tag},
    )


def _project(row: FloatProject) -> Iterator[Translated]:
    if row.status not in _STATUSES:
        raise UnmappableError(f"the status {row.status} is unknown")
    fields: dict[str, FieldValue] = {
        "code": row.project_code,
        "name": row.name,
        "starts": iso_text(row.start_date),
        "ends": iso_day_after(row.end_date),
    }
    status = _STATUSES[row.status] if row.active else "archived"
    if status is not None:
        fields["status"] = status
    if row.budget_type == _BUDGET_OF_HOURS:
        fields["budget_hours"] = None if row.budget_total is None else f"{row.budget_total:f}"
    yield ReportedRecord(
        type=RecordType.PROJECT,
        source_id=str(row.project_id),
        version=version_of(row.modified, row.created),
        fields=fields,
        references=references_to(client=row.client_id),
    )


def _phase(row: FloatPhase) -> Iterator[Translated]:
    fields: dict[str, FieldValue] = {
        "name": row.name,
        "open_for_time": bool(row.active),
        "starts": iso_text(row.start_date),
        "ends": iso_day_after(row.end_date),
    }
    if row.non_billable is not None:
        fields["billable"] = not row.non_billable
    yield ReportedRecord(
        type=RecordType.TASK,
        source_id=phase_key(row.phase_id),
        version=version_of(row.modified, row.created),
        fields=fields,
        references=references_to(project=row.project_id),
    )


def _project_task(row: FloatProjectTask) -> Iterator[Translated]:
    fields: dict[str, FieldValue] = {"name": row.task_name}
    if row.billable is not None:
        fields["billable"] = bool(row.billable)
    references = references_to(project=row.project_id)
    if row.phase_id:
        references["parent"] = phase_key(row.phase_id)
    yield ReportedRecord(
        type=RecordType.TASK,
        source_id=str(row.task_meta_id),
        version=version_of(row.modified, row.created),
        fields=fields,
        references=references,
    )


def _public_holiday(row: FloatPublicHoliday) -> Iterator[Translated]:
    for day in row.dates:
        yield _holiday(f"{row.region}-{row.id}-{day}", day, row.name, location=row.region)


def _team_holiday(row: FloatTeamHoliday) -> Iterator[Translated]:
    last = row.first_day if row.end_date is None else row.end_date
    if last < row.first_day:
        raise UnmappableError(f"it ends on {last}, before it starts on {row.first_day}")
    day, behind = row.first_day, day_after(last)
    while day < behind:
        yield _holiday(f"team-{row.holiday_id}-{day}", day, row.name)
        day += timedelta(days=1)


def _holiday(source_id: str, day: date, name: str, *, location: int | None = None) -> ReportedRecord:
    fields: dict[str, FieldValue] = {"day": day.isoformat(), "name": name, "fraction": "1"}
    if location is not None:
        fields["location"] = str(location)
    return ReportedRecord(type=RecordType.HOLIDAY, source_id=source_id, version=UNCHANGING, fields=fields)


def _task_or_phase(value: JsonValue) -> list[Translated]:
    if isinstance(value, dict) and "task_meta_id" in value:
        return read_row("Project task", value, "task_meta_id", FloatProjectTask, _project_task)
    return read_row("Phase", value, "phase_id", FloatPhase, _phase)


def _any_holiday(value: JsonValue) -> list[Translated]:
    if isinstance(value, dict) and "holiday_id" in value:
        return read_row("Team holiday", value, "holiday_id", FloatTeamHoliday, _team_holiday)
    return read_row("Public holiday", value, "id", FloatPublicHoliday, _public_holiday)


TRANSLATE: Final[Mapping[str, Callable[[JsonValue], list[Translated]]]] = {
    "roles": lambda value: read_row("Role", value, "id", FloatRole, _role),
    "departments": lambda value: read_row("Department", value, "department_id", FloatDepartment, _department),
    "clients": lambda value: read_row("Client", value, "client_id", FloatCustomer, _client),
    "people": lambda value: read_row("Person", value, "people_id", FloatPerson, _person),
    "projects": lambda value: read_row("Project", value, "project_id", FloatProject, _project),
    "project-tasks": _task_or_phase,
    "holidays": _any_holiday,
}
