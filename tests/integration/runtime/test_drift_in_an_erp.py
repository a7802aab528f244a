"""What NetSuite does not tell as a source is compared too: budgets to the cent, the status of projects, and tasks."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.worlds.drift_hub import CUSTOMER, PROJECT, TASK, DriftHub, open_drift_hub

from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.model.command import SetProjectStatus, UpsertTask

FUNDED = msgspec.structs.replace(PROJECT, budget_minor=2_000_000, budget_hours=Decimal("120.5"))
ACTIVE = SetProjectStatus(reference="", entity="US01", project_code="P-77", status="active")
PART = UpsertTask(
    reference="", entity="US01", project_code="P-77", wbs_code="W-1.1", name="Drawings", parent_wbs_code="W-1"
)


@pytest.fixture
def hub(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriftHub]:
    with open_drift_hub("netsuite", database_url, tmp_path, monkeypatch) as opened:
        opened.deliver(CUSTOMER, FUNDED, TASK, PART, ACTIVE)
        yield opened


def test_budgets_status_and_the_tree_of_tasks_are_there_as_they_were_acknowledged(hub: DriftHub) -> None:
    done = hub.sweep()
    assert {kind: (one.outcome, one.compared_count, one.drifted_count) for kind, one in done.items()} == {
        "client": ("compared", 1, 0),
        "project": ("compared", 1, 0),
        "task": ("compared", 2, 0),
    }
    assert hub.desk() == []


def test_a_budget_that_was_changed_behind_is_so_much_money_and_is_put_right(hub: DriftHub) -> None:
    hub.write_behind(msgspec.structs.replace(FUNDED, budget_minor=1_999_999, budget_hours=Decimal(100)))
    hub.sweep()
    [item] = hub.desk()
    assert (item.amount_minor, item.currency) == (-1, 840)
    assert (item.context["budget_hours.acknowledged"], item.context["budget_hours.held"]) == ("120.5", "100")
    hub.retry()
    assert hub.sweep()["project"].drifted_count == 0
    assert hub.desk() == []


def test_a_status_that_was_changed_behind_is_set_again_and_nothing_else_is_sent(hub: DriftHub) -> None:
    hub.write_behind(msgspec.structs.replace(ACTIVE, status="on_hold"))
    hub.sweep()
    [item] = hub.desk()
    assert (item.context["status.acknowledged"], item.context["status.held"]) == ("active", "on_hold")
    hub.retry()
    assert hub.last_kind() == "set_project_status"
    assert hub.sweep()["project"].drifted_count == 0


def test_a_task_that_was_closed_and_moved_behind_is_put_right(hub: DriftHub) -> None:
    other = msgspec.structs.replace(TASK, wbs_code="W-2", name="Build")
    hub.deliver(other)
    hub.write_behind(msgspec.structs.replace(PART, open_for_time=False, parent_wbs_code="W-2"))
    hub.sweep()
    [item] = hub.desk()
    assert (item.context["open_for_time.held"], item.context["parent.held"]) == ("false", "W-2")
    hub.retry()
    assert hub.sweep()["task"].drifted_count == 0


def test_what_cannot_be_seen_of_it_is_not_judged(hub: DriftHub) -> None:
    hub.write_behind(msgspec.structs.replace(TASK, name="Mine"))
    hub.simulator.admin.force(Fault(kind=FaultKind.HTTP_503, count=50, on="read", skip=2))
    done = hub.sweep()
    assert (done["task"].outcome, done["task"].drifted_count) == ("interrupted", 0)
    assert hub.desk() == []
