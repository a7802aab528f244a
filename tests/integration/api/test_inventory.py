"""Before an operation of the API ends, its consumers are told and can be found."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.testing import TestClient
from tests.integration.api.conftest import Api

from tieout.api.versions import NOTICE, RETIRING, Retirement, Versions
from tieout.errors import InvariantError
from tieout.governance import api_inventory
from tieout.model.access import Scope

READER = (Scope.CONTRACTS_READ, None)
DEPRECATED = datetime(2026, 7, 1, tzinfo=UTC)


def endpoint(api: Api, header: dict[str, str], operation: str, **params: int) -> dict[str, Any]:
    answer = api.client.get("/v1/inventory", params=params, headers=header)
    assert answer.status_code == 200, answer.text
    [found] = [one for one in answer.json() if one["operation"] == operation]
    return dict(found)


def test_every_endpoint_is_told_with_who_used_it_and_how_often(api: Api) -> None:
    header, program = api.token_of(READER), api.token_of((Scope.PROJECTS_READ, None))
    for _ in range(3):
        api.client.get("/v1/projects", headers=program)
    api.client.get("/v1/projects?limit=0", headers=program)
    projects = endpoint(api, header, "list_projects")
    assert (projects["method"], projects["path"]) == ("GET", "/v1/projects")
    [consumer] = projects["consumers"]
    assert (consumer["kind"], consumer["requests"], consumer["refused"]) == ("program", 4, 1)
    assert datetime.fromisoformat(consumer["last_used_at"]) == api.hub.clock.now()
    assert endpoint(api, header, "list_clients")["consumers"] == []


def test_whoever_is_not_known_is_nobodys_consumer(api: Api) -> None:
    api.client.get("/v1/projects")
    assert endpoint(api, api.token_of(READER), "list_projects")["consumers"] == []


def test_counts_are_written_down_after_a_minute_and_not_with_each_request(api: Api) -> None:
    program = api.token_of((Scope.PROJECTS_READ, None))

    def stored() -> int:
        [[requests]] = api.hub.rows("select coalesce(sum(requests), 0)::bigint from api_use")
        return int(str(requests))

    api.client.get("/v1/projects", headers=program)
    api.client.get("/v1/projects", headers=program)
    assert stored() == 0
    api.hub.clock.advance(60)
    api.client.get("/v1/projects", headers=program)
    assert stored() == 3
    api.client.app.state.api_uses.write(api.client.app.state.database)
    assert stored() == 3, "what is written down is not written again"


def test_uses_of_long_ago_are_not_told(api: Api) -> None:
    header, program = api.token_of(READER), api.token_of((Scope.PROJECTS_READ, None))
    api.client.get("/v1/projects", headers=program)
    assert endpoint(api, header, "list_projects")["consumers"] != []
    with api.client.app.state.database.as_nobody() as conn:
        later = api.hub.clock.now() + timedelta(days=1)
        assert api_inventory.consumers(conn, since=later) == []


@pytest.fixture
def retiring() -> Iterator[TestClient[Litestar]]:
    @get("/v1/old", operation_id="old", sync_to_thread=False)
    def old() -> str:
        return "old"

    @get("/v1/new", operation_id="new", sync_to_thread=False)
    def new() -> str:
        return "new"

    retirement = Retirement(deprecated_at=DEPRECATED, sunset_at=DEPRECATED + NOTICE, successor="/v2/old")
    with TestClient(Litestar([old, new], middleware=[Versions({"old": retirement})])) as client:
        yield client


def test_what_is_going_away_says_so_in_every_answer(retiring: TestClient[Litestar]) -> None:
    headers = retiring.get("/v1/old").headers
    assert headers["deprecation"] == f"@{int(DEPRECATED.timestamp())}"
    assert headers["sunset"] == "Mon, 28 Dec 2026 00:00:00 GMT"
    assert headers["link"] == '</v2/old>; rel="successor-version"'
    assert "deprecation" not in retiring.get("/v1/new").headers


def test_nothing_ends_before_its_consumers_had_time_to_follow() -> None:
    with pytest.raises(InvariantError):
        Retirement(deprecated_at=DEPRECATED, sunset_at=DEPRECATED + timedelta(days=30), successor="/v2/old")


def test_what_is_going_away_exists(api: Api) -> None:
    known = {one["operation"] for one in api.client.get("/v1/inventory", headers=api.token_of(READER)).json()}
    assert RETIRING.keys() <= known
