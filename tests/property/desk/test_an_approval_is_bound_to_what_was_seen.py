"""An approval is of one content: whatever differs in it has another hash, and what is stored says what was hashed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tieout.desk.proposal_content import (
    Content,
    ItemFacts,
    ProposalKind,
    canonical,
    content_of,
    entities_of,
    hash_of,
    hours_of,
    money_of,
)

words = st.text(max_size=12)
amounts = st.one_of(st.none(), st.integers(-(10**12), 10**12))
currencies = st.sampled_from([840, 978, 392, 368])
items = st.builds(
    ItemFacts,
    item_id=st.integers(1, 10**9),
    code=st.sampled_from(["HOURS_RANGE", "RATE_EXPIRED"]),
    cause_key=words,
    subject_kind=st.just("time_entry"),
    subject_id=st.integers(1, 10**9),
    entity=st.one_of(st.none(), st.sampled_from(["US01", "DE01"])),
    hours=st.one_of(st.none(), st.decimals(-1000, 1000, places=4).map(str)),
    amount_minor=amounts,
    currency=currencies,
    new_amount_minor=amounts,
    new_currency=currencies,
)
contents = st.builds(
    Content,
    kind=st.sampled_from(ProposalKind),
    reason=words,
    maker_id=st.uuids(),
    maker=words,
    made_at=st.datetimes(timezones=st.just(UTC)),
    details=st.dictionaries(words, words, max_size=3),
    items=st.lists(items, max_size=3).map(tuple),
    entities=st.lists(words, max_size=3).map(tuple),
    firm_wide=st.booleans(),
    hours=st.decimals(-1000, 1000, places=4).map(str),
    money=st.dictionaries(st.sampled_from(["USD", "EUR"]), words, max_size=2),
)


@given(contents)
def test_what_is_stored_says_exactly_what_was_hashed(content: Content) -> None:
    text = canonical(content)
    assert content_of(text) == content
    assert canonical(content_of(text)) == text


@given(contents, contents)
def test_two_contents_have_one_hash_only_where_they_are_equal(one: Content, other: Content) -> None:
    assert (hash_of(canonical(one)) == hash_of(canonical(other))) == (one == other)


@given(contents, st.data())
def test_a_change_of_any_field_of_the_content_is_another_hash(content: Content, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(Content.__struct_fields__))
    other = data.draw(contents)
    changed = msgspec.structs.replace(content, **{name: getattr(other, name)})
    assert (hash_of(canonical(changed)) == hash_of(canonical(content))) == (
        getattr(changed, name) == getattr(content, name)
    )


@given(st.lists(items, min_size=1, max_size=4), st.data())
def test_a_change_of_any_item_is_another_hash(chosen: list[ItemFacts], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(chosen) - 1))
    name = data.draw(st.sampled_from(ItemFacts.__struct_fields__))
    other = data.draw(items)
    changed = list(chosen)
    changed[at] = msgspec.structs.replace(changed[at], **{name: getattr(other, name)})
    assert (_hash(changed) == _hash(chosen)) == (changed == chosen)


@given(st.lists(items, max_size=6))
def test_what_is_at_stake_is_the_sum_of_the_items_to_the_cent(chosen: list[ItemFacts]) -> None:
    money: dict[str, Any] = money_of(chosen)
    exponents = {"USD": (840, 2), "EUR": (978, 2), "JPY": (392, 0), "IQD": (368, 3)}
    for code, (number, exponent) in exponents.items():
        minor = sum(one.amount_minor or 0 for one in chosen if one.currency == number)
        minor += sum(one.new_amount_minor or 0 for one in chosen if one.new_currency == number)
        assert Decimal(money.get(code, "0")) == Decimal(minor).scaleb(-exponent)
    assert hours_of(chosen) == sum((Decimal(one.hours) for one in chosen if one.hours), Decimal(0))
    entities, nowhere = entities_of(chosen)
    assert set(entities) | ({None} if nowhere else set()) == {one.entity for one in chosen}


def _hash(chosen: list[ItemFacts]) -> str:
    return hash_of(
        canonical(
            Content(
                kind=ProposalKind.EXCLUDE,
                reason="r",
                maker_id=UUID(int=1),
                maker="m",
                made_at=datetime(2026, 1, 1, tzinfo=UTC),
                details={},
                items=tuple(chosen),
                entities=(),
                firm_wide=False,
                hours="0",
                money={},
            )
        )
    )
