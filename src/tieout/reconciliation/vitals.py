"""How the hub is: what waits, is stuck, failed or is late, counted from the tables of the steps. Reads, never writes.

``tieout status`` judges these figures, ``/metrics`` hands them to Prometheus, the console draws them: one definition.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, LiteralString, TypeVar

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.storage.workers import LIVE_EPOCHS_SQL

_T = TypeVar("_T")
_LATELY: Final = timedelta(hours=1)


class DeliveryCount(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of one system in one state: how many, and since when the oldest is in it."""

    system: str
    state: str
    count: int
    oldest: datetime


class DeskCount(msgspec.Struct, frozen=True, kw_only=True):
    """Open items of one owner under one code: how many, how many hours, and since when the oldest waits."""

    owner: str
    code: str
    items: int
    hours: Decimal
    oldest: datetime


class SystemVital(msgspec.Struct, frozen=True, kw_only=True):
    """One object that is read: when it last told anything, and since when and why it is paused."""

    system: str
    object: str
    last_news_at: datetime | None
    paused_at: datetime | None
    problem: str | None


class CircuitVital(msgspec.Struct, frozen=True, kw_only=True):
    """A target that is not sent to at the moment."""

    system: str
    state: str
    opened_at: datetime | None
    reason: str | None


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """From the storing of a message to the ledger's acknowledgement, of entries posted to a system; in seconds."""

    system: str
    count: int
    p50_s: Decimal
    p95_s: Decimal


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """Everything, as of one instant.

    ``repeats`` are messages whose bytes came again, ``duplicates`` entries that are held as such, ``drifted`` records
    that a target holds otherwise than it should. ``hubs`` are those that are alive and deliver.
    """

    messages_waiting: int
    oldest_message: datetime | None
    entries_to_bill: int
    hubs: int
    repeats: int
    duplicates: int
    drifted: int
    deliveries: tuple[DeliveryCount, ...]
    desk: tuple[DeskCount, ...]
    systems: tuple[SystemVital, ...]
    circuits: tuple[CircuitVital, ...]
    latency: tuple[Latency, ...]

    def deliveries_in(self, *states: str) -> int:
        """How many deliveries are in one of ``states``."""
        return sum(one.count for one in self.deliveries if one.state in states)


def read_vitals(conn: Connection[tuple[object, ...]], *, now: datetime) -> Vitals:
    """All figures, read one after the other: they may differ by what happens in between."""
    waiting = _one(conn, "select count(*), min(due_at) from message_pending")
    billing = _one(conn, "select coalesce(sum(last_entry_id - first_entry_id + 1), 0)::bigint from posting_pending")
    hubs = _one(conn, _HUBS)
    repeats = _one(conn, "select count(*) from message_repeat")
    desk = tuple(_rows(conn, _DESK, DeskCount))
    return Vitals(
        messages_waiting=int(str(waiting[0])),
        oldest_message=waiting[1] if isinstance(waiting[1], datetime) else None,
        entries_to_bill=int(str(billing[0])),
        hubs=int(str(hubs[0])),
        repeats=int(str(repeats[0])),
        duplicates=sum(one.items for one in desk if "DUPLICATE" in one.code),
        drifted=sum(one.items for one in desk if one.code == "DRIFT"),
        deliveries=tuple(_rows(conn, _DELIVERIES, DeliveryCount)),
        desk=desk,
        systems=tuple(_rows(conn, _SYSTEMS, SystemVital)),
        circuits=tuple(_rows(conn, _CIRCUITS, CircuitVital)),
        latency=tuple(_latency(conn, now)),
    )


_HUBS: Final = f"select count(*) from ({LIVE_EPOCHS_SQL}) as live"  # noqa: S608 - a constant

# What was posted long ago is many times as much as what is under way, and is counted by the ledger's readers.
_DELIVERIES = """
    select system, state, count(*) as count, min(updated_at) as oldest from delivery
     where state not in ('posted', 'split', 'recut', 'excluded', 'superseded') group by system, state order by 1, 2
"""

_DESK = """
    select c.owner, c.code, count(*) as items, coalesce(sum(i.hours), 0) as hours, min(i.opened_at) as oldest
      from desk_item i join root_cause c using (cause_id)
     where i.state in ('open', 'released') group by c.owner, c.code order by 1, 2
"""

_SYSTEMS = """
    select system, object, c.moved_at as last_news_at, p.paused_at, p.problem
      from source_cursor c full join paused_object p using (system, object) order by system, object
"""

_CIRCUITS = "select system, state, opened_at, reason from circuit where state <> 'closed' order by system"

# Of the newest journals of the last hour; a journal is as old as the first message that gave it an entry.
_LATENCY = """
    with newest as (
        select delivery_id, system, updated_at from delivery
         where state = 'posted' and command_kind = 'post_journal' and updated_at > %s
         order by delivery_id desc limit 500
    ), aged as (
        select n.system, extract(epoch from n.updated_at - min(m.received_at)) as seconds
          from newest n join posting_link l using (delivery_id) join time_entry e using (entry_id)
          join message m using (message_id) group by n.delivery_id, n.system, n.updated_at
    )
    select system, count(*) as count,
           round(percentile_cont(0.5) within group (order by seconds)::numeric, 3) as p50_s,
           round(percentile_cont(0.95) within group (order by seconds)::numeric, 3) as p95_s
      from aged group by system order by system
"""


def _latency(conn: Connection[tuple[object, ...]], now: datetime) -> list[Latency]:
    with conn.cursor(row_factory=class_row(Latency)) as cur:
        cur.execute(_LATENCY, (now - _LATELY,))
        return cur.fetchall()


def _one(conn: Connection[tuple[object, ...]], statement: LiteralString) -> tuple[object, ...]:
    row = conn.execute(statement).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return row


def _rows(conn: Connection[tuple[object, ...]], statement: LiteralString, kind: type[_T]) -> list[_T]:
    with conn.cursor(row_factory=class_row(kind)) as cur:
        cur.execute(statement)
        return cur.fetchall()
