"""Writing journals, customers and projects to NetSuite, and looking them up by our reference.

Neighbours: ``mapping`` makes the bodies, ``directory`` finds ids, ``settling`` and ``outcome_codes`` judge, ``batches``
hands journals in asynchronously. Three rules keep a journal single and unaltered:

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
from tieout.connectors.netsuite.lookup import Lookup
from tieout.connectors.netsuite.mapping import Known, to_customer, to_journal, to_project
from tieout.connectors.netsuite.options import options_of
from tieout.connectors.netsuite.outcome_codes import line_of
from tieout.connectors.netsuite.records import NetSuiteCustomer, NetSuiteJournal, NetSuiteProject
from tieout.connectors.netsuite.settling import answered, not_sent, settled
from tieout.errors import AccessError, ContractError, InvariantError, TransientError, UnknownOutcomeError
from tieout.model.command import Command, UpsertCustomer, UpsertProject
from tieout.model.journal import PostJournal

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_TABLES: Final = {"upsert_customer": "customer", "upsert_project": "job"}
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
        self._batches = BatchWriter(self._client, self._lookup, deadline_s=options.async_deadline_s)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command, in order; see ``Sink``."""
        journals = [one for one in commands if isinstance(one, PostJournal)]
        if len(journals) == len(commands):
            return await self._write_journals(journals)
        customers = [one for one in commands if isinstance(one, UpsertCustomer)]
        if len(customers) == len(commands):
            return await self._write_customers(customers)
        projects = [one for one in commands if isinstance(one, UpsertProject)]
        if len(projects) == len(commands):
            return await self._write_projects(projects)
        raise InvariantError(
            code="TIE-NETSUITE-007", message="One call writes commands of one kind, and of a kind the manifest names."
        )

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What the account holds under our references; see ``Sink``. External ids are unique over all subsidiaries."""
        del entity
        try:
            if command_kind in _TABLES:
                return await self._lookup.records(_TABLES[command_kind], references)
            return await self._lookup.journals(references)
        except ContractError as error:
            raise TransientError(code="TIE-NETSUITE-005", message=f"The look-up failed: {error.message}") from error

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
            return _no_subsidiary(command.entity)
        return to_journal(command, known, self._options.dimension_fields)

    async def _send(self, journals: Sequence[tuple[PostJournal, NetSuiteJournal]]) -> list[Outcome]:
        if not journals:
            return []
        if self._options.async_batches:
            items = [Item(body.external_id, msgspec.Raw(_ENCODER.encode(body))) for _, body in journals]
            return await self._batches.create(items)
        return await self._each(journals, self._create_journal)

    async def _create_journal(self, journal: tuple[PostJournal, NetSuiteJournal]) -> Outcome:
        command, body = journal
        try:
            answer = await self._client.create("journalEntry", _ENCODER.encode(body))
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

    async def _write_customers(self, commands: Sequence[UpsertCustomer]) -> list[Outcome]:
        try:
            customers = await self._directory.customers([command.code for command in commands])
            places = await self._places(commands)
        except (TransientError, AccessError, ContractError) as error:
            return [not_sent(error)] * len(commands)

        async def write(command: UpsertCustomer) -> Outcome:
            place = places[command.reference]
            if isinstance(place, Rejected):
                return place
            body = to_customer(command, subsidiary=place.subsidiary, currency=place.currency)
            return await self._write_master("customer", command, body, customers.get(command.code))

        return await self._each(commands, write)

    async def _write_projects(self, commands: Sequence[UpsertProject]) -> list[Outcome]:
        try:
            customers = await self._directory.customers([command.customer_code for command in commands])
            projects = await self._directory.projects([command.code for command in commands])
            places = await self._places(commands)
        except (TransientError, AccessError, ContractError) as error:
            return [not_sent(error)] * len(commands)

        async def write(command: UpsertProject) -> Outcome:
            place, customer = places[command.reference], customers.get(command.customer_code)
            if isinstance(place, Rejected):
                return place
            if customer is None:
                words = f"NetSuite has no active customer {command.customer_code}."
                return Rejected(code=RejectionCode.CUSTOMER_UNKNOWN, words=words)
            body = to_project(command, customer=customer, subsidiary=place.subsidiary, currency=place.currency)
            return await self._write_master("job", command, body, projects.get(command.code))

        return await self._each(commands, write)

    async def _places(self, commands: Sequence[UpsertCustomer | UpsertProject]) -> dict[str, "_Place | Rejected"]:
        """The subsidiary and currency of each master, by reference, or why it has none."""
        currencies = await self._directory.currencies({command.currency for command in commands})
        found: dict[str, _Place | Rejected] = {}
        for command in commands:
            subsidiary, currency = await self._directory.subsidiary_of(command.entity), currencies.get(command.currency)
            if subsidiary is None:
                found[command.reference] = _no_subsidiary(command.entity)
            elif currency is None:
                words = f"NetSuite has no active currency {command.currency}."
                found[command.reference] = Rejected(code=RejectionCode.CURRENCY_UNKNOWN, words=words)
            else:
                found[command.reference] = _Place(subsidiary, currency)
        return found

    async def _write_master(
        self,
        record: str,
        command: UpsertCustomer | UpsertProject,
        body: NetSuiteCustomer | NetSuiteProject,
        key: str | None,
    ) -> Outcome:
        """Change the record that has the business code, or create one under our reference."""
        content = _ENCODER.encode(body)
        try:
            if key is None:
                answer = await self._client.upsert(record, command.reference, content)
            else:
                answer = await self._client.update(record, key, content)
        except UnknownOutcomeError as error:
            return Unknown(reason=error.message)
        except (TransientError, AccessError, ContractError) as error:
            return not_sent(error)
        outcome = answered(answer)
        if isinstance(outcome, Accepted):
            self._directory.remember(record, command.code, outcome.ref)
        return outcome


class _Place(msgspec.Struct, frozen=True):
    subsidiary: str
    currency: str


def _no_subsidiary(entity: str) -> Rejected:
    words = f"NetSuite has no active subsidiary for the legal entity {entity} (setting subsidiaries)."
    return Rejected(code=RejectionCode.INVALID, words=words)
