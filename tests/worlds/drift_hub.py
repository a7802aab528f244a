"""A hub with one real connector over its simulator: masters are delivered, somebody works behind its back, it looks.

Deliveries go through the real engine, sweeps through the connector's own way of reading. The CRM owns customers,
projects and tasks unless a test says otherwise.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from psycopg import Connection, Cursor
from psycopg.types.json import Jsonb

from tieout.connect.conformance.fixture_firm import fixture_firm
from tieout.connect.connector import connector_for
from tieout.connect.manifest import CursorKind
from tieout.connect.simulator.control import Change
from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import write_firm
from tieout.connect.throttle import NoThrottle
from tieout.desk import intake, queue
from tieout.governance import firm_version
from tieout.model.clock import FixedClock
from tieout.model.command import MasterCommand, UpsertCustomer, UpsertProject, UpsertTask, kind_of
from tieout.model.firm import Environment, FirmConfig, OwnershipRule, SystemConfig
from tieout.model.identity import idempotency_key, reference_of
from tieout.model.reported import ReportedRecord
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.drift import release
from tieout.outbound.drift.said import said_by
from tieout.outbound.drift.store import DRIFT
from tieout.outbound.engine import Engine
from tieout.outbound.outbox import NewDelivery, enqueue
from tieout.records.reference_book import BookCache
from tieout.runtime.drift_sweep import ComparedKind, sweep_for_drift
from tieout.runtime.systems import connection_to, targets, translators
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.copying import take_ids
from tieout.storage.pool import Pool, connect, in_transaction, sync_pool
from tieout.storage.workers import Worker
from tieout.streams.time_to_bill.rebuild import JournalRebuilder

TARGET = "target"
_Told = TypeVar("_Told", bound=msgspec.Struct)
_LATER_S = 5
"""Longer than any vendor here needs to show what was written."""
CUSTOMER = UpsertCustomer(reference="", entity="US01", code="C-77", name="Ünïcode & Sons", currency="USD")
PROJECT = UpsertProject(
    reference="",
    entity="US01",
    code="P-77",
    name="Rollout",
    customer_code="C-77",
    currency="USD",
    starts=date(2026, 9, 1),
    ends=date(2027, 1, 1),
    budget_hours=Decimal(120),
)
TASK = UpsertTask(
    reference="",
    entity="US01",
    project_code="P-77",
    wbs_code="W-1",
    name="Design",
    planned_hours=Decimal(40),
)
OWNED_BY_CRM = tuple(
    OwnershipRule(object=kind, fields=("*",), system="crm") for kind in ("client", "project", "task", "demand")
)


@dataclass
class DriftHub:
    """One target with the hub around it."""

    url: str
    conn: Connection[tuple[object, ...]]
    firm: FirmConfig
    simulator: SimulatorProcess
    seed: Path
    pool: Pool
    epoch: int
    clock: FixedClock
    enqueued: int = 0

    @property
    def system(self) -> SystemConfig:
        """The target's configuration."""
        return self.firm.systems[1]

    def deliver(self, *commands: MasterCommand) -> None:
        """Send commands, each as the next version of its object, and let them be acknowledged."""
        for command in commands:
            self.enqueue(command)
            self.run()
        assert self.states() == {"posted"}, self.conn.execute("select state, code, words from delivery").fetchall()

    def enqueue(self, command: MasterCommand) -> None:
        """Put a command into the outbox as the next version of its object."""
        self.enqueued += 1
        said = said_by(command)
        key = idempotency_key(
            entity=command.entity,
            kind=kind_of(command),
            source_id=said.key,
            source_version=str(self.enqueued),
            purpose="test",
        )

        def work(cur: Cursor[tuple[object, ...]]) -> None:
            delivery = NewDelivery(
                delivery_id=take_ids(cur, "delivery_id_seq"),
                system=TARGET,
                command_kind=kind_of(command),
                command=msgspec.structs.replace(command, reference=reference_of(key)),
                key=key,
                order_key=f"master|{said.record}|{said.key}",
                entity_id=1,
            )
            enqueue(cur, [delivery], now=self.clock.now())

        in_transaction(self.conn, work)

    def run(self) -> None:
        """Take up what people decided, and deliver what is due."""
        while in_transaction(self.conn, lambda cur: release.take_up(cur, self.clock)):
            asyncio.run(self._drain())
        asyncio.run(self._drain())

    async def _drain(self) -> None:
        [target] = targets(self.firm, throttle=NoThrottle(), clock=self.clock)
        engine = Engine(
            target=target,
            pool=self.pool,
            epoch=self.epoch,
            clock=self.clock,
            aftermath=Aftermath(builder=JournalRebuilder(BookCache())),
            jitter=lambda: Decimal(1),
        )
        try:
            await engine.drain()
        finally:
            await target.sink.aclose()

    def behind(self, *changes: Change) -> None:
        """Somebody works in the target by hand."""
        self.simulator.admin.change(*changes)

    def restore(self) -> None:
        """The target is as it was before the hub ever wrote to it: somebody put back an old copy."""
        self.simulator.admin.seed(self.seed)

    def write_behind(self, *commands: MasterCommand) -> None:
        """A request of the past reaches the target now: the hub knows nothing of it."""
        [target] = targets(self.firm, throttle=NoThrottle(), clock=self.clock)

        async def write() -> None:
            try:
                for command in commands:
                    await target.sink.write([command])
            finally:
                await target.sink.aclose()

        asyncio.run(write())

    def last_told(self, kind: type[_Told]) -> _Told:
        """The last command of a kind, as it was sent."""
        rows = self.conn.execute("select command from delivery_command order by delivery_id desc").fetchall()
        decoded = (msgspec.json.decode(row[0], type=MasterCommand) for row in rows if isinstance(row[0], bytes))
        return next(one for one in decoded if isinstance(one, kind))

    def sweep(self, *, limit_percent: int = 100) -> dict[str, ComparedKind]:
        """What a sweep a little later comes to, by type of record."""
        self.clock.advance(_LATER_S)
        done = asyncio.run(
            sweep_for_drift(
                [self.system],
                url=self.url,
                firm=self.firm,
                throttle=NoThrottle(),
                clock=self.clock,
                limit_percent=limit_percent,
            )
        )
        verify_control_totals(self.conn)
        return {one.kind: one for one in done}

    def desk(self) -> list[queue.ItemView]:
        """What is open on the desk."""
        return queue.list_items(self.conn)

    def retry(self, code: str | None = None, *, accept: bool = False) -> None:
        """A decided release of all that is open (or of one code), with the finding overruled or not, is taken up."""

        def work(cur: Cursor[tuple[object, ...]]) -> None:
            overruled = {"override": "DRIFT"} if accept else {}
            cur.execute(
                """
                update desk_item set state = 'released', context = context || %s
                 where state = 'open' and source_id = coalesce(%s, source_id)
                """,
                (Jsonb(overruled), code),
            )

        in_transaction(self.conn, work)
        self.run()

    def exclude(self) -> None:
        """Everything that is open is off the desk."""
        subjects = [one.subject_id for one in self.desk()]
        in_transaction(
            self.conn,
            lambda cur: intake.exclude(cur, DRIFT, subjects, now=self.clock.now(), reason="Known."),
        )

    def states(self) -> set[str]:
        """The states that deliveries are in."""
        return {str(row[0]) for row in self.conn.execute("select distinct state from delivery")}

    def keys_of(self, kind: str) -> list[str]:
        """The target's keys of all records of a kind, as its source tells them."""
        connector = connector_for(self.system.connector, self.system.settings)
        translator = translators(self.firm)[TARGET]
        assert connector.open_source is not None
        source = connector.open_source(connection_to(self.system, connector, throttle=NoThrottle(), clock=self.clock))

        async def read() -> list[str]:
            try:
                return [
                    one.source_id
                    for told in connector.manifest.reads
                    if kind in told.kinds and told.cursor is CursorKind.UPDATED_AT
                    async for page in source.read(told.object, None)
                    for one in translator.translate(told.object, page.payload)
                    if isinstance(one, ReportedRecord) and one.type.value == kind
                ]
            finally:
                await source.aclose()

        return asyncio.run(read())

    def last_kind(self) -> str:
        """The kind of what was enqueued last."""
        [(kind,)] = self.conn.execute("select command_kind from delivery order by delivery_id desc limit 1").fetchall()
        return str(kind)

    def delivery_count(self) -> int:
        """How much was ever enqueued."""
        return len(self.conn.execute("select from delivery").fetchall())


