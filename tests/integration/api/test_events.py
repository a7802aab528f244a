"""Programs read what happened from any cursor on, as pages and as a stream, each of what it may see."""

import asyncio
import json
from typing import Any

import jsonschema
from tests.integration.api.conftest import Api, ids
from tests.worlds.inbound_database import master

from tieout.api.resources.events import messages
from tieout.governance import schema_registry
from tieout.model.access import Principal, PrincipalKind, Scope
from tieout.model.reported import RecordType

READER = (Scope.EVENTS_READ, None)


def page(api: Api, header: dict[str, str], **params: str | int) -> dict[str, Any]:
    answer = api.client.get("/v1/events", params=params, headers=header)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_every_event_is_a_cloud_event_by_its_published_schema(api: Api) -> None:
    told = page(api, api.token_of(READER))
    assert told["events"]
    for one in told["events"]:
        name, _, version = one["type"].removeprefix("tieout.").rpartition(".v")
        jsonschema.validate(one["data"], schema_registry.find(f"event/{name}", int(version)).schema)
        assert one["specversion"] == "1.0"
        assert api.client.get(one["dataschema"]).status_code == 200


def test_pages_follow_by_the_cursor_and_reading_again_gives_the_same(api: Api) -> None:
    header = api.token_of(READER)
    whole = page(api, header, limit=500)["events"]
    seen: list[dict[str, Any]] = []
    after = 0
    while True:
        part = page(api, header, after=after, limit=7)
        seen += part["events"]
        if not part["events"]:
            break
        after = part["cursor"]
    assert seen == whole
    assert part["cursor"] == after


def test_a_reader_of_one_legal_entity_is_told_of_its_records_only_and_still_gets_on(api: Api) -> None:
    everything = page(api, api.token_of(READER), limit=500)
    german = page(api, api.token_of((Scope.EVENTS_READ, "DE01")), limit=500)
    ids = {one["id"] for one in german["events"]}
    assert ids < {one["id"] for one in everything["events"]}
    assert german["cursor"] == everything["cursor"]


def test_events_are_chosen_by_name_and_an_unknown_name_is_refused(api: Api) -> None:
    header = api.token_of(READER)
    assert page(api, header, type="time.posted")["events"] == []
    answer = api.client.get("/v1/events", params={"type": "time.lost"}, headers=header)
    assert answer.status_code == 400
    assert "time.lost" in answer.json()["detail"]


def test_a_stream_tells_the_same_events_and_then_what_happens_while_it_is_open(api: Api) -> None:
    whole = [one["id"] for one in page(api, api.token_of(READER), limit=500)["events"]]
    reader = Principal(
        principal_id=ids.new_id(), name="reader", kind=PrincipalKind.PROGRAM, rights={Scope.EVENTS_READ: None}
    )

    async def read() -> list[str | int | None]:
        told = messages(api.client.app.state, reader, int(whole[2]), [])
        seen = [(await anext(told)).id for _ in whole[3:]]
        api.hub.report(master(RecordType.CLIENT, "c9", {"code": "NEW", "name": "New", "currency": "USD"}))
        later = await asyncio.wait_for(anext(told), 20)
        assert later.event == "record.created"
        assert json.loads(str(later.data))["data"]["code"] == "NEW"
        return seen

    assert asyncio.run(read()) == whole[3:]
