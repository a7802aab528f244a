"""Hours: exact decimals from minutes, elapsed time over clock changes, and splits that conserve them."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR_DECIMALS = Decimal("0.0001")


@lru_cache(maxsize=4096)
def hours_from_minutes(minutes: int) -> Decimal:
    """Minutes as hours with four decimals, half up (20 minutes are 0.3333)."""
    return (Decimal(minutes) / 60).quantize(HOUR_DECIMALS, rounding=ROUND_HALF_UP)


def elapsed_hours(started_at: datetime, ended_at: datetime) -> Decimal:
    """Hours between two instants; a night of a clock change has the hours that really passed (domain model 2.4)."""
    passed = ended_at.astimezone(UTC) - started_at.astimezone(UTC)
    micros = passed // timedelta(microseconds=1)
    return (Decimal(micros) / 3_600_000_000).quantize(HOUR_DECIMALS, rounding=ROUND_HALF_UP)


def split_at_midnight(started_at: datetime, ended_at: datetime, zone: str) -> list[tuple[date, Decimal]]:
    """Hours per local day of ``zone`` between two instants; the last day takes the rounding rest."""
    local = ZoneInfo(zone)
    parts: list[tuple[date, Decimal]] = []
    left = elapsed_hours(started_at, ended_at)
    at = started_at.astimezone(local)
    end = ended_at.astimezone(local)
    while at.date() < end.date():
        midnight = datetime.combine(at.date() + timedelta(days=1), time(), tzinfo=local)
        if midnight == end:
            break
        part = elapsed_hours(at, midnight)
        parts.append((at.date(), part))
        left -= part
        at = midnight
    parts.append((at.date(), left))
    return parts


def iso_week(day: date) -> tuple[int, int]:
    """ISO year and week of a day; the year may differ from the calendar's (week 53)."""
    year, week, _ = day.isocalendar()
    return year, week
