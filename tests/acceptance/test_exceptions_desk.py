"""The desk as finance uses it: list, show, retry, accept, exclude, and what each does to the statement."""

import re
from pathlib import Path

import pytest
from tests.acceptance.conftest import running, systems
from tests.acceptance.hub import Hub, wait_for

pytestmark = pytest.mark.timeout(400)


def test_an_excluded_item_moves_from_in_exception_to_excluded_with_its_reason(hub: Hub) -> None:
    before = hub.statement()
    cause = hub.causes("HOURS_RANGE")[0]
    item = hub.items(cause.cause_id)[0]
    proposed = hub.does("exceptions", "exclude", str(item.item_id), "--reason", "typing exercise")
    assert hub.statement().total("excluded") == before.total("excluded")
    number = re.search(r"Proposal (\d+)", proposed)
    assert number is not None
    itself = hub.refuses("exceptions", "approve", number[1], "--hash", proposed.split()[-1])
    assert itself.startswith(("TIE-DESK-004", "TIE-DESK-005"))
    assert "is done" in hub.approves(proposed, by="controller")
    after = hub.statement()
    assert after.holds
    assert after.total("excluded") == before.total("excluded") + 1
    assert after.total("in_exception") == before.total("in_exception") - 1
    shown = hub.show(item.item_id)
    assert shown.item.state == "excluded"
    assert {("auditor", "typing exercise"), ("controller", "typing exercise")} <= {
        (one.actor, one.reason) for one in shown.history
    }
    assert item.item_id not in {one.item_id for one in hub.items(cause.cause_id)}
    hub.refuses("exceptions", "exclude", str(item.item_id), "--reason", "again")


def test_an_exclusion_without_a_reason_is_refused_and_changes_nothing(hub: Hub) -> None:
    item = hub.items(hub.causes("HOURS_RANGE")[0].cause_id)[0]
    hub.refuses("exceptions", "exclude", str(item.item_id))
    assert "TIE-DESK-002" in hub.refuses("exceptions", "exclude", str(item.item_id), "--reason", "  ")
    assert hub.show(item.item_id).item.state == "open"


def test_an_accepted_duplicate_posts_and_a_mere_retry_comes_back(hub: Hub) -> None:
    before = hub.statement()
    twins = next(one for one in hub.causes("DUPLICATE_NATURAL") if one.count > 1)
    accepted, retried, *_ = hub.items(twins.cause_id)
    proposed = hub.does("exceptions", "retry", str(accepted.item_id), "--accept", "--reason", "two sessions")
    hub.approves(proposed, by="controller")
    hub.does("exceptions", "retry", str(retried.item_id))
    with systems(hub), running(hub):
        wait_for(lambda: hub.show(accepted.item_id).item.state == "resolved", "the accepted item is resolved")
        wait_for(lambda: hub.show(retried.item_id).item.state == "open", "the retried item is open again")
        wait_for(lambda: hub.statement().total("in_progress") == 0, "everything is posted")
    after = hub.statement()
    assert after.holds
    assert after.total("posted") == before.total("posted") + 1
    assert after.total("in_exception") == before.total("in_exception") - 1
    assert "two sessions" in {one.reason for one in hub.show(accepted.item_id).history}


@pytest.mark.parametrize("arguments", [("list",), ("list", "--owner", "finance"), ("list", "--code", "RATE_EXPIRED")])
def test_the_list_can_be_read_in_eighty_columns(demo_home: Path, arguments: tuple[str, ...]) -> None:
    hub = Hub(demo_home)
    printed = hub.does("exceptions", *arguments)
    assert max(map(len, printed.splitlines())) <= 80
    assert "…" not in printed
    for cause in hub.causes("RATE_EXPIRED"):
        assert f"{cause.cause_id:>5}  RATE_EXPIRED" in printed
        assert f"{cause.hours:,.2f}" in printed


def test_the_statement_can_be_read_in_eighty_columns(demo_home: Path) -> None:
    hub = Hub(demo_home)
    printed = hub.does("tie-out")
    assert max(map(len, printed.splitlines())) <= 80
    assert "…" not in printed
    for row in hub.statement().tie_out:
        assert f"{row.posted.amount:,}" in printed


def test_the_costliest_cause_is_cured_by_a_mapping_line_that_a_second_person_approves(hub: Hub) -> None:
    before = hub.statement()
    held = sum(one.count for one in hub.causes("DIMENSION_MISSING"))
    with systems(hub), running(hub):
        proposed = hub.does("exceptions", "map", "department", "Data & AI", "400", "--reason", "The new practice.")
        assert hub.statement().total("in_exception") == before.total("in_exception")
        assert "is done: firm version" in hub.approves(proposed, by="controller")
        wait_for(lambda: not hub.causes("DIMENSION_MISSING"), "what waited for the line is judged again")
        wait_for(lambda: hub.statement().total("in_progress") == 0, "everything is posted")
    after = hub.statement()
    assert after.holds
    freed = before.total("in_exception") - after.total("in_exception")
    assert after.total("posted") == before.total("posted") + freed
    assert held >= freed > held // 2
    assert "nothing has changed" in hub.does("apply")
