"""Programs read the tie-out as it was last made, each figure down to lines that add up to it."""

from decimal import Decimal
from typing import Any

from tests.integration.api.conftest import Api
from tests.worlds import inbound_firm as world

from tieout.model.access import Scope
from tieout.reconciliation import tie_out_runs
from tieout.storage.pool import connect

READER = (Scope.TIE_OUT_READ, None)


def made(api: Api) -> None:
    api.hub.take(
        world.said(source_id="e1"),
        world.said(source_id="e2", hours=Decimal(4)),
        world.said(source_id="e3", hours=Decimal(25)),
    )
    with connect(api.url, autocommit=True) as conn:
        tie_out_runs.run(conn, translators=api.hub.context.translators, requested_by="test", clock=api.hub.clock)


def statement(api: Api, header: dict[str, str], **params: str) -> Any:
    return api.client.get("/v1/tie-out", params=params, headers=header).json()


def test_before_the_first_run_there_is_none_and_one_can_be_asked_for(api: Api) -> None:
    header = api.token_of(READER)
    assert api.client.get("/v1/tie-out", headers=header).status_code == 404
    assert api.client.post("/v1/tie-out", headers=header).status_code == 202
    with connect(api.url) as conn:
        assert tie_out_runs.requested_at(conn) == api.hub.clock.now()


def test_the_buckets_of_a_row_come_to_what_was_taken_in_and_lines_to_their_bucket(api: Api) -> None:
    made(api)
    header = api.token_of(READER)
    told = statement(api, header)
    assert told["run"]["holds"] is True
    [row] = [one for one in told["rows"] if one["entity"] == "US01" and "taken_in" in one["buckets"]]
    for side, bucket in row["buckets"].items():
        params = {
            "entity": row["entity"],
            "period": row["period"],
            "currency": row["currency"],
            "side": side,
            "limit": 1,
        }
        lines: list[Any] = []
        after: int | None = 0
        while after is not None:
            page = api.client.get("/v1/tie-out/lines", params=params | {"after": after}, headers=header).json()
            lines += page["lines"]
            after = page["next"]
        assert sum(one["entry_count"] for one in lines) == bucket["count"]
        assert sum(Decimal(one["hours"]) for one in lines) == Decimal(bucket["hours"])
    others = [bucket for side, bucket in row["buckets"].items() if side != "taken_in"]
    assert sum(Decimal(one["hours"]) for one in others) == Decimal(row["buckets"]["taken_in"]["hours"])


def test_a_reader_of_another_legal_entity_sees_none_of_it(api: Api) -> None:
    made(api)
    german = api.token_of((Scope.TIE_OUT_READ, "DE01"))
    assert [one for one in statement(api, german)["rows"] if one["entity"] == "US01"] == []
