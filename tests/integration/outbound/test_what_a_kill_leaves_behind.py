"""Whatever dies, pauses or loses the database in the middle of a delivery, nothing waits for it longer than it must."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from tests.integration.outbound.test_delivery_on_a_real_database import BookkeepingTarget, Halver, Hub, delivery

from tieout.connect.fault_point import fault_point
from tieout.connect.manifest import IdempotencyClass, Manifest, Role, WriteCapability
from tieout.connect.outcome import Found
from tieout.errors import ContractError
from tieout.model.firm import DeliveryPolicy
from tieout.outbound import engine as engine_module
from tieout.outbound import store
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.target import SEND_WINDOW_S, Target
from tieout.outbound.transitions import Decision, State
from tieout.storage.pool import Pool, connect, sync_pool
from tieout.storage.workers import Worker, live_epochs

QUARANTINE_S = 40


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    opened = sync_pool(database_url, application="test", size=8)
    yield opened
    opened.close()


@pytest.fixture
def hub(database_url: str, pool: Pool) -> Iterator[Hub]:
    made = Hub(database_url, pool)
    yield made
    for worker in made.workers:
        worker.close()


async def _die(hub: Hub, worker: Worker) -> None:
    """The worker's process is killed; the server notices a moment later."""
    worker.close()
    with connect(hub.url, autocommit=True) as conn:
        while worker.epoch in live_epochs(conn):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_what_a_killed_worker_was_looking_up_is_looked_up_at_once(hub: Hub) -> None:
    target = BookkeepingTarget()
    one = delivery(1)
    target.swallow.add(one.command.reference)
    hub.enqueue(one, delivery(2))
    await hub.engine(target).drain()
    hub.clock.advance(QUARANTINE_S)
    looker = Worker(hub.url, now=hub.clock.now())
    with connect(hub.url) as conn:
        claimed = store.claim_doubtful(
            conn, system="erp", limit=5, epoch=looker.epoch, now=hub.clock.now(), lease_s=60.0
        )
    assert len(claimed) == 1
    engine = hub.engine(target)
    await engine.drain()
    assert hub.states() == {"in_doubt": 1, "ready": 1}
    await _die(hub, looker)
    await engine.drain()
    assert hub.states() == {"posted": 2}
    assert set(target.posted.values()) == {1}


async def test_the_quarantine_of_a_killed_sender_begins_when_it_is_missed_not_with_its_intent(hub: Hub) -> None:
    hub.enqueue(delivery(1))
    sender = Worker(hub.url, now=hub.clock.now())
    with connect(hub.url) as conn:
        store.declare_intents(conn, system="erp", limit=1, epoch=sender.epoch, now=hub.clock.now())
    target = BookkeepingTarget()
    engine = hub.engine(target)
    hub.clock.advance(3600)  # it makes one request after the other, and waits for its turn in between
    await _die(hub, sender)
    await engine.drain()
    assert hub.states() == {"in_doubt": 1}
    target.posted[delivery(1).command.reference] += 1  # its last request takes effect only now
    hub.clock.advance(QUARANTINE_S)
    await engine.drain()
    assert hub.states() == {"posted": 1}
    assert sum(target.calls) == 0


async def test_a_worker_that_registers_meanwhile_is_not_taken_for_dead(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.enqueue(delivery(1))
    engine = hub.engine(BookkeepingTarget())
    late: list[Worker] = []
    doubt = store.doubt_orphaned_intents

    def registered_just_before(conn: psycopg.Connection[tuple[object, ...]], **asked: object) -> int:
        if not late:
            late.append(Worker(hub.url, now=hub.clock.now()))
            with connect(hub.url) as own:
                store.declare_intents(own, system="erp", limit=1, epoch=late[0].epoch, now=hub.clock.now())
        return doubt(conn, **asked)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "doubt_orphaned_intents", registered_just_before)
    await engine.resolve_doubts()
    assert hub.states() == {"intent": 1}
    late[0].close()


async def test_a_look_up_says_nothing_about_an_attempt_that_was_made_after_it(hub: Hub) -> None:
    hub.enqueue(delivery(1))
    worker = Worker(hub.url, now=hub.clock.now())
    with connect(hub.url) as conn:
        first = store.declare_intents(conn, system="erp", limit=1, epoch=worker.epoch, now=hub.clock.now())
        in_doubt = Decision(state=State.IN_DOUBT, quarantine_until=hub.clock.now())
        store.settle(conn, [(first[0], in_doubt)], kind="send", epoch=worker.epoch, now=hub.clock.now())
        (looked_up,) = store.claim_doubtful(
            conn, system="erp", limit=1, epoch=worker.epoch, now=hub.clock.now(), lease_s=0.0
        )
        absent = (looked_up, Decision(state=State.READY, due_at=hub.clock.now()))
        assert store.settle(conn, [absent], kind="look_up", epoch=worker.epoch, now=hub.clock.now()) == [1]
        hub.clock.advance(1)
        again = store.declare_intents(conn, system="erp", limit=1, epoch=worker.epoch, now=hub.clock.now())
        assert len(again) == 1
        # The same look-up, told late: while the next attempt is sent, and when that is in doubt.
        assert store.settle(conn, [absent], kind="look_up", epoch=worker.epoch, now=hub.clock.now()) == []
        store.settle(conn, [(again[0], in_doubt)], kind="send", epoch=worker.epoch, now=hub.clock.now())
        assert store.settle(conn, [absent], kind="look_up", epoch=worker.epoch, now=hub.clock.now()) == []
    assert hub.states() == {"in_doubt": 1}
    worker.close()


