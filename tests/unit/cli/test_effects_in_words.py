"""What a plan says of entries that would be worth something else: every figure on the line adds up for its reader."""

from decimal import Decimal

from tieout.cli.firm import effect_in_words
from tieout.runtime.plan import Effect


def effect(*, after: str, delta: str, unpriced_count: int) -> Effect:
    return Effect(
        entity="US01",
        where="posted",
        currency="USD",
        functional_currency="USD",
        count=3,
        hours=Decimal("24.00"),
        before=Decimal("3000.00"),
        after=Decimal(after),
        delta=Decimal(delta),
        cost_before=Decimal("900.00"),
        cost_after=Decimal("600.00"),
        unpriced_count=unpriced_count,
    )


def test_entries_that_keep_a_price_are_told_before_after_and_difference() -> None:
    said = effect_in_words(effect(after="3300.00", delta="300.00", unpriced_count=0))
    assert "3,000.00 -> 3,300.00 USD (+300.00)" in said
    assert "no price" not in said


def test_entries_that_lose_their_price_are_told_with_what_they_are_worth_now() -> None:
    said = effect_in_words(effect(after="2200.00", delta="200.00", unpriced_count=1))
    assert "3,000.00 -> 2,200.00 USD (+200.00)" in said
    assert said.endswith(
        "1 of them would have no price any more: they count in neither figure after the arrow nor in "
        "the difference, and are worth 1,000.00 USD now"
    )
