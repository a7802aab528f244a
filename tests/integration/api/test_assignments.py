"""Programs read who is booked on what, of the projects that they may see."""

from datetime import date
from decimal import Decimal

from tests.integration.api.conftest import Api
from tests.worlds import plan_hub
from tests.worlds.inbound_plan import assignment

from tieout.model.access import Scope
from tieout.streams.plan_to_allocate.reader import PlanBookCache
from tieout.streams.plan_to_allocate.step import PlanContext, advance_plan

READ_PROJECTS = (Scope.PROJECTS_READ, None)


def test_an_assignment_is_told_with_its_person_project_and_days(api: Api) -> None:
    api.hub.plan(assignment(bill_rate=Decimal("210.50")))
    header = api.token_of(READ_PROJECTS)
    [told] = api.client.get("/v1/assignments", headers=header).json()["assignments"]
    assert (told["system"], told["key"], told["state"]) == ("psa", "b1", "hard")
    assert (told["project_code"], told["person_name"], told["task"]) == ("P100", "Ada", "Design")
    assert (told["starts"], told["ends"], Decimal(told["hours_per_day"])) == ("2026-09-07", "2026-09-12", Decimal(8))
    assert Decimal(told["bill_rate"]) == Decimal("210.50")
    assert api.client.get(f"/v1/assignments/{told['id']}", headers=header).json() == told


def test_assignments_of_projects_of_another_legal_entity_are_not_there(api: Api) -> None:
    api.hub.apply(plan_hub.firm())
    api.hub.plan(assignment(), assignment(source_id="b2", project="p200", task=None))
    plans = PlanBookCache(api.hub.context.books, api.hub.context.rates)
    while advance_plan(api.hub.conn, PlanContext(clock=api.hub.clock, plans=plans)):
        pass
    header = api.token_of(READ_PROJECTS)
    both = api.client.get("/v1/assignments", headers=header).json()["assignments"]
    assert {one["project_code"] for one in both} == {"P100", "P200"}
    german = api.token_of((Scope.PROJECTS_READ, "DE01"))
    [seen] = api.client.get("/v1/assignments", headers=german).json()["assignments"]
    assert (seen["project_code"], seen["person_name"]) == ("P200", None), "Ada is of US01"
    [other] = [one for one in both if one["project_code"] == "P100"]
    assert api.client.get(f"/v1/assignments/{other['id']}", headers=german).status_code == 404


def test_assignments_are_chosen_by_project_person_state_and_day(api: Api) -> None:
    later = assignment(source_id="b2", starts=date(2026, 10, 5), ends=date(2026, 10, 7), person="bob")
    api.hub.plan(assignment(), later)
    header = api.token_of(READ_PROJECTS)

    def keys(**params: str | int) -> list[str]:
        page = api.client.get("/v1/assignments", params=params, headers=header).json()
        return [one["key"] for one in page["assignments"]]

    assert keys(project="P100") == ["b1", "b2"]
    assert keys(day="2026-09-11") == ["b1"]
    assert keys(day="2026-09-12") == [], "the end is the first day after it"
    assert keys(state="soft") == []
    assert keys(limit=1) == ["b1"]
    [bob] = [
        one for one in api.client.get("/v1/assignments", headers=header).json()["assignments"] if one["key"] == "b2"
    ]
    assert keys(person=bob["person"]) == ["b2"]
