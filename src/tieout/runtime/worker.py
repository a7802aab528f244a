"""The worker: one loop over the set-based steps, woken by what is stored, swept twice a second.

Runs in a process of its own (``python -m tieout.runtime.worker``) so that CPU work never holds up the hub's event loop;
any number of workers may share one database.
"""

import ctypes
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog
from psycopg import Connection, OperationalError

from tieout.desk.proposals import WAKES as APPROVED
from tieout.errors import ConfigurationError, TransientError
from tieout.governance import firm_version
from tieout.inbound import bookings_review, pipeline, release, revaluation
from tieout.inbound.context import InboundContext
from tieout.outbound import released
from tieout.outbound.drift import release as release_of_drift
from tieout.outbound.outbox import ACKNOWLEDGED
from tieout.outbound.recut import recut
from tieout.records.reference_book import BookCache
from tieout.replay import running as replay
from tieout.runtime import notices, proposals, service_levels
from tieout.runtime.clock import SystemClock
from tieout.runtime.ids import SystemIds
from tieout.runtime.logs import configure_logs
from tieout.runtime.systems import translators
from tieout.storage.pool import connect, in_transaction
from tieout.storage.wake import Listener
from tieout.streams.hours_to_payroll.step import PayrollContext, tell_payrolls
from tieout.streams.lead_to_project.step import ProjectContext, advance_projects
from tieout.streams.plan_to_allocate.reader import PlanBookCache
from tieout.streams.plan_to_allocate.step import PlanContext, advance_plan
from tieout.streams.time_to_bill.step import BillingContext, build_journals

log = structlog.get_logger(__name__)

STEPS = frozenset(
    {
        "hours_to_payroll",
        "inbound",
        "time_to_bill",
        "lead_to_project",
        "plan_to_allocate",
        "delivery",
        ACKNOWLEDGED,
        APPROVED,
    }
)
_LOST_WAIT_S = 0.1
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class StepContexts:
    """What the steps of one worker need."""

    inbound: InboundContext
    billing: BillingContext
    projects: ProjectContext
    plan: PlanContext
    payroll: PayrollContext


def contexts(conn: Connection[tuple[object, ...]]) -> StepContexts:
    """The contexts under the firm version that is current; raises ConfigurationError when none was applied."""
    clock = SystemClock()
    books = BookCache()
    firm = firm_version.current(conn)
    inbound = InboundContext(
        clock=clock,
        ids=SystemIds(),
        translators=translators(firm),
        books=books,
        recut=recut,
        unreadable_percent=firm.oversight.intake.unreadable_percent,
    )
    return StepContexts(
        inbound=inbound,
        billing=BillingContext(clock=clock, books=books),
        projects=ProjectContext(clock=clock, books=books, rates=inbound.rates),
        plan=PlanContext(clock=clock, plans=PlanBookCache(books, inbound.rates)),
        payroll=PayrollContext(clock=clock, books=books),
    )


def work_once(conn: Connection[tuple[object, ...]], steps: StepContexts) -> int:
    """Every step until it has nothing to do; returns how many units of work were done."""
    total = 0
    while done := (
        pipeline.process_pending(conn, steps.inbound)
        + release.process_released(conn, steps.inbound)
        + revaluation.process_revaluation(conn, steps.inbound)
        + bookings_review.process_review(conn, steps.inbound)
        + build_journals(conn, steps.billing)
        + advance_projects(conn, steps.projects)
        + advance_plan(conn, steps.plan)
        + tell_payrolls(conn, steps.payroll)
        + in_transaction(conn, lambda cur: released.take_up(cur, steps.billing.clock))
        + in_transaction(conn, lambda cur: release_of_drift.take_up(cur, steps.billing.clock))
        + service_levels.measure_when_due(conn, steps.inbound.books, steps.inbound.clock)
        + notices.send_notices(conn, steps.inbound.books, steps.inbound.clock)
        + replay.advance(conn, steps.inbound)
    ):
        total += done
    return total


def run(url: str, stopping: threading.Event) -> None:
    """Work until ``stopping``; a lost database is waited for."""
    listener = Listener(url, STEPS)
    while not stopping.is_set():
        try:
            with connect(url, application="tieout-worker", autocommit=True) as conn:
                _work(conn, listener, stopping)
        except (TransientError, OperationalError) as error:
            log.warning("worker.database_lost", error=str(error))
            stopping.wait(_LOST_WAIT_S)
    listener.close()


def _work(conn: Connection[tuple[object, ...]], listener: Listener, stopping: threading.Event) -> None:
    steps: StepContexts | None = None
    version = 0
    while not stopping.is_set():
        try:
            current = firm_version.current(conn)
        except ConfigurationError:
            listener.wait()
            continue
        if steps is None or current.version != version:
            steps, version = contexts(conn), current.version
        if not work_once(conn, steps) + proposals.carry_out(conn, steps.inbound.clock):
            listener.wait()


def main() -> int:
    """The worker process: the connection string comes by environment, the parent's death ends it."""
    configure_logs(os.environ)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == 1:
        return 1
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    run(os.environ["TIEOUT_WORKER_DATABASE"], stopping)
    return 0


def command() -> list[str]:
    """The command line of a worker process."""
    return [sys.executable, "-m", "tieout.runtime.worker"]


def environment(url: str, home: Path) -> dict[str, str]:
    """The environment of a worker process on the database ``url``."""
    return {**os.environ, "TIEOUT_WORKER_DATABASE": url, "TIEOUT_HOME": str(home)}


if __name__ == "__main__":
    sys.exit(main())