async def test_a_sender_that_was_paused_after_its_intent_does_not_send(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paused(name: str) -> None:
        if name == "delivery.intent.after_commit":
            monkeypatch.setattr(engine_module, "fault_point", fault_point)
            time.sleep(SEND_WINDOW_S + 0.2)

    monkeypatch.setattr(engine_module, "fault_point", paused)
    target = BookkeepingTarget()
    hub.enqueue(delivery(1))
    engine = hub.engine(target)
    assert await engine.send_due() == 1
    assert (target.calls, hub.states()) == ([], {"ready": 1})
    hub.clock.advance(QUARANTINE_S)
    await engine.drain()
    assert hub.states() == {"posted": 1}


class LosesOneRace(Halver):
    """Loses a race in the database the first time that it is asked for anything of a kind."""

    def __init__(self, *, at: str) -> None:
        self.at = at
        self.lost = 0

    def _lose(self, at: str) -> None:
        if at == self.at and not self.lost:
            self.lost += 1
            raise psycopg.errors.DeadlockDetected("deadlock detected")

    def halves(self, cur: psycopg.Cursor[tuple[object, ...]], delivery_id: int) -> list[object]:  # type: ignore[override]
        self._lose("halves")
        return list(super().halves(cur, delivery_id))

    def accounting_date(
        self, cur: psycopg.Cursor[tuple[object, ...]], *, entity_id: int, planned: date, refused: bool
    ) -> date | None:
        self._lose("accounting_date")
        return super().accounting_date(cur, entity_id=entity_id, planned=planned, refused=refused)


@pytest.mark.parametrize("at", ["halves", "accounting_date"])
async def test_an_outcome_that_loses_a_race_in_the_database_is_stored_all_the_same(hub: Hub, at: str) -> None:
    target, builder = BookkeepingTarget(), LosesOneRace(at=at)
    target.poison = {"entry 11"}
    hub.enqueue(delivery(1, entry_ids=(11, 12)))
    engine = hub.engine(target)
    engine._aftermath = Aftermath(builder=builder)  # type: ignore[arg-type]
    await engine.drain()
    assert builder.lost == 1
    assert hub.states() == {"split": 1, "rejected": 1, "ready": 1}


class Unreadable(BookkeepingTarget):
    """A target whose answers to look-ups cannot be read for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.unreadable = 2

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        if self.unreadable:
            self.unreadable -= 1
            raise ContractError(code="TIE-HTTP-004", message="The answer is too long.")
        return await super().find(command_kind, references, entity=entity)


async def test_a_look_up_whose_answer_cannot_be_read_leaves_the_doubt_and_ends_nothing(hub: Hub) -> None:
    target = Unreadable()
    one = delivery(1)
    target.swallow.add(one.command.reference)
    hub.enqueue(one)
    engine = hub.engine(target)
    await engine.drain()
    for _ in range(3):
        assert hub.states() == {"in_doubt": 1}
        hub.clock.advance(QUARANTINE_S)
        await engine.drain()
    assert hub.states() == {"posted": 1}
    assert target.posted[one.command.reference] == 1


async def test_two_engines_of_which_one_is_killed_over_and_over_leave_nothing_behind(hub: Hub) -> None:
    target = BookkeepingTarget()
    hub.enqueue(*(delivery(number, key=f"US01|P{number % 5}") for number in range(1, 41)))
    for _ in range(8):
        killed = Worker(hub.url, now=hub.clock.now())
        victim = asyncio.create_task(_engine_of(hub, target, killed).drain())
        await asyncio.sleep(0.01)
        victim.cancel()
        await asyncio.gather(victim, return_exceptions=True)
        await _die(hub, killed)
        hub.clock.advance(QUARANTINE_S)
    engine = hub.engine(target)
    for _ in range(3):
        await engine.drain()
        hub.clock.advance(QUARANTINE_S)
    assert hub.states() == {"posted": 40}
    assert set(target.posted.values()) == {1}


def _engine_of(hub: Hub, target: BookkeepingTarget, worker: Worker) -> Engine:
    manifest = Manifest(
        name="test",
        title="Test",
        role=Role.ERP,
        api_version="1",
        writes=(WriteCapability(command="post_journal", idempotency=IdempotencyClass.L, max_batch=3),),
        max_in_flight_s=30,
    )
    return Engine(
        target=Target(system="erp", manifest=manifest, policy=DeliveryPolicy(), sink=target),
        pool=hub.pool,
        epoch=worker.epoch,
        clock=hub.clock,
        aftermath=Aftermath(builder=Halver()),
        jitter=lambda: Decimal(1),
    )
