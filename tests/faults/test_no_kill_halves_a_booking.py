"""Workers killed while they take assignments and absences in: no half-done booking, nothing lost, the plan is told."""

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from psycopg import Connection
from tests.faults.booking_nursery import BookingOrder
from tests.faults.campaign import Killer
from tests.faults.forks import Forks
from tests.worlds.inbound_database import Hub, master
from tests.worlds.inbound_plan import STARTS, assignment, time_off

from tieout.model.reported import (
    RecordType,
    ReportedAssignment,
    ReportedBooking,
    ReportedLeave,
    ReportedRecord,
    ReportedTimeOff,
)
from tieout.reconciliation.tie_out import TieOut, tie_out
from tieout.storage.pool import connect

KILLS = 12
POINTS = {
    "inbound.batch.before_commit",
    "inbound.batch.after_commit",
    "inbound.release.before_commit",
    "inbound.release.after_commit",
}


@pytest.fixture
def hub(database_url: str) -> Iterator[Hub]:
    with connect(database_url, autocommit=True) as conn:
        opened = Hub(conn)
        opened.open_firm()
        yield opened


def assignment_of(rng: random.Random, version: int) -> ReportedAssignment:
    """Some version of one of six assignments, now and then of a person that nobody knows yet."""
    starts = STARTS + timedelta(days=rng.randrange(30))
    return assignment(
        source_id=f"b{rng.randrange(6)}",
        version=version,
        state=rng.choice(list(ReportedBooking)),
        person=rng.choice(["ada", "bob", "cyd", f"new{rng.randrange(40)}", None]),
        starts=starts,
        ends=starts + timedelta(days=rng.randrange(6)),
        hours_per_day=Decimal(rng.randrange(1, 9)),
    )


def time_off_of(rng: random.Random, version: int) -> ReportedTimeOff:
    """Some version of one of three absences."""
    starts = STARTS + timedelta(days=rng.randrange(30))
    return time_off(
        source_id=f"t{rng.randrange(3)}",
        version=version,
        state=rng.choice(list(ReportedLeave)),
        person=rng.choice(["ada", "bob", f"new{rng.randrange(40)}"]),
        starts=starts,
        ends=starts + timedelta(days=1 + rng.randrange(6)),
    )


def new_person(number: int) -> ReportedRecord:
    return master(RecordType.RESOURCE, f"new{number}", {"name": f"New {number}", "email": f"new{number}@example.com"})


def untold(conn: Connection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """What stands and the plan never heard of; nobody takes rows of ``plan_pending`` here."""
    return conn.execute(
        """
        select 'booking', source_id from booking b
         where not exists (select from plan_pending p where p.kind = 'booking' and p.first_id = b.booking_id)
        union all
        select 'absence', source_id from absence a
         where not exists (select from plan_pending p where p.kind = 'person' and p.first_id = a.resource_id
                              and p.from_day <= a.starts and p.until_day >= a.ends)
        """
    ).fetchall()


def statement(url: str, hub: Hub) -> TieOut:
    with connect(url, autocommit=True) as conn:
        return tie_out(conn, translators=hub.context.translators)


@pytest.mark.timeout(300)
def test_a_killed_worker_leaves_whole_bookings_or_none(hub: Hub, database_url: str, tmp_path: Path) -> None:
    rng = random.Random(5)
    killer = Killer(tmp_path / "kill.sock", seed=5, one_in=3)
    forks = Forks("tests.faults.booking_nursery", killer=killer.path)
    told: list[ReportedAssignment | ReportedTimeOff] = []
    version, until = 0, time.monotonic() + 240
    try:
        while (killer.kills < KILLS or not set(killer.points) >= POINTS) and time.monotonic() < until:
            version += 1
            said: list[ReportedAssignment | ReportedTimeOff] = [assignment_of(rng, version), time_off_of(rng, version)]
            late = [one for one in said if rng.randrange(4)]
            told += said
            hub.send_plan(*late, records=[new_person(rng.randrange(40))])
            if len(late) < len(said):
                hub.send_plan(*(one for one in said if one not in late))
            forks.work(BookingOrder(url=database_url))
            assert untold(hub.conn) == []
            assert statement(database_url, hub).breaks == ()
        killer.armed = False
        forks.work(BookingOrder(url=database_url))
    finally:
        forks.close()
        killer.close()
    assert killer.kills >= KILLS
    newest = {one.source_id: one.version for one in told}
    standing = hub.rows(
        """
        select source_id, max(version) from assignment_version group by source_id
        union all select source_id, max(version) from time_off_version group by source_id
        """
    )
    assert {str(source_id): number for source_id, number in standing} == newest
    assert hub.rows("select count(*) from message_pending") == [(0,)]
    assert statement(database_url, hub).holds
