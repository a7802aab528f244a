"""The hub's own JSON: single entries, batches, and what is refused item by item or whole."""

from decimal import Decimal

import msgspec
import pytest

from tieout.connect.source import Unreadable
from tieout.errors import ContractError
from tieout.inbound.canonical_translator import CanonicalTranslator
from tieout.model.reported import ReportedTime

ENTRY: dict[str, object] = {
    "source_id": "ts-1",
    "version": 1,
    "state": "approved",
    "person": "ada@example.com",
    "project": "P100",
    "work_date": "2026-07-01",
    "hours": "7.5",
    "billable": True,
}


def _translate(value: object) -> list[object]:
    return list(CanonicalTranslator().translate("time_entries", msgspec.json.encode(value)))


def test_a_batch_has_one_result_per_entry_in_order() -> None:
    said = _translate({"time_entries": [{**ENTRY, "source_id": str(at)} for at in range(3)]})
    assert [one.source_id for one in said if isinstance(one, ReportedTime)] == ["0", "1", "2"]


def test_an_object_is_a_batch_of_one() -> None:
    (said,) = _translate(ENTRY)
    assert isinstance(said, ReportedTime)
    assert said.hours == Decimal("7.5")


def test_json_numbers_are_read_exactly() -> None:
    (said,) = CanonicalTranslator().translate("time_entries", msgspec.json.encode(ENTRY).replace(b'"7.5"', b"0.1"))
    assert isinstance(said, ReportedTime)
    assert said.hours == Decimal("0.1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"narative": "misspelt"},
        {"state": "signed"},
        {"hours": "many"},
        {"work_date": "2026-02-30"},
        {"billable": "yes"},
        {"version": "1"},
        {"person": None},
    ],
)
def test_a_wrong_entry_is_unreadable_and_its_neighbours_are_not(wrong: dict[str, object]) -> None:
    said = _translate({"time_entries": [ENTRY, {**ENTRY, **wrong}, ENTRY]})
    assert [type(one) is Unreadable for one in said] == [False, True, False]
    assert isinstance(said[1], Unreadable)
    assert said[1].source_id == "ts-1"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"nonsense",
        b'{"time_entries": 1}',
        b'{"time_entries": [], "more": 1}',
        b'{"source_id": "a", "source_id": "b"}',
        b'{"time_entries": [{"hours": NaN}]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_payload_that_is_no_entry_and_no_batch_is_refused_whole(payload: bytes) -> None:
    with pytest.raises(ContractError):
        CanonicalTranslator().translate("time_entries", payload)


@pytest.mark.parametrize(
    "twice",
    [b'"hours": "1", "hours": "2"', b'"hours" : "1", "hours": "2"', b'"hours":"1","narrative" :"a","hours":"2"'],
)
def test_equal_keys_never_slip_through(twice: bytes) -> None:
    entry = (
        msgspec.json.encode({name: value for name, value in ENTRY.items() if name != "hours"})[:-1]
        + b","
        + twice
        + b"}"
    )
    with pytest.raises(ContractError):
        CanonicalTranslator().translate("time_entries", b'{"time_entries":[' + entry + b"]}")


def test_text_that_looks_like_keys_is_only_text() -> None:
    (said,) = _translate({"time_entries": [{**ENTRY, "narrative": 'said "hours": 7 and "x" : 8'}]})
    assert isinstance(said, ReportedTime)
    assert said.narrative == 'said "hours": 7 and "x" : 8'


def test_only_time_can_be_handed_in() -> None:
    with pytest.raises(ContractError):
        CanonicalTranslator().translate("projects", b"{}")
