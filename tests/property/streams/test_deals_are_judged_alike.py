"""The rules over any deal: never an exception, never a guess, the same answer in any order."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.worlds.deals import ACME, CARD, JUNIOR, SENIOR, US01, deal_line, good_deal, surroundings

from tieout.model.stream_policy import CodeRule, LeadToProject
from tieout.streams.lead_to_project import project_code
from tieout.streams.lead_to_project.deal import AcceptedDeal, DealContract, DealLine, SoldLine
from tieout.streams.lead_to_project.specification import number_lines
from tieout.streams.lead_to_project.validation import judge

AROUND = surroundings()
days = st.none() | st.integers(-400, 400).map(lambda at: date(2026, 9, 1) + timedelta(days=at))
hours = st.none() | st.decimals(min_value=0, max_value=10_000, places=2)
lines = st.lists(
    st.builds(
        DealLine,
        key=st.text(min_size=1, max_size=4),
        role_id=st.sampled_from([None, SENIOR, JUNIOR]),
        role_said=st.sampled_from([None, "Senior"]),
        hours=hours,
        starts=days,
        ends=days,
        deleted=st.booleans(),
    ),
    max_size=5,
    unique_by=lambda one: one.key,
).map(tuple)
contracts = st.none() | st.builds(
    DealContract,
    record_id=st.just(7),
    number=st.none() | st.just("K1"),
    status=st.sampled_from([None, "draft", "signed", "active", "terminated", "odd"]),
    currency=st.sampled_from([None, "USD", "EUR"]),
    client_id=st.sampled_from([None, ACME, 99]),
    rate_card_id=st.sampled_from([None, CARD, 99]),
)
facts = st.fixed_dictionaries(
    {
        "amount": st.none() | st.decimals(min_value=-10, max_value=10**9, places=3),
        "currency": st.sampled_from([None, "USD", "EUR", "JPY", "XXQ"]),
        "starts": days,
        "ends": days,
        "service_line": st.sampled_from([None, "Strategy"]),
        "client_id": st.sampled_from([None, ACME, 99]),
        "entity_id": st.sampled_from([None, US01, 99]),
        "rate_card_ids": st.sampled_from([(), (CARD,), (CARD, 99)]),
        "tax_treatment": st.sampled_from([None, "exempt", "odd"]),
        "contract": contracts,
        "lines": lines,
    }
)
NEEDED = ("client_id", "entity_id", "currency", "amount", "starts", "ends", "service_line")


@given(facts=facts)
def test_a_deal_is_accepted_exactly_when_nothing_blocks_and_then_nothing_is_missing(facts: dict[str, object]) -> None:
    deal = good_deal(**facts)
    judgement = judge(deal, AROUND)
    blocked = any(one.blocks for one in judgement.findings)
    assert (judgement.accepted is None) == blocked
    assert all(one.depends_on for one in judgement.findings)
    if judgement.accepted is not None:
        assert all(getattr(deal, name) is not None for name in NEEDED)
        assert judgement.accepted.tax_category in {"S", "AE", "G", "O", "E", "Z"}
        assert judgement.accepted.ends > judgement.accepted.starts
        assert all(line.hours > 0 for line in judgement.accepted.lines)


@given(facts=facts, data=st.data())
def test_the_order_of_lines_makes_no_difference_to_what_is_wrong_or_to_the_terms(
    facts: dict[str, object], data: st.DataObject
) -> None:
    one = judge(good_deal(**facts), AROUND)
    shuffled = data.draw(st.permutations(list(facts["lines"])))  # type: ignore[call-overload]  # a tuple of lines
    other = judge(good_deal(**{**facts, "lines": tuple(shuffled)}), AROUND)
    assert {found.code for found in one.findings} == {found.code for found in other.findings}
    if one.accepted is not None and other.accepted is not None:
        assert number_lines(one.accepted, (), taken=()) == number_lines(other.accepted, (), taken=())


def accepted(keys: Sequence[str]) -> AcceptedDeal:
    judged = judge(good_deal(lines=tuple(deal_line(key=key) for key in keys)), AROUND).accepted
    assert judged is not None
    return judged


histories = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6), min_size=1, max_size=8)


@given(history=histories, taken=st.sets(st.integers(1, 20), max_size=4))
def test_a_line_keeps_its_number_for_ever_and_no_number_is_given_twice(
    history: list[list[str]], taken: set[int]
) -> None:
    numbers: dict[str, int] = {}
    before: tuple[SoldLine, ...] = ()
    for keys in history:
        fresh = number_lines(accepted(keys), before, taken=[*taken, *(one.number for one in before)])
        for one in fresh.lines:
            assert numbers.setdefault(one.key, one.number) == one.number
            assert one.gone == (one.key not in keys)
        before = fresh.lines
    assert len(set(numbers.values())) == len(numbers)
    assert not taken & set(numbers.values())


texts = st.text(alphabet="ABC-01 ", min_size=1, max_size=6)


@given(
    prefix=st.text(alphabet="P-X", max_size=3),
    count=st.integers(1, 12),
    width=st.integers(1, 6),
    gaps=st.sets(st.integers(1, 99)),
)
def test_a_sequence_never_makes_a_code_twice_whatever_codes_are_known(
    prefix: str, count: int, width: int, gaps: set[int]
) -> None:
    policy = LeadToProject(project_code=CodeRule.SEQUENCE, code_format=f"{prefix}{{entity}}-{{number:0{width}d}}")
    known = {project_code.by_number(policy, number, deal="D", entity="US01") for number in gaps}
    for _ in range(count):
        number = project_code.next_number(policy, entity="US01", known_codes=known, last=0)
        code = project_code.by_number(policy, number, deal="D", entity="US01")
        assert code not in known
        known.add(code)


@given(deal=texts, entity=st.sampled_from(["US01", "DE01"]))
def test_the_code_of_a_deal_follows_from_its_number_alone_and_has_no_blank(deal: str, entity: str) -> None:
    policy = LeadToProject(code_format="P-{deal}")
    code = project_code.by_deal(policy, deal=deal, entity=entity)
    assert code == project_code.by_deal(policy, deal=deal, entity="other")
    assert not any(letter.isspace() for letter in code)


@given(amount=st.decimals(min_value=Decimal("0.01"), max_value=10**9, places=2))
def test_terms_differ_exactly_when_money_does(amount: Decimal) -> None:
    one = judge(good_deal(), AROUND).accepted
    other = judge(good_deal(amount=amount), AROUND).accepted
    assert one is not None
    assert other is not None
    assert (one.terms() == other.terms()) == (one.amount_minor == other.amount_minor)
    assert msgspec.json.decode(msgspec.json.encode(other), type=AcceptedDeal) == other
