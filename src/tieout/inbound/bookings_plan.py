"""What judged readings of assignments and absences make of the plan: which rows stand, and what is changed by them.

Pure. ``bookings`` reads what stood before and writes what these functions say.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TypeAlias

import msgspec

from tieout.errors import InvariantError
from tieout.inbound.bookings_reading import AbsenceReading, AssignmentReading, Fact, KnownFact, Outcome
from tieout.inbound.bookings_rules import fact_name
from tieout.inbound.bookings_store import Absence, Booking, hours_text
from tieout.inbound.idempotent_receiver import SourceKey

PersonDays: TypeAlias = tuple[int, date, date]


def keys_of(readings: Iterable[Fact]) -> list[SourceKey]:
    """The source entries of ``readings``."""
    return list(dict.fromkeys((one.source_id, one.system_id) for one in readings))


def learn(readings: Iterable[Fact], history: Mapping[SourceKey, tuple[KnownFact, ...]]) -> None:
    """Attach to each reading what is stored of its source entry, oldest version first."""
    for one in readings:
        one.known = history.get((one.source_id, one.system_id), ())


def standing_bookings(heads: Iterable[AssignmentReading], rows: Sequence[AssignmentReading]) -> list[Booking]:
    """What is in the plan of ``heads``; ``rows`` are all readings of the batch, with their ids."""
    first_ids = _first_ids(rows)
    return [_booking(one, first_ids[one.source_id, one.system_id]) for one in heads if _counts(one)]


def standing_absences(heads: Iterable[AbsenceReading], rows: Sequence[AbsenceReading]) -> list[Absence]:
    """What counts of ``heads``; ``rows`` are all readings of the batch, with their ids."""
    first_ids = _first_ids(rows)
    return [_absence(one, first_ids[one.source_id, one.system_id]) for one in heads if _counts(one)]


def changed_bookings(before: Iterable[Booking], standing: Iterable[Booking]) -> list[int]:
    """The ids of the bookings that came, went or say something else."""
    old = {one.booking_id: _said(one) for one in before}
    new = {one.booking_id: _said(one) for one in standing}
    return sorted(at for at in old.keys() | new.keys() if old.get(at) != new.get(at))


def changed_days(before: Iterable[Absence], standing: Iterable[Absence]) -> list[PersonDays]:
    """The days (until before) of persons on which somebody is away and was not, or the other way, or for other hours.

    Overlapping spans of a person are one.
    """
    old = {one.absence_id: one for one in before}
    new = {one.absence_id: one for one in standing}
    spans = sorted(
        (one.resource_id, one.starts, one.ends)
        for at in old.keys() | new.keys()
        if _days_of(old.get(at)) != _days_of(new.get(at))
        for one in (old.get(at), new.get(at))
        if one is not None
    )
    merged: list[PersonDays] = []
    for resource_id, starts, ends in spans:
        last = merged[-1] if merged else None
        if last is not None and last[0] == resource_id and starts <= last[2]:
            merged[-1] = (resource_id, last[1], max(last[2], ends))
        else:
            merged.append((resource_id, starts, ends))
    return merged


def _counts(one: Fact) -> bool:
    return one.disposition == Outcome.ACCEPTED


def _first_ids(rows: Iterable[Fact]) -> dict[SourceKey, int]:
    """The id of the first reading of each source entry, which is the id of its booking for ever."""
    found: dict[SourceKey, int] = {}
    for one in rows:
        first = min((known.entry_id for known in one.known), default=one.entry_id)
        key = (one.source_id, one.system_id)
        found[key] = min(found.get(key, first), first)
    return found


def _said(one: Booking) -> Booking:
    """What a booking says, whichever reading said it."""
    return msgspec.structs.replace(one, reading_id=0)


def _days_of(one: Absence | None) -> Absence | None:
    return None if one is None else msgspec.structs.replace(one, reading_id=0)


def _booking(one: AssignmentReading, booking_id: int) -> Booking:
    if one.project_id is None:
        raise InvariantError(code="TIE-INBOUND-001", message=f"{fact_name(one)} was accepted without a project.")
    said = one.said
    return Booking(
        booking_id=booking_id,
        reading_id=one.entry_id,
        system_id=one.system_id,
        source_id=one.source_id,
        state=said.state.value,
        resource_id=one.resource_id,
        project_id=one.project_id,
        task_id=one.task_id,
        role_id=one.role_id,
        starts=said.starts,
        ends=said.ends,
        hours_per_day=said.hours_per_day,
        percent=said.percent,
        hours_by_day=hours_text(said.hours_by_day),
        bill_rate=said.bill_rate,
        location=said.location,
    )


def _absence(one: AbsenceReading, absence_id: int) -> Absence:
    if one.resource_id is None:
        raise InvariantError(code="TIE-INBOUND-001", message=f"{fact_name(one)} was accepted without a person.")
    said = one.said
    return Absence(
        absence_id=absence_id,
        reading_id=one.entry_id,
        system_id=one.system_id,
        source_id=one.source_id,
        state=said.state.value,
        resource_id=one.resource_id,
        starts=said.starts,
        ends=said.ends,
        kind=said.kind,
        hours_per_day=said.hours_per_day,
        hours_by_day=hours_text(said.hours_by_day),
    )
