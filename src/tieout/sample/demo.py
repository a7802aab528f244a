"""The demo: a sample month goes from the PSA through the hub into the ledger, to quiet, and is tied out.

Nothing here writes into the hub's tables: the systems are filled, the hub reads them as it would any others.
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
from tieout.reconciliation.tie_out import TieOut, tie_out
from tieout.runtime.apply import apply_firm
from tieout.runtime.clock import SystemClock
from tieout.runtime.hub import HubOptions, open_pollers, serve
from tieout.runtime.installation import Installation
from tieout.runtime.memory import hub_memory_mb
from tieout.runtime.reconcile import current_translators
from tieout.sample.surroundings import DemoPlan, surroundings
from tieout.storage.pool import connect, sync_pool
from tieout.storage.throttle import SharedThrottle

_LOOK_S = 0.25
_QUIET_LOOKS = 3


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the demo is: time entries received and read, journals posted of those enqueued."""

    received: int
    read: int
    journals: int
    posted: int


class DemoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo came to."""

    statement: TieOut
    causes: list[CauseSummary]
    elapsed_s: float
    hub_rss_mb: int
    received: int


@dataclass(frozen=True, kw_only=True)
class Reporter:
    """Where progress goes: a word for each stage, and figures while one runs."""

    stage: Callable[[str], None]
    progress: Callable[[Progress, int], None]


def run_demo(installation: Installation, plan: DemoPlan, reporter: Reporter) -> DemoResult:
    """Run ``plan`` in an open home to quiet; the result is read from the hub's own books."""
    home: Path = installation.home
    reporter.stage("Filling the systems with a sample firm")
    with surroundings(home, plan, lambda step: reporter.stage(f"  {step}")) as expected:
        started = time.monotonic()
        apply_firm(installation.url, home / "firm", applied_by="demo", clock=SystemClock())
        reporter.stage("Reading, checking, rating and posting the month")
        memory_mb = asyncio.run(_run_to_quiet(installation, expected, reporter))
        elapsed_s = time.monotonic() - started
        reporter.stage("Tying out")
        with connect(installation.url, autocommit=True) as conn:
            return DemoResult(
                statement=tie_out(conn, translators=current_translators(conn)),
                causes=queue.list_causes(conn),
                elapsed_s=round(elapsed_s, 2),
                hub_rss_mb=memory_mb,
                received=expected,
            )


async def _run_to_quiet(installation: Installation, expected: int, reporter: Reporter) -> int:
    stopping = asyncio.Event()
    options = HubOptions(url=installation.url, home=installation.home, poll=False)
    hub = asyncio.create_task(serve(options, stopping))
    try:
        reading = asyncio.create_task(_read_all(installation.url))
        peak_mb = 0
        quiet = 0
        while quiet < _QUIET_LOOKS:
            await asyncio.sleep(_LOOK_S)
            if hub.done():
                break
            found, idle = await asyncio.to_thread(_look, installation.url)
            reporter.progress(found, expected)
            peak_mb = max(peak_mb, hub_memory_mb())
            quiet = quiet + 1 if idle and reading.done() else 0
        await reading
    finally:
        stopping.set()
        await hub
    return peak_mb


async def _read_all(url: str) -> None:
    """One poll of every object: the masters of all systems first, then time."""
    pool = sync_pool(url, application="tieout-demo", size=4)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        stack.callback(pool.close)
        throttle = SharedThrottle(url)
        stack.push_async_callback(throttle.aclose)
        with pool.connection() as conn:
            firm = firm_version.current(conn)
        pollers = open_pollers(firm, pool, throttle, clock, stack)
        for poller in sorted(pollers, key=lambda one: one.object_name in TIME_OBJECTS):
            await poller.poll_patiently()


def _look(url: str) -> tuple[Progress, bool]:
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(
            """
            select (select coalesce(sum(item_count), 0) from tieout.message where object = any(%s)),
                   (select coalesce(sum(accepted_count + held_count + repeat_count), 0) from tieout.batch),
                   (select count(*) from tieout.delivery where state not in ('split', 'recut')),
                   (select count(*) from tieout.delivery where state = 'posted'),
                   (select count(*) from tieout.message_pending)
                     + (select count(*) from tieout.posting_pending)
                     + (select count(*) from tieout.desk_item where state = 'released')
                     + (select count(*) from tieout.delivery d where state in ('intent', 'in_doubt')
                           or (state = 'ready' and not exists (
                                 select 1 from tieout.delivery o where o.system = d.system
                                    and o.order_key = d.order_key and o.delivery_id < d.delivery_id
                                    and o.state in ('rejected', 'dead', 'held'))))
            """,
            (list(TIME_OBJECTS),),
        ).fetchone()
    received, read, journals, posted, open_work = (int(str(value)) for value in row or (0, 0, 0, 0, 0))
    return Progress(received=received, read=read, journals=journals, posted=posted), open_work == 0


def read_sources(url: str) -> None:
    """Poll every object of every source once, as a hub would, and store what they say."""
    asyncio.run(_read_all(url))
