"""Several workers at once: the newest version stands, and nothing waits for a record that came at the same time."""

import random
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.worlds.inbound_database import Hub, master
from tests.worlds.inbound_plan import STARTS, assignment, time_off

from tieout.inbound import pipeline, release
from tieout.model.reported import (
    RecordType,
    ReportedAssignment,
    ReportedBooking,
    ReportedLeave,
    ReportedRecord,
    ReportedTimeOff,
)
from tieout.reconciliation.tie_out import tie_out
from tieout.storage.pool import connect

WORKERS = 3
PEOPLE = 8


def people() -> list[ReportedRecord]:
    return [
        master(RecordType.RESOURCE, f"new{at}", {"name": f"New {at}", "email": f"new{at}@example.com"})
        for at in range(PEOPLE)
    ]


def versions(rng: random.Random) -> list[ReportedAssignment | ReportedTimeOff]:
    """Twenty assignments and ten absences with one to four versions each, in any order."""
    told: list[ReportedAssignment | ReportedTimeOff] = [
        assignment(
            source_id=f"b{at}",
            version=version,
            person=rng.choice(["ada", "bob", f"new{rng.randrange(PEOPLE)}"]),
            state=rng.choice(list(ReportedBooking)),
            starts=STARTS + timedelta(days=rng.randrange(9)),
            ends=STARTS + timedelta(days=10 + at),
            hours_per_day=Decimal(rng.randrange(1, 9)),
        )
        for at in range(20)
        for version in range(1, rng.randint(2, 5))
    ]
    told += [
        time_off(
            source_id=f"t{at}",
            version=version,
            person=rng.choice(["ada", f"new{rng.randrange(PEOPLE)}"]),
            state=rng.choice(list(ReportedLeave)),
            ends=STARTS + timedelta(days=1 + rng.randrange(9)),
        )
        for at in range(10)
        for version in range(1, rng.randint(2, 5))
    ]
    rng.shuffle(told)
    return told


def work(url: str, failures: list[BaseException]) -> None:
    try:
        with connect(url, autocommit=True) as conn:
            worker = Hub(conn)
            idle = 0
            while idle < 3:
                done = pipeline.process_pending(conn, worker.context) + release.process_released(conn, worker.context)
                idle = 0 if done else idle + 1
    except BaseException as error:  # noqa: BLE001 - the test shows it
        failures.append(error)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_workers_at_once_end_in_the_state_of_the_source(
    database_url: str, hub: Hub, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(pipeline, "_MASTER_ITEMS", 2)
    rng = random.Random(seed)
    told = versions(rng)
    for one in told:
        hub.send_plan(one)
        if rng.randrange(3) == 0:
            hub.send_plan(rng.choice(told), time_off(source_id="t0", version=9))
    for person in people():
        hub.send_plan(records=[person])
    failures: list[BaseException] = []
    workers = [threading.Thread(target=work, args=(database_url, failures)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    hub.work()
    newest = {one.source_id: one for one in sorted(told, key=lambda one: one.version)}
    standing = hub.rows(
        """
        select v.source_id, v.version, v.state from booking join assignment_version v using (reading_id)
        union all select v.source_id, v.version, v.state from absence join time_off_version v using (reading_id)
        """
    )
    gone = {"cancelled", "deleted", "rejected"}
    expected = {
        (one.source_id, one.version, one.state.value)
        for one in newest.values()
        if one.state.value not in gone and one.source_id != "t0"
    }
    assert set(standing) - {("t0", 9, "approved")} == expected
    assert hub.open_items() == []
    with connect(database_url, autocommit=True) as conn:
        assert tie_out(conn, translators=hub.context.translators).breaks == ()
