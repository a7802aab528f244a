"""A POST that is sent again under its key is answered as before and not done again."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.integration.api.conftest import Api
from tests.integration.api.test_exceptions import clerk, get, held, item_ids

from tieout.api.idempotency import ABANDONED_AFTER, KEPT

__all__ = ["held"]
KEY = {"idempotency-key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
PATH = "/v1/exceptions/acts"


def comments(api: Api) -> int:
    [(count,)] = api.hub.rows("select count(*) from desk_action where action = 'comment'")
    return int(str(count))


def comment(api: Api, header: dict[str, str], words: str = "looked at it") -> dict[str, Any]:
    return {"action": "comment", "items": item_ids(api, header)[:1], "reason": words}


def test_the_same_request_again_gets_the_same_answer_and_is_done_once(held: Api) -> None:
    header = clerk(held)
    body = comment(held, header)
    first = held.client.post(PATH, json=body, headers=header | KEY)
    again = held.client.post(PATH, json=body, headers=header | KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (200, b'{"item_count":1}')
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert comments(held) == 1


def test_without_a_key_a_request_is_done_as_often_as_it_is_sent(held: Api) -> None:
    header = clerk(held)
    for _ in range(2):
        held.client.post(PATH, json=comment(held, header), headers=header)
    assert comments(held) == 2


def test_another_request_under_the_key_is_refused(held: Api) -> None:
    header = clerk(held)
    held.client.post(PATH, json=comment(held, header), headers=header | KEY)
    other = held.client.post(PATH, json=comment(held, header, "another"), headers=header | KEY)
    assert (other.status_code, other.json()["code"]) == (422, "TIE-API-013")
    assert comments(held) == 1


def test_a_key_is_its_principals_own(held: Api) -> None:
    ada, bea = clerk(held), held.person("bea")
    held.client.post(PATH, json=comment(held, ada), headers=ada | KEY)
    assert held.client.post(PATH, json=comment(held, ada), headers=bea | KEY).status_code == 403
    assert comments(held) == 1


def test_a_refusal_is_kept_and_an_unknown_caller_keeps_nothing(held: Api) -> None:
    header = clerk(held)
    body = {"action": "comment", "items": [999_999], "reason": "x"}
    answers = [held.client.post(PATH, json=body, headers=header | KEY) for _ in range(2)]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert answers[1].headers["content-type"] == "application/problem+json"
    assert held.client.post(PATH, json=body, headers=KEY).status_code == 401


def test_of_many_at_once_one_is_done_and_the_others_wait_or_get_its_answer(held: Api) -> None:
    header = clerk(held)
    body = comment(held, header)

    async def all_at_once() -> set[int]:
        transport = httpx.ASGITransport(app=held.client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver.local") as client:
            answers = await asyncio.gather(*(client.post(PATH, json=body, headers=header | KEY) for _ in range(20)))
        return {one.status_code for one in answers}

    assert asyncio.run(all_at_once()) <= {200, 409}
    assert comments(held) == 1
    assert held.client.post(PATH, json=body, headers=header | KEY).status_code == 200


def test_what_a_process_left_behind_can_be_tried_again_and_a_day_later_a_key_is_new(held: Api) -> None:
    header = clerk(held)
    body = comment(held, header)
    held.client.post(PATH, json=body, headers=header | KEY)
    held.hub.conn.execute("update idempotency_key set status = null")
    assert held.client.post(PATH, json=body, headers=header | KEY).json()["code"] == "TIE-API-014"
    held.hub.clock.advance(ABANDONED_AFTER.total_seconds() + 1)
    assert held.client.post(PATH, json=body, headers=header | KEY).status_code == 200
    held.hub.conn.execute("update idempotency_key set begun_at = begun_at - %s", (KEPT + timedelta(seconds=1),))
    assert held.client.post(PATH, json=body, headers=header | KEY).status_code == 200
    assert comments(held) == 3


@pytest.mark.parametrize("key", ["plain", '""', '"a', '"a" "b"', "'a'", f'"{"a" * 256}"', '"ä"'])
def test_a_key_that_is_no_string_in_quotes_is_refused(held: Api, key: str) -> None:
    header = clerk(held)
    headers = [*header.items(), ("idempotency-key", key.encode("utf-8"))]
    answer = held.client.post(PATH, json=comment(held, header), headers=headers)  # type: ignore[arg-type]  # bytes are sent as they are
    assert (answer.status_code, answer.json()["code"]) == (400, "TIE-API-012")
    assert comments(held) == 0
    assert get(held, "/v1/exceptions/items", header)["items"]
