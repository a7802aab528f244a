"""What people see of set-ups: states, times, failed attempts and manual touches, per step and in sum."""

import pytest
from tests.worlds.project_hub import ProjectHub, deal, whole_deal

from tieout.errors import ConfigurationError
from tieout.streams.lead_to_project.overview import list_projects, measure, percentile, show_project


def test_a_project_is_listed_with_its_set_up_time_from_the_deal_and_in_the_hub(hub: ProjectHub) -> None:
    hub.books["erp"].down = True
    hub.report(*whole_deal())
    hub.books["erp"].down = False
    hub.wait(600)
    (one,) = list_projects(hub.conn)
    assert (one.code, one.entity, one.deals, one.state) == ("P-D1", "US01", ["D1"], "active")
    assert (one.steps, one.steps_done, one.waits_for) == (15, 15, None)
    assert (one.setup_s, one.hub_s) == (600, 600)
    assert (one.errors, one.touches) == (1, 0)
    figures = measure([one])
    assert (figures.projects, figures.active, figures.setup_p50_s, figures.setup_p90_s) == (1, 1, 600, 600)


def test_every_step_says_what_it_took(hub: ProjectHub) -> None:
    hub.books["erp"].refuse["upsert_project"] = "the name is bad"
    hub.report(*whole_deal())
    hub.clock.advance(120)
    hub.books["erp"].refuse.clear()
    hub.retry("DELIVERY_REJECTED")
    view = show_project(hub.conn, "P-D1")
    by_step = {(step.system, step.step): step for step in view.steps if step.step != "upsert_task"}
    refused = by_step["erp", "upsert_project"]
    assert (refused.state, refused.took_s, refused.sent, refused.errors, refused.touches) == ("done", 120, 1, 1, 1)
    smooth = by_step["psa", "upsert_project"]
    assert (smooth.state, smooth.took_s, smooth.sent, smooth.errors, smooth.touches) == ("done", 0, 1, 0, 0)
    assert by_step["crm", "link_deal"].state == "done"
    assert [step.step for step in view.steps][:3] == ["deal", "upsert_customer", "upsert_customer"]
    assert view.summary.touches == 1


def test_an_amendment_is_sent_again_but_does_not_lengthen_the_set_up(hub: ProjectHub) -> None:
    hub.report(*whole_deal())
    before = show_project(hub.conn, "P-D1").summary
    hub.wait(3600)
    hub.report(deal(version=2, amount="30000.00"))
    view = show_project(hub.conn, "P-D1")
    assert view.summary.setup_s == before.setup_s
    sent = {step.system: step.sent for step in view.steps if step.step == "upsert_project"}
    assert sent == {"erp": 2, "psa": 2}


def test_what_waits_says_for_what(hub: ProjectHub) -> None:
    hub.report(*whole_deal("D1", service_line=None), *whole_deal("D2"))
    held, made = list_projects(hub.conn)
    assert (held.code, held.state, made.code) == (None, "held", "P-D2")
    assert held.waits_for is not None
    assert "service line" in held.waits_for
    view = show_project(hub.conn, "D1")
    assert [found["code"] for found in view.deals[0].findings] == ["SERVICE_LINE_UNKNOWN"]
    assert view.deals[0].amount is not None
    assert str(view.deals[0].amount) == "20000.00"
    hub.books["erp"].refuse["upsert_project"] = "no"
    hub.report(*whole_deal("D3"))
    waiting = next(one for one in list_projects(hub.conn) if one.code == "P-D3")
    assert waiting.waits_for is not None
    assert "project P-D3" in waiting.waits_for
    states = {step.state for step in show_project(hub.conn, "P-D3").steps if step.system == "erp"}
    assert states == {"done", "on the desk", "waiting"}
    assert {one.state for one in list_projects(hub.conn, state="active")} == {"active"}
    assert list_projects(hub.conn, entity="DE01") == []


def test_what_does_not_exist_is_not_shown(hub: ProjectHub) -> None:
    with pytest.raises(ConfigurationError, match="TIE-PROJECT-001"):
        show_project(hub.conn, "P-404")


@pytest.mark.parametrize(
    ("values", "percent", "expected"), [([], 50, None), ([7], 90, 7), ([3, 1, 2], 50, 2), (list(range(1, 11)), 90, 9)]
)
def test_a_percentile_is_a_value_that_was_measured(values: list[int], percent: int, expected: int | None) -> None:
    assert percentile(values, percent) == expected
