"""Judges how the hub is: what is well, what somebody should look at soon, what is wrong now.

Neighbours: ``reconciliation.vitals`` counts, ``tieout status`` and ``/ready`` say it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from psycopg import Connection

from tieout.connect.connector import connector_for
from tieout.errors import ConfigurationError
from tieout.governance import audit, firm_version
from tieout.inbound import vendor_schemas
from tieout.model.firm import FirmConfig
from tieout.reconciliation.vitals import Vitals, read_vitals
from tieout.runtime import restored
from tieout.runtime.firm.directory import API_CONNECTOR

WARN_DAYS: Final = 90
"""So long before a vendor ends a version of its API the hub begins to warn."""
_ANCHOR_AGE: Final = timedelta(days=7)


class Level(StrEnum):
    """How much a line matters."""

    WELL = "well"
    SOON = "soon"
    WRONG = "wrong"


class StatusLine(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: what, how much it matters, and what is to be known of it."""

    topic: str
    level: Level
    words: str


def status(conn: Connection[tuple[object, ...]], *, now: datetime) -> list[StatusLine]:
    """Everything that is looked at, in the order in which a fact goes through the hub."""
    firm = firm_version.newest(conn)
    if firm is None:
        return [_line("firm", Level.WRONG, "No firm directory was applied: nothing is read or posted.")]
    vitals = read_vitals(conn, now=now)
    lines = [_line("firm", Level.WELL, f"{firm.name}, version {firm.version}.")]
    lines += _hub(vitals)
    lines += _systems(vitals)
    lines += _retirements(firm, now)
    lines += _vendors(conn)
    lines += _queues(vitals, firm, now)
    lines += _restored(conn)
    lines += _deliveries(vitals, firm)
    lines += _desk(vitals)
    lines += _audit(conn, firm, now)
    return lines


def _line(topic: str, level: Level, words: str) -> StatusLine:
    return StatusLine(topic=topic, level=level, words=words)


def _hub(vitals: Vitals) -> Iterator[StatusLine]:
    if vitals.hubs:
        yield _line("hub", Level.WELL, f"{vitals.hubs} running.")
    else:
        yield _line("hub", Level.SOON, "Not running: start it with `tieout up`.")


def _systems(vitals: Vitals) -> Iterator[StatusLine]:
    paused = [one for one in vitals.systems if one.paused_at is not None]
    for one in paused:
        yield _line("reading", Level.WRONG, f"{one.object} of {one.system} is paused: {one.problem}.")
    if not paused:
        yield _line("reading", Level.WELL, f"{len(vitals.systems)} objects are read, none is paused.")


def _retirements(firm: FirmConfig, now: datetime) -> Iterator[StatusLine]:
    for system in firm.systems:
        if system.connector == API_CONNECTOR:
            continue
        try:
            manifest = connector_for(system.connector, system.settings).manifest
        except ConfigurationError as error:
            yield _line("api version", Level.WRONG, f"{system.name}: {error.message}")
            continue
        ends = system.api_retires_on or manifest.api_retires_on
        if ends is None or ends > now.date() + timedelta(days=WARN_DAYS):
            continue
        left = (ends - now.date()).days
        when = f"ends on {ends} ({left} days)" if left > 0 else f"ended on {ends}"
        level = Level.SOON if left > 0 else Level.WRONG
        yield _line("api version", level, f"{manifest.title} API {manifest.api_version} of {system.name} {when}.")


def _vendors(conn: Connection[tuple[object, ...]]) -> Iterator[StatusLine]:
    with conn.cursor() as cur:
        changed = [one for one in vendor_schemas.objects(cur) if one.open_changes]
    for one in changed:
        yield _line(
            "vendor schema",
            Level.SOON,
            f"{one.object} of {one.system} looks different in {one.open_changes} ways: see `tieout contract vendors`.",
        )


def _queues(vitals: Vitals, firm: FirmConfig, now: datetime) -> Iterator[StatusLine]:
    stuck = vitals.oldest_message is not None and now - vitals.oldest_message > timedelta(
        seconds=float(firm.service_levels.time_posted.within_s)
    )
    words = f"{vitals.messages_waiting} messages and {vitals.entries_to_bill} entries wait for a step."
    yield _line("steps", Level.WRONG if stuck else Level.WELL, words)


def _restored(conn: Connection[tuple[object, ...]]) -> Iterator[StatusLine]:
    """Legal entities that post nothing since a restore, until their ledgers were looked at."""
    for one in restored.waiting(conn):
        if one.state == restored.WAITING:
            words = (
                f"{one.entity} bills nothing since a restore, until its ledgers are proven: see `tieout restored list`."
            )
            yield _line("restore", Level.WRONG, words)


def _deliveries(vitals: Vitals, firm: FirmConfig) -> Iterator[StatusLine]:
    for circuit in vitals.circuits:
        yield _line("target", Level.WRONG, f"{circuit.system} is not sent to: {circuit.reason or circuit.state}.")
    doubtful = vitals.deliveries_in("in_doubt")
    stopped = vitals.deliveries_in("rejected", "dead", "held")
    moving = vitals.deliveries_in("ready", "intent", "sent")
    words = f"{moving} under way, {doubtful} in doubt, {stopped} stopped."
    yield _line("deliveries", Level.SOON if doubtful or stopped else Level.WELL, words)
    for one in vitals.latency:
        slow = one.p95_s > firm.service_levels.time_posted.within_s
        words = f"{one.count} journals to {one.system} within the hour: 95 % in {one.p95_s} s, half in {one.p50_s} s."
        yield _line("latency", Level.SOON if slow else Level.WELL, words)


def _desk(vitals: Vitals) -> Iterator[StatusLine]:
    items = sum(one.items for one in vitals.desk)
    if not items:
        yield _line("desk", Level.WELL, "Nothing needs anybody.")
        return
    hours = sum(one.hours for one in vitals.desk)
    oldest = min(one.oldest for one in vitals.desk)
    yield _line(
        "desk", Level.SOON, f"{items} items are open, {hours} hours at stake, the oldest since {oldest:%Y-%m-%d}."
    )


def _audit(conn: Connection[tuple[object, ...]], firm: FirmConfig, now: datetime) -> Iterator[StatusLine]:
    head = audit.head(conn)
    if not firm.audit.anchors:
        words = f"{head.seq} entries, anchored nowhere: name a place in [[audit.anchors]]."
        yield _line("audit", Level.SOON, words)
        return
    for place in firm.audit.anchors:
        newest = audit.newest_anchor(conn, place=place.place)
        if newest is None:
            yield _line("audit", Level.SOON, f"{place.place} has no anchor yet: run `tieout audit anchor`.")
        elif newest.seq < head.seq and now - newest.anchored_at > _ANCHOR_AGE:
            words = f"{place.place} proves {newest.seq} of {head.seq} entries, of {newest.anchored_at:%Y-%m-%d}."
            yield _line("audit", Level.SOON, words)
        else:
            yield _line("audit", Level.WELL, f"{newest.seq} of {head.seq} entries are anchored at {place.place}.")
