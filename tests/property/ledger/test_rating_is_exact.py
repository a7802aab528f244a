"""Rating from memory says what the rules say, amounts are exact to their one rounding, and nothing is defaulted."""

from decimal import Decimal
from fractions import Fraction

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.worlds.ledger_firm import (
    CARD,
    CLIENT,
    DAY,
    ENTITY,
    PERSON,
    PROJECT,
    ROLE,
    TASK,
    book,
    entity,
    fx_rate,
    line,
    project,
    request,
)

from tieout.ledger.actuals import hours_text
from tieout.ledger.fx import FxBook, FxConversion, FxTerms, convert
from tieout.ledger.rate_lines import SCOPE_RANK, RateContext, RateGap, RateLine, RateUnit, choose, fits, rank
from tieout.ledger.rating import RateBook, Rated, rate, rate_key
from tieout.model.money import RoundingMode, exponent, round_to_minor

PRICES = st.decimals(min_value="0.000001", max_value="9999", places=6)
HOURS_E4 = st.integers(min_value=1, max_value=240_000)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLF"])
MODES = st.sampled_from(list(RoundingMode))


@given(PRICES, HOURS_E4, CURRENCIES, MODES)
def test_an_amount_is_price_times_hours_rounded_once(
    price: Decimal, hours_e4: int, currency: str, mode: RoundingMode
) -> None:
    of = project(currency, entity(currency, rounding=mode))
    entry = msgspec.structs.replace(request(of), hours_e4=hours_e4, billable=True)
    found = rate(
        book(line(1, str(price), currency=currency), line(2, "1", currency=currency, context=RateContext.COST)), entry
    )
    assert isinstance(found, Rated)
    assert found.sales is not None
    assert found.sales.amount_minor == round_to_minor(price * hours_e4 / 10_000, currency, mode)


@given(PRICES, HOURS_E4, st.decimals(min_value="0.5", max_value="24", places=2), MODES)
def test_a_day_price_is_never_rounded_on_the_way(
    price: Decimal, hours_e4: int, hours_per_day: Decimal, mode: RoundingMode
) -> None:
    lines = line(1, str(price), unit=RateUnit.DAY, hours_per_day=hours_per_day)
    entry = msgspec.structs.replace(request(project(of=entity(rounding=mode))), hours_e4=hours_e4)
    found = rate(book(lines), entry)
    assert isinstance(found, Rated)
    assert found.sales is not None
    exact = Fraction(price) * hours_e4 / 10_000 / Fraction(hours_per_day) * 100
    assert abs(found.sales.amount_minor - exact) <= Fraction(1, 2)


DIMENSIONS = {
    "entity_id": ENTITY,
    "client_id": CLIENT,
    "project_id": PROJECT,
    "rate_card_id": CARD,
    "role_id": ROLE,
    "resource_id": PERSON,
    "task_id": TASK,
    "work_type": 1,
}


@st.composite
def rate_lines(draw: st.DrawFn) -> list[RateLine]:
    lines = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        named = draw(st.sets(st.sampled_from(sorted(DIMENSIONS)), max_size=3))
        fields: dict[str, object] = {
            name: DIMENSIONS[name] + draw(st.sampled_from([0, 0, 0, 100])) for name in sorted(named)
        }
        start = DAY + draw(st.integers(-20, 5))
        fields["valid_from"] = start
        fields["valid_to"] = start + draw(st.integers(1, 30))
        scope = draw(st.sampled_from(sorted(SCOPE_RANK)))
        lines.append(msgspec.structs.replace(line(number, str(number), scope), **fields))
    return lines


@settings(max_examples=200)
@given(rate_lines(), st.lists(st.integers(-25, 25), min_size=1, max_size=6))
def test_the_index_and_the_memory_choose_as_the_rule_reads(lines: list[RateLine], offsets: list[int]) -> None:
    rates = book(*lines)
    for day in [DAY + offset for offset in offsets]:
        entry = request(day=day)
        key = rate_key(RateContext.BILL, entry)
        plain = sorted((one for one in lines if fits(one, key)), key=rank, reverse=True)
        expected = choose(plain, day)
        found = rate(rates, entry)
        if isinstance(expected, RateGap):
            assert not isinstance(found, Rated)
            assert [one.code for one in found] == [expected.code]
        else:
            assert isinstance(found, Rated)
            assert found.sales is not None
            assert found.sales.price.line.rate_line_id == expected.rate_line_id


@settings(max_examples=100)
@given(rate_lines(), st.data())
def test_the_order_in_which_entries_come_changes_no_price(lines: list[RateLine], data: st.DataObject) -> None:
    entries = [request(hours=hours, day=DAY + offset) for offset in range(-6, 7, 3) for hours in ("1", "7.75")]
    shuffled = data.draw(st.permutations(entries))
    warm = book(*lines)
    for entry in shuffled:
        rate(warm, entry)
    assert [rate(warm, one) for one in entries] == [rate(_fresh(lines), one) for one in entries]


def _fresh(lines: list[RateLine]) -> RateBook:
    return book(*lines)


@given(
    st.integers(-(10**12), 10**12),
    st.decimals(min_value="0.000000000001", max_value="99999", places=12),
    CURRENCIES,
    CURRENCIES,
    MODES,
)
def test_a_conversion_is_exact_to_its_one_rounding(
    amount_minor: int, rate_value: Decimal, source: str, target: str, mode: RoundingMode
) -> None:
    terms = FxTerms(rate_type="spot", max_age_days=5)
    rates = [] if source == target else [fx_rate(1, f"{source}/{target}", str(rate_value))]
    found = FxBook(rates).conversion(source, target, DAY, terms)
    assert isinstance(found, FxConversion)
    factor = Fraction(1) if source == target else Fraction(rate_value)
    exact = Fraction(amount_minor) * factor * Fraction(10) ** (exponent(target) - exponent(source))
    converted = convert(amount_minor, found, mode)
    assert abs(converted - exact) <= Fraction(1, 2)
    assert convert(-amount_minor, found, mode) == -converted


@given(st.integers(-(10**6), 10**6))
def test_hours_are_written_as_they_are(hours_e4: int) -> None:
    assert Decimal(hours_text(hours_e4)) == Decimal(hours_e4) / 10_000
