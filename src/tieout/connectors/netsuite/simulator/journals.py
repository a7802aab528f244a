"""Journal entries of a simulated account: the rules that refuse one, how one is recorded, and how one is shown.

Rules as the NetSuite help states them ("Journal Entry", "Locking Accounting Periods in NetSuite OneWorld"): every line
has an account and one amount, debits equal credits, every reference exists, amounts fit the currency's precision, and
the posting period is open for the subsidiary. Sublists of an update without ``replace`` are added to what is there.
"""

import sqlite3
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from tieout.connectors.netsuite.simulator.errors import RefusedError
from tieout.connectors.netsuite.simulator.masters import SEGMENTS, Masters, Period, Reference, key_of
from tieout.connectors.netsuite.simulator.store import plain


class JournalLineBody(msgspec.Struct, rename={"class_": "class"}):
    """One line as a client sends it; ``cseg_region`` and ``custcol_workstream`` are the account's own."""

    account: Reference | None = None
    debit: Decimal | None = None
    credit: Decimal | None = None
    memo: str | None = None
    entity: Reference | None = None
    department: Reference | None = None
    class_: Reference | None = None
    location: Reference | None = None
    cseg_region: Reference | None = None
    custcol_workstream: str | None = None
    custcol_tieout_currency: str | None = None
    custcol_tieout_amount: Decimal | None = None
    custcol_tieout_hours: Decimal | None = None


class JournalLines(msgspec.Struct):
    """The line sublist."""

    items: list[JournalLineBody] = []


class JournalBody(msgspec.Struct):
    """A journal entry as a client sends it."""

    externalId: str | None = None  # noqa: N815 - the vendor's member name
    subsidiary: Reference | None = None
    tranDate: date | None = None  # noqa: N815 - the vendor's member name
    currency: Reference | None = None
    exchangeRate: Decimal | None = None  # noqa: N815 - the vendor's member name
    postingPeriod: Reference | None = None  # noqa: N815 - the vendor's member name
    memo: str | None = None
    approved: bool = True
    line: JournalLines = msgspec.field(default_factory=JournalLines)


LINE_MEMBERS: Final = frozenset(JournalLineBody.__struct_encode_fields__)
BODY_MEMBERS: Final = frozenset(JournalBody.__struct_encode_fields__)

Value: TypeAlias = str | int | float | None


@dataclass(frozen=True)
class Posting:
    """A journal that passed every rule, as rows: the header by column, lines in order."""

    header: dict[str, Value]
    lines: tuple[tuple[Value, ...], ...]


def checked(masters: Masters, body: JournalBody, *, today: str) -> Posting:
    """The rows of a journal; raises RefusedError for the first rule that it breaks."""
    subsidiary = key_of(body.subsidiary, masters.subsidiaries, "subsidiary")
    if subsidiary is None:
        raise RefusedError("FIELD_PARAM_REQD", "Please enter value(s) for: Subsidiary", path="subsidiary")
    base_currency = masters.subsidiaries[subsidiary][1]
    currency = key_of(body.currency, masters.currencies, "currency") or base_currency
    if not body.line.items:
        raise RefusedError("USER_ERROR", "You must enter at least one line item for this transaction.", path="line")
    lines = tuple(
        _line(masters, line, number=number, subsidiary=subsidiary, precision=masters.currencies[currency][1])
        for number, line in enumerate(body.line.items, start=1)
    )
    out_of_balance = sum((one.debit or 0) - (one.credit or 0) for one in body.line.items)
    if out_of_balance:
        raise RefusedError("USER_ERROR", f"Transaction was not in balance. Total = {plain(Decimal(out_of_balance))}")
    day = body.tranDate.isoformat() if body.tranDate else today
    period = _open_period(masters, body.postingPeriod, day=day, subsidiary=subsidiary)
    header: dict[str, Value] = {
        "type": "Journal",
        "recordtype": "journalentry",
        "externalid": body.externalId,
        "trandate": day,
        "currency": currency,
        "exchangerate": plain(body.exchangeRate or Decimal(1)),
        "postingperiod": period.id,
        "memo": body.memo,
        "posting": "T" if body.approved else "F",
        "approvalstatus": "2" if body.approved else "1",
        "voided": "F",
    }
    return Posting(header, lines)


def _open_period(masters: Masters, chosen: Reference | None, *, day: str, subsidiary: int) -> Period:
    period = masters.period_of(day)
    if chosen is not None and chosen.id != "":
        names = {one.id: one.name for one in masters.periods}
        key = key_of(chosen, names, "postingPeriod")
        period = next(one for one in masters.periods if one.id == key)
        if not period.starts <= day <= period.ends:
            words = "The transaction date you specified is not within the date range of your accounting period."
            raise RefusedError("USER_ERROR", words, path="tranDate")
    if period is None:
        raise RefusedError("USER_ERROR", f"There is no accounting period for the date {day}.", path="tranDate")
    if period.closed or (period.id, subsidiary) in masters.locks:
        words = f"The posting period {period.name} is closed or locked for this subsidiary. Select an open period."
        raise RefusedError("USER_ERROR", words, path="postingPeriod")
    return period


