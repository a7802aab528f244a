import json

import pytest

from tieout.connect.source import Unreadable
from tieout.connectors.tryton.reported import TrytonTranslator
from tieout.errors import ContractError
from tieout.model.reported import ReportedRecord

STAMP = "1795464175.490225"


def day(year: int, month: int, number: int) -> dict[str, object]:
    return {"__class__": "date", "year": year, "month": month, "day": number}


def page(*rows: dict[str, object], given: str | None = None) -> bytes:
    answer = {"id": 1, "result": list(rows)}
    return json.dumps(answer if given is None else {"given": given, "answer": answer}).encode()


def only(object_name: str, payload: bytes) -> ReportedRecord:
    (record,) = TrytonTranslator().translate(object_name, payload)
    assert isinstance(record, ReportedRecord), record
    return record


def period_row(state: str = "open", journal: str = "open") -> dict[str, object]:
    return {
        "id": 8,
        "name": "August",
        "start_date": day(2026, 8, 1),
        "end_date": day(2026, 8, 31),
        "state": state,
        "company": 1,
        "_timestamp": STAMP,
        "journals.": [
            {"id": 1, "state": journal, "journal.": {"id": 7, "code": "TIME"}, "_timestamp": "1795464176.000001"}
        ],
    }


def test_a_legal_entity_is_in_the_country_of_its_first_address_that_has_one() -> None:
    addresses = [
        {"id": 1, "country.": None, "_timestamp": STAMP},
        {"id": 2, "country.": {"id": 5, "code": "DE"}, "_timestamp": "1795464176.000001"},
    ]
    row: dict[str, object] = {
        "id": 1,
        "party.": {"id": 4, "code": "DE01", "name": "Meridian GmbH", "addresses.": addresses, "_timestamp": STAMP},
        "currency.": {"id": 2, "code": "EUR"},
        "timezone": None,
        "_timestamp": STAMP,
    }
    record = only("company.company", page(row))
    assert record.fields == {
        "code": "DE01",
        "name": "Meridian GmbH",
        "functional_currency": "EUR",
        "country": "DE",
    }
    assert record.version == 1_795_464_176_000_001


def test_a_period_ends_exclusively_and_is_named_by_its_month() -> None:
    record = only("account.period", page(period_row(), given="TIME"))
    assert record.fields == {"code": "2026-08", "starts": "2026-08-01", "ends": "2026-09-01", "state": "open"}
    assert record.references == {"legal_entity": "1"}


@pytest.mark.parametrize(("state", "journal"), [("closed", "closed"), ("locked", "closed"), ("open", "closed")])
def test_a_period_is_open_only_if_its_journal_is(state: str, journal: str) -> None:
    assert only("account.period", page(period_row(state, journal), given="TIME")).fields["state"] == "closed"
    if state == "open":
        assert only("account.period", page(period_row(state, journal), given="OTHER")).fields["state"] == "open"


def test_the_version_is_the_latest_change_in_microseconds() -> None:
    assert only("account.period", page(period_row(), given="TIME")).version == 1_795_464_176_000_001


def test_a_rate_is_of_the_base_in_its_currency_with_every_digit() -> None:
    row = {
        "id": 3,
        "currency.": {"id": 2, "code": "GBP"},
        "date": day(2026, 8, 3),
        "rate": {"__class__": "Decimal", "decimal": "0.763123456789"},
        "_timestamp": STAMP,
    }
    fields = only("currency.currency.rate", page(row, given="USD")).fields
    assert (fields["base"], fields["quote"], fields["rate"]) == ("USD", "GBP", "0.763123456789")


def test_a_project_is_known_by_the_first_word_of_its_name() -> None:
    row: dict[str, object] = {"id": 2, "name": "P007 Zeus two", "company": 1, "party": 7, "_timestamp": STAMP}
    record = only("project.work", page(row))
    assert record.fields == {"code": "P007", "name": "Zeus two"}
    assert record.references == {"legal_entity": "1", "client": "7"}


def test_one_unreadable_record_does_not_spoil_its_page() -> None:
    good: dict[str, object] = {"id": 5, "code": "C001", "name": "Acme", "active": True, "_timestamp": STAMP}
    bad = good | {"id": 6, "code": None}
    first, second = TrytonTranslator().translate("party.party", page(good, bad))
    assert isinstance(first, ReportedRecord)
    assert isinstance(second, Unreadable)
    assert second.source_id == "6"


@pytest.mark.parametrize(
    "payload", [b"<html>", b'{"id":1,"error":["UserError",["x"]]}', b'{"id":1,"id":1,"result":[]}']
)
def test_what_is_no_page_is_refused_as_a_whole(payload: bytes) -> None:
    with pytest.raises(ContractError):
        TrytonTranslator().translate("party.party", payload)
