"""Amounts of several currencies beside each other: for order only, and never without a rate."""

from decimal import Decimal

from tieout.console.readers.worth import Comparison, _factors

RATES = {("USD", "EUR"): Decimal("0.9"), ("EUR", "GBP"): Decimal("0.8"), ("JPY", "USD"): Decimal("0.0066")}


def test_rates_count_directly_the_other_way_round_and_over_a_third_currency() -> None:
    found = _factors("EUR", RATES)
    assert found["USD"] == Decimal("0.9")
    assert found["GBP"] == Decimal(1) / Decimal("0.8")
    assert found["JPY"] == Decimal("0.0066") * Decimal("0.9")


def test_an_amount_of_the_own_currency_is_exact_and_a_converted_one_is_about() -> None:
    comparison = Comparison(currency="EUR", factors=_factors("EUR", RATES))
    own, mixed = comparison.worth({"EUR": 1_00}), comparison.worth({"EUR": 1_00, "USD": 1_00})
    assert (own.value, own.is_about) == (Decimal("1.00"), False)
    assert (mixed.value, mixed.is_about) == (Decimal("1.90"), True)


def test_a_currency_without_a_rate_is_left_out_and_named() -> None:
    worth = Comparison(currency="EUR", factors=_factors("EUR", RATES)).worth({"EUR": 1_00, "CHF": 9_00})
    assert (worth.value, worth.left_out) == (Decimal("1.00"), ("CHF",))
