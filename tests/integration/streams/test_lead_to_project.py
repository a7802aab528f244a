"""Won deals become projects in a real database, before targets that remember what they were told."""

from datetime import date

import msgspec
import pytest
from tests.worlds.inbound_database import master
from tests.worlds.project_hub import POLICY, ProjectHub, deal, firm, line, whole_deal

from tieout.errors import ConfigurationError
from tieout.model.firm import SystemConfig
from tieout.model.reported import RecordType
from tieout.model.stream_policy import ApprovalRule, CodeRule
from tieout.reconciliation.tie_out import tie_out
from tieout.storage.pool import in_transaction
from tieout.streams.lead_to_project.approval import approve

EVERYWHERE = ("psa", "erp")


def test_a_won_deal_is_one_project_in_every_target_and_the_crm_is_told(hub: ProjectHub) -> None:
    hub.report(*whole_deal())
    assert hub.codes() == []
    for name in EVERYWHERE:
        book = hub.books[name]
        assert book.of("customer") == ["ACME"]
        assert book.of("contract") == ["K-D1"]
        assert book.of("task") == ["P-D1/D", "P-D1/D.1", "P-D1/M"]
        project = book.project("P-D1")
        assert (project["name"], project["currency"], project["budget_minor"], project["budget_hours"]) == (
            "Rollout",
            "USD",
            2_000_000,
            "100",
        )
        assert (project["starts"], project["ends"], project["status"]) == ("2026-09-01", "2026-12-01", "active")
    assert hub.books["erp2"].told == []
    told = hub.books["crm"].objects["deal", "o-D1"]
    assert (told["project_code"], told["project_status"], told["link"]) == (
        "P-D1",
        "active",
        "https://psa.example/projects/P-D1",
    )
    assert hub.project_state("P-D1") == "active"


def test_each_target_is_told_dependencies_first_and_activated_last(hub: ProjectHub) -> None:
    hub.report(*whole_deal())
    for name in EVERYWHERE:
        kinds = hub.books[name].kinds()
        assert kinds[:3] == ["upsert_customer", "upsert_contract", "upsert_project"]
        assert kinds[3:6] == ["upsert_task"] * 3
        assert kinds[6:] == ["set_project_status"]


def test_no_target_is_activated_before_all_have_acknowledged(hub: ProjectHub) -> None:
    hub.books["erp"].refuse["upsert_task"] = "the task list is locked"
    hub.report(*whole_deal())
    assert "set_project_status" not in hub.books["psa"].kinds()
    assert hub.books["psa"].project("P-D1")["status"] == "provisioning"
    assert hub.project_state("P-D1") == "provisioning"
    assert hub.books["crm"].told == []


def test_the_same_deal_reported_again_changes_nothing(hub: ProjectHub) -> None:
    hub.report(*whole_deal())
    before = {name: len(book.told) for name, book in hub.books.items()}
    hub.report(*whole_deal())
    hub.report(deal(version=9))
    assert {name: len(book.told) for name, book in hub.books.items()} == before


def test_a_deal_of_the_pipeline_is_no_project_and_no_row(hub: ProjectHub) -> None:
    hub.report(*whole_deal(stage="Negotiation", is_won=False, is_closed=False))
    hub.report(*whole_deal("D2", stage="Closed Lost", is_won=False, is_closed=True))
    assert hub.rows("select count(*) from won_deal") == [(0,)]
    assert all(book.told == [] for book in hub.books.values())


def test_the_firm_may_name_the_stages_that_count(hub: ProjectHub) -> None:
    hub.apply(firm(msgspec.structs.replace(POLICY, approved_stages=("Verbal",))))
    hub.report(*whole_deal(stage="Verbal", is_won=False, is_closed=False))
    hub.report(*whole_deal("D2"))
    assert hub.project_state("P-D1") == "active"
    assert hub.project_state("P-D2") is None


def test_deals_closed_before_the_stream_went_live_are_left_alone(hub: ProjectHub) -> None:
    hub.apply(firm(msgspec.structs.replace(POLICY, go_live=date(2026, 7, 1))))
    hub.report(*whole_deal(close_date="2026-06-30"), *whole_deal("D2", close_date="2026-07-01"))
    assert hub.project_state("P-D1") is None
    assert hub.project_state("P-D2") == "active"


