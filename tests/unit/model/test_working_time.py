"""Hours: exact from minutes, right over clock changes, conserved when split (domain model 2.4)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tieout.errors import ContractError
from tieout.model.working_time import (
    ShiftDay,
    elapsed_hours,
    has_hour_decimals,
    hours_by_day,
    hours_from_minutes,
    iso_week,
    round_hours,
    split_at_midnight,
)


def _parts(*parts: tuple[date, str]) -> list[tuple[date, Decimal]]:
    return [(day, Decimal(hours)) for day, hours in parts]


def _local(zone: str, day: date, hour: int, minute: int = 0, *, fold: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("minutes", "hours"),
    [(0, "0"), (1, "0.0167"), (3, "0.05"), (20, "0.3333"), (40, "0.6667"), (90, "1.5"), (1440, "24"), (-20, "-0.3333")],
)
def test_minutes_are_hours_with_four_decimals(minutes: int, hours: str) -> None:
    assert hours_from_minutes(minutes) == Decimal(hours)


@pytest.mark.parametrize(("hours", "fits"), [("1.2345", True), ("1.23450", True), ("1.23456", False), ("NaN", False),
                                             ("Infinity", False), ("8", True)])  # fmt: skip
def test_hours_have_at_most_four_decimals(hours: str, fits: bool) -> None:  # noqa: FBT001  # a case of the table
    assert has_hour_decimals(Decimal(hours)) is fits


def test_hours_round_half_up() -> None:
    assert round_hours(Decimal("0.00005")) == Decimal("0.0001")


@pytest.mark.parametrize(
    ("zone", "evening", "hours"),
    [
        ("Europe/Berlin", date(2025, 10, 25), "9"),
        ("Europe/Berlin", date(2025, 3, 29), "7"),
        ("Europe/Berlin", date(2025, 6, 1), "8"),
        ("Australia/Lord_Howe", date(2025, 4, 5), "8.5"),
        ("Asia/Kolkata", date(2025, 10, 25), "8"),
    ],
)
def test_a_night_has_the_hours_that_really_passed(zone: str, evening: date, hours: str) -> None:
    began, ended = _local(zone, evening, 22), _local(zone, date.fromordinal(evening.toordinal() + 1), 6)
    assert elapsed_hours(began, ended) == Decimal(hours)
    assert elapsed_hours(ended, began) == -Decimal(hours)
    parts = split_at_midnight(began, ended, zone)
    assert parts[0] == (evening, Decimal(2))
    assert sum(part for _, part in parts) == Decimal(hours)


def test_the_hour_that_comes_twice_counts_by_its_second_reading() -> None:
    day = date(2025, 10, 26)
    began = _local("Europe/Berlin", day, 2, 30)
    again = _local("Europe/Berlin", day, 2, 30, fold=1)
    assert elapsed_hours(began, again) == 1


def test_a_midnight_that_comes_twice_is_a_border_once() -> None:
    # Havana goes from 01:00 back to 00:00: midnight of 2 November 2025 is read twice.
    before, day = date(2025, 11, 1), date(2025, 11, 2)
    began, second_midnight = _local("America/Havana", before, 23), _local("America/Havana", day, 0, fold=1)
    assert split_at_midnight(began, second_midnight, "America/Havana") == _parts((before, "1"), (day, "1"))


def test_a_midnight_that_a_clock_change_skips_is_still_a_border() -> None:
    # Cairo goes from 24:00 of 24 April 2025 to 01:00.
    before, day = date(2025, 4, 24), date(2025, 4, 25)
    parts = split_at_midnight(_local("Africa/Cairo", before, 23), _local("Africa/Cairo", day, 3), "Africa/Cairo")
    assert parts == _parts((before, "1"), (day, "2"))


def test_a_day_that_a_zone_skipped_has_no_hours() -> None:
    # Samoa had no 30 December 2011.
    began = datetime(2011, 12, 29, 22, tzinfo=ZoneInfo("Pacific/Apia"))
    ended = datetime(2011, 12, 31, 4, tzinfo=ZoneInfo("Pacific/Apia"))
    assert split_at_midnight(began, ended, "Pacific/Apia") == _parts(
        (date(2011, 12, 29), "2"), (date(2011, 12, 31), "4")
    )


def test_work_that_ends_at_midnight_stays_on_its_day() -> None:
    began = datetime(2026, 3, 2, 20, tzinfo=UTC)
    assert split_at_midnight(began, datetime(2026, 3, 3, tzinfo=UTC), "UTC") == _parts((date(2026, 3, 2), "4"))


def test_three_days_are_split_at_both_midnights() -> None:
    began, ended = datetime(2026, 3, 2, 20, tzinfo=UTC), datetime(2026, 3, 4, 1, 30, tzinfo=UTC)
    assert split_at_midnight(began, ended, "UTC") == [
        (date(2026, 3, 2), 4), (date(2026, 3, 3), 24), (date(2026, 3, 4), Decimal("1.5")),
    ]  # fmt: skip


def test_no_time_at_all_is_nothing_on_its_day() -> None:
    at = datetime(2026, 3, 2, 20, tzinfo=UTC)
    assert split_at_midnight(at, at, "Asia/Tokyo") == _parts((date(2026, 3, 3), "0"))


def test_a_shift_belongs_to_its_first_day_or_is_split_by_policy() -> None:
    began, ended = datetime(2026, 3, 2, 22, tzinfo=UTC), datetime(2026, 3, 3, 6, tzinfo=UTC)
    assert hours_by_day(began, ended, "UTC", ShiftDay.START) == _parts((date(2026, 3, 2), "8"))
    assert hours_by_day(began, ended, "UTC", ShiftDay.SPLIT) == _parts((date(2026, 3, 2), "2"), (date(2026, 3, 3), "6"))


def test_readings_without_a_zone_swapped_ends_and_made_up_zones_are_refused() -> None:
    at = datetime(2026, 3, 2, 20, tzinfo=UTC)
    with pytest.raises(ContractError, match="no zone"):
        elapsed_hours(at.replace(tzinfo=None), at)
    with pytest.raises(ContractError, match="before its start"):
        split_at_midnight(at, at.replace(hour=19), "UTC")
    for zone in ("Mars/Olympus", "", "../etc/passwd", "Europe"):
        with pytest.raises(ContractError, match="time zone"):
            split_at_midnight(at, at, zone)


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2026, 12, 31), (2026, 53)),
        (date(2027, 1, 3), (2026, 53)),
        (date(2027, 1, 4), (2027, 1)),
        (date(2021, 1, 1), (2020, 53)),
        (date(2024, 12, 30), (2025, 1)),
    ],
)
def test_the_last_days_of_a_year_may_be_in_week_53_or_in_the_next_year(day: date, week: tuple[int, int]) -> None:
    assert iso_week(day) == week
