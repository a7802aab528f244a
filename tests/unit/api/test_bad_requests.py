"""Whatever a program sends gets an answer with a code that never changes, is lost nowhere and breaks nothing."""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import psycopg
import pytest
from tests.unit.api.conftest import ADDRESS, Door, entry, refusal_of

from tieout.api import time_entries
from tieout.errors import CATALOGUE
from tieout.inbound import message_store

ONE = msgspec.json.encode(entry())


def batch(*entries: object) -> bytes:
    return msgspec.json.encode({"time_entries": entries})


def test_a_good_entry_is_stored_byte_for_byte_and_its_repeat_has_no_effect(door: Door) -> None:
    assert door.outcomes(ONE) == [{"item": 0, "outcome": "stored", "source_id": "A1"}]
    assert door.outcomes(ONE) == [{"item": 0, "outcome": "repeat", "source_id": "A1"}]
    assert door.stored() == [ONE]
    door.hub.work()
    assert door.hub.standing() == {"A1": (1, 1)}


MALFORMED = {
    "no JSON": (b"{", "TIE-PAYLOAD-001"),
    "a word": (b"hello", "TIE-PAYLOAD-001"),
    "two values": (ONE + ONE, "TIE-PAYLOAD-001"),
    "a number": (b"5", "TIE-INBOUND-002"),
    "null": (b"null", "TIE-INBOUND-002"),
    "a list": (b"[" + ONE + b"]", "TIE-INBOUND-002"),
    "a batch with more in it": (b'{"time_entries": [' + ONE + b'], "more": 1}', "TIE-INBOUND-002"),
    "a batch that is no list": (b'{"time_entries": {}}', "TIE-INBOUND-002"),
    "nested deeply": (b'{"a":' * 9 + b"1" + b"}" * 9, "TIE-PAYLOAD-003"),
    "nested absurdly": (b"[" * 100_000 + b"]" * 100_000, "TIE-PAYLOAD-003"),
    "nested absurdly in a batch": (
        b'{"time_entries": [' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"]}",
        "TIE-PAYLOAD-003",
    ),
    "NaN": (ONE.replace(b'"7.5"', b"NaN"), "TIE-PAYLOAD-005"),
    "Infinity": (ONE.replace(b'"7.5"', b"-Infinity"), "TIE-PAYLOAD-005"),
    "a number out of range": (ONE.replace(b'"7.5"', b"1e999"), "TIE-PAYLOAD-005"),
    "a number of a thousand digits": (ONE.replace(b'"7.5"', b"9" * 1000), "TIE-PAYLOAD-005"),
    "a key twice": (b'{"hours": "8", ' + ONE[1:], "TIE-PAYLOAD-004"),
    "a key twice in a batch": (b'{"time_entries": [{"hours": "8", ' + ONE[1:] + b"]}", "TIE-PAYLOAD-004"),
    "bad UTF-8": (ONE.replace(b"design", b"\xff\xfe"), "TIE-PAYLOAD-006"),
    "UTF-16": (ONE.decode().encode("utf-16"), "TIE-PAYLOAD-006"),
    "half a surrogate pair": (ONE.replace(b"design", b"\\ud800"), "TIE-PAYLOAD-006"),
    "a form": (b"source_id=A1&hours=7.5", "TIE-PAYLOAD-001"),
    "a table": (b"source_id,hours\nA1,7.5\n", "TIE-PAYLOAD-001"),
}


@pytest.mark.parametrize(("body", "code"), MALFORMED.values(), ids=MALFORMED)
def test_what_cannot_be_understood_at_all_is_stored_and_stands_on_the_desk_with_its_code(
    door: Door, body: bytes, code: str
) -> None:
    [outcome] = door.outcomes(body)
    assert (outcome["item"], outcome["outcome"], outcome["code"]) == (0, "unreadable", code)
    assert outcome["problem"]
    assert door.stored() == [body]
    door.hub.work()
    assert door.hub.open_items() == [("SCHEMA_INVALID", "open", None)]
    assert [one["outcome"] for one in door.outcomes(body)] == ["repeat"]


MISSHAPEN = {
    "an unknown state": {"state": "signed off"},
    "a field nobody knows": {"colour": "red"},
    "a misspelt field": {"hour": "7.5"},
    "no hours": {"hours": None},
    "hours in words": {"hours": "seven"},
    "hours as a list": {"hours": [7.5]},
    "a day that is none": {"work_date": "2026-02-30"},
    "a day with a time": {"work_date": "2026-07-01T00:00:00Z"},
    "a version in words": {"version": "first"},
    "a version with decimals": {"version": 1.5},
    "yes for true": {"billable": "yes"},
    "a person as a number": {"person": 7},
    "an approval without a zone": {"approved_at": "2026-07-03 10:00"},
}


