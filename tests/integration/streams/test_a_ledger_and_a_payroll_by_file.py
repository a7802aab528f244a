"""A regional ledger and a payroll that exchange files by SFTP: rates in, journals and hours out, all tied out.

The office is the simulator that comes with the connector, in a process of its own; everything goes over its SFTP door.
"""

import asyncio
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.connect.conformance.bench import LocalThrottle
from tieout.connect.connector import Connection
from tieout.connect.http import HttpSettings
from tieout.connect.simulator.control import DeleteHolding, Holding
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import SeedCostRate, SeedEntity, SeedFirm, SeedPerson, write_firm
from tieout.connectors.files.connector import configure
from tieout.inbound.context import InboundContext
from tieout.model.firm import DeliveryPolicy, Environment, FirmConfig, OwnershipRule, SystemConfig
from tieout.model.stream_policy import HoursToPayroll, StreamPolicies
from tieout.outbound import released
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.recut import recut
from tieout.outbound.target import Target
from tieout.reconciliation.tie_out import TieOut, tie_out
from tieout.reconciliation.verify import LedgerBreak, expected_postings, verify_ledger
from tieout.runtime.intake import Poller
from tieout.storage.pool import Pool, connect, in_transaction, sync_pool
from tieout.storage.workers import Worker
from tieout.streams.hours_to_payroll.step import PayrollContext, tell_payrolls
from tieout.streams.time_to_bill.rebuild import JournalRebuilder
from tieout.streams.time_to_bill.step import BillingContext, build_journals

MONTHS = [f"2026-{month:02d}" for month in range(1, 12)]
OFFICE = SystemConfig(
    name="office",
    connector="files",
    account="office",
    environment=Environment.SANDBOX,
    posts_for=("US01",),
    reads=("people", "cost_rates"),
    takes=("post_payroll_hours",),
    role="payroll",
)


def seed() -> SeedFirm:
    """What the office has: two people with cost rates, and the ledger of one legal entity."""
    return SeedFirm(
        name="Office",
        entities=[
            SeedEntity(
                code="US01",
                name="Acme US",
                country="US",
                currency="USD",
                time_zone="America/New_York",
                periods=MONTHS,
                closed_periods=["2026-05"],
            )
        ],
        clients=[],
        projects=[],
        roles=[],
        people=[
            SeedPerson(
                key=number,
                name=name,
                email=f"{name.lower()}@example.com",
                entity="US01",
                role="Senior",
                employed_from="2020-01-01",
                cost_rates=[SeedCostRate(amount_minor=rate_minor, currency="USD", starts="2026-01-01")],
            )
            for number, name, rate_minor in (("017", "Ada", 91_50), ("042", "Bob", 64_25))
        ],
        rate_cards=[],
        fx_rates=[],
        accounts=world.ACCOUNTS,
    )


def firm(definition: str) -> FirmConfig:
    """The firm whose one legal entity is paid and kept by the office; what people cost, nobody says but the payroll."""
    base = world.firm()
    erp = next(one for one in base.systems if one.name == "erp")
    others = [one for one in base.systems if one.name != "erp"]
    office = msgspec.structs.replace(OFFICE, settings={"definition": definition})
    policy = HoursToPayroll(payrolls={"US01": "office"}, first_day=date(2026, 7, 1))
    return msgspec.structs.replace(
        base,
        systems=(*others, msgspec.structs.replace(erp, posts_for=("DE01",)), office),
        ownership=tuple(OwnershipRule(object=kind, fields=("*",), system="erp") for kind in ("legal_entity", "period")),
        rates=tuple(one for one in base.rates if one.context != "cost"),
        streams=StreamPolicies(hours_to_payroll=policy),
    )


