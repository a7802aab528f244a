"""Reading the event log from a cursor on without ever passing an event that is still to be committed.

Event ids are given out before the commit: one may become visible after a later one. ``Horizon`` tells up to which id
every transaction that could hold one has ended. Neighbours: ``event_log`` writes; feeds and subscriptions read here.
"""

from collections import deque
from collections.abc import Collection
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

_WRAP: Final = 2**32


class FeedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it is read; ``payload`` is as the catalogue says of its type."""

    event_id: int
    type: str
    subject: str
    payload: dict[str, str | int | bool | list[str] | None]
    correlation_id: UUID | None
    recorded_at: datetime


class Horizon:
    """Up to which event the log is settled, as one process has seen it. Not for several threads at once.

    Whoever appends has a transaction id before it takes an event id (``event_log.append``). So when the newest visible
    event is read first and a transaction id taken after it, every transaction that holds an event id up to that event
    has a smaller id; once none of these runs any more, nothing up to that event is still to come. (The upper end of a
    snapshot would not do: it follows the last transaction that ended, not the last that began.)
    """

    def __init__(self) -> None:
        self.settled = 0
        self._waiting: deque[tuple[int, int]] = deque()

    def advance(self, conn: Connection[tuple[object, ...]]) -> int:
        """Look at what runs now; returns the id up to which everything may be read. Needs read committed."""
        newest = _number(conn, "select event_head()")
        if newest > (self._waiting[-1][0] if self._waiting else self.settled):
            self._waiting.append((newest, _number(conn, "select pg_current_xact_id()::text::bigint")))
        running = _running(conn)
        while self._waiting and not any(_precedes(one, self._waiting[0][1]) for one in running):
            self.settled = self._waiting.popleft()[0]
        return self.settled


def events_after(
    conn: Connection[tuple[object, ...]],
    *,
    after: int,
    until: int,
    types: Collection[str] = (),
    limit: int,
) -> list[FeedEvent]:
    """The events with ids above ``after`` up to ``until`` (a settled id), in their order, of ``types`` (none: all)."""
    with conn.cursor(row_factory=class_row(FeedEvent)) as cur:
        cur.execute(
            """
            select event_id, type, subject, payload, correlation_id, recorded_at from event_log
             where event_id > %(after)s and event_id <= %(until)s
               and (cardinality(%(types)s::text[]) = 0 or type = any(%(types)s))
             order by event_id limit %(limit)s
            """,
            {"after": after, "until": until, "types": list(types), "limit": limit},
        )
        return cur.fetchall()


def _running(conn: Connection[tuple[object, ...]]) -> list[int]:
    """The transaction ids (32 bits) that run in this database: each holds a lock on its own until it can be seen.

    What runs in other databases of the server, for however long, holds nobody up.
    """
    rows = conn.execute(
        """
        select l.transactionid::text::bigint from pg_locks l join pg_stat_activity a using (pid)
         where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
           and a.datname = current_database()
        """
    )
    return [int(str(row[0])) for row in rows]


def _precedes(running: int, taken: int) -> bool:
    """Whether transaction ``running`` (32 bits, which wrap) began before ``taken`` (64 bits)."""
    return (running - taken) % _WRAP >= _WRAP // 2


def _number(conn: Connection[tuple[object, ...]], statement: LiteralString) -> int:
    row = conn.execute(statement).fetchone()
    assert row is not None  # noqa: S101 - functions of the database that answer always
    return int(str(row[0]))
