"""Forks workers that run the whole path; the campaign kills them from outside.

A process of its own with everything imported and no threads, so that a worker is forked in milliseconds. Each line on
standard input starts one; its process id and then its exit status are printed.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from decimal import Decimal

import msgspec

from tieout.governance import firm_version
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.target import Target
from tieout.records.reference_book import BookCache
from tieout.runtime import systems, worker
from tieout.runtime.clock import SystemClock
from tieout.storage.pool import connect, sync_pool
from tieout.storage.throttle import SharedThrottle
from tieout.storage.workers import Worker
from tieout.streams.time_to_bill.rebuild import JournalRebuilder


class Order(msgspec.Struct):
    """What a worker works on. ``idempotency`` is the class the engine is told; ``in_flight_s`` the target's."""

    url: str
    in_flight_s: float
    quarantine: bool
    idempotency: str


def work(order: Order) -> None:
    """Run every step until nothing is due now."""
    with connect(order.url, autocommit=True) as conn:
        worker.work_once(conn, worker.contexts(conn))
        firm = firm_version.current(conn)
    asyncio.run(_deliver(order, firm))


async def _deliver(order: Order, firm: object) -> None:
    clock = SystemClock()
    throttle = SharedThrottle(order.url)
    registered = Worker(order.url, now=clock.now())
    pool = sync_pool(order.url, application="faults", size=4)
    try:
        for target in systems.targets(firm, throttle=throttle, clock=clock):  # type: ignore[arg-type]  # a FirmConfig
            engine = Engine(
                target=_told(target, order),
                pool=pool,
                epoch=registered.epoch,
                clock=clock,
                aftermath=Aftermath(builder=JournalRebuilder(BookCache())),
                jitter=lambda: Decimal("0.1"),
            )
            await engine.drain()
            await target.sink.aclose()
    finally:
        pool.close()
        await throttle.aclose()
        registered.close()


def _told(target: Target, order: Order) -> Target:
    manifest = target.manifest
    writes = tuple(
        msgspec.structs.replace(one, idempotency=type(one.idempotency)(order.idempotency)) for one in manifest.writes
    )
    manifest = msgspec.structs.replace(
        manifest, writes=writes, max_in_flight_s=order.in_flight_s if order.quarantine else -1_000_000.0
    )
    return Target(system=target.system, manifest=manifest, policy=target.policy, sink=target.sink)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def fork_for_each_line(work_on: Callable[[str], None]) -> None:
    """Fork a worker per order until standard input ends."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work_on(line)
                code = 0
            finally:
                os._exit(code)
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(status)


if __name__ == "__main__":
    fork_for_each_line(lambda line: work(msgspec.json.decode(line, type=Order)))
