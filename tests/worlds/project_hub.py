"""A hub that turns won deals into projects: CRM, PSA, ERP and a second ERP as books that remember what they were told.

Deals and masters come in as messages, the steps and engines are the real ones, the clock stands still unless a test
moves it. ``US01`` is posted by ``erp``, ``DE01`` by ``erp2``; the PSA takes the projects of both.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import Connection
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, _Wire, master

from tieout.connect.manifest import IdempotencyClass, Manifest, Role, WriteCapability
from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    Found,
    FoundState,
    Outcome,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
)
from tieout.desk import effects, queue
from tieout.ledger.rate_book import RateBookCache
from tieout.model.command import (
    Command,
    LinkDeal,
    SetProjectStatus,
    UpsertContract,
    UpsertCustomer,
    UpsertProject,
    UpsertRateCard,
    UpsertTask,
    kind_of,
)
from tieout.model.firm import DeliveryPolicy, Environment, FirmConfig, MappingLine, OwnershipRule, SystemConfig
from tieout.model.reported import FieldValue, RecordType, ReportedRecord
from tieout.model.stream_policy import LeadToProject, StreamPolicies, TaskTemplate
from tieout.outbound import released
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.target import Target
from tieout.storage.pool import Pool, in_transaction
from tieout.storage.workers import Worker
from tieout.streams.lead_to_project.step import ProjectContext, advance_projects
from tieout.streams.time_to_bill.rebuild import JournalRebuilder

TAKES = ("upsert_customer", "upsert_contract", "upsert_project", "upsert_task", "set_project_status")
POLICY = LeadToProject(
    code_format="P-{deal}",
    project_link="https://psa.example/projects/{code}",
    tasks=(TaskTemplate(code="D", name="Delivery"), TaskTemplate(code="M", name="Management", billable=False)),
    lines_below="D",
)


class MasterBook:
    """A target of masters: keeps each object under its business key, and does what the test says to the messenger.

    ``refuse`` maps a kind of command to the words of a refusal; ``swallow`` are kinds that take effect unanswered once;
    ``deaf`` are kinds that are unanswered once and do not take effect.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, ...], dict[str, Any]] = {}
        self.told: list[Command] = []
        self.references: Counter[str] = Counter()
        self.refuse: dict[str, str] = {}
        self.swallow: set[str] = set()
        self.deaf: set[str] = set()
        self.down = False

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        await asyncio.sleep(0)
        return [self._one(command) for command in commands]

    def _one(self, command: Command) -> Outcome:
        kind = kind_of(command)
        if self.down:
            return RetryLater(reason="503")
        if kind in self.refuse:
            return Rejected(code=RejectionCode.INVALID, words=self.refuse[kind])
        if kind in self.deaf:
            self.deaf.discard(kind)
            return Unknown(reason="connection reset")
        missing = self._missing(command)
        if missing is not None:
            return Rejected(code=RejectionCode.INVALID, words=f"there is no {missing}")
        self.told.append(command)
        known = self.references[command.reference]
        self.references[command.reference] += 1
        self._keep(command)
        if kind in self.swallow:
            self.swallow.discard(kind)
            return Unknown(reason="connection reset")
        return AlreadyDone(ref="1") if known else Accepted(ref=f"{len(self.told)}")

    def _missing(self, command: Command) -> str | None:
        """What a command refers to and the book does not hold: a target that is told things in the wrong order."""
        needs: list[tuple[str, ...]] = []
        match command:
            case UpsertProject() | UpsertContract():
                needs = [("customer", command.customer_code)]
            case UpsertTask():
                needs = [("project", command.project_code)]
                if command.parent_wbs_code is not None:
                    needs.append(("task", command.project_code, command.parent_wbs_code))
            case SetProjectStatus():
                needs = [("project", command.project_code)]
        return next((" ".join(key) for key in needs if key not in self.objects), None)

    def _keep(self, command: Command) -> None:
        said = {name: value for name, value in msgspec.to_builtins(command).items() if value is not None}
        match command:
            case UpsertCustomer():
                self.objects.setdefault(("customer", command.code), {}).update(said)
            case UpsertContract():
                self.objects.setdefault(("contract", command.code), {}).update(said)
            case UpsertRateCard():
                self.objects.setdefault(("rate_card", command.code), {}).update(said)
            case UpsertProject():
                self.objects.setdefault(("project", command.code), {}).update(said)
            case UpsertTask():
                self.objects.setdefault(("task", command.project_code, command.wbs_code), {}).update(said)
            case SetProjectStatus():
                self.objects["project", command.project_code]["status"] = command.status
            case LinkDeal():
                self.objects.setdefault(("deal", command.deal), {}).update(said)

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        del command_kind, entity
        return {
            one: Found(reference=one, ref="1", state=FoundState.POSTED) for one in references if self.references[one]
        }

    async def aclose(self) -> None:
        """Nothing to close."""

    def of(self, kind: str) -> list[str]:
        """The codes of the objects of a kind, in order."""
        return sorted("/".join(key[1:]) for key in self.objects if key[0] == kind)

    def project(self, code: str) -> dict[str, Any]:
        """What the book says of a project."""
        return self.objects["project", code]

    def kinds(self) -> list[str]:
        """The kinds of what it was told, in order."""
        return [kind_of(command) for command in self.told]


