"""Counts who uses which operation of the API, in memory, and adds it up in the database about once a minute.

Neighbours: ``governance.api_inventory`` keeps the counts, ``resources.inventory`` tells them, ``versions`` says what is
going away.
"""

import asyncio
import threading
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from tieout.api.versions import operation_of
from tieout.errors import TransientError
from tieout.governance import api_inventory
from tieout.governance.api_inventory import Use
from tieout.model.access import Principal
from tieout.web.database import DoorDatabase
from tieout.web.guards import PRINCIPAL

log = structlog.get_logger(__name__)

WRITTEN_EVERY: Final = timedelta(minutes=1)
_CALLER: Final = "tieout_caller"
_REFUSED_FROM: Final = 400
_Key = tuple[datetime, UUID, str]


class Uses:
    """The counts of one process that are not yet in the database; safe for threads."""

    def __init__(self) -> None:
        self._counts: dict[_Key, Use] = {}
        self._written_at: datetime | None = None
        self._lock = threading.Lock()

    def count(self, principal_id: UUID, operation: str, *, refused: bool, now: datetime) -> bool:
        """Count one request; returns whether it is time to write the counts down."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        with self._lock:
            self._add(
                Use(
                    hour=hour,
                    principal_id=principal_id,
                    operation=operation,
                    requests=1,
                    refused=int(refused),
                    last_used_at=now,
                )
            )
            if self._written_at is None:
                self._written_at = now
            is_due = now - self._written_at >= WRITTEN_EVERY
            if is_due:
                self._written_at = now
            return is_due

    def write(self, database: DoorDatabase) -> None:
        """Write the counts down; where the database is away they are kept for the next time."""
        with self._lock:
            taken, self._counts = list(self._counts.values()), {}
        if not taken:
            return
        try:
            with database.as_nobody() as conn, conn.cursor() as cur:
                api_inventory.add(cur, taken)
        except TransientError as error:
            log.warning("api.uses_not_written", code=error.code, counts=len(taken))
            with self._lock:
                for one in taken:
                    self._add(one)

    def _add(self, one: Use) -> None:
        key = (one.hour, one.principal_id, one.operation)
        before = self._counts.get(key)
        self._counts[key] = (
            one
            if before is None
            else Use(
                hour=one.hour,
                principal_id=one.principal_id,
                operation=one.operation,
                requests=before.requests + one.requests,
                refused=before.refused + one.refused,
                last_used_at=max(before.last_used_at, one.last_used_at),
            )
        )


class CountUse(ASGIMiddleware):
    """Counts every request of somebody who is known to an operation of the API."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count when the answer begins: only then is it known who asked, and whether he was refused."""
        operation = operation_of(scope)
        if operation is None:
            await next_app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                await _count(scope, operation, message["status"])
            await send(message)

        await next_app(scope, receive, counted)


def name_caller(scope: Scope, principal_id: UUID) -> None:
    """Say who asks, where a handler finds it out by itself."""
    kept: Any = scope
    kept[_CALLER] = principal_id


async def write_down(app: Litestar) -> None:
    """Write the counts down before the process ends."""
    uses: Uses = app.state.api_uses
    await asyncio.to_thread(uses.write, app.state.database)


async def _count(scope: Scope, operation: str, status: int) -> None:
    caller = _caller(scope)
    if caller is None:
        return
    state = scope["litestar_app"].state
    uses: Uses = state.api_uses
    if uses.count(caller, operation, refused=status >= _REFUSED_FROM, now=state.clock.now()):
        await asyncio.to_thread(uses.write, state.database)


def _caller(scope: Scope) -> UUID | None:
    kept: Any = scope
    known = kept.get(PRINCIPAL)
    if isinstance(known, Principal):
        return known.principal_id
    named = kept.get(_CALLER)
    return named if isinstance(named, UUID) else None
