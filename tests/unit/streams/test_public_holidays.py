"""The calendar with holidays by law: the country's, those of a part of it, and records that come before them."""

from datetime import date

import pytest

from tieout.streams.plan_to_allocate.calendar import WHOLE_E4, Person, day_of, even_pattern
from tieout.streams.plan_to_allocate.public_holidays import PublicHolidays, place_problem

ASSUMPTION = date(2028, 8, 15).toordinal()
UNITY = date(2028, 10, 3).toordinal()
DAY_E4 = 8 * WHOLE_E4


def person(place: str, free: dict[int, int] | None = None) -> Person:
    return Person(
        record_id=1, name="Ada", pattern=even_pattern(5 * DAY_E4), free=free or {}, public=PublicHolidays(place)
    )


@pytest.mark.parametrize(("place", "assumption"), [("DE", 0), ("DE-BY", 0), ("DE-SL", DAY_E4)])
def test_a_part_has_its_own_holidays_and_those_of_the_country(place: str, assumption: int) -> None:
    assert day_of(person(place), ASSUMPTION).holiday_e4 == assumption
    assert day_of(person(place), UNITY).holiday_e4 == DAY_E4


def test_a_holiday_that_moves_back_into_the_old_year_is_found_there() -> None:
    assert day_of(person("US"), date(2021, 12, 31).toordinal()).holiday_e4 == DAY_E4


def test_what_a_record_tells_of_the_day_comes_before_the_law() -> None:
    assert day_of(person("DE", {UNITY: WHOLE_E4 // 2}), UNITY).holiday_e4 == DAY_E4 // 2
    assert day_of(person("DE", {UNITY: WHOLE_E4}), UNITY).holiday_e4 == DAY_E4


@pytest.mark.parametrize("place", ["US", "GB", "DE", "DE-BY", "JP", "US-CA"])
def test_known_places_have_no_problem(place: str) -> None:
    assert place_problem(place) is None


@pytest.mark.parametrize(
    ("place", "use"),
    [("UK", "Use GB."), ("Germany", "Use DE."), ("de", "Use DE."), ("JP-13", "Use JP."), ("DE-by", "DE-BY")],
)
def test_an_unknown_place_is_told_with_the_nearest_right_one(place: str, use: str) -> None:
    wrong = place_problem(place)
    assert wrong is not None
    assert use in wrong[1]


@pytest.mark.parametrize("place", ["", "-", "DE-", "§§", "DE-BY-X"])
def test_what_is_no_place_is_refused(place: str) -> None:
    assert place_problem(place) is not None