@pytest.mark.parametrize("changes", MISSHAPEN.values(), ids=MISSHAPEN)
def test_an_entry_of_another_shape_is_told_apart_from_its_good_neighbours(
    door: Door, changes: dict[str, object]
) -> None:
    body = batch(entry(1), entry(2, **changes), entry(3))
    first, second, third = door.outcomes(body)
    assert (first["outcome"], third["outcome"]) == ("stored", "stored")
    assert (second["outcome"], second["source_id"], second["code"]) == ("unreadable", "A2", "TIE-PAYLOAD-007")
    assert "$" in second["problem"] or "field" in second["problem"], second["problem"]
    door.hub.work()
    assert set(door.hub.standing()) == {"A1", "A3"}
    assert ("SCHEMA_INVALID", "open", "A2") in door.hub.open_items()


ABSURD = {
    "a version beyond 64 bits": {"version": 2**70},
    "a negative version": {"version": -(2**40)},
    "hours beyond reason": {"hours": "1e30"},
    "hours as NaN in words": {"hours": "NaN"},
    "endless hours": {"hours": "Infinity"},
    "a rate as NaN in words": {"claimed_rate": "sNaN"},
    "hours with forty decimals": {"hours": "0." + "1" * 38},
    "negative hours": {"hours": "-7.5"},
    "the first day of all": {"work_date": "0001-01-01"},
    "the last day of all": {"work_date": "9999-12-31"},
    "a zero byte in the narrative": {"narrative": "a\x00b"},
    "a zero byte in the key": {"source_id": "A\x002"},
    "a zero byte in the person": {"person": "ada\x00@example.com"},
    "an empty key": {"source_id": ""},
    "a key of a megabyte": {"source_id": "A" * 1_000_000},
    "a narrative of a megabyte": {"narrative": "x" * 1_000_000},
    "a tab and a backslash": {"narrative": "\t\\N\n\\.\r"},
    "words from right to left": {"narrative": "\u202eenod"},
    "a currency that is none": {"claimed_rate": "1", "claimed_amount": "7.5", "claimed_currency": "ZZZ"},
    "an amount beyond reason": {"claimed_amount": "9" * 39, "claimed_currency": "USD"},
    "an unknown work type": {"work_type": "magic"},
    "an unknown zone": {"time_zone": "Mars/Olympus"},
    "an end before its start": {"started_at": "2026-07-01T17:00:00Z", "ended_at": "2026-07-01T09:00:00Z"},
    "an entry that replaces itself": {"replaces": "A2"},
    "a project nobody knows": {"project": "P999"},
}


@pytest.mark.parametrize("changes", ABSURD.values(), ids=ABSURD)
def test_an_absurd_value_holds_up_nobody_else_and_is_lost_nowhere(door: Door, changes: dict[str, object]) -> None:
    body = batch(entry(1), entry(2, **changes), entry(3))
    outcomes = door.outcomes(body)
    assert len(outcomes) == 3
    door.hub.work()
    assert {"A1", "A3"} <= set(door.hub.standing())
    pending = door.hub.rows("select count(*) from message_pending")
    assert pending == [(0,)]
    entries = door.hub.rows("select count(*) from time_entry")[0][0]
    unreadable = [one for one in door.hub.open_items() if one[0] == "SCHEMA_INVALID"]
    assert int(str(entries)) + len(unreadable) == 3


REFUSED: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "nothing": (b"", {}, 400, "TIE-API-004"),
    "blanks": (b" \r\n\t ", {}, 400, "TIE-API-004"),
    "an empty batch": (b'{"time_entries": []}', {}, 400, "TIE-API-004"),
    "too many bytes": (b" " * (time_entries.MAX_BODY_BYTES + 1), {}, 413, "TIE-API-003"),
    "too many items": (b'{"time_entries": [' + b"{}," * time_entries.MAX_ITEMS + b"{}]}", {}, 413, "TIE-API-003"),
    "XML": (b"<entries/>", {"content_type": "application/xml"}, 415, "TIE-API-006"),
    "a file of a form": (ONE, {"content_type": "multipart/form-data; boundary=x"}, 415, "TIE-API-006"),
    "a table": (ONE, {"content_type": "text/csv"}, 415, "TIE-API-006"),
    "a packed body": (ONE, {"content_encoding": "gzip"}, 415, "TIE-API-006"),
}


