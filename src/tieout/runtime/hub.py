"""The hub process: intake, delivery and the first door on one event loop; workers beside it in processes of their own.

``serve`` runs until it is told to stop. A change of the firm's configuration re-opens intake and delivery under the new
version; what was begun is finished under the old one.
"""

import asyncio
import random
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import structlog

from tieout.connect.connector import connector_for
from tieout.connect.throttle import Throttle
from tieout.errors import ConfigurationError, TransientError
from tieout.governance import firm_version
from tieout.model.clock import Clock
from tieout.model.firm import FirmConfig
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.outbox import DELIVERY_STEP
from tieout.outbound.store import systems_owed
from tieout.records.reference_book import BookCache
from tieout.runtime import systems, worker
from tieout.runtime.clock import SystemClock
from tieout.runtime.firm.directory import API_CONNECTOR
from tieout.runtime.intake import Poller
from tieout.runtime.restored import keep_proving
from tieout.runtime.schedule import Scheduler
from tieout.runtime.tie_out_runner import keep_tied_out
from tieout.storage.jobs import run_jobs
from tieout.storage.pool import Pool, losing_database, sync_pool
from tieout.storage.throttle import SharedThrottle
from tieout.storage.wake import listen
from tieout.storage.workers import Worker
from tieout.streams.time_to_bill.rebuild import JournalRebuilder

log = structlog.get_logger(__name__)

_POOL_SIZE = 12
_FIRM_CHECK_S = 0.5
_WORKER_CHECK_S = 0.2
_FINISH_WITHIN_S = 15.0
"""What is told to stop and waits for longer, for its turn at a vendor's account, is ended; intents are looked up."""
_LAST_ANSWERS_S = 1.0
"""How long engines without a registration may still get answers; with the time until it is noticed, less than
``outbound.target.SEND_WINDOW_S``, which others wait before they believe a look-up."""

_SWEPT = (*sorted(worker.STEPS),)

Door = Callable[[Pool, asyncio.Event], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class HubOptions:
    """``workers`` processes beside the hub; ``poll`` and ``deliver`` switch its own halves (a demo seeds first)."""

    url: str
    home: Path
    workers: int = 1
    poll: bool = True
    deliver: bool = True


async def serve(options: HubOptions, stopping: asyncio.Event, door: Door | None = None) -> None:
    """Run the hub until ``stopping`` is set; whatever part ends with an error ends the hub, loudly."""
    pool = sync_pool(options.url, application="tieout-hub", size=_POOL_SIZE)
    processes = [_start_worker(options) for _ in range(options.workers)]
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_keep_workers(options, processes, stopping))
            tasks.create_task(_run_firm_versions(options, pool, stopping))
            tasks.create_task(_run_schedule(options, stopping))
            tasks.create_task(keep_tied_out(options.url, stopping, SystemClock()))
            tasks.create_task(keep_proving(options.url, stopping, SystemClock()))
            if door is not None:
                tasks.create_task(_guarded(door(pool, stopping), stopping))
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        pool.close()


async def _run_schedule(options: HubOptions, stopping: asyncio.Event) -> None:
    """A run that is under way ends with the hub: its thread is told before the jobs wait for it."""
    clock = SystemClock()
    scheduler = Scheduler(url=options.url, home=options.home, clock=clock, started_at=clock.now())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_jobs(scheduler.job_settings(_SWEPT), stopping))
        try:
            await stopping.wait()
        finally:
            scheduler.stopping.set()


async def _guarded(work: Awaitable[None], stopping: asyncio.Event) -> None:
    try:
        await work
    finally:
        stopping.set()


def _start_worker(options: HubOptions) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(worker.command(), env=worker.environment(options.url, options.home))


async def _keep_workers(
    options: HubOptions, processes: "list[subprocess.Popen[bytes]]", stopping: asyncio.Event
) -> None:
    """A worker that died is replaced: its work was rolled back and is taken up by the next."""
    while not await _stopped_within(stopping, _WORKER_CHECK_S):
        for at, process in enumerate(processes):
            if process.poll() is not None:
                log.warning("hub.worker_died", code=process.returncode)
                processes[at] = _start_worker(options)


async def _run_firm_versions(options: HubOptions, pool: Pool, stopping: asyncio.Event) -> None:
    """Intake and delivery under the current firm version, started again when another one is applied."""
    while not stopping.is_set():
        firm = await asyncio.to_thread(_current_firm, pool)
        if firm is None:
            await _stopped_within(stopping, _FIRM_CHECK_S)
            continue
        try:
            await _run_firm_version(options, pool, firm, stopping)
        except* TransientError as lost:
            log.warning("hub.flows_interrupted", error=str(lost.exceptions[0]))
            await _stopped_within(stopping, _FIRM_CHECK_S)