def _line(
    masters: Masters, line: JournalLineBody, *, number: int, subsidiary: int, precision: int
) -> tuple[Value, ...]:
    path = f"line.items[{number - 1}]"
    account = key_of(line.account, masters.accounts, f"{path}.account")
    if account is None:
        raise RefusedError("FIELD_PARAM_REQD", "Please enter value(s) for: Account", path=f"{path}.account")
    debit, credit = line.debit or Decimal(0), line.credit or Decimal(0)
    if debit < 0 or credit < 0 or (debit and credit):
        raise RefusedError("USER_ERROR", "A line has a debit or a credit, never both.", path=f"{path}.debit")
    for amount in (debit, credit):
        if amount != amount.quantize(Decimal(1).scaleb(-precision)):
            raise RefusedError("INVALID_CONTENT", f"The amount {amount} has too many decimals.", path=f"{path}.debit")
    segments = {
        "department": line.department,
        "class": line.class_,
        "location": line.location,
        "cseg_region": line.cseg_region,
    }
    return (
        number,
        subsidiary,
        key_of(line.entity, masters.entities, f"{path}.entity"),
        *(key_of(segments[name], masters.segments[name], f"{path}.{name}") for name in SEGMENTS),
        line.memo,
        line.custcol_workstream,
        line.custcol_tieout_currency,
        None if line.custcol_tieout_amount is None else plain(line.custcol_tieout_amount),
        None if line.custcol_tieout_hours is None else plain(line.custcol_tieout_hours),
        account,
        plain(debit) if debit else None,
        plain(credit) if credit else None,
        plain(debit - credit),
    )


@dataclass(frozen=True)
class JournalWriter:
    """Records journals that passed the rules; ``local_time`` is now in the account's time zone."""

    local_time: str
    recorded_at: float

    def create(self, rows: sqlite3.Connection, posting: Posting) -> int:
        """A new journal; returns its id."""
        header = {
            **posting.header,
            "createddate": self.local_time,
            "lastmodifieddate": self.local_time,
            "recorded_at": self.recorded_at,
        }
        names, marks = ", ".join(header), ", ".join("?" * len(header))
        # Column names are literals of this module.
        statement = f'insert into "transaction" ({names}) values ({marks})'  # noqa: S608 - see above
        key = int(rows.execute(statement, tuple(header.values())).lastrowid or 0)
        rows.execute('update "transaction" set tranid = ? where id = ?', (f"JE{key}", key))
        _insert_lines(rows, key, posting, first=1)
        return key

    def update(self, rows: sqlite3.Connection, key: int, posting: Posting, *, replace_lines: bool) -> None:
        """Change a journal; without ``replace_lines`` its new lines come on top of what it has."""
        header = {**posting.header, "lastmodifieddate": self.local_time}
        assigned = ", ".join(f"{name} = ?" for name in header)
        statement = f'update "transaction" set {assigned} where id = ?'  # noqa: S608 - literals of this module
        rows.execute(statement, (*header.values(), key))
        if replace_lines:
            delete_lines(rows, key)
        last = rows.execute(
            'select coalesce(max(id), 0) from transactionline where "transaction" = ?', (key,)
        ).fetchone()
        _insert_lines(rows, key, posting, first=int(last[0]) + 1)


def _insert_lines(rows: sqlite3.Connection, key: int, posting: Posting, *, first: int) -> None:
    rows.executemany(
        'insert into transactionline ("transaction", id, linesequencenumber, uniquekey, mainline, subsidiary, entity,'
        " department, class, location, cseg_region, memo, custcol_workstream, custcol_tieout_currency,"
        " custcol_tieout_amount, custcol_tieout_hours, foreignamount)"
        " values (?, ?, ?, ?, 'F', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (key, number, number - 1, key * 10_000 + number, *line[1:12], line[-1])
            for number, line in enumerate(posting.lines, start=first)
        ],
    )
    rows.executemany(
        'insert into transactionaccountingline ("transaction", transactionline, accountingbook, posting, account,'
        " debit, credit, amount, netamount) values (?, ?, 1, ?, ?, ?, ?, ?, ?)",
        [
            (key, number, posting.header["posting"], *line[12:], line[-1])
            for number, line in enumerate(posting.lines, start=first)
        ],
    )


def delete_lines(rows: sqlite3.Connection, key: int) -> None:
    """Remove every line of a journal."""
    rows.execute('delete from transactionline where "transaction" = ?', (key,))
    rows.execute('delete from transactionaccountingline where "transaction" = ?', (key,))


def delete(rows: sqlite3.Connection, key: int) -> None:
    """Remove a journal."""
    delete_lines(rows, key)
    rows.execute('delete from "transaction" where id = ?', (key,))
