"""The workbench of a check: opens fresh connector objects over one site, builds commands, watches the wire.

Neighbours: ``suite`` gives each check its own bench; ``harness`` is the system behind it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from tieout.connect.conformance.harness import Site
from tieout.connect.conformance.score import NotApplicableError
from tieout.connect.connector import Connection, Connector
from tieout.connect.http import Exchange, HttpSettings
from tieout.connect.manifest import Limits
from tieout.connect.outcome import Found, Outcome
from tieout.connect.simulator.seed import SeedEntity
from tieout.connect.sink import LedgerPosting, LedgerReader, Sink
from tieout.connect.source import Page, Readable, Source, Translated, Translator, Unreadable, kind_of
from tieout.model.command import Command, SendNotice, Severity
from tieout.model.journal import JournalLine, PostJournal
from tieout.model.reported import ReportedTime

_TIMEOUT_S = 20.0
_FIRST_OPEN_DAY = 3
_LOOK_EVERY_S = 0.2
Closable = TypeVar("Closable", Source, Sink, LedgerReader)


class SystemClock:
    """The machine's clock: the suite stands where the runtime would."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the suite plays the runtime, which owns the clock


@dataclass
class LocalThrottle:
    """Keeps the concurrency of one account in this process, and notes what it is asked for."""

    acquired: int = 0
    running: int = 0
    max_running: int = 0
    penalties_s: list[float] = field(default_factory=list)
    limits_seen: list[Limits] = field(default_factory=list)
    accounts_seen: set[str] = field(default_factory=set)
    _places: asyncio.Semaphore | None = None

    def acquire(self, account: str, limits: Limits) -> AbstractAsyncContextManager[None]:
        """Hold one place."""
        return self._hold(account, limits)

    @asynccontextmanager
    async def _hold(self, account: str, limits: Limits) -> AsyncIterator[None]:
        if self._places is None:
            self._places = asyncio.Semaphore(limits.concurrency or 1_000)
        async with self._places:
            self.acquired += 1
            self.running += 1
            self.max_running = max(self.max_running, self.running)
            self.limits_seen.append(limits)
            self.accounts_seen.add(account)
            try:
                yield
            finally:
                self.running -= 1

    async def penalise(self, account: str, retry_after_s: float) -> None:
        """Note the penalty; a check decides whether it was right."""
        self.accounts_seen.add(account)
        self.penalties_s.append(retry_after_s)


