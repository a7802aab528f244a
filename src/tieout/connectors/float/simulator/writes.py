"""What the API writes: rows made, changed and deleted, with the vendor's refusals. Neighbours: ``account``, ``tables``.

Bodies are read field by field: a field that is not documented is refused, so that a misspelt one cannot pass unseen.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from tieout.connectors.float.simulator.listing import RefusedError
from tieout.connectors.float.simulator.seeding import PROJECT_DEFAULTS, TASK_DEFAULTS, add_placeholder
from tieout.connectors.float.simulator.tables import Body, Json, Tables

_REPEATS_PLAYED: Final = frozenset({0, 1, 3, 4, 5})


class ClientBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A client has a name."""

    name: str | UnsetType = UNSET


class TeamMemberBody(msgspec.Struct, forbid_unknown_fields=True):
    """A role without a person, as it is added to a project's team."""

    people_id: None
    role_id: int
    hourly_rate: str | None = None


class TeamBody(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of a project's team."""

    add: list[TeamMemberBody]


class ProjectBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Fields of a project that may be written."""

    name: str | UnsetType = UNSET
    project_code: str | UnsetType | None = UNSET
    client_id: int | UnsetType | None = UNSET
    notes: str | UnsetType | None = UNSET
    status: int | UnsetType = UNSET
    active: int | UnsetType = UNSET
    budget_type: int | UnsetType = UNSET
    budget_total: Decimal | UnsetType | None = UNSET
    start_date: str | UnsetType | None = UNSET
    end_date: str | UnsetType | None = UNSET
    color: str | UnsetType = UNSET
    default_hourly_rate: str | UnsetType | None = UNSET
    non_billable: int | UnsetType = UNSET
    all_pms_schedule: int | UnsetType = UNSET
    locked_task_list: int | UnsetType = UNSET
    project_manager: int | UnsetType | None = UNSET
    stage_id: int | UnsetType | None = UNSET
    project_team: TeamBody | UnsetType = UNSET


class TaskBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Fields of an allocation that may be written."""

    project_id: int | UnsetType = UNSET
    people_id: int | UnsetType | None = UNSET
    people_ids: list[int] | UnsetType | None = UNSET
    start_date: str | UnsetType = UNSET
    end_date: str | UnsetType = UNSET
    hours: Decimal | UnsetType = UNSET
    status: int | UnsetType = UNSET
    notes: str | UnsetType | None = UNSET
    phase_id: int | UnsetType = UNSET
    task_meta_id: int | UnsetType = UNSET
    repeat_state: int | UnsetType = UNSET
    repeat_end_date: str | UnsetType | None = UNSET


class Writes:
    """Writes into one account; every method raises RefusedError as the vendor refuses."""

    def __init__(self, tables: Tables, *, is_code_unique: Callable[[], bool]) -> None:
        self._tables = tables
        self._is_code_unique = is_code_unique
        self._kinds: Mapping[str, tuple[type[msgspec.Struct], Callable[[Body, int | None], None]]] = {
            "clients": (ClientBody, self._check_client),
            "projects": (ProjectBody, self._check_project),
            "tasks": (TaskBody, self._check_task),
        }

    def create(self, name: str, content: bytes) -> Body:
        """A new row of list ``name``."""
        shape, check = self._kinds[name]
        given = _read(content, shape)
        team = given.pop("project_team", None)
        body = {**_DEFAULTS[name], **given}
        check(body, None)
        made = self._tables.add(name, body)
        return made if team is None else self._with_team(made, team)

    def change(self, name: str, row_id: int, content: bytes) -> Body:
        """The row ``row_id`` with other values."""
        held = self._needed(name, row_id)
        shape, check = self._kinds[name]
        given = _read(content, shape)
        team = given.pop("project_team", None)
        if "people_id" in given and given["people_id"] is not None:
            given.setdefault("people_ids", None)
        check({**held, **given}, row_id)
        made = self._tables.change(name, row_id, given)
        return made if team is None else self._with_team(made, team)

    def delete(self, name: str, row_id: int) -> None:
        """The row ``row_id`` gone."""
        self._needed(name, row_id)
        self._tables.delete(name, row_id)

    def _needed(self, name: str, row_id: int) -> Body:
        held = self._tables.get(name, row_id)
        if held is None:
            raise RefusedError(404, f"Object not found: {row_id}")
        return held

    @staticmethod
    def _check_client(body: Body, row_id: int | None) -> None:
        del row_id
        _filled(body, "name")

    def _check_project(self, body: Body, row_id: int | None) -> None:
        _filled(body, "name")
        code = body["project_code"]
        if isinstance(code, str) and self._is_code_unique():
            holder = self._tables.id_of_code("projects", code)
            if holder not in {None, row_id}:
                raise RefusedError(422, f'Project Code "{code}" has already been taken.', field="project_code")
        self._known(body, "client_id", "clients")
        _in_order(body)

    def _check_task(self, body: Body, row_id: int | None) -> None:
        del row_id
        for member in ("project_id", "start_date", "end_date", "hours"):
            _filled(body, member)
        self._known(body, "project_id", "projects")
        self._known(body, "people_id", "people")
        people = body["people_ids"]
        for one in people if isinstance(people, list) else ():
            self._known({"people_ids": one}, "people_ids", "people")
        if body["people_id"] is None and not people:
            raise RefusedError(422, "People Id cannot be blank.", field="people_id")
        if body["repeat_state"] not in _REPEATS_PLAYED:
            raise RefusedError(400, "Not played here: repetition by months")
        _in_order(body)

    def _known(self, body: Body, member: str, name: str) -> None:
        key = body[member]
        if key is not None and (not isinstance(key, int) or self._tables.get(name, key) is None):
            raise RefusedError(422, f"{member} is invalid.", field=member)

    def _with_team(self, project: Body, team: Json) -> Body:
        """Add roles without a person: each must be held by somebody already."""
        added = msgspec.convert(team, TeamBody)
        project_id = msgspec.convert(project["project_id"], int)
        for member in added.add:
            role = self._tables.get("roles", member.role_id)
            held = any(
                one["role_id"] == member.role_id and one["people_type_id"] == 1 for one in self._tables.all("people")
            )
            if role is None or not held:
                raise RefusedError(422, "Role must be assigned to a person first.", field="role_id")
            add_placeholder(self._tables, project_id, member.role_id, str(role["name"]))
        return self._tables.get("projects", project_id) or project


_DEFAULTS: Final[Mapping[str, Body]] = {
    "clients": {},
    "projects": {
        **PROJECT_DEFAULTS,
        "name": None,
        "project_code": None,
        "client_id": None,
        "start_date": None,
        "end_date": None,
        "status": 2,
    },
    "tasks": {
        **TASK_DEFAULTS,
        **dict.fromkeys(("project_id", "people_id", "people_ids", "start_date", "end_date", "hours")),
        "status": 2,
        "notes": "",
    },
}


def _read(content: bytes, shape: type[msgspec.Struct]) -> Body:
    """The members that a body gives; hours and amounts as text."""
    try:
        given = msgspec.json.decode(content, type=shape)
    except msgspec.DecodeError as error:
        raise RefusedError(422, str(error), field="body") from error
    told = msgspec.to_builtins(given)
    if not isinstance(told, dict):
        raise TypeError("a body is an object")
    for name in ("hours", "budget_total"):
        if isinstance(told.get(name), str):
            told[name] = f"{Decimal(told[name]):f}"
    return told


def _filled(body: Body, member: str) -> None:
    value = body.get(member)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise RefusedError(422, f"{member} cannot be blank.", field=member)


def _in_order(body: Body) -> None:
    first, last = body["start_date"], body["end_date"]
    if isinstance(first, str) and isinstance(last, str) and last < first:
        raise RefusedError(422, "End Date must not be before Start Date.", field="end_date")
