"""Periods: half-open spans, states per module, calendars of months and of weeks."""

from datetime import date, timedelta

import pytest

from tieout.errors import ContractError
from tieout.model.period import (
    FOUR_FOUR_FIVE,
    THIRTEEN_OF_FOUR,
    AccountingPeriod,
    PeriodCalendar,
    PeriodState,
    monthly_periods,
    weekly_pattern_periods,
)


def _period(code: str, starts: date, ends: date, state: PeriodState = PeriodState.OPEN) -> AccountingPeriod:
    return AccountingPeriod(entity="EU01", code=code, starts=starts, ends=ends, state=state)


JANUARY = _period("2026-01", date(2026, 1, 1), date(2026, 2, 1), PeriodState.CLOSED)
FEBRUARY = _period("2026-02", date(2026, 2, 1), date(2026, 3, 1), PeriodState.SOFT_CLOSED)
MARCH = _period("2026-03", date(2026, 3, 1), date(2026, 4, 1))
APRIL = _period("2026-04", date(2026, 4, 1), date(2026, 5, 1), PeriodState.FUTURE)
CALENDAR = PeriodCalendar([MARCH, JANUARY, APRIL, FEBRUARY])


@pytest.mark.parametrize(
    ("day", "code"),
    [(date(2026, 1, 1), "2026-01"), (date(2026, 1, 31), "2026-01"), (date(2026, 2, 1), "2026-02"),
     (date(2026, 4, 30), "2026-04")],
)  # fmt: skip
def test_the_first_day_belongs_to_a_period_and_its_end_to_the_next(day: date, code: str) -> None:
    found = CALENDAR.period_of("EU01", day)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2026, 5, 1)])
def test_days_outside_all_periods_have_none(day: date) -> None:
    assert CALENDAR.period_of("EU01", day) is None


def test_an_entity_without_periods_has_none() -> None:
    assert CALENDAR.period_of("US01", date(2026, 3, 1)) is None
    assert CALENDAR.first_open_from("US01", date(2026, 3, 1)) is None
    assert CALENDAR.of("US01") == ()


def test_time_of_a_closed_period_goes_to_the_first_open_one() -> None:
    assert CALENDAR.first_open_from("EU01", date(2026, 1, 15)) == MARCH
    assert CALENDAR.first_open_from("EU01", date(2026, 3, 31)) == MARCH
    assert CALENDAR.first_open_from("EU01", date(2026, 4, 1)) is None


def test_a_soft_closed_period_takes_adjustments_but_no_new_time() -> None:
    assert [(one.takes_time, one.takes_adjustments) for one in CALENDAR.of("EU01")] == [
        (False, False), (False, True), (True, True), (False, False),
    ]  # fmt: skip


def test_a_module_may_close_before_the_ledger() -> None:
    march = AccountingPeriod(
        entity="EU01", code="2026-03", starts=MARCH.starts, ends=MARCH.ends, state=PeriodState.OPEN,
        module_states={"receivables": PeriodState.CLOSED},
    )  # fmt: skip
    assert march.state_of("receivables") is PeriodState.CLOSED
    assert march.state_of("time") is PeriodState.OPEN


def test_a_period_without_days_is_refused() -> None:
    with pytest.raises(ContractError) as refused:
        _period("2026-01", date(2026, 1, 1), date(2026, 1, 1))
    assert refused.value.code == "TIE-PERIOD-001"


def test_overlapping_periods_of_one_entity_are_refused() -> None:
    with pytest.raises(ContractError) as refused:
        PeriodCalendar([JANUARY, _period("2026-1b", date(2026, 1, 31), date(2026, 2, 1))])
    assert refused.value.code == "TIE-PERIOD-002"


def test_periods_of_two_entities_may_overlap() -> None:
    other = AccountingPeriod(
        entity="US01", code="2026-01", starts=date(2026, 1, 1), ends=date(2026, 2, 1), state=PeriodState.OPEN
    )
    assert PeriodCalendar([JANUARY, other]).entities == ("EU01", "US01")


def test_a_gap_answers_no_period_and_is_refused_where_none_may_be() -> None:
    periods = [JANUARY, MARCH]
    calendar = PeriodCalendar(periods)
    assert calendar.gaps("EU01") == ((date(2026, 2, 1), date(2026, 3, 1)),)
    assert calendar.period_of("EU01", date(2026, 2, 14)) is None
    with pytest.raises(ContractError) as refused:
        PeriodCalendar.without_gaps(periods)
    assert refused.value.code == "TIE-PERIOD-003"
    assert PeriodCalendar.without_gaps([FEBRUARY, JANUARY]).gaps("EU01") == ()


def test_months_follow_each_other_over_the_new_year() -> None:
    periods = monthly_periods("EU01", first_day=date(2025, 11, 1), months=4)
    assert [one.code for one in periods] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert periods[-1].ends == date(2026, 3, 1)
    with pytest.raises(ContractError):
        monthly_periods("EU01", first_day=date(2026, 1, 2))


@pytest.mark.parametrize(
    ("weeks", "count", "length"),
    [(FOUR_FOUR_FIVE, 12, 52), (THIRTEEN_OF_FOUR, 13, 52), ((*FOUR_FOUR_FIVE[:-1], 6), 12, 53)],
)
def test_calendars_of_weeks_cover_their_year_without_gaps(weeks: tuple[int, ...], count: int, length: int) -> None:
    first = date(2025, 12, 29)
    periods = weekly_pattern_periods("EU01", first_day=first, weeks=weeks, year=2026)
    calendar = PeriodCalendar.without_gaps(periods)
    assert len(periods) == count
    assert periods[-1].ends - first == timedelta(weeks=length)
    assert periods[-1].code == f"2026-P{count}"
    for offset in range(7 * length):
        assert calendar.period_of("EU01", first + timedelta(days=offset)) is not None


def test_a_period_of_no_weeks_is_refused() -> None:
    with pytest.raises(ContractError):
        weekly_pattern_periods("EU01", first_day=date(2026, 1, 5), weeks=(4, 0), year=2026)
