"""Programs read master records of the legal entities that they may see, page by page, with keys and references."""

import pytest
from tests.integration.api.conftest import Api

from tieout.api.resources.masters import RESOURCES
from tieout.model.access import Scope

READ_PROJECTS = (Scope.PROJECTS_READ, None)


def test_a_project_is_told_with_its_keys_and_what_it_refers_to(api: Api) -> None:
    header = api.token_of(READ_PROJECTS)
    answer = api.client.get("/v1/projects", params={"code": "P100"}, headers=header)
    assert answer.status_code == 200
    [project] = answer.json()["records"]
    assert project["code"] == "P100"
    assert set(project["keys"]) == {"psa"}
    assert project["references"]["client"]["code"] == "ACME"
    assert project["references"]["legal_entity"]["code"] == "US01"
    assert api.client.get(f"/v1/projects/{project['id']}", headers=header).json() == project


def test_pages_follow_each_other_without_a_gap_and_end(api: Api) -> None:
    header = api.token_of(READ_PROJECTS)
    whole = [one["id"] for one in api.client.get("/v1/projects", headers=header).json()["records"]]
    seen, after = [], None
    while True:
        params = {"limit": 1} | ({} if after is None else {"after": after})
        page = api.client.get("/v1/projects", params=params, headers=header).json()
        seen += [one["id"] for one in page["records"]]
        after = page["next"]
        if after is None:
            break
    assert len(whole) > 1
    assert seen == whole


def test_records_of_another_legal_entity_are_not_there(api: Api) -> None:
    everything = api.token_of(READ_PROJECTS)
    german = api.token_of((Scope.PROJECTS_READ, "DE01"))
    all_of_them = api.client.get("/v1/projects", headers=everything).json()["records"]
    seen = api.client.get("/v1/projects", headers=german).json()["records"]
    assert {one["references"]["legal_entity"]["code"] for one in seen} == {"DE01"}
    other = next(one for one in all_of_them if one["references"]["legal_entity"]["code"] == "US01")
    assert api.client.get(f"/v1/projects/{other['id']}", headers=german).status_code == 404
    chosen = api.client.get("/v1/projects", params={"entity": "DE01"}, headers=everything).json()["records"]
    assert [one["id"] for one in chosen] == [one["id"] for one in seen]


@pytest.mark.parametrize("path", RESOURCES)
def test_every_resource_asks_for_its_scope(api: Api, path: str) -> None:
    kind, scope = RESOURCES[path]
    del kind
    assert api.client.get(f"/v1/{path}").status_code == 401
    other = Scope.AUDIT_READ
    assert api.client.get(f"/v1/{path}", headers=api.token_of((other, None))).status_code == 403
    assert api.client.get(f"/v1/{path}", headers=api.token_of((scope, None))).status_code == 200


def test_a_reader_that_has_the_answer_is_told_so(api: Api) -> None:
    header = api.token_of(READ_PROJECTS)
    first = api.client.get("/v1/projects", headers=header)
    again = api.client.get("/v1/projects", headers=header | {"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = api.client.get("/v1/projects", params={"limit": 1}, headers=header)
    assert other.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "after=-1", "after=x", "deleted=perhaps"])
def test_a_query_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    answer = api.client.get(f"/v1/projects?{query}", headers=api.token_of(READ_PROJECTS))
    assert answer.status_code == 400
    assert answer.json()["code"] == "TIE-API-008"


def test_each_field_of_a_project_says_whose_word_it_is(api: Api) -> None:
    header = api.token_of(READ_PROJECTS)
    [project] = api.client.get("/v1/projects", params={"code": "P100"}, headers=header).json()["records"]
    facts = api.client.get(f"/v1/projects/{project['id']}/facts", headers=header)
    assert facts.status_code == 200, facts.text
    [name] = [one for one in facts.json()["fields"] if one["field"] == "name"]
    assert (name["value"], name["provenance"]["system"]) == ("One", "psa")
    german = api.token_of((Scope.PROJECTS_READ, "DE01"))
    for about in ("facts", "provisioning"):
        assert api.client.get(f"/v1/projects/{project['id']}/{about}", headers=german).status_code == 404


def test_a_project_that_no_deal_became_was_made_in_no_steps(api: Api) -> None:
    header = api.token_of(READ_PROJECTS)
    [project] = api.client.get("/v1/projects", params={"code": "P100"}, headers=header).json()["records"]
    assert api.client.get(f"/v1/projects/{project['id']}/provisioning", headers=header).status_code == 404
