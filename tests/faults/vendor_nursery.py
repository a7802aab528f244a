"""Forks workers that are a whole hub for a moment: they poll the vendors' systems, run every step, deliver what is due.

The campaign kills them from outside. Sources, steps, sinks and limits are those that a hub opens for the firm; only the
idempotency class that the engine is told of a target may be another.
"""

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal

import msgspec
from tests.faults.nursery import fork_for_each_line

from tieout.connect.manifest import IdempotencyClass
from tieout.errors import AccessError, ContractError, TransientError
from tieout.governance import firm_version
from tieout.inbound.context import TIME_OBJECTS
from tieout.model.firm import FirmConfig
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.target import Target
from tieout.records.reference_book import BookCache
from tieout.runtime import systems, worker
from tieout.runtime.clock import SystemClock
from tieout.runtime.hub import open_pollers
from tieout.storage.pool import Pool, connect, sync_pool
from tieout.storage.throttle import SharedThrottle
from tieout.storage.workers import Worker
from tieout.streams.time_to_bill.rebuild import JournalRebuilder


class VendorOrder(msgspec.Struct):
    """What a worker works on: the systems that it polls, and the classes of targets that are told otherwise."""

    url: str
    reads: tuple[str, ...]
    classes: dict[str, str] = {}


def work(order: VendorOrder) -> None:
    """Poll once, run every step, and deliver what is due now."""
    asyncio.run(_Worker(order).run())


class _Worker:
    def __init__(self, order: VendorOrder) -> None:
        self._order = order
        self._clock = SystemClock()

    async def run(self) -> None:
        async with AsyncExitStack() as stack:
            pool = sync_pool(self._order.url, application="faults", size=6)
            stack.callback(pool.close)
            throttle = SharedThrottle(self._order.url)
            stack.push_async_callback(throttle.aclose)
            with pool.connection() as conn:
                firm = firm_version.current(conn)
            await self._poll(firm, pool, throttle, stack)
            await asyncio.to_thread(self._steps)
            await self._deliver(firm, pool, throttle, stack)
            await asyncio.to_thread(self._steps)

    async def _poll(self, firm: FirmConfig, pool: Pool, throttle: SharedThrottle, stack: AsyncExitStack) -> None:
        """An object that cannot be read now is read by a later worker, as a hub tries again."""
        for poller in open_pollers(firm, pool, throttle, self._clock, stack):
            if poller.object_name in TIME_OBJECTS or poller.system.name not in self._order.reads:
                continue
            try:
                await poller.poll_once()
            except (TransientError, AccessError, ContractError):
                continue

    def _steps(self) -> None:
        with connect(self._order.url, autocommit=True) as conn:
            worker.work_once(conn, worker.contexts(conn))

    async def _deliver(self, firm: FirmConfig, pool: Pool, throttle: SharedThrottle, stack: AsyncExitStack) -> None:
        registered = Worker(self._order.url, now=self._clock.now())
        stack.callback(registered.close)
        engines = []
        for target in systems.targets(firm, throttle=throttle, clock=self._clock):
            stack.push_async_callback(target.sink.aclose)
            engines.append(
                Engine(
                    target=self._told(target),
                    pool=pool,
                    epoch=registered.epoch,
                    clock=self._clock,
                    aftermath=Aftermath(builder=JournalRebuilder(BookCache())),
                    jitter=lambda: Decimal("0.1"),
                )
            )
        await asyncio.gather(*(engine.drain() for engine in engines))

    def _told(self, target: Target) -> Target:
        told = self._order.classes.get(target.system)
        if told is None:
            return target
        writes = tuple(
            msgspec.structs.replace(one, idempotency=IdempotencyClass(told)) for one in target.manifest.writes
        )
        manifest = msgspec.structs.replace(target.manifest, writes=writes)
        return Target(system=target.system, manifest=manifest, policy=target.policy, sink=target.sink)


if __name__ == "__main__":
    fork_for_each_line(lambda line: work(msgspec.json.decode(line, type=VendorOrder)))
