from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from tieout.connect.outcome import Rejected, RejectionCode
from tieout.connectors.tryton.mapping import Company, Known, fit_text, same_move, to_move
from tieout.connectors.tryton.records import (
    TrytonAccountRow,
    TrytonCode,
    TrytonDate,
    TrytonDraft,
    TrytonJournalPeriod,
    TrytonPeriodRow,
)
from tieout.model.journal import JournalLine, PostJournal

REFERENCE = "TIE-" + "a" * 32


def period(state: Literal["open", "closed", "locked"] = "open", *, journal_closed: bool = False) -> TrytonPeriodRow:
    journals = (TrytonJournalPeriod(1, "closed" if journal_closed else "open", TrytonCode(7, "TIME"), "1.0"),)
    return TrytonPeriodRow(
        8,
        "2026-08",
        TrytonDate(2026, 8, 1),
        TrytonDate(2026, 8, 31),
        state,
        1,
        "1.0",
        journals,
    )


def known(*periods: TrytonPeriodRow) -> Known:
    return Known(
        company=Company(id=1, code="JP01", currency="JPY"),
        journal=7,
        journal_code="TIME",
        accounts={"1310": TrytonAccountRow(136, "1310", True), "4310": TrytonAccountRow(137, "4310", False)},
        parties={"C001": 5},
        currencies={"JPY": 4, "USD": 1},
        periods=periods or (period(),),
    )


def line(account: str, debit: int, credit: int, **more: Any) -> JournalLine:
    values: dict[str, Any] = {
        "currency": "JPY",
        "amount_minor": debit - credit,
        "memo": "Design",
        "customer_code": "C001",
        **more,
    }
    return JournalLine(account=account, debit_minor=debit, credit_minor=credit, **values)


def journal(*lines: JournalLine, on: date = date(2026, 8, 31)) -> PostJournal:
    return PostJournal(
        reference=REFERENCE,
        key="a" * 64,
        entity="JP01",
        accounting_date=on,
        currency="JPY",
        description="Time of Apollo",
        lines=lines or (line("1310", 5000, 0), line("4310", 0, 5000)),
        entry_count=1,
        hours=Decimal("7.5"),
    )


def made(command: PostJournal, facts: Known | None = None) -> dict[str, Any]:
    move = to_move(command, facts or known())
    assert not isinstance(move, Rejected), move
    return move


def test_the_description_of_a_move_is_the_reference_and_nothing_else() -> None:
    assert made(journal())["description"] == REFERENCE


def test_a_party_stands_only_where_the_account_requires_one() -> None:
    receivable, revenue = made(journal())["lines"][0][1]
    assert receivable["party"] == 5
    assert "party" not in revenue


def test_yen_have_no_decimals_and_foreign_amounts_have_their_own() -> None:
    foreign = {"currency": "USD", "amount_minor": 3333}
    debit, credit = made(
        journal(line("1310", 5000, 0, **foreign), line("4310", 0, 5000, **{**foreign, "amount_minor": -3333}))
    )["lines"][0][1]
    assert debit["debit"]["decimal"] == "5000"
    assert debit["second_currency"] == 1
    assert debit["amount_second_currency"]["decimal"] == "33.33"
    assert credit["amount_second_currency"]["decimal"] == "-33.33"


def test_the_functional_currency_is_no_second_currency() -> None:
    assert "second_currency" not in made(journal())["lines"][0][1][0]


def test_what_tryton_has_no_field_for_stands_in_the_words_of_the_line() -> None:
    command = journal(
        line("1310", 5000, 0, hours=Decimal("7.5"), project_code="P001", dimensions={"department": "100"}),
        line("4310", 0, 5000, memo=""),
    )
    debit, credit = made(command)["lines"][0][1]
    assert debit["description"] == "Design | P001 | 7.5 h | department 100"
    assert credit["description"] == "Time of Apollo"


def test_text_is_cut_to_one_line() -> None:
    assert fit_text(" a\tb\nc\u2028d ") == "a b c d"


def test_unknown_account_customer_and_currency_are_told_apart() -> None:
    cases = {
        RejectionCode.ACCOUNT_UNKNOWN: line("9999", 5000, 0),
        RejectionCode.CUSTOMER_UNKNOWN: line("1310", 5000, 0, customer_code="C999"),
        RejectionCode.CURRENCY_UNKNOWN: line("1310", 5000, 0, currency="CHF"),
    }
    for code, bad in cases.items():
        refused = to_move(journal(bad, line("4310", 0, 5000)), known())
        assert isinstance(refused, Rejected)
        assert refused.code is code


def test_a_closed_a_missing_and_a_half_reopened_period_are_all_closed() -> None:
    for facts in (known(period("closed")), known(period("locked")), known(period(journal_closed=True))):
        refused = to_move(journal(), facts)
        assert isinstance(refused, Rejected)
        assert refused.code is RejectionCode.PERIOD_CLOSED
    refused = to_move(journal(on=date(2026, 9, 1)), known())
    assert isinstance(refused, Rejected)
    assert refused.code is RejectionCode.PERIOD_CLOSED


def draft(move: dict[str, Any], **changes: Any) -> TrytonDraft:
    """What Tryton gives back of a move that was made as ``move``."""
    defaults = {"party": None, "second_currency": None, "amount_second_currency": None}
    lines = [{"id": number, **defaults, **one} for number, one in enumerate(move["lines"][0][1])]
    values = {"id": 1, "period": move["period"], "journal": move["journal"], "date": move["date"], "lines.": lines}
    return msgspec.convert(values | changes, TrytonDraft)


def test_a_draft_is_used_again_only_if_it_is_what_would_be_made_now() -> None:
    move = made(journal())
    same = draft(move)
    assert same_move(move, same)
    assert same_move(move, msgspec.structs.replace(same, lines=tuple(reversed(same.lines))))
    assert not same_move(move, draft(move, period=9))
    assert not same_move(move, draft(made(journal(line("1310", 4999, 0), line("4310", 0, 4999)))))
    assert not same_move(move, msgspec.structs.replace(same, lines=same.lines[:1]))
    other_day = {"__class__": "date", "year": 2026, "month": 8, "day": 30}
    assert not same_move(move, draft(move, date=other_day))
