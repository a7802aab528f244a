"""Two workers at once: nothing is read twice, the newest version stands, and nobody waits for the other's batch."""

import random
import threading
from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.inbound import interleaving, message_store, pipeline
from tieout.inbound.pipeline import open_step
from tieout.model.reported import ReportedState, ReportedTime
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import connect, in_transaction


def _versions(rng: random.Random) -> list[ReportedTime]:
    """Sixty entries with one to four versions each, in any order."""
    versions = [
        world.said(
            source_id=f"e{at}",
            version=version,
            person=("ada", "bob", "cyd")[at % 3],
            work_date=world.WORK_DATE.replace(day=at % 30 + 1),
            hours=Decimal(rng.randint(1, 16)) / 4,
            task=None,
            narrative=f"Work {at * 7919} of kind {rng.randrange(10**6)}",
            state=rng.choice([ReportedState.APPROVED] * 3 + [ReportedState.RECALLED, ReportedState.DELETED]),
        )
        for at in range(60)
        for version in range(1, rng.randint(2, 5))
    ]
    rng.shuffle(versions)
    return versions


def _work(url: str, failures: list[BaseException]) -> None:
    try:
        with connect(url, autocommit=True) as conn:
            worker = Hub(conn)
            while pipeline.process_pending(worker.conn, worker.context, max_entries=7):
                pass
    except BaseException as error:  # noqa: BLE001 - the test shows it
        failures.append(error)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_workers_end_in_the_state_of_the_source(database_url: str, hub: Hub, seed: int) -> None:
    rng = random.Random(seed)
    versions = _versions(rng)
    repeated = [*versions, *rng.sample(versions, k=len(versions) // 3)]
    for start in range(0, len(repeated), 3):
        hub.send_time(*repeated[start : start + 3])
    failures: list[BaseException] = []
    workers = [threading.Thread(target=_work, args=(database_url, failures)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    hub.work()
    newest = {one.source_id: one for one in sorted(versions, key=lambda one: one.version)}
    standing = hub.standing()
    assert {source: version for source, (version, _) in standing.items()} == {
        source: one.version for source, one in newest.items()
    }
    doubled = hub.rows(
        """
        select source_id from time_entry e
         where disposition = 1
           and not exists (select from posting_link l where l.entry_id = e.entry_id and l.delivery_id = 0)
         group by source_id having count(*) > 1
        """
    )
    assert doubled == []
    accepted = hub.rows(
        """
        select coalesce(sum(e.hours), 0) from time_entry e
         where disposition = 1
           and not exists (select from posting_link l where l.entry_id = e.entry_id and l.delivery_id = 0)
        """
    )
    assert hub.ledger()[1] == accepted[0][0]
    assert hub.rows("select coalesce(sum(hours), 0) from batch_total") == accepted
    assert verify_control_totals(hub.conn) == []


def test_a_batch_starts_over_when_another_has_just_read_another_version(database_url: str, hub: Hub) -> None:
    hub.send_time(world.said(version=1))
    (other_message,) = hub.rows("select message_id from message_pending")
    started_over: list[bool] = []
    real = interleaving.take_turn

    def interrupted(*arguments: object) -> None:
        if not started_over:
            started_over.append(True)
            with connect(database_url, autocommit=True) as conn:
                second = Hub(conn)
                second.send_time(world.said(version=2, hours=Decimal(1)))
                assert pipeline.process_pending(second.conn, second.context) == 1
        real(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interleaving, "take_turn", interrupted)
        assert pipeline.process_pending(hub.conn, hub.context) == 1
    assert other_message
    assert hub.standing() == {"1": (2, 1)}
    assert hub.ledger()[1] == Decimal("1.0000")
    assert hub.rows("select version, disposition from time_entry order by version") == [(1, 4), (2, 1)]


def test_an_open_batch_keeps_nobody_waiting(database_url: str, hub: Hub) -> None:
    hub.send_time(world.said())
    hub.send_time(world.said(source_id="2", hours=Decimal(1)))
    with connect(database_url) as conn, conn.cursor() as cur:
        first = Hub(conn)
        step = open_step(cur, first.context, world.NOW)
        assert step.last_batch_id == 0
        claimed = message_store.claim_pending(
            cur,
            objects=["time_entries"],
            among=True,
            now=world.NOW,
            size=message_store.ClaimSize(items=1),
        )
        assert len(claimed) == 1
        hub.conn.execute("set lock_timeout = '2s'")
        assert pipeline.process_pending(hub.conn, hub.context) == 1
    assert len(hub.standing()) == 1


def _api_entry(**changes: object) -> bytes:
    entry: dict[str, object] = {
        "source_id": "x",
        "version": 1,
        "state": "approved",
        "person": "ada@example.com",
        "project": "P100",
        "work_date": "2026-07-01",
        "hours": "1",
        "billable": True,
        "narrative": "x",
    }
    return msgspec.json.encode({"time_entries": [{**entry, **changes}]})


_GARBAGE = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"\x00",
    b"\xff\xfe\x00",
    b'{"time_entries": [',
    b'{"time_entries": [null, 1, "x", [], {}]}',
    b'{"time_entries": [{"source_id": "a", "source_id": "b"}]}',
    b'{"time_entries": [{"source_id": "n", "hours": NaN}]}',
    b'{"time_entries": [{"source_id": "\\ud800"}]}',
    b"[" * 200_000,
    b'{"a":' * 50_000,
    b'{"time_entries": [{"source_id": "big", "version": ' + b"9" * 5000 + b"}]}",
    _api_entry(source_id="\x00", person="\x00", hours="1e400"),
    _api_entry(source_id="odd-person", person="\x00", hours="25"),
    _api_entry(source_id="end-of-time", work_date="9999-12-31"),
    _api_entry(
        source_id="all-of-time",
        work_date="0001-01-01",
        started_at="0001-01-01T00:00:00+14:00",
        ended_at="9999-12-31T23:59:59-12:00",
    ),
]


def test_every_garbage_payload_ends_on_the_desk(hub: Hub) -> None:
    for payload in _GARBAGE:
        hub.send(payload, system="timeapp")
    hub.work()
    assert hub.rows("select count(*) from message_pending") == [(0,)]
    silent = hub.rows(
        """
        select m.payload from message m
         where m.system = 'timeapp'
           and not exists (select from desk_item i where i.message_id = m.message_id)
           and m.payload <> '{"time_entries": []}'
        """
    )
    assert silent == []
    in_transaction(hub.conn, lambda cur: cur.execute("update desk_item set state = 'released'"))
    before = hub.open_items()
    hub.work()
    assert [(code, source) for code, _, source in hub.open_items()] == [(code, source) for code, _, source in before]
