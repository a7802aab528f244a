"""Writing clients, projects, their status and their demand to Float, and looking them up by our references.

Float has no key that makes a repetition harmless, so every write looks first: a client by the code in its name, a
project by its code, and changes what differs. A project's code is unique, so that of two that create it at once one is
refused and then finds the other's. Neighbours: ``directory`` looks, ``bodies`` says what is written, ``sending`` sends,
``demand`` publishes what a project needs, ``published`` says what is held of it, ``lookup`` finds references.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tieout.connect.connector import Connection
from tieout.connect.outcome import AlreadyDone, Found, Outcome, Rejected, RejectionCode, RetryLater
from tieout.connect.sink import HeldDemandLine
from tieout.connectors.float import lookup
from tieout.connectors.float.bodies import (
    Value,
    differing,
    refused_customer,
    refused_project,
    refused_status,
    to_project,
    to_status,
)
from tieout.connectors.float.client import FloatClient
from tieout.connectors.float.demand import DemandWriter
from tieout.connectors.float.directory import Directory, HeldProject
from tieout.connectors.float.manifest import WRITE_LIMITS
from tieout.connectors.float.marks import customer_name, split_customer_name, with_mark
from tieout.connectors.float.options import Options
from tieout.connectors.float.outcome_codes import not_made
from tieout.connectors.float.published import held_lines
from tieout.connectors.float.records import FloatCustomer
from tieout.connectors.float.sending import Sender, Sent
from tieout.errors import AccessError, ContractError, InvariantError, TransientError
from tieout.model.command import Command, PublishDemand, SetProjectStatus, UpsertCustomer, UpsertProject
from tieout.model.identity import match_key

_MOST_TRIES: Final = 2


class FloatSink:
    """Writes into one account."""

    def __init__(self, connection: Connection, options: Options) -> None:
        self._client = FloatClient(connection, options, WRITE_LIMITS)
        self._sender = Sender(self._client)
        self._directory = Directory(self._client, options, connection.clock)
        self._demand = DemandWriter(self._sender, self._directory)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        return [await self._write(command) for command in commands]

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What the account holds under our references; see ``Sink``. References are unique over all legal entities."""
        del entity
        try:
            return await lookup.find(self._directory, command_kind, references)
        except ContractError as error:
            raise TransientError(code="TIE-FLOAT-005", message=f"The look-up failed: {error.message}") from error

    async def published_demand(self) -> Mapping[str, Sequence[HeldDemandLine]]:
        """Every line of published demand that the account holds; see ``ShowsDemand``."""
        placeholders = await self._directory.placeholders()
        return held_lines(await self._directory.allocations(), placeholders)

    async def _write(self, command: Command) -> Outcome:
        try:
            match command:
                case UpsertCustomer():
                    return await self._customer(command)
                case UpsertProject():
                    return await self._project(command)
                case SetProjectStatus():
                    return await self._status(command)
                case PublishDemand():
                    return await self._demand.publish(command)
        except (TransientError, AccessError, ContractError) as error:
            # Only looking raises; what is sent has an outcome.
            return not_made(error)
        raise InvariantError(
            code="TIE-FLOAT-007", message=f"{type(command).__name__} is no command that the manifest names."
        )

    async def _customer(self, command: UpsertCustomer) -> Outcome:
        name = customer_name(command.name, command.code, command.reference)
        refused = refused_customer(command, name)
        if refused is not None:
            return refused
        held = _held_customers(await self._directory.customers(), command)
        if len(held) > 1:
            keys = ", ".join(str(one.client_id) for one in held)
            words = f"Float holds several clients that could be {command.code}: {keys}. Merge or rename them there."
            return Rejected(code=RejectionCode.CONFLICT, words=words)
        if not held:
            return (await self._sender.create("/clients", "client_id", {"name": name})).outcome
        (client,) = held
        if client.name == name:
            return AlreadyDone(ref=str(client.client_id))
        return (await self._sender.change("/clients", client.client_id, "client_id", {"name": name})).outcome

    async def _project(self, command: UpsertProject) -> Outcome:
        refused = refused_project(command)
        if refused is not None:
            return refused
        client_key = await self._directory.client_key(command.customer_code)
        if client_key is None:
            words = f"Float has no client whose name ends with [{command.customer_code}]."
            return Rejected(code=RejectionCode.CUSTOMER_UNKNOWN, words=words)
        for _ in range(_MOST_TRIES):
            held = await self._directory.project(command.code)
            notes = with_mark(None if held is None else held.row.notes, "project", command.reference)
            body = to_project(command, client_key=client_key, notes=notes)
            if held is not None:
                return self._noting_clients(await self._change(held, body))
            sent = await self._sender.create("/projects", "project_id", body)
            if not _is_conflict(sent):
                return self._noting_clients(sent.outcome)
        return RetryLater(reason=f"Float says that the code {command.code} is taken, and does not show by what yet.")

    async def _status(self, command: SetProjectStatus) -> Outcome:
        refused = refused_status(command.status)
        if refused is not None:
            return refused
        held = await self._directory.project(command.project_code)
        if held is None:
            words = f"Float has no project with the code {command.project_code}."
            return Rejected(code=RejectionCode.PROJECT_UNKNOWN, words=words)
        notes = with_mark(held.row.notes, "status", command.reference)
        return await self._change(held, to_status(command.status, notes=notes))

    async def _change(self, held: HeldProject, body: Mapping[str, Value]) -> Outcome:
        key = held.row.project_id
        change = differing(body, held.raw)
        if not change:
            return AlreadyDone(ref=str(key))
        return (await self._sender.change("/projects", key, "project_id", change)).outcome

    def _noting_clients(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Rejected) and outcome.code is RejectionCode.CUSTOMER_UNKNOWN:
            self._directory.forget_clients()
        return outcome


def _is_conflict(sent: Sent) -> bool:
    return isinstance(sent.outcome, Rejected) and sent.outcome.code is RejectionCode.CONFLICT


def _held_customers(customers: Sequence[FloatCustomer], command: UpsertCustomer) -> list[FloatCustomer]:
    """The clients that have the code; else those of the very name that nobody has given a code yet."""
    told = [(one, split_customer_name(one.name)) for one in customers]
    coded = [one for one, name in told if name.code == command.code]
    wanted = match_key(command.name)
    return coded or [one for one, name in told if name.code is None and match_key(name.name) == wanted]
