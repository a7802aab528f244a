"""What a stored answer of Float says in canonical words: allocations, time off, and the Translator over all. Pure.

Both days of a span belong to it in Float, so that it ends the day after. An allocation of several people is one
assignment of each: the first, by ascending key, has the allocation's own key, so that giving it to somebody else
changes that assignment; the others have the place behind it (``17:2``). Hours are of each day that the person works, as
they are with us; where an allocation repeats they are told day by day (``task_days``), so that a shorter repetition is
a change and leaves nothing behind. An absence that repeats is one absence each time (``9#3``).

A row that the hub published as demand and that nobody has confirmed is only requested. ``masters`` does the same for
everything that is a record.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.json_codec import JsonValue
from tieout.connect.source import Translated
from tieout.connectors.float import masters
from tieout.connectors.float.fields import (
    UnmappableError,
    day_after,
    hours_of,
    phase_key,
    read_row,
    rows_of,
    version_of,
)
from tieout.connectors.float.marks import line_key_of, without_marks
from tieout.connectors.float.records import FloatAllocation, FloatTimeOff
from tieout.connectors.float.repeats import occurrences, repeats
from tieout.errors import ContractError
from tieout.model.reported import ReportedAssignment, ReportedBooking, ReportedLeave, ReportedRecord, ReportedTimeOff

_DRAFT, _TENTATIVE = 0, 1
_BOOKINGS: Final = {
    _DRAFT: ReportedBooking.PROPOSED,
    _TENTATIVE: ReportedBooking.SOFT,
    2: ReportedBooking.HARD,
    3: ReportedBooking.COMPLETED,
    4: ReportedBooking.CANCELLED,
}
_LEAVES: Final = {1: ReportedLeave.REQUESTED, 2: ReportedLeave.APPROVED, 3: ReportedLeave.REJECTED}


class FloatTranslator:
    """Translates every object that the manifest reads; ``regions`` are names of regions by key."""

    def __init__(self, regions: Mapping[str, str] | None = None) -> None:
        self._regions = regions or {}

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """The results of each item in the order of the answer; raises ContractError where it is no list."""
        translate = _TRANSLATE.get(object_name)
        if translate is None:
            raise ContractError(
                code="TIE-FLOAT-001", message=f"Float has no object {object_name!r} that the hub can read."
            )
        return [self._placed(item) for value in rows_of(payload) for item in translate(value)]

    def _placed(self, item: Translated) -> Translated:
        """An item with the name of its place in the place of a region's key."""
        if not isinstance(item, ReportedRecord) or item.fields.get("location") is None:
            return item
        key = str(item.fields["location"])
        fields = {**item.fields, "location": self._regions.get(key, key)}
        return msgspec.structs.replace(item, fields=fields)


def allocation(value: JsonValue) -> list[Translated]:
    """A row of ``/tasks``: an assignment of each of its people."""
    return read_row("Allocation", value, "task_id", FloatAllocation, _assignments)


def _assignments(row: FloatAllocation) -> Iterator[Translated]:
    state = _BOOKINGS.get(row.status)
    if state is None:
        raise UnmappableError(f"the status {row.status} is unknown")
    if line_key_of(row.notes) is not None and row.status in {_DRAFT, _TENTATIVE}:
        state = ReportedBooking.REQUESTED
    people = sorted(row.people_ids or ([row.people_id] if row.people_id else []))
    if not people:
        raise UnmappableError("it is of nobody")
    hours = hours_of(row.hours)
    last = occurrences(row.start_date, row.end_date, state=row.repeat_state, until=row.repeat_end_date)[-1][1]
    contour = None
    if repeats(row.repeat_state):
        if row.task_days is None:
            raise UnmappableError("it repeats, and the answer does not say on which days (task_days)")
        contour = dict.fromkeys(sorted(row.task_days), hours)
    for place, person in enumerate(people, start=1):
        yield ReportedAssignment(
            source_id=str(row.task_id) if place == 1 else f"{row.task_id}:{place}",
            version=version_of(row.modified, row.created),
            state=state,
            project=str(row.project_id),
            starts=row.start_date,
            ends=day_after(last),
            person=str(person),
            task=_task_of(row),
            hours_per_day=hours if contour is None else None,
            hours_by_day=contour,
            notes=without_marks(row.notes),
        )


def _task_of(row: FloatAllocation) -> str | None:
    if row.task_meta_id:
        return str(row.task_meta_id)
    return phase_key(row.phase_id) if row.phase_id else None


def time_off(value: JsonValue) -> list[Translated]:
    """A row of ``/timeoffs``: an absence of each of its people, each time it happens."""
    return read_row("Time off", value, "timeoff_id", FloatTimeOff, _absences)


def _absences(row: FloatTimeOff) -> Iterator[Translated]:
    state = _LEAVES.get(row.status)
    if state is None:
        raise UnmappableError(f"the status {row.status} is unknown")
    if not row.people_ids:
        raise UnmappableError("it is of nobody")
    hours = _hours_away(row)
    times = occurrences(row.start_date, row.end_date, state=row.repeat_state, until=row.repeat_end)
    for place, person in enumerate(sorted(row.people_ids), start=1):
        key = str(row.timeoff_id) if place == 1 else f"{row.timeoff_id}:{place}"
        for number, (first, last) in enumerate(times, start=1):
            yield ReportedTimeOff(
                source_id=key if number == 1 else f"{key}#{number}",
                version=version_of(row.modified, row.created),
                state=state,
                person=str(person),
                starts=first,
                ends=day_after(last),
                kind=row.timeoff_type_name or str(row.timeoff_type_id),
                hours_per_day=hours,
            )


def _hours_away(row: FloatTimeOff) -> Decimal | None:
    """None for whole days; raises UnmappableError where neither that nor hours are told."""
    if row.full_day:
        return None
    if row.hours is None:
        raise UnmappableError("it is of part of the day and does not say for how many hours")
    return hours_of(row.hours)


_TRANSLATE: Final[Mapping[str, Callable[[JsonValue], list[Translated]]]] = {
    **masters.TRANSLATE,
    "tasks": allocation,
    "timeoffs": time_off,
}
