"""Every day belongs to one pay period, and hours are told once it is over and cut off."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.model.stream_policy import HoursToPayroll, PayPeriod
from tieout.streams.hours_to_payroll.pay_period import period_of, told_before

FIRST = date(2026, 7, 1)
DAYS = st.dates(date(2024, 1, 1), date(2029, 12, 31))


def policy(kind: PayPeriod, cut_off_days: int = 0) -> HoursToPayroll:
    return HoursToPayroll(payrolls={}, first_day=FIRST, pay_period=kind, cut_off_days=cut_off_days)


@pytest.mark.parametrize(
    ("kind", "day", "starts", "ends", "name"),
    [
        (PayPeriod.MONTH, "2028-02-29", "2028-02-01", "2028-03-01", "2028-02"),
        (PayPeriod.MONTH, "2026-12-31", "2026-12-01", "2027-01-01", "2026-12"),
        (PayPeriod.HALF_MONTH, "2026-07-15", "2026-07-01", "2026-07-16", "2026-07-1"),
        (PayPeriod.HALF_MONTH, "2026-07-16", "2026-07-16", "2026-08-01", "2026-07-2"),
        (PayPeriod.WEEK, "2026-07-07", "2026-07-01", "2026-07-08", "2026-07-01"),
        (PayPeriod.TWO_WEEKS, "2026-07-15", "2026-07-15", "2026-07-29", "2026-07-15"),
        (PayPeriod.TWO_WEEKS, "2026-06-30", "2026-06-17", "2026-07-01", "2026-06-17"),
    ],
)
def test_a_pay_period_is_the_one_that_payrolls_mean(
    kind: PayPeriod, day: str, starts: str, ends: str, name: str
) -> None:
    found = period_of(date.fromisoformat(day), policy(kind))
    assert (found.starts.isoformat(), found.ends.isoformat(), found.name) == (starts, ends, name)


@given(DAYS, st.sampled_from(PayPeriod))
def test_pay_periods_leave_no_gap_and_do_not_overlap(day: date, kind: PayPeriod) -> None:
    here = period_of(day, policy(kind))
    assert here.starts <= day < here.ends
    assert period_of(here.ends, policy(kind)).starts == here.ends
    assert period_of(here.ends - timedelta(days=1), policy(kind)) == here


@given(DAYS, st.sampled_from(PayPeriod), st.integers(0, 40))
def test_hours_are_told_when_their_period_ended_the_days_of_the_cut_off_ago(
    today: date, kind: PayPeriod, cut_off_days: int
) -> None:
    given_policy = policy(kind, cut_off_days)
    until = told_before(today, given_policy)
    last_told = period_of(until - timedelta(days=1), given_policy)
    assert last_told.ends + timedelta(days=cut_off_days) <= today
    assert period_of(until, given_policy).ends + timedelta(days=cut_off_days) > today