@contextmanager
def open_drift_hub(
    connector: str,
    url: str,
    scratch: Path,
    monkeypatch: pytest.MonkeyPatch,
    ownership: Sequence[OwnershipRule] = OWNED_BY_CRM,
) -> Iterator[DriftHub]:
    """A hub whose target is the simulator of ``connector``, filled with the fixture firm."""
    seed = scratch / "seed"
    seed.mkdir()
    write_firm(seed, fixture_firm())
    (seed / "time_entries.jsonl").write_bytes(b"")
    clock = FixedClock(datetime.now(UTC))
    with SimulatorProcess(connector, scratch / "state", seed_dir=seed) as simulator:
        sheet = simulator.admin.connection()
        secrets = {name: f"env:DRIFT_{name.upper()}" for name in sheet.secrets}
        for name, value in sheet.secrets.items():
            monkeypatch.setenv(f"DRIFT_{name.upper()}", value)
        config = FirmConfig(
            name="Test firm",
            version=1,
            content_hash=f"drift of {simulator.admin.connection().settings}",
            systems=(
                SystemConfig(name="crm", connector="api", account="c", environment=Environment.SANDBOX, role="crm"),
                SystemConfig(
                    name=TARGET,
                    connector=connector,
                    account="t",
                    environment=Environment.SANDBOX,
                    settings=sheet.settings,
                    secrets=secrets,
                    takes=("upsert_customer", "upsert_project", "upsert_task", "publish_demand"),
                ),
            ),
            ownership=tuple(ownership),
        )
        yield from _opened(url, config, simulator, seed, clock)


def _opened(
    url: str, config: FirmConfig, simulator: SimulatorProcess, seed: Path, clock: FixedClock
) -> Iterator[DriftHub]:
    pool = sync_pool(url, application="test", size=4)
    with connect(url, autocommit=True) as conn:
        in_transaction(conn, lambda cur: firm_version.store(cur, config, applied_by="test", now=clock.now()))
        worker = Worker(url, now=clock.now())
        yield DriftHub(
            url=url, conn=conn, firm=config, simulator=simulator, seed=seed, pool=pool, epoch=worker.epoch, clock=clock
        )
        worker.close()
    pool.close()
