"""From what a source said to what we know: golden records for the source's keys, exact integers for hours and days.

Pure. A value that no table can hold (a version beyond 64 bits, an hour with five decimals, an instant without a zone)
makes the item unreadable, with its problem in words; nothing is coerced. A key that is not known only leaves its golden
id empty: that is for the rules to judge.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from struct import Struct

import msgspec

from tieout.inbound.reading import HOUR_E4, STATE_NUMBER, Reading, Released
from tieout.inbound.rule_context import RuleContext
from tieout.inbound.source_keys import SourceKeys
from tieout.model.reported import ReportedTime

WORK_TYPES = {"regular": 1, "overtime": 2, "travel": 3}
WORK_TYPE_NAMES = {number: name for name, number in WORK_TYPES.items()}

_MAX_KEY_LENGTH = 200
_MAX_HOURS = Decimal(100_000)
_MAX_VERSION = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ENCODER = msgspec.msgpack.Encoder()
_SIGNED_64 = Struct(">q").unpack


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One translated time entry and where it was read from.

    ``released``: it is read again. ``is_revaluation``: the entry stands, and is worth something else by now.
    """

    message_id: int
    item_no: int
    system: str
    object: str
    said: ReportedTime
    released: Released | None = None
    is_revaluation: bool = False


class UnreadableItem(msgspec.Struct, frozen=True):
    """An item that nobody can understand, with what is wrong in words."""

    message_id: int
    item_no: int
    system: str
    object: str
    problem: str
    source_id: str | None = None
    released: Released | None = None


def normalize(arrivals: Sequence[Arrival], context: RuleContext) -> tuple[list[Reading], list[UnreadableItem]]:
    """Readings of ``arrivals`` in the same order, and the items that cannot be understood."""
    readings: list[Reading] = []
    unreadable: list[UnreadableItem] = []
    known_hours: dict[Decimal, int] = {}
    for arrival in arrivals:
        try:
            readings.append(_read(arrival, context.keys(arrival.system), context, known_hours))
        except _UnreadableError as error:
            unreadable.append(
                UnreadableItem(
                    message_id=arrival.message_id,
                    item_no=arrival.item_no,
                    system=arrival.system,
                    object=arrival.object,
                    problem=str(error),
                    source_id=storable_key(arrival.said.source_id),
                    released=arrival.released,
                )
            )
    return readings, unreadable


class _UnreadableError(ValueError):
    """One value that cannot be kept; never leaves this module."""


def _read(arrival: Arrival, keys: SourceKeys, context: RuleContext, known_hours: dict[Decimal, int]) -> Reading:
    said = arrival.said
    work_type = WORK_TYPES.get(said.work_type)
    if work_type is None:
        raise _UnreadableError(f"work type {said.work_type!r} is none of {', '.join(WORK_TYPES)}")
    digest = _digest(said)
    _check_said(said)
    hours_e4 = known_hours.get(said.hours) if said.hours.is_finite() else None
    if hours_e4 is None:
        hours_e4 = known_hours[said.hours] = _hours_e4(said.hours)
    project = keys.projects.get(said.project)
    resource = keys.resources.get(said.person)
    task = None if said.task is None else keys.task(said.task, project)
    role_id = None if resource is None else resource.role_id
    if said.role is not None:
        role = keys.roles.get(said.role)
        role_id = None if role is None else role.record_id
    if project is None or resource is None or (task is None and said.task is not None) or role_id is None:
        _check_keys(said)
    entity = None if project is None else project.entity
    return Reading(  # by position: naming 25 fields takes eight times as long
        arrival.message_id,
        arrival.item_no,
        arrival.system,
        keys.system_id,
        said,
        said.source_id,
        said.version,
        STATE_NUMBER[said.state],
        digest,
        said.work_date.toordinal(),
        hours_e4,
        work_type,
        said.narrative,
        None if said.started_at is None else _instant_us(said.started_at),
        None if said.ended_at is None else _instant_us(said.ended_at),
        project,
        task,
        resource,
        None if project is None else project.record_id,
        None if task is None else task.record_id,
        None if resource is None else resource.record_id,
        role_id,
        None if entity is None else entity.record_id,
        None if entity is None else context.rules_for(entity),
        arrival.released,
        arrival.is_revaluation,
    )


def _digest(said: ReportedTime) -> int:
    """64 bits over everything the source said: tells two readings of one version apart."""
    try:
        encoded = _ENCODER.encode(said)
    except (UnicodeEncodeError, OverflowError) as error:
        raise _UnreadableError(f"a value cannot be written down: {error}") from error
    digest: int = _SIGNED_64(blake2b(encoded, digest_size=8).digest())[0]
    return digest


def _check_said(said: ReportedTime) -> None:
    if not 0 <= said.version <= _MAX_VERSION:
        raise _UnreadableError(f"version {said.version} is not between 0 and 2^63 - 1")
    source_id = said.source_id
    if not 0 < len(source_id) <= _MAX_KEY_LENGTH:
        raise _UnreadableError(f"the id has {len(source_id)} characters; 1 to {_MAX_KEY_LENGTH} can be kept")
    if "\x00" in source_id or "\x00" in said.narrative:
        raise _UnreadableError("a text holds the character NUL")
    if said.approved_at is not None and said.approved_at.tzinfo is None:
        raise _UnreadableError(f"the instant {said.approved_at.isoformat()} has no time zone")


def _check_keys(said: ReportedTime) -> None:
    """A key that stands for nothing is named in a finding, so it must be one that a table can hold."""
    for key in (said.person, said.project, said.task, said.role):
        if key is not None and ("\x00" in key or len(key) > _MAX_KEY_LENGTH):
            raise _UnreadableError(f"a key of {len(key)} characters or with the character NUL cannot be looked up")


def _hours_e4(hours: Decimal) -> int:
    if not hours.is_finite() or abs(hours) >= _MAX_HOURS:
        raise _UnreadableError(f"{_short(hours)} is no number of hours")
    whole = int(hours * HOUR_E4)
    if Decimal(whole).scaleb(-4) != hours:
        raise _UnreadableError(f"{_short(hours)} hours have more than four decimals")
    return whole


def _instant_us(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise _UnreadableError(f"the instant {instant.isoformat()} has no time zone")
    try:
        return (instant - _EPOCH) // _MICROSECOND
    except OverflowError as error:
        raise _UnreadableError(f"the instant {instant.isoformat()} is out of range") from error


def _short(value: Decimal) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."  # noqa: PLR2004 - just short enough to read


def storable_key(source_id: str | None) -> str | None:
    """``source_id`` where a table can hold it, else None: a desk item then goes by message and item number alone."""
    if not source_id or len(source_id) > _MAX_KEY_LENGTH or "\x00" in source_id:
        return None
    try:
        source_id.encode()
    except UnicodeEncodeError:
        return None
    return source_id
