"""Programs ask how the hub is, who did what, and what is published."""

import jsonschema
from tests.integration.api.conftest import Api

from tieout.governance.schema_registry import published
from tieout.model.access import Scope
from tieout.model.event_catalogue import EVENTS


def test_figures_and_their_judgement_are_those_of_the_command_line(api: Api) -> None:
    header = api.token_of((Scope.SYSTEMS_READ, None))
    assert api.client.get("/v1/vitals", headers=header).json()["messages_waiting"] == 0
    topics = {one["topic"] for one in api.client.get("/v1/status", headers=header).json()}
    assert {"firm", "steps", "deliveries", "desk", "audit"} <= topics


def test_prometheus_gets_in_with_a_token_and_nobody_without(api: Api) -> None:
    assert api.client.get("/metrics", follow_redirects=False).status_code == 401
    answer = api.client.get("/metrics", headers=api.token_of((Scope.SYSTEMS_READ, None)))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "tieout_messages_waiting 0.0" in answer.text


def test_the_audit_log_tells_who_gave_access(api: Api) -> None:
    header = api.token_of((Scope.AUDIT_READ, None))
    told = api.client.get("/v1/audit", params={"by": "admin", "limit": 2}, headers=header).json()
    assert len(told) == 2
    assert all(one["entry"]["principal"] == "admin" for one in told)
    assert told[0]["seq"] > told[1]["seq"]


def test_the_review_names_every_right(api: Api) -> None:
    header = api.token_of((Scope.ACCESS_READ, None))
    lines = api.client.get("/v1/access-review", headers=header).json()
    assert any(one["scope"] == "access:read" for one in lines)


def test_schemas_and_events_are_open_to_everybody(api: Api) -> None:
    listed = api.client.get("/v1/schemas").json()
    assert len(listed) == len(published())
    for one in listed:
        kind, _, name = one["subject"].partition("/")
        schema = api.client.get(f"/schema/{kind}/{name}", params={"version": one["version"]}).json()
        jsonschema.Draft202012Validator.check_schema(schema)
    assert api.client.get("/schema/event/time.lost").status_code == 404
    assert {one["name"] for one in api.client.get("/v1/event-types").json()} == EVENTS.keys()


def test_the_api_describes_itself(api: Api) -> None:
    document = api.client.get("/schema/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"/v1/projects", "/v1/projects/{record_id}", "/v1/audit", "/metrics"} <= document["paths"].keys()
    assert document["security"] == [{"token": []}]
