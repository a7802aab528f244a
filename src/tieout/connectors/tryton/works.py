"""Projects, their tasks and their status: Tryton keeps all of them as works, a task below its project.

The number of a work is Tryton's own to give, so its name begins with our code; codes of tasks are unique in their
project. A work carries our reference and what it has no field for in its comment (``remarks``). Neighbours: ``write``
hands commands in, ``directory`` finds parties and companies.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tieout.connect.outcome import Accepted, AlreadyDone, Found, Outcome, Rejected, RejectionCode
from tieout.connectors.tryton import remarks
from tieout.connectors.tryton.client import TrytonClient, rows_of
from tieout.connectors.tryton.directory import Directory
from tieout.connectors.tryton.mapping import Company, fit_text
from tieout.connectors.tryton.masters import created, found_by
from tieout.connectors.tryton.options import Options
from tieout.connectors.tryton.outcome_codes import Answered
from tieout.connectors.tryton.records import Values, decimal_value
from tieout.connectors.tryton.reported import split_name
from tieout.errors import ContractError
from tieout.model.command import SetProjectStatus, UpsertProject, UpsertTask

_ALL: Final = (0, None, [["id", "ASC"]])
_WILD: Final = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
_FIELDS: Final = ["name", "party", "parent", "comment", "status", "progress", "effort_duration"]
_FILLED_OTHERWISE: Final = frozenset({*_FIELDS, "type", "company", "number", "id"})
_TEXTS: Final = frozenset({"char", "text", "selection"})
_SECONDS: Final = 3600


class _Duration(msgspec.Struct, frozen=True):
    seconds: Decimal


class _Work(msgspec.Struct, frozen=True):
    id: int
    name: str
    party: int | None
    parent: int | None
    comment: str | None
    status: int
    progress: Decimal | None
    effort_duration: _Duration | None

    def holds(self, name: str, value: object) -> bool:
        """Whether a field has this value already."""
        if name == "effort_duration":
            return self.effort_duration is not None and value == _duration_value(int(self.effort_duration.seconds))
        return name in self.__struct_fields__ and bool(getattr(self, name) == value)


class _Status(msgspec.Struct, frozen=True):
    id: int
    name: str
    progress: Decimal | None


class _Commented(msgspec.Struct, frozen=True):
    id: int
    comment: str | None


class _Field(msgspec.Struct, frozen=True):
    type: str
    readonly: bool = False


class WorkWriter:
    """Writes projects, tasks and statuses into one account of Tryton."""

    def __init__(self, client: TrytonClient, directory: Directory, options: Options) -> None:
        self._client = client
        self._directory = directory
        self._options = options
        self._fields: dict[str, _Field] = {}

    async def project(self, command: UpsertProject, company: Company) -> Outcome:
        """A project of the company, for the customer."""
        customers = await self._directory.parties([command.customer_code])
        customer = customers.get(command.customer_code)
        if customer is None:
            words = f"Tryton has no active party {command.customer_code}."
            return Rejected(code=RejectionCode.CUSTOMER_UNKNOWN, words=words)
        problem = _unfit(command.code)
        if problem is not None:
            return problem
        status = None if command.status is None else await self._status_of(command.status)
        further = await self._further(command.fields)
        if isinstance(status, Rejected):
            return status
        if isinstance(further, Rejected):
            return further
        found = await self._found(command.code, company, project=None)
        values: Values = {
            "name": fit_text(f"{command.code} {command.name}"),
            "party": customer.id,
            "comment": remarks.changed(
                found.comment if found else None, remarks.of_project(command), reference=command.reference
            ),
            **_status_values(status),
            **further,
        }
        return await self._put(found, values, {"type": "project"}, company)

    async def task(self, command: UpsertTask, company: Company) -> Outcome:
        """A task below its project or below another task of it. A closed one has the status for that."""
        problem = _unfit(command.wbs_code)
        if problem is not None:
            return problem
        project = await self._found(command.project_code, company, project=None)
        if project is None:
            return _no_project(command.project_code)
        parent: _Work | None = project
        if command.parent_wbs_code is not None:
            parent = await self._found(command.parent_wbs_code, company, project=project.id)
        if parent is None:
            return _refused(f"Tryton has no task {command.parent_wbs_code} in project {command.project_code}.")
        found = await self._found(command.wbs_code, company, project=project.id)
        progress = await self._openness(found, is_open=command.open_for_time)
        further = await self._further(command.fields)
        effort = _effort(command.planned_hours)
        values: Values = {
            "name": fit_text(f"{command.wbs_code} {command.name}"),
            "parent": parent.id,
            "comment": remarks.changed(
                found.comment if found else None, remarks.of_task(command), reference=command.reference
            ),
        }
        for one in (progress, further, effort):
            if isinstance(one, Rejected):
                return one
            values |= one
        return await self._put(found, values, {"type": "task"}, company)

    async def status(self, command: SetProjectStatus, company: Company) -> Outcome:
        """The status of a project; the comment says which command set it."""
        project = await self._found(command.project_code, company, project=None)
        if project is None:
            return _no_project(command.project_code)
        status = await self._status_of(command.status)
        if isinstance(status, Rejected):
            return status
        mark = {remarks.STATUS_SET_BY: command.reference}
        values: Values = {"comment": remarks.changed(project.comment, mark), **_status_values(status)}
        return await self._put(project, values, {}, company)

    async def find(self, kind: str, references: Sequence[str], company: Company) -> dict[str, Found]:
        """The works that carry our references, or the projects whose status was set under them."""
        if kind == "set_project_status":
            patterns = [f"%{remarks.STATUS_SET_BY}: {one.translate(_WILD)}%" for one in references]
        else:
            patterns = [f"{one.translate(_WILD)}%" for one in references]
        domain: list[object] = [
            ["company", "=", company.id],
            ["type", "=", "task" if kind == "upsert_task" else "project"],
            ["OR", *(["comment", "like", pattern] for pattern in patterns)],
        ]
        answer = await self._client.ask("model.project.work.search_read", domain, *_ALL, ["comment"])
        wanted = set(references)
        pairs = [(_reference(kind, row.comment), row.id) for row in rows_of(answer, _Commented)]
        return found_by((reference, key) for reference, key in pairs if reference in wanted)

    async def _found(self, code: str, company: Company, *, project: int | None) -> _Work | None:
        """The project with a code, or the task with one below ``project``."""
        domain: list[object] = [
            ["company", "=", company.id],
            ["type", "=", "project" if project is None else "task"],
            ["OR", ["name", "=", code], ["name", "like", f"{code.translate(_WILD)} %"]],
        ]
        if project is not None:
            domain.append(["parent", "child_of", [project], "parent"])
        answer = await self._client.ask("model.project.work.search_read", domain, *_ALL, _FIELDS, company=company.id)
        return next((row for row in rows_of(answer, _Work) if split_name(row.name)[0] == code), None)

    async def _status_of(self, state: str) -> _Status | Rejected:
        name = self._options.project_statuses.get(state)
        if name is None:
            return _refused(f"No status of Tryton is set up for {state} (setting project_statuses).")
        return await self._status_named(name, "project")

    async def _status_named(self, name: str, kind: str) -> _Status | Rejected:
        domain = [["name", "=", name], ["types", "in", kind]]
        answer = await self._client.ask("model.project.work.status.search_read", domain, *_ALL, ["name", "progress"])
        found = rows_of(answer, _Status)
        return found[0] if found else _refused(f"Tryton has no active status {name} for a {kind}.")

    async def _openness(self, found: _Work | None, *, is_open: bool) -> Values | Rejected:
        """The status that closes a task, or that opens one which was closed; the status of others stays as it is."""
        closed = await self._status_named(self._options.closed_task_status, "task")
        if isinstance(closed, Rejected):
            return closed
        if not is_open:
            return _status_values(closed)
        if found is None or found.status != closed.id:
            return {}
        opened = await self._status_named(self._options.open_task_status, "task")
        return opened if isinstance(opened, Rejected) else {"status": opened.id, "progress": _share(opened.progress)}

    async def _further(self, fields: Mapping[str, str]) -> Values | Rejected:
        """Tryton's own fields that a command fills, or why one of them cannot be."""
        if not fields.keys() <= self._fields.keys():
            answer = await self._client.ask("model.project.work.fields_get")
            try:
                self._fields = msgspec.convert(answer, dict[str, _Field])
            except msgspec.ValidationError as error:
                raise ContractError(
                    code="TIE-TRYTON-002", message=f"Tryton's fields cannot be read: {error}"
                ) from error
        values: Values = {}
        for name, value in fields.items():
            known = self._fields.get(name)
            if known is None:
                return _refused(f"Tryton has no field {name} on a project or task; nothing was written.")
            if known.readonly or name in _FILLED_OTHERWISE:
                return _refused(f"The field {name} is filled by Tryton or with what the hub knows, not otherwise.")
            typed = _typed(value, known.type)
            if typed is None:
                return _refused(f"The field {name} of Tryton does not take {value!r}.")
            values[name] = typed
        return values

    async def _put(self, found: _Work | None, values: Values, new: Values, company: Company) -> Outcome:
        """Change the work that was found in what differs, or make one."""
        if found is None:
            record = {**values, **new, "company": company.id}
            return created(await self._client.tell("model.project.work.create", [record], company=company.id))
        change = {name: value for name, value in values.items() if not found.holds(name, value)}
        if not change:
            return AlreadyDone(ref=str(found.id))
        told = await self._client.tell("model.project.work.write", [found.id], change, company=company.id)
        return Accepted(ref=str(found.id)) if isinstance(told, Answered) else told