def firm(policy: LeadToProject | None = POLICY, *mappings: tuple[str, ...], **changes: object) -> FirmConfig:
    """The firm with its CRM, PSA and two ERPs; ``mappings`` are further lines (table, source, target, system)."""
    base = world.firm(**changes)
    sandbox = Environment.SANDBOX
    lines = [
        MappingLine(
            table=table,
            line=at,
            system=system[0] if system else "*",
            entity="*",
            source=source,
            target=target,
            valid_from=date(2020, 1, 1),
        )
        for at, (table, source, target, *system) in enumerate(mappings, start=50)
    ]
    return msgspec.structs.replace(
        base,
        systems=(
            SystemConfig(
                name="crm", connector="plain", account="c", environment=sandbox, reads=("x",), takes=("link_deal",)
            ),
            SystemConfig(name="crm2", connector="plain", account="d", environment=sandbox, reads=("x",)),
            SystemConfig(name="psa", connector="plain", account="a", environment=sandbox, reads=("x",), takes=TAKES),
            SystemConfig(
                name="erp", connector="plain", account="b", environment=sandbox, posts_for=("US01",), takes=TAKES
            ),
            SystemConfig(
                name="erp2", connector="plain", account="e", environment=sandbox, posts_for=("DE01",), takes=TAKES
            ),
        ),
        ownership=(
            OwnershipRule(object="client", fields=("*",), system="crm"),
            *(
                OwnershipRule(object=kind, fields=("*",), system="psa")
                for kind in ("project", "task", "role", "resource", "rate_card")
            ),
            *(OwnershipRule(object=kind, fields=("*",), system="erp") for kind in ("legal_entity", "period")),
        ),
        mappings=(*base.mappings, *lines),
        rates=tuple(one for one in base.rates if one.context == "cost"),
        streams=StreamPolicies(lead_to_project=policy),
    )


def masters() -> dict[str, list[ReportedRecord]]:
    """Legal entities of the ERP, a rate card with two roles of the PSA, two customers of the CRM."""
    return {
        "erp": [
            master(
                RecordType.LEGAL_ENTITY,
                number,
                {"code": code, "name": name, "functional_currency": currency, "country": country},
            )
            for number, code, name, currency, country in (
                ("1", "US01", "Acme US", "USD", "US"),
                ("2", "DE01", "Acme DE", "EUR", "DE"),
            )
        ],
        "psa": [
            master(RecordType.ROLE, "r1", {"name": "Senior"}),
            master(RecordType.ROLE, "r2", {"name": "Junior"}),
            *(
                record
                for currency in ("USD", "EUR")
                for record in (
                    master(
                        RecordType.RATE_CARD,
                        currency,
                        {"code": f"RC-{currency}", "name": currency, "currency": currency},
                    ),
                    price(currency, "r1", "200"),
                )
            ),
        ],
        "crm": [
            client("a1", "ACME", "Acme"),
            client("b1", "BETA", "Beta", country="DE", tax_id="DE123456788"),
        ],
    }


