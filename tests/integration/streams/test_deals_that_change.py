"""Amendments, renames, re-openings, losses and mergers after a deal became a project."""

from typing import Any

import msgspec
import pytest
from tests.worlds.project_hub import POLICY, ProjectHub, client, contract, deal, firm, line, told_since, whole_deal

from tieout.model.reported import RecordType, ReportedRecord


@pytest.fixture
def running(hub: ProjectHub) -> ProjectHub:
    """A project that is active everywhere."""
    hub.report(*whole_deal())
    assert hub.project_state("P-D1") == "active"
    return hub


def counts(hub: ProjectHub) -> dict[str, int]:
    return {name: len(book.told) for name, book in hub.books.items()}


def test_an_amended_amount_changes_the_project_and_nothing_else(running: ProjectHub) -> None:
    before = counts(running)
    running.report(deal(version=2, amount="25000.00"))
    for name in ("psa", "erp"):
        assert told_since(running.books[name], before[name]) == ["upsert_project"]
        assert running.books[name].project("P-D1")["budget_minor"] == 2_500_000
        assert running.books[name].project("P-D1")["status"] == "active"
    assert told_since(running.books["crm"], before["crm"]) == []


def test_amended_dates_change_the_project_and_nothing_else(running: ProjectHub) -> None:
    before = counts(running)
    running.report(deal(version=2, ends="2027-02-01"))
    assert told_since(running.books["erp"], before["erp"]) == ["upsert_project"]
    assert running.books["erp"].project("P-D1")["ends"] == "2027-02-01"


def test_a_line_more_is_a_task_more_and_a_budget_of_more_hours(running: ProjectHub) -> None:
    before = counts(running)
    running.report(line("D1", 2, hours="40"))
    assert sorted(told_since(running.books["erp"], before["erp"])) == ["upsert_project", "upsert_task"]
    assert running.books["erp"].of("task") == ["P-D1/D", "P-D1/D.1", "P-D1/D.2", "P-D1/M"]
    assert running.books["erp"].project("P-D1")["budget_hours"] == "140"


def test_a_line_that_is_dropped_closes_its_task_and_its_number_is_not_given_again(running: ProjectHub) -> None:
    running.report(line("D1", 1, version=2, deleted=True), line("D1", 2, hours="30"))
    erp = running.books["erp"]
    assert erp.objects["task", "P-D1", "D.1"]["open_for_time"] is False
    assert erp.objects["task", "P-D1", "D.2"]["open_for_time"] is True
    assert erp.project("P-D1")["budget_hours"] == "30"
    running.report(line("D1", 3, hours="1"))
    assert erp.of("task") == ["P-D1/D", "P-D1/D.1", "P-D1/D.2", "P-D1/D.3", "P-D1/M"]


def test_a_renamed_deal_and_a_renamed_customer_rename_what_they_made(running: ProjectHub) -> None:
    before = counts(running)
    running.report(deal(version=2, name="Rollout II"))
    running.report(client("a1", "ACME", "Acme Holdings", version=2))
    for name in ("psa", "erp"):
        assert told_since(running.books[name], before[name]) == ["upsert_project", "upsert_customer"]
        assert running.books[name].project("P-D1")["name"] == "Rollout II"
        assert running.books[name].objects["customer", "ACME"]["name"] == "Acme Holdings"


def test_a_renamed_customer_of_many_projects_is_told_once(hub: ProjectHub) -> None:
    hub.report(*whole_deal("D1"), *whole_deal("D2"), *whole_deal("D3"))
    before = counts(hub)
    hub.report(client("a1", "ACME", "Acme Holdings", version=2))
    assert told_since(hub.books["erp"], before["erp"]) == ["upsert_customer"]


def test_an_amendment_on_the_way_ends_in_what_the_deal_says_last(hub: ProjectHub) -> None:
    hub.inbound.send(msgspec.json.encode({"records": msgspec.to_builtins(whole_deal())}), system="crm", object_name="x")
    hub.work()
    hub.inbound.send(
        msgspec.json.encode({"records": msgspec.to_builtins([deal(version=2, amount="30000.00")])}),
        system="crm",
        object_name="x",
    )
    hub.run()
    assert {hub.books[name].project("P-D1")["budget_minor"] for name in ("psa", "erp")} == {3_000_000}
    assert hub.project_state("P-D1") == "active"


def test_an_amendment_that_breaks_a_rule_is_on_the_desk_and_leaves_the_project_as_it_is(running: ProjectHub) -> None:
    before = counts(running)
    running.report(deal(version=2, amount="30000.00", service_line=None))
    assert running.desk() == [("SERVICE_LINE_UNKNOWN", "D1")]
    assert counts(running) == before
    running.report(deal(version=3, amount="30000.00"))
    assert running.codes() == []
    assert running.books["erp"].project("P-D1")["budget_minor"] == 3_000_000


