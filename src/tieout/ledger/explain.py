"""How an amount came about: the actual, its entry and message, the rate line and its rivals, exchange rates, versions.

An actual carries the ids of what made it. Here they are followed, and the choice is made once more: among the lines
that were in force at the batch's reference version, for the project as it was known when the batch was recorded.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec
import psycopg

from tieout.errors import ConfigurationError
from tieout.governance import firm_version
from tieout.ledger import rate_book
from tieout.ledger.actuals import Slot, entry_and_slot
from tieout.ledger.rate_lines import (
    FOR_EVER,
    SCOPE_NAME,
    Candidate,
    RateIndex,
    RateKey,
    RateLine,
    RateUnit,
    candidates,
)
from tieout.model.firm import EntityPolicy
from tieout.model.money import alpha_code, exponent, figure, from_minor
from tieout.records import history
from tieout.records.merge import REFERENCE_TYPE, Golden


class ActualTrace(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that made one actual. Amounts are decimals of their currency; ``fx`` is None without conversion.

    ``agrees``: the choice made once more took the same line as the ledger did.
    """

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
    price_words: str
    candidates: tuple[str, ...]
    agrees: bool
    fx: str | None
    policy: str
    firm_version: int
    firm_hash: str
    reference_version: int
    source: str
    message_id: int
    item_no: int
    reference: str | None

    def lines(self) -> list[str]:
        """The trace as sentences, from the amount down to the message."""
        chosen_again = "" if self.agrees else " (the ledger used another line: report this)"
        price = figure(self.price, decimals=exponent(self.currency))
        money = f"{self.amount} {self.currency}"
        if self.currency != self.functional_currency:
            money += f" ({self.functional_amount} {self.functional_currency})"
        return [
            f"Actual {self.actual_id}: {self.kind} of {money}, {self.document_date}",
            f"{figure(self.hours, decimals=2)} h at {price} on project {self.project} by {self.person}",
            f"Rate line {self.rate_line_id}: {self.rate_origin}, scope {self.rate_scope}, {self.rate_valid}",
            f"Price: {self.price_words}",
            f"Candidates, best first{chosen_again}:",
            *(f"  {one}" for one in self.candidates),
            f"Exchange rate: {self.fx or 'none needed'}",
            f"Policy: {self.policy}",
            f"Policies and mappings: firm version {self.firm_version} ({self.firm_hash[:12]})",
            f"Records and rates: reference version {self.reference_version}",
            f"Source: {self.source}, message {self.message_id} item {self.item_no}",
            f"Posting: {self.reference or 'in no journal yet'}",
        ]


class _Found(msgspec.Struct, frozen=True):
    """An actual with its entry and batch, as stored."""

    amount_minor: int
    currency: int
    functional_minor: int
    functional_currency: int
    hours: Decimal
    price: Decimal
    document_date: date
    rate_line_id: int
    fx_rate_id: int | None
    fx_cross_rate_id: int | None
    price_fx_rate_id: int | None
    price_fx_cross_rate_id: int | None
    firm_version: int
    entity_id: int
    project_id: int
    resource_id: int
    role_id: int | None
    task_id: int | None
    work_type: int
    source_id: str
    system: str
    message_id: int
    item_no: int
    reference_version: int
    recorded_at: datetime
    reference: str | None


_FX_DECIMALS: Final = 4
_KINDS = {Slot.COST: "cost", Slot.SALES: "unbilled sales"}


def explain_actual(conn: psycopg.Connection[tuple[object, ...]], actual_id: int) -> ActualTrace:
    """The trace of one actual; raises ConfigurationError (TIE-LEDGER-001) when there is none."""
    found = _find(conn, actual_id)
    slot = entry_and_slot(actual_id)[1]
    currency, functional = alpha_code(found.currency), alpha_code(found.functional_currency)
    known = history.known_as(conn, [found.project_id, found.resource_id, found.entity_id], known_at=found.recorded_at)
    project, entity = known.get(found.project_id), known.get(found.entity_id)
    chosen, listed = _choose_again(conn, found, project)
    firm = firm_version.at_version(conn, found.firm_version)
    policy = None if entity is None or entity.code is None else firm.policy(entity.code)
    return ActualTrace(
        actual_id=actual_id,
        kind=_KINDS.get(slot) or f"reversal of {_KINDS[Slot(slot - 4)]}",
        amount=from_minor(found.amount_minor, currency),
        currency=currency,
        functional_amount=from_minor(found.functional_minor, functional),
        functional_currency=functional,
        hours=found.hours,
        price=found.price,
        document_date=found.document_date,
        project=_name(project, found.project_id),
        person=_name(known.get(found.resource_id), found.resource_id),
        rate_line_id=chosen.rate_line_id,
        rate_origin=chosen.origin,
        rate_scope=SCOPE_NAME[chosen.scope],
        rate_valid=_valid(chosen),
        price_words=_price(chosen, found, policy),
        candidates=tuple(_candidate(one) for one in listed),
        agrees=any(one.won and one.line.rate_line_id == chosen.rate_line_id for one in listed),
        fx=_fx(conn, found),
        policy=_policy(policy),
        firm_version=found.firm_version,
        firm_hash=firm.content_hash,
        reference_version=found.reference_version,
        source=f"{found.system} entry {found.source_id}",
        message_id=found.message_id,
        item_no=found.item_no,
        reference=found.reference,
    )


