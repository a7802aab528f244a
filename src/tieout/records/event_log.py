"""The event log: what happened, once each, in the order of commit of what it tells.

High-volume facts write one event per batch, masters one per change. Written in the transaction of the change itself.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor

from tieout.storage.copying import copy_rows


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event: ``type`` such as ``record.changed``, ``subject`` such as ``project/<public id>``, and its facts.

    Amounts and hours in ``payload`` are decimal text or minor units, never floats.
    """

    type: str
    subject: str
    payload: Mapping[str, str | int | bool | list[str] | None]
    correlation_id: UUID | None = None


def append(cur: Cursor[tuple[object, ...]], events: Iterable[Event], *, now: datetime) -> None:
    """Write ``events`` in their order."""
    copy_rows(
        cur,
        "event_log",
        ("type", "subject", "payload", "correlation_id", "recorded_at"),
        (
            (one.type, one.subject, msgspec.json.encode(one.payload, order="sorted").decode(), one.correlation_id, now)
            for one in events
        ),
    )


class RecordChange(msgspec.Struct, frozen=True):
    """A record that was created or changed, and the event that says so."""

    event_id: int
    record_id: int


def record_changes(cur: Cursor[tuple[object, ...]], *, after: int, limit: int) -> list[RecordChange]:
    """The changes of records after event ``after``, in the order of their commit, at most ``limit``.

    Records change one after the other (``governance.reference_state``), so that whoever has read an event has missed
    none before it: a stream keeps the last id and goes on from there.
    """
    cur.execute(
        """
        select event_id, (payload ->> 'record_id')::integer from event_log
         where event_id > %s and type in ('record.created', 'record.changed') order by event_id limit %s
        """,
        (after, limit),
    )
    return [RecordChange(int(str(row[0])), int(str(row[1]))) for row in cur.fetchall()]