def client(key: str, code: str, name: str, version: int = 1, **fields: Any) -> ReportedRecord:
    """A customer of the CRM."""
    said: dict[str, FieldValue] = {"code": code, "name": name, "country": "US", "tax_id": "12-3456789", **fields}
    return master(RecordType.CLIENT, key, said, version)


def price(card: str, role: str, amount: str, **fields: Any) -> ReportedRecord:
    """What a rate card says an hour of a role costs."""
    said: dict[str, FieldValue] = {"price": amount, "currency": card, "valid_from": "2026-01-01", **fields}
    return master(RecordType.RATE_LINE, f"{card}-{role}", said, rate_card=card, role=role)


def deal(
    number: str = "D1",
    *,
    version: int = 1,
    deleted: bool = False,
    refs: dict[str, str] | None = None,
    **fields: Any,
) -> ReportedRecord:
    """A won deal of ACME by US01 over 20,000 USD; ``fields`` and ``refs`` make it another one."""
    said: dict[str, FieldValue] = {
        "code": number,
        "name": "Rollout",
        "stage": "Closed Won",
        "is_won": True,
        "is_closed": True,
        "amount": "20000.00",
        "currency": "USD",
        "close_date": "2026-07-15",
        "starts": "2026-09-01",
        "ends": "2026-12-01",
        "service_line": "Strategy",
        "rate_card_code": "RC-USD",
        "po_number": "PO-7",
        "owner_email": "seller@example.com",
        **fields,
    }
    return ReportedRecord(
        type=RecordType.DEAL,
        source_id=f"o-{number}",
        version=version,
        fields=said,
        references={"client": "a1", "legal_entity": "Acme US", **(refs or {})},
        deleted=deleted,
    )


def line(
    number: str, at: int = 1, *, version: int = 1, deleted: bool = False, role: str = "Senior", **fields: Any
) -> ReportedRecord:
    """A line of a deal: 100 hours of a role."""
    said: dict[str, FieldValue] = {"role_name": role, "description": f"{role} work {at}", "hours": "100", **fields}
    return ReportedRecord(
        type=RecordType.DEAL_LINE,
        source_id=f"{number}-{at}",
        version=version,
        fields=said,
        references={"deal": f"o-{number}"},
        deleted=deleted,
    )


def contract(
    number: str, *, status: str = "signed", version: int = 1, refs: dict[str, str] | None = None, **fields: Any
) -> ReportedRecord:
    """The signed contract of a deal."""
    said: dict[str, FieldValue] = {
        "code": f"K-{number}",
        "name": "Frame",
        "status": status,
        "currency": "USD",
        "signed_value": "20000.00",
        **fields,
    }
    return ReportedRecord(
        type=RecordType.CONTRACT,
        source_id=f"k-{number}",
        version=version,
        fields=said,
        references={"deal": f"o-{number}", "client": "a1", **(refs or {})},
    )


def whole_deal(number: str = "D1", **fields: Any) -> list[ReportedRecord]:
    """A deal with contract and one line."""
    return [contract(number), line(number), deal(number, **fields)]


