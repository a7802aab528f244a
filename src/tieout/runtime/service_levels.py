"""Measures the service levels twice a minute, in whatever worker comes first; lets proposals expire, tells of new ones.

``desk.service_measures`` says what is late, ``desk.service_levels`` keeps and escalates it.
"""

from datetime import datetime, timedelta
from typing import Final

from psycopg import Connection, Cursor

from tieout.desk import cut_off, notices, proposals, service_levels, service_measures
from tieout.governance import firm_version
from tieout.model.clock import Clock
from tieout.records.reference_book import BookCache
from tieout.storage.pool import in_transaction

EVERY: Final = timedelta(seconds=30)


def measure_when_due(conn: Connection[tuple[object, ...]], books: BookCache, clock: Clock) -> int:
    """Measure when half a minute has passed since any process did; returns how many escalation steps were taken."""

    def work(cur: Cursor[tuple[object, ...]]) -> int:
        now = clock.now()
        return measure(conn, cur, books, now=now) if _claim(cur, now) else 0

    return in_transaction(conn, work)


def measure(
    conn: Connection[tuple[object, ...]], cur: Cursor[tuple[object, ...]], books: BookCache, *, now: datetime
) -> int:
    """Measure now, in the transaction of ``cur``; returns how many escalation steps were taken."""
    levels = firm_version.current(conn).service_levels
    cut_off.refresh(cur, books.get(conn), after_period_h=levels.exceptions.cut_off_h)
    proposals.expire(cur, now=now)
    notices.of_proposals(cur, now=now)
    notices.of_assignments(cur, now=now)
    return service_levels.keep(cur, service_measures.measure(cur, levels, now=now), levels, now=now)


def _claim(cur: Cursor[tuple[object, ...]], now: datetime) -> bool:
    """Whether it is our turn; nobody waits for whoever measures right now."""
    cur.execute(
        """
        update service_measure set measured_at = %s
         where only_row = (select only_row from service_measure where measured_at <= %s for update skip locked)
        """,
        (now, now - EVERY),
    )
    return cur.rowcount == 1
