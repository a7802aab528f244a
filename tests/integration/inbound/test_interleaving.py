"""Work of one person in two batches that are accepted at the same moment ends as if one had come after the other."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from psycopg import Connection
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.inbound import pipeline
from tieout.inbound.interleaving import BATCH_LOCK
from tieout.model.firm import DuplicateRule
from tieout.model.reported import ReportedState, ReportedTime
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import connect

_NARRATIVES = ("Design of the interface", "Quarterly tax return", "Data migration")


def _at(start: int, end: int | Decimal, **changes: object) -> ReportedTime:
    midnight = datetime(world.WORK_DATE.year, world.WORK_DATE.month, world.WORK_DATE.day, tzinfo=UTC)
    return world.said(
        started_at=midnight + timedelta(hours=start),
        ended_at=midnight + timedelta(hours=float(end)),
        hours=Decimal(end - start),
        **changes,
    )


def _other(**changes: object) -> ReportedTime:
    return world.said(source_id="2", project="p200", task=None, narrative="Quarterly tax return", **changes)


_PAIRS = {
    "DAY_TOTAL": (world.said(hours=Decimal(13)), _other(hours=Decimal(12))),
    "OVERLAP": (_at(9, 12), _at(11, 13, source_id="2", project="p200", task=None, narrative="Quarterly tax return")),
    "DUPLICATE_FUZZY": (world.said(), world.said(source_id="2", task=None)),
    "DUPLICATE_NATURAL": (world.said(), world.said(source_id="2", narrative="Something else")),
}


def _work(url: str, failures: list[BaseException], max_entries: int, *, until_done: bool) -> None:
    try:
        with connect(url, autocommit=True) as conn:
            worker = Hub(conn)
            while pipeline.process_pending(worker.conn, worker.context, max_entries=max_entries) and until_done:
                pass
    except BaseException as error:  # noqa: BLE001 - the test shows it
        failures.append(error)


def _take_at_once(hub: Hub, url: str, *messages: Sequence[ReportedTime]) -> None:
    """A worker for each message; all have judged and written theirs before the first may commit.

    They are held up by the lock that every batch takes before its commit.
    """
    for one in messages:
        hub.send_time(*one)
    failures: list[BaseException] = []
    workers = [threading.Thread(target=_work, args=(url, failures, 1), kwargs={"until_done": False}) for _ in messages]
    with connect(url) as gate:
        gate.execute("select pg_advisory_xact_lock(%s)", (BATCH_LOCK,))
        for worker in workers:
            worker.start()
        deadline = time.monotonic() + 20
        while (waiting := _waiting(gate)) < len(workers) and time.monotonic() < deadline:
            time.sleep(0.01)
        gate.commit()
    for worker in workers:
        worker.join()
    assert failures == []
    assert waiting == len(workers)
    hub.work()


def _waiting(gate: Connection[tuple[object, ...]]) -> int:
    row = gate.execute(
        """
        select count(*) from pg_locks
         where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())
        """
    ).fetchone()
    return 0 if row is None else int(str(row[0]))


@pytest.mark.parametrize("code", list(_PAIRS))
def test_of_two_entries_that_do_not_go_together_only_one_is_accepted(database_url: str, hub: Hub, code: str) -> None:
    first, second = _PAIRS[code]
    _take_at_once(hub, database_url, [first], [second])
    assert sorted(disposition for _, disposition in hub.standing().values()) == [1, 2]
    assert [item[0] for item in hub.open_items()] == [code]
    assert hub.rows("select count(*) from actual where actual_id %% 8 = 0") == [(1,)]
    assert hub.rows("select sum(accepted_count), sum(held_count) from batch where last_entry_id > 0") == [(1, 1)]
    assert verify_control_totals(hub.conn) == []


def test_of_three_batches_of_one_day_as_many_are_accepted_as_the_day_has_room_for(database_url: str, hub: Hub) -> None:
    hours = (Decimal(9), Decimal(10), Decimal(11))
    projects = (("p100", "design"), ("p200", None), ("p100", None))
    _take_at_once(
        hub,
        database_url,
        *(
            [world.said(source_id=str(at), hours=hours[at], project=project, task=task, narrative=_NARRATIVES[at])]
            for at, (project, task) in enumerate(projects)
        ),
    )
    assert sorted(disposition for _, disposition in hub.standing().values()) == [1, 1, 2]
    assert [item[0] for item in hub.open_items()] == ["DAY_TOTAL"]


def test_work_of_one_day_that_goes_together_is_accepted_by_both_batches(database_url: str, hub: Hub) -> None:
    _take_at_once(hub, database_url, [world.said(hours=Decimal(3))], [_other(hours=Decimal(4))])
    assert sorted(disposition for _, disposition in hub.standing().values()) == [1, 1]


def test_a_correction_that_arrives_beside_what_it_corrects_is_no_duplicate_of_it(database_url: str, hub: Hub) -> None:
    _take_at_once(hub, database_url, [world.said()], [world.said(source_id="2", replaces="1")])
    # Had the correction come first, the other would be held: only the later of two entries tells what it corrects.
    assert hub.standing()["2"] == (1, 1)


def test_where_the_policy_only_warns_both_are_accepted_and_one_is_marked(database_url: str, hub: Hub) -> None:
    hub.apply(msgspec.structs.replace(world.firm(natural_duplicate=DuplicateRule.WARN), version=2))
    _take_at_once(hub, database_url, [world.said()], [world.said(source_id="2", narrative="Something else")])
    assert sorted(disposition for _, disposition in hub.standing().values()) == [1, 1]
    assert hub.rows("select code, severity from finding where entry_id is not null") == [("DUPLICATE_NATURAL", "warn")]


def test_a_duplicate_of_work_that_is_recalled_at_the_same_moment_is_no_duplicate(database_url: str, hub: Hub) -> None:
    for at in range(6):
        person, other = f"{at}-a", f"{at}-b"
        day = world.WORK_DATE.replace(day=at + 1)
        hub.take(world.said(source_id=person, work_date=day))
        recalled = world.said(source_id=person, version=2, work_date=day, state=ReportedState.RECALLED)
        said_again = world.said(source_id=other, work_date=day, narrative="Something else")
        _take_at_once(hub, database_url, *random.Random(at).sample([[recalled], [said_again]], k=2))
        assert hub.standing()[person] == (2, 3)
        assert hub.standing()[other] == (1, 1)
    assert hub.open_items() == []
    assert hub.ledger()[1] == Decimal("7.5") * 6


def test_an_entry_moved_to_another_day_makes_room_on_the_day_it_leaves(database_url: str, hub: Hub) -> None:
    hub.take(world.said(hours=Decimal(13)))
    moved = world.said(version=2, hours=Decimal(13), work_date=world.WORK_DATE + timedelta(days=4))
    _take_at_once(hub, database_url, [moved], [_other(hours=Decimal(12))])
    assert hub.standing() == {"1": (2, 1), "2": (1, 1)}
    assert hub.open_items() == []


def _crowded(rng: random.Random) -> list[ReportedTime]:
    """Many entries of two people on two days: full days, overlapping times, equal and alike work, some recalled.

    Every version of an entry has hours of its own, so that none is carried by an earlier one.
    """
    times = []
    versions = Counter[str]()
    for at in range(90):
        source_id = f"e{rng.randrange(70)}"
        versions[source_id] += 1
        hours = 1 + Decimal(versions[source_id]) / 4
        start = rng.randrange(0, 22)
        project, task = rng.choice((("p100", "design"), ("p100", None), ("p200", None)))
        about: dict[str, object] = {
            "source_id": source_id,
            "version": versions[source_id],
            "person": rng.choice(("ada", "cyd")),
            "work_date": world.WORK_DATE + timedelta(days=rng.randrange(2)),
            "project": project,
            "task": task,
            "narrative": rng.choice(_NARRATIVES),
            "state": rng.choice((ReportedState.APPROVED,) * 4 + (ReportedState.RECALLED,)),
        }
        times.append(_at(start, start + hours, **about) if at % 3 else world.said(hours=hours, **about))
    return times


@pytest.mark.parametrize("seed", range(4))
def test_whatever_order_three_workers_commit_in_nobody_is_held_or_accepted_for_nothing(
    database_url: str, hub: Hub, seed: int
) -> None:
    for one in _crowded(random.Random(seed)):
        hub.send_time(one)
    failures: list[BaseException] = []
    workers = [
        threading.Thread(target=_work, args=(database_url, failures, 3), kwargs={"until_done": True}) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    hub.work()
    before = hub.open_items()
    assert before
    # Judged again with nobody beside it, everything held is still held (perhaps for work that was accepted after it).
    hub.conn.execute("update desk_item set state = 'released' where state = 'open'")
    hub.work()
    assert [source for _, _, source in hub.open_items()] == [source for _, _, source in before]
    assert _that_do_not_go_together(hub) == []
    assert verify_control_totals(hub.conn) == []


def _that_do_not_go_together(hub: Hub) -> list[tuple[object, ...]]:
    """Accepted work that stands and that overlaps, is said twice, or is too much for a day."""
    return hub.rows(
        """
        with standing as (
            select e.* from time_entry e
             where e.disposition = 1
               and not exists (select from posting_link l where l.entry_id = e.entry_id and l.delivery_id = 0))
        select 'overlap', one.source_id, other.source_id
          from standing one join standing other on other.resource_id = one.resource_id
           and other.entry_id > one.entry_id and other.source_id <> one.source_id
         where (one.started_at, one.ended_at) overlaps (other.started_at, other.ended_at)
         union all
        select 'twice', one.source_id, other.source_id
          from standing one join standing other on other.resource_id = one.resource_id
           and other.entry_id > one.entry_id and other.source_id <> one.source_id
           and (other.work_date, other.project_id, other.hours, other.work_type)
             = (one.work_date, one.project_id, one.hours, one.work_type)
           and other.task_id is not distinct from one.task_id
           and coalesce(other.started_at, one.started_at) is not distinct from
               coalesce(one.started_at, other.started_at)
         union all
        select 'full', resource_id::text, work_date::text
          from standing group by resource_id, work_date having sum(hours) > 24
        """
    )
