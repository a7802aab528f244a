"""Money: exponents, rounding, arithmetic and allocation of domain model 2.2 and 2.3."""

from decimal import Decimal

import msgspec
import pytest

from tieout.model.money import (
    InexactAmountError,
    Money,
    RoundingMode,
    UnknownCurrencyError,
    allocate,
    alpha_code,
    exponent,
    figure,
    from_minor,
    known_currencies,
    numeric_code,
    round_amount,
    round_quotient,
    round_to_minor,
    running_allocation,
    to_minor,
    total,
)


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4), ("IQD", 3), ("ALL", 2), ("LBP", 2), ("MGA", 2), ("UYW", 4)],
)
def test_decimals_come_from_iso_4217_and_not_from_what_locales_show(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


@pytest.mark.parametrize("code", ["XAU", "XXX", "XTS", "DEM", "ZWL", "eur", "EU", "", "Euro", "€"])
def test_metals_withdrawn_and_made_up_codes_are_no_currencies(code: str) -> None:
    with pytest.raises(UnknownCurrencyError) as refused:
        exponent(code)
    assert refused.value.code == "TIE-MONEY-001"
    with pytest.raises(UnknownCurrencyError):
        numeric_code(code)


def test_numeric_codes_lead_back_to_their_letters() -> None:
    assert numeric_code("JPY") == 392
    for letters, number, decimals in known_currencies():
        assert (alpha_code(number), numeric_code(letters), exponent(letters)) == (letters, number, decimals)
    for nothing in (959, 0, 1000):
        with pytest.raises(UnknownCurrencyError):
            alpha_code(nothing)


@pytest.mark.parametrize(
    ("amount", "currency", "half_up", "half_even"),
    [
        ("2.345", "EUR", "2.35", "2.34"),
        ("-2.345", "EUR", "-2.35", "-2.34"),
        ("0.5", "JPY", "1", "0"),
        ("1.5", "JPY", "2", "2"),
        ("1.0005", "KWD", "1.001", "1.000"),
        ("1234567890123456789012345678901.005", "EUR", "1234567890123456789012345678901.01",
         "1234567890123456789012345678901.00"),
    ],
)  # fmt: skip
def test_rounding_follows_the_policy(amount: str, currency: str, half_up: str, half_even: str) -> None:
    assert str(round_amount(Decimal(amount), currency, RoundingMode.HALF_UP)) == half_up
    assert str(round_amount(Decimal(amount), currency, RoundingMode.HALF_EVEN)) == half_even


def test_nothing_rounds_to_minus_zero() -> None:
    assert str(round_amount(Decimal("-0.001"), "EUR", RoundingMode.HALF_UP)) == "0.00"
    assert round_to_minor(Decimal("-0.001"), "EUR", RoundingMode.HALF_UP) == 0


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+70"])
def test_what_is_no_number_of_minor_units_is_refused(amount: str) -> None:
    with pytest.raises(InexactAmountError):
        round_amount(Decimal(amount), "EUR", RoundingMode.HALF_UP)
    with pytest.raises(InexactAmountError):
        to_minor(Decimal(amount), "EUR")
    with pytest.raises(InexactAmountError):
        Money(Decimal(amount), "EUR")


def test_a_price_times_seconds_differs_by_whether_hours_are_rounded_first() -> None:
    price, seconds = Decimal(7360), Decimal(1234)
    once = round_amount(price * seconds / 3600, "EUR", RoundingMode.HALF_UP)
    assert once == Decimal("2522.84")
    assert round_amount(price * Decimal("0.34"), "EUR", RoundingMode.HALF_UP) == Decimal("2502.40")


@pytest.mark.parametrize(("amount", "currency", "minor"), [("12.30", "EUR", 1230), ("12.300", "EUR", 1230),
                                                           ("1E+2", "JPY", 100), ("-1.234", "KWD", -1234)])  # fmt: skip
def test_minor_units_are_exact_both_ways(amount: str, currency: str, minor: int) -> None:
    assert to_minor(Decimal(amount), currency) == minor
    assert from_minor(minor, currency) == Decimal(amount)


def test_minor_units_never_lose_a_digit_silently() -> None:
    with pytest.raises(InexactAmountError, match="exactly"):
        to_minor(Decimal("0.005"), "EUR")
    with pytest.raises(InexactAmountError):
        to_minor(Decimal("0.5"), "JPY")
    assert to_minor(Decimal("12345678901234567890123456789012.34"), "EUR") == 1234567890123456789012345678901234


def test_money_adds_and_compares_within_one_currency() -> None:
    ten, three = Money(Decimal("10.00"), "EUR"), Money(Decimal("3.5"), "EUR")
    assert ten + three == Money(Decimal("13.50"), "EUR")
    assert ten - three == Money(Decimal("6.50"), "EUR")
    assert -ten == Money(Decimal(-10), "EUR")
    assert three < ten
    assert ten > three
    assert ten >= ten  # noqa: PLR0124  # the reflexive case is the point
    assert ten <= ten  # noqa: PLR0124  # as above
    assert total([ten, three], "EUR").minor == 1350
    assert total([], "JPY") == Money.of_minor(0, "JPY")
    assert len({Money(Decimal("1.0"), "EUR"), Money(Decimal("1.00"), "EUR")}) == 1


def test_sums_beyond_the_interpreters_28_digits_keep_the_cent() -> None:
    large = Money.of_minor(10**32, "EUR")
    assert (large + Money.of_minor(1, "EUR")).minor == 10**32 + 1


def test_money_refuses_other_currencies_floats_and_bare_numbers() -> None:
    ten = Money(Decimal(10), "EUR")
    with pytest.raises(InexactAmountError, match="EUR and USD"):
        ten + Money(Decimal(10), "USD")
    with pytest.raises(InexactAmountError):
        assert ten < Money(Decimal(10), "USD")
    with pytest.raises(InexactAmountError):
        Money(10.0, "EUR")  # type: ignore[arg-type]  # the wrong type is the point
    with pytest.raises(InexactAmountError):
        ten + 5  # type: ignore[operator]  # as above
    with pytest.raises(InexactAmountError):
        Money(Decimal("1.005"), "EUR")
    with pytest.raises(UnknownCurrencyError):
        Money(Decimal(1), "XAU")


def test_money_survives_json_as_exact_text() -> None:
    amount = Money(Decimal("1234567.89"), "USD")
    assert msgspec.json.encode(amount) == b'{"amount":"1234567.89","currency":"USD"}'
    assert msgspec.json.decode(msgspec.json.encode(amount), type=Money) == amount
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"amount":"1","currency":"USD","rate":"2"}', type=Money)


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (5, [7, 3], [4, 1]),
        (-5, [7, 3], [-4, -1]),
        (100, [1, 1, 1], [34, 33, 33]),
        (2, [1, 1, 1], [1, 1, 0]),
        (10, [0, 1, 0, 1], [0, 5, 0, 5]),
        (1, [0, 0, 3], [0, 0, 1]),
        (0, [1, 2], [0, 0]),
        (101, [Decimal("33.33"), Decimal("66.67")], [34, 67]),
    ],
)
def test_the_largest_remainder_gets_the_odd_cent(amount: int, weights: list[int], parts: list[int]) -> None:
    assert allocate(amount, weights) == parts


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [2, -1], [Decimal("NaN")], [Decimal("Infinity")]])
def test_impossible_weights_are_refused(weights: list[Decimal | int]) -> None:
    for split in (allocate, running_allocation):
        with pytest.raises(InexactAmountError):
            split(100, weights)


