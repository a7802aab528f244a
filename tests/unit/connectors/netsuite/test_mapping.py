"""What NetSuite says, in canonical words and back: exact, and never guessed."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.connect.outcome import Echo, Rejected
from tieout.connect.source import Unreadable
from tieout.connectors.netsuite.mapping import (
    Known,
    NetSuiteTranslator,
    echo_of_journal,
    postings_of,
    to_journal,
)
from tieout.connectors.netsuite.records import NetSuiteJournal, NetSuiteLedgerRow
from tieout.errors import ContractError
from tieout.model.journal import JournalLine, PostJournal
from tieout.model.reported import RecordType, ReportedRecord

ENCODER = msgspec.json.Encoder(decimal_format="number")
KNOWN = Known(
    subsidiary="1",
    currencies={"USD": "1", "JPY": "2", "KWD": "3", "EUR": "4"},
    accounts={"1250": "100", "4250": "101"},
    customers={"ACME": "7"},
    projects={"P-US": "8"},
    segments={("department", "100"): "5"},
)
FIELDS = {"department": "department"}


def page(*items: Any) -> bytes:
    body = {"links": [], "count": len(items), "hasMore": False, "items": list(items), "offset": 0, "totalResults": 9}
    return json.dumps(body).encode()


def translated(object_name: str, **row: Any) -> Any:
    (one,) = NetSuiteTranslator().translate(object_name, page({"links": [], **row}))
    return one


PERIOD = {
    "id": "201",
    "subsidiary": "1",
    "periodname": "Aug 2026",
    "starts": "2026-08-01",
    "ends": "2026-08-31",
    "closed": "F",
    "alllocked": "F",
    "changed": "2026-08-01 00:00:00",
}


def test_a_period_is_half_open_and_belongs_to_one_subsidiary() -> None:
    one = translated("accountingperiod", **PERIOD)
    assert one.source_id == "201:1"
    assert one.references == {"legal_entity": "1"}
    assert one.fields == {"code": "2026-08", "starts": "2026-08-01", "ends": "2026-09-01", "state": "open"}


@pytest.mark.parametrize("flag", ["closed", "alllocked", "locked"])
def test_a_period_that_is_closed_or_locked_takes_nothing(flag: str) -> None:
    assert translated("accountingperiod", **{**PERIOD, flag: "T"}).fields["state"] == "closed"


def test_a_lock_makes_a_later_version_of_the_period() -> None:
    locked = translated("accountingperiod", **PERIOD, locked="T", lock_changed="2026-09-03 10:00:00")
    assert locked.version > translated("accountingperiod", **PERIOD).version


def test_a_period_that_is_no_month_keeps_its_own_name() -> None:
    one = translated("accountingperiod", **{**PERIOD, "periodname": "P08 FY26", "starts": "2026-08-03"})
    assert one.fields["code"] == "P08 FY26"


def test_a_column_that_is_null_is_absent_and_stays_untold() -> None:
    one = translated("job", id="8", entityid="P-US", isinactive="F", changed="2026-08-01 00:00:00")
    assert one.fields == {"code": "P-US"}
    assert one.references == {}


def test_an_inactive_customer_is_a_tombstone() -> None:
    one = translated("customer", id="7", entityid="ACME", isinactive="T", changed="2026-08-01 00:00:00")
    assert one.deleted


def test_a_rate_is_told_as_one_transaction_currency_in_base_currency() -> None:
    one = translated(
        "currencyrate",
        id="1",
        basecurrency="USD",
        transactioncurrency="EUR",
        exchangerate="1.0845",
        effectivedate="2026-08-03",
    )
    assert one.type is RecordType.FX_RATE
    assert (one.fields["base"], one.fields["quote"], one.fields["rate"]) == ("EUR", "USD", "1.0845")


@pytest.mark.parametrize(
    ("object_name", "row"),
    [
        ("accountingperiod", {**PERIOD, "closed": "maybe"}),
        ("accountingperiod", {**PERIOD, "starts": "8/1/2026"}),
        ("accountingperiod", {name: value for name, value in PERIOD.items() if name != "ends"}),
        ("customer", {"id": "7", "entityid": 7, "isinactive": "F", "changed": "2026-08-01 00:00:00"}),
        ("customer", {"id": "7", "entityid": "A", "isinactive": "F", "changed": "yesterday"}),
        ("customer", {"id": "7", "entityid": "A", "isinactive": "F", "changed": "2026-08-01", "currency": "XQX"}),
        (
            "currencyrate",
            {
                "id": "7",
                "basecurrency": "USD",
                "transactioncurrency": "EUR",
                "exchangerate": "NaN",
                "effectivedate": "2026-08-03",
            },
        ),
        (
            "currencyrate",
            {
                "id": "7",
                "basecurrency": "USD",
                "transactioncurrency": "EUR",
                "exchangerate": "0",
                "effectivedate": "2026-08-03",
            },
        ),
    ],
)
def test_a_row_that_cannot_be_understood_is_unreadable_and_never_coerced(object_name: str, row: Any) -> None:
    one = translated(object_name, **row)
    assert isinstance(one, Unreadable)
    assert one.source_id == row["id"]


def test_one_bad_row_does_not_spoil_its_page() -> None:
    good = {"id": "7", "entityid": "ACME", "isinactive": "F", "changed": "2026-08-01 00:00:00"}
    found = NetSuiteTranslator().translate("customer", page(good, {"id": "8"}, 5, {**good, "id": "9"}))
    assert [type(one) for one in found] == [ReportedRecord, Unreadable, Unreadable, ReportedRecord]


@pytest.mark.parametrize(
    "payload", [b"", b"<html>", b"[]", b'{"items": 5}', b'{"items": [], "items": [], "hasMore": false}']
)
def test_a_page_that_is_none_is_refused_as_a_whole(payload: bytes) -> None:
    with pytest.raises(ContractError):
        NetSuiteTranslator().translate("customer", payload)


@st.composite
def commands(draw: st.DrawFn) -> PostJournal:
    functional, currency = draw(st.sampled_from(["USD", "JPY", "KWD"])), draw(st.sampled_from(["USD", "JPY", "EUR"]))
    amounts = draw(st.lists(st.integers(0, 10**13), min_size=1, max_size=8))
    lines = []
    for amount in amounts:
        for debit, credit, account in ((amount, 0, "1250"), (0, amount, "4250")):
            lines.append(
                JournalLine(
                    account=account,
                    debit_minor=debit,
                    credit_minor=credit,
                    currency=currency,
                    amount_minor=draw(st.integers(0, 10**13)) * (1 if debit else -1),
                    memo=draw(st.text(max_size=20)),
                    hours=draw(st.none() | st.decimals(0, 24, places=4)),
                    customer_code=draw(st.sampled_from([None, "ACME"])),
                    project_code=draw(st.sampled_from([None, "P-US"])),
                    dimensions=draw(st.sampled_from([{}, {"department": "100"}])),
                )
            )
    return PostJournal(
        reference="TIE-" + "0" * 32,
        key="0" * 64,
        entity="US01",
        accounting_date=draw(st.dates()),
        currency=functional,
        description=draw(st.text(max_size=2000)),
        lines=tuple(lines),
        entry_count=1,
        hours=Decimal(1),
    )


@given(commands())
def test_what_is_sent_says_on_the_wire_what_the_command_says(command: PostJournal) -> None:
    body = to_journal(command, KNOWN, FIELDS)
    assert not isinstance(body, Rejected)
    wire = ENCODER.encode(body)
    read_back = msgspec.json.decode(wire, type=NetSuiteJournal)
    debits = sum(line.debit_minor for line in command.lines)
    assert echo_of_journal(read_back, currency=command.currency) == Echo(
        amount_minor=debits, currency=command.currency, accounting_date=command.accounting_date.isoformat()
    )
    rows = [
        NetSuiteLedgerRow(
            id="5",
            line=str(number),
            externalid=command.reference,
            trandate=command.accounting_date.isoformat(),
            periodname="Aug 2026",
            posting="T",
            acctnumber={"100": "1250", "101": "4250"}[line.account.id],
            functional=command.currency,
            debit=str(line.debit or 0),
            credit=str(line.credit or 0),
            currency=line.custcol_tieout_currency,
            amount=str(line.custcol_tieout_amount),
        )
        for number, line in enumerate(read_back.line.items)
    ]
    (posting,) = postings_of(rows, entity="US01")
    assert [(one.account, one.functional_minor, one.amount_minor, one.currency) for one in posting.lines] == [
        (line.account, line.debit_minor - line.credit_minor, line.amount_minor, line.currency) for line in command.lines
    ]
    assert [line.custcol_tieout_hours for line in read_back.line.items] == [line.hours for line in command.lines]


def test_a_line_that_the_ledger_holds_without_our_columns_is_in_functional_currency() -> None:
    row = NetSuiteLedgerRow(
        id="5",
        line="1",
        externalid="TIE-1",
        trandate="2026-08-14",
        periodname="Aug 2026",
        posting="F",
        acctnumber="1250",
        functional="KWD",
        credit="1.005",
    )
    (posting,) = postings_of([row], entity="KW01")
    assert not posting.posted
    assert posting.accounting_date == date(2026, 8, 14)
    assert (posting.lines[0].amount_minor, posting.lines[0].currency) == (-1005, "KWD")


@pytest.mark.parametrize("debit", ["12.345", "abc", "NaN", "Infinity"])
def test_an_amount_that_the_currency_cannot_hold_is_an_error(debit: str) -> None:
    row = NetSuiteLedgerRow(
        id="5",
        line="1",
        externalid="TIE-1",
        trandate="2026-08-14",
        periodname="Aug 2026",
        posting="T",
        acctnumber="1250",
        functional="USD",
        debit=debit,
    )
    with pytest.raises(ContractError):
        postings_of([row], entity="US01")
