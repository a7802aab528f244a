"""Float's own types, as its API reference documents them; ``mapping`` and ``masters`` say what they mean to us.

Ids are integers, flags the integers 0 and 1, hours and amounts numbers or texts of numbers, instants texts without a
zone (``2026-01-31 23:59:59``), which are only ever compared with each other. Both days of a span belong to it. Members
that every row has have no default here, so that one that is no longer there is noticed; those that the hub does not
read are left out, so that new ones do no harm.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, TypeAlias

import msgspec

Key: TypeAlias = Annotated[int, msgspec.Meta(gt=0)]
Flag: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1)]


class FloatTag(msgspec.Struct, frozen=True):
    """A word that people are found by; firms keep skills in them."""

    name: str


class FloatDepartmentOf(msgspec.Struct, frozen=True):
    """The department of a person, as the person's row tells it."""

    department_id: Key


class FloatPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "People". ``work_days_hours`` are from Sunday to Saturday and only there for people in part time."""

    people_id: Key
    name: str
    email: str | None
    role_id: Key | None
    department: FloatDepartmentOf | None
    employee_type: Flag
    people_type_id: int
    active: Flag
    region_id: Key | None
    start_date: date | None
    work_days_hours: list[Decimal | None] | None
    tags: list[FloatTag] | None
    created: str | None
    end_date: date | None = None
    modified: str | None = None


class FloatDepartment(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Departments"."""

    department_id: Key
    name: str
    parent_id: Key | None = None


class FloatRole(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Roles"."""

    id: Key
    name: str
    created: str | None = None
    modified: str | None = None


class FloatCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Clients": a client has a name and nothing else."""

    client_id: Key
    name: str


class FloatTeamMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a project's team (``expand=project_team``); of an unassigned role it is the role's placeholder."""

    people_id: Key
    role_id: Key | None = None


class FloatProject(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Projects". ``project_code`` is unique over all projects, whatever its case."""

    project_id: Key
    name: str
    project_code: str | None
    client_id: Key | None
    notes: str | None
    status: int
    active: Flag
    budget_type: int | None
    budget_total: Decimal | None
    start_date: date | None
    end_date: date | None
    created: str | None
    modified: str | None = None
    project_team: list[FloatTeamMember] | None = None


class FloatPhase(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Phases": a stretch of a project."""

    phase_id: Key
    project_id: Key
    name: str
    start_date: date | None
    end_date: date | None
    non_billable: Flag | None
    active: Flag
    created: str | None
    modified: str | None = None


class FloatProjectTask(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Project Tasks": a name that allocations of a project carry; ``phase_id`` 0 is no phase."""

    task_meta_id: Key
    project_id: Key
    phase_id: int | None
    task_name: str
    billable: Flag | None
    created: str | None
    modified: str | None = None


class FloatAllocation(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Allocations" (``/tasks``): ``hours`` a day for one person or several.

    ``task_days`` (``expand=task_days``) are the days on which one of them works.
    """

    task_id: Key
    project_id: Key
    start_date: date
    end_date: date
    hours: Decimal
    status: int
    notes: str | None
    repeat_state: int | None
    created: str | None
    people_id: Key | None = None
    people_ids: list[Key] | None = None
    phase_id: int | None = None
    task_meta_id: int | None = None
    repeat_end_date: date | None = None
    modified: str | None = None
    task_days: list[date] | None = None


class FloatTimeOff(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Time Off": whole days where ``full_day`` is 1, else ``hours`` a day, of one person or several."""

    timeoff_id: Key
    timeoff_type_id: Key
    timeoff_type_name: str | None
    people_ids: list[Key]
    start_date: date
    end_date: date
    hours: Decimal | None
    full_day: Flag | None
    status: int
    repeat_state: int | None
    created: str | None
    repeat_end: date | None = None
    modified: str | None = None


class FloatPublicHoliday(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Public Holidays": ``id`` is unique in its region only."""

    id: Key
    name: str
    dates: list[date]
    region: Key | None


class FloatTeamHoliday(msgspec.Struct, frozen=True, kw_only=True):
    """Reference "Team Holidays": free for everybody."""

    holiday_id: Key
    name: str
    first_day: date = msgspec.field(name="date")
    end_date: date | None = None


class FloatError(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an error answer."""

    name: str
    message: str
    status: int


class FloatFieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the body that may come with 422: what is wrong with one field."""

    field: str
    message: str
