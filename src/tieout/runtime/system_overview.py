"""Systems as programs and pages read them: health, what is read of each and how far, what is written, by which class.

Reads only. Neighbours: ``status`` says what is wrong with any of it; the doors show what is read here.
"""

from collections.abc import Mapping
from datetime import date, datetime

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.connect.connector import connector_for
from tieout.connect.manifest import Manifest
from tieout.errors import ConfigurationError
from tieout.inbound import drift_store
from tieout.inbound.drift_store import ObjectState
from tieout.model.firm import FirmConfig, SystemConfig
from tieout.runtime.firm.directory import API_CONNECTOR


class Circuit(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a target is sent to."""

    system: str
    state: str
    failures: int
    opened_at: datetime | None
    probe_at: datetime | None
    reason: str | None


class System(msgspec.Struct, frozen=True, kw_only=True):
    """One configured system. ``manifest`` is None for what hands in over the API, and where there is no connector."""

    config: SystemConfig
    manifest: Manifest | None
    problem: str | None
    objects: list[ObjectState]
    circuit: Circuit | None
    messages_day: int
    last_message: datetime | None
    open_changes: int
    throttled_until: datetime | None

    @property
    def paused(self) -> list[ObjectState]:
        """Objects that are not polled for now."""
        return [one for one in self.objects if one.paused_at is not None]

    @property
    def last_news(self) -> datetime | None:
        """When it last told anything, by poll or by message."""
        known = [one.last_news_at for one in self.objects if one.last_news_at is not None]
        return max([*known, *([self.last_message] if self.last_message else [])], default=None)

    @property
    def is_api(self) -> bool:
        """Whether programs hand it in over the hub's own API."""
        return self.config.connector == API_CONNECTOR

    @property
    def retires_on(self) -> date | None:
        """The day on which the vendor ends the version that is spoken."""
        return None if self.manifest is None else self.manifest.api_retires_on


def systems(conn: Connection[tuple[object, ...]], firm: FirmConfig) -> list[System]:
    """Every system of the firm, in its order."""
    with conn.cursor() as cur:
        states = drift_store.states(cur)
    circuits = _circuits(conn)
    messages = _messages(conn)
    changes = _changes(conn)
    throttles = _throttles(conn)
    found = []
    for config in firm.systems:
        manifest, problem = _manifest(config)
        count, last = messages.get(config.name, (0, None))
        found.append(
            System(
                config=config,
                manifest=manifest,
                problem=problem,
                objects=[one for one in states if one.system == config.name],
                circuit=circuits.get(config.name),
                messages_day=count,
                last_message=last,
                open_changes=changes.get(config.name, 0),
                throttled_until=throttles.get(config.account),
            )
        )
    return found


def _manifest(config: SystemConfig) -> tuple[Manifest | None, str | None]:
    if config.connector == API_CONNECTOR:
        return None, None
    try:
        return connector_for(config.connector, config.settings).manifest, None
    except ConfigurationError as error:
        return None, error.message


def _circuits(conn: Connection[tuple[object, ...]]) -> Mapping[str, Circuit]:
    with conn.cursor(row_factory=class_row(Circuit)) as cur:
        cur.execute("select system, state, failures, opened_at, probe_at, reason from circuit")
        return {one.system: one for one in cur.fetchall()}


def _messages(conn: Connection[tuple[object, ...]]) -> dict[str, tuple[int, datetime | None]]:
    """Messages of the newest 5,000 by system: how many, and when the last came."""
    rows = conn.execute(
        """
        select system, count(*), max(received_at)
          from (select system, received_at from message order by message_id desc limit 5000) newest
         group by system
        """
    )
    return {
        str(system): (int(str(count)), last if isinstance(last, datetime) else None) for system, count, last in rows
    }


def _changes(conn: Connection[tuple[object, ...]]) -> dict[str, int]:
    rows = conn.execute(
        """
        select o.system, count(*) from vendor_change c join vendor_object o using (object_id)
         where c.acknowledged_at is null group by o.system
        """
    )
    return {str(system): int(str(count)) for system, count in rows}


def _throttles(conn: Connection[tuple[object, ...]]) -> dict[str, datetime]:
    rows = conn.execute("select account, penalty_until from throttle_window where penalty_until is not null")
    return {str(account): until for account, until in rows if isinstance(until, datetime)}


class SchemaChange(msgspec.Struct, frozen=True, kw_only=True):
    """Something that looks different in what a vendor sends."""

    object: str
    path: str
    words: str
    noticed_at: datetime
    acknowledged_by: str | None


def schema_changes(conn: Connection[tuple[object, ...]], system: str) -> list[SchemaChange]:
    """What changed in the form of a system's objects, the newest first."""
    with conn.cursor(row_factory=class_row(SchemaChange)) as cur:
        cur.execute(
            """
            select o.object, c.path, c.words, c.noticed_at, c.acknowledged_by
              from vendor_change c join vendor_object o using (object_id)
             where o.system = %s order by c.change_id desc limit 50
            """,
            (system,),
        )
        return cur.fetchall()
