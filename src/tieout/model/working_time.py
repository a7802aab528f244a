"""Hours: exact decimals from minutes, elapsed time over clock changes, and splits that conserve them.

``connectors`` turn vendor minutes into hours here, ``inbound`` checks durations with it. Clock readings are compared
as instants: a night with a clock change has the hours that really passed (domain model 2.4).
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tieout.errors import ContractError

HOUR_DECIMALS = Decimal("0.0001")
_MICROS_PER_HOUR = 3_600_000_000
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


class ShiftDay(StrEnum):
    """Which day the hours of a shift over midnight belong to; a policy of the legal entity (domain model 2.4)."""

    START = "start"
    SPLIT = "split"


@lru_cache(maxsize=4096)
def hours_from_minutes(minutes: int) -> Decimal:
    """Minutes as hours with four decimals, half up (20 minutes are 0.3333)."""
    return round_hours(_WIDE.divide(Decimal(minutes), Decimal(60)))


def has_hour_decimals(hours: Decimal) -> bool:
    """Whether ``hours`` is finite and has at most the four decimals that hours are kept with."""
    return hours.is_finite() and hours == round_hours(hours)


def round_hours(hours: Decimal) -> Decimal:
    """``hours`` with four decimals, half up."""
    return hours.quantize(HOUR_DECIMALS, rounding=ROUND_HALF_UP, context=_WIDE)


def elapsed_hours(started_at: datetime, ended_at: datetime) -> Decimal:
    """Hours that really passed between two instants, four decimals half up; negative when they are swapped.

    Berlin from 22:00 to 06:00 is 9 hours in the night when summer ends, 7 when it begins. Raises ContractError for
    readings without a zone.
    """
    return _hours(_elapsed_micros(started_at, ended_at))


def split_at_midnight(started_at: datetime, ended_at: datetime, zone: str) -> list[tuple[date, Decimal]]:
    """Hours per local day of ``zone`` between two instants, in order; they add up to ``elapsed_hours``.

    Days that a zone skipped do not appear. Raises ContractError when the end lies before the start or ``zone`` is
    unknown.
    """
    whole = _elapsed_micros(started_at, ended_at)
    if whole < 0:
        raise ContractError(code="TIE-MODEL-001", message=f"Work ends at {ended_at}, before its start {started_at}.")
    local = _zone(zone)
    end = ended_at.astimezone(UTC)
    at = started_at.astimezone(UTC)
    parts: list[tuple[date, Decimal]] = []
    passed, given = 0, Decimal(0)
    while True:
        day = at.astimezone(local).date()
        midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=local).astimezone(UTC)
        until = min(midnight, end)
        passed += _elapsed_micros(at, until)
        upto = _hours(passed)
        parts.append((day, upto - given))
        if until == end:
            return parts
        at, given = until, upto


def hours_by_day(started_at: datetime, ended_at: datetime, zone: str, rule: ShiftDay) -> list[tuple[date, Decimal]]:
    """Hours per local day under the entity's rule: all on the day of the start, or split at local midnight."""
    parts = split_at_midnight(started_at, ended_at, zone)
    if rule is ShiftDay.SPLIT:
        return parts
    return [(parts[0][0], elapsed_hours(started_at, ended_at))]


def iso_week(day: date) -> tuple[int, int]:
    """ISO year and week of a day; the year may differ from the calendar's (week 53)."""
    year, week, _ = day.isocalendar()
    return year, week


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ContractError(code="TIE-MODEL-001", message=f"{name!r} is not a time zone.") from error


def _elapsed_micros(started_at: datetime, ended_at: datetime) -> int:
    if started_at.tzinfo is None or ended_at.tzinfo is None:
        raise ContractError(
            code="TIE-MODEL-001", message=f"{started_at} or {ended_at} names no zone, so it is no instant."
        )
    return (ended_at.astimezone(UTC) - started_at.astimezone(UTC)) // timedelta(microseconds=1)


def _hours(micros: int) -> Decimal:
    return round_hours(_WIDE.divide(Decimal(micros), Decimal(_MICROS_PER_HOUR)))
