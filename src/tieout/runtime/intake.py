"""Polls the firm's sources and stores what they say; page and cursor move in one transaction.

One task per system and object. Reading waits for its source, never for the steps behind it; what was stored is read by
``inbound`` at its own pace.
"""

import asyncio
from dataclasses import dataclass

import structlog
from psycopg import Cursor

from tieout.connect.fault_point import fault_point
from tieout.connect.source import Page, Source
from tieout.errors import AccessError, ContractError, TransientError
from tieout.inbound import drift_store, message_store, notice_store
from tieout.model.clock import Clock
from tieout.model.firm import SystemConfig
from tieout.storage.pool import Pool, in_transaction, losing_database

log = structlog.get_logger(__name__)

_FAILED_WAIT_S = 5.0
_PATIENT_WAIT_S = 0.2
_MOST_REFUSALS = 3


@dataclass(frozen=True, kw_only=True)
class Poller:
    """Reads one object of one system; its connector lets an object be left alone for ``least_interval_s``."""

    system: SystemConfig
    object_name: str
    source: Source
    pool: Pool
    clock: Clock
    least_interval_s: float = 0.0

    @property
    def interval_s(self) -> float:
        """Seconds between two polls: as the firm says, and never less than the connector lets pass."""
        return max(float(self.system.poll_interval_s), self.least_interval_s)

    async def run(self, stopping: asyncio.Event) -> None:
        """Poll until ``stopping``; an unreachable or refusing source is tried again later and said in the log."""
        while not stopping.is_set():
            wait_s = self.interval_s
            try:
                await self.poll_once()
            except (TransientError, AccessError, ContractError) as error:
                log.warning("intake.failed", system=self.system.name, object=self.object_name, error=str(error))
                wait_s = max(wait_s, getattr(error, "retry_after_s", None) or _FAILED_WAIT_S)
            try:
                await asyncio.wait_for(stopping.wait(), wait_s)
            except TimeoutError:
                continue

    async def poll_patiently(self) -> int:
        """Poll once, however often that takes: a failed poll goes on from its last stored page.

        A refusal of the credentials may be a slip of the vendor's; raises AccessError when it stays.
        """
        refused = 0
        while True:
            try:
                return await self.poll_once()
            except AccessError as error:
                refused += 1
                if refused > _MOST_REFUSALS:
                    raise
                log.info("intake.retried", system=self.system.name, object=self.object_name, error=str(error))
                await asyncio.sleep(_PATIENT_WAIT_S)
            except TransientError as error:
                log.info("intake.retried", system=self.system.name, object=self.object_name, error=str(error))
                await asyncio.sleep(min(error.retry_after_s or _PATIENT_WAIT_S, _FAILED_WAIT_S))

    async def poll_once(self) -> int:
        """Store everything that changed since the last poll; returns the number of items received.

        An object that is paused is not asked for: 0, and its cursor stays.
        """
        if await asyncio.to_thread(self._is_paused):
            return 0
        cursor = await asyncio.to_thread(self._cursor)
        received = 0
        async for page in self.source.read(self.object_name, cursor):
            fault_point("intake.page.received")
            await asyncio.to_thread(self._store, page)
            fault_point("intake.page.after_commit")
            received += page.item_count or 0
        await asyncio.to_thread(self._mark_polled)
        return received

    def _is_paused(self) -> bool:
        with losing_database(), self.pool.connection() as conn, conn.cursor() as cur:
            return drift_store.is_paused(cur, system=self.system.name, object_name=self.object_name)

    def _mark_polled(self) -> None:
        with losing_database(), self.pool.connection() as conn, conn.cursor() as cur:
            message_store.mark_polled(cur, system=self.system.name, object_name=self.object_name, now=self.clock.now())

    def _cursor(self) -> str | None:
        with losing_database(), self.pool.connection() as conn, conn.cursor() as cur:
            return message_store.read_cursor(cur, system=self.system.name, object_name=self.object_name)

    def _store(self, page: Page) -> None:
        now = self.clock.now()
        message = message_store.NewMessage(
            system=self.system.name,
            object=self.object_name,
            channel="poll",
            payload=page.payload,
            item_count=page.item_count,
        )
        with losing_database(), self.pool.connection() as conn:

            def work(cur: Cursor[tuple[object, ...]]) -> None:
                if page.item_count != 0:
                    message_store.store(cur, [message], now=now)
                message_store.move_cursor(
                    cur, system=self.system.name, object_name=self.object_name, cursor=page.next_cursor, now=now
                )
                if page.notices is not None:
                    notice_store.settle(
                        cur, system=self.system.name, object_name=self.object_name, notices=page.notices, now=now
                    )
                fault_point("intake.page.before_commit")

            in_transaction(conn, work)