def _reference(kind: str, comment: str | None) -> str:
    parts = remarks.parts_of(comment)
    told = parts.remarks.get(remarks.STATUS_SET_BY) if kind == "set_project_status" else parts.reference
    return told or ""


def _status_values(status: _Status | None) -> Values:
    """A status with the least progress that it asks for."""
    if status is None:
        return {}
    return {"status": status.id} | ({} if status.progress is None else {"progress": _share(status.progress)})


def _share(progress: Decimal | None) -> float | None:
    """A share of completion as Tryton takes it: a plain number, which no amount and no hour depends on."""
    return None if progress is None else float(progress)


def _effort(hours: Decimal | None) -> Values | Rejected:
    if hours is None:
        return {}
    seconds = hours * _SECONDS
    if seconds != seconds.to_integral_value():
        return _refused(f"Tryton keeps an effort in whole seconds; {hours} hours are none.")
    return {"effort_duration": _duration_value(int(seconds))}


def _duration_value(seconds: int) -> Values:
    return {"__class__": "timedelta", "seconds": seconds}


def _typed(value: str, kind: str) -> object:
    """A text as a value of a field's type; None where it is none."""
    if kind in _TEXTS:
        return value
    if kind == "boolean":
        return {"true": True, "false": False}.get(value)
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if kind == "numeric":
        return decimal_value(number) if number.is_finite() else None
    is_whole = number.is_finite() and number == number.to_integral_value()
    return int(number) if kind == "integer" and is_whole else None


def _unfit(code: str) -> Rejected | None:
    if code and code == "".join(code.split()):
        return None
    return _refused(f"The code {code!r} cannot begin the name of a work: it is empty or has a blank.")


def _refused(words: str) -> Rejected:
    return Rejected(code=RejectionCode.INVALID, words=words)


def _no_project(code: str) -> Rejected:
    return Rejected(code=RejectionCode.PROJECT_UNKNOWN, words=f"Tryton has no project {code}.")
