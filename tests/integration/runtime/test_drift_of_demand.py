"""Demand that was published to a resource tool is compared line by line, until the resource manager staffs it."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.worlds.drift_hub import CUSTOMER, PROJECT, DriftHub, open_drift_hub

from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.model.command import DemandLine, PublishDemand

LINES = tuple(
    DemandLine(number=number, role="Consultant", hours=hours, starts=date(2026, 9, 1), ends=date(2026, 10, 1))
    for number, hours in (("1", Decimal("33.3333")), ("2", Decimal(40)))
)
DEMAND = PublishDemand(
    reference="",
    entity="US01",
    project_code="P-77",
    project_name="Rollout",
    customer_name="Ünïcode & Sons",
    starts=date(2026, 9, 1),
    ends=date(2027, 1, 1),
    lines=LINES,
    budget_hours=Decimal(80),
)


@pytest.fixture
def hub(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriftHub]:
    with open_drift_hub("float", database_url, tmp_path, monkeypatch) as opened:
        opened.deliver(CUSTOMER, PROJECT, DEMAND)
        yield opened


@pytest.fixture
def tool(hub: DriftHub) -> Iterator[httpx.Client]:
    """The tool as a resource manager's own program sees it."""
    sheet = hub.simulator.admin.connection()
    headers = {"Authorization": f"Bearer {sheet.secrets['access_token']}", "User-Agent": "Somebody (a@b.example)"}
    with httpx.Client(base_url=sheet.settings["base_url"], headers=headers) as client:
        yield client


def allocations(tool: httpx.Client, line: str) -> list[dict[str, object]]:
    """The allocations of a line of the demand."""
    answer = tool.get("/tasks", params={"start_date": "2026-08-01", "end_date": "2026-12-31", "per-page": "200"})
    rows: list[dict[str, object]] = answer.json()
    return [one for one in rows if f"Tieout line {line}/" in str(one["notes"])]


def test_demand_that_is_there_is_no_drift_and_hours_are_compared_to_the_hundredth(hub: DriftHub) -> None:
    project = hub.sweep()["project"]
    assert (project.outcome, project.compared_count, project.drifted_count) == ("compared", 1, 0)
    assert hub.desk() == []


def test_a_line_that_is_gone_and_one_that_was_shortened_are_published_again(hub: DriftHub, tool: httpx.Client) -> None:
    for one in allocations(tool, "1"):
        assert tool.delete(f"/tasks/{one['task_id']}").is_success
    [second] = [one for one in allocations(tool, "2") if str(one["notes"]).endswith("/1")]
    assert tool.patch(f"/tasks/{second['task_id']}", json={"hours": 0.5}).is_success
    hub.sweep()
    [item] = hub.desk()
    assert (item.source_id, item.context["hours of demand line 1.acknowledged"]) == ("P-77", "33.3333")
    assert item.context["hours of demand line 1.held"] == ""
    assert item.context["hours of demand line 2.acknowledged"] == "40"
    assert Decimal(item.context["hours of demand line 2.held"]) < Decimal(40)
    assert item.context["hours of demand line 2.owner"] == "crm"
    before = hub.delivery_count()
    hub.retry()
    assert (hub.delivery_count(), hub.states()) == (before + 1, {"posted"})
    assert hub.sweep()["project"].drifted_count == 0
    assert hub.desk() == []


def test_a_line_that_somebody_was_given_is_the_resource_managers(hub: DriftHub, tool: httpx.Client) -> None:
    people = tool.get("/people", params={"per-page": "200"}).json()
    [first, *_] = [one["people_id"] for one in people if one["people_type_id"] == 1]
    for one in allocations(tool, "2"):
        assert tool.patch(f"/tasks/{one['task_id']}", json={"people_id": first, "hours": 1}).is_success
    assert hub.sweep()["project"].drifted_count == 0


def test_a_line_that_was_withdrawn_and_is_there_again_is_otherwise(hub: DriftHub) -> None:
    original = hub.last_told(PublishDemand)
    hub.deliver(msgspec.structs.replace(DEMAND, lines=LINES[1:]))
    hub.write_behind(original)
    hub.sweep()
    [item] = hub.desk()
    assert (item.context["hours of demand line 1.acknowledged"], item.context["hours of demand line 1.held"]) == (
        "",
        "33.33",
    )
    hub.retry()
    hub.sweep()
    assert hub.desk() == []


def test_demand_that_cannot_be_seen_is_not_judged(hub: DriftHub, tool: httpx.Client) -> None:
    for one in allocations(tool, "1"):
        assert tool.delete(f"/tasks/{one['task_id']}").is_success
    hub.simulator.admin.force(Fault(kind=FaultKind.HTTP_503, count=50, on="read", path="/tasks"))
    project = hub.sweep()["project"]
    assert (project.outcome, project.compared_count) == ("interrupted", 0)
    assert hub.desk() == []
