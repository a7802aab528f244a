"""Hours are conserved by every split, and every day of a calendar has one period."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tieout.model.period import PeriodCalendar, weekly_pattern_periods
from tieout.model.working_time import elapsed_hours, has_hour_decimals, hours_from_minutes, split_at_midnight

ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "America/Havana", "Africa/Cairo",
     "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo", "Asia/Beirut"]
)  # fmt: skip
FIRST, LAST = datetime(2005, 1, 1), datetime(2030, 12, 31)  # noqa: DTZ001  # Hypothesis adds the zone itself
INSTANTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
LENGTHS = st.timedeltas(timedelta(0), timedelta(days=4))


@given(INSTANTS, LENGTHS, ZONES)
def test_a_split_conserves_hours_and_days(began: datetime, length: timedelta, zone: str) -> None:
    ended = began + length
    parts = split_at_midnight(began, ended, zone)
    assert sum((hours for _, hours in parts), Decimal(0)) == elapsed_hours(began, ended)
    days = [day for day, _ in parts]
    assert days == sorted(set(days))
    assert days[0] == began.astimezone(ZoneInfo(zone)).date()
    assert all(hours >= 0 and has_hour_decimals(hours) for _, hours in parts)
    assert all(hours <= 25 for _, hours in parts)


@given(st.integers(-100_000, 100_000))
def test_minutes_are_within_half_of_the_last_decimal(minutes: int) -> None:
    hours = hours_from_minutes(minutes)
    assert has_hour_decimals(hours)
    assert abs(hours * 60 - minutes) <= Decimal("0.00005") * 60
    assert hours_from_minutes(-minutes) == -hours


@given(st.lists(st.integers(1, 6), min_size=1, max_size=20), st.dates(date(2000, 1, 1), date(2050, 1, 1)))
def test_every_day_of_a_calendar_of_weeks_has_one_period(weeks: list[int], first_day: date) -> None:
    periods = weekly_pattern_periods("E", first_day=first_day, weeks=weeks, year=first_day.year)
    calendar = PeriodCalendar.without_gaps(periods)
    for offset in range(7 * sum(weeks)):
        day = first_day + timedelta(days=offset)
        holding = [one for one in periods if one.starts <= day < one.ends]
        assert holding == [calendar.period_of("E", day)]
    assert calendar.period_of("E", first_day + timedelta(weeks=sum(weeks))) is None
    assert calendar.period_of("E", first_day - timedelta(days=1)) is None
