"""The event log: what happened, once each, in the order of commit of what it tells.

High-volume facts write one event per batch, masters one per change. Written in the transaction of the change itself.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor

from tieout.errors import InvariantError
from tieout.model.event_catalogue import EVENTS
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
    """Write ``events`` in their order; raises InvariantError (TIE-EVENT-001) for one that is not catalogued."""
    told = list(events)
    for one in told:
        _check(one)
    # A transaction id before any event id: readers of the feed know by it what may still come (``event_feed``).
    cur.execute("select pg_current_xact_id()")
    copy_rows(
        cur,
        "event_log",
        ("type", "subject", "payload", "correlation_id", "recorded_at"),
        (
            (one.type, one.subject, msgspec.json.encode(one.payload, order="sorted").decode(), one.correlation_id, now)
            for one in told
        ),
    )


def _check(event: Event) -> None:
    kind = EVENTS.get(event.type)
    if kind is None:
        raise InvariantError(code="TIE-EVENT-001", message=f"The event {event.type} is not in the catalogue.")
    try:
        msgspec.convert(event.payload, kind.payload)
    except msgspec.ValidationError as error:
        raise InvariantError(
            code="TIE-EVENT-001", message=f"An event {event.type} of {event.subject} is not as catalogued: {error}."
        ) from error


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
