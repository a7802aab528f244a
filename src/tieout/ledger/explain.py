"""How an amount came about: the actual, its entry and message, the rate line and its rivals, exchange rate, versions.

Reads the trace ids that the actual carries and what they point to; candidates are listed once more from the lines that
were in force, in the one order that rating uses.
"""

from datetime import date
from decimal import Decimal

import msgspec
import psycopg

from tieout.errors import ConfigurationError
from tieout.ledger.actuals import Slot, entry_and_slot
from tieout.ledger.rate_book import rate_line
from tieout.ledger.rate_lines import (
    FOR_EVER,
    SCOPE_NAME,
    Candidate,
    RateIndex,
    RateKey,
    RateLine,
    candidates,
)
from tieout.model.money import alpha_code, from_minor
from tieout.records import reference_book


class ActualTrace(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that made one actual. Amounts are decimals of their currency; ``fx`` is None without conversion."""

    actual_id: int
    kind: str
    amount: Decimal
    currency: str
    functional_amount: Decimal
    functional_currency: str
    hours: Decimal
    price: Decimal
    document_date: date
    project: str
    person: str
    rate_line_id: int
    rate_origin: str
    rate_scope: str
    rate_valid: str
    candidates: tuple[str, ...]
    fx: str | None
    firm_version: int
    firm_hash: str
    source: str
    message_id: int
    item_no: int
    reference: str | None

    def lines(self) -> list[str]:
        """The trace as sentences, from the amount down to the message."""
        listed = [f"  {one}" for one in self.candidates]
        return [
            f"Actual {self.actual_id}: {self.kind} of {self.amount} {self.currency} "
            f"({self.functional_amount} {self.functional_currency}), {self.document_date}",
            f"{self.hours} h at {self.price} on project {self.project} by {self.person}",
            f"Rate line {self.rate_line_id}: {self.rate_origin}, scope {self.rate_scope}, {self.rate_valid}",
            "Candidates, best first:",
            *listed,
            f"Exchange rate: {self.fx or 'none needed'}",
            f"Policy and mappings: firm version {self.firm_version} ({self.firm_hash[:12]})",
            f"Source: {self.source}, message {self.message_id} item {self.item_no}",
            f"Posting: {self.reference or 'in no journal yet'}",
        ]


_KINDS = {Slot.COST: "cost", Slot.SALES: "unbilled sales"}


def explain_actual(conn: psycopg.Connection[tuple[object, ...]], actual_id: int) -> ActualTrace:
    """The trace of one actual; raises ConfigurationError (TIE-LEDGER-001) when there is none."""
    entry_id, slot = entry_and_slot(actual_id)
    row = conn.execute(
        """
        select a.amount_minor, a.currency, a.functional_minor, a.functional_currency, a.hours, a.price,
               a.document_date, a.rate_line_id, a.fx_rate_id, a.firm_version, e.source_id, s.name, e.message_id,
               e.item_no, e.project_id, e.resource_id, e.role_id, e.task_id, e.work_type, v.content_hash, d.reference
          from actual a
          join time_entry e on e.entry_id = %s
          join system_name s using (system_id)
          join firm_version v on v.version = a.firm_version
          left join posting_link l on l.entry_id = e.entry_id
          left join delivery d on d.delivery_id = l.delivery_id
         where a.actual_id = %s
        """,
        (entry_id, actual_id),
    ).fetchone()
    if row is None:
        raise ConfigurationError(
            code="TIE-LEDGER-001",
            message=f"There is no actual {actual_id}.",
            next_step="Take the number from `tieout tie-out --bucket` (entry times 8, plus 0 for cost or 1 for sales).",
        )
    day = _day(row[6])
    currency, functional = alpha_code(_whole(row[1])), alpha_code(_whole(row[3]))
    book = reference_book.load(conn)
    project = book.project_by_id[_whole(row[14])]
    person = book.resource_by_id[_whole(row[15])]
    index, chosen = _lines_of(conn, _whole(row[7]))
    key = RateKey(
        context=chosen.context,
        entity_id=project.entity_id,
        client_id=project.client_id,
        project_id=project.record_id,
        rate_card_id=project.rate_card_id,
        role_id=None if row[16] is None else _whole(row[16]),
        resource_id=person.record_id,
        task_id=None if row[17] is None else _whole(row[17]),
        work_type=_whole(row[18]),
    )
    return ActualTrace(
        actual_id=actual_id,
        kind=_KINDS.get(slot, f"reversal of {slot.name.lower()}"),
        amount=from_minor(_whole(row[0]), currency),
        currency=currency,
        functional_amount=from_minor(_whole(row[2]), functional),
        functional_currency=functional,
        hours=Decimal(str(row[4])),
        price=Decimal(str(row[5])),
        document_date=day,
        project=project.code or project.name,
        person=person.name,
        rate_line_id=chosen.rate_line_id,
        rate_origin=chosen.origin,
        rate_scope=SCOPE_NAME[chosen.scope],
        rate_valid=_valid(chosen),
        candidates=tuple(_candidate(one) for one in candidates(index, key, day.toordinal())),
        fx=_fx(conn, row[8]),
        firm_version=_whole(row[9]),
        firm_hash=str(row[19]),
        source=f"{row[11]} entry {row[10]}",
        message_id=_whole(row[12]),
        item_no=_whole(row[13]),
        reference=None if row[20] is None else str(row[20]),
    )


def _lines_of(conn: psycopg.Connection[tuple[object, ...]], rate_line_id: int) -> tuple[RateIndex, RateLine]:
    """The lines that were in force when the chosen one was used: all of its time, retired ones too."""
    rows = conn.execute(
        """
        select rate_line_id, context, origin, scope, price, currency, valid_from, valid_to, entity_id, client_id,
               project_id, rate_card_id, role_id, resource_id, task_id, work_type, unit, hours_per_day, complimentary
          from rate_line r
         where rate_line_id = %(chosen)s
            or not exists (select from rate_line_retired t where t.rate_line_id = r.rate_line_id)
        """,
        {"chosen": rate_line_id},
    ).fetchall()
    index = RateIndex(rate_line(row) for row in rows)
    return index, index.by_id[rate_line_id]


def _candidate(one: Candidate) -> str:
    mark = "*" if one.won else "-"
    return f"{mark} line {one.line.rate_line_id} {one.line.price} {one.line.currency} ({one.line.origin}): {one.reason}"


def _valid(line: RateLine) -> str:
    last = "on" if line.valid_to == FOR_EVER else f"until before {date.fromordinal(line.valid_to)}"
    return f"from {date.fromordinal(line.valid_from)} {last}"


def _fx(conn: psycopg.Connection[tuple[object, ...]], fx_rate_id: object) -> str | None:
    if fx_rate_id is None:
        return None
    row = conn.execute(
        "select base, quote, rate, rate_date, rate_type, origin from fx_rate where fx_rate_id = %s", (fx_rate_id,)
    ).fetchone()
    if row is None:
        return None
    return f"1 {row[0]} = {row[2]} {row[1]} of {row[3]} ({row[4]}, {row[5]})"


def _whole(value: object) -> int:
    return int(str(value))


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