@pytest.mark.parametrize(("body", "headers", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_a_problem_with_a_code_and_was_not_stored(
    door: Door, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    assert refusal_of(door.send(body, **headers)) == (status, code)
    assert door.stored() == []


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.timeapp+json",
        "application/x-www-form-urlencoded",
        "text/plain",
    ],
)
def test_json_is_taken_under_every_name_that_programs_give_it(door: Door, content_type: str) -> None:
    assert door.send(ONE, content_type=content_type).status_code == 202


def test_the_largest_request_is_taken(door: Door) -> None:
    assert door.send(ONE[:-1] + b" " * (time_entries.MAX_BODY_BYTES - len(ONE)) + b"}").status_code == 202
    entries = b",".join(b'{"source_id":"B%d"}' % number for number in range(time_entries.MAX_ITEMS))
    assert len(door.outcomes(b'{"time_entries": [' + entries + b"]}")) == time_entries.MAX_ITEMS


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer tieout_wrong", "Basic YTpi", "tieout_wrong", "Bearer \xff\xfe", "Bearer a b c"],
)
def test_without_a_known_key_nobody_gets_further(door: Door, authorization: str) -> None:
    headers = {"authorization": authorization.encode("latin-1")}
    answer = door.client.post(ADDRESS, content=ONE, headers=headers)  # type: ignore[arg-type]  # raw bytes on purpose
    assert refusal_of(answer) == (401, "TIE-API-002")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert refusal_of(door.client.post(ADDRESS, content=ONE)) == (401, "TIE-API-002")
    assert door.stored() == []


def test_a_revoked_key_opens_no_more(door: Door) -> None:
    assert door.send(ONE).status_code == 202
    door.hub.rows("update api_key set revoked_at = now() returning name")
    assert refusal_of(door.send(ONE)) == (401, "TIE-API-002")


ASKED_WRONGLY: dict[str, tuple[str, str, int]] = {
    "a page that is none": ("GET", "/v2/time-entries", 404),
    "the root": ("GET", "/", 404),
    "reading": ("GET", ADDRESS, 405),
    "replacing": ("PUT", ADDRESS, 405),
    "deleting": ("DELETE", ADDRESS, 405),
}


@pytest.mark.parametrize(("method", "path", "status"), ASKED_WRONGLY.values(), ids=ASKED_WRONGLY)
def test_what_the_api_does_not_have_is_a_problem_too(door: Door, method: str, path: str, status: int) -> None:
    answer = door.client.request(method, path, content=ONE)
    assert refusal_of(answer) == (status, "TIE-API-007")
    assert method in answer.text
    if status == 405:
        assert "POST" in answer.headers["allow"]


def _raise(error: Exception) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


def test_a_defect_is_told_as_one_without_its_words_and_nothing_was_stored(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_store, "store", _raise(ValueError("secret of the inside")))
    answer = door.send(ONE)
    assert refusal_of(answer) == (500, "TIE-API-009")
    assert "secret" not in answer.text
    assert door.stored() == []


def test_while_the_database_is_away_the_caller_is_asked_to_come_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_entries, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(message_store, "store", _raise(psycopg.OperationalError("gone")))
    answer = door.send(ONE)
    assert refusal_of(answer) == (503, "TIE-STORE-001")
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.undo()
    assert [one["outcome"] for one in door.outcomes(ONE)] == ["stored"]


def test_every_code_that_an_answer_can_have_is_in_the_reference(door: Door) -> None:
    codes = {code for _, code in MALFORMED.values()} | {code for *_, code in REFUSED.values()}
    assert codes <= CATALOGUE.keys()
    assert door.client.get("/health").json() == {"status": "ok"}
    assert door.client.get("/ready").json() == {"status": "ready"}


def test_the_how_to_lists_what_is_refused_and_its_example_is_a_batch(door: Door) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "hand-in-time-over-the-api.md").read_text()
    listed = {
        (int(status), code) for status, code in re.findall(r"^\| (\d{3})\S*.*? \| `(TIE-\S+)` \|", page, re.MULTILINE)
    }
    assert {(status, code) for *_, status, code in REFUSED.values()} <= listed
    example = page[page.index('{"time_entries": [\n') : page.index("       curl")]
    [outcome] = door.outcomes(example.encode())
    assert (outcome["outcome"], outcome["source_id"]) == ("stored", "ts-4711")