def test_a_stage_moved_back_puts_the_project_on_hold_everywhere_and_winning_resumes_it(running: ProjectHub) -> None:
    running.report(deal(version=2, stage="Negotiation", is_won=False, is_closed=False))
    assert running.desk() == [("DEAL_MOVED_BACK", "D1")]
    assert {running.books[name].project("P-D1")["status"] for name in ("psa", "erp")} == {"on_hold"}
    assert running.project_state("P-D1") == "on_hold"
    assert running.books["crm"].objects["deal", "o-D1"]["project_status"] == "on_hold"
    running.report(deal(version=3))
    assert running.codes() == []
    assert {running.books[name].project("P-D1")["status"] for name in ("psa", "erp")} == {"active"}
    assert running.books["crm"].objects["deal", "o-D1"]["project_status"] == "active"


def test_a_deal_lost_after_the_fact_is_on_the_desk_with_what_exists_where_and_nothing_is_deleted(
    running: ProjectHub,
) -> None:
    objects = {name: set(book.objects) for name, book in running.books.items()}
    running.report(deal(version=2, stage="Closed Lost", is_won=False))
    ((message,),) = running.rows("select message from desk_item where state = 'open'")
    assert running.codes() == ["DEAL_LOST"]
    for words in ("erp (customer ACME, contract", "project P-D1, 3 tasks)", "psa (customer ACME"):
        assert words in str(message)
    assert {name: set(book.objects) for name, book in running.books.items()} == objects
    assert running.books["erp"].project("P-D1")["status"] == "on_hold"


def test_a_deleted_deal_is_a_lost_one(running: ProjectHub) -> None:
    running.report(deal(version=2, deleted=True))
    assert running.codes() == ["DEAL_LOST"]
    assert running.project_state("P-D1") == "on_hold"


def test_a_loss_that_a_person_has_noted_stays_noted_until_the_deal_is_won_and_lost_again(running: ProjectHub) -> None:
    lost: dict[str, Any] = {"stage": "Closed Lost", "is_won": False}
    running.report(deal(version=2, **lost))
    running.retry("DEAL_LOST", accept=True)
    running.report(deal(version=3, amount="1.00", **lost))
    assert running.codes() == []
    running.report(deal(version=4))
    assert running.project_state("P-D1") == "active"
    running.report(deal(version=5, **lost))
    assert running.codes() == ["DEAL_LOST"]


def test_a_deal_that_is_taken_back_while_it_is_made_stops_where_it_is_and_goes_on_when_it_is_won_again(
    hub: ProjectHub,
) -> None:
    hub.books["erp"].refuse["upsert_project"] = "no"
    hub.report(*whole_deal())
    hub.report(deal(version=2, stage="Proposal", is_won=False, is_closed=False))
    assert sorted(hub.codes()) == ["DEAL_MOVED_BACK", "DELIVERY_REJECTED"]
    hub.books["erp"].refuse.clear()
    hub.retry("DELIVERY_REJECTED")
    assert "set_project_status" not in hub.books["erp"].kinds()
    assert hub.books["erp"].of("task") == []
    hub.report(deal(version=3))
    assert hub.project_state("P-D1") == "active"
    assert hub.codes() == []


def test_a_deal_that_is_taken_back_before_anything_was_made_leaves_nothing(hub: ProjectHub) -> None:
    hub.report(*whole_deal(service_line=None))
    assert hub.codes() == ["SERVICE_LINE_UNKNOWN"]
    hub.report(deal(version=2, stage="Closed Lost", is_won=False))
    assert hub.codes() == []
    assert hub.deal_state() == "withdrawn"
    assert all(book.told == [] for book in hub.books.values())


@pytest.mark.parametrize(
    "other", [{"currency": "EUR"}, {"refs": {"client": "b1"}}, {"refs": {"legal_entity": "Acme DE"}}]
)
def test_customer_entity_and_currency_of_a_project_do_not_change_under_it(
    running: ProjectHub, other: dict[str, Any]
) -> None:
    before = counts(running)
    running.report(deal(version=2, rate_card_code="RC-EUR" if "currency" in other else "RC-USD", **other))
    assert running.codes()[0] in {"DEALS_DISAGREE", "CONTRACT_MISMATCH"}
    assert counts(running) == before
    running.report(deal(version=3))
    assert running.codes() == []


def test_two_deals_become_one_project_by_the_firms_mapping(hub: ProjectHub) -> None:
    hub.apply(firm(POLICY, ("projects", "D2", "P-D1")))
    hub.report(*whole_deal("D1"))
    hub.report(*whole_deal("D2", amount="5000.00", ends="2027-03-01", name="Rollout, phase 2"))
    erp = hub.books["erp"]
    assert erp.of("project") == ["P-D1"]
    project = erp.project("P-D1")
    assert (project["name"], project["budget_minor"], project["budget_hours"], project["ends"]) == (
        "Rollout",
        2_500_000,
        "200",
        "2027-03-01",
    )
    assert erp.of("task") == ["P-D1/D", "P-D1/D.1", "P-D1/D.2", "P-D1/M"]
    assert {key[1] for key in hub.books["crm"].objects} == {"o-D1", "o-D2"}


