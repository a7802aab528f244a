"""Whether the systems hold the projects that the deals came to: what differs is named, system by system."""

import msgspec
import pytest

from tieout.connect.simulator.control import Holding
from tieout.sample.agreement import compare
from tieout.sample.deals import ExpectedProject, Quarter, expected_projects, sample_quarter
from tieout.sample.masters import SIZES, sample_masters


@pytest.fixture
def quarter() -> Quarter:
    return sample_quarter(sample_masters(SIZES["small"], 1), SIZES["small"].deals, 1)


def held(project: ExpectedProject, **facts: str) -> Holding:
    told = {
        "name": project.name,
        "customer_code": project.client,
        "currency": project.currency,
        "starts": project.starts.isoformat(),
        "ends": project.ends.isoformat(),
        "status": project.status,
        "budget_minor": str(project.budget_minor),
        "budget_hours": f"{project.budget_minutes / 60:.2f}",
    }
    return Holding(kind="upsert_project", reference="TIE-1", id="1", code=project.code, facts={**told, **facts})


def test_what_is_equal_everywhere_holds_and_every_fact_is_counted(quarter: Quarter) -> None:
    expected = expected_projects(quarter, own_tasks=2)
    everything = [held(one) for one in expected]
    agreement = compare(expected, quarter, {"psa": everything, "erp": everything})
    assert agreement.holds
    assert agreement.facts == 2 * 9 * len(expected)
    assert agreement.systems == ("erp", "psa")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "Other"),
        ("currency", "CHF"),
        ("starts", "2026-01-01"),
        ("ends", "2026-01-01"),
        ("status", "provisioning"),
        ("budget_minor", "1"),
        ("budget_hours", "1"),
        ("customer_code", "C1"),
    ],
)
def test_one_fact_that_differs_in_one_system_is_named(quarter: Quarter, name: str, value: str) -> None:
    expected = expected_projects(quarter, own_tasks=2)
    right = [held(one) for one in expected]
    wrong = [held(expected[0], **{name: value}), *right[1:]]
    (found,) = compare(expected, quarter, {"psa": right, "erp": wrong}).disagreements
    assert (found.system, found.code) == ("erp", expected[0].code)
    assert f"says {name} {value}" in found.message


def demanded(project: ExpectedProject, hours: int) -> Holding:
    return Holding(kind="publish_demand", reference="TIE-2", id="2", code=project.code, facts={"hours": str(hours)})


def test_demand_is_the_hours_sold_of_active_projects_and_of_no_other(quarter: Quarter) -> None:
    expected = expected_projects(quarter, own_tasks=2)
    projects = [held(one) for one in expected]
    active = [one for one in expected if one.status == "active"]
    resting = next(one for one in expected if one.status != "active")
    right = [demanded(one, one.budget_minutes // 60) for one in active]
    assert compare(expected, quarter, {"resources": [*projects, *right]}, planners=["resources"]).holds
    more = demanded(active[0], active[0].budget_minutes // 60 + 1)
    for wrong, code in (
        (right[1:], active[0].code),
        ([more, *right[1:]], active[0].code),
        ([*right, demanded(resting, 8)], resting.code),
    ):
        (found,) = compare(expected, quarter, {"resources": [*projects, *wrong]}, planners=["resources"]).disagreements
        assert (found.system, found.code) == ("resources", code)


def test_demand_that_was_never_published_is_missed(quarter: Quarter) -> None:
    expected = expected_projects(quarter, own_tasks=2)
    active = [one.code for one in expected if one.status == "active"]
    projects = [held(one) for one in expected]
    found = compare(expected, quarter, {"resources": projects}, planners=["resources"]).disagreements
    assert [one.code for one in found] == active


def test_a_project_that_is_missing_doubled_or_not_called_for_is_named(quarter: Quarter) -> None:
    expected = expected_projects(quarter, own_tasks=2)
    right = [held(one) for one in expected]
    lost = next(iter(quarter.problems))
    stray = msgspec.structs.replace(right[0], code=lost)
    for held_there, words in ((right[1:], "0 times"), ([*right, right[0]], "2 times"), ([*right, stray], lost)):
        (found,) = compare(expected, quarter, {"erp": held_there}).disagreements
        assert words in found.message


def test_what_a_system_says_of_other_projects_and_not_of_this_one_is_missed(quarter: Quarter) -> None:
    expected = expected_projects(quarter, own_tasks=2)
    right = [held(one) for one in expected]
    without = {name: value for name, value in right[0].facts.items() if name != "ends"}
    silent = [msgspec.structs.replace(right[0], facts=without), *right[1:]]
    (found,) = compare(expected, quarter, {"psa": silent}).disagreements
    assert found.message == f"psa says no ends of project {expected[0].code}."


def other(kind: str, code: str, number: int) -> Holding:
    return Holding(kind=kind, reference="TIE-3", id=str(number), code=code)


def test_a_customer_or_a_task_that_is_there_twice_is_named(quarter: Quarter) -> None:
    expected = expected_projects(quarter, own_tasks=2)
    clients = [other("upsert_customer", code, at) for at, code in enumerate(sorted({one.client for one in expected}))]
    tasks = [other("upsert_task", f"{one.code}/D", at) for at, one in enumerate(expected)]
    right = [*(held(one) for one in expected), *clients, *tasks]
    assert compare(expected, quarter, {"psa": right}).holds
    for twice in (clients[0], tasks[0]):
        (found,) = compare(expected, quarter, {"psa": [*right, twice]}).disagreements
        assert found.message.endswith(f"{twice.code} 2 times.")
    (missed,) = compare(expected, quarter, {"psa": [one for one in right if one is not clients[0]]}).disagreements
    assert missed.message == f"psa does not hold customer {clients[0].code}."
