"""The two limiters of a vendor account, shared by all processes through PostgreSQL.

Concurrency: a slot is a session advisory lock on one dedicated connection, so the slots of a killed process are free
at once. Rate: a virtual schedule per account, moved on by one atomic statement. Implements ``connect.throttle``.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg
from psycopg import AsyncConnection

from tieout.connect.manifest import Limits
from tieout.errors import TransientError
from tieout.storage.pool import connect_async

_WAIT_S = 0.005
_WAIT_MAX_S = 0.1


class SharedThrottle:
    """Limits per account over all processes that share the database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._conn: AsyncConnection[tuple[object, ...]] | None = None
        self._turn = asyncio.Lock()
        self._held_slots: set[int] = set()

    def acquire(self, account: str, limits: Limits) -> AbstractAsyncContextManager[None]:
        """Hold one request's place; no round trip for an account without limits."""
        return self._held(account, limits)

    async def penalise(self, account: str, retry_after_s: float) -> None:
        """Let no request of ``account`` start for ``retry_after_s`` seconds, in any process."""
        await self._execute(
            """
            insert into throttle_window (account, next_free_at, penalty_until)
            values (%(account)s, clock_timestamp(), clock_timestamp() + make_interval(secs => %(wait)s))
            on conflict (account) do update
               set penalty_until = greatest(throttle_window.penalty_until, excluded.penalty_until)
            """,
            {"account": account, "wait": retry_after_s},
        )

    async def aclose(self) -> None:
        """Give back every slot of this process."""
        if self._conn is not None:
            await self._conn.close()
            self._conn = None

    @asynccontextmanager
    async def _held(self, account: str, limits: Limits) -> AsyncIterator[None]:
        if limits.requests_per_window is not None and limits.window_s is not None:
            await self._wait_for_window(account, limits.window_s / limits.requests_per_window, limits.window_s)
        if limits.concurrency is None:
            yield
            return
        slot = await self._wait_for_slot(account, limits.concurrency)
        try:
            yield
        finally:
            self._held_slots.discard(slot)
            await self._execute("select pg_advisory_unlock(%(key)s)", {"key": slot})

    async def _wait_for_window(self, account: str, step_s: float, window_s: float) -> None:
        row = await self._execute(
            """
            insert into throttle_window as w (account, next_free_at)
            values (%(account)s, clock_timestamp() + make_interval(secs => %(step)s))
            on conflict (account) do update
               set next_free_at = greatest(w.next_free_at, clock_timestamp() - make_interval(secs => %(window)s),
                                           coalesce(w.penalty_until, w.next_free_at))
                                  + make_interval(secs => %(step)s)
            returning extract(epoch from greatest(next_free_at - make_interval(secs => %(step)s),
                                                  coalesce(penalty_until, next_free_at)) - clock_timestamp())
            """,
            {"account": account, "step": step_s, "window": window_s},
        )
        wait_s = float(str(row[0])) if row and row[0] is not None else 0.0
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _wait_for_slot(self, account: str, slots: int) -> int:
        keys = [_slot_key(account, number) for number in range(slots)]
        wait_s = _WAIT_S
        while True:
            row = await self._execute(
                """
                select key from unnest(%(keys)s::bigint[]) as key
                 where not key = any(%(held)s::bigint[]) and pg_try_advisory_lock(key) limit 1
                """,
                {"keys": keys, "held": sorted(self._held_slots)},
            )
            if row is not None:
                key = int(str(row[0]))
                self._held_slots.add(key)
                return key
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _WAIT_MAX_S)

    async def _execute(self, statement: str, values: dict[str, object]) -> tuple[object, ...] | None:
        async with self._turn:
            if self._conn is None or self._conn.closed:
                self._held_slots.clear()
                self._conn = await connect_async(self._url, application="tieout-throttle")
            try:
                cur = await self._conn.execute(statement, values)
                return await cur.fetchone() if cur.description else None
            except psycopg.OperationalError as error:
                raise TransientError(
                    code="TIE-STORE-009", message=f"The connection that holds rate limits was lost: {error}"
                ) from error


def _slot_key(account: str, number: int) -> int:
    digest = hashlib.sha256(f"slot:{account}:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
