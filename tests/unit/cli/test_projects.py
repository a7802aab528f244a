"""``tieout projects`` as its user calls it: what became of won deals, and the approval of one."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from tests.unit.cli.conftest import CommandLine
from tests.worlds.project_hub import POLICY, ProjectHub, firm, whole_deal

from tieout.model.stream_policy import ApprovalRule
from tieout.storage.pool import connect, sync_pool
from tieout.streams.lead_to_project.overview import ProjectSummary, ProjectView, SetupMeasures


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    projects: list[ProjectSummary]
    measures: SetupMeasures


@pytest.fixture
def projects(database_url: str) -> Iterator[ProjectHub]:
    pool = sync_pool(database_url, application="test", size=6)
    with connect(database_url, autocommit=True) as conn:
        opened = ProjectHub(database_url, conn, pool)
        opened.open(firm(msgspec.structs.replace(POLICY, approval=ApprovalRule.REQUIRED)))
        yield opened
        opened.worker.close()
    pool.close()


def test_a_deal_is_shown_as_waiting_approved_and_then_shown_step_by_step(
    tieout: CommandLine, projects: ProjectHub
) -> None:
    projects.report(*whole_deal())
    waiting = tieout("projects", "list").out
    assert "awaiting approval" in waiting
    assert "1 deals are held" in waiting
    assert "is approved" in tieout("projects", "approve", "D1", "--reason", "Terms are right.").out
    projects.run()
    (one,) = msgspec.json.decode(tieout("projects", "list", "--json").json(), type=Listed).projects
    assert (one.code, one.state, one.touches) == ("P-D1", "active", 1)
    view = msgspec.json.decode(tieout("projects", "show", "P-D1", "--json").json(), type=ProjectView)
    assert (view.deals[0].approved_by, view.deals[0].amount) == ("auditor", Decimal("20000.00"))
    shown = tieout("projects", "show", "D1").out
    for words in (
        "P-D1 (Rollout) of US01: active",
        "Deal D1 (Rollout) of crm, 20,000.00 USD",
        "US01 P-D1 D.1",
        "by hand",
    ):
        assert (words in shown) == (words != "by hand")


def test_an_empty_list_says_so(tieout: CommandLine, projects: ProjectHub) -> None:
    del projects
    assert tieout("projects", "list").out == "No deal has been won yet.\n"
    assert msgspec.json.decode(tieout("projects", "list", "--json").json(), type=Listed).measures.setup_p50_s is None


def test_what_cannot_be_shown_or_approved_is_refused_in_words(tieout: CommandLine, projects: ProjectHub) -> None:
    assert "TIE-PROJECT-001" in tieout.refuses("projects", "show", "P-404")
    assert "TIE-PROJECT-001" in tieout.refuses("projects", "approve", "D404", "--reason", "x")
    projects.report(*whole_deal(owner_email="auditor"))
    assert "auditor is its owner" in tieout.refuses("projects", "approve", "D1", "--reason", "x")


def test_a_held_deal_is_one_item_on_the_desk_without_any_time_entry(tieout: CommandLine, projects: ProjectHub) -> None:
    projects.report(*whole_deal(service_line=None))
    (cause,) = msgspec.json.decode(tieout("exceptions", "list", "--json").json())
    assert (cause["code"], cause["count"], cause["items"]) == ("SERVICE_LINE_UNKNOWN", 0, 1)
    assert cause["amount_minor"] == {"840": 2_000_000}
    lines = tieout("exceptions", "list").out.splitlines()
    assert lines[1].split()[:4] == [str(cause["cause_id"]), "SERVICE_LINE_UNKNOWN", "finance", "1"]
