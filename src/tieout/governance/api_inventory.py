"""Who uses which operation of the API, how often and since when not any more: the consumers behind each endpoint.

The door counts in its own process and adds up here in batches (``api.inventory``); a process that is killed loses the
counts of its last minute, and nothing else. Before an operation is retired, its consumers are read here.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one principal to one operation since they were last added up; ``hour`` is the start of the hour."""

    hour: datetime
    principal_id: UUID
    operation: str
    requests: int
    refused: int
    last_used_at: datetime


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """One principal that uses an operation: how often since the asked-for instant, and when last."""

    operation: str
    principal: str
    kind: str
    requests: int
    refused: int
    last_used_at: datetime


def add(cur: Cursor[tuple[object, ...]], uses: Iterable[Use]) -> None:
    """Add counts to those of their hour."""
    cur.executemany(
        """
        insert into api_use (hour, principal_id, operation, requests, refused, last_used_at)
        values (%s, %s, %s, %s, %s, %s)
        on conflict (hour, principal_id, operation) do update
           set requests = api_use.requests + excluded.requests, refused = api_use.refused + excluded.refused,
               last_used_at = greatest(api_use.last_used_at, excluded.last_used_at)
        """,
        # In one order, so that two doors that add at once never wait for each other in a circle.
        [
            (one.hour, one.principal_id, one.operation, one.requests, one.refused, one.last_used_at)
            for one in sorted(uses, key=lambda one: (one.hour, one.principal_id, one.operation))
        ],
    )


def consumers(conn: Connection[tuple[object, ...]], *, since: datetime) -> list[Consumer]:
    """Who used what since then, by operation, those that ask most first."""
    with conn.cursor(row_factory=class_row(Consumer)) as cur:
        cur.execute(
            """
            select u.operation, p.name as principal, p.kind, sum(u.requests)::bigint as requests,
                   sum(u.refused)::bigint as refused, max(u.last_used_at) as last_used_at
              from api_use u join principal p using (principal_id)
             where u.last_used_at >= %s
             group by u.operation, p.principal_id, p.name, p.kind
             order by u.operation, 4 desc, p.name
            """,
            (since,),
        )
        return cur.fetchall()