def test_deals_closed_before_their_legal_entity_went_live_are_left_alone(hub: ProjectHub) -> None:
    hub.apply(firm(POLICY, go_live=date(2026, 7, 1)))
    hub.report(*whole_deal(close_date="2026-06-30"), *whole_deal("D2", close_date="2026-07-01"))
    assert hub.project_state("P-D1") is None
    assert hub.project_state("P-D2") == "active"


def test_without_its_section_the_stream_does_nothing_and_then_takes_up_what_is_won(hub: ProjectHub) -> None:
    hub.apply(firm(None))
    hub.report(*whole_deal())
    assert all(book.told == [] for book in hub.books.values())
    hub.apply(firm())
    hub.run()
    assert hub.project_state("P-D1") == "active"


def test_each_legal_entity_has_its_own_ledger(hub: ProjectHub) -> None:
    hub.report(
        *whole_deal(),
        line("D2", hours="10"),
        deal("D2", currency="EUR", rate_card_code="RC-EUR", refs={"client": "b1", "legal_entity": "Acme DE"}),
    )
    assert hub.codes() == ["CONTRACT_MISSING"]
    hub.apply(firm(msgspec.structs.replace(POLICY, contract_required=False)))
    hub.run()
    assert hub.books["erp2"].of("project") == ["P-D2"]
    assert hub.books["erp"].of("project") == ["P-D1"]
    assert hub.books["psa"].of("project") == ["P-D1", "P-D2"]


def test_a_customer_is_made_once_for_all_its_projects(hub: ProjectHub) -> None:
    hub.report(*whole_deal(), *whole_deal("D2"), *whole_deal("D3"))
    for name in EVERYWHERE:
        assert hub.books[name].kinds().count("upsert_customer") == 1
        assert hub.books[name].of("project") == ["P-D1", "P-D2", "P-D3"]


def test_codes_may_count_within_the_legal_entity_after_every_code_that_is_known(hub: ProjectHub) -> None:
    hub.apply(
        firm(msgspec.structs.replace(POLICY, project_code=CodeRule.SEQUENCE, code_format="{entity}-{number:04d}"))
    )
    hub.report(
        master(RecordType.PROJECT, "p9", {"code": "US01-0041", "name": "Old"}, legal_entity="Acme US"),
        system="psa",
    )
    hub.report(*whole_deal("D7"))
    hub.report(*whole_deal("D8"))
    assert hub.books["erp"].of("project") == ["US01-0042", "US01-0043"]
    hub.report(deal("D7", version=2, amount="21000.00"))
    assert hub.books["erp"].of("project") == ["US01-0042", "US01-0043"]


def test_a_code_is_found_again_after_a_restore_lost_it(hub: ProjectHub) -> None:
    policy = msgspec.structs.replace(POLICY, project_code=CodeRule.SEQUENCE, code_format="{entity}-{number:04d}")
    hub.apply(firm(policy))
    hub.report(*whole_deal("D1"), *whole_deal("D2"))
    codes = hub.rows("select d.number, p.code from won_deal d join provisioning p using (provisioning_id) order by 1")
    told = {key[1]: said for key, said in hub.books["crm"].objects.items()}
    for table in ("won_deal", "provisioning", "provisioned_object", "provisioning_step", "provisioning_sending"):
        hub.conn.execute(f"truncate {table}")
    hub.conn.execute("update stream_position set event_id = 0, firm_version = 0")
    hub.conn.execute("truncate delivery, delivery_command")
    hub.report(
        *(
            deal(number, version=2, project_code=told[f"o-{number}"]["project_code"], project_status="active")
            for number in ("D2", "D1")
        )
    )
    again = hub.rows("select d.number, p.code from won_deal d join provisioning p using (provisioning_id) order by 1")
    assert again == codes
    assert hub.books["erp"].of("project") == ["US01-0001", "US01-0002"]
    assert set(hub.books["erp"].references.values()) == {2}


