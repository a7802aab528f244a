"""Which exchange rate a day is converted by (domain model 2.3)."""

from datetime import date
from fractions import Fraction

import pytest
from tests.worlds.ledger_firm import DAY, fx_rate

from tieout.ledger.fx import FxBook, FxConversion, FxGap, FxRate, FxTerms, convert, describe_gap
from tieout.model.money import RoundingMode

TERMS = FxTerms(rate_type="spot", max_age_days=5, prefers="erp")


def conversion(*rates: FxRate, pair: str = "EUR/USD", day: int = DAY, terms: FxTerms = TERMS) -> FxConversion:
    source, target = pair.split("/")
    found = FxBook(rates).conversion(source, target, day, terms)
    assert isinstance(found, FxConversion)
    return found


def gap(*rates: FxRate, pair: str = "EUR/USD", day: int = DAY) -> FxGap:
    source, target = pair.split("/")
    found = FxBook(rates).conversion(source, target, day, TERMS)
    assert isinstance(found, FxGap)
    return found


def test_the_latest_rate_on_or_before_the_day_counts() -> None:
    friday = date(2026, 3, 6).toordinal()
    rates = [
        fx_rate(1, "EUR/USD", "1.10", friday - 1),
        fx_rate(2, "EUR/USD", "1.20", friday),
        fx_rate(3, "EUR/USD", "9", friday + 3),
    ]
    used = conversion(*rates, day=friday + 2)
    assert used.rates[0].fx_rate_id == 2
    assert used.rate == Fraction(6, 5)


def test_a_rate_is_as_old_as_allowed_but_not_a_day_older() -> None:
    assert conversion(fx_rate(1, "EUR/USD", "1.2", DAY - 5)).rate_day == DAY - 5
    stale = gap(fx_rate(1, "EUR/USD", "1.2", DAY - 6))
    assert stale.code == "FX_STALE"
    assert stale.newest is not None
    assert "2026-03-04" in describe_gap(stale, TERMS)


def test_no_rate_is_missing_and_never_one() -> None:
    assert gap().code == "FX_MISSING"
    assert gap(fx_rate(1, "EUR/USD", "1.2", DAY + 1)).code == "FX_MISSING"
    assert gap(fx_rate(1, "EUR/USD", "1.2", rate_type="month_end")).code == "FX_MISSING"


def test_a_currency_into_itself_needs_no_rate() -> None:
    same = conversion(pair="JPY/JPY")
    assert (same.numerator, same.denominator, same.rates) == (1, 1, ())


def test_an_inverse_rate_is_inverted_exactly() -> None:
    inverse = conversion(fx_rate(1, "USD/EUR", "0.8482"))
    assert inverse.rate == 1 / Fraction("0.8482")


def test_of_direct_and_inverse_the_later_counts_and_direct_on_the_same_day() -> None:
    later = conversion(fx_rate(1, "EUR/USD", "1.1", DAY - 1), fx_rate(2, "USD/EUR", "0.8", DAY))
    assert later.rates[0].fx_rate_id == 2
    assert conversion(fx_rate(1, "EUR/USD", "1.1"), fx_rate(2, "USD/EUR", "0.8")).rates[0].fx_rate_id == 1


def test_two_currencies_without_a_rate_meet_over_a_third() -> None:
    crossed = conversion(fx_rate(1, "EUR/GBP", "0.85"), fx_rate(2, "EUR/JPY", "170", DAY - 2), pair="GBP/JPY")
    assert crossed.rate == Fraction(200)
    assert [one.fx_rate_id for one in crossed.rates] == [1, 2]
    assert crossed.rate_day == DAY - 2


def test_a_fresh_cross_is_used_where_the_direct_rate_is_stale() -> None:
    rates = [fx_rate(1, "GBP/JPY", "150", DAY - 30), fx_rate(2, "EUR/GBP", "0.85"), fx_rate(3, "EUR/JPY", "170")]
    assert len(conversion(*rates, pair="GBP/JPY").rates) == 2


def test_a_cross_with_one_stale_leg_is_stale() -> None:
    assert gap(fx_rate(1, "EUR/GBP", "0.85", DAY - 30), fx_rate(2, "EUR/JPY", "170"), pair="GBP/JPY").code == "FX_STALE"


def test_of_one_day_the_firms_own_rate_goes_first_then_the_posting_systems() -> None:
    rates = [fx_rate(1, "EUR/USD", "1.1", origin="aaa"), fx_rate(2, "EUR/USD", "1.2", origin="erp")]
    assert conversion(*rates).rates[0].fx_rate_id == 2
    assert conversion(*rates, fx_rate(3, "EUR/USD", "1.3", origin="firm")).rates[0].fx_rate_id == 3


def test_a_rate_recorded_again_corrects_the_earlier() -> None:
    assert conversion(fx_rate(1, "EUR/USD", "1.1"), fx_rate(2, "EUR/USD", "1.2")).rates[0].fx_rate_id == 2


@pytest.mark.parametrize(
    ("pair", "rate", "amount", "expected"),
    [
        ("EUR/USD", "1.0834", 10_000, 10_834),
        ("USD/JPY", "151.37", 1_234, 1_868),
        ("JPY/KWD", "0.00203", 5_000, 10_150),
        ("KWD/JPY", "492.61", -1_500, -739),
    ],
)
def test_minor_units_follow_the_exponents_of_both_currencies(pair: str, rate: str, amount: int, expected: int) -> None:
    assert convert(amount, conversion(fx_rate(1, pair, rate), pair=pair), RoundingMode.HALF_UP) == expected


def test_two_lines_of_fifty_euro_at_three_tenths_come_to_more_than_their_sum() -> None:
    third = conversion(fx_rate(1, "USD/EUR", "0.3"))
    assert convert(5_000, third, RoundingMode.HALF_UP) * 2 == 33_334
    assert convert(10_000, third, RoundingMode.HALF_UP) == 33_333
