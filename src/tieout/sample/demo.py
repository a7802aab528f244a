"""The demo: a sample firm's quarter and month go through the hub, stream by stream, to quiet, and are proved.

Lead-to-project first: sellers win and change deals, every system ends with the same projects (``project_act``). Then
the quarter's bookings come from the resource tool into forecast and capacity, and a month of time goes from the PSA
into the ledger and is tied out. Nothing here writes into the hub's tables: the systems are filled, the hub reads them
as it would any others.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psycopg

from tieout.desk import queue
from tieout.desk.queue import CauseSummary
from tieout.governance import firm_version
from tieout.inbound.context import TIME_OBJECTS
from tieout.reconciliation import tie_out_runs
from tieout.reconciliation.tie_out import TieOut
from tieout.runtime.apply import apply_firm
from tieout.runtime.clock import SystemClock
from tieout.runtime.hub import HubOptions, open_pollers, serve
from tieout.runtime.installation import Installation
from tieout.runtime.intake import Poller
from tieout.runtime.memory import hub_memory_mb
from tieout.runtime.reconcile import current_translators
from tieout.sample import plan_act, project_act
from tieout.sample.plan_act import PlanResult
from tieout.sample.project_act import ProjectsResult
from tieout.sample.surroundings import DemoPlan, Stream, World, surroundings
from tieout.storage.pool import connect, sync_pool
from tieout.storage.throttle import SharedThrottle

_LOOK_S = 0.25
_QUIET_LOOKS = 3


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the demo is: entries received and read, journals posted of those enqueued, and so with masters."""

    received: int
    read: int
    journals: int
    posted: int
    masters: int
    delivered: int


class DemoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo came to; ``projects`` and ``planned`` are None where their stream was not run."""

    statement: TieOut
    causes: list[CauseSummary]
    projects: ProjectsResult | None
    planned: PlanResult | None
    elapsed_s: float
    hub_rss_mb: int
    received: int


@dataclass(frozen=True, kw_only=True)
class Reporter:
    """Where progress goes: a word for each stage, and figures while one runs."""

    stage: Callable[[str], None]
    progress: Callable[[Progress, int], None]


def run_demo(installation: Installation, plan: DemoPlan, reporter: Reporter) -> DemoResult:
    """Run ``plan`` in an open home to quiet; the result is read from the hub's own books and from the systems."""
    home: Path = installation.home
    reporter.stage("Filling the systems with a sample firm")
    with surroundings(home, plan, lambda step: reporter.stage(f"  {step}")) as world:
        started = time.monotonic()
        apply_firm(installation.url, home / "firm", applied_by="demo", clock=SystemClock())
        memory_mb = asyncio.run(_Run(installation, plan, world, reporter).to_the_end())
        elapsed_s = time.monotonic() - started
        reporter.stage("Tying out")
        sold = plan.runs(Stream.LEAD_TO_PROJECT)
        today = SystemClock().now().date()
        with connect(installation.url, autocommit=True) as conn:
            return DemoResult(
                statement=tie_out_runs.run(
                    conn, translators=current_translators(conn), requested_by="demo", clock=SystemClock()
                ),
                causes=queue.list_causes(conn),
                projects=project_act.judge_quarter(installation.url, world) if sold else None,
                planned=plan_act.judge_plan(conn, world, today) if plan.runs(Stream.PLAN_TO_ALLOCATE) else None,
                elapsed_s=round(elapsed_s, 2),
                hub_rss_mb=memory_mb,
                received=world.entries if plan.runs(Stream.TIME_TO_BILL) else 0,
            )


