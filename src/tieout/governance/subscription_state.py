"""The states of a subscription, and the SQL by which whoever sends for one takes it, moves it on and gives it back.

A sender holds a lease; every step names it, so that one who lost his lease (his process was paused) changes nothing any
more and stops: events stay in their order. Neighbour: ``subscriptions`` has everything else.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor


class State(StrEnum):
    """``paused`` by whoever made it, ``disabled`` by the hub."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to send for one subscription until ``until``."""

    subscription_id: UUID
    principal_id: UUID
    until: datetime


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt came to."""

    event_id: int
    event_type: str
    tried_at: datetime
    duration_ms: int
    ok: bool
    status: int | None = None
    words: str | None = None


def claim(conn: Connection[tuple[object, ...]], *, now: datetime, until: datetime, most: int) -> list[Lease]:
    """Subscriptions with something to send that nobody sends for."""
    rows = conn.execute("select * from claim_subscriptions(%s, %s, %s)", (now, until, most)).fetchall()
    return [
        Lease(subscription_id=UUID(str(one)), principal_id=UUID(str(principal)), until=until) for one, principal in rows
    ]


def told(cur: Cursor[tuple[object, ...]], lease: Lease, tried: Tried, *, until: datetime) -> Lease | None:
    """Note that an event was taken and go on behind it, with a lease until ``until``; None where the lease was lost."""
    cur.execute(
        """
        update subscription set cursor = %s, attempts = 0, failing_since = null, next_try_at = null, leased_until = %s
         where subscription_id = %s and state = 'active' and leased_until = %s
        """,
        (tried.event_id, until, lease.subscription_id, lease.until),
    )
    if not cur.rowcount:
        return None
    _note(cur, lease, tried)
    return msgspec.structs.replace(lease, until=until)


def failed(cur: Cursor[tuple[object, ...]], lease: Lease, tried: Tried, *, next_try_at: datetime) -> datetime | None:
    """Note that an event was not taken and give the lease back; returns since when it fails, None where it was lost."""
    row = cur.execute(
        """
        update subscription set attempts = attempts + 1, failing_since = coalesce(failing_since, %s), next_try_at = %s,
               leased_until = null
         where subscription_id = %s and state = 'active' and leased_until = %s
        returning failing_since
        """,
        (tried.tried_at, next_try_at, lease.subscription_id, lease.until),
    ).fetchone()
    if row is None:
        return None
    _note(cur, lease, tried)
    since = row[0]
    if not isinstance(since, datetime):
        raise TypeError(since)
    return since


def give_back(cur: Cursor[tuple[object, ...]], lease: Lease, *, cursor: int | None) -> None:
    """Let others send; ``cursor`` is how far there was nothing more of interest (None: it stays)."""
    cur.execute(
        """
        update subscription set leased_until = null, cursor = greatest(cursor, coalesce(%s, cursor))
         where subscription_id = %s and leased_until = %s
        """,
        (cursor, lease.subscription_id, lease.until),
    )


def disable(cur: Cursor[tuple[object, ...]], subscription_id: UUID, why: str, *, now: datetime) -> None:
    """Send nothing more until somebody makes it active again."""
    cur.execute(
        """
        update subscription set state = 'disabled', why = %s, leased_until = null, next_try_at = null, changed_at = %s
         where subscription_id = %s
        """,
        (why, now, subscription_id),
    )


def forget_attempts(cur: Cursor[tuple[object, ...]], lease: Lease, *, before: datetime) -> None:
    """Attempts of before are not kept."""
    cur.execute(
        "delete from subscription_attempt where subscription_id = %s and tried_at < %s", (lease.subscription_id, before)
    )


def _note(cur: Cursor[tuple[object, ...]], lease: Lease, tried: Tried) -> None:
    cur.execute(
        """
        insert into subscription_attempt
               (subscription_id, event_id, event_type, tried_at, duration_ms, status, ok, words)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            lease.subscription_id,
            tried.event_id,
            tried.event_type,
            tried.tried_at,
            tried.duration_ms,
            tried.status,
            tried.ok,
            tried.words,
        ),
    )
