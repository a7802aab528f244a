"""The runs that are due once a day: each claimed by one hub, done by a job, kept with what came of it.

A run is claimed by inserting its row, in the transaction that defers its job: two hubs on one database make one run,
and a hub that was down makes the last one it missed. ``runtime.schedule`` knows what is due and what is done.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.storage.jobs import defer
from tieout.storage.pool import Row

MOST_FAILURES: Final = 3
_AGAIN_AFTER: Final = timedelta(minutes=5)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A run by the name of its operation, and the instant at which it was due."""

    name: str
    due_at: datetime


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run. ``outcome``: done, attention, skipped or failed; None while it is not over."""

    name: str
    due_at: datetime
    begun_at: datetime
    ended_at: datetime | None
    outcome: str | None
    detail: str


def claim(cur: Cursor[Row], due: Sequence[Due], *, now: datetime) -> list[Due]:
    """Have a job do each of ``due`` that nobody has claimed; returns those. No older run than the last is made."""
    claimed = []
    for one in due:
        cur.execute(
            """
            insert into daily_run (name, due_at, begun_at)
            select %s, %s, %s
             where not exists (select from daily_run where name = %s and due_at >= %s)
            on conflict (name, due_at) do nothing
            returning run_id
            """,
            (one.name, one.due_at, now, one.name, one.due_at),
        )
        row = cur.fetchone()
        if row is not None:
            _give_job(cur, int(str(row[0])), one.name)
            claimed.append(one)
    return claimed


def claim_failed(cur: Cursor[Row], *, now: datetime) -> int:
    """Have a job do again every run whose job ended before it; returns how many. Failures are given some minutes."""
    cur.execute(
        """
        select run_id, name from daily_run r
         where ended_at is null and (failures = 0 or begun_at <= %s)
           and not exists (select from jobs.procrastinate_jobs j
                            where j.id = r.job_id and j.status in ('todo', 'doing'))
         order by run_id
           for update skip locked
        """,
        (now - _AGAIN_AFTER,),
    )
    left = cur.fetchall()
    for run_id, name in left:
        _give_job(cur, int(str(run_id)), str(name))
    return len(left)


def _give_job(cur: Cursor[Row], run_id: int, name: str) -> None:
    job_id = defer(cur, name, {"run_id": str(run_id)})
    cur.execute("update daily_run set job_id = %s where run_id = %s", (job_id, run_id))


def begin(cur: Cursor[Row], run_id: int, *, now: datetime) -> datetime | None:
    """The instant at which the run was due; None where it is over, or a later run of the name has taken its place."""
    cur.execute(
        """
        update daily_run r set begun_at = %s
         where run_id = %s and ended_at is null
        returning due_at, exists (select from daily_run l where l.name = r.name and l.due_at > r.due_at)
        """,
        (now, run_id),
    )
    row = cur.fetchone()
    if row is None:
        return None
    due_at, is_late = row
    if is_late:
        end(cur, run_id, outcome="skipped", detail="A later run took its place.", now=now)
        return None
    return due_at if isinstance(due_at, datetime) else None


def end(cur: Cursor[Row], run_id: int, *, outcome: str, detail: str, now: datetime) -> None:
    """Say what came of the run."""
    cur.execute(
        "update daily_run set ended_at = %s, outcome = %s, detail = %s where run_id = %s and ended_at is null",
        (now, outcome, detail, run_id),
    )


def fail(cur: Cursor[Row], run_id: int, *, detail: str, now: datetime) -> None:
    """Say that the run failed for now; the third time it is over."""
    cur.execute(
        """
        update daily_run
           set failures = failures + 1, detail = %(detail)s,
               ended_at = case when failures + 1 >= %(most)s then %(now)s end,
               outcome = case when failures + 1 >= %(most)s then 'failed' end
         where run_id = %(run_id)s and ended_at is null
        """,
        {"detail": detail, "most": MOST_FAILURES, "now": now, "run_id": run_id},
    )


def last_runs(cur: Cursor[Row]) -> list[Run]:
    """The last run of each name."""
    with cur.connection.cursor(row_factory=class_row(Run)) as found:
        found.execute(
            """
            select distinct on (name) name, due_at, begun_at, ended_at, outcome, detail
              from daily_run order by name, due_at desc
            """
        )
        return found.fetchall()
