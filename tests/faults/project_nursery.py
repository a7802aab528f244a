"""Forks workers that turn deals into projects on shelves; the campaign kills them from outside."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
from tests.faults.nursery import fork_for_each_line
from tests.faults.shelf import ShelfSink
from tests.worlds.inbound_database import PlainTranslator
from tests.worlds.project_hub import TAKES

from tieout.connect.manifest import IdempotencyClass, Manifest, Role, WriteCapability
from tieout.inbound import pipeline, release
from tieout.inbound.context import InboundContext
from tieout.model.firm import DeliveryPolicy
from tieout.outbound import released
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.recut import recut
from tieout.outbound.target import Target
from tieout.records.reference_book import BookCache
from tieout.runtime.clock import SystemClock
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import connect, in_transaction, sync_pool
from tieout.storage.workers import Worker
from tieout.streams.lead_to_project.step import ProjectContext, advance_projects
from tieout.streams.time_to_bill.rebuild import JournalRebuilder

POLICY = DeliveryPolicy(
    max_attempts=10_000,
    backoff_s=Decimal("0.02"),
    backoff_max_s=Decimal("0.05"),
    circuit_failures=1_000,
    quarantine_s=Decimal("0.05"),
)
SYSTEMS = ("crm", "psa", "erp", "erp2", "crm2")


class ProjectOrder(msgspec.Struct):
    """What a worker works on: the shelves by system, and the idempotency class that each is told to have."""

    url: str
    shelves: dict[str, str]
    classes: dict[str, str]
    in_flight_s: float


def work(order: ProjectOrder) -> None:
    """Run every step, and deliver what is due now, until neither has anything to do."""
    with connect(order.url, autocommit=True) as conn:
        clock, books = SystemClock(), BookCache()
        inbound = InboundContext(
            clock=clock,
            ids=SystemIds(),
            translators=dict.fromkeys(SYSTEMS, PlainTranslator()),
            books=books,
            recut=recut,
        )
        projects = ProjectContext(clock=clock, books=books, rates=inbound.rates)

        def steps() -> int:
            return (
                pipeline.process_pending(conn, inbound)
                + release.process_released(conn, inbound)
                + advance_projects(conn, projects)
                + in_transaction(conn, lambda cur: released.take_up(cur, clock))
            )

        while steps():
            continue
        asyncio.run(_deliver(order, clock, books))
        while steps():
            continue


async def _deliver(order: ProjectOrder, clock: SystemClock, books: BookCache) -> None:
    registered = Worker(order.url, now=clock.now())
    pool = sync_pool(order.url, application="faults", size=4)
    try:
        for system, path in order.shelves.items():
            manifest = Manifest(
                name=system,
                title=system,
                role=Role.ERP,
                api_version="1",
                writes=tuple(
                    WriteCapability(command=command, idempotency=IdempotencyClass(order.classes[system]))
                    for command in (*TAKES, "link_deal")
                ),
                max_in_flight_s=order.in_flight_s,
            )
            engine = Engine(
                target=Target(system=system, manifest=manifest, policy=POLICY, sink=ShelfSink(Path(path))),
                pool=pool,
                epoch=registered.epoch,
                clock=clock,
                aftermath=Aftermath(builder=JournalRebuilder(books)),
                jitter=lambda: Decimal("0.1"),
            )
            await engine.drain()
    finally:
        pool.close()
        registered.close()


if __name__ == "__main__":
    fork_for_each_line(lambda line: work(msgspec.json.decode(line, type=ProjectOrder)))
