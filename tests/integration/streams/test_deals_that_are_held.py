"""Deals that cannot become projects are on the desk with cause and owner, and are released by what cures them."""

import msgspec
import pytest
from tests.worlds.project_hub import POLICY, ProjectHub, client, contract, deal, firm, line, price, whole_deal

from tieout.model.firm import OwnershipRule
from tieout.model.reported import RecordType, ReportedRecord


def without(kind: RecordType, records: list[ReportedRecord]) -> list[ReportedRecord]:
    return [one for one in records if one.type != kind]


def of_entity(word: str) -> list[ReportedRecord]:
    return [
        msgspec.structs.replace(one, references={**one.references, "legal_entity": word})
        if one.type == RecordType.DEAL
        else one
        for one in whole_deal()
    ]


BROKEN = {
    "customer": (
        [contract("D1", refs={"client": "zz"}), line("D1"), deal(refs={"client": "zz"})],
        "DEAL_CUSTOMER_UNKNOWN",
    ),
    "legal entity": (of_entity("Acme Mars"), "LEGAL_ENTITY_UNMAPPED"),
    "contract": (without(RecordType.CONTRACT, whole_deal()), "CONTRACT_MISSING"),
    "draft contract": ([contract("D1", status="draft"), line("D1"), deal()], "CONTRACT_MISSING"),
    "other contract": ([contract("D1", currency="EUR"), line("D1"), deal()], "CONTRACT_MISMATCH"),
    "amount": (whole_deal(amount=None), "DEAL_TERMS_INVALID"),
    "cents of a yen": (
        [contract("D1", currency="JPY"), line("D1"), deal(currency="JPY", amount="10.50")],
        "DEAL_TERMS_INVALID",
    ),
    "dates": (whole_deal(starts="2026-12-01"), "DEAL_TERMS_INVALID"),
    "hours": ([contract("D1"), line("D1", hours=None), deal()], "DEAL_TERMS_INVALID"),
    "service line": (whole_deal(service_line=None), "SERVICE_LINE_UNKNOWN"),
    "rate card": (whole_deal(rate_card_code=None), "RATE_CARD_MISSING"),
    "unknown rate card": (whole_deal(rate_card_code="RC-GBP"), "RATE_CARD_MISSING"),
    "rate card currency": (whole_deal(rate_card_code="RC-EUR"), "CURRENCY_MISMATCH"),
    "role": ([contract("D1"), line("D1", role="Wizard"), deal()], "ROLE_UNKNOWN"),
    "price": ([contract("D1"), line("D1", role="Junior"), deal()], "RATE_NOT_FOUND"),
    "tax": (whole_deal(tax_treatment="whatever"), "TAX_UNDETERMINED"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_deal_that_lacks_something_is_held_with_its_worth_and_nothing_is_made(hub: ProjectHub, what: str) -> None:
    records, code = BROKEN[what]
    hub.report(*records)
    assert hub.desk() == [(code, "D1")]
    assert hub.deal_state() == "held"
    assert all(book.told == [] for book in hub.books.values())
    ((subject, count, amount, context),) = hub.rows(
        "select subject_kind, entry_count, amount_minor, context from desk_item where state = 'open'"
    )
    assert (subject, count) == ("deal", 0)
    assert amount == (None if what in {"amount", "cents of a yen"} else 2_000_000)
    assert context["deal"] == "D1"  # type: ignore[index]  # json


@pytest.mark.parametrize("what", BROKEN)
def test_a_deal_that_is_corrected_in_the_crm_is_released_by_itself(hub: ProjectHub, what: str) -> None:
    hub.report(*BROKEN[what][0])
    fixed = [msgspec.structs.replace(one, version=2) for one in whole_deal()]
    hub.report(*fixed)
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"


def told_by_the_deal_alone() -> ReportedRecord:
    return msgspec.structs.replace(contract("D1"), references={"client": "a1"})


LATE = {
    "a customer": (
        [contract("D1", refs={"client": "a9"}), line("D1"), deal(refs={"client": "a9"})],
        "crm",
        client("a9", "NINE", "Nine"),
    ),
    "a contract by its key": ([line("D1"), deal(refs={"contract": "k-D1"})], "crm", told_by_the_deal_alone()),
    "a contract by its number": ([line("D1"), deal(contract_number="K-D1")], "crm", told_by_the_deal_alone()),
    "a rate card": (
        whole_deal(rate_card_code="RC-NEW"),
        "psa",
        ReportedRecord(
            type=RecordType.RATE_CARD,
            source_id="USD",
            version=2,
            fields={"code": "RC-NEW", "name": "RC-NEW", "currency": "USD"},
            references={},
        ),
    ),
}


@pytest.mark.parametrize("what", LATE)
def test_what_is_told_after_the_deal_that_names_it_releases_it(hub: ProjectHub, what: str) -> None:
    before, system, late = LATE[what]
    hub.report(*before)
    assert hub.deal_state() == "held"
    hub.report(late, system=system)
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"


def test_a_mapping_line_releases_the_deals_that_wait_for_it(hub: ProjectHub) -> None:
    hub.report(*of_entity("Acme Mars"))
    hub.apply(firm(POLICY, ("legal_entities", "Acme Mars", "US01")))
    hub.run()
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"


def test_a_service_line_that_lacks_a_dimension_waits_for_its_mapping(hub: ProjectHub) -> None:
    hub.apply(firm(POLICY, ("department", "Design", "300"), required_dimensions=("department",)))
    hub.report(*whole_deal())
    assert hub.desk() == [("SERVICE_LINE_UNKNOWN", "D1")]
    lines = (("department", "Design", "300"), ("department", "Strategy", "100"))
    hub.apply(firm(POLICY, *lines, required_dimensions=("department",)))
    hub.run()
    assert hub.project_state("P-D1") == "active"


def test_a_price_that_is_added_releases_the_deals_that_wait_for_it(hub: ProjectHub) -> None:
    hub.report(contract("D1"), line("D1", role="Junior"), deal())
    assert hub.codes() == ["RATE_NOT_FOUND"]
    hub.report(price("USD", "r2", "120"), system="psa")
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"


def test_a_price_that_ends_before_the_work_does_is_none(hub: ProjectHub) -> None:
    hub.report(price("USD", "r2", "120", valid_to="2026-10-01"), system="psa")
    hub.report(contract("D1"), line("D1", role="Junior"), deal())
    assert hub.codes() == ["RATE_EXPIRED"]


def test_a_customer_that_becomes_known_releases_the_deals_that_wait_for_it(hub: ProjectHub) -> None:
    hub.report(contract("D1", refs={"client": "n1"}), line("D1"), deal(refs={"client": "n1"}))
    assert hub.codes() == ["DEAL_CUSTOMER_UNKNOWN"]
    hub.report(client("n1", "NEWCO", "New Co"))
    assert hub.codes() == []
    assert hub.books["erp"].of("customer") == ["NEWCO"]


def test_a_tax_id_that_is_added_releases_the_deals_of_its_customer(hub: ProjectHub) -> None:
    hub.report(client("a1", "ACME", "Acme", version=2, tax_id=None))
    hub.report(*whole_deal())
    assert hub.codes() == ["TAX_UNDETERMINED"]
    hub.report(client("a1", "ACME", "Acme", version=3))
    assert hub.codes() == []


def test_what_the_crm_says_of_a_new_customers_tax_counts_until_the_ledger_owns_it(hub: ProjectHub) -> None:
    config = firm()
    owner = OwnershipRule(object="client", fields=("tax_id", "country"), system="erp")
    hub.apply(msgspec.structs.replace(config, ownership=(owner, *config.ownership)))
    hub.report(*whole_deal())
    assert hub.codes() == []
    assert hub.books["erp"].objects["customer", "ACME"]["tax_id"] == "12-3456789"
    hub.report(client("c-7", "ACME", "Acme", tax_id="98-7654321"), system="erp")
    assert hub.books["psa"].objects["customer", "ACME"]["tax_id"] == "98-7654321"


def test_a_contract_that_is_signed_later_releases_its_deal(hub: ProjectHub) -> None:
    hub.report(line("D1"), deal())
    assert hub.codes() == ["CONTRACT_MISSING"]
    hub.report(contract("D1", status="draft"))
    assert hub.codes() == ["CONTRACT_MISSING"]
    hub.report(contract("D1", version=2))
    assert hub.codes() == []


def test_a_target_without_a_word_for_the_legal_entity_holds_the_deal(hub: ProjectHub) -> None:
    config = firm()
    lines = tuple(
        msgspec.structs.replace(one, system="crm") if one.target == "US01" else one for one in config.mappings
    )
    hub.apply(msgspec.structs.replace(config, mappings=lines))
    hub.report(*whole_deal())
    ((message,),) = hub.rows("select message from desk_item where state = 'open'")
    assert "psa has no word for legal entity US01" in str(message)
    hub.apply(firm())
    hub.run()
    assert hub.project_state("P-D1") == "active"


def test_too_little_told_is_an_opinion_that_a_person_may_overrule(hub: ProjectHub) -> None:
    hub.apply(firm(msgspec.structs.replace(POLICY, minimum_completeness=95)))
    hub.report(*whole_deal(po_number=None))
    assert hub.codes() == ["DEAL_INCOMPLETE"]
    assert hub.rows("select completeness from won_deal") == [(92,)]
    hub.retry("DEAL_INCOMPLETE")
    assert hub.codes() == ["DEAL_INCOMPLETE"]
    hub.retry("DEAL_INCOMPLETE", accept=True)
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"
    hub.report(deal(version=2, po_number=None, amount="21000.00"))
    assert hub.books["erp"].project("P-D1")["budget_minor"] == 2_100_000


@pytest.mark.parametrize("what", ["customer", "legal entity", "price", "tax", "role"])
def test_a_fact_cannot_be_overruled(hub: ProjectHub, what: str) -> None:
    records, code = BROKEN[what]
    hub.report(*records)
    hub.retry(code, accept=True)
    assert hub.codes() == [code]
    assert hub.books["erp"].told == []


def test_a_deal_that_a_person_excluded_stays_off_the_desk(hub: ProjectHub) -> None:
    hub.report(*whole_deal(service_line=None))
    hub.exclude("SERVICE_LINE_UNKNOWN")
    hub.report(deal(version=2, service_line=None, amount="3.00"))
    assert hub.codes() == []
    assert hub.books["erp"].told == []


def test_a_deal_with_several_faults_shows_the_next_when_one_is_cured(hub: ProjectHub) -> None:
    hub.report(contract("D1"), line("D1", role="Wizard"), deal(service_line=None))
    ((context,),) = hub.rows("select context from desk_item where state = 'open'")
    assert hub.codes() == ["SERVICE_LINE_UNKNOWN"]
    assert context["also"] == "ROLE_UNKNOWN"  # type: ignore[index]  # json
    hub.report(deal(version=2))
    assert hub.codes() == ["ROLE_UNKNOWN"]
    hub.apply(firm(POLICY, ("roles", "Wizard", "Senior")))
    hub.run()
    assert hub.codes() == []


def test_a_project_that_somebody_made_by_hand_keeps_its_code_until_a_person_says_otherwise(hub: ProjectHub) -> None:
    by_hand = ReportedRecord(
        type=RecordType.PROJECT,
        source_id="p1",
        version=1,
        fields={"code": "P-D1", "name": "Old one"},
        references={"legal_entity": "Acme DE"},
    )
    hub.report(by_hand, system="psa")
    hub.report(*whole_deal())
    assert hub.codes() == ["PROJECT_CODE_TAKEN"]
    hub.retry("PROJECT_CODE_TAKEN", accept=True)
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"


def test_a_crms_own_word_for_a_tax_regime_is_translated_by_the_firms_table(hub: ProjectHub) -> None:
    hub.report(contract("D1"), line("D1"), deal(tax_treatment="19 % domestic"))
    assert hub.codes() == ["TAX_UNDETERMINED"]
    hub.apply(firm(POLICY, ("tax_regimes", "19 % domestic", "standard", "crm")))
    hub.run()
    assert hub.codes() == []
    assert hub.books["psa"].objects["contract", "K-D1"]["tax_treatment"] == "standard"
