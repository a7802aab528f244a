"""The two limiters of a vendor account, shared by all processes through PostgreSQL; implements ``connect.throttle``.

*Rate window.* At most N requests in any window of W seconds, by the generic cell rate algorithm: one row per account
says when the next request is due in theory; one atomic statement moves it on and tells how long to wait. A tenth of the
window may go at once, the rest is spread, so that no window of W seconds ever sees more than N.

*Concurrency.* A slot is a session advisory lock on one connection, so the slots of a killed process are free at once.
A slot that becomes free goes to the next waiter of the same process without a round trip, for at most ``_KEEP_S``; then
other processes have their turn.

With the connection all slots of the process are lost, and it starts again with none. What a request has done by then is
done: neither giving back its slot nor noting the penalty that it was answered with makes an error of it.
"""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field

import psycopg
import structlog
from psycopg import AsyncConnection

from tieout.connect.manifest import Limits
from tieout.errors import ConfigurationError, TransientError
from tieout.storage.pool import Row, connect_async

log = structlog.get_logger(__name__)

_POLL_S = 0.005
_POLL_MAX_S = 0.1
_KEEP_S = 1.0
_BURST_DIVISOR = 10

_TAKE_TURN = """
    with turn as (
        insert into throttle_window as w (account, due_at)
        values (%(account)s, clock_timestamp() + make_interval(secs => %(step)s))
        on conflict (account) do update
           set due_at = greatest(w.due_at, clock_timestamp(),
                                 w.penalty_until + make_interval(secs => %(tolerance)s))
                        + make_interval(secs => %(step)s)
        returning due_at, penalty_until)
    select extract(epoch from greatest(due_at - make_interval(secs => %(step)s + %(tolerance)s),
                                       penalty_until) - clock_timestamp())
      from turn
"""
_PENALISE = """
    insert into throttle_window as w (account, due_at, penalty_until)
    values (%(account)s, clock_timestamp(), clock_timestamp() + make_interval(secs => %(wait)s))
    on conflict (account) do update set penalty_until = greatest(w.penalty_until, excluded.penalty_until)
"""
_PENALTY_LEFT = """
    select extract(epoch from penalty_until - clock_timestamp()) from throttle_window where account = %(account)s
"""
_TAKE_SLOT = "select key from unnest(%(keys)s::bigint[]) as key where pg_try_advisory_lock(key) limit 1"