@pytest.fixture
def approving(hub: ProjectHub) -> ProjectHub:
    hub.apply(
        firm(
            msgspec.structs.replace(
                POLICY, approval=ApprovalRule.REQUIRED, approvers=("cfo@example.com", "seller@example.com")
            )
        )
    )
    return hub


def by(hub: ProjectHub, actor: str, number: str = "D1") -> None:
    in_transaction(
        hub.conn, lambda cur: approve(cur, number, actor=actor, reason="Terms are right.", now=hub.clock.now())
    )
    hub.run()


def test_a_deal_waits_for_a_second_person(approving: ProjectHub) -> None:
    approving.report(*whole_deal())
    assert approving.desk() == [("APPROVAL_REQUIRED", "D1")]
    assert approving.deal_state() == "awaiting_approval"
    assert approving.books["erp"].told == []
    approving.retry("APPROVAL_REQUIRED", accept=True)
    assert approving.books["erp"].told == []
    by(approving, "CFO@example.com")
    assert approving.codes() == []
    assert approving.project_state("P-D1") == "active"
    assert approving.rows("select actor, reason from deal_approval") == [("CFO@example.com", "Terms are right.")]


@pytest.mark.parametrize("actor", ["seller@example.com", "Seller@Example.com", "intern@example.com"])
def test_nobody_approves_a_deal_of_his_own_or_without_being_named(approving: ProjectHub, actor: str) -> None:
    approving.report(*whole_deal())
    with pytest.raises(ConfigurationError, match="TIE-PROJECT-002"):
        by(approving, actor)
    assert approving.deal_state() == "awaiting_approval"


def test_a_deal_whose_owner_is_not_told_can_be_approved_by_nobody(approving: ProjectHub) -> None:
    approving.report(*whole_deal(owner_email=None))
    with pytest.raises(ConfigurationError, match="TIE-PROJECT-002"):
        by(approving, "cfo@example.com")


def test_what_waits_for_no_approval_is_not_approved(approving: ProjectHub) -> None:
    approving.report(*whole_deal())
    by(approving, "cfo@example.com")
    with pytest.raises(ConfigurationError, match="TIE-PROJECT-003"):
        by(approving, "cfo@example.com")
    with pytest.raises(ConfigurationError, match="TIE-PROJECT-001"):
        by(approving, "cfo@example.com", "D404")


def test_other_terms_need_another_approval_and_until_then_the_project_stays(approving: ProjectHub) -> None:
    approving.report(*whole_deal())
    by(approving, "cfo@example.com")
    approving.report(deal(version=2, amount="90000.00"))
    assert approving.codes() == ["APPROVAL_REQUIRED"]
    assert approving.books["erp"].project("P-D1")["budget_minor"] == 2_000_000
    approving.report(deal(version=3, amount="20000.00", name="Roll-out"))
    assert approving.codes() == []
    assert approving.books["erp"].project("P-D1")["name"] == "Roll-out"
    approving.report(deal(version=4, amount="90000.00"))
    by(approving, "cfo@example.com")
    assert approving.books["erp"].project("P-D1")["budget_minor"] == 9_000_000


def test_the_tie_out_is_untouched_by_masters(hub: ProjectHub) -> None:
    hub.report(*whole_deal())
    statement = tie_out(hub.conn, translators=hub.inbound.context.translators)
    assert statement.holds
    assert statement.breaks == ()
    assert statement.rows == ()


def test_a_target_that_is_added_later_gets_the_projects_that_are_won(hub: ProjectHub) -> None:
    hub.report(*whole_deal())
    config = firm()
    tool = SystemConfig(
        name="erp2",
        connector="plain",
        account="e",
        environment=config.systems[0].environment,
        takes=("upsert_customer", "upsert_project"),
    )
    systems = tuple(tool if one.name == "erp2" else one for one in config.systems)
    hub.apply(msgspec.structs.replace(config, systems=systems))
    hub.run()
    assert hub.books["erp2"].of("project") == ["P-D1"]
    assert hub.books["erp"].kinds().count("upsert_project") == 1
