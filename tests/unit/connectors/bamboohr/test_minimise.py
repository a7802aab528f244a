"""Of people only what the canonical fields are made of is ever kept."""

import json
from typing import Any

import msgspec
import pytest
from tests.unit.connectors.bamboohr.company import Company
from tests.unit.connectors.bamboohr.test_mapping import EMPLOYEE, HOLIDAY, REQUEST

from tieout.connect.json_codec import decode_strict
from tieout.connectors.bamboohr.connector import CONNECTOR
from tieout.connectors.bamboohr.mapping import BambooTranslator
from tieout.connectors.bamboohr.minimise import LEFT_OUT, Minimiser
from tieout.connectors.bamboohr.options import options_of

PRIVATE = "canary-private-4711"
WHOLE = frozenset({"dates", "meta"})
SETTINGS = {one.name: one.default for one in CONNECTOR.manifest.settings if one.default is not None}
OPTIONS = options_of({**SETTINGS, "pay": "read", "hours_per_year": "2080"})
POSTED = {name: {"value": value} for name, value in EMPLOYEE.items() if name != "eeid"}
ANSWERS: dict[str, Any] = {
    "employees": {"data": [{"fields": EMPLOYEE, "_restrictedFields": []}], "meta": {"page": 1}},
    "departments": {"jobInformationDepartment": [{"id": 1, "value": "Audit"}]},
    "changed_employees": {
        "latest": "2026-08-01T09:00:00+00:00",
        "employees": {"12": {"id": "12", "action": "Deleted", "lastChanged": "2026-08-01T09:00:00+00:00"}},
    },
    "compensation": {
        "table": "compensation",
        "employees": {
            "12": {
                "lastChanged": "2026-08-01T09:00:00+00:00",
                "rows": [{"startDate": "2026-01-01", "rate": {"currency": "USD", "value": 41.25}, "paidPer": "Hour"}],
            }
        },
    },
    "time_off": [REQUEST, REQUEST | {"id": "8"}],
    "holidays": {"data": [HOLIDAY]},
    "webhook": {
        "employees": [{"id": "12", "action": "Updated", "timestamp": "2026-08-01T09:00:00Z", "fields": POSTED}]
    },
}


def with_private(value: Any, name: str = "") -> Any:
    """``value`` with what nobody asked for in each object."""
    if isinstance(value, list):
        return [with_private(one, name) for one in value]
    if not isinstance(value, dict) or name in WHOLE:
        return value
    inner = {key: with_private(one, key) for key, one in value.items()}
    by_employee = name == "employees" and "12" in value
    return inner if by_employee else {**inner, "dateOfBirth": PRIVATE, "notes": [{"from": PRIVATE}]}


@pytest.mark.parametrize("object_name", ANSWERS)
def test_what_nobody_asked_for_is_cut_off_and_what_is_kept_says_the_same(object_name: str) -> None:
    came = json.dumps(ANSWERS[object_name]).encode()
    cut = Minimiser(OPTIONS).cut(object_name, json.dumps(with_private(ANSWERS[object_name])).encode())
    assert PRIVATE.encode() not in cut
    translator = BambooTranslator(OPTIONS)
    told = translator.translate(object_name, cut)
    assert told == translator.translate(object_name, came)
    assert told
    answer = decode_strict(cut)
    said = answer[0] if isinstance(answer, list) else answer
    assert isinstance(said, dict)
    left_out = msgspec.convert(said[LEFT_OUT], list[str])
    assert {one.rpartition(".")[2] for one in left_out} == {"dateOfBirth", "notes"}


@pytest.mark.parametrize("object_name", ANSWERS)
def test_an_answer_with_nothing_beyond_is_kept_byte_for_byte(object_name: str) -> None:
    came = json.dumps(ANSWERS[object_name], indent=3).encode()
    assert Minimiser(OPTIONS).cut(object_name, came) == came


@pytest.mark.parametrize("payload", [b"<html>gone</html>", b"", b"[1,", b'"text"', b"null"])
def test_what_is_no_answer_stays_as_it_came(payload: bytes) -> None:
    assert Minimiser(OPTIONS).cut("employees", payload) == payload


async def test_time_off_is_read_without_the_name_of_who_asked_and_who_changed_it(company: Company) -> None:
    pages, told = await company.read("time_off")
    rows = [row for page in pages for row in json.loads(page.payload)]
    assert len(rows) == len(told) > 0
    for row in rows:
        assert row.keys() <= {*REQUEST, LEFT_OUT}
        assert (row["type"].keys(), row["status"].keys()) == ({"id", "name"}, {"status", "lastChanged"})