def test_floats_are_no_weights() -> None:
    with pytest.raises(InexactAmountError, match="whole number"):
        allocate(100, [0.5, 0.5])  # type: ignore[list-item]  # the wrong type is the point


def test_fifty_over_twelve_months_leaves_no_residual() -> None:
    parts = running_allocation(-5000, [1] * 12)
    assert sum(parts) == -5000
    assert parts[:4] == [-417, -416, -417, -417]
    assert running_allocation(5000, [1] * 12) == [-part for part in parts]


@pytest.mark.parametrize(
    ("numerator", "denominator", "half_up", "half_even"),
    [(5, 2, 3, 2), (-5, 2, -3, -2), (7, 2, 4, 4), (4, 3, 1, 1), (5, 3, 2, 2), (-1, 3, 0, 0), (0, 7, 0, 0)],
)
def test_quotients_round_as_amounts_do(numerator: int, denominator: int, half_up: int, half_even: int) -> None:
    assert round_quotient(numerator, denominator, RoundingMode.HALF_UP) == half_up
    assert round_quotient(numerator, denominator, RoundingMode.HALF_EVEN) == half_even


@pytest.mark.parametrize(
    ("value", "decimals", "words"),
    [
        ("222.300000", 2, "222.30"),
        ("0.006618", 2, "0.006618"),
        ("9450.000000", 0, "9450"),
        ("-7.5000", 2, "-7.50"),
        ("8", 2, "8.00"),
        ("1E+3", 0, "1000"),
        ("100", 0, "100"),
    ],
)
def test_a_figure_is_written_exactly_and_without_the_zeros_of_its_column(value: str, decimals: int, words: str) -> None:
    assert figure(Decimal(value), decimals=decimals) == words
    assert Decimal(figure(Decimal(value), decimals=decimals)) == Decimal(value)
