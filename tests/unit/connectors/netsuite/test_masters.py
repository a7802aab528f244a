"""Masters reach NetSuite whole: what it cannot hold of them is refused in words, never left out."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.unit.connectors.netsuite.account import Account, OpenAccount, journal

from tieout.connect.outcome import Accepted, Outcome, Rejected, RejectionCode, Unknown
from tieout.connect.simulator.control import DeleteRecord, PutProject
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.seed import SeedProject
from tieout.connectors.netsuite.mapping import NetSuiteTranslator
from tieout.connectors.netsuite.masters import further_members
from tieout.connectors.netsuite.records import NetSuiteProject, NetSuiteProperty, NetSuiteSchema
from tieout.model.command import SetProjectStatus, UpsertCustomer, UpsertProject, UpsertTask
from tieout.model.reported import ReportedRecord


def project(code: str = "P-9", **changes: Any) -> UpsertProject:
    plain: dict[str, Any] = {
        "reference": f"TIE-P-{code}",
        "entity": "US01",
        "code": code,
        "name": "Rollout",
        "customer_code": "ACME",
        "currency": "USD",
    }
    return UpsertProject(**{**plain, **changes})


def task(wbs: str = "1", **changes: Any) -> UpsertTask:
    plain: dict[str, Any] = {
        "reference": f"TIE-T-{wbs}",
        "entity": "US01",
        "project_code": "P-US",
        "wbs_code": wbs,
        "name": f"Task {wbs}",
    }
    return UpsertTask(**{**plain, **changes})


def status(state: str, reference: str = "TIE-S-1", code: str = "P-US") -> SetProjectStatus:
    return SetProjectStatus(reference=reference, entity="US01", project_code=code, status=state)


async def written(account: Account, command: Any) -> Outcome:
    (outcome,) = await account.sink.write([command])
    return outcome


async def read_projects(account: Account) -> dict[object, ReportedRecord]:
    found: dict[object, ReportedRecord] = {}
    async for page in account.source.read("job", None):
        for one in NetSuiteTranslator().translate("job", page.payload):
            assert isinstance(one, ReportedRecord)
            found[one.fields["code"]] = one
    return found


async def test_a_project_arrives_with_status_budget_and_everything_it_was_told(account: Account) -> None:
    outcome = await written(
        account,
        project(
            starts=date(2026, 9, 1),
            ends=date(2027, 1, 1),
            status="provisioning",
            contract_number="K-77",
            rate_card_code="RC-USD",
            service_line="Strategy",
            manager_email="ana@northwind.example",
            budget_hours=Decimal("160.50"),
            budget_minor=12_345_67,
        ),
    )
    assert isinstance(outcome, Accepted)
    held = account.master("upsert_project", "P-9")
    assert held.id == outcome.ref
    assert held.facts == {
        "name": "Rollout",
        "customer_code": "ACME",
        "currency": "USD",
        "starts": "2026-09-01",
        "ends": "2027-01-01",
        "status": "provisioning",
        "budget_hours": "160.5",
        "budget_minor": "1234567",
        "contract_number": "K-77",
        "rate_card_code": "RC-USD",
        "service_line": "Strategy",
        "manager_email": "ana@northwind.example",
    }


async def test_a_project_ends_the_day_before_the_first_day_after_it(account: Account) -> None:
    await written(account, project(starts=date(2026, 9, 1), ends=date(2027, 1, 1)))
    (row,) = (
        await account.query("SELECT TO_CHAR(projectedenddate, 'YYYY-MM-DD') AS ends FROM job WHERE entityid = 'P-9'")
    )["items"]
    assert row["ends"] == "2026-12-31"
    assert (await read_projects(account))["P-9"].fields["ends"] == "2027-01-01"


async def test_a_later_version_changes_the_project_and_leaves_what_it_does_not_name(account: Account) -> None:
    await written(account, project(status="active", budget_hours=Decimal(80)))
    first = account.master("upsert_project", "P-9")
    outcome = await written(account, project(reference="TIE-P-second", name="Rollout 2"))
    assert isinstance(outcome, Accepted)
    held = account.master("upsert_project", "P-9")
    assert (held.id, held.reference, outcome.ref) == (first.id, first.reference, first.id)
    assert (held.facts["name"], held.facts["status"], held.facts["budget_hours"]) == ("Rollout 2", "active", "80")


async def test_an_old_version_is_not_found_under_a_new_reference(account: Account) -> None:
    await written(account, project())
    found = await account.sink.find("upsert_project", ["TIE-P-P-9", "TIE-P-second"], entity="US01")
    assert set(found) == {"TIE-P-P-9"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "proposed"}, "proposed"),
        ({"budget_hours": Decimal("0.333")}, "whole minutes"),
        ({"fields": {"custentity_none": "x"}}, "custentity_none"),
        ({"fields": {"custentity_practice": "x", "custentity_none": "y"}}, "custentity_none"),
        ({"fields": {"custentity_risk_score": "high"}}, "custentity_risk_score"),
        ({"fields": {"companyName": "Another"}}, "companyName"),
    ],
)
async def test_what_a_project_cannot_hold_is_refused_in_words_and_nothing_is_written(
    account: Account, changes: dict[str, Any], words: str
) -> None:
    outcome = await written(account, project(**changes))
    assert isinstance(outcome, Rejected)
    assert words in outcome.words
    assert not account.held("TIE-P-P-9")


async def test_a_status_that_the_account_lacks_is_refused_in_words(open_account: OpenAccount) -> None:
    account = await open_account(project_statuses="active=Under Way")
    outcome = await written(account, status("active"))
    assert isinstance(outcome, Rejected)
    assert "Under Way" in outcome.words


async def test_fields_of_the_account_are_filled_as_their_types_are(account: Account) -> None:
    custom = account.sheet.custom_fields
    new = UpsertCustomer(
        reference="TIE-C-1", entity="US01", code="C1", name="One", currency="USD", fields=custom["upsert_customer"]
    )
    assert isinstance(await written(account, new), Accepted)
    assert isinstance(await written(account, project(fields=custom["upsert_project"])), Accepted)
    assert isinstance(await written(account, task(fields=custom["upsert_task"])), Accepted)
    for kind, code in (("upsert_customer", "C1"), ("upsert_project", "P-9"), ("upsert_task", "P-US/1")):
        facts = account.master(kind, code).facts
        assert {name: facts.get(f"field:{name}") for name in custom[kind]} == custom[kind]


def test_a_reference_is_filled_by_its_id_and_a_list_of_lines_not_at_all() -> None:
    schema = NetSuiteSchema(
        properties={
            "custentity_owner": NetSuiteProperty(type="object"),
            "custentity_lines": NetSuiteProperty(type="array"),
        }
    )
    made = further_members({"custentity_owner": "17"}, schema, NetSuiteProject)
    assert made == {"custentity_owner": msgspec.Raw(b'{"id":"17"}')}
    assert isinstance(further_members({"custentity_lines": "17"}, schema, NetSuiteProject), Rejected)


async def test_dimensions_fill_custom_segments_and_columns_of_journal_lines(account: Account) -> None:
    dimensions = account.sheet.custom_fields["post_journal"]
    (outcome,) = await account.post(journal(1, line={"dimensions": {**dimensions, "department": "Advisory"}}))
    assert isinstance(outcome, Accepted)
    (held,) = account.held(journal(1).reference)
    assert held.facts == {f"field:{name}": value for name, value in dimensions.items()}
    (refused,) = await account.post(journal(2, line={"dimensions": {"region": "Atlantis"}}))
    assert isinstance(refused, Rejected)
    assert refused.code is RejectionCode.DIMENSION_UNKNOWN


async def test_a_status_is_set_and_found_under_the_reference_that_set_it_last(account: Account) -> None:
    for number, state in enumerate(("on_hold", "active", "on_hold")):
        assert isinstance(await written(account, status(state, f"TIE-S-{number}")), Accepted)
        assert account.master("upsert_project", "P-US").facts["status"] == state
        assert account.master("set_project_status", "P-US").facts == {"status": state}
    found = await account.sink.find("set_project_status", ["TIE-S-0", "TIE-S-2"], entity="US01")
    assert set(found) == {"TIE-S-2"}


@pytest.mark.parametrize("command", [status("active", code="P-NONE"), task(project_code="P-NONE")])
async def test_a_project_that_is_not_there_is_told_as_unknown(account: Account, command: Any) -> None:
    outcome = await written(account, command)
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectionCode.PROJECT_UNKNOWN


async def test_tasks_are_written_below_their_parents_whatever_their_order(account: Account) -> None:
    commands = [task("1.1.1", parent_wbs_code="1.1"), task("1.1", parent_wbs_code="1"), task("1")]
    outcomes = await account.sink.write(commands)
    assert all(isinstance(one, Accepted) for one in outcomes)
    assert account.master("upsert_task", "P-US/1.1.1").facts["parent_wbs_code"] == "1.1"
    assert account.master("upsert_task", "P-US/1.1").facts["parent_wbs_code"] == "1"


async def test_a_task_without_its_parent_is_refused_in_words(account: Account) -> None:
    outcome = await written(account, task("1.1", parent_wbs_code="1"))
    assert isinstance(outcome, Rejected)
    assert "no task 1 in project P-US" in outcome.words


async def test_a_task_is_changed_closed_and_opened_again_as_one(account: Account) -> None:
    plain = task(planned_hours=Decimal("12.5"), starts=date(2026, 9, 1), ends=date(2026, 10, 1), billable=False)
    await written(account, plain)
    first = account.master("upsert_task", "P-US/1")
    assert first.facts == {
        "name": "Task 1",
        "project_code": "P-US",
        "billable": "false",
        "open_for_time": "true",
        "planned_hours": "12.5",
        "starts": "2026-09-01",
        "ends": "2026-10-01",
    }
    for number, is_open in enumerate((False, True)):
        changed = msgspec.structs.replace(plain, reference=f"TIE-T-v{number}", open_for_time=is_open, name="Closing")
        assert isinstance(await written(account, changed), Accepted)
        held = account.master("upsert_task", "P-US/1")
        assert (held.id, held.facts["name"]) == (first.id, "Closing")
        assert held.facts["open_for_time"] == str(is_open).lower()


async def test_a_task_that_is_in_progress_stays_so_when_it_is_written_open(account: Account) -> None:
    await written(account, task())
    key = account.master("upsert_task", "P-US/1").id
    body = {"status": {"id": "PROGRESS"}}
    assert (await account.api.patch(f"/services/rest/record/v1/projectTask/{key}", json=body)).status_code == 204
    await written(account, task(reference="TIE-T-v2", name="Renamed"))
    (row,) = (await account.query(f"SELECT status, title FROM projecttask WHERE id = {key}"))["items"]
    assert (row["status"], row["title"]) == ("PROGRESS", "Renamed")


@pytest.mark.parametrize(
    ("command", "kind", "code"),
    [
        (project(status="active", budget_minor=5), "upsert_project", "P-9"),
        (task(planned_hours=Decimal(3)), "upsert_task", "P-US/1"),
        (status("on_hold"), "set_project_status", "P-US"),
    ],
    ids=["project", "task", "status"],
)
async def test_a_lost_answer_four_senders_and_a_repeat_leave_one_master(
    account: Account, command: Any, kind: str, code: str
) -> None:
    account.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write"))
    lost = await written(account, command)
    assert isinstance(lost, Unknown)
    facts = account.master(kind, code).facts
    await asyncio.gather(*(account.sink.write([command]) for _ in range(4)))
    assert account.master(kind, code).facts == facts
    assert set(await account.sink.find(kind, [command.reference], entity="US01")) == {command.reference}


async def test_projects_changed_and_deleted_by_hand_are_told(account: Account) -> None:
    by_hand = SeedProject(
        code="P-HAND",
        name="By hand",
        client="ACME",
        entity="US01",
        currency="USD",
        service_line="Advisory",
        rate_card="US",
        starts="2026-01-01",
        ends="2026-06-30",
        status="on_hold",
    )
    account.change(PutProject(project=by_hand))
    assert account.master("upsert_project", "P-HAND").facts["status"] == "on_hold"
    assert (await read_projects(account))["P-HAND"].fields["ends"] == "2026-07-01"
    account.change(DeleteRecord(kind="project", key="P-HAND"))
    assert "P-HAND" not in await read_projects(account)
