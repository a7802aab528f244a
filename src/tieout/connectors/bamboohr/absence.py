"""What BambooHR says of days on which people do not work: time off and holidays. Pure.

A holiday of several days or countries is one record per day and country, so that each has one day and one country.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from tieout.connect.json_codec import JsonValue, shape_strict
from tieout.connect.source import Translated, Unreadable
from tieout.connectors.bamboohr.fields import (
    UnmappableError,
    decimal_of,
    guarded,
    id_of,
    text_of,
    unreadable_answer,
    version_of,
)
from tieout.connectors.bamboohr.options import Options
from tieout.connectors.bamboohr.records import BambooHoliday, BambooTimeOffRequest
from tieout.errors import ContractError
from tieout.model.reported import FieldValue, RecordType, ReportedLeave, ReportedRecord, ReportedTimeOff
from tieout.model.working_time import round_hours

_STATES: Final = {
    "requested": (ReportedLeave.REQUESTED, 0),
    "approved": (ReportedLeave.APPROVED, 1),
    "denied": (ReportedLeave.REJECTED, 2),
    "canceled": (ReportedLeave.CANCELLED, 3),
    "superceded": (ReportedLeave.CANCELLED, 4),
}
"""By the vendor's words, and how far along a request is: its time of change has only a day, and this orders a day."""

_ONE_DAY: Final = timedelta(days=1)
_DAYS, _HOURS = "days", "hours"
_LONGEST_DAYS: Final = 3_700
_SATURDAY: Final = 6
_FOR_EVERYBODY: Final = frozenset({"ALL", "ALL_EMPLOYEES"})
_SOME_EMPLOYEES: Final = (
    "filter_list_value_ids",
    "specific_employee_ids",
    "exempt_employee_ids",
)


def time_off(answer: JsonValue, options: Options) -> list[Translated]:
    """Requests of ``/time_off/requests``."""
    if not isinstance(answer, list):
        raise unreadable_answer("it is no list of requests")
    return [guarded("Time off", id_of(one), partial(_request, one, options)) for one in answer]


def _request(row: JsonValue, options: Options) -> ReportedTimeOff:
    request = shape_strict(row, BambooTimeOffRequest)
    if request.status.status not in _STATES:
        raise UnmappableError(f"the status {request.status.status!r} is unknown")
    if not request.start <= request.end <= request.start + timedelta(days=_LONGEST_DAYS):
        raise UnmappableError(f"it lasts from {request.start} to {request.end}")
    state, rank = _STATES[request.status.status]
    hours_per_day, hours_by_day = _hours(request, options)
    return ReportedTimeOff(
        source_id=str(request.id),
        version=version_of(_changed_at(request.status.last_changed)) + rank,
        state=state,
        person=str(request.employee_id),
        starts=request.start,
        ends=request.end + _ONE_DAY,
        kind=text_of(request.type.name) or "leave",
        hours_per_day=hours_per_day,
        hours_by_day=hours_by_day,
    )


def _changed_at(text: str) -> datetime:
    """A day as its first instant, or an instant; raises UnmappableError for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnmappableError(f"its time of change is none: {text!r}") from error
    if found.tzinfo is None and found.time() != time(0):
        raise UnmappableError(f"its time of change names no zone: {text!r}")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _hours(request: BambooTimeOffRequest, options: Options) -> tuple[Decimal | None, dict[date, Decimal] | None]:
    """Hours of each day: one number where all working days have the same, none for whole days, else by day."""
    if request.amount.unit not in {_DAYS, _HOURS}:
        raise UnmappableError(f"the unit {request.amount.unit!r} is unknown")
    outside = [day for day in request.dates if not request.start <= day <= request.end]
    if outside:
        raise UnmappableError(f"it has an amount on {outside[0]}, which is not one of its days")
    amounts = {day: decimal_of(f"the amount of {day}", amount) or Decimal(0) for day, amount in request.dates.items()}
    away = {day: amount for day, amount in amounts.items() if amount}
    if not away:
        raise UnmappableError("no day of it has an amount")
    in_days = request.amount.unit == _DAYS
    is_even = len(set(away.values())) == 1 and away.keys() >= _weekdays(request.start, request.end)
    if in_days and is_even and Decimal(1) in away.values():
        return None, None
    hours = {day: round_hours(amount * options.hours_per_day if in_days else amount) for day, amount in away.items()}
    return (next(iter(hours.values())), None) if is_even else (None, hours)


def _weekdays(first: date, last: date) -> set[date]:
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return {day for day in days if day.isoweekday() < _SATURDAY}


def holidays(rows: Sequence[JsonValue]) -> list[Translated]:
    """Rows of ``/holidays``: for each as many records as it has days and countries."""
    items: list[Translated] = []
    for row in rows:
        source_id = id_of(row)
        try:
            items += _records_of(shape_strict(row, BambooHoliday))
        except UnmappableError as error:
            items.append(Unreadable(problem=f"Holiday {source_id or '?'}: {error}.", source_id=source_id))
        except ContractError as error:
            items.append(Unreadable(problem=f"Holiday {source_id or '?'}: {error.message}", source_id=source_id))
    return items


def _records_of(row: BambooHoliday) -> list[ReportedRecord]:
    last = row.end_date or row.start_date
    if not row.start_date <= last <= row.start_date + timedelta(days=_LONGEST_DAYS):
        raise UnmappableError(f"it lasts from {row.start_date} to {last}")
    if row.audience is not None and (
        row.audience.mode not in _FOR_EVERYBODY or any(getattr(row.audience, name) for name in _SOME_EMPLOYEES)
    ):
        raise UnmappableError("it is not for everybody, and a holiday is")
    twice = [one for one, count in Counter(row.country_codes).items() if count > 1]
    if twice:
        raise UnmappableError(f"it names country {twice[0]} twice")
    days = [row.start_date + timedelta(days=number) for number in range((last - row.start_date).days + 1)]
    countries: list[str | None] = [*row.country_codes] or [None]
    return [_holiday(row, day, country) for day in days for country in countries]


def _holiday(row: BambooHoliday, day: date, country: str | None) -> ReportedRecord:
    fields: dict[str, FieldValue] = {"day": day.isoformat(), "name": row.name, "fraction": "1"}
    if country is not None:
        fields["country"] = country
    return ReportedRecord(
        type=RecordType.HOLIDAY,
        source_id=f"{row.id}:{day}" if country is None else f"{row.id}:{day}:{country}",
        version=version_of(row.updated_at),
        fields=fields,
    )
