"""Tryton's types and canonical words for what is written and looked up; pure. ``reported`` does so for what is read.

A journal becomes a move in the company's functional currency. A line in another currency carries it as Tryton's second
currency. Lines have no project, hours or dimensions in Tryton's account module: these stand in the line's description.
A party stands on a line exactly where the account requires one.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tieout.connect.outcome import Echo, Rejected, RejectionCode
from tieout.connect.sink import LedgerLine, LedgerPosting
from tieout.connectors.tryton.records import (
    TrytonAccountRow,
    TrytonDate,
    TrytonDecimal,
    TrytonDraft,
    TrytonDraftLine,
    TrytonLedgerRow,
    TrytonMoveHead,
    TrytonMoveRow,
    TrytonPeriodRow,
    Values,
    date_value,
    decimal_value,
)
from tieout.errors import ContractError
from tieout.model.journal import JournalLine, PostJournal
from tieout.model.money import from_minor, to_minor

MAX_DESCRIPTION: Final = 500
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]+")


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """A company by its legal entity's code, with its functional currency."""

    id: int
    code: str
    currency: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the journals of one company name: accounts and parties by code, currencies, and the periods by days."""

    company: Company
    journal: int
    journal_code: str
    accounts: Mapping[str, TrytonAccountRow]
    parties: Mapping[str, int]
    currencies: Mapping[str, int]
    periods: Sequence[TrytonPeriodRow]


def fit_text(text: str) -> str:
    """``text`` as a one-line field takes it: no control characters, no blanks at its ends."""
    return _UNFIT.sub(" ", text)[:MAX_DESCRIPTION].strip()


def to_move(command: PostJournal, known: Known) -> Values | Rejected:
    """The move for a command, or why Tryton cannot take it: what it names is not there, or its period is not open."""
    period = period_of(command, known)
    if isinstance(period, Rejected):
        return period
    lines: list[Values] = []
    for line in command.lines:
        made = _to_line(line, command, known)
        if isinstance(made, Rejected):
            return made
        lines.append(made)
    return {
        "company": known.company.id,
        "journal": known.journal,
        "period": period.id,
        "date": date_value(command.accounting_date),
        "description": command.reference,
        "lines": [["create", lines]],
    }


def period_of(command: PostJournal, known: Known) -> TrytonPeriodRow | Rejected:
    """The open period that the accounting date falls in."""
    day = command.accounting_date
    period = next((one for one in known.periods if day_of(one.start_date) <= day <= day_of(one.end_date)), None)
    if period is not None and period.is_open(known.journal_code):
        return period
    words = (
        f"Company {command.entity} has no period for {day}."
        if period is None
        else f"Period {period.name} of company {command.entity} is {period.state}, with its journals."
        if period.state != "open"
        else f"Journal {known.journal_code} is closed in period {period.name} of company {command.entity}."
    )
    return Rejected(code=RejectionCode.PERIOD_CLOSED, words=words)


def _to_line(line: JournalLine, command: PostJournal, known: Known) -> Values | Rejected:
    account = known.accounts.get(line.account)
    if account is None:
        words = f"Company {command.entity} has no open account {line.account}."
        return Rejected(code=RejectionCode.ACCOUNT_UNKNOWN, words=words)
    values: Values = {
        "account": account.id,
        "debit": decimal_value(from_minor(line.debit_minor, command.currency)),
        "credit": decimal_value(from_minor(line.credit_minor, command.currency)),
        "description": describe(line, command),
    }
    if account.party_required:
        party = None if line.customer_code is None else known.parties.get(line.customer_code)
        if party is None:
            words = f"Account {line.account} needs a customer, and Tryton has no active party {line.customer_code}."
            return Rejected(code=RejectionCode.CUSTOMER_UNKNOWN, words=words)
        values["party"] = party
    if line.currency != command.currency:
        currency = known.currencies.get(line.currency)
        if currency is None:
            return Rejected(code=RejectionCode.CURRENCY_UNKNOWN, words=f"Tryton has no currency {line.currency}.")
        values["second_currency"] = currency
        values["amount_second_currency"] = decimal_value(from_minor(line.amount_minor, line.currency))
    return values


def describe(line: JournalLine, command: PostJournal) -> str:
    """The line in words, with what Tryton has no field for."""
    parts = [line.memo or command.description]
    if line.project_code is not None:
        parts.append(line.project_code)
    if line.hours is not None:
        parts.append(f"{line.hours:f} h")
    parts += [f"{name} {value}" for name, value in sorted(line.dimensions.items())]
    return fit_text(" | ".join(parts))


def same_move(move: Values, draft: TrytonDraft) -> bool:
    """Whether a draft that is there is the one that would be made now."""
    if (move["period"], move["journal"]) != (draft.period, draft.journal) or move["date"] != date_value(
        day_of(draft.date)
    ):
        return False
    match move["lines"]:
        case [["create", list(lines)]]:
            return sorted(_facts(line) for line in lines) == sorted(_draft_facts(line) for line in draft.lines)
    return False


def _facts(line: Values) -> tuple[str, ...]:
    amounts = (_plain(line.get(name)) for name in ("debit", "credit", "amount_second_currency"))
    return (
        *(str(line.get(name)) for name in ("account", "party", "second_currency")),
        *amounts,
        str(line["description"]),
    )


def _draft_facts(line: TrytonDraftLine) -> tuple[str, ...]:
    amounts = (line.debit, line.credit, line.amount_second_currency)
    return (
        *(str(one) for one in (line.account, line.party, line.second_currency)),
        *("" if one is None else f"{number_of(one).normalize():f}" for one in amounts),
        line.description or "",
    )


def _plain(value: object) -> str:
    match value:
        case {"decimal": str(text)}:
            return f"{Decimal(text).normalize():f}"
    return ""


def day_of(value: TrytonDate) -> date:
    """The civil date of a typed value; raises ContractError where there is no such day."""
    try:
        return date(value.year, value.month, value.day)
    except ValueError as error:
        raise ContractError(code="TIE-TRYTON-002", message=f"Tryton gave a date that is none: {error}.") from error


def number_of(value: TrytonDecimal) -> Decimal:
    """The number of a typed value; raises ContractError where it is none."""
    try:
        number = Decimal(value.decimal)
    except InvalidOperation as error:
        raise ContractError(code="TIE-TRYTON-002", message=f"Tryton gave {value.decimal!r} as a number.") from error
    if not number.is_finite():
        raise ContractError(code="TIE-TRYTON-002", message=f"Tryton gave {value.decimal!r} as a number.")
    return number


def echo_of(row: TrytonMoveRow, currency: str) -> Echo:
    """What Tryton holds of a move; ``currency`` is the functional one of its company."""
    debits = sum((number_of(line.debit) for line in row.lines), Decimal(0))
    return Echo(
        amount_minor=to_minor(debits, currency), currency=currency, accounting_date=day_of(row.date).isoformat()
    )


def to_posting(head: TrytonMoveHead, lines: list[TrytonLedgerRow], *, entity: str, currency: str) -> LedgerPosting:
    """A move with its lines as the ledger reader gives it out."""
    return LedgerPosting(
        reference=head.description,
        ref=str(head.id),
        entity=entity,
        accounting_date=day_of(head.date),
        period=head.period.name,
        posted=head.state == "posted",
        lines=tuple(_ledger_line(line, currency) for line in sorted(lines, key=lambda line: line.id)),
    )


def _ledger_line(row: TrytonLedgerRow, functional: str) -> LedgerLine:
    functional_minor = to_minor(number_of(row.debit) - number_of(row.credit), functional)
    second, amount = row.second_currency, row.amount_second_currency
    told = second is not None and amount is not None
    return LedgerLine(
        account=row.account.code,
        functional_minor=functional_minor,
        functional_currency=functional,
        amount_minor=to_minor(number_of(amount), second.code) if second and amount else functional_minor,
        currency=second.code if second is not None and told else functional,
    )