class Numbers:
    """References that no earlier run and no other check has used."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._last = 0

    def next_key(self) -> str:
        """A new idempotency key: 64 hexadecimal digits."""
        self._last += 1
        return hashlib.sha256(f"{self._run}:{self._last}".encode()).hexdigest()

    @property
    def last(self) -> int:
        """How many were given out."""
        return self._last


class Bench:
    """What a check works with. ``exchanges`` and ``throttle`` watch everything opened on this bench.

    ``kinds_found`` has the kinds that objects turned out to speak of, for all benches of a run (see ``survey``).
    """

    def __init__(
        self, connector: Connector, site: Site, numbers: Numbers, kinds_found: dict[str, frozenset[str]] | None = None
    ) -> None:
        self.connector = connector
        self.manifest = connector.manifest
        self.site = site
        self.numbers = numbers
        self.clock = SystemClock()
        self.throttle = LocalThrottle()
        self.exchanges: list[Exchange] = []
        self.proven: dict[str, str] = {}
        self.kinds_found = {} if kinds_found is None else kinds_found

    def connection(self, *, timeout_s: float = _TIMEOUT_S, secrets: Mapping[str, str] | None = None) -> Connection:
        """A connection to the site; ``secrets`` replace those that are right."""
        sheet = self.site.sheet()
        defaults = {one.name: one.default for one in self.manifest.settings if one.default is not None}
        return Connection(
            system="under-test",
            account="under-test",
            settings={**defaults, **sheet.settings},
            secrets=sheet.secrets if secrets is None else secrets,
            throttle=self.throttle,
            clock=self.clock,
            http=HttpSettings(timeout_s=timeout_s, wire_tap=self.exchanges.append),
        )

    def source(
        self, *, timeout_s: float = _TIMEOUT_S, secrets: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Source]:
        """A fresh source."""
        if self.connector.open_source is None:
            raise NotApplicableError("the connector reads nothing")
        return _closing(self.connector.open_source(self.connection(timeout_s=timeout_s, secrets=secrets)))

    def sink(
        self, *, timeout_s: float = _TIMEOUT_S, secrets: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Sink]:
        """A fresh sink."""
        if self.connector.open_sink is None:
            raise NotApplicableError("the connector writes nothing")
        return _closing(self.connector.open_sink(self.connection(timeout_s=timeout_s, secrets=secrets)))

    def ledger(self) -> AbstractAsyncContextManager[LedgerReader]:
        """A fresh ledger reader."""
        if self.connector.open_ledger_reader is None:
            raise NotApplicableError("the connector reads no ledger")
        return _closing(self.connector.open_ledger_reader(self.connection()))

    @property
    def translator(self) -> Translator:
        """The connector's translator."""
        if self.connector.translator is None:
            raise NotApplicableError("the connector translates nothing")
        return self.connector.translator

    @property
    def objects(self) -> list[str]:
        """The vendor objects that the manifest declares."""
        return [one.object for one in self.manifest.reads]

    async def read(self, object_name: str, cursor: str | None = None, *, timeout_s: float = _TIMEOUT_S) -> list[Page]:
        """All pages of an object from a cursor on, by a fresh source."""
        async with self.source(timeout_s=timeout_s) as source:
            return [page async for page in source.read(object_name, cursor)]

    async def read_first_page(self, object_name: str, cursor: str | None = None) -> Page | None:
        """The next page of an object, by a fresh source that is closed after it as if the process had died."""
        async with self.source() as source:
            pages = source.read(object_name, cursor)
            try:
                return await anext(pages, None)
            finally:
                await _end(pages)

    async def read_everything(self) -> dict[str, list[Page]]:
        """All pages of all objects."""
        return {name: await self.read(name) for name in self.objects}

    def translate(self, pages: Sequence[Page]) -> list[Translated]:
        """What pages say, in order."""
        return [item for page in pages for item in self.translator.translate(page.object, page.payload)]

    async def time_objects(self) -> dict[str, list[Page]]:
        """The objects that time entries are read from, with all their pages."""
        everything = await self.read_everything()
        found = {
            name: pages
            for name, pages in everything.items()
            if any(isinstance(item, ReportedTime) for item in self.translate(pages))
        }
        if not found:
            raise NotApplicableError("the connector reads no time entries")
        return found

    def entity(self, number: int = 0) -> SeedEntity:
        """A legal entity of the fixture firm."""
        return self.site.firm.entities[number % len(self.site.firm.entities)]

    def open_day(self, entity: SeedEntity) -> date:
        """A day in the entity's last open period."""
        period = [one for one in entity.periods if one not in entity.closed_periods][-1]
        return date.fromisoformat(f"{period}-{_FIRST_OPEN_DAY:02d}")

    def closed_day(self, entity: SeedEntity) -> date:
        """A day in a closed period of the entity."""
        if not entity.closed_periods:
            raise NotApplicableError("no period of the fixture firm is closed")
        return date.fromisoformat(f"{entity.closed_periods[0]}-{_FIRST_OPEN_DAY:02d}")

    def journal(
        self,
        *,
        entity: SeedEntity | None = None,
        amount_minor: int = 123_45,
        on: date | None = None,
        account: str | None = None,
        foreign: tuple[str, int] | None = None,
    ) -> PostJournal:
        """A balanced journal of two lines, unbilled receivable to unbilled revenue, under a new reference.

        ``account`` replaces the debit account; ``foreign`` gives currency and amount of the transaction where they
        differ from the functional ones.
        """
        entity = entity or self.entity()
        key = self.numbers.next_key()
        accounts = self.site.firm.accounts
        client = next((one.code for one in self.site.firm.clients if one.entity == entity.code), None)
        project = next((one.code for one in self.site.firm.projects if one.entity == entity.code), None)
        currency, transaction_minor = foreign or (entity.currency, amount_minor)
        debit = JournalLine(
            account=account or accounts["unbilled_receivable"],
            debit_minor=amount_minor,
            credit_minor=0,
            currency=currency,
            amount_minor=transaction_minor,
            memo=f"Conformance {self.numbers.last}: Žofia, 設計",
            hours=Decimal("1.5"),
            customer_code=client,
            project_code=project,
        )
        credit = JournalLine(
            account=accounts["unbilled_revenue"],
            debit_minor=0,
            credit_minor=amount_minor,
            currency=currency,
            amount_minor=-transaction_minor,
            memo=debit.memo,
            customer_code=client,
            project_code=project,
        )
        return PostJournal(
            reference=f"TIE-{key[:32]}",
            key=key,
            entity=entity.code,
            accounting_date=on or self.open_day(entity),
            currency=entity.currency,
            description=f"Conformance check {self.numbers.last}",
            lines=(debit, credit),
            entry_count=1,
            hours=Decimal("1.5"),
        )

    def notice(self, **changes: str) -> SendNotice:
        """A notice to the account's address under a new reference, with text that is easily mangled; or ``changes``."""
        key = self.numbers.next_key()
        given = {
            "reference": f"TIE-{key[:32]}",
            "entity": self.entity().code,
            "address": self.site.sheet().address,
            "subject": f"Conformance {self.numbers.last}: Žofia & <設計>",
            "body": "3 entries wait.\n.\n& <b>Ünïcode</b> *is* text",
            **changes,
        }
        return SendNotice(
            **given, severity=Severity.CRITICAL, facts={"owner": "finance"}, link="https://hub.example/desk/items/7"
        )

    def plain(self) -> PostJournal | SendNotice:
        """What the connector writes: a journal, or a notice where it posts none."""
        if self.manifest.write("post_journal") is None and self.manifest.write("send_notice") is not None:
            return self.notice()
        return self.journal()

    async def write(self, *commands: Command, timeout_s: float = _TIMEOUT_S) -> list[Outcome]:
        """The outcomes of writing commands by a fresh sink."""
        async with self.sink(timeout_s=timeout_s) as sink:
            return list(await sink.write(commands))

    async def write_one(self, command: Command, *, timeout_s: float = _TIMEOUT_S) -> Outcome:
        """The outcome of writing one command by a fresh sink."""
        return (await self.write(command, timeout_s=timeout_s))[0]

    async def find(self, command: Command) -> Found | None:
        """What a fresh sink finds under the command's reference."""
        async with self.sink() as sink:
            found = await sink.find(_kind(command), [command.reference], entity=command.entity)
        return found.get(command.reference)

    async def settle(self, command: Command, *, within_s: float = 5.0) -> None:
        """Wait until the target has acted on a request that was given up, at most ``within_s``."""
        for _ in range(int(within_s / _LOOK_EVERY_S)):
            if self.site.holdings(command.reference):
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        await asyncio.sleep(_LOOK_EVERY_S)

    async def postings(self, entity: str, starts: date, ends: date) -> list[LedgerPosting]:
        """What a fresh ledger reader reads."""
        async with self.ledger() as reader:
            return [posting async for posting in reader.postings(entity=entity, starts=starts, ends=ends)]

    def wrong_secrets(self) -> dict[str, str]:
        """Credentials of the right form that are wrong."""
        return {name: f"{value[:-4]}XXXX" for name, value in self.site.sheet().secrets.items()}

    def fork(self) -> "Bench":
        """Another bench on the same site, with its own throttle and wire."""
        return Bench(self.connector, self.site, self.numbers, self.kinds_found)


def latest(items: Sequence[Translated]) -> dict[tuple[str, str], Readable]:
    """The highest version of each record, by its type and source id."""
    found: dict[tuple[str, str], Readable] = {}
    for item in items:
        if isinstance(item, Unreadable):
            continue
        key = (kind_of(item), item.source_id)
        if key not in found or found[key].version <= item.version:
            found[key] = item
    return found


def with_lines(command: PostJournal, lines: Sequence[JournalLine]) -> PostJournal:
    """The journal with other lines."""
    return msgspec.structs.replace(command, lines=tuple(lines))


def _kind(command: Command) -> str:
    tag = command.__struct_config__.tag
    return str(tag)


@asynccontextmanager
async def _closing(opened: Closable) -> AsyncIterator[Closable]:
    try:
        yield opened
    finally:
        await opened.aclose()


async def _end(pages: AsyncIterator[Page]) -> None:
    close = getattr(pages, "aclose", None)
    if close is not None:
        await close()