async def _run_firm_version(options: HubOptions, pool: Pool, firm: FirmConfig, stopping: asyncio.Event) -> None:
    outdated = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_run_flows(options, pool, firm, outdated))
        while not outdated.is_set() and not await _stopped_within(stopping, _FIRM_CHECK_S):
            newest = await asyncio.to_thread(_current_firm, pool)
            if newest is not None and newest.version != firm.version:
                break
        outdated.set()


def _current_firm(pool: Pool) -> FirmConfig | None:
    try:
        with losing_database(), pool.connection() as conn:
            return firm_version.current(conn)
    except (ConfigurationError, TransientError):
        return None


def _owed(pool: Pool) -> frozenset[str]:
    with losing_database(), pool.connection() as conn:
        return systems_owed(conn)


async def _run_flows(options: HubOptions, pool: Pool, firm: FirmConfig, outdated: asyncio.Event) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        throttle = SharedThrottle(options.url)
        stack.push_async_callback(throttle.aclose)
        registered = Worker(options.url, now=clock.now())
        stack.callback(registered.close)
        woken: dict[str, asyncio.Event] = {}
        engines: list[tuple[Engine, asyncio.Event]] = []
        if options.deliver:
            owed = await asyncio.to_thread(_owed, pool)
            for target in systems.targets(firm, throttle=throttle, clock=clock, owed=owed):
                stack.push_async_callback(target.sink.aclose)
                engine = Engine(
                    target=target,
                    pool=pool,
                    epoch=registered.epoch,
                    clock=clock,
                    aftermath=Aftermath(builder=JournalRebuilder(BookCache())),
                    jitter=_jitter,
                )
                engines.append((engine, asyncio.Event()))
        pollers = open_pollers(firm, pool, throttle, clock, stack) if options.poll else []
        flags = _Fanout([flag for _, flag in engines])
        woken[DELIVERY_STEP] = flags
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listen(options.url, woken))
            running = [tasks.create_task(engine.run(flag, outdated)) for engine, flag in engines]
            watching = tasks.create_task(_watch_registration(registered, outdated, tuple(running)))
            running += [tasks.create_task(poller.run(outdated)) for poller in pollers]
            await outdated.wait()
            for flag in flags.flags:
                flag.set()
            late = (await asyncio.wait(running, timeout=_FINISH_WITHIN_S))[1] if running else ()
            for task in (*late, listening, watching):
                task.cancel()


async def _watch_registration(
    registered: Worker, outdated: asyncio.Event, engines: Sequence[asyncio.Task[None]]
) -> None:
    """Without its session a worker counts as dead: its flows stop and begin again under a new epoch.

    Its engines may get the answers that come at once, and are then ended in the middle of what they do: others look up
    what was sent, and what was not sent yet must not be sent any more.
    """
    while True:
        await asyncio.sleep(_FIRM_CHECK_S)
        if not await asyncio.to_thread(registered.is_registered):
            log.warning("hub.registration_lost", epoch=registered.epoch)
            outdated.set()
            if engines:
                await asyncio.wait(engines, timeout=_LAST_ANSWERS_S)
            for engine in engines:
                engine.cancel()
            return


def open_pollers(firm: FirmConfig, pool: Pool, throttle: Throttle, clock: Clock, stack: AsyncExitStack) -> list[Poller]:
    """A poller for every object that the firm reads; the sources are closed with ``stack``."""
    pollers = []
    for system in firm.systems:
        if system.connector == API_CONNECTOR or not system.reads:
            continue
        connector = connector_for(system.connector, system.settings)
        if connector.open_source is None:
            continue
        source = connector.open_source(systems.connection_to(system, connector, throttle=throttle, clock=clock))
        stack.push_async_callback(source.aclose)
        least = {one.object: one.least_interval_s for one in connector.manifest.reads}
        pollers += [
            Poller(
                system=system,
                object_name=name,
                source=source,
                pool=pool,
                clock=clock,
                least_interval_s=least.get(name, 0.0),
            )
            for name in system.reads
        ]
    return pollers


class _Fanout(asyncio.Event):
    """One wake-up for the engines of all targets."""

    def __init__(self, flags: list[asyncio.Event]) -> None:
        super().__init__()
        self.flags = flags

    def set(self) -> None:
        """Wake every engine."""
        for flag in self.flags:
            flag.set()


def _jitter() -> Decimal:
    return Decimal(random.randrange(1000)) / 1000  # noqa: S311 - spreads retries, hides nothing


async def _stopped_within(stopping: asyncio.Event, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), timeout_s)
    except TimeoutError:
        return False
    return True