class SharedThrottle:
    """Limits per account over all processes that share the database. For one event loop; close with ``aclose``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._conn: AsyncConnection[Row] | None = None
        self._turn = asyncio.Lock()
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)

    def acquire(self, account: str, limits: Limits) -> AbstractAsyncContextManager[None]:
        """Hold one request's place; waits until there is one. No round trip for an account without limits.

        Raises ConfigurationError (TIE-STORE-011) for limits that can never be met, TransientError (TIE-STORE-009) when
        the database is gone.
        """
        numbers = (limits.requests_per_window, limits.window_s, limits.concurrency)
        if any(number is not None and number <= 0 for number in numbers):
            raise ConfigurationError(
                code="TIE-STORE-011", message=f"The limits of account {account} are not positive: {limits}."
            )
        return self._place(account, limits)

    async def penalise(self, account: str, retry_after_s: float) -> None:
        """Let no request of ``account`` start for ``retry_after_s`` seconds, in any process.

        Where the database is gone nobody waits, and the vendor will say so again.
        """
        try:
            await self._execute(_PENALISE, {"account": account, "wait": retry_after_s})
        except TransientError as error:
            log.warning("throttle.penalty_lost", account=account, error=str(error))

    async def aclose(self) -> None:
        """Give back every slot of this process."""
        self._lines.clear()
        if self._conn is not None:
            await self._conn.close()
            self._conn = None

    @asynccontextmanager
    async def _place(self, account: str, limits: Limits) -> AsyncIterator[None]:
        if limits.concurrency is None:
            await self._wait_for_window(account, limits)
            yield
            return
        slot = await self._wait_for_slot(account, limits.concurrency)
        try:
            await self._wait_for_window(account, limits)
            yield
        finally:
            await self._give_back(account, slot)

    async def _wait_for_window(self, account: str, limits: Limits) -> None:
        if limits.requests_per_window is None or limits.window_s is None:
            return
        burst = limits.requests_per_window // _BURST_DIVISOR
        step_s = limits.window_s / (limits.requests_per_window - burst)
        wait_s = await self._seconds(_TAKE_TURN, account, step=step_s, tolerance=burst * step_s)
        while wait_s > 0:
            await asyncio.sleep(wait_s)
            # A penalty may have been imposed while we slept.
            wait_s = await self._seconds(_PENALTY_LEFT, account)

    async def _seconds(self, statement: str, account: str, **values: float) -> float:
        row = await self._execute(statement, {"account": account, **values})
        return float(str(row[0])) if row and row[0] is not None else 0.0

    async def _wait_for_slot(self, account: str, slots: int) -> int:
        line = self._lines[account]
        keys = [_slot_key(account, number) for number in range(slots)]
        line.waiting += 1
        try:
            while True:
                line.freed.clear()
                if line.free:
                    return line.free.pop()
                if len(line.held_since) < slots and time.monotonic() >= line.poll_at:
                    slot = await self._take_slot(line, keys)
                    if slot is not None:
                        return slot
                with suppress(TimeoutError):
                    await asyncio.wait_for(line.freed.wait(), line.pause_s)
        finally:
            line.waiting -= 1
            if not line.waiting:
                await asyncio.shield(self._unlock_free(line))

    async def _take_slot(self, line: "_Line", keys: list[int]) -> int | None:
        """Try for a slot that no process has. A caller cancelled meanwhile leaves the slot to the others in line."""
        taking = asyncio.ensure_future(self._lock_slot(line, keys))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            slot = await taking
            if slot is not None:
                line.free.append(slot)
            raise

    async def _lock_slot(self, line: "_Line", keys: list[int]) -> int | None:
        # One at a time: a session gets an advisory lock again that it has already, so what is held must be known. What
        # is held is left out here and not by a second condition of the statement: the planner may evaluate the lock
        # first, and a lock taken twice is never free again.
        async with line.taking:
            free = [key for key in keys if key not in line.held_since]
            row = await self._execute(_TAKE_SLOT, {"keys": free}) if free else None
            if row is None:
                line.back_off()
                return None
            slot = int(str(row[0]))
            line.hold(slot)
            return slot

    async def _give_back(self, account: str, slot: int) -> None:
        line = self._lines[account]
        if slot not in line.held_since:
            return  # lost with the connection, and perhaps somebody else's by now
        line.free.append(slot)
        if line.waiting and time.monotonic() - line.held_since[slot] < _KEEP_S:
            line.freed.set()
            return
        await asyncio.shield(self._unlock_free(line))

    async def _unlock_free(self, line: "_Line") -> None:
        while line.free:
            slot = line.free.pop()
            try:
                await self._execute("select pg_advisory_unlock(%(key)s)", {"key": slot})
            except TransientError as error:
                log.warning("throttle.slots_lost", error=str(error))
            line.held_since.pop(slot, None)

    async def _execute(self, statement: str, values: dict[str, object]) -> Row | None:
        async with self._turn:
            try:
                if self._conn is None or self._conn.closed:
                    self._forget_slots()
                    self._conn = await connect_async(self._url, application="tieout-throttle")
                cur = await self._conn.execute(statement.encode(), values)
                return await cur.fetchone() if cur.description else None
            except psycopg.OperationalError as error:
                # Whatever failed, what is locked on this connection is not known any more.
                if self._conn is not None:
                    await self._conn.close()
                self._forget_slots()
                raise TransientError(
                    code="TIE-STORE-009", message=f"The connection that holds the limits of accounts was lost: {error}"
                ) from error

    def _forget_slots(self) -> None:
        for line in self._lines.values():
            line.forget()


@dataclass
class _Line:
    """Those of this process who wait for a slot of one account, and the slots that this process holds."""

    waiting: int = 0
    free: list[int] = field(default_factory=list)
    held_since: dict[int, float] = field(default_factory=dict)
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)
    poll_at: float = 0.0
    pause_s: float = _POLL_S

    def hold(self, slot: int) -> None:
        """Note a slot that was taken."""
        self.held_since[slot] = time.monotonic()
        self.poll_at, self.pause_s = 0.0, _POLL_S

    def back_off(self) -> None:
        """Other processes have all slots: ask less often."""
        self.pause_s = min(self.pause_s * 2, _POLL_MAX_S)
        self.poll_at = time.monotonic() + self.pause_s

    def forget(self) -> None:
        """The connection is gone, and every slot with it."""
        self.free.clear()
        self.held_since.clear()


def _slot_key(account: str, number: int) -> int:
    digest = hashlib.sha256(f"slot:{account}:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
