"""Tryton's own types, as its JSON-RPC sends and takes them.

Typed values travel as objects with a ``__class__``; a field ``party.code`` that was asked for comes back inside a
member ``party.`` (with the dot). Neighbours: ``mapping`` turns these into canonical words and back.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

Values: TypeAlias = dict[str, object]
"""The values of a record to create or change, by field; made of JSON values."""


class TrytonDecimal(msgspec.Struct, frozen=True, tag_field="__class__", tag="Decimal"):
    """An exact number."""

    decimal: str


class TrytonDate(msgspec.Struct, frozen=True, tag_field="__class__", tag="date"):
    """A civil date."""

    year: int
    month: int
    day: int


class TrytonDateTime(msgspec.Struct, frozen=True, tag_field="__class__", tag="datetime"):
    """A date and time in the time zone of Tryton's database session, which it does not tell."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int


def decimal_value(amount: Decimal) -> Values:
    """``amount`` as Tryton takes it."""
    return {"__class__": "Decimal", "decimal": f"{amount:f}"}


def date_value(day: date) -> Values:
    """``day`` as Tryton takes it."""
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def datetime_value(at: datetime) -> Values:
    """``at`` as Tryton takes it, without a zone."""
    return {
        "__class__": "datetime",
        **{part: getattr(at, part) for part in ("year", "month", "day", "hour", "minute", "second", "microsecond")},
    }


class TrytonCode(msgspec.Struct, frozen=True):
    """A record read only for its code."""

    id: int
    code: str


class TrytonNamed(msgspec.Struct, frozen=True):
    """A record read only for its name."""

    id: int
    name: str


class TrytonCompanyRow(msgspec.Struct, frozen=True, rename={"party": "party.", "currency": "currency."}):
    """A company; its code, name and country are those of its own party."""

    id: int
    party: "TrytonCompanyParty"
    currency: TrytonCode
    timezone: str | None
    stamp: str = msgspec.field(name="_timestamp")


class TrytonAddress(msgspec.Struct, frozen=True, rename={"country": "country."}):
    """An address of a party, in its order."""

    id: int
    country: TrytonCode | None
    stamp: str = msgspec.field(name="_timestamp")


class TrytonCompanyParty(msgspec.Struct, frozen=True, rename={"addresses": "addresses."}):
    """The party behind a company, with its addresses."""

    id: int
    code: str
    name: str
    addresses: tuple[TrytonAddress, ...]
    stamp: str = msgspec.field(name="_timestamp")


class TrytonPartyOf(msgspec.Struct, frozen=True):
    """The party behind an employee. Its time stamp tells when its name was changed."""

    id: int
    code: str
    name: str
    stamp: str = msgspec.field(name="_timestamp")
    email: str | None = None


class TrytonJournalPeriod(msgspec.Struct, frozen=True, rename={"journal": "journal."}):
    """A journal within a period: closing a period closes its journals, opening it again leaves them closed."""

    id: int
    state: Literal["open", "closed"]
    journal: TrytonCode
    stamp: str = msgspec.field(name="_timestamp")


class TrytonPeriodRow(msgspec.Struct, frozen=True, rename={"journals": "journals."}):
    """An accounting period; ``end_date`` is its last day. ``journals`` are those that were used in it."""

    id: int
    name: str
    start_date: TrytonDate
    end_date: TrytonDate
    state: Literal["open", "closed", "locked"]
    company: int
    stamp: str = msgspec.field(name="_timestamp")
    journals: tuple[TrytonJournalPeriod, ...]

    def is_open(self, journal: str) -> bool:
        """Whether moves of the journal with this code may be made in it."""
        closed = any(one.state == "closed" and one.journal.code == journal for one in self.journals)
        return self.state == "open" and not closed


class TrytonRateRow(msgspec.Struct, frozen=True, rename={"currency": "currency."}):
    """From ``date`` on, ``rate`` units of the currency are worth one unit of the base currency."""

    id: int
    currency: TrytonCode
    date: TrytonDate
    rate: TrytonDecimal
    stamp: str = msgspec.field(name="_timestamp")


class TrytonPartyRow(msgspec.Struct, frozen=True):
    """A party."""

    id: int
    code: str
    name: str | None
    active: bool
    stamp: str = msgspec.field(name="_timestamp")


class TrytonProjectRow(msgspec.Struct, frozen=True):
    """A project; its name begins with its business code."""

    id: int
    name: str
    company: int
    party: int | None
    stamp: str = msgspec.field(name="_timestamp")


class TrytonEmployeeRow(msgspec.Struct, frozen=True, rename={"party": "party."}):
    """An employee of a company; both dates are days of employment."""

    id: int
    party: TrytonPartyOf
    company: int
    start_date: TrytonDate | None
    end_date: TrytonDate | None
    stamp: str = msgspec.field(name="_timestamp")


class TrytonAccountRow(msgspec.Struct, frozen=True):
    """An account; with ``party_required`` every line on it must name a party, otherwise none may."""

    id: int
    code: str
    party_required: bool


class TrytonDebit(msgspec.Struct, frozen=True):
    """The debit of a line."""

    id: int
    debit: TrytonDecimal


class TrytonMoveRow(msgspec.Struct, frozen=True, rename={"lines": "lines."}):
    """A move as a look-up reads it. ``origin`` is ``account.move,ID`` where it cancels another."""

    id: int
    description: str
    state: Literal["draft", "posted"]
    date: TrytonDate
    origin: str | None
    lines: tuple[TrytonDebit, ...] = ()


class TrytonDraftLine(msgspec.Struct, frozen=True):
    """A line of a draft as it can be compared with what would be made."""

    id: int
    account: int
    party: int | None
    debit: TrytonDecimal
    credit: TrytonDecimal
    second_currency: int | None
    amount_second_currency: TrytonDecimal | None
    description: str | None


class TrytonDraft(msgspec.Struct, frozen=True, rename={"lines": "lines."}):
    """A draft with all that a client may set."""

    id: int
    period: int
    journal: int
    date: TrytonDate
    lines: tuple[TrytonDraftLine, ...] = ()


class TrytonMoveHead(msgspec.Struct, frozen=True, rename={"period": "period."}):
    """A move as the ledger reader reads it."""

    id: int
    description: str
    state: Literal["draft", "posted"]
    date: TrytonDate
    period: TrytonNamed


class TrytonLedgerRow(
    msgspec.Struct, frozen=True, rename={"account": "account.", "second_currency": "second_currency."}
):
    """A line of the ledger."""

    id: int
    move: int
    account: TrytonCode
    debit: TrytonDecimal
    credit: TrytonDecimal
    second_currency: TrytonCode | None
    amount_second_currency: TrytonDecimal | None
