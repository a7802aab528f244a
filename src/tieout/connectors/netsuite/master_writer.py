"""Writes customers, projects, tasks and project statuses to NetSuite.

Neighbours: ``write`` hands commands of one kind in, ``directory`` finds what is there by business code, ``masters``
makes the bodies, ``settling`` judges answers. What has the business code is changed; what has not is created by an
upsert on our reference as external id, so that one command makes one record however often it is sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from tieout.connect.http import HttpAnswer
from tieout.connect.outcome import Accepted, Outcome, Rejected, RejectionCode, Unknown
from tieout.connectors.netsuite.client import NetSuiteClient
from tieout.connectors.netsuite.directory import Directory
from tieout.connectors.netsuite.masters import (
    HeldTask,
    MasterBody,
    Members,
    Place,
    encoded,
    further_members,
    kept,
    refused,
    to_customer,
    to_project,
    to_status,
    to_task,
)
from tieout.connectors.netsuite.options import Options
from tieout.connectors.netsuite.records import NetSuiteCustomer, NetSuiteProject, NetSuiteProjectTask
from tieout.connectors.netsuite.settling import answered, not_sent
from tieout.errors import AccessError, ContractError, InvariantError, TransientError, UnknownOutcomeError
from tieout.model.command import Command, SetProjectStatus, UpsertCustomer, UpsertProject, UpsertTask

RECORDS: Final = {"upsert_customer": "customer", "upsert_project": "job", "upsert_task": "projectTask"}
"""The record type that each command writes and that carries our reference as external id."""

_GONE: Final = frozenset({"NONEXISTENT_ID", "RCRD_DSNT_EXIST", "INVALID_KEY_OR_REF"})
_Command = TypeVar("_Command", UpsertCustomer, UpsertProject, UpsertTask, SetProjectStatus)


class MasterWriter:
    """Writes masters into one account."""

    def __init__(self, client: NetSuiteClient, directory: Directory, options: Options) -> None:
        self._client = client
        self._directory = directory
        self._options = options
        self._places = asyncio.Semaphore(options.concurrency)

    async def write(self, commands: Sequence[Command]) -> list[Outcome]:
        """One outcome per command, in order; raises InvariantError for commands of several or unknown kinds."""
        customers = [one for one in commands if isinstance(one, UpsertCustomer)]
        projects = [one for one in commands if isinstance(one, UpsertProject)]
        tasks = [one for one in commands if isinstance(one, UpsertTask)]
        statuses = [one for one in commands if isinstance(one, SetProjectStatus)]
        if len(commands) not in {len(customers), len(projects), len(tasks), len(statuses)}:
            raise InvariantError(
                code="TIE-NETSUITE-007",
                message="One call writes commands of one kind, and of a kind the manifest names.",
            )
        outcomes = [
            *await self._each(customers, self._customer),
            *await self._each(projects, self._project),
            *await self._tasks(tasks),
            *await self._each(statuses, self._status),
        ]
        if any(isinstance(one, Rejected) and one.vendor_code in _GONE for one in outcomes):
            self._directory.forget()
        return outcomes

    async def _each(
        self, commands: Sequence[_Command], write: Callable[[_Command], Awaitable[Outcome]]
    ) -> list[Outcome]:
        """Write each command, as many at once as the connection may, once everything they name is known."""
        try:
            await self._learn(commands)
        except (TransientError, AccessError, ContractError) as error:
            return [not_sent(error)] * len(commands)

        async def one(command: _Command) -> Outcome:
            async with self._places:
                try:
                    return await write(command)
                except UnknownOutcomeError as error:
                    return Unknown(reason=error.message)
                except (TransientError, AccessError, ContractError) as error:
                    return not_sent(error)

        return list(await asyncio.gather(*map(one, commands)))

    async def _learn(self, commands: Sequence[UpsertCustomer | UpsertProject | UpsertTask | SetProjectStatus]) -> None:
        """Ask for many at once what each of them will ask the directory for."""
        customers: set[str] = set()
        projects: set[str] = set()
        for command in commands:
            match command:
                case UpsertCustomer():
                    customers.add(command.code)
                case UpsertProject():
                    customers.add(command.customer_code)
                    projects.add(command.code)
                case UpsertTask() | SetProjectStatus():
                    projects.add(command.project_code)
        await self._directory.customers(customers)
        known = await self._directory.projects(projects)
        tasks = [one for one in commands if isinstance(one, UpsertTask) and one.project_code in known]
        codes = {(known[one.project_code], one.wbs_code) for one in tasks}
        codes |= {(known[one.project_code], one.parent_wbs_code) for one in tasks if one.parent_wbs_code is not None}
        await self._directory.learn_tasks(codes)

    async def _customer(self, command: UpsertCustomer) -> Outcome:
        place = await self._place(command)
        if isinstance(place, Rejected):
            return place
        custom = await self._further("customer", command.fields, NetSuiteCustomer)
        if isinstance(custom, Rejected):
            return custom
        key = (await self._directory.customers([command.code])).get(command.code)
        outcome = await self._put("customer", command.reference, to_customer(command, place, custom), key)
        if isinstance(outcome, Accepted):
            self._directory.remember("customer", command.code, outcome.ref)
        return outcome

    async def _project(self, command: UpsertProject) -> Outcome:
        place = await self._place(command)
        if isinstance(place, Rejected):
            return place
        customer = (await self._directory.customers([command.customer_code])).get(command.customer_code)
        if customer is None:
            words = f"NetSuite has no active customer {command.customer_code}."
            return Rejected(code=RejectionCode.CUSTOMER_UNKNOWN, words=words)
        status = None if command.status is None else await self._status_id(command.status)
        if isinstance(status, Rejected):
            return status
        custom = await self._further("job", command.fields, NetSuiteProject)
        if isinstance(custom, Rejected):
            return custom
        custom = kept(command, self._options.project_fields) | custom
        body = to_project(command, place, customer=customer, status=status, custom=custom)
        if isinstance(body, Rejected):
            return body
        key = (await self._directory.projects([command.code])).get(command.code)
        outcome = await self._put("job", command.reference, body, key)
        if isinstance(outcome, Accepted):
            self._directory.remember("job", command.code, outcome.ref)
        return outcome

    async def _status(self, command: SetProjectStatus) -> Outcome:
        project = (await self._directory.projects([command.project_code])).get(command.project_code)
        if project is None:
            return _no_project(command.project_code)
        status = await self._status_id(command.status)
        if isinstance(status, Rejected):
            return status
        return await self._put("job", command.reference, to_status(command, status), project)

    async def _tasks(self, commands: Sequence[UpsertTask]) -> list[Outcome]:
        """Parents before their children, where both are among the commands."""
        written: dict[str, Outcome] = {}
        waiting = list(commands)
        while waiting:
            there = {(one.project_code, one.wbs_code) for one in waiting}
            free = [one for one in waiting if (one.project_code, one.parent_wbs_code) not in there]
            # Tasks that are each other's parents wait for nobody: NetSuite says what is wrong with them.
            turn = free or waiting
            outcomes = await self._each(turn, self._task)
            written |= {one.reference: outcome for one, outcome in zip(turn, outcomes, strict=True)}
            waiting = [one for one in waiting if one.reference not in written]
        return [written[one.reference] for one in commands]

    async def _task(self, command: UpsertTask) -> Outcome:
        project = (await self._directory.projects([command.project_code])).get(command.project_code)
        if project is None:
            return _no_project(command.project_code)
        parent: HeldTask | None = None
        if command.parent_wbs_code is not None:
            parent = self._directory.task(project, command.parent_wbs_code)
            if parent is None:
                return refused(f"NetSuite has no task {command.parent_wbs_code} in project {command.project_code}.")
        custom = await self._further("projectTask", command.fields, NetSuiteProjectTask)
        if isinstance(custom, Rejected):
            return custom
        held = self._directory.task(project, command.wbs_code)
        body = to_task(command, project=project, parent=parent.id if parent else None, held=held, custom=custom)
        outcome = await self._put("projectTask", command.reference, body, held.id if held else None)
        if isinstance(outcome, Accepted):
            self._directory.remember_task(
                project, command.wbs_code, HeldTask(outcome.ref, completed=not command.open_for_time)
            )
        if isinstance(outcome, Rejected) and outcome.code is RejectionCode.CUSTOMER_UNKNOWN:
            # What stands above a task is a task; above a project it is the customer.
            return msgspec.structs.replace(outcome, code=RejectionCode.INVALID)
        return outcome

    async def _place(self, command: UpsertCustomer | UpsertProject) -> Place | Rejected:
        """The subsidiary and currency of a master, or why it has none."""
        subsidiary = await self._directory.subsidiary_of(command.entity)
        if subsidiary is None:
            return no_subsidiary(command.entity)
        currency = (await self._directory.currencies({command.currency})).get(command.currency)
        if currency is None:
            words = f"NetSuite has no active currency {command.currency}."
            return Rejected(code=RejectionCode.CURRENCY_UNKNOWN, words=words)
        return Place(subsidiary, currency)

    async def _status_id(self, state: str) -> str | Rejected:
        """The account's project status for a state of a project, or why it has none."""
        name = self._options.project_statuses.get(state)
        if name is None:
            return refused(f"No project status of NetSuite is set up for {state} (setting project_statuses).")
        key = (await self._directory.project_statuses([name])).get(name)
        return refused(f"NetSuite has no active project status {name}.") if key is None else key

    async def _further(self, record: str, fields: Mapping[str, str], body_type: type[MasterBody]) -> Members | Rejected:
        """The account's own members that ``fields`` fill, or which of them it does not have."""
        schema = await self._directory.schema(record, fields) if fields else None
        return further_members(fields, schema, body_type)

    async def _put(self, record: str, reference: str, body: MasterBody, key: str | None) -> Outcome:
        """Change the record ``key``, or create one under our reference."""
        content = encoded(body)
        answer: HttpAnswer
        if key is None:
            answer = await self._client.upsert(record, reference, content)
        else:
            answer = await self._client.update(record, key, content)
        return answered(answer)


def no_subsidiary(entity: str) -> Rejected:
    """The refusal of what belongs to a legal entity without subsidiary."""
    return refused(f"NetSuite has no active subsidiary for the legal entity {entity} (setting subsidiaries).")


def _no_project(code: str) -> Rejected:
    return Rejected(code=RejectionCode.PROJECT_UNKNOWN, words=f"NetSuite has no active project {code}.")
