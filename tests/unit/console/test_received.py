"""The record as received: the object that is about it, out of a page of many."""

import json

from tieout.console.received import excerpt


def test_the_object_that_carries_the_id_is_shown() -> None:
    page = {
        "results": [{"key": "time_entries", "id": "7"}, {"key": "time_entries", "id": "8"}],
        "time_entries": {"7": {"id": "7", "hours": 2, "notes": "x"}, "8": {"id": "8", "hours": 3, "notes": "y"}},
    }
    assert json.loads(excerpt(json.dumps(page).encode(), "8", costs=True)) == {"id": "8", "hours": 3, "notes": "y"}


def test_a_number_as_id_is_found_by_its_text() -> None:
    assert json.loads(excerpt(b'[{"id": 12, "h": 1}, {"id": 13, "h": 2}]', "13", costs=True)) == {"id": 13, "h": 2}


def test_of_what_is_no_json_the_lines_that_name_it_are_shown() -> None:
    assert excerpt(b"id;hours\n12;1\n13;2\n", "13", costs=True) == "13;2"
    assert excerpt(b"\xff\xfe", None, costs=True)


def test_what_names_nobody_is_shown_from_its_beginning() -> None:
    assert json.loads(excerpt(b'{"a": 1}', "99", costs=True)) == {"a": 1}
    assert len(excerpt(json.dumps(["x" * 50_000]).encode(), None, costs=True)) == 6_000


def test_what_people_cost_is_hidden_from_whoever_may_not_see_it() -> None:
    said = b'{"id": "7", "hours": 2, "cost_rate_in_cents": 9000, "user": {"salary": 1}}'
    shown = json.loads(excerpt(said, "7", costs=False))
    assert shown == {"id": "7", "hours": 2, "cost_rate_in_cents": "[hidden]", "user": {"salary": "[hidden]"}}
    assert json.loads(excerpt(said, "7", costs=True))["cost_rate_in_cents"] == 9000
    assert excerpt(b"id;cost\n7;90\n", "7", costs=False) == "[hidden]"
