from datetime import date

import pytest

from tieout.model.firm import ClosedPeriodRule
from tieout.model.period import AccountingPeriod, PeriodCalendar, PeriodState
from tieout.streams.time_to_bill.accounting_date import Placed, place


def calendar(**states: PeriodState) -> PeriodCalendar:
    months = {"sep": (9, 10), "oct": (10, 11), "nov": (11, 12)}
    return PeriodCalendar(
        AccountingPeriod(
            entity="DE01",
            code=f"2026-{starts:02d}",
            starts=date(2026, starts, 1),
            ends=date(2026, ends, 1),
            state=states.get(name, PeriodState.OPEN),
        )
        for name, (starts, ends) in months.items()
    )


WORKED = date(2026, 9, 17)


def test_work_of_an_open_period_is_posted_on_its_day() -> None:
    placed = place(calendar(), entity="DE01", day=WORKED, rule=ClosedPeriodRule.NEXT_OPEN)
    assert placed == Placed(day=WORKED, late=False)


@pytest.mark.parametrize("state", [PeriodState.CLOSED, PeriodState.SOFT_CLOSED])
def test_work_of_a_closed_period_goes_to_the_first_day_of_the_first_open_one_and_is_late(state: PeriodState) -> None:
    closed = calendar(sep=state, oct=PeriodState.CLOSED)
    placed = place(closed, entity="DE01", day=WORKED, rule=ClosedPeriodRule.NEXT_OPEN)
    assert placed == Placed(day=date(2026, 11, 1), late=True)


def test_an_entity_whose_policy_says_desk_leaves_closed_work_to_a_person() -> None:
    closed = calendar(sep=PeriodState.CLOSED)
    assert place(closed, entity="DE01", day=WORKED, rule=ClosedPeriodRule.DESK) is None


def test_a_period_that_the_ledger_calls_closed_counts_as_closed_whatever_we_know() -> None:
    placed = place(calendar(), entity="DE01", day=WORKED, rule=ClosedPeriodRule.NEXT_OPEN, refused=True)
    assert placed == Placed(day=date(2026, 10, 1), late=True)


def test_without_any_open_period_nothing_is_guessed() -> None:
    closed = calendar(sep=PeriodState.CLOSED, oct=PeriodState.CLOSED, nov=PeriodState.CLOSED)
    assert place(closed, entity="DE01", day=WORKED, rule=ClosedPeriodRule.NEXT_OPEN) is None
    assert place(closed, entity="FR01", day=WORKED, rule=ClosedPeriodRule.NEXT_OPEN) is None