class _Run:
    """The hub while the demo's streams happen around it, one after the other."""

    def __init__(self, installation: Installation, plan: DemoPlan, world: World, reporter: Reporter) -> None:
        self._installation = installation
        self._plan = plan
        self._world = world
        self._reporter = reporter
        self._peak_mb = 0

    async def to_the_end(self) -> int:
        """Run every stream of the plan to quiet; returns how much memory the hub held at most."""
        stopping = asyncio.Event()
        options = HubOptions(url=self._installation.url, home=self._installation.home, poll=False)
        hub = asyncio.create_task(serve(options, stopping))
        acts = asyncio.create_task(self._acts())
        try:
            await asyncio.wait({hub, acts}, return_when=asyncio.FIRST_COMPLETED)
            if not acts.done():
                acts.cancel()  # the hub ended before its time: what it says is said below
            else:
                await acts
        finally:
            stopping.set()
            await hub
        return self._peak_mb

    async def _acts(self) -> None:
        if self._plan.runs(Stream.LEAD_TO_PROJECT):
            await project_act.run_quarter(
                self._world, read=self._read_masters, quiet=self._quiet, stage=self._reporter.stage
            )
        if self._plan.runs(Stream.PLAN_TO_ALLOCATE):
            self._reporter.stage("Reading the quarter's bookings, planning forecast and capacity")
            await self._read_masters(None)
            await self._quiet()
        if self._plan.runs(Stream.TIME_TO_BILL):
            self._reporter.stage("Reading, checking, rating and posting the month")
            reading = asyncio.create_task(_read(self._installation.url, lambda _: True))
            await self._quiet(reading)
            await reading

    async def _read_masters(self, systems: frozenset[str] | None) -> None:
        def is_meant(poller: Poller) -> bool:
            return poller.object_name not in TIME_OBJECTS and (systems is None or poller.system.name in systems)

        await _read(self._installation.url, is_meant)

    async def _quiet(self, reading: "asyncio.Task[None] | None" = None) -> None:
        """Wait until nothing is left to do, and has not been for a while."""
        sold, planned = self._plan.runs(Stream.LEAD_TO_PROJECT), self._plan.runs(Stream.PLAN_TO_ALLOCATE)
        looks = 0
        while looks < _QUIET_LOOKS:
            await asyncio.sleep(_LOOK_S)
            found, idle = await asyncio.to_thread(_look, self._installation.url, sold=sold, planned=planned)
            self._reporter.progress(found, self._world.entries)
            self._peak_mb = max(self._peak_mb, hub_memory_mb())
            looks = looks + 1 if idle and (reading is None or reading.done()) else 0


async def _read(url: str, is_meant: Callable[[Poller], bool]) -> None:
    """One poll of every object that is meant: the masters of all systems first, then time."""
    pool = sync_pool(url, application="tieout-demo", size=4)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        stack.callback(pool.close)
        throttle = SharedThrottle(url)
        stack.push_async_callback(throttle.aclose)
        with pool.connection() as conn:
            firm = firm_version.current(conn)
        pollers = [one for one in open_pollers(firm, pool, throttle, clock, stack) if is_meant(one)]
        for poller in sorted(pollers, key=lambda one: one.object_name in TIME_OBJECTS):
            await poller.poll_patiently()


def _look(url: str, *, sold: bool, planned: bool) -> tuple[Progress, bool]:
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(
            """
            select (select coalesce(sum(item_count), 0) from tieout.message where object = any(%(time)s)),
                   (select coalesce(sum(accepted_count + held_count + repeat_count), 0) from tieout.batch),
                   count(*) filter (where d.command_kind = 'post_journal'),
                   count(*) filter (where d.command_kind = 'post_journal' and d.state = 'posted'),
                   count(*) filter (where d.command_kind <> 'post_journal'),
                   count(*) filter (where d.command_kind <> 'post_journal' and d.state = 'posted'),
                   (select count(*) from tieout.message_pending)
                     + (select count(*) from tieout.posting_pending)
                     + (select count(*) from tieout.booking_review)
                     + case when %(planned)s then (select count(*) from tieout.plan_pending) else 0 end
                     + (select count(*) from tieout.desk_item where state = 'released')
                     + count(*) filter (where d.state in ('intent', 'in_doubt')
                           or (d.state = 'ready' and not exists (
                                 select 1 from tieout.delivery o where o.system = d.system
                                    and o.order_key = d.order_key and o.delivery_id < d.delivery_id
                                    and o.state in ('rejected', 'dead', 'held'))))
                     + case when %(sold)s then (
                           select count(*) from tieout.provisioned_object p join tieout.delivery o using (delivery_id)
                            where p.open and o.state in ('posted', 'excluded', 'superseded')
                              and not exists (select 1 from tieout.desk_item i where i.subject_kind = 'delivery'
                                                 and i.subject_id = o.delivery_id and i.state in ('open', 'released')))
                         + (select count(*) from tieout.stream_position p
                             where p.read_on_from is not null or exists (
                                   select 1 from tieout.event_log e where e.event_id > p.event_id
                                      and e.type in ('record.created', 'record.changed'))) else 0 end
              from tieout.delivery d where d.state not in ('split', 'recut')
            """,
            {"time": list(TIME_OBJECTS), "sold": sold, "planned": planned},
        ).fetchone()
    figures = [int(str(value)) for value in row or (0,) * 7]
    progress = Progress(
        received=figures[0],
        read=figures[1],
        journals=figures[2],
        posted=figures[3],
        masters=figures[4],
        delivered=figures[5],
    )
    return progress, figures[6] == 0


def read_sources(url: str) -> None:
    """Poll every object of every source once, as a hub would, and store what they say."""
    asyncio.run(_read(url, lambda _: True))