def test_two_deals_become_one_project_when_the_second_names_it_in_the_crm(hub: ProjectHub) -> None:
    hub.report(*whole_deal("D1"), *whole_deal("D2", project_code="P-D1"))
    assert hub.books["psa"].of("project") == ["P-D1"]
    assert hub.books["psa"].project("P-D1")["budget_minor"] == 4_000_000


def test_the_deal_that_a_project_is_called_after_may_be_won_after_the_one_that_joins_it(hub: ProjectHub) -> None:
    hub.apply(firm(POLICY, ("projects", "D2", "P-D1")))
    hub.report(*whole_deal("D2", amount="5000.00", name="Rollout, phase 2"))
    assert hub.books["erp"].project("P-D1")["name"] == "Rollout, phase 2"
    hub.report(*whole_deal("D1"))
    assert hub.codes() == []
    project = hub.books["erp"].project("P-D1")
    assert (project["name"], project["budget_minor"]) == ("Rollout", 2_500_000)
    assert hub.books["erp"].of("project") == ["P-D1"]


def test_one_project_lives_as_long_as_one_of_its_deals_is_won(hub: ProjectHub) -> None:
    hub.report(*whole_deal("D1"), *whole_deal("D2", project_code="P-D1"))
    hub.report(deal("D1", version=2, stage="Closed Lost", is_won=False))
    assert hub.codes() == ["DEAL_LOST"]
    assert hub.project_state("P-D1") == "active"
    assert hub.books["erp"].project("P-D1")["budget_minor"] == 4_000_000
    hub.report(deal("D2", version=2, stage="Closed Lost", is_won=False, project_code="P-D1"))
    assert hub.project_state("P-D1") == "on_hold"


def test_deals_of_two_customers_are_no_project_together(hub: ProjectHub) -> None:
    other = [one for one in whole_deal("D2", project_code="P-D1") if one.type != RecordType.CONTRACT]
    other = [with_client(one, "b1") if one.type == RecordType.DEAL else one for one in other]
    hub.apply(firm(msgspec.structs.replace(POLICY, contract_required=False)))
    hub.report(*whole_deal("D1"), *other)
    assert hub.desk() == [("DEALS_DISAGREE", "D2")]
    assert hub.books["erp"].of("project") == ["P-D1"]
    assert hub.books["erp"].of("customer") == ["ACME"]


def in_second_crm(number: str, **fields: str) -> list[ReportedRecord]:
    return [with_client(one, "x9") if "client" in one.references else one for one in whole_deal(number, **fields)]


def with_client(one: ReportedRecord, key: str) -> ReportedRecord:
    return msgspec.structs.replace(one, references={**one.references, "client": key})


def test_the_same_account_in_two_crms_is_one_customer_by_its_code(hub: ProjectHub) -> None:
    hub.report(*whole_deal("D1"))
    hub.report(client("x9", "ACME", "ACME Inc."), *in_second_crm("D2"), system="crm2")
    assert [code for code in hub.codes() if code != "NOT_OWNER"] == []
    for name in ("psa", "erp"):
        assert hub.books[name].of("customer") == ["ACME"]
        assert hub.books[name].objects["customer", "ACME"]["name"] == "Acme"
        assert hub.books[name].of("project") == ["P-D1", "P-D2"]


def test_the_same_account_under_two_codes_is_one_customer_by_the_firms_mapping(hub: ProjectHub) -> None:
    hub.apply(firm(POLICY, ("clients", "ACME-2", "ACME")))
    hub.report(*whole_deal("D1"))
    hub.report(client("x9", "ACME-2", "ACME Inc."), *in_second_crm("D2"), system="crm2")
    assert hub.books["erp"].of("customer") == ["ACME"]
    assert hub.books["erp"].project("P-D2")["customer_code"] == "ACME"


def test_the_same_deal_number_in_two_crms_is_two_deals_and_the_second_waits_for_a_code(hub: ProjectHub) -> None:
    hub.report(*whole_deal("D1"))
    hub.report(client("x9", "ACME", "Acme"), *in_second_crm("D1"), system="crm2")
    assert ("PROJECT_CODE_TAKEN", "D1") in hub.desk()
    hub.apply(firm(POLICY, ("projects", "o-D1", "P-D1-B", "crm2")))
    hub.run()
    assert [code for code in hub.codes() if code != "NOT_OWNER"] == []
    assert hub.books["erp"].of("project") == ["P-D1", "P-D1-B"]


def test_a_customer_that_the_crm_merges_away_leaves_its_projects_where_they_are(hub: ProjectHub) -> None:
    hub.report(client("a9", "ACME-OLD", "Acme of old"))
    hub.report(contract("D1", refs={"client": "a9"}), line("D1"), deal(refs={"client": "a9"}))
    assert hub.project_state("P-D1") == "active"
    gone = ReportedRecord(
        type=RecordType.CLIENT, source_id="a9", version=9, fields={}, references={"merged_into": "a1"}, deleted=True
    )
    hub.report(gone)
    hub.run()
    assert hub.codes() == []
    assert hub.books["erp"].of("project") == ["P-D1"]
    assert hub.books["erp"].project("P-D1")["customer_code"] == "ACME"
    assert hub.project_state("P-D1") == "active"