class Regional:
    """The hub, and the office behind its SFTP door."""

    def __init__(self, url: str, hub: Hub, pool: Pool, process: SimulatorProcess) -> None:
        self.url = url
        self.hub = hub
        self.admin = process.admin
        sheet = self.admin.connection()
        self.connector = configure(sheet.settings)
        self.connection = Connection(
            system="office",
            account="office",
            settings=sheet.settings,
            secrets=sheet.secrets,
            throttle=LocalThrottle(),
            clock=hub.clock,
            http=HttpSettings(timeout_s=10.0),
        )
        given = hub.context
        translator = self.connector.translator
        assert translator is not None
        hub.context = InboundContext(
            clock=given.clock,
            ids=given.ids,
            translators={**given.translators, "office": translator},
            books=given.books,
            recut=recut,
        )
        self.pool = pool
        self.worker = Worker(url, now=hub.clock.now())
        self.billing = BillingContext(clock=hub.clock, books=given.books)
        self.payroll = PayrollContext(clock=hub.clock, books=given.books)
        hub.open_firm(firm(sheet.settings["definition"]))

    def close(self) -> None:
        self.worker.close()

    def poll(self) -> None:
        """Read what the payroll left."""

        async def all_objects() -> None:
            assert self.connector.open_source is not None
            source = self.connector.open_source(self.connection)
            try:
                for name in OFFICE.reads:
                    poller = Poller(
                        system=OFFICE, object_name=name, source=source, pool=self.pool, clock=self.hub.clock
                    )
                    await poller.poll_once()
            finally:
                await source.aclose()

        asyncio.run(all_objects())
        self.hub.work()

    def deliver(self) -> None:
        """Bill, make files of hours, send both, and so on until all is at rest."""
        conn = self.hub.conn

        async def send() -> None:
            assert self.connector.open_sink is not None
            sink = self.connector.open_sink(self.connection)
            engine = Engine(
                target=Target(
                    system="office",
                    manifest=self.connector.manifest,
                    policy=DeliveryPolicy(longest_in_flight_s=Decimal(1), max_attempts=4),
                    sink=sink,
                ),
                pool=self.pool,
                epoch=self.worker.epoch,
                clock=self.hub.clock,
                aftermath=Aftermath(builder=JournalRebuilder(self.hub.context.books)),
                jitter=lambda: Decimal(1),
            )
            try:
                await engine.drain()
            finally:
                await sink.aclose()

        for _ in range(3):
            while build_journals(conn, self.billing) + tell_payrolls(conn, self.payroll):
                pass
            in_transaction(conn, lambda cur: released.take_up(cur, self.hub.clock))
            asyncio.run(send())
        tell_payrolls(conn, self.payroll)

    def statement(self) -> TieOut:
        with connect(self.url, autocommit=True) as conn:
            return tie_out(conn, translators=self.hub.context.translators)

    def ledger_breaks(self) -> list[LedgerBreak]:
        """What the ledger's own export says otherwise than the hub."""
        span = {"starts": date(2026, 7, 1), "ends": date(2026, 8, 1)}
        expected = expected_postings(self.hub.conn, system="office", entity="US01", **span)

        async def verified() -> list[LedgerBreak]:
            assert self.connector.open_ledger_reader is not None
            reader = self.connector.open_ledger_reader(self.connection)
            try:
                return await verify_ledger(reader, expected, entity="US01", **span)
            finally:
                await reader.aclose()

        return asyncio.run(verified())

    def held(self, kind: str) -> list[Holding]:
        return [one for one in self.admin.holdings() if one.kind == kind]


@pytest.fixture
def regional(database_url: str, tmp_path: Path) -> Iterator[Regional]:
    seeds = tmp_path / "seed"
    seeds.mkdir()
    write_firm(seeds, seed())
    pool = sync_pool(database_url, application="test", size=6)
    with (
        SimulatorProcess("files", tmp_path / "office", seed_dir=seeds) as process,
        connect(database_url, autocommit=True) as conn,
    ):
        opened = Regional(database_url, Hub(conn), pool, process)
        yield opened
        opened.close()
    pool.close()


def work(regional: Regional) -> None:
    regional.hub.take(
        world.said(source_id="1", hours=Decimal("7.5")),
        world.said(
            source_id="2",
            person="bob",
            hours=Decimal(4),
            narrative="Workshop with the committee",
            work_date=date(2026, 7, 2),
        ),
    )


def test_rates_come_in_and_journals_and_hours_go_out_by_file_and_all_of_it_ties_out(regional: Regional) -> None:
    work(regional)
    assert {str(row[0]) for row in regional.hub.open_items()} == {"COST_RATE_NOT_FOUND"}
    regional.poll()
    assert regional.hub.open_items() == []
    assert regional.hub.rows("select functional_minor from actual where actual_id %% 8 = 0 order by actual_id") == [
        (686_25,),
        (257_00,),
    ]
    regional.deliver()
    journals, (hours,) = regional.held("post_journal"), regional.held("post_payroll_hours")
    assert {(one.entity, one.posted) for one in journals} == {("US01", True)}
    assert sum(one.debit_minor or 0 for one in journals) == 1_500_00 + 800_00 + 686_25 + 257_00
    assert (hours.facts["hours"], hours.facts["lines"]) == ("11.5", "2")
    assert hours.facts["detail"] == "017 01.07.2026 100 7,5;042 02.07.2026 100 4"
    statement = regional.statement()
    assert statement.breaks == ()
    assert statement.holds
    assert regional.ledger_breaks() == []


def test_answers_that_are_lost_double_neither_a_journal_nor_an_hour(regional: Regional) -> None:
    regional.poll()
    work(regional)
    regional.admin.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write", count=2))
    regional.deliver()
    assert ("in_doubt",) in regional.hub.rows("select state from delivery")
    regional.hub.clock.advance(60)
    regional.deliver()
    assert set(regional.hub.rows("select state from delivery")) == {("posted",)}
    held = regional.admin.holdings()
    assert len({one.reference for one in held}) == len(held) == 3
    assert regional.statement().holds
    assert regional.ledger_breaks() == []


def test_a_journal_that_somebody_removes_from_the_ledger_is_found_by_its_export(regional: Regional) -> None:
    regional.poll()
    work(regional)
    regional.deliver()
    gone = regional.held("post_journal")[0].reference
    regional.admin.change(DeleteHolding(reference=gone))
    assert [(one.kind, one.reference) for one in regional.ledger_breaks()] == [("missing", gone)]
