"""Over the API too nothing that touches money happens without a second person, and it happens once."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.integration.api.conftest import Api
from tests.worlds import inbound_firm as world

from tieout.model.access import Role, Scope


@pytest.fixture
def held(api: Api) -> Api:
    """Two entries of US01 that are held for their hours."""
    api.hub.take(
        world.said(source_id="e1", hours=Decimal(25)),
        world.said(source_id="e2", hours=Decimal(26)),
        world.said(source_id="e3"),
    )
    return api


def clerk(api: Api) -> dict[str, str]:
    return api.person("ada", (Role.FINANCE_OPERATIONS, None))


def get(api: Api, path: str, header: dict[str, str], **params: str | int) -> Any:
    answer = api.client.get(path, params=params, headers=header)
    assert answer.status_code == 200, answer.text
    return answer.json()


def item_ids(api: Api, header: dict[str, str]) -> list[int]:
    return [one["item_id"] for one in get(api, "/v1/exceptions/items", header)["items"]]


def propose(api: Api, header: dict[str, str], items: list[int]) -> dict[str, Any]:
    body = {"kind": "exclude", "items": items, "reason": "entered twice"}
    answer = api.client.post("/v1/exceptions/proposals", json=body, headers=header)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_causes_items_and_totals_add_up(held: Api) -> None:
    header = held.token_of((Scope.DESK_READ, None))
    [cause] = get(held, "/v1/exceptions/causes", header)["causes"]
    items = get(held, "/v1/exceptions/items", header, cause=cause["cause_id"])["items"]
    assert (cause["code"], cause["items"], Decimal(cause["hours"])) == ("HOURS_RANGE", 2, Decimal(51))
    assert sum(Decimal(one["hours"]) for one in items) == Decimal(51)
    assert Decimal(get(held, "/v1/exceptions/totals", header)["hours"]) == Decimal(51)
    whole = get(held, f"/v1/exceptions/items/{items[0]['item_id']}", header)
    assert whole["findings"][0]["code"] == "HOURS_RANGE"
    assert "payload" not in str(whole.keys())


def test_an_item_of_another_legal_entity_is_not_there_for_any_operation(held: Api) -> None:
    german = held.person("dora", (Role.FINANCE_OPERATIONS, "DE01"), (Role.CONTROLLER, "DE01"))
    [first, *_] = item_ids(held, clerk(held))
    assert get(held, "/v1/exceptions/items", german)["items"] == []
    assert held.client.get(f"/v1/exceptions/items/{first}", headers=german).status_code == 404
    act = {"action": "comment", "items": [first], "reason": "mine"}
    assert held.client.post("/v1/exceptions/acts", json=act, headers=german).status_code == 404
    body = {"kind": "exclude", "items": [first], "reason": "mine"}
    assert held.client.post("/v1/exceptions/proposals", json=body, headers=german).status_code == 404


def test_one_person_assigns_and_comments_and_it_stays_in_the_history(held: Api) -> None:
    header = clerk(held)
    items = item_ids(held, header)
    act = {"action": "assign", "items": items, "assignee": "bob", "reason": "his team"}
    assert held.client.post("/v1/exceptions/acts", json=act, headers=header).json() == {"item_count": 2}
    whole = get(held, f"/v1/exceptions/items/{items[0]}", header)
    assert whole["item"]["assignee"] == "bob"
    assert [one["actor"] for one in whole["history"]] == ["ada"]
    assert get(held, "/v1/exceptions/items", header, assignee="bob")["items"] != []


def test_nobody_approves_what_he_proposed_and_a_program_approves_nothing(held: Api) -> None:
    both = held.person("cleo", (Role.CONTROLLER, None))
    made = propose(held, both, item_ids(held, both))
    path = f"/v1/exceptions/proposals/{made['proposal_id']}/approval"
    body = {"content_hash": made["content_hash"]}
    assert held.client.post(path, json=body, headers=both).json()["code"] == "TIE-DESK-004"
    program = held.token_of((Scope.DESK_READ, None), (Scope.DESK_APPROVE, None))
    assert held.client.post(path, json=body, headers=program).status_code == 403
    assert len(item_ids(held, both)) == 2


def test_an_approval_of_something_else_than_was_proposed_is_refused(held: Api) -> None:
    header = clerk(held)
    made = propose(held, header, item_ids(held, header))
    checker = held.person("cleo", (Role.CONTROLLER, None))
    path = f"/v1/exceptions/proposals/{made['proposal_id']}/approval"
    wrong = held.client.post(path, json={"content_hash": "0" * 64}, headers=checker)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "TIE-DESK-005")


def test_fifty_approvals_at_once_have_one_effect(held: Api) -> None:
    header = clerk(held)
    made = propose(held, header, item_ids(held, header))
    checker = held.person("cleo", (Role.CONTROLLER, None))
    path = f"/v1/exceptions/proposals/{made['proposal_id']}/approval"
    body = {"content_hash": made["content_hash"]}

    async def all_at_once() -> list[int]:
        transport = httpx.ASGITransport(app=held.client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver.local") as client:
            answers = await asyncio.gather(*(client.post(path, json=body, headers=checker) for _ in range(50)))
        return sorted(one.status_code for one in answers)

    assert asyncio.run(all_at_once()) == [200] + [409] * 49
    states = held.hub.rows("select state, count(*) from desk_item group by state")
    assert states == [("excluded", 2)]
    acts = held.hub.rows("select count(*) from audit_entry where action like %s", "%approved%")
    assert acts == [(1,)]


@pytest.mark.parametrize(
    "body",
    [
        {"action": "assign", "items": [1], "state": "resolved"},
        {"action": "exclude", "items": [1]},
        {"action": "assign", "items": []},
        {"action": "assign", "items": ["x"]},
        {"items": [1]},
        [],
        "x",
    ],
)
def test_what_is_no_act_is_refused_before_anything_happens(held: Api, body: object) -> None:
    answer = held.client.post("/v1/exceptions/acts", json=body, headers=clerk(held))
    assert answer.status_code == 400
    assert answer.json()["code"] == "TIE-API-008"


def test_a_decision_on_what_has_changed_since_it_was_read_is_refused(held: Api) -> None:
    header = clerk(held)
    made = propose(held, header, item_ids(held, header))
    checker = held.person("cleo", (Role.CONTROLLER, None))
    path = f"/v1/exceptions/proposals/{made['proposal_id']}"
    read_at = held.client.get(path, headers=checker).headers["etag"]
    body = {"content_hash": made["content_hash"]}
    late = held.client.post(f"{path}/approval", json=body, headers=checker | {"if-match": '"old"'})
    assert (late.status_code, late.json()["code"]) == (412, "TIE-API-016")
    assert held.client.post(f"{path}/approval", json=body, headers=checker | {"if-match": read_at}).status_code == 200
    again = held.client.post(f"{path}/refusal", json={"reason": "no"}, headers=header | {"if-match": read_at})
    assert again.status_code == 412
