"""The plain demo: deals become projects everywhere, bookings become a plan, a month of time reaches the ledger."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.hub import Hub

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """A home in which all streams ran."""
    home = tmp_path_factory.mktemp("all-streams") / "home"
    found = Hub(home)
    found.does("demo", "--json", str(result_of(found)))
    return found


def result_of(hub: Hub) -> Path:
    return hub.home.with_name("result.json")


@pytest.fixture(scope="module")
def result(hub: Hub) -> Any:
    """What the demo wrote of itself."""
    return json.loads(result_of(hub).read_text(), parse_float=pytest.fail)


def test_every_won_deal_is_one_project_in_every_system_that_takes_projects(result: Any) -> None:
    agreement = result["projects"]["agreement"]
    assert agreement["holds"] is True
    assert agreement["systems"] == ["erp", "psa", "resources"]
    assert agreement["projects"] > 10
    assert agreement["facts"] >= agreement["projects"] * len(agreement["systems"]) * 5
    assert result["projects"]["waiting"], "some deals of the sample lack something"


def test_the_hub_plans_with_every_booking_of_the_resource_tool(result: Any) -> None:
    plan = result["plan"]
    assert plan["disagreements"] == []
    assert plan["bookings"] > 100
    assert {one["group"] for one in plan["forecast"]} == {"DE01", "JP01", "UK01", "US01"}
    held = {one["code"] for one in result["exceptions"]}
    assert {"OVERBOOKED", "RESOURCE_INACTIVE"} <= held


def test_the_month_ties_out_after_the_other_streams(result: Any) -> None:
    assert result["breaks"] == []
    assert result["tie_out"]
    assert all(row["holds"] is True for row in result["tie_out"])


def test_a_project_of_a_deal_explains_itself_in_every_system(hub: Hub) -> None:
    projects = json.loads(hub.does("projects", "list", "--json"))
    code = next(one["code"] for one in projects["projects"] if one["state"] == "active")
    said = hub.does("explain", "project", code)
    for system in ("erp", "psa", "resources"):
        assert f"{system} " in said.splitlines()[0]
    assert "owns project" in said


def test_the_same_demo_again_changes_nothing(hub: Hub, result: Any) -> None:
    again = hub.home.with_name("again.json")
    hub.does("demo", "--json", str(again))
    after = json.loads(again.read_text())
    assert after["projects"]["agreement"] == result["projects"]["agreement"]
    assert after["tie_out"] == result["tie_out"]
    assert after["plan"] == result["plan"]
