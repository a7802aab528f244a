"""The database as the doors see it: one transaction per request, with the rights of whoever asks set in it.

Every query of the API and the console runs in ``as_principal``. The doors log in as a role that owns nothing and cannot
bypass row-level security (``storage.roles``); without the settings made here it sees no row of any legal entity.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from psycopg import Connection

from tieout.governance import access
from tieout.model.access import Principal, Scope
from tieout.model.clock import Clock
from tieout.storage.pool import Pool, Row, losing_database

ALL_ENTITIES = "*"
_NOTED_EVERY: Final = timedelta(minutes=15)


class DoorDatabase:
    """Connections of one door over its own pool."""

    def __init__(self, pool: Pool, clock: Clock | None = None) -> None:
        """With a clock, it notes when somebody last used a right."""
        self._pool = pool
        self._clock = clock
        self._noted: dict[tuple[UUID, Scope], datetime] = {}

    @contextmanager
    def as_principal(self, principal: Principal, scope: Scope) -> Iterator[Connection[Row]]:
        """A connection in a transaction that sees the legal entities for which ``principal`` holds ``scope``.

        What people are paid is among it only where he may read costs for all of these.
        It commits at the end and rolls back on an error. Raises TransientError (TIE-STORE-001) without a database.
        """
        entities, costs = principal.entities(scope), principal.entities(Scope.COSTS_READ)
        self.note_use(principal.principal_id, scope)
        with losing_database(), self._pool.connection() as conn, conn.transaction():
            conn.execute(
                """
                select set_config('tieout.entities', %s, true), set_config('tieout.costs', %s, true),
                       set_config('tieout.principal', %s, true)
                """,
                (_setting(entities), _setting(costs), str(principal.principal_id)),
            )
            yield conn

    @contextmanager
    def as_caller(self, principal: Principal) -> Iterator[Connection[Row]]:
        """A connection in a transaction that sees what is the caller's own, and no row of any legal entity.

        Raises TransientError (TIE-STORE-001) without a database.
        """
        with self.as_nobody() as conn:
            conn.execute("select set_config('tieout.principal', %s, true)", (str(principal.principal_id),))
            yield conn

    def note_use(self, principal_id: UUID, scope: Scope) -> None:
        """Remember for the access review that a right was used now, unless that was noted lately."""
        if self._clock is None:
            return
        now, before = self._clock.now(), self._noted.get((principal_id, scope))
        if before is not None and now - before < _NOTED_EVERY:
            return
        self._noted[principal_id, scope] = now
        with self.as_nobody() as conn, conn.cursor() as cur:
            access.note_use(cur, principal_id=principal_id, scope=scope, now=now)

    @contextmanager
    def as_nobody(self) -> Iterator[Connection[Row]]:
        """A connection in a transaction that sees no row of any legal entity: to find out who asks.

        Raises TransientError (TIE-STORE-001) without a database.
        """
        with losing_database(), self._pool.connection() as conn, conn.transaction():
            yield conn


def _setting(entities: frozenset[str] | None) -> str:
    return ALL_ENTITIES if entities is None else ",".join(sorted(entities))
