"""Customers, projects, tasks and statuses are written once, under their codes, and refused in words."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.unit.connectors.kantata.account import Account, OpenAccount

from tieout.connect.outcome import Accepted, Outcome, Rejected, RejectionCode, Unknown
from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connectors.kantata.write import KantataSink
from tieout.errors import ConfigurationError
from tieout.model.command import Command, SetProjectStatus, UpsertCustomer, UpsertProject, UpsertTask
from tieout.model.reported import ReportedRecord

CUSTOMER = UpsertCustomer(reference="R1", entity="US01", code="NEW", name="New Co", currency="USD")
PROJECT = UpsertProject(
    reference="R2",
    entity="US01",
    code="P-NEW",
    name="Rollout",
    customer_code="NEW",
    currency="USD",
    starts=date(2026, 9, 1),
    ends=date(2026, 12, 1),
    status="provisioning",
    contract_number="K-1",
    service_line="Strategy",
    budget_hours=Decimal("100.5"),
    budget_minor=2_000_000,
    fields={"Engagement Type": "Fixed"},
)
TASK = UpsertTask(
    reference="R3", entity="US01", project_code="P-NEW", wbs_code="D", name="Delivery", planned_hours=Decimal("7.5")
)


@pytest.fixture
async def account(open_account: OpenAccount) -> Account:
    return await open_account([])


@pytest.fixture
async def sink(account: Account) -> AsyncIterator[KantataSink]:
    opened = KantataSink(account.connection)
    yield opened
    await opened.aclose()


async def write(sink: KantataSink, *commands: Command) -> list[Outcome]:
    return [(await sink.write([one]))[0] for one in commands]


def held(account: Account, kind: str, code: str) -> Holding:
    (found,) = [one for one in account.simulator.holdings() if one.kind == kind and one.code == code]
    return found


async def test_a_project_is_held_as_it_was_told(account: Account, sink: KantataSink) -> None:
    outcomes = await write(sink, CUSTOMER, PROJECT, TASK)
    assert all(isinstance(one, Accepted) for one in outcomes), outcomes
    facts = held(account, "upsert_project", "P-NEW").facts
    assert facts == {
        "name": "Rollout",
        "customer_code": "NEW",
        "currency": "USD",
        "starts": "2026-09-01",
        "ends": "2026-12-01",
        "status": "provisioning",
        "service_line": "Strategy",
        "contract_number": "K-1",
        "budget_hours": "100.5",
        "budget_minor": "2000000",
        "field:Engagement Type": "Fixed",
    }
    task = held(account, "upsert_task", "P-NEW/D").facts
    assert (task["name"], task["planned_hours"], task["open_for_time"]) == ("Delivery", "7.5", "true")


async def test_a_new_version_changes_the_record_that_has_the_code(account: Account, sink: KantataSink) -> None:
    await write(sink, CUSTOMER, PROJECT)
    amended = msgspec.structs.replace(PROJECT, reference="R9", name="Roll-out", budget_hours=Decimal(80), status=None)
    assert isinstance((await write(sink, amended))[0], Accepted)
    facts = held(account, "upsert_project", "P-NEW").facts
    assert (facts["name"], facts["budget_hours"], facts["status"]) == ("Roll-out", "80", "provisioning")
    assert list(await sink.find("upsert_project", ["R2", "R9"], entity="US01")) == ["R9"], "never the older version"


async def test_a_status_is_set_and_found_under_its_own_reference(account: Account, sink: KantataSink) -> None:
    await write(sink, CUSTOMER, PROJECT)
    status = SetProjectStatus(reference="R5", entity="US01", project_code="P-NEW", status="active")
    assert isinstance((await write(sink, status))[0], Accepted)
    assert held(account, "set_project_status", "P-NEW").facts == {"status": "active"}
    assert set(await sink.find("upsert_project", ["R2", "R5"], entity="US01")) == {"R2", "R5"}


async def test_what_was_written_is_read_back_under_the_id_that_was_answered(
    account: Account, sink: KantataSink
) -> None:
    below = msgspec.structs.replace(
        TASK,
        reference="R4",
        wbs_code="D.1",
        parent_wbs_code="D",
        planned_hours=Decimal("0.3333"),
        starts=date(2026, 9, 1),
        ends=date(2026, 10, 1),
        fields={"Activity": "Design"},
    )
    outcomes = await write(sink, CUSTOMER, PROJECT, TASK, below)
    _, project_id, parent_id, task_id = [one.ref for one in outcomes if isinstance(one, Accepted)]
    _, tasks = await account.read("stories")
    (found,) = [one for one in tasks if isinstance(one, ReportedRecord) and one.source_id == task_id]
    assert found.references == {"project": project_id, "parent": parent_id}
    assert found.fields == {
        "code": "D.1",
        "name": "Delivery",
        "billable": True,
        "open_for_time": True,
        "planned_hours": "0.3333",
        "starts": "2026-09-01",
        "ends": "2026-10-01",
        "custom:Activity": "Design",
    }


@pytest.mark.parametrize("skip", range(5))
async def test_a_write_that_is_cut_anywhere_is_finished_by_its_repeat(
    account: Account, sink: KantataSink, skip: int
) -> None:
    await write(sink, CUSTOMER)
    account.simulator.plan.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write", skip=skip))
    (first,) = await write(sink, PROJECT)
    if isinstance(first, Unknown):
        assert "R2" not in await sink.find("upsert_project", ["R2"], entity="US01") or skip >= 4
    fresh = KantataSink(account.connection)
    assert isinstance((await write(fresh, PROJECT))[0], Accepted)
    await fresh.aclose()
    assert held(account, "upsert_project", "P-NEW").facts["budget_hours"] == "100.5"
    workspaces = [one for one in account.simulator.holdings() if one.kind == "upsert_project"]
    assert sum(one.facts.get("name") == "Rollout" for one in workspaces) == 1


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (msgspec.structs.replace(PROJECT, customer_code="NOBODY"), RejectionCode.CUSTOMER_UNKNOWN, "no client NOBODY"),
        (msgspec.structs.replace(TASK, project_code="NONE"), RejectionCode.PROJECT_UNKNOWN, "no project NONE"),
        (msgspec.structs.replace(PROJECT, fields={"Tax": "1"}), RejectionCode.INVALID, "no custom field Tax"),
        (msgspec.structs.replace(PROJECT, rate_card_code="NONE"), RejectionCode.INVALID, "no rate card NONE"),
        (msgspec.structs.replace(PROJECT, status="archived"), RejectionCode.INVALID, "setting project_statuses"),
        (
            msgspec.structs.replace(PROJECT, manager_email="a@b.example"),
            RejectionCode.INVALID,
            "no field for a manager",
        ),
    ],
)
async def test_what_the_account_cannot_hold_is_refused_in_words_and_nothing_is_made(
    account: Account, sink: KantataSink, command: Command, code: RejectionCode, words: str
) -> None:
    await write(sink, CUSTOMER)
    before = len(list(account.simulator.holdings()))
    (outcome,) = await write(sink, command)
    assert isinstance(outcome, Rejected)
    assert outcome.code is code
    assert words in outcome.words
    assert len(list(account.simulator.holdings())) == before


@pytest.mark.parametrize("statuses", ["active", "activ=3", "active=x", "active=1;active=2"])
async def test_a_setting_that_cannot_be_used_is_told(account: Account, statuses: str) -> None:
    settings = {**account.connection.settings, "project_statuses": statuses}
    broken = type(account.connection)(**{**vars(account.connection), "settings": settings})
    with pytest.raises(ConfigurationError, match="project_statuses"):
        KantataSink(broken)


async def test_a_read_that_is_spoiled_once_does_not_fail_the_write(sink: KantataSink, account: Account) -> None:
    for kind in (FaultKind.DROP, FaultKind.HTTP_500, FaultKind.TOKEN_EXPIRED):
        account.simulator.plan.force(Fault(kind=kind, on="read"))
        (outcome,) = await write(sink, msgspec.structs.replace(CUSTOMER, reference=f"R-{kind}"))
        assert isinstance(outcome, Accepted)
        assert account.simulator.plan.pending == 0
