"""Workers killed while they tell a payroll hours: every accepted hour is in one file, and in one only."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.faults.campaign import Killer
from tests.faults.forks import Forks
from tests.faults.payroll_nursery import PayrollOrder
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub
from tests.worlds.payroll_hub import PayrollHub

from tieout.model.reported import ReportedState, ReportedTime
from tieout.storage.pool import connect, sync_pool

KILLS = 8
POINTS = {
    "streams.payroll.before_commit",
    "streams.payroll.after_commit",
    "delivery.send.after",
    "delivery.outcome.before_commit",
}
WORK_TYPES = {1: "100", 2: "200", 3: "110"}
NUMBERS = {"Ada": "017", "Bob": "042"}


@pytest.fixture
def payroll(database_url: str, tmp_path: Path) -> Iterator[PayrollHub]:
    pool = sync_pool(database_url, application="test", size=4)
    with connect(database_url, autocommit=True) as conn:
        opened = PayrollHub(database_url, Hub(conn), pool, tmp_path)
        opened.open()
        yield opened
        opened.close()
    pool.close()


def some_version(rng: random.Random, version: int) -> ReportedTime:
    """Some version of one of twelve entries; each has a day of its own, so that none is another one's duplicate."""
    number = rng.randrange(12)
    return world.said(
        source_id=f"e{number}",
        version=version,
        state=rng.choice([ReportedState.APPROVED] * 4 + [ReportedState.DELETED]),
        person=rng.choice(["ada", "bob"]) if number % 2 else "ada",
        work_date=date(2026, 7, 1 + number),
        hours=Decimal(rng.randrange(1, 33)) / 4,
        work_type=rng.choice(["regular", "overtime", "travel"]),
        narrative=f"Work number {number}",
    )


def accepted(payroll: PayrollHub) -> Counter[tuple[str, ...]]:
    """Hours of the ledger by employee number, day and wage type, in quarters."""
    rows = payroll.rows(
        """
        select g.fields ->> 'name', to_char(e.work_date, 'DD.MM.YYYY'), e.work_type, (sum(a.hours) * 4)::int
          from actual a join time_entry e on e.entry_id = a.actual_id / 8
          join golden_record g on g.record_id = e.resource_id
         where a.actual_id %% 4 = 0 group by 1, 2, 3 having sum(a.hours) <> 0
        """
    )
    return Counter(
        {
            (NUMBERS[str(name)], str(day), WORK_TYPES[int(str(kind))]): int(str(quarters))
            for name, day, kind, quarters in rows
        }
    )


def told(payroll: PayrollHub) -> Counter[tuple[str, ...]]:
    """The same of all files that lie there."""
    found: Counter[tuple[str, ...]] = Counter()
    for lines in payroll.office.told():
        for number, day, kind, hours in lines:
            found[number, day, kind] += int(Decimal(hours.replace(",", ".")) * 4)
    return Counter({cell: quarters for cell, quarters in found.items() if quarters})


@pytest.mark.timeout(300)
def test_killed_workers_tell_every_accepted_hour_once(payroll: PayrollHub, database_url: str, tmp_path: Path) -> None:
    rng = random.Random(3)
    killer = Killer(tmp_path / "kill.sock", seed=3, one_in=6)
    forks = Forks("tests.faults.payroll_nursery", killer=killer.path)
    version, seconds, until = 0, 0, time.monotonic() + 240
    try:
        while (killer.kills < KILLS or not set(killer.points) >= POINTS) and time.monotonic() < until:
            version, seconds = version + 1, seconds + 60
            payroll.take(some_version(rng, version))
            forks.work(PayrollOrder(url=database_url, root=str(tmp_path), seconds=seconds))
            payroll.office.answer_all()
            assert payroll.statement().breaks == ()
        killer.armed = False
        for _ in range(3):
            seconds += 60
            forks.work(PayrollOrder(url=database_url, root=str(tmp_path), seconds=seconds))
    finally:
        forks.close()
        killer.close()
    assert killer.kills >= KILLS
    assert set(killer.points) >= POINTS
    assert told(payroll) == accepted(payroll) != Counter()
    assert set(payroll.rows("select state from delivery")) == {("posted",)}
    assert payroll.rows("select count(*) from payroll_due") == [(0,)]
    references = [payroll.office.rows_of(name)[0]["reference"] for name in payroll.office.names()]
    assert len(set(references)) == len(references) == len(payroll.rows("select 1 from delivery"))