def _find(conn: psycopg.Connection[tuple[object, ...]], actual_id: int) -> _Found:
    try:
        entry_id = entry_and_slot(actual_id)[0]
    except ValueError:
        entry_id = -1
    row = conn.execute(
        """
        select a.amount_minor, a.currency, a.functional_minor, a.functional_currency, a.hours, a.price,
               a.document_date, a.rate_line_id, a.fx_rate_id, a.fx_cross_rate_id, a.price_fx_rate_id,
               a.price_fx_cross_rate_id, a.firm_version, a.entity_id, a.project_id, e.resource_id, e.role_id, e.task_id,
               e.work_type, e.source_id, s.name, e.message_id, e.item_no, b.reference_version, b.recorded_at,
               d.reference
          from actual a
          join time_entry e on e.entry_id = %s
          join system_name s using (system_id)
          join batch b on e.entry_id between b.first_entry_id and b.last_entry_id
          left join posting_link l on l.entry_id = e.entry_id
          left join delivery d on d.delivery_id = l.delivery_id
         where a.actual_id = %s
        """,
        (entry_id, actual_id),
    ).fetchone()
    if row is None:
        raise ConfigurationError(code="TIE-LEDGER-001", message=f"There is no actual {actual_id}.")
    return msgspec.convert(dict(zip(_Found.__struct_fields__, row, strict=True)), _Found)


def _choose_again(
    conn: psycopg.Connection[tuple[object, ...]], found: _Found, project: Golden | None
) -> tuple[RateLine, list[Candidate]]:
    """The line that the ledger used, and all candidates of then."""
    index = rate_book.load(conn, version=found.reference_version).lines
    chosen = index.by_id.get(found.rate_line_id)
    if chosen is None:
        row = conn.execute(
            f"select {rate_book.LINE_COLUMNS} from rate_line where rate_line_id = %s",  # noqa: S608 - our own columns
            (found.rate_line_id,),
        ).fetchone()
        if row is None:
            raise ConfigurationError(
                code="TIE-LEDGER-002",
                message=f"The rate line {found.rate_line_id} of an actual is not there.",
                next_step="Rate lines are never deleted by the product: compare the database with its backups.",
            )
        chosen = rate_book.rate_line(row)
        index = RateIndex([*index.by_id.values(), chosen])
    refs = {} if project is None else project.refs
    key = RateKey(
        context=chosen.context,
        entity_id=found.entity_id,
        client_id=_meant(conn, "client", refs.get("client")),
        project_id=found.project_id,
        rate_card_id=_meant(conn, "rate_card", refs.get("rate_card")),
        role_id=found.role_id,
        resource_id=found.resource_id,
        task_id=found.task_id,
        work_type=found.work_type,
    )
    return chosen, candidates(index, key, found.document_date.toordinal())


def _meant(conn: psycopg.Connection[tuple[object, ...]], name: str, ref: Sequence[str] | None) -> int | None:
    if ref is None:
        return None
    row = conn.execute(
        "select record_id from cross_reference where type = %s and system = %s and source_id = %s",
        (str(REFERENCE_TYPE[name]), *ref),
    ).fetchone()
    return None if row is None else int(str(row[0]))


def _candidate(one: Candidate) -> str:
    mark = "*" if one.won else "-"
    return f"{mark} line {one.line.rate_line_id} {_price_of(one.line)} ({one.line.origin}): {one.reason}"


def _price_of(line: RateLine) -> str:
    return f"{figure(line.price, decimals=exponent(line.currency))} {line.currency}"


def _valid(line: RateLine) -> str:
    start = "since ever" if line.valid_from == date.min.toordinal() else f"from {date.fromordinal(line.valid_from)}"
    return start if line.valid_to == FOR_EVER else f"{start} until before {date.fromordinal(line.valid_to)}"


def _price(line: RateLine, found: _Found, policy: EntityPolicy | None) -> str:
    """How the price of an hour follows from what the line says."""
    words = f"{_price_of(line)} per {line.unit}"
    if line.unit is RateUnit.DAY:
        hours_per_day = line.hours_per_day or (None if policy is None else policy.hours_per_day)
        words += f" of {hours_per_day} hours ({'the line' if line.hours_per_day else 'the policy'} says so)"
    if found.price_fx_rate_id is not None:
        words += ", converted into the project's currency as the policy allows"
    return words + (", complimentary" if line.complimentary else "")


def _policy(policy: EntityPolicy | None) -> str:
    if policy is None:
        return "unknown"
    hours = ", hours rounded to hundredths first" if policy.round_hours_first else ""
    return (
        f"{policy.entity}: amounts rounded {policy.rounding.replace('_', ' ')}{hours}; {policy.fx_rate_type} rates, "
        f"at most {policy.fx_max_age_days} days old"
    )


def _fx(conn: psycopg.Connection[tuple[object, ...]], found: _Found) -> str | None:
    """The published rates that were used, first those of the price, then those of the functional amount."""
    ids = [found.price_fx_rate_id, found.price_fx_cross_rate_id, found.fx_rate_id, found.fx_cross_rate_id]
    rows = conn.execute(
        """
        select f.base, f.quote, f.rate, f.rate_date, f.rate_type, f.origin
          from unnest(%s::bigint[]) with ordinality as used (fx_rate_id, place) join fx_rate f using (fx_rate_id)
         order by place
        """,
        (ids,),
    ).fetchall()
    words = [
        f"1 {base} = {figure(Decimal(str(rate)), decimals=_FX_DECIMALS)} {quote} of {rate_date} ({rate_type}, {origin})"
        for base, quote, rate, rate_date, rate_type, origin in rows
    ]
    return ", then ".join(words) or None


def _name(golden: Golden | None, record_id: int) -> str:
    if golden is None:
        return str(record_id)
    return golden.code or str(golden.fields.get("name") or record_id)
