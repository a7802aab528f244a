"""What holds for every amount: nothing is lost by rounding, splitting or negating."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tieout.model.money import (
    Money,
    RoundingMode,
    allocate,
    from_minor,
    known_currencies,
    round_amount,
    round_quotient,
    round_to_minor,
    running_allocation,
    to_minor,
)

CURRENCIES = st.sampled_from([letters for letters, _, _ in known_currencies()])
MODES = st.sampled_from(RoundingMode)
MINOR = st.integers(-(10**18), 10**18)
AMOUNTS = st.decimals(Decimal("-1e20"), Decimal("1e20"), places=8)
WEIGHTS = st.lists(
    st.one_of(st.integers(0, 10**6), st.decimals(0, 10**6, places=6)), min_size=1, max_size=40
).filter(any)  # fmt: skip


@given(MINOR, WEIGHTS)
def test_parts_add_up_and_mirror(amount: int, weights: list[Decimal | int]) -> None:
    parts = allocate(amount, weights)
    assert sum(parts) == amount
    assert allocate(-amount, weights) == [-part for part in parts]


@given(MINOR, WEIGHTS)
def test_no_part_is_a_whole_unit_off_and_zero_weights_get_none(amount: int, weights: list[Decimal | int]) -> None:
    whole = sum(map(Fraction, weights), Fraction(0))
    for part, weight in zip(allocate(amount, weights), weights, strict=True):
        assert abs(part - amount * Fraction(weight) / whole) < 1
        assert weight or not part


@given(MINOR, WEIGHTS)
def test_every_prefix_of_a_schedule_is_right_to_half_a_unit(amount: int, weights: list[Decimal | int]) -> None:
    parts = running_allocation(amount, weights)
    assert sum(parts) == amount
    assert running_allocation(-amount, weights) == [-part for part in parts]
    whole = sum(map(Fraction, weights), Fraction(0))
    given_out, due = 0, Fraction(0)
    for part, weight in zip(parts, weights, strict=True):
        given_out += part
        due += amount * Fraction(weight) / whole
        assert abs(given_out - due) <= Fraction(1, 2)
        assert weight or not part


@given(AMOUNTS, CURRENCIES, MODES)
def test_rounding_moves_half_a_unit_at_most_mirrors_and_settles(
    amount: Decimal, currency: str, mode: RoundingMode
) -> None:
    rounded = round_amount(amount, currency, mode)
    assert abs(Fraction(rounded) - Fraction(amount)) * 2 <= Fraction(from_minor(1, currency))
    assert round_amount(rounded, currency, mode) == rounded
    assert round_amount(amount.copy_negate(), currency, mode) == -rounded
    assert round_to_minor(amount, currency, mode) == to_minor(rounded, currency)


@given(st.integers(-(10**24), 10**24), st.integers(1, 10**12), MODES)
def test_a_quotient_rounds_to_a_nearest_whole_number(numerator: int, denominator: int, mode: RoundingMode) -> None:
    rounded = round_quotient(numerator, denominator, mode)
    exact = Fraction(numerator, denominator)
    assert abs(rounded - exact) <= Fraction(1, 2)
    if mode is RoundingMode.HALF_EVEN:
        assert rounded == round(exact)


@given(AMOUNTS, CURRENCIES, MODES)
def test_both_roundings_of_money_agree(amount: Decimal, currency: str, mode: RoundingMode) -> None:
    scaled = Fraction(amount) / Fraction(from_minor(1, currency))
    assert round_quotient(scaled.numerator, scaled.denominator, mode) == round_to_minor(amount, currency, mode)


@given(st.integers(-(10**40), 10**40), CURRENCIES)
def test_minor_units_come_back_as_they_went(amount_minor: int, currency: str) -> None:
    assert to_minor(from_minor(amount_minor, currency), currency) == amount_minor
    assert Money.of_minor(amount_minor, currency).minor == amount_minor


@given(MINOR, MINOR, CURRENCIES)
def test_money_adds_as_its_minor_units_do(one: int, other: int, currency: str) -> None:
    left, right = Money.of_minor(one, currency), Money.of_minor(other, currency)
    assert (left + right).minor == one + other
    assert left - right == -(right - left)
    assert (left < right) == (one < other)
