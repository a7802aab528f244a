"""Programs read how the firm is configured and how its systems are, and propose mapping lines; two people decide."""

from tests.integration.api.conftest import Api

from tieout.model.access import Role, Scope

MAPPINGS = (Scope.MAPPINGS_READ, None)


def test_every_system_is_told_without_its_settings(api: Api) -> None:
    header = api.token_of((Scope.SYSTEMS_READ, None))
    systems = api.client.get("/v1/systems", headers=header).json()
    assert [one["name"] for one in systems] == ["erp", "psa", "timeapp"]
    assert not {"settings", "secrets", "account"} & {name for one in systems for name in one}
    assert api.client.get("/v1/systems/psa", headers=header).json() == systems[1]
    assert api.client.get("/v1/systems/psa/changes", headers=header).json() == []
    for path in ("/v1/systems/nowhere", "/v1/systems/nowhere/changes"):
        assert api.client.get(path, headers=header).status_code == 404


def test_a_connector_that_is_not_there_is_told_with_the_system(api: Api) -> None:
    header = api.token_of((Scope.SYSTEMS_READ, None))
    psa = api.client.get("/v1/systems/psa", headers=header).json()
    assert "plain" in psa["problem"]
    assert api.client.get("/v1/systems/timeapp", headers=header).json()["problem"] is None


def test_mapping_lines_come_in_pages_and_by_table(api: Api) -> None:
    header = api.token_of(MAPPINGS)
    whole = api.client.get("/v1/mappings", headers=header).json()
    assert [(one["source"], one["target"]) for one in whole["lines"]] == [("Acme DE", "DE01"), ("Acme US", "US01")]
    first = api.client.get("/v1/mappings", params={"limit": 1}, headers=header).json()
    second = api.client.get("/v1/mappings", params={"limit": 1, "after": first["next"]}, headers=header).json()
    assert [*first["lines"], *second["lines"]] == whole["lines"]
    assert second["next"] is None
    assert api.client.get("/v1/mappings", params={"table": "roles"}, headers=header).json()["lines"] == []


def test_ownership_says_which_system_owns_what(api: Api) -> None:
    rules = api.client.get("/v1/ownership", headers=api.token_of(MAPPINGS)).json()
    assert any(one["object"] == "legal_entity" and one["system"] == "erp" for one in rules)


def test_a_proposed_line_waits_for_a_second_person(api: Api) -> None:
    maker = api.person("ada", (Role.FINANCE_OPERATIONS, None))
    checker = api.person("carl", (Role.CONTROLLER, None))
    line = {"table": "legal_entities", "source": "Acme USA", "target": "US01", "reason": "its new name"}
    made = api.client.post("/v1/mappings/proposals", json=line, headers=maker)
    assert made.status_code == 201, made.text
    path = f"/v1/exceptions/proposals/{made.json()['proposal_id']}/approval"
    approval = {"content_hash": made.json()["content_hash"]}
    assert api.client.post(path, json=approval, headers=maker).status_code == 403
    decided = api.client.post(path, json=approval, headers=checker)
    assert (decided.status_code, decided.json()["state"]) == (200, "approved")


def test_an_impossible_line_and_one_with_more_than_it_has_are_refused(api: Api) -> None:
    maker = api.person("ada", (Role.FINANCE_OPERATIONS, None))
    line = {"table": "nothing", "source": "x", "target": "y", "reason": "perhaps"}
    refused = api.client.post("/v1/mappings/proposals", json=line, headers=maker)
    assert (refused.status_code, refused.json()["code"]) == (422, "TIE-DESK-008")
    more = api.client.post("/v1/mappings/proposals", json=line | {"line": 7}, headers=maker)
    assert more.status_code == 400
