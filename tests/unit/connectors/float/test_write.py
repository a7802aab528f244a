"""Clients, projects, statuses and demand arrive once, whatever is lost; what Float cannot hold is refused in words."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.unit.connectors.float.account import Account, booking

from tieout.connect.outcome import Accepted, AlreadyDone, FoundState, NoAccess, Rejected, RejectionCode, Unknown
from tieout.connect.simulator.control import PutAssignment
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connectors.float.manifest import MANIFEST
from tieout.connectors.float.marks import digest_of
from tieout.errors import InvariantError
from tieout.model.command import (
    Command,
    DemandLine,
    LinkDeal,
    PublishDemand,
    SetProjectStatus,
    UpsertCustomer,
    UpsertProject,
)
from tieout.model.reported import ReportedBooking

DONE = (Accepted, AlreadyDone)
CUSTOMER = UpsertCustomer(reference="TIE-c1", entity="US01", code="C-2", name="Ünïcode & Sons", currency="USD")
PROJECT = UpsertProject(
    reference="TIE-p1",
    entity="US01",
    code="P-2",
    name="Rollout",
    customer_code="C-1",
    currency="USD",
    starts=date(2026, 10, 1),
    ends=date(2027, 1, 1),
    status="active",
    budget_hours=Decimal("120.5"),
)
STATUS = SetProjectStatus(reference="TIE-s1", entity="US01", project_code="P-1", status="delivery_complete")
DEMAND = PublishDemand(
    reference="TIE-d1",
    entity="US01",
    project_code="P-1",
    project_name="Grid",
    customer_name="Fjord Energy",
    starts=date(2026, 10, 5),
    ends=date(2026, 11, 1),
    lines=(
        DemandLine(
            number="1",
            role="Consultant",
            hours=Decimal("50.03"),
            starts=date(2026, 10, 5),
            ends=date(2026, 10, 17),
            location="Berlin",
            skills=("SQL",),
        ),
        DemandLine(number="2", role="Manager", hours=Decimal(16), starts=date(2026, 10, 5), ends=date(2026, 10, 7)),
    ),
    budget_hours=Decimal(80),
)
COMMANDS: dict[str, tuple[Command, str]] = {
    "upsert_customer": (CUSTOMER, "C-2"),
    "upsert_project": (PROJECT, "P-2"),
    "set_project_status": (STATUS, "P-1"),
    "publish_demand": (DEMAND, "P-1"),
}


async def test_a_client_carries_its_code_and_a_digest_of_its_reference(account: Account) -> None:
    assert isinstance(await account.write(CUSTOMER), Accepted)
    (held,) = account.held("upsert_customer", "C-2")
    assert (held.reference, held.facts) == (digest_of("TIE-c1"), {"name": "Ünïcode & Sons"})


async def test_a_project_arrives_whole_and_is_changed_where_it_lies(account: Account) -> None:
    made = await account.write(PROJECT)
    assert isinstance(made, Accepted)
    (held,) = account.held("upsert_project", "P-2")
    assert held.reference == "TIE-p1"
    assert (
        held.facts.items()
        >= {
            "name": "Rollout",
            "customer_code": "C-1",
            "starts": "2026-10-01",
            "ends": "2027-01-01",
            "status": "active",
            "budget_hours": "120.5",
        }.items()
    )
    changed = msgspec.structs.replace(PROJECT, reference="TIE-p2", name="Rollout, part 2", ends=date(2027, 3, 1))
    assert isinstance(await account.write(changed), Accepted)
    (held,) = account.held("upsert_project", "P-2")
    assert (held.id, held.reference, held.facts["name"], held.facts["ends"]) == (
        made.ref,
        "TIE-p2",
        "Rollout, part 2",
        "2027-03-01",
    )


async def test_an_older_version_is_not_found_under_its_reference_any_more(account: Account) -> None:
    await account.write(PROJECT)
    changed = msgspec.structs.replace(PROJECT, reference="TIE-p2", name="Rollout, part 2")
    assert await account.find(changed) is None
    await account.write(changed)
    assert await account.find(PROJECT) is None
    found = await account.find(changed)
    assert found is not None
    assert (found.count, found.state) == (1, FoundState.POSTED)


async def test_what_people_wrote_in_notes_stays(account: Account) -> None:
    row = (await account.api.get("/projects")).json()[0]
    await account.api.patch(f"/projects/{row['project_id']}", json={"notes": "Ask Ann first"})
    await account.write(STATUS)
    notes = (await account.api.get("/projects")).json()[0]["notes"]
    assert notes == "Ask Ann first\nTieout status TIE-s1"
    (held,) = account.held("set_project_status", "P-1")
    assert held.facts == {"status": "delivery_complete"}


async def test_demand_is_allocations_of_unassigned_roles_exact_to_the_hundredth(account: Account) -> None:
    assert isinstance(await account.write(DEMAND), Accepted)
    (held,) = account.held("publish_demand", "P-1")
    assert held.facts == {"hours": "66.03", "lines": "2", "budget_hours": "80"}
    _, told = await account.read("tasks")
    requested = [one for one in told if getattr(one, "state", None) is ReportedBooking.REQUESTED]
    assert len(requested) == 3
    assert {getattr(one, "notes", "") for one in requested} == {"Location: Berlin\nSkills: SQL", ""}


async def test_demand_follows_its_changes_and_what_was_staffed_stays(account: Account) -> None:
    await account.write(DEMAND)
    tasks = (await account.api.get("/tasks")).json()
    ann = next(one for one in (await account.api.get("/people")).json() if one["name"] == "Ann Ito")
    staffed = next(one for one in tasks if "line 2/1" in one["notes"])
    await account.api.patch(f"/tasks/{staffed['task_id']}", json={"people_id": ann["people_id"], "status": 2})
    line = msgspec.structs.replace(DEMAND.lines[0], hours=Decimal(80))
    fewer = msgspec.structs.replace(DEMAND, reference="TIE-d2", lines=(line,))
    assert isinstance(await account.write(fewer), Accepted)
    left = {one["task_id"]: one for one in (await account.api.get("/tasks")).json()}
    assert left[staffed["task_id"]]["people_id"] == ann["people_id"]
    open_hours = sum(Decimal(str(one["hours"])) * 10 for one in left.values() if "line 1/" in one["notes"])
    assert open_hours == 80
    assert await account.find(DEMAND) is None
    assert await account.find(fewer) is not None


async def test_demand_does_not_touch_what_people_planned(account: Account) -> None:
    account.change(PutAssignment(assignment=booking("mine")))
    await account.write(DEMAND)
    await account.write(msgspec.structs.replace(DEMAND, reference="TIE-d2", lines=()))
    assert [one["notes"] for one in (await account.api.get("/tasks")).json()] == ["Booking mine"]


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("fault", [FaultKind.COMMIT_THEN_DROP, FaultKind.DROP, FaultKind.COMMIT_THEN_5XX])
async def test_a_write_cut_anywhere_and_repeated_ends_as_an_undisturbed_one(
    account: Account, kind: str, fault: FaultKind
) -> None:
    command, code = COMMANDS[kind]
    for step in range(6):
        account.force(Fault(kind=fault, on="write", skip=step))
        first = await account.write(command)
        account.simulator.plan.clear()
        if isinstance(first, DONE):
            break
        assert isinstance(first, Unknown) or fault is FaultKind.DROP
    assert isinstance(await account.write(command), DONE)
    (held,) = account.held(kind, code)
    found = await account.find(command)
    assert found is not None
    assert (found.count, found.ref) == (1, held.id)
    if kind == "publish_demand":
        assert held.facts["hours"] == "66.03"
        assert len((await account.api.get("/people", params={"people_type_id": 4})).json()) == 2


@pytest.mark.parametrize("kind", COMMANDS)
async def test_the_same_command_again_changes_nothing(account: Account, kind: str) -> None:
    command, _ = COMMANDS[kind]
    await account.write(command)
    account.exchanges.clear()
    assert isinstance(await account.write(command), AlreadyDone)
    assert {one.method for one in account.exchanges} == {"GET"}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (msgspec.structs.replace(PROJECT, customer_code="C-9"), RejectionCode.CUSTOMER_UNKNOWN),
        (msgspec.structs.replace(STATUS, project_code="P-9"), RejectionCode.PROJECT_UNKNOWN),
        (msgspec.structs.replace(DEMAND, project_code="P-9"), RejectionCode.PROJECT_UNKNOWN),
        (
            msgspec.structs.replace(DEMAND, lines=(msgspec.structs.replace(DEMAND.lines[0], role="Oracle"),)),
            RejectionCode.DIMENSION_UNKNOWN,
        ),
        (
            msgspec.structs.replace(DEMAND, lines=(msgspec.structs.replace(DEMAND.lines[0], role="Partner"),)),
            RejectionCode.DIMENSION_UNKNOWN,
        ),
        (
            msgspec.structs.replace(DEMAND, lines=(msgspec.structs.replace(DEMAND.lines[1], hours=Decimal(60)),)),
            RejectionCode.INVALID,
        ),
        (msgspec.structs.replace(PROJECT, fields={"colour": "red"}), RejectionCode.INVALID),
        (msgspec.structs.replace(CUSTOMER, fields={"terms": "30"}), RejectionCode.INVALID),
        (msgspec.structs.replace(CUSTOMER, code="C 2"), RejectionCode.INVALID),
        (msgspec.structs.replace(PROJECT, code="P" * 40), RejectionCode.INVALID),
        (msgspec.structs.replace(STATUS, status="dormant"), RejectionCode.INVALID),
    ],
)
async def test_what_cannot_be_written_is_refused_in_words(
    account: Account, command: Command, code: RejectionCode
) -> None:
    outcome = await account.write(command)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, bool(outcome.words)) == (code, True)
    assert await account.find(command) is None


async def test_a_token_that_is_gone_is_no_access_and_not_a_refusal(account: Account) -> None:
    account.force(Fault(kind=FaultKind.TOKEN_EXPIRED, count=10))
    assert isinstance(await account.write(PROJECT), NoAccess)


async def test_a_command_that_the_manifest_does_not_name_is_a_defect_and_no_outcome(account: Account) -> None:
    assert {one.command for one in MANIFEST.writes} == set(COMMANDS)
    link = LinkDeal(reference="TIE-l1", entity="US01", deal="D-1", project_code="P-1", project_status="active")
    with pytest.raises(InvariantError, match="LinkDeal"):
        await account.write(link)
