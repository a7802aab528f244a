"""The rules over deals, as values."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.worlds.deals import US01, deal_line, good_deal, surroundings
from tests.worlds.project_hub import POLICY

from tieout.model.stream_policy import ApprovalRule, CodeRule, LeadToProject
from tieout.streams.lead_to_project import project_code
from tieout.streams.lead_to_project.completeness import completeness
from tieout.streams.lead_to_project.deal import Standing, standing
from tieout.streams.lead_to_project.tax import TaxInputs, expected_category
from tieout.streams.lead_to_project.validation import judge
from tieout.streams.lead_to_project.verdict import Before, verdict_on


def test_a_good_deal_is_accepted_in_minor_units_with_its_tax_category() -> None:
    judgement = judge(good_deal(), surroundings())
    assert judgement.findings == ()
    assert judgement.completeness.percent == 100
    accepted = judgement.accepted
    assert accepted is not None
    assert (accepted.amount_minor, accepted.currency, accepted.entity, accepted.tax_category) == (
        2_000_000,
        "USD",
        "US01",
        "S",
    )
    assert [line.hours for line in accepted.lines] == [Decimal(100)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": None}, "DEAL_CUSTOMER_UNKNOWN"),
        ({"entity_id": None}, "LEGAL_ENTITY_UNMAPPED"),
        ({"contract": None}, "CONTRACT_MISSING"),
        ({"amount": None}, "DEAL_TERMS_INVALID"),
        ({"amount": Decimal(0)}, "DEAL_TERMS_INVALID"),
        ({"amount": Decimal("0.001")}, "DEAL_TERMS_INVALID"),
        ({"currency": None}, "DEAL_TERMS_INVALID"),
        ({"starts": None}, "DEAL_TERMS_INVALID"),
        ({"ends": date(2026, 9, 1)}, "DEAL_TERMS_INVALID"),
        ({"service_line": None}, "SERVICE_LINE_UNKNOWN"),
        ({"rate_card_ids": ()}, "RATE_CARD_MISSING"),
        ({"rate_card_ids": (6, 6)}, "RATE_CARD_MISSING"),
        ({"lines": (deal_line(role_id=None),)}, "ROLE_UNKNOWN"),
        ({"lines": (deal_line(role_id=5, role="Junior"),)}, "RATE_NOT_FOUND"),
        ({"lines": (deal_line(hours=Decimal(0)),)}, "DEAL_TERMS_INVALID"),
        ({"lines": (deal_line(starts=date(2026, 9, 2), ends=date(2026, 9, 2)),)}, "DEAL_TERMS_INVALID"),
        ({"tax_treatment": "mystery"}, "TAX_UNDETERMINED"),
    ],
)
def test_what_is_missing_or_wrong_has_a_code_and_is_never_guessed(changes: dict[str, Any], code: str) -> None:
    judgement = judge(good_deal(**changes), surroundings())
    assert code in [one.code for one in judgement.findings]
    assert judgement.accepted is None


def test_a_dropped_line_is_not_judged() -> None:
    judgement = judge(good_deal(lines=(deal_line(), deal_line(2, role_id=None, deleted=True))), surroundings())
    assert judgement.findings == ()
    assert judgement.accepted is not None
    assert len(judgement.accepted.lines) == 1


def test_a_price_has_to_be_there_for_every_day_of_the_line() -> None:
    last_day = surroundings(priced_until=date(2026, 12, 1))
    assert judge(good_deal(), last_day).findings == ()
    day_before = surroundings(priced_until=date(2026, 11, 30))
    (found,) = judge(good_deal(), day_before).findings
    assert (found.code, "2026-11-30" in found.message) == ("RATE_EXPIRED", True)
    short = good_deal(lines=(deal_line(ends=date(2026, 11, 1)),))
    assert judge(short, day_before).findings == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Standing.APPROVED),
        ({"is_won": False}, Standing.LOST),
        ({"is_won": False, "is_closed": False}, Standing.OPEN),
        ({"deleted": True}, Standing.LOST),
        ({"is_won": None, "is_closed": None}, Standing.OPEN),
    ],
)
def test_where_a_deal_stands_follows_from_what_the_crm_calls_won(changes: dict[str, Any], expected: Standing) -> None:
    assert standing(good_deal(**changes), POLICY) is expected


def test_named_stages_count_instead_of_what_the_crm_calls_won() -> None:
    policy = LeadToProject(approved_stages=("Verbal", "Signed"))
    assert standing(good_deal(stage="Verbal", is_won=False, is_closed=False), policy) is Standing.APPROVED
    assert standing(good_deal(stage="Closed Won"), policy) is Standing.OPEN


def test_completeness_counts_what_is_told() -> None:
    score = completeness(good_deal(po_number=None, owner_email=None, lines=()))
    assert score.missing == ("lines", "purchase order", "owner")
    assert score.percent == 100 * 10 // 13


@pytest.mark.parametrize(
    ("supplier", "customer", "tax_id", "treatment", "code"),
    [
        ("US", "US", "1", None, "S"),
        ("DE", "FR", "FR1", None, "AE"),
        ("DE", "de", "1", None, "S"),
        ("DE", "US", "1", None, "O"),
        ("US", "DE", "1", None, "O"),
        ("DE", "FR", None, None, None),
        (None, "FR", "1", None, None),
        ("DE", None, "1", None, None),
        (None, None, None, "Reverse-Charge", "AE"),
        ("DE", "DE", "1", "exempt", "E"),
        ("DE", "DE", "1", "export", "G"),
        ("DE", "DE", "1", "zero", "Z"),
        ("DE", "DE", "1", "standardish", None),
    ],
)
def test_the_expected_tax_category_follows_from_complete_inputs_only(
    supplier: str | None, customer: str | None, tax_id: str | None, treatment: str | None, code: str | None
) -> None:
    inputs = TaxInputs(
        supplier_country=supplier, customer_country=customer, customer_tax_id=tax_id, treatment=treatment
    )
    category = expected_category(inputs)
    assert category.code == code
    assert bool(category.missing) == (code is None)


@pytest.mark.parametrize(
    ("rule", "text", "good"),
    [
        (CodeRule.DEAL, "{deal}", True),
        (CodeRule.DEAL, "P-{entity}-{deal}", True),
        (CodeRule.DEAL, "P-{number}", False),
        (CodeRule.DEAL, "P", False),
        (CodeRule.DEAL, "{deal", False),
        (CodeRule.DEAL, "{deal.__class__}", False),
        (CodeRule.SEQUENCE, "{entity}-{number:05d}", True),
        (CodeRule.SEQUENCE, "{deal}", False),
        (CodeRule.SEQUENCE, "{number:x?}", False),
        (CodeRule.SEQUENCE, "{customer}{number}", False),
    ],
)
def test_a_code_format_is_refused_before_it_makes_one_code_twice(rule: CodeRule, text: str, *, good: bool) -> None:
    assert (project_code.format_problem(rule, text) is None) == good


def test_the_next_number_follows_every_code_that_the_format_could_have_made() -> None:
    policy = LeadToProject(project_code=CodeRule.SEQUENCE, code_format="{entity}-{number:03d}/{deal}")
    known = ["US01-007/D9", "US01-0031/x", "DE01-999/D1", "US01-/D1", "US01-12a/D", "P-44"]
    assert project_code.next_number(policy, entity="US01", known_codes=known, last=5) == 32
    assert project_code.next_number(policy, entity="US01", known_codes=known, last=50) == 51
    assert project_code.by_number(policy, 32, deal="D 9", entity="US01") == "US01-032/D-9"


def test_an_approval_is_bound_to_the_terms_and_not_to_names() -> None:
    policy = msgspec.structs.replace(POLICY, approval=ApprovalRule.REQUIRED)
    around = surroundings(policy)
    first = verdict_on(good_deal(), None, around)
    assert first is not None
    assert first.terms is not None
    assert first.accepted is None
    before = Before(state=first.state, approved=frozenset({first.terms}))
    renamed = verdict_on(good_deal(name="Other name"), before, around)
    assert renamed is not None
    assert renamed.accepted is not None
    for dearer in (
        good_deal(amount=Decimal("20000.01")),
        good_deal(ends=date(2026, 12, 1) + timedelta(days=1)),
        good_deal(lines=(deal_line(hours=Decimal(101)),)),
        good_deal(entity_id=US01, service_line="Design"),
    ):
        other = verdict_on(dearer, before, around)
        assert other is not None
        assert other.accepted is None
        assert other.blocking is not None
        assert other.blocking.code == "APPROVAL_REQUIRED"
