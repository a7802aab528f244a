"""Intake and delivery of one firm version end in time, whatever they wait for, so that the next ones can begin."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import psycopg
import pytest
from tests.integration.outbound.test_delivery_on_a_real_database import BookkeepingTarget, master
from tests.worlds import inbound_firm as world

from tieout.connect.manifest import IdempotencyClass, Limits, Manifest, Role, WriteCapability
from tieout.connect.outcome import Outcome
from tieout.connect.source import Page
from tieout.connect.throttle import NoThrottle, Throttle
from tieout.errors import AccessError
from tieout.model.clock import Clock
from tieout.model.command import Command
from tieout.model.firm import DeliveryPolicy, Environment, FirmConfig, SystemConfig
from tieout.outbound.outbox import enqueue
from tieout.outbound.target import Target
from tieout.runtime import hub, intake, systems
from tieout.runtime.clock import SystemClock
from tieout.runtime.hub import HubOptions
from tieout.runtime.intake import Poller
from tieout.storage.pool import Pool, connect, in_transaction, sync_pool

ONE_AN_HOUR = Limits(requests_per_window=1, window_s=3600)


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    opened = sync_pool(database_url, application="test", size=4)
    yield opened
    opened.close()


class WaitsForItsTurn:
    """A source or a sink that has to wait for hours until the limits of its account let it ask."""

    def __init__(self, throttle: Throttle, asking: asyncio.Event) -> None:
        self.throttle = throttle
        self.asking = asking

    async def _ask(self) -> None:
        async with self.throttle.acquire("psa", ONE_AN_HOUR):
            pass
        self.asking.set()
        async with self.throttle.acquire("psa", ONE_AN_HOUR):
            pass

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        await self._ask()
        yield Page(object=object_name, payload=b"", item_count=0, next_cursor=cursor or "")

    async def aclose(self) -> None:
        """Nothing to close."""


class SlowTarget(WaitsForItsTurn, BookkeepingTarget):
    """A ledger whose account lets nobody write for hours."""

    def __init__(self, throttle: Throttle, asking: asyncio.Event) -> None:
        BookkeepingTarget.__init__(self)
        WaitsForItsTurn.__init__(self, throttle, asking)

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        await self._ask()
        return await super().write(commands)


async def test_a_source_that_waits_for_hours_holds_up_no_new_configuration(
    database_url: str, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, outdated = asyncio.Event(), asyncio.Event()

    def pollers(firm: FirmConfig, pool: Pool, throttle: Throttle, clock: Clock, _stack: AsyncExitStack) -> list[Poller]:
        source = WaitsForItsTurn(throttle, asking)
        return [Poller(system=firm.systems[0], object_name="time_entries", source=source, pool=pool, clock=clock)]

    monkeypatch.setattr(hub, "open_pollers", pollers)
    monkeypatch.setattr(hub, "_FINISH_WITHIN_S", 0.5)
    options = HubOptions(url=database_url, home=tmp_path, deliver=False)
    flows = asyncio.create_task(hub._run_flows(options, pool, world.firm(), outdated))
    await asyncio.wait_for(asking.wait(), 20)
    outdated.set()
    await asyncio.wait_for(flows, 10)


async def test_what_waits_to_be_sent_is_not_sent_any_more_once_its_worker_counts_as_dead(
    database_url: str, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database_url) as conn:
        in_transaction(conn, lambda cur: enqueue(cur, [master(1)], now=datetime.now(UTC)))
    asking = asyncio.Event()
    written: list[list[int]] = []

    def targets(firm: FirmConfig, *, throttle: Throttle, clock: Clock, owed: frozenset[str]) -> list[Target]:
        del firm, clock, owed
        sink = SlowTarget(throttle, asking)
        written.append(sink.calls)
        manifest = Manifest(
            name="test",
            title="Test",
            role=Role.ERP,
            api_version="1",
            writes=(WriteCapability(command="upsert_customer", idempotency=IdempotencyClass.L),),
            max_in_flight_s=30,
        )
        return [Target(system="erp", manifest=manifest, policy=DeliveryPolicy(concurrency=1), sink=sink)]

    monkeypatch.setattr(systems, "targets", targets)
    options = HubOptions(url=database_url, home=tmp_path, poll=False)
    flows = asyncio.create_task(hub._run_flows(options, pool, world.firm(), asyncio.Event()))
    await asyncio.wait_for(asking.wait(), 20)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'tieout-worker' and datname = current_database()"
        )
    missed_at = time.monotonic()
    await asyncio.wait_for(flows, 10)
    assert time.monotonic() - missed_at < 5
    assert written == [[]]
    with connect(database_url) as conn:
        assert conn.execute("select state from delivery").fetchall() == [("intent",)]


async def test_what_changes_seldom_is_asked_for_less_often_than_bookings(pool: Pool, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("made up")
    planning = SystemConfig(
        name="resources",
        connector="float",
        account="sandbox",
        environment=Environment.SANDBOX,
        reads=("people", "tasks"),
        poll_interval_s=Decimal(2),
        settings={"contact": "operations@northwind.example"},
        secrets={"access_token": f"file:{token}"},
    )
    firm = msgspec.structs.replace(world.firm(), systems=(planning,))
    async with AsyncExitStack() as stack:
        pollers = hub.open_pollers(firm, pool, NoThrottle(), SystemClock(), stack)
        assert {one.object_name: one.interval_s for one in pollers} == {"people": 30.0, "tasks": 2.0}


class RefusesAtFirst:
    """A source whose vendor refuses the token so many times before it answers."""

    def __init__(self, times: int) -> None:
        self.times = times

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        if self.times:
            self.times -= 1
            raise AccessError(code="TIE-FLOAT-004", message="no")
        yield Page(object=object_name, payload=b"[]", item_count=0, next_cursor=cursor or "1")

    async def aclose(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(("times", "is_read"), [(1, True), (3, True), (4, False)])
async def test_a_patient_poll_outlasts_a_slip_of_the_vendors_and_no_refusal_that_stays(
    pool: Pool, times: int, *, is_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_PATIENT_WAIT_S", 0.01)
    source = RefusesAtFirst(times)
    poller = Poller(
        system=world.firm().systems[0], object_name="time_entries", source=source, pool=pool, clock=SystemClock()
    )
    if is_read:
        assert await poller.poll_patiently() == 0
    else:
        with pytest.raises(AccessError):
            await poller.poll_patiently()
