"""What a page of time entries says: hours, prices, states, and rows that say nothing we may believe."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.connect.source import Unreadable
from tieout.connectors.kantata.mapping import KantataTranslator, price_of
from tieout.errors import ContractError
from tieout.model.reported import ReportedRecord, ReportedState, ReportedTime

TRANSLATOR = KantataTranslator()


def entry(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "1201",
        "created_at": "2026-08-03T08:00:00Z",
        "updated_at": "2026-08-08T02:00:00-07:00",
        "date_performed": "2026-08-03",
        "time_in_minutes": 90,
        "billable": True,
        "notes": "Chart of accounts",
        "rate_in_cents": 15050,
        "cost_rate_in_cents": 7000,
        "currency": "USD",
        "currency_symbol": "$",
        "currency_base_unit": 100,
        "taxable": False,
        "is_invoiced": False,
        "approved": True,
        "workspace_id": "31",
        "user_id": "11",
        "story_id": "51",
        "role_id": "3",
        "active_submission_id": "8",
        "recent_submission_id": "8",
    }
    return row | changes


def submission(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "8",
        "status": "approved",
        "current_resolution_creator_id": 12,
        "current_resolution_created_at_date": "2026-08-08T09:00:00Z",
        "title": "Week 32",
    }
    return row | changes


def page(*entries: dict[str, Any], submissions: list[dict[str, Any]] | None = None) -> bytes:
    listed = [submission()] if submissions is None else submissions
    return json.dumps(
        {
            "count": len(entries),
            "meta": {"count": len(entries), "page_count": 1, "page_number": 1, "page_size": 200},
            "results": [{"key": "time_entries", "id": row["id"]} for row in entries],
            "time_entries": {row["id"]: row for row in entries},
            "timesheet_submissions": {row["id"]: row for row in listed},
        },
        separators=(",", ":"),
    ).encode()


def translate(payload: bytes) -> list[Any]:
    return list(TRANSLATOR.translate("time_entries", payload))


def only(payload: bytes) -> ReportedTime:
    (found,) = translate(payload)
    assert isinstance(found, ReportedTime), found
    return found


def unreadable(payload: bytes) -> Unreadable:
    (found,) = translate(payload)
    assert isinstance(found, Unreadable), found
    return found


def test_an_approved_entry_says_everything_that_billing_needs() -> None:
    assert only(page(entry())) == ReportedTime(
        source_id="1201",
        version=int(datetime(2026, 8, 8, 9, tzinfo=UTC).timestamp()) * 1_000_000,
        state=ReportedState.APPROVED,
        person="11",
        project="31",
        work_date=date(2026, 8, 3),
        hours=Decimal("1.5000"),
        billable=True,
        task="51",
        role="3",
        narrative="Chart of accounts",
        approved_by="12",
        approved_at=datetime(2026, 8, 8, 9, tzinfo=UTC),
        claimed_rate=Decimal("150.50"),
        claimed_currency="USD",
    )


@pytest.mark.parametrize(
    ("changes", "status", "state"),
    [
        ({"active_submission_id": None, "recent_submission_id": None}, None, ReportedState.DRAFT),
        ({}, "pending", ReportedState.SUBMITTED),
        ({"active_submission_id": None}, "rejected", ReportedState.REJECTED),
        ({"active_submission_id": None}, "cancelled", ReportedState.RECALLED),
    ],
)
def test_time_that_is_not_approved_tells_where_it_stands(
    changes: dict[str, Any], status: str | None, state: ReportedState
) -> None:
    listed = [] if status is None else [submission(status=status)]
    found = only(page(entry(approved=False, **changes), submissions=listed))
    assert found.state is state
    assert (found.approved_by, found.approved_at) == (None, None)


def test_time_of_a_project_without_approvals_is_approved_by_nobody() -> None:
    row = entry(active_submission_id=None, recent_submission_id=None)
    found = only(page(row, submissions=[]))
    assert (found.state, found.approved_by) == (ReportedState.APPROVED, None)


def test_foreign_keys_may_arrive_as_integers() -> None:
    found = only(page(entry(user_id=11, workspace_id=31, story_id=51, role_id=3, active_submission_id=8)))
    assert (found.person, found.project, found.task, found.role, found.approved_by) == ("11", "31", "51", "3", "12")


def test_an_entry_without_task_role_notes_and_rate_is_still_time() -> None:
    found = only(page(entry(story_id=None, role_id=None, notes=None, rate_in_cents=None)))
    assert (found.task, found.role, found.narrative, found.claimed_rate) == (None, None, "", None)


@pytest.mark.parametrize(
    ("subunits", "base_unit", "price"),
    [
        (15050, 100, Decimal("150.50")),
        (15000, 1, Decimal(15000)),
        (1500, 1000, Decimal("1.500")),
        (0, 100, Decimal("0.00")),
        (15050, 7, None),
        (15050, None, None),
        (15050, 0, None),
    ],
)
def test_a_rate_is_read_by_the_base_unit_that_came_with_it(
    subunits: int, base_unit: int | None, price: Decimal | None
) -> None:
    assert price_of(subunits, base_unit) == price


@given(st.integers(min_value=-(2**31), max_value=2**31 - 1))
def test_minutes_can_always_be_had_back_from_hours(minutes: int) -> None:
    hours = only(page(entry(time_in_minutes=minutes))).hours
    assert hours.as_tuple().exponent == -4
    assert int((hours * 60).to_integral_value()) == minutes


SPOILED = [
    ("time_in_minutes", "90"),
    ("time_in_minutes", 90.5),
    ("time_in_minutes", True),
    ("time_in_minutes", None),
    ("time_in_minutes", 2**31),
    ("time_in_minutes", {"value": 90}),
    ("date_performed", "2026-02-30"),
    ("date_performed", "03/08/2026"),
    ("date_performed", None),
    ("updated_at", "2026-08-08T09:00:00"),
    ("updated_at", "yesterday"),
    ("approved", "yes"),
    ("billable", 1),
    ("user_id", None),
    ("workspace_id", ["31"]),
    ("rate_in_cents", 150.5),
    ("currency_base_unit", 7),
    ("currency", None),
]


@pytest.mark.parametrize(("name", "value"), SPOILED)
def test_one_spoiled_row_does_not_sink_the_page(name: str, value: object) -> None:
    good, bad, also_good = entry(id="1"), entry(id="2", **{name: value}), entry(id="3")
    first, second, third = translate(page(good, bad, also_good))
    assert isinstance(first, ReportedTime)
    assert isinstance(third, ReportedTime)
    assert isinstance(second, Unreadable)
    assert second.source_id == "2"
    assert "Time entry 2" in second.problem


@pytest.mark.parametrize(
    "spoiled",
    [
        b'"time_in_minutes":NaN',
        b'"time_in_minutes":Infinity',
        b'"time_in_minutes":1e400',
        b'"time_in_minutes":90,"time_in_minutes":480',
        b'"time_in_minutes" : 90 , "time_in_minutes" : 480',
        b'"time_in_minutes":90,"\\ud800":1',
        b'"time_in_minutes":090',
    ],
)
def test_text_that_is_no_json_spoils_its_own_row_only(spoiled: bytes) -> None:
    payload = page(entry(id="1"), entry(id="2", time_in_minutes=480), entry(id="3"))
    first, second, third = translate(payload.replace(b'"time_in_minutes":480', spoiled))
    assert isinstance(first, ReportedTime)
    assert isinstance(second, Unreadable)
    assert isinstance(third, ReportedTime)


def test_an_entry_that_is_filed_twice_is_not_guessed_at() -> None:
    payload = page(entry(id="1"))
    row = json.dumps(entry(id="1", time_in_minutes=480)).encode()
    found = unreadable(payload.replace(b'"time_entries":{', b'"time_entries":{"1":' + row + b","))
    assert "twice" in found.problem


def test_a_listed_entry_that_is_missing_is_named() -> None:
    payload = page(entry(id="1")).replace(b'"time_entries":{"1"', b'"time_entries":{"2"')
    found = unreadable(payload)
    assert found.source_id == "1"


def test_an_entry_filed_under_another_id_is_not_believed() -> None:
    payload = page(entry(id="1")).replace(b'"id":"1","created_at"', b'"id":"9","created_at"')
    assert "filed under" in unreadable(payload).problem


def test_an_unknown_status_of_a_submission_is_a_finding_and_not_a_guess() -> None:
    assert "never_heard_of" in unreadable(page(entry(), submissions=[submission(status="never_heard_of")])).problem


def test_an_entry_whose_submission_is_missing_is_not_judged() -> None:
    assert "submission 8" in unreadable(page(entry(), submissions=[])).problem


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"<!DOCTYPE html>",
        b'{"count":0}',
        b'{"results":[],"results":[]}',
        b'{"results":"none","time_entries":{}}',
        b'{"results":[{"key":"users","id":"1"}],"time_entries":{}}',
        b'{"results":[{"key":"time_entries","id":"1"}],"time_entries":{"1":{',
        b'{"results":[]} and more',
        b"[" * 100_000,
        b'{"results":[{"key":"time_entries","id":NaN}]}',
    ],
)
def test_an_answer_that_cannot_be_read_as_a_whole_is_refused_as_a_whole(payload: bytes) -> None:
    with pytest.raises(ContractError):
        translate(payload)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    st.sampled_from(sorted(entry())),
)
def test_no_value_of_any_field_stops_the_rest_of_the_page(value: object, name: str) -> None:
    rows = [entry(id="1"), entry(id="2") | {name: value}, entry(id="3")]
    payload = json.dumps(
        {
            "results": [{"key": "time_entries", "id": str(place)} for place in (1, 2, 3)],
            "time_entries": {str(place): row for place, row in zip((1, 2, 3), rows, strict=True)},
            "timesheet_submissions": {"8": submission()},
        }
    ).encode()
    first, second, third = translate(payload)
    assert isinstance(first, ReportedTime)
    assert isinstance(second, ReportedTime | Unreadable)
    assert isinstance(third, ReportedTime)


@given(st.binary(max_size=60), st.integers(min_value=0, max_value=900))
def test_no_bytes_at_all_crash_the_translator(noise: bytes, place: int) -> None:
    payload = page(entry())
    try:
        found = translate(payload[:place] + noise + payload[place:])
    except ContractError:
        return
    assert all(isinstance(one, ReportedTime | Unreadable) for one in found)


def event(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "77",
        "event_type": "time_entry:deleted",
        "subject_type": "TimeEntry",
        "subject_id": 1201,
        "subject_changed_at": "2026-08-09T10:00:00Z",
        "created_at": "2026-08-09T10:00:02Z",
        "previous_payload": json.dumps(entry()),
    }
    return row | changes


def events(*rows: dict[str, Any]) -> list[Any]:
    payload = {
        "results": [{"key": "subscribed_events", "id": row["id"]} for row in rows],
        "subscribed_events": {row["id"]: row for row in rows},
    }
    return list(TRANSLATOR.translate("subscribed_events", json.dumps(payload).encode()))


def test_a_deletion_is_a_tombstone_above_every_version_of_the_entry() -> None:
    (found,) = events(event(subject_changed_at="2026-08-08T09:00:00Z"))
    last = only(page(entry()))
    assert isinstance(found, ReportedTime)
    assert (found.source_id, found.state) == ("1201", ReportedState.DELETED)
    assert found.version > last.version
    assert (found.person, found.project, found.hours) == (last.person, last.project, last.hours)


def test_an_event_that_comes_twice_says_the_same_twice() -> None:
    first, second = events(event(id="77"), event(id="78", created_at="2026-08-09T10:05:00Z"))
    assert first == second


@pytest.mark.parametrize("payload", [None, "", "{", "NaN", '{"time_in_minutes":"x"}', {"user_id": 11}])
def test_a_deletion_counts_even_where_the_event_knows_nothing_else(payload: object) -> None:
    (found,) = events(event(previous_payload=payload))
    assert isinstance(found, ReportedTime)
    assert (found.source_id, found.state, found.hours) == ("1201", ReportedState.DELETED, Decimal(0))


def test_a_deleted_project_is_a_tombstone_and_an_unknown_event_a_finding() -> None:
    project, unknown = events(
        event(event_type="workspace:deleted", subject_id=31), event(id="78", event_type="workspace:exploded")
    )
    assert isinstance(project, ReportedRecord)
    assert (project.source_id, project.deleted) == ("31", True)
    assert isinstance(unknown, Unreadable)