class ProjectHub:
    """The hub with its targets."""

    def __init__(self, url: str, conn: Connection[tuple[object, ...]], pool: Pool, **classes: IdempotencyClass) -> None:
        self.inbound = Hub(conn)
        plain = self.inbound.context.translators["psa"]
        translators = dict.fromkeys(("crm", "crm2", "psa", "erp", "erp2"), plain)
        self.inbound.context = type(self.inbound.context)(
            clock=self.inbound.clock,
            ids=self.inbound.context.ids,
            translators=translators,
            books=self.inbound.context.books,
            recut=self.inbound.context.recut,
        )
        self.conn = conn
        self.clock = self.inbound.clock
        self.books = {name: MasterBook() for name in ("psa", "erp", "erp2", "crm")}
        self.context = ProjectContext(clock=self.clock, books=self.inbound.context.books, rates=RateBookCache())
        self.worker = Worker(url, now=self.clock.now())
        self.engines = [
            self._engine(name, book, pool, classes.get(name, IdempotencyClass.L)) for name, book in self.books.items()
        ]

    def _engine(self, name: str, book: MasterBook, pool: Pool, idempotency: IdempotencyClass) -> Engine:
        manifest = Manifest(
            name=name,
            title=name,
            role=Role.ERP,
            api_version="1",
            writes=tuple(
                WriteCapability(command=command, idempotency=idempotency, max_batch=5)
                for command in (*TAKES, "upsert_rate_card", "link_deal")
            ),
            max_in_flight_s=30,
        )
        policy = DeliveryPolicy(max_attempts=3, circuit_failures=100)
        return Engine(
            target=Target(system=name, manifest=manifest, policy=policy, sink=book),
            pool=pool,
            epoch=self.worker.epoch,
            clock=self.clock,
            aftermath=Aftermath(builder=JournalRebuilder(self.context.books)),
            jitter=lambda: Decimal(1),
        )

    def open(self, config: FirmConfig | None = None) -> None:
        """Apply the configuration and take the masters in."""
        self.apply(config or firm())
        for system, records in masters().items():
            self.inbound.send(_Wire(records=records), system=system, object_name="masters")
        self.run()

    def apply(self, config: FirmConfig) -> None:
        """Make ``config`` the firm's configuration."""
        self.inbound.apply(config)

    def report(self, *records: ReportedRecord, system: str = "crm") -> None:
        """Take in what a system reports, a minute later, and run everything to quiet."""
        self.clock.advance(timedelta(minutes=1).total_seconds())
        self.inbound.send(_Wire(records=list(records)), system=system, object_name="masters")
        self.run()

    def work(self) -> None:
        """The steps, without any delivery."""
        self.inbound.work()
        while advance_projects(self.conn, self.context) + in_transaction(
            self.conn, lambda cur: released.take_up(cur, self.clock)
        ):
            self.inbound.work()

    def run(self) -> None:
        """Steps and deliveries until nothing is due at this time."""
        for _ in range(60):
            self.work()
            if not sum(asyncio.run(engine.drain()) for engine in self.engines):
                return
        raise AssertionError("The hub never comes to rest.")

    def wait(self, seconds: float) -> None:
        """Let time pass, then run."""
        self.clock.advance(seconds)
        self.run()

    def desk(self) -> list[tuple[object, ...]]:
        """Code and source of what is open on the desk."""
        return [(code, source) for code, state, source in self.inbound.open_items()]

    def codes(self) -> list[str]:
        """The codes of what is open on the desk."""
        return [str(code) for code, _ in self.desk()]

    def retry(self, code: str, *, accept: bool = False) -> None:
        """A person releases every item of ``code``."""
        items = queue.find_items(self.conn, code=code)
        in_transaction(
            self.conn,
            lambda cur: effects.release(
                cur, items, actor="ada", reason="Seen to.", accept=accept, now=self.clock.now()
            ),
        )
        self.run()

    def exclude(self, code: str) -> None:
        """A person takes every item of ``code`` off the desk for good."""
        items = queue.find_items(self.conn, code=code)
        in_transaction(
            self.conn, lambda cur: effects.exclude(cur, items, actor="ada", reason="By hand.", now=self.clock.now())
        )
        self.run()

    def project_state(self, code: str) -> str | None:
        """The state of a project in the hub's own books."""
        row = self.conn.execute("select state from provisioning where code = %s", (code,)).fetchone()
        return None if row is None else str(row[0])

    def deal_state(self, number: str = "D1") -> str | None:
        """The state of a deal in the hub's own books."""
        row = self.conn.execute("select state from won_deal where number = %s", (number,)).fetchone()
        return None if row is None else str(row[0])

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """The rows of a query."""
        return self.conn.execute(query, values).fetchall()


def told_since(book: MasterBook, count: int) -> list[str]:
    """The kinds of what a book was told after its first ``count`` commands."""
    return book.kinds()[count:]
