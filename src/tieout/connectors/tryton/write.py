"""The sink: commands of one kind to Tryton, and look-ups by our reference.

Neighbours: ``journals`` posts, ``masters`` writes customers and employees, ``works`` projects, tasks and statuses,
``lookup`` finds.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

from tieout.connect.connector import Connection
from tieout.connect.outcome import Found, NoAccess, Outcome, Rejected, RejectionCode, RetryLater
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.directory import Directory
from tieout.connectors.tryton.journals import JournalWriter
from tieout.connectors.tryton.lookup import Lookup, found_of
from tieout.connectors.tryton.manifest import MANIFEST
from tieout.connectors.tryton.mapping import Company
from tieout.connectors.tryton.masters import MasterWriter
from tieout.connectors.tryton.options import options_of
from tieout.connectors.tryton.works import WorkWriter
from tieout.errors import AccessError, ContractError, InvariantError, TransientError
from tieout.model.command import (
    Command,
    SetProjectStatus,
    UpsertCustomer,
    UpsertEmployee,
    UpsertProject,
    UpsertTask,
)
from tieout.model.journal import PostJournal

_WORKS: Final = frozenset({"upsert_project", "upsert_task", "set_project_status"})
_Master = TypeVar("_Master", UpsertCustomer, UpsertProject, UpsertTask, SetProjectStatus, UpsertEmployee)


class TrytonSink:
    """Writes into one account."""

    def __init__(self, connection: Connection) -> None:
        options = options_of(connection)
        self._system = connection.system
        self._client = TrytonClient(connection, options)
        self._directory = Directory(self._client, options)
        self._lookup = Lookup(self._client)
        self._journals = JournalWriter(self._client, self._directory, self._lookup)
        self._masters = MasterWriter(self._client, self._directory)
        self._works = WorkWriter(self._client, self._directory, options)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        journals = [one for one in commands if isinstance(one, PostJournal)]
        if len(journals) == len(commands):
            return await self._journals.write(journals)
        if len({type(one) for one in commands}) > 1:
            raise InvariantError(code="TIE-TRYTON-005", message="One call writes commands of one kind.")
        return [await self._write_master(one) for one in commands]

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What Tryton holds under our references; see ``Sink``."""
        if MANIFEST.write(command_kind) is None:
            raise InvariantError(code="TIE-TRYTON-005", message=f"Tryton is not written {command_kind!r}.")
        company = await self._directory.company_of(entity)
        if company is None:
            raise AccessError(
                code="TIE-TRYTON-003",
                message=f"System {self._system} shows no company whose party has the code {entity}.",
            )
        if not references:
            return {}
        try:
            if command_kind == "post_journal":
                return found_of(await self._lookup.moves(company, references), company)
            if command_kind in _WORKS:
                return await self._works.find(command_kind, references, company)
            return await self._masters.find(command_kind, references, company)
        except ContractError as error:
            raise TransientError(
                code="TIE-TRYTON-004", message=f"Tryton's answer to a look-up cannot be read: {error.message}"
            ) from error

    async def _write_master(self, command: Command) -> Outcome:
        match command:
            case UpsertCustomer():
                return await _told(self._masters.customer, command)
            case UpsertProject():
                return await self._in_company(command, self._works.project)
            case UpsertTask():
                return await self._in_company(command, self._works.task)
            case SetProjectStatus():
                return await self._in_company(command, self._works.status)
            case UpsertEmployee():
                return await self._in_company(command, self._masters.employee)
            case _:
                raise InvariantError(code="TIE-TRYTON-005", message="A journal is not written as a master.")

    async def _in_company(self, command: _Master, write: Callable[[_Master, Company], Awaitable[Outcome]]) -> Outcome:
        async def in_company(one: _Master) -> Outcome:
            company = await self._directory.company_of(one.entity)
            if company is None:
                words = f"Tryton has no company whose party has the code {one.entity}."
                return Rejected(code=RejectionCode.INVALID, words=words)
            return await write(one, company)

        return await _told(in_company, command)


async def _told(write: Callable[[_Master], Awaitable[Outcome]], command: _Master) -> Outcome:
    """The outcome of a write whose look-ups may fail before anything was sent."""
    try:
        return await write(command)
    except TransientError as error:
        return RetryLater(reason=error.message, after_s=error.retry_after_s)
    except AccessError as error:
        return NoAccess(words=error.message)
    except ContractError as error:
        return RetryLater(reason=f"Tryton's answer to a look-up cannot be read: {error.message}")
