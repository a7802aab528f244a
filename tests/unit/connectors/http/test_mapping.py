"""What items mean: records, facts, tombstones; what does not fit is told, and the rest of the page goes on."""

from decimal import Decimal

import msgspec
import pytest

from tieout.connect.source import Translated, Unreadable
from tieout.connectors.http.connector import CONNECTOR
from tieout.connectors.http.simulator.rest_server import sample_definition
from tieout.errors import ContractError
from tieout.model.reported import (
    ReportedAssignment,
    ReportedBooking,
    ReportedRecord,
    ReportedState,
    ReportedTime,
    ReportedTimeOff,
)

TIME = {
    "id": 1,
    "updated_at": "2026-08-10T06:00:00Z",
    "deleted": False,
    "worker": {"id": 5},
    "project": {"id": 6},
    "task": None,
    "day": "03.08.2026",
    "minutes": 90,
    "billable": True,
    "text": "設計",
    "state": "approved",
    "approver": {"id": 7},
}
CLIENT = {
    "id": 2,
    "updated_at": "2026-08-10T06:00:00Z",
    "deleted": False,
    "number": "C-1",
    "name": "Acme",
    "currency": "USD",
    "vat": None,
    "country": "US",
    "entity": "US01",
}


def translate(object_name: str, *rows: object, definition: str | None = None) -> list[Translated]:
    translator = CONNECTOR.configured({"definition": definition or sample_definition()}).translator
    assert translator is not None
    return list(translator.translate(object_name, msgspec.json.encode({"data": list(rows)})))


def test_a_time_entry_is_told_in_canonical_words() -> None:
    (found,) = translate("time_entries", TIME)
    assert isinstance(found, ReportedTime)
    assert (found.source_id, found.person, found.project, found.task) == ("1", "5", "6", None)
    assert (found.state, str(found.hours), found.approved_by) == (ReportedState.APPROVED, "1.5000", "7")
    assert found.version == 1_786_341_600_000_000


def test_a_deleted_item_that_tells_nothing_any_more_is_a_tombstone() -> None:
    gone = {"id": 1, "updated_at": "2026-08-11T06:00:00Z", "deleted": True}
    (time,) = translate("time_entries", gone)
    (client,) = translate("clients", gone)
    (booking,) = translate("assignments", gone)
    (absence,) = translate("time_off", gone)
    assert isinstance(time, ReportedTime)
    assert (time.state, time.work_date.isoformat(), time.hours) == (ReportedState.DELETED, "2026-08-11", Decimal(0))
    assert isinstance(client, ReportedRecord)
    assert (client.deleted, client.fields) == (True, {})
    assert isinstance(booking, ReportedAssignment)
    assert booking.state is ReportedBooking.DELETED
    assert isinstance(absence, ReportedTimeOff)
    assert absence.state.value == "deleted"


def test_an_empty_field_is_told_as_empty() -> None:
    (found,) = translate("clients", CLIENT)
    assert isinstance(found, ReportedRecord)
    assert found.fields == {"code": "C-1", "name": "Acme", "currency": "USD", "tax_id": None, "country": "US"}
    assert found.references == {"legal_entity": "US01"}


@pytest.mark.parametrize(
    ("object_name", "row", "words"),
    [
        ("time_entries", TIME | {"state": "strange"}, "state has the unknown value 'strange'"),
        ("time_entries", TIME | {"minutes": "many"}, "hours is no whole number"),
        ("time_entries", TIME | {"billable": "yes"}, "Expected `bool`"),
        ("time_entries", TIME | {"worker": None}, "person is missing"),
        ("time_entries", TIME | {"updated_at": "2026-08-10"}, "version is no instant with a zone"),
        ("time_entries", TIME | {"deleted": {"by": "x"}}, "deleted is no single value"),
        ("clients", CLIENT | {"id": None}, "id is neither a text nor a whole number"),
        ("clients", CLIENT | {"name": {"en": "Acme"}}, "name is a table"),
        ("clients", CLIENT | {"entity": True}, "legal_entity is neither a text nor a whole number"),
        ("clients", "Acme", "id is missing"),
    ],
)
def test_an_item_that_does_not_fit_is_told_and_the_rest_goes_on(object_name: str, row: object, words: str) -> None:
    good = TIME if object_name == "time_entries" else CLIENT
    bad, fine = translate(object_name, row, good)
    assert isinstance(bad, Unreadable)
    assert words in bad.problem
    assert not isinstance(fine, Unreadable)


def test_hours_with_more_than_four_decimals_are_not_rounded_silently() -> None:
    definition = sample_definition().replace(
        'hours = { path = "minutes", minutes = true }', 'hours = { path = "minutes", decimal = "." }'
    )
    (found,) = translate("time_entries", TIME | {"minutes": "1.33333"}, definition=definition)
    assert isinstance(found, Unreadable)
    assert "more than four decimals" in found.problem


def test_a_list_of_nothing_but_deletions_tells_tombstones() -> None:
    definition = sample_definition().replace('deleted = { path = "deleted" }', "deleted = { always = true }")
    (found,) = translate("clients", CLIENT, definition=definition)
    assert isinstance(found, ReportedRecord)
    assert (found.deleted, found.fields["name"]) == (True, "Acme")


def test_a_state_among_others_can_tell_a_deletion() -> None:
    definition = sample_definition().replace(
        'deleted = { path = "deleted" }', 'deleted = { path = "deleted", equals = ["gone", 1] }'
    )
    for value, is_deleted in (("gone", True), (1, True), (True, False), ("here", False)):
        (found,) = translate("clients", CLIENT | {"deleted": value}, definition=definition)
        assert isinstance(found, ReportedRecord)
        assert found.deleted is is_deleted
    (found,) = translate("clients", {**CLIENT, "deleted": None}, definition=definition)
    assert isinstance(found, ReportedRecord)
    missing = {name: value for name, value in CLIENT.items() if name != "deleted"}
    (told,) = translate("clients", missing, definition=definition)
    assert isinstance(told, Unreadable)


def test_an_answer_without_the_list_cannot_be_read() -> None:
    translator = CONNECTOR.configured({"definition": sample_definition()}).translator
    assert translator is not None
    for object_name, payload in (("clients", b'{"items": []}'), ("payslips", b'{"data": []}'), ("clients", b"{")):
        with pytest.raises(ContractError):
            translator.translate(object_name, payload)
