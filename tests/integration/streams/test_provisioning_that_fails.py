"""Targets that refuse, are down, swallow answers or cannot be looked up; and persons who see to what is left."""

from collections.abc import Callable, Iterator

import pytest
from tests.worlds.project_hub import ProjectHub, deal, line, whole_deal

from tieout.connect.manifest import IdempotencyClass
from tieout.storage.pool import connect, sync_pool

QUARANTINE_S = 60


@pytest.fixture
def hub_of(database_url: str) -> Iterator[Callable[..., ProjectHub]]:
    """Hubs whose targets have the given idempotency classes."""
    pool = sync_pool(database_url, application="test", size=6)
    with connect(database_url, autocommit=True) as conn:
        opened: list[ProjectHub] = []

        def make(**classes: IdempotencyClass) -> ProjectHub:
            opened.append(ProjectHub(database_url, conn, pool, **classes))
            opened[-1].open()
            return opened[-1]

        yield make
        for one in opened:
            one.worker.close()
    pool.close()


@pytest.mark.parametrize(
    "kind", ["upsert_customer", "upsert_contract", "upsert_project", "upsert_task", "set_project_status"]
)
def test_a_step_that_one_target_refuses_parks_what_follows_and_is_resumed_where_it_stopped(
    hub: ProjectHub, kind: str
) -> None:
    hub.books["erp"].refuse[kind] = "not now"
    hub.report(*whole_deal())
    assert set(hub.codes()) == {"DELIVERY_REJECTED"}
    assert hub.project_state("P-D1") == "provisioning"
    assert hub.books["psa"].project("P-D1")["name"] == "Rollout"
    told = hub.books["erp"].kinds()
    hub.books["erp"].refuse.clear()
    hub.retry("DELIVERY_REJECTED")
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"
    assert hub.books["erp"].kinds()[: len(told)] == told
    assert set(hub.books["erp"].references.values()) == {1}


def test_an_amended_deal_takes_the_place_of_what_a_target_refused(hub: ProjectHub) -> None:
    hub.books["erp"].refuse["upsert_project"] = "the name is bad"
    hub.report(*whole_deal(name="B@d"))
    assert hub.codes() == ["DELIVERY_REJECTED"]
    hub.books["erp"].refuse.clear()
    hub.report(deal(version=2, name="Good"))
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"
    assert hub.rows("select count(*) from delivery where state = 'superseded'") == [(1,)]
    assert hub.books["erp"].project("P-D1")["name"] == "Good"


def test_an_amendment_that_is_refused_and_taken_back_leaves_nothing_on_the_desk(hub: ProjectHub) -> None:
    hub.report(*whole_deal())
    hub.books["erp"].refuse["upsert_project"] = "no"
    hub.report(deal(version=2, amount="30000.00"))
    assert hub.codes() == ["DELIVERY_REJECTED"]
    hub.report(deal(version=3))
    assert hub.codes() == []
    assert {hub.books[name].project("P-D1")["budget_minor"] for name in ("psa", "erp")} == {2_000_000}


def test_a_target_that_is_down_is_tried_again_and_the_others_go_on(hub: ProjectHub) -> None:
    hub.books["erp"].down = True
    hub.report(*whole_deal())
    assert hub.books["psa"].of("task") == ["P-D1/D", "P-D1/D.1", "P-D1/M"]
    assert hub.project_state("P-D1") == "provisioning"
    hub.books["erp"].down = False
    hub.wait(600)
    assert hub.project_state("P-D1") == "active"


@pytest.mark.parametrize("kind", ["upsert_customer", "upsert_project", "upsert_task", "set_project_status"])
@pytest.mark.parametrize("effect", ["swallow", "deaf"])
def test_an_answer_that_is_lost_is_looked_up_and_nothing_is_made_twice(hub: ProjectHub, kind: str, effect: str) -> None:
    getattr(hub.books["erp"], effect).add(kind)
    hub.report(*whole_deal())
    assert hub.project_state("P-D1") == "provisioning"
    assert hub.rows("select count(*) from delivery where state = 'in_doubt'") == [(1,)]
    hub.wait(QUARANTINE_S)
    assert hub.project_state("P-D1") == "active"
    assert set(hub.books["erp"].references.values()) == {1}
    assert hub.books["erp"].of("project") == ["P-D1"]


def test_a_target_that_cannot_be_looked_up_is_never_told_twice_by_the_machine(
    hub_of: Callable[..., ProjectHub],
) -> None:
    hub = hub_of(erp=IdempotencyClass.N)
    hub.books["erp"].deaf.add("upsert_project")
    hub.report(*whole_deal())
    for _ in range(5):
        hub.wait(3600)
    assert hub.desk()[0][0] == "DELIVERY_UNRESOLVED"
    assert "upsert_project" not in hub.books["erp"].kinds()
    assert hub.project_state("P-D1") == "provisioning"


def test_a_person_who_has_seen_to_an_object_by_hand_lets_its_project_go_on(
    hub_of: Callable[..., ProjectHub],
) -> None:
    hub = hub_of(erp=IdempotencyClass.N)
    hub.books["erp"].deaf.add("upsert_project")
    hub.report(*whole_deal())
    hub.wait(3600)
    hub.books["erp"].objects["project", "P-D1"] = {"name": "made by hand"}
    hub.exclude("DELIVERY_UNRESOLVED")
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"
    assert hub.rows("select kind from provisioned_object where by_hand") == [("upsert_project",)]


def test_a_person_who_has_seen_that_it_is_not_there_lets_it_be_sent_again(hub_of: Callable[..., ProjectHub]) -> None:
    hub = hub_of(erp=IdempotencyClass.N)
    hub.books["erp"].deaf.add("upsert_project")
    hub.report(*whole_deal())
    hub.wait(3600)
    hub.retry("DELIVERY_UNRESOLVED")
    assert hub.codes() == ["DELIVERY_UNRESOLVED"]
    hub.retry("DELIVERY_UNRESOLVED", accept=True)
    assert hub.codes() == []
    assert hub.project_state("P-D1") == "active"
    assert hub.books["erp"].kinds().count("upsert_project") == 1


def test_while_a_person_has_to_look_nothing_newer_is_sent(hub_of: Callable[..., ProjectHub]) -> None:
    hub = hub_of(erp=IdempotencyClass.N)
    hub.books["erp"].deaf.add("upsert_project")
    hub.report(*whole_deal())
    hub.wait(3600)
    hub.report(deal(version=2, name="Newer"))
    assert "upsert_project" not in hub.books["erp"].kinds()
    assert hub.codes() == ["DELIVERY_UNRESOLVED"]


def test_a_failing_project_does_not_hold_up_another_one(hub: ProjectHub) -> None:
    hub.books["erp"].refuse["upsert_task"] = "no"
    hub.report(*whole_deal("D1"))
    hub.books["erp"].refuse.clear()
    hub.report(*whole_deal("D2"))
    assert hub.project_state("P-D1") == "provisioning"
    assert hub.project_state("P-D2") == "active"


def test_a_hold_does_not_wait_for_an_amendment_that_a_target_refuses(hub: ProjectHub) -> None:
    hub.report(*whole_deal())
    hub.books["erp"].refuse["upsert_task"] = "no"
    hub.report(line("D1", 2))
    hub.report(deal(version=2, stage="Proposal", is_won=False, is_closed=False))
    assert hub.books["erp"].project("P-D1")["status"] == "on_hold"
    assert hub.project_state("P-D1") == "on_hold"
