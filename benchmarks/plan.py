"""How fast changes of assignments become weekly forecast and capacity, and what a change costs in a larger plan.

The same changes are computed in a plan and in one four times as large (as many people, four times as many weeks): the
cost of a change must not grow with the plan. It is also held against computing the whole plan once. Run
``python -m benchmarks.plan``.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import psycopg

from benchmarks.inbound import NOW, PEOPLE, PROJECTS, open_firm
from tieout.governance import firm_version
from tieout.ledger.publication import apply_firm
from tieout.ledger.rate_book import RateBookCache
from tieout.model.clock import FixedClock
from tieout.model.stream_policy import PlanToAllocate, StreamPolicies
from tieout.records.reference_book import BookCache
from tieout.runtime.ids import SystemIds
from tieout.storage.embedded import EmbeddedPostgres
from tieout.storage.migrate import migrate
from tieout.storage.pool import connect, in_transaction
from tieout.streams.plan_to_allocate.reader import PlanBookCache
from tieout.streams.plan_to_allocate.step import PlanContext, advance_plan

CHANGES = 100_000
_LARGER = 4
_EACH = 6
"""Bookings of a person in the smaller plan, one after the other."""
_WEEKS = 4
_CHUNK = 5_000
_FIRST = date(2026, 8, 10)
_GOAL = 1.25
_BOOKING = (
    "booking_id", "reading_id", "system_id", "source_id", "state", "resource_id", "project_id", "starts", "ends",
    "hours_per_day",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Run:
    """Changes computed in a plan of so many bookings, and what computing all of it at once took."""

    bookings: int
    changes: int
    seconds: float
    whole_s: float

    @property
    def change_ms(self) -> float:
        """Milliseconds a change."""
        return self.seconds * 1000 / self.changes


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both plans and print their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=CHANGES)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as home:
        server = EmbeddedPostgres(Path(home))
        server.start()
        try:
            report(*measure(server.url, options.changes, seed=options.seed))
        finally:
            server.stop()
    return 0


def measure(url: str, changes: int, *, seed: int) -> tuple[Run, Run]:
    """The same number of changes in a plan, and in one four times as large."""
    migrate(url)
    with connect(url, autocommit=True) as conn:
        open_firm(conn)
        config = msgspec.structs.replace(
            firm_version.current(conn),
            content_hash="benchmark of the plan",
            streams=StreamPolicies(plan_to_allocate=PlanToAllocate()),
        )
        ids = SystemIds()
        in_transaction(conn, lambda cur: apply_firm(cur, config, applied_by="benchmark", now=NOW, ids=ids))
        return _run(conn, _EACH, changes, seed), _run(conn, _EACH * _LARGER, changes, seed)


def report(small: Run, large: Run) -> None:
    """Print what a change costs in each plan."""
    print(f"{small.changes:,} changes of assignments computed into weekly forecast and capacity")
    print(f"{'bookings in the plan':>22}{'changes/s':>12}{'ms a change':>13}{'whole plan s':>14}{'changes a plan':>16}")
    for run in (small, large):
        worth = run.whole_s * 1000 / run.change_ms
        print(
            f"{run.bookings:>22,}{run.changes / run.seconds:>12,.0f}{run.change_ms:>13.2f}{run.whole_s:>14.1f}"
            f"{worth:>16,.0f}"
        )
    ratio = large.change_ms / small.change_ms
    print(f"a change in a plan {_LARGER} times as large costs {ratio:.2f} times as much (goal: at most {_GOAL})")


def _run(conn: psycopg.Connection[tuple[object, ...]], each: int, changes: int, seed: int) -> Run:
    rng = random.Random(seed)
    people, projects = _ids(conn, "resource"), _ids(conn, "project")
    conn.execute(
        "truncate booking, plan_pending, booking_week, person_week, project_week, plan_person, plan_project, desk_item"
    )
    conn.execute("update plan_position set reference_version = 0, day = null")
    with conn.cursor() as cur, cur.copy(f"copy booking ({', '.join(_BOOKING)}) from stdin") as copy:
        for row in _bookings(people, projects, each):
            copy.write_row(row)
    conn.execute("vacuum analyze")
    context = PlanContext(clock=FixedClock(NOW), plans=PlanBookCache(BookCache(), RateBookCache()))
    context.plans.get(conn)
    whole_s = _compute(conn, context)
    conn.execute("vacuum analyze")
    seconds, count = 0.0, each * PEOPLE
    for start in range(0, changes, _CHUNK):
        # Each booking once at most within a chunk: a source that changes one twice is computed once, and would flatter.
        chunk = rng.sample(range(1, count + 1), min(_CHUNK, changes - start, count))
        _change(conn, chunk, people, rng)
        seconds += _compute(conn, context)
    return Run(bookings=count, changes=changes, seconds=seconds, whole_s=whole_s)


def _ids(conn: psycopg.Connection[tuple[object, ...]], kind: str) -> list[int]:
    rows = conn.execute("select record_id from golden_record where type = %s order by record_id", (kind,))
    return [int(str(row[0])) for row in rows]


def _bookings(people: Sequence[int], projects: Sequence[int], each: int) -> Iterator[tuple[object, ...]]:
    """Everybody is booked without a gap, on one project after the other, some of it softly."""
    for at in range(each):
        starts = _FIRST + timedelta(weeks=_WEEKS * at)
        for number, person in enumerate(people):
            booking_id = at * len(people) + number + 1
            project = projects[(number * 7 + at * 13) % PROJECTS]
            state = "soft" if booking_id % 5 == 0 else "hard"
            ends = starts + timedelta(days=7 * _WEEKS - 2)
            hours = Decimal(8)
            yield (booking_id, booking_id, 1, str(booking_id), state, person, project, starts, ends, hours)


def _change(
    conn: psycopg.Connection[tuple[object, ...]], chunk: Sequence[int], people: Sequence[int], rng: random.Random
) -> None:
    """What happens to bookings: other hours, moved by days, softer or firmer, or given to somebody else."""
    moved = [rng.choice((-2, -1, 0, 0, 1, 2)) for _ in chunk]
    hours = [rng.choice((4, 6, 7, 8)) for _ in chunk]
    states = [rng.choice(("soft", "hard", "hard")) for _ in chunk]
    others = [rng.choice(people) if rng.random() < 0.1 else None for _ in chunk]  # noqa: PLR2004 - a usual share
    conn.execute(
        """
        with changed as (
            update booking b
               set starts = b.starts + new.moved, ends = b.ends + new.moved, hours_per_day = new.hours,
                   state = new.state, resource_id = coalesce(new.person_id, b.resource_id)
              from unnest(%s::bigint[], %s::int[], %s::int[], %s::text[], %s::int[])
                   as new (booking_id, moved, hours, state, person_id)
             where b.booking_id = new.booking_id
            returning b.booking_id
        )
        insert into plan_pending (kind, first_id, last_id) select 'booking', booking_id, booking_id from changed
        """,
        (list(chunk), moved, hours, states, others),
    )


def _compute(conn: psycopg.Connection[tuple[object, ...]], context: PlanContext) -> float:
    began = time.perf_counter()
    while advance_plan(conn, context):
        pass
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
