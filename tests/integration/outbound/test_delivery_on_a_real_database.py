"""The delivery engine on PostgreSQL, against targets of the test that remember what they were sent."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import psycopg
import pytest

from tieout.connect.manifest import IdempotencyClass, Manifest, Role, WriteCapability
from tieout.connect.outcome import Accepted, Found, FoundState, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.errors import InvariantError, TransientError
from tieout.model.clock import FixedClock
from tieout.model.command import Command, UpsertCustomer
from tieout.model.firm import DeliveryPolicy
from tieout.model.identity import reference_of
from tieout.model.journal import JournalLine, PostJournal
from tieout.outbound import released, store
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.engine import Engine
from tieout.outbound.outbox import NewDelivery, enqueue, give_up
from tieout.outbound.recut import recut
from tieout.outbound.target import Target
from tieout.outbound.transitions import Decision, State
from tieout.storage.pool import Pool, connect, in_transaction, sync_pool
from tieout.storage.wake import CHANNEL
from tieout.storage.workers import Worker, live_epochs

START = datetime(2026, 10, 5, 8, tzinfo=UTC)
DAY = date(2026, 10, 5)


class BookkeepingTarget:
    """A target that posts, refuses, fails or swallows its answer as the test says."""

    def __init__(self) -> None:
        self.posted: Counter[str] = Counter()
        self.order: list[str] = []
        self.calls: list[int] = []
        self.down = False
        self.poison: set[str] = set()
        self.swallow: set[str] = set()

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        self.calls.append(len(commands))
        await asyncio.sleep(0)
        return [self._one(command) for command in commands]

    def _one(self, command: Command) -> Outcome:
        assert isinstance(command, PostJournal)
        if self.down:
            return RetryLater(reason="503")
        if any(line.memo in self.poison for line in command.lines):
            return Rejected(code=RejectionCode.INVALID, words=f"line {command.lines[0].memo} is bad")
        self.posted[command.reference] += 1
        self.order.append(command.description)
        if command.reference in self.swallow:
            self.swallow.discard(command.reference)
            return Unknown(reason="connection reset")
        return Accepted(ref=f"T{len(self.order)}")

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        del command_kind, entity
        return {
            one: Found(reference=one, ref="T", state=FoundState.POSTED, count=self.posted[one])
            for one in references
            if self.posted[one]
        }

    async def aclose(self) -> None:
        """Nothing to close."""


class Halver:
    """Builds smaller journals as time-to-bill does, one memo a line."""

    def halves(self, cur: psycopg.Cursor[tuple[object, ...]], delivery_id: int) -> list[NewDelivery]:
        row = cur.execute(
            "select c.command, d.system, d.order_key from delivery d join delivery_command c using (delivery_id) "
            "where delivery_id = %s",
            (delivery_id,),
        ).fetchone()
        assert row is not None
        entries = cur.execute(
            "select entry_id from posting_link where delivery_id = %s order by entry_id", (delivery_id,)
        ).fetchall()
        if len(entries) < 2:
            return []
        ids = [int(str(one[0])) for one in entries]
        middle = len(ids) // 2
        return [
            delivery(delivery_id * 10 + at, key=str(row[2]), system=str(row[1]), entry_ids=tuple(part))
            for at, part in enumerate((ids[:middle], ids[middle:]))
        ]

    def elsewhere(self, cur: psycopg.Cursor[tuple[object, ...]], delivery_id: int, *, day: date) -> list[NewDelivery]:
        del cur, delivery_id, day
        return []

    def accounting_date(
        self, cur: psycopg.Cursor[tuple[object, ...]], *, entity_id: int, planned: date, refused: bool
    ) -> date | None:
        del cur, entity_id
        return None if refused else planned


def delivery(
    delivery_id: int, *, key: str = "US01|P1", system: str = "erp", entry_ids: tuple[int, ...] = ()
) -> NewDelivery:
    ids = entry_ids or (delivery_id,)
    hexadecimal = f"{delivery_id:064x}"[::-1]
    lines = [
        JournalLine(
            account=account,
            debit_minor=100 if account == "1250" else 0,
            credit_minor=100 if account == "4050" else 0,
            currency="USD",
            amount_minor=100 if account == "1250" else -100,
            memo=f"entry {entry_id}",
        )
        for entry_id in ids
        for account in ("1250", "4050")
    ]
    journal = PostJournal(
        reference=reference_of(hexadecimal),
        key=hexadecimal,
        entity="US01",
        accounting_date=DAY,
        currency="USD",
        description=f"{key} {delivery_id}",
        lines=tuple(lines),
        entry_count=len(ids),
        hours=Decimal(len(ids)),
    )
    return NewDelivery(
        delivery_id=delivery_id,
        system=system,
        command_kind="post_journal",
        command=journal,
        key=hexadecimal,
        order_key=key,
        entity_id=1,
        project_id=1,
        accounting_date=DAY,
        late=False,
        currency=840,
        functional_currency=840,
        hours=Decimal(len(ids)),
        amount_minor=100 * len(ids),
        cost_minor=0,
        entry_ids=ids,
    )


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    opened = sync_pool(database_url, application="test", size=8)
    yield opened
    opened.close()


class Hub:
    """What the tests drive: a clock, workers, engines."""

    def __init__(self, url: str, pool: Pool) -> None:
        self.url = url
        self.pool = pool
        self.clock = FixedClock(START)
        self.workers: list[Worker] = []

    def engine(
        self,
        target: BookkeepingTarget,
        *,
        system: str = "erp",
        idempotency: IdempotencyClass = IdempotencyClass.L,
        max_batch: int = 1,
        policy: DeliveryPolicy | None = None,
    ) -> Engine:
        worker = Worker(self.url, now=self.clock.now())
        self.workers.append(worker)
        manifest = Manifest(
            name="test",
            title="Test",
            role=Role.ERP,
            api_version="1",
            writes=(WriteCapability(command="post_journal", idempotency=idempotency, max_batch=max_batch),),
            max_in_flight_s=30,
        )
        return Engine(
            target=Target(system=system, manifest=manifest, policy=policy or DeliveryPolicy(), sink=target),
            pool=self.pool,
            epoch=worker.epoch,
            clock=self.clock,
            aftermath=Aftermath(builder=Halver()),
            jitter=lambda: Decimal(1),
        )

    def enqueue(self, *deliveries: NewDelivery) -> None:
        with connect(self.url) as conn:
            in_transaction(conn, lambda cur: enqueue(cur, deliveries, now=self.clock.now()))

    def states(self) -> dict[str, int]:
        with connect(self.url) as conn:
            return Counter(str(row[0]) for row in conn.execute("select state from delivery"))


@pytest.fixture
def hub(database_url: str, pool: Pool) -> Iterator[Hub]:
    made = Hub(database_url, pool)
    yield made
    for worker in made.workers:
        worker.close()


async def test_what_is_due_is_posted_once_and_in_the_order_of_its_key(hub: Hub) -> None:
    target = BookkeepingTarget()
    hub.enqueue(*(delivery(number, key=f"US01|P{number % 3}") for number in range(1, 31)))
    await hub.engine(target, max_batch=10).drain()
    assert hub.states() == {"posted": 30}
    assert set(target.posted.values()) == {1}
    for key in range(3):
        own = [int(words.split()[1]) for words in target.order if words.startswith(f"US01|P{key} ")]
        assert own == sorted(own)


async def test_a_hub_that_is_stopped_settles_what_it_sent_and_leaves_the_rest_for_the_next_one(hub: Hub) -> None:
    stopping, woken = asyncio.Event(), asyncio.Event()

    class StoppedAtTheSecondCall(BookkeepingTarget):
        async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
            if len(self.calls) == 1:
                stopping.set()
                woken.set()
            return await super().write(commands)

    target = StoppedAtTheSecondCall()
    hub.enqueue(*(delivery(number, key=f"US01|P{number}") for number in range(1, 31)))
    await asyncio.wait_for(hub.engine(target, policy=DeliveryPolicy(concurrency=1)).run(woken, stopping), 30)
    assert hub.states() == {"posted": 2, "ready": 28}
    assert sum(target.calls) == 2


async def test_a_lost_answer_is_looked_up_after_the_quarantine_and_not_sent_again(hub: Hub) -> None:
    target = BookkeepingTarget()
    one = delivery(1)
    target.swallow.add(one.command.reference)
    hub.enqueue(one)
    engine = hub.engine(target)
    await engine.drain()
    assert hub.states() == {"in_doubt": 1}
    hub.clock.advance(20)
    await engine.drain()
    assert hub.states() == {"in_doubt": 1}
    hub.clock.advance(20)
    await engine.drain()
    assert hub.states() == {"posted": 1}
    assert target.posted[one.command.reference] == 1


async def test_an_intent_of_a_worker_that_died_is_looked_up_and_then_sent(hub: Hub) -> None:
    target = BookkeepingTarget()
    hub.enqueue(delivery(1))
    dead = Worker(hub.url, now=hub.clock.now())
    with connect(hub.url) as conn:
        assert len(store.declare_intents(conn, system="erp", limit=1, epoch=dead.epoch, now=hub.clock.now())) == 1
    engine = hub.engine(target)
    await engine.drain()
    assert hub.states() == {"intent": 1}
    dead.close()
    with connect(hub.url, autocommit=True) as conn:
        while dead.epoch in live_epochs(conn):  # noqa: ASYNC110 - the server notices a moment later, and tells nobody
            await asyncio.sleep(0.01)
    await engine.drain()
    assert hub.states() == {"in_doubt": 1}
    hub.clock.advance(60)
    await engine.drain()
    assert hub.states() == {"posted": 1}


async def test_a_worker_taken_for_dead_that_wakes_up_writes_nothing(hub: Hub) -> None:
    hub.enqueue(delivery(1))
    stale = Worker(hub.url, now=hub.clock.now())
    with connect(hub.url) as conn:
        claimed = store.declare_intents(conn, system="erp", limit=1, epoch=stale.epoch, now=hub.clock.now())
    stale.close()
    target = BookkeepingTarget()
    engine = hub.engine(target)
    await engine.drain()
    hub.clock.advance(60)
    await engine.drain()
    with connect(hub.url) as conn:
        written = store.settle(
            conn, [(claimed[0], Decision(state=State.READY))], kind="send", epoch=stale.epoch, now=hub.clock.now()
        )
    assert written == []
    assert hub.states() == {"posted": 1}


async def test_six_hours_of_a_target_being_down_hold_up_nobody_else_and_drain_in_key_order(hub: Hub) -> None:
    down, up = BookkeepingTarget(), BookkeepingTarget()
    down.down = True
    policy = DeliveryPolicy(max_attempts=1000, circuit_failures=3)
    hub.enqueue(*(delivery(number, key=f"US01|P{number % 4}", system="erp") for number in range(1, 41)))
    engine = hub.engine(down, policy=policy)
    other = hub.engine(up, system="other", policy=policy)
    for hour in range(6):
        for _ in range(60):
            await engine.drain()
            hub.clock.advance(60)
        hub.enqueue(delivery(100 + hour, system="other"))
        await other.drain()
    assert len(up.order) == 6
    assert sum(down.calls) < 150
    down.down = False
    for _ in range(20):
        hub.clock.advance(300)
        await engine.drain()
    assert set(down.posted.values()) == {1}
    assert len(down.posted) == 40
    for key in range(4):
        own = [int(words.split()[1]) for words in down.order if words.startswith(f"US01|P{key} ")]
        assert own == sorted(own)


async def test_one_bad_entry_is_isolated_and_parks_its_key_only(hub: Hub) -> None:
    target = BookkeepingTarget()
    target.poison = {"entry 1003"}
    hub.enqueue(
        delivery(1, key="US01|BAD", entry_ids=tuple(range(1000, 1008))),
        delivery(2, key="US01|BAD"),
        delivery(3, key="US01|GOOD"),
    )
    engine = hub.engine(target)
    await engine.drain()
    states = hub.states()
    assert states["rejected"] == 1
    assert states["ready"] >= 1
    assert "US01|GOOD 3" in target.order
    with connect(hub.url) as conn:
        item = conn.execute("select entry_count from desk_item where state = 'open'").fetchone()
    assert item == (1,)


async def test_a_dead_letter_is_tried_again_when_the_desk_releases_it(hub: Hub) -> None:
    target = BookkeepingTarget()
    target.down = True
    hub.enqueue(delivery(1))
    engine = hub.engine(target, policy=DeliveryPolicy(max_attempts=2, circuit_failures=100))
    for _ in range(5):
        await engine.drain()
        hub.clock.advance(600)
    assert hub.states() == {"dead": 1}
    target.down = False
    with connect(hub.url, autocommit=True) as conn:
        conn.execute("update desk_item set state = 'released'")
        in_transaction(conn, lambda cur: released.take_up(cur, hub.clock))
    await engine.drain()
    assert hub.states() == {"posted": 1}


async def test_two_engines_at_once_post_each_journal_once(hub: Hub) -> None:
    target = BookkeepingTarget()
    hub.enqueue(*(delivery(number, key=f"US01|P{number % 7}") for number in range(1, 121)))
    engines = [hub.engine(target, max_batch=5) for _ in range(4)]
    while hub.states().get("ready"):
        await asyncio.gather(*(engine.drain() for engine in engines))
    assert len(target.posted) == 120
    assert set(target.posted.values()) == {1}


async def test_an_entry_is_taken_out_of_a_delivery_before_its_intent_and_never_after(hub: Hub) -> None:
    hub.enqueue(delivery(1, entry_ids=(11, 12, 13)))
    with connect(hub.url) as conn:
        assert in_transaction(conn, lambda cur: recut(cur, 12)) == "recut"
    assert hub.states() == {"recut": 1}
    with connect(hub.url) as conn:
        waiting = conn.execute("select first_entry_id from posting_pending order by 1").fetchall()
    assert waiting == [(11,), (13,)]
    hub.enqueue(delivery(2, entry_ids=(21, 22)))
    await hub.engine(BookkeepingTarget()).drain()
    with connect(hub.url) as conn:
        assert in_transaction(conn, lambda cur: recut(cur, 21)) == "too_late"
        assert in_transaction(conn, lambda cur: recut(cur, 99)) == "free"


async def test_a_target_without_key_and_look_up_is_never_sent_to_again(hub: Hub) -> None:
    target = BookkeepingTarget()
    one = delivery(1)
    target.swallow.add(one.command.reference)
    hub.enqueue(one)
    engine = hub.engine(target, idempotency=IdempotencyClass.N)
    await engine.drain()
    target.posted.clear()
    for _ in range(10):
        hub.clock.advance(timedelta(hours=1).total_seconds())
        await engine.drain()
    assert hub.states() == {"held": 1}
    assert sum(target.calls) == 1


class RaisingTarget(BookkeepingTarget):
    """A target whose connector gives up after it has sent."""

    def __init__(self) -> None:
        super().__init__()
        self.raises = 1

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        outcomes = await super().write(commands)
        if self.raises:
            self.raises -= 1
            raise TransientError(code="TIE-STORE-009", message="the connection that holds the limits was lost")
        return outcomes


async def test_what_a_connector_sent_before_it_gave_up_is_looked_up_and_not_sent_again(hub: Hub) -> None:
    target = RaisingTarget()
    hub.enqueue(delivery(1), delivery(2, key="US01|P2"))
    engine = hub.engine(target, max_batch=5)
    await engine.drain()
    assert hub.states() == {"in_doubt": 2}
    hub.clock.advance(60)
    await engine.drain()
    assert hub.states() == {"posted": 2}
    assert set(target.posted.values()) == {1}


async def test_an_intent_whose_sender_lost_the_database_does_not_wait_for_ever(hub: Hub) -> None:
    target = BookkeepingTarget()
    hub.enqueue(delivery(1))
    engine = hub.engine(target)
    with connect(hub.url) as conn:
        own = hub.workers[-1].epoch
        assert len(store.declare_intents(conn, system="erp", limit=1, epoch=own, now=hub.clock.now())) == 1
    await engine.drain()
    assert hub.states() == {"intent": 1}
    hub.clock.advance(10)
    await engine.drain()
    assert hub.states() == {"in_doubt": 1}
    hub.clock.advance(60)
    await engine.drain()
    assert hub.states() == {"posted": 1}


class MasterTarget(BookkeepingTarget):
    """A target that keeps customers."""

    def _one(self, command: Command) -> Outcome:
        assert isinstance(command, UpsertCustomer)
        if command.name in self.poison:
            return Rejected(code=RejectionCode.PERIOD_CLOSED, words="no")
        self.posted[command.reference] += 1
        self.order.append(command.name)
        return Unknown(reason="reset") if command.name in self.swallow else Accepted(ref=f"C{len(self.order)}")


def master(delivery_id: int, *, name: str = "Acme", code: str = "ACME") -> NewDelivery:
    key = f"{delivery_id:064x}"[::-1]
    return NewDelivery(
        delivery_id=delivery_id,
        system="erp",
        command_kind="upsert_customer",
        command=UpsertCustomer(reference=reference_of(key), entity="US01", code=code, name=name, currency="USD"),
        key=key,
        order_key=f"customer|{code}",
        entity_id=1,
    )


def master_engine(hub: Hub, target: MasterTarget, *, idempotency: IdempotencyClass = IdempotencyClass.L) -> Engine:
    engine = hub.engine(target, idempotency=idempotency)
    writes = (WriteCapability(command="upsert_customer", idempotency=idempotency),)
    engine._target = dataclasses.replace(
        engine._target, manifest=msgspec.structs.replace(engine._target.manifest, writes=writes)
    )
    return engine


async def test_a_master_goes_the_way_of_a_journal_without_day_currency_and_entries(hub: Hub) -> None:
    target = MasterTarget()
    hub.enqueue(master(1), master(2, name="Acme Ltd"), master(3, code="OTHER", name="Other"))
    await master_engine(hub, target).drain()
    assert hub.states() == {"posted": 3}
    assert [name for name in target.order if name.startswith("Acme")] == ["Acme", "Acme Ltd"]
    with connect(hub.url) as conn:
        events = conn.execute("select type, payload ->> 'object' from event_log order by event_id").fetchall()
    assert sorted(events) == [
        ("master.delivered", "customer ACME"),
        ("master.delivered", "customer ACME"),
        ("master.delivered", "customer OTHER"),
    ]


async def test_what_a_target_said_to_a_master_wakes_whoever_waits_for_it(hub: Hub) -> None:
    with connect(hub.url, autocommit=True) as listening:
        listening.execute(f"listen {CHANNEL}")
        hub.enqueue(master(1))
        await master_engine(hub, MasterTarget()).drain()
        notes = {note.payload for note in listening.notifies(timeout=5, stop_after=2)}
    assert notes == {"delivery", "acknowledged"}


async def test_an_unanswered_master_waits_out_the_quarantine_and_is_looked_up(hub: Hub) -> None:
    target = MasterTarget()
    target.swallow.add("Acme")
    hub.enqueue(master(1))
    engine = master_engine(hub, target)
    await engine.drain()
    assert hub.states() == {"in_doubt": 1}
    hub.clock.advance(60)
    await engine.drain()
    assert hub.states() == {"posted": 1}
    assert set(target.posted.values()) == {1}


async def test_an_unanswered_master_of_a_target_without_look_up_is_a_persons(hub: Hub) -> None:
    target = MasterTarget()
    target.swallow.add("Acme")
    hub.enqueue(master(1))
    engine = master_engine(hub, target, idempotency=IdempotencyClass.N)
    await engine.drain()
    target.posted.clear()
    hub.clock.advance(3600)
    await engine.drain()
    assert hub.states() == {"held": 1}
    assert sum(target.calls) == 1
    with connect(hub.url) as conn:
        assert conn.execute(
            "select c.code, i.hours, i.amount_minor, i.currency from desk_item i join root_cause c using (cause_id)"
        ).fetchall() == [("DELIVERY_UNRESOLVED", None, None, None)]


async def test_a_refused_master_is_on_the_desk_and_makes_room_for_a_newer_one(hub: Hub) -> None:
    target = MasterTarget()
    target.poison.add("Bad")
    hub.enqueue(master(1, name="Bad"), master(2, name="Good"))
    engine = master_engine(hub, target)
    await engine.drain()
    assert hub.states() == {"rejected": 1, "ready": 1}
    with connect(hub.url) as conn:
        assert in_transaction(conn, lambda cur: give_up(cur, [1], now=START)) == [1]
    await engine.drain()
    assert hub.states() == {"superseded": 1, "posted": 1}


async def test_a_master_that_may_be_with_its_target_is_not_given_up(hub: Hub) -> None:
    target = MasterTarget()
    target.swallow.add("Acme")
    hub.enqueue(master(1))
    await master_engine(hub, target).drain()
    with connect(hub.url) as conn:
        assert in_transaction(conn, lambda cur: give_up(cur, [1], now=START)) == []
    assert hub.states() == {"in_doubt": 1}


def test_a_journal_without_its_figures_and_a_master_with_some_are_refused() -> None:
    with pytest.raises(InvariantError, match="TIE-OUTBOUND-002"):
        msgspec.structs.replace(delivery(1), accounting_date=None)
    with pytest.raises(InvariantError, match="TIE-OUTBOUND-002"):
        msgspec.structs.replace(delivery(1), entry_ids=())
    with pytest.raises(InvariantError, match="TIE-OUTBOUND-002"):
        msgspec.structs.replace(master(1), currency=840)


def test_the_database_takes_no_journal_without_a_day(hub: Hub) -> None:
    hub.enqueue(delivery(1))
    with connect(hub.url) as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("update delivery set accounting_date = null")
