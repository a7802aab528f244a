"""Writing journals to NetSuite, and looking up by our reference what was written.

Neighbours: ``mapping`` makes the bodies, ``directory`` finds ids, ``settling`` and ``outcome_codes`` judge, ``batches``
hands journals in asynchronously; ``master_writer`` writes everything else. Three rules keep a journal single and
unaltered:

* it is created with our reference as external id, never upserted, so a second one is refused;
* a refusal is believed only after a look-up found nothing under the reference: an earlier attempt whose answer was
  lost may have posted it before its period was closed;
* what was posted is read back, so that the engine can compare amount and currency.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from tieout.connect.connector import Connection
from tieout.connect.outcome import Accepted, Found, Outcome, Rejected, RejectionCode, Unknown
from tieout.connectors.netsuite.batches import BatchWriter, Item
from tieout.connectors.netsuite.client import NetSuiteClient
from tieout.connectors.netsuite.directory import Directory
from tieout.connectors.netsuite.held import held_records
from tieout.connectors.netsuite.lookup import Lookup
from tieout.connectors.netsuite.mapping import Known, encoded_journal, to_journal
from tieout.connectors.netsuite.master_writer import RECORDS, MasterWriter, no_subsidiary
from tieout.connectors.netsuite.options import options_of
from tieout.connectors.netsuite.outcome_codes import line_of
from tieout.connectors.netsuite.records import NetSuiteJournal
from tieout.connectors.netsuite.settling import answered, not_sent, settled
from tieout.errors import AccessError, ContractError, InvariantError, TransientError, UnknownOutcomeError
from tieout.model.command import Command
from tieout.model.journal import PostJournal
from tieout.model.reported import ReportedRecord

_REFERENCE_GONE: Final = frozenset(
    {
        RejectionCode.ACCOUNT_UNKNOWN,
        RejectionCode.CUSTOMER_UNKNOWN,
        RejectionCode.PROJECT_UNKNOWN,
        RejectionCode.DIMENSION_UNKNOWN,
        RejectionCode.CURRENCY_UNKNOWN,
    }
)
_Item = TypeVar("_Item")


class NetSuiteSink:
    """Writes into one account."""

    def __init__(self, connection: Connection) -> None:
        self._options = options = options_of(connection)
        self._client = NetSuiteClient(connection, options)
        self._directory = Directory(
            self._client, subsidiaries=options.subsidiaries, dimension_fields=options.dimension_fields
        )
        self._lookup = Lookup(self._client, self._directory, concurrency=options.concurrency)
        self._masters = MasterWriter(self._client, self._directory, options)
        self._batches = BatchWriter(self._client, self._lookup, deadline_s=options.async_deadline_s)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        journals = [one for one in commands if isinstance(one, PostJournal)]
        if len(journals) == len(commands):
            return await self._write_journals(journals)
        if not any(isinstance(one, PostJournal) for one in commands):
            return await self._masters.write(commands)
        raise InvariantError(
            code="TIE-NETSUITE-007", message="One call writes commands of one kind, and of a kind the manifest names."
        )

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What the account holds under our references; see ``Sink``. External ids are unique over all subsidiaries."""
        del entity
        try:
            if command_kind in RECORDS:
                return await self._lookup.records(RECORDS[command_kind], references)
            if command_kind == "set_project_status":
                return await self._lookup.statuses(references)
            return await self._lookup.journals(references)
        except ContractError as error:
            raise TransientError(code="TIE-NETSUITE-005", message=f"The look-up failed: {error.message}") from error

    async def held_records(self) -> Mapping[str, Sequence[ReportedRecord]]:
        """Projects and tasks as far as they are not read as a source; see ``ShowsHeld``."""
        return await held_records(self._client, self._options)

    async def _each(self, items: Sequence[_Item], write: Callable[[_Item], Awaitable[Outcome]]) -> list[Outcome]:
        """Write each item, as many at once as the connection may."""
        places = asyncio.Semaphore(self._options.concurrency)

        async def one(item: _Item) -> Outcome:
            async with places:
                return await write(item)

        return list(await asyncio.gather(*(one(item) for item in items)))

    async def _write_journals(self, commands: Sequence[PostJournal]) -> list[Outcome]:
        try:
            known = await self._directory.known(commands)
        except (TransientError, AccessError, ContractError) as error:
            return [not_sent(error)] * len(commands)
        bodies = [self._journal(command, known[command.entity]) for command in commands]
        pairs = zip(commands, bodies, strict=True)
        sent = iter(await self._send([(command, body) for command, body in pairs if isinstance(body, NetSuiteJournal)]))
        # What the account cannot take is refused without asking; an earlier attempt may have been taken all the same.
        outcomes = [body if isinstance(body, Rejected) else next(sent) for body in bodies]
        if any(isinstance(one, Rejected) and one.code in _REFERENCE_GONE for one in outcomes):
            self._directory.forget()
        return await self._settle([command.reference for command in commands], outcomes)

    def _journal(self, command: PostJournal, known: Known | None) -> NetSuiteJournal | Rejected:
        if known is None:
            return no_subsidiary(command.entity)
        return to_journal(command, known, self._options.dimension_fields)

    async def _send(self, journals: Sequence[tuple[PostJournal, NetSuiteJournal]]) -> list[Outcome]:
        if not journals:
            return []
        if self._options.async_batches:
            items = [Item(body.external_id, msgspec.Raw(encoded_journal(body))) for _, body in journals]
            return await self._batches.create(items)
        return await self._each(journals, self._create_journal)

    async def _create_journal(self, journal: tuple[PostJournal, NetSuiteJournal]) -> Outcome:
        command, body = journal
        try:
            answer = await self._client.create("journalEntry", encoded_journal(body))
        except UnknownOutcomeError as error:
            return Unknown(reason=error.message)
        except (TransientError, AccessError, ContractError) as error:
            return not_sent(error)
        outcome = answered(answer)
        if isinstance(outcome, Rejected) and outcome.code is RejectionCode.CUSTOMER_UNKNOWN:
            place = line_of(answer)
            if place is not None and place < len(command.lines) and command.lines[place].project_code is not None:
                return msgspec.structs.replace(outcome, code=RejectionCode.PROJECT_UNKNOWN)
        return outcome

    async def _settle(self, references: Sequence[str], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Look at what was refused, and at what was posted without being seen yet."""
        asked = [
            reference
            for reference, outcome in zip(references, outcomes, strict=True)
            if isinstance(outcome, Rejected)
            or (isinstance(outcome, Accepted) and outcome.echo is None and self._options.read_back)
        ]
        found: Mapping[str, Found] | None = {}
        if asked:
            try:
                found = await self._lookup.posted(asked)
            except (TransientError, AccessError, ContractError):
                found = None
        return [settled(reference, one, found) for reference, one in zip(references, outcomes, strict=True)]
