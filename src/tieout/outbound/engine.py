"""The delivery engine of one target: declares intents, sends what is there at once, settles outcomes, looks up doubts.

Several engines may run on one database (N processes); claims by row and the worker's epoch keep them apart. Per round
one commit settles what came back and declares the next intents. ``runtime`` runs ``Engine.run`` for every target.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import structlog
from psycopg import Connection, Cursor

from tieout.connect.fault_point import fault_point
from tieout.connect.outcome import Outcome, RetryLater, Unknown
from tieout.errors import TieoutError, TransientError
from tieout.model.clock import Clock
from tieout.model.command import Command
from tieout.model.journal import PostJournal
from tieout.model.payroll import PostPayrollHours
from tieout.outbound import circuit as breaker
from tieout.outbound import store
from tieout.outbound.aftermath import Aftermath
from tieout.outbound.outbox import total_debit_minor
from tieout.outbound.store import Claimed
from tieout.outbound.target import SEND_WINDOW_S, Target
from tieout.outbound.transitions import Attempted, Decision, Health, State, after_look_up, after_send
from tieout.storage.pool import Pool, losing_database, run_in_transaction
from tieout.storage.wake import wait_for

log = structlog.get_logger(__name__)

_LOOK_UP_LEASE_S = 60.0
_LOOK_UP_BATCH = 50
_ABANDONED_AFTER_S = 5.0
_HOUSEKEEPING_S = 0.5

_T = TypeVar("_T")
Settled = tuple[Claimed, Decision]
Jitter = Callable[[], Decimal]


class Engine:
    """Delivers everything that is due for one target."""

    def __init__(
        self,
        *,
        target: Target,
        pool: Pool,
        epoch: int,
        clock: Clock,
        aftermath: Aftermath,
        jitter: Jitter,
    ) -> None:
        self._target = target
        self._pool = pool
        self._epoch = epoch
        self._clock = clock
        self._aftermath = aftermath
        self._jitter = jitter
        self._bisected: set[int] = set()
        self._in_hand: set[int] = set()
        self._threads = ThreadPoolExecutor(
            max_workers=max(1, target.policy.concurrency) + 1, thread_name_prefix=f"delivery-{target.system}"
        )

    async def run(self, woken: asyncio.Event, stopping: asyncio.Event) -> None:
        """Deliver until ``stopping``; ``woken`` says that there may be more. Finishes what it has begun."""
        senders = [
            asyncio.create_task(self._keep_sending(woken, stopping), name=f"send-{self._target.system}-{number}")
            for number in range(max(1, self._target.policy.concurrency))
        ]
        senders.append(asyncio.create_task(self._keep_house(woken, stopping), name=f"house-{self._target.system}"))
        try:
            await asyncio.gather(*senders)
        finally:
            for sender in senders:
                sender.cancel()

    async def drain(self) -> int:
        """Look up what is out of quarantine, then send until nothing is due; returns how many were settled."""
        done = await self.resolve_doubts()
        while sent := await self.send_due():
            done += sent
        return done

    async def send_due(self, stopping: asyncio.Event | None = None) -> int:
        """One round: claim, send, settle, and so on while there is more; returns how many were settled.

        Once ``stopping`` is set, what was sent is settled and nothing more is claimed.
        """
        done = 0
        pending: list[Settled] = []
        claimed: list[Claimed] = []
        try:
            while True:
                before = claimed
                # From before the intent on: a pause after its commit counts, for others may take it for abandoned.
                claimed_at = time.monotonic()
                claimed, pending_count = await self._in_thread(self._settle_and_claim, pending, stopping)
                self._in_hand.difference_update(one.delivery_id for one in before)
                done += pending_count
                pending = []
                if not claimed:
                    return done
                for batch in self._batches(claimed):
                    pending.extend(await self._send(batch, claimed_at=claimed_at))
        finally:
            # What was not settled because the database went away is an intent without a sender: in doubt.
            self._in_hand.difference_update(one.delivery_id for one in claimed)

    async def resolve_doubts(self) -> int:
        """Look up deliveries whose quarantine is over, and take over the intents of dead workers."""
        claimed = await self._in_thread(self._claim_doubtful)
        if not claimed:
            return 0
        fault_point("delivery.look_up.before")
        decided = await self._look_up(claimed)
        fault_point("delivery.look_up.after")
        await self._in_thread(self._settle, decided)
        return len(claimed)

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        with losing_database():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def _keep_sending(self, woken: asyncio.Event, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await self.send_due(stopping)
            except TransientError as error:
                log.warning("delivery.interrupted", system=self._target.system, error=str(error))
            await wait_for(woken)

    async def _keep_house(self, woken: asyncio.Event, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                while not stopping.is_set() and await self.resolve_doubts():
                    woken.set()  # what waited behind a doubt of its key may go now
            except TransientError as error:
                log.warning("delivery.look_up_failed", system=self._target.system, error=str(error))
            await asyncio.sleep(_HOUSEKEEPING_S / 5)

    def _claim_doubtful(self) -> list[Claimed]:
        now = self._clock.now()

        def claim(cur: Cursor[tuple[object, ...]]) -> list[Claimed]:
            self._take_over(cur.connection, now)
            return store.claim_doubtful(
                cur.connection,
                system=self._target.system,
                limit=_LOOK_UP_BATCH,
                epoch=self._epoch,
                now=now,
                lease_s=_LOOK_UP_LEASE_S,
            )

        return run_in_transaction(self._pool, claim)

    def _take_over(self, conn: Connection[tuple[object, ...]], now: datetime) -> None:
        senders = store.Senders(
            own=self._epoch,
            in_hand=tuple(self._in_hand),
            abandoned_before=now - timedelta(seconds=_ABANDONED_AFTER_S),
        )
        for write in self._target.manifest.writes:
            store.doubt_orphaned_intents(
                conn,
                system=self._target.system,
                command_kind=write.command,
                senders=senders,
                quarantine_s=self._target.quarantine_s(write.command),
                now=now,
            )

    def _settle_and_claim(
        self, pending: Sequence[Settled], stopping: asyncio.Event | None
    ) -> tuple[list[Claimed], int]:
        now = self._clock.now()
        if pending:
            fault_point("delivery.outcome.before_commit")

        def work(cur: Cursor[tuple[object, ...]]) -> tuple[list[Claimed], int]:
            settled = self._settle_within(cur.connection, pending, kind="send", now=now)
            return self._claim(cur.connection, stopping, now), settled

        claimed, settled = run_in_transaction(self._pool, work)
        self._in_hand.update(one.delivery_id for one in claimed)
        if pending:
            fault_point("delivery.outcome.after_commit")
        if claimed:
            fault_point("delivery.intent.after_commit")
        return claimed, settled

    def _claim(
        self, conn: Connection[tuple[object, ...]], stopping: asyncio.Event | None, now: datetime
    ) -> list[Claimed]:
        """Intents for what is due, as many as the circuit allows; none once ``stopping`` is set."""
        allowed = breaker.load(conn, self._target.system).allowance(now)
        limit = self._limit() if allowed is None else allowed
        if not limit or (stopping is not None and stopping.is_set()):
            return []
        claimed = store.declare_intents(conn, system=self._target.system, limit=limit, epoch=self._epoch, now=now)
        if claimed:
            claimed = self._aftermath.recheck(conn, self._target, claimed, now=now)
            fault_point("delivery.intent.before_commit")
        return claimed

    def _limit(self) -> int:
        return max(write.max_batch for write in self._target.manifest.writes)

    def _batches(self, claimed: Sequence[Claimed]) -> list[list[Claimed]]:
        """Commands of one kind per call, at most what the sink takes; what sank a batch before goes alone."""
        batches: list[list[Claimed]] = []
        for one in claimed:
            room = self._target.capability(one.command_kind).max_batch
            last = batches[-1] if batches else None
            alone = one.delivery_id in self._bisected
            if (
                last is None
                or alone
                or len(last) >= room
                or last[0].command_kind != one.command_kind
                or last[0].delivery_id in self._bisected
            ):
                batches.append([one])
            else:
                last.append(one)
        return batches

    async def _send(self, batch: Sequence[Claimed], *, claimed_at: float) -> list[Settled]:
        commands = [one.decoded() for one in batch]
        fault_point("delivery.send.before")
        if time.monotonic() - claimed_at > SEND_WINDOW_S:
            late = RetryLater(reason="The sender was paused between intent and sending, and did not send.", after_s=0)
            outcomes: Sequence[Outcome] = [late] * len(batch)
        else:
            outcomes = await self._write(commands)
        fault_point("delivery.send.after")
        now = self._clock.now()
        decided = []
        for one, outcome in zip(batch, outcomes, strict=True):
            facts = self._facts(one, batch_size=len(batch))
            decision = after_send(outcome, facts, policy=self._target.policy, now=now, jitter=self._jitter())
            if decision.bisect:
                self._bisected.add(one.delivery_id)
            decided.append((one, decision))
        return decided

    async def _write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """Whatever a sink raises instead of answering leaves the whole call in doubt: it may have been sent."""
        try:
            return await self._target.sink.write(commands)
        except TieoutError as error:
            log.warning("delivery.sink_raised", system=self._target.system, error=str(error))
            return [Unknown(reason=f"The connector gave up: {error}")] * len(commands)

    async def _look_up(self, claimed: Sequence[Claimed]) -> list[Settled]:
        decided: list[Settled] = []
        groups: dict[tuple[str, str], list[Claimed]] = {}
        for one in claimed:
            groups.setdefault((one.command_kind, one.decoded().entity), []).append(one)
        for (kind, entity), group in groups.items():
            try:
                found = await self._target.sink.find(kind, [one.reference for one in group], entity=entity)
            except TieoutError as error:
                decided += [(one, self._still_in_doubt(one, str(error))) for one in group]
                continue
            now = self._clock.now()
            decided += [
                (one, after_look_up(found.get(one.reference), self._facts(one), policy=self._target.policy, now=now))
                for one in group
            ]
        return decided

    def _still_in_doubt(self, one: Claimed, reason: str) -> Decision:
        again = self._target.policy.backoff_s
        now = self._clock.now()
        return Decision(
            state=State.IN_DOUBT,
            health=Health.FAILING,
            quarantine_until=datetime.fromtimestamp(now.timestamp() + float(again), tz=now.tzinfo),
            code="LOOK_UP_FAILED",
            words=f"Reference {one.reference} could not be looked up: {reason}",
        )

    def _facts(self, one: Claimed, *, batch_size: int = 1) -> Attempted:
        command = one.decoded()
        return Attempted(
            attempts=one.attempts,
            entry_count=one.entry_count,
            sent_total_minor=total_debit_minor(command),
            currency=command.currency if isinstance(command, PostJournal) else "",
            idempotency=self._target.capability(one.command_kind).idempotency,
            quarantine_s=self._target.quarantine_s(one.command_kind),
            quarantine_from=self._clock.now(),
            batch_size=batch_size,
            sent_hours=command.hours if isinstance(command, PostPayrollHours) else None,
        )

    def _settle(self, decided: Sequence[Settled]) -> None:
        now = self._clock.now()
        run_in_transaction(
            self._pool, lambda cur: self._settle_within(cur.connection, decided, kind="look_up", now=now)
        )

    def _settle_within(
        self, conn: Connection[tuple[object, ...]], decided: Sequence[Settled], *, kind: str, now: datetime
    ) -> int:
        if not decided:
            return 0
        written = set(store.settle(conn, decided, kind=kind, epoch=self._epoch, now=now))
        ours = [(one, decision) for one, decision in decided if one.delivery_id in written]
        self._aftermath.carry_out(conn, self._target, ours, now=now)
        before = breaker.load(conn, self._target.system)
        words = next((decision.words for _, decision in decided if decision.health is not Health.UP), None)
        after = breaker.after(before, _health_of(decided), policy=self._target.policy, now=now, reason=words)
        if after != before:
            breaker.save(conn, after, now=now)
        return len(ours)


def _health_of(decided: Sequence[Settled]) -> Health:
    """One answer that came through says that the target is up; otherwise the worst that was seen."""
    seen = {decision.health for _, decision in decided}
    if Health.UP in seen:
        return Health.UP
    return Health.REFUSING_US if Health.REFUSING_US in seen else Health.FAILING
