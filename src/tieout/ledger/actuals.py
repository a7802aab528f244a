"""Actuals: the append-only rows that money is made of. Built as COPY text, reversed by their own mirror.

One accepted entry has a cost (slot 0) and, where billable, an unbilled sale (slot 1); a reversal stands in slot 4 or 5
of the same entry, so that the links need no table: ``actual_id`` = entry id x 8 + slot. Rows are never edited.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import IntEnum
from functools import lru_cache
from typing import Final

import msgspec
from psycopg import Cursor

from tieout.ledger.fx import FxConversion
from tieout.ledger.rating import HOUR_E4, Priced, Rated
from tieout.storage.copying import copy_lines
from tieout.storage.wake import notify

SLOTS: Final = 8
ACTUAL_COLUMNS: Final = (
    "actual_id",
    "entity_id",
    "project_id",
    "document_date",
    "hours",
    "price",
    "amount_minor",
    "currency",
    "functional_minor",
    "functional_currency",
    "rate_line_id",
    "fx_rate_id",
    "fx_cross_rate_id",
    "price_fx_rate_id",
    "price_fx_cross_rate_id",
    "firm_version",
    "billing_type",
)


class Slot(IntEnum):
    """What an actual of an entry is."""

    COST = 0
    SALES = 1
    COST_REVERSAL = 4
    SALES_REVERSAL = 5


REVERSES: Final = 4
"""Slot of a reversal minus slot of what it reverses."""


class AcceptedEntry(msgspec.Struct, frozen=True, gc=False):
    """An accepted entry as its actuals need it. ``day`` is the work date as an ordinal."""

    entry_id: int
    entity_id: int
    project_id: int
    day: int
    hours_e4: int
    firm_version: int
    rated: Rated


def actual_id(entry_id: int, slot: Slot) -> int:
    """The id of one actual of an entry."""
    return entry_id * SLOTS + slot


def entry_and_slot(one_actual_id: int) -> tuple[int, Slot]:
    """The entry that an actual belongs to and what it is; raises ValueError for an id that no actual can have."""
    return one_actual_id // SLOTS, Slot(one_actual_id % SLOTS)


def actual_rows(entries: Iterable[AcceptedEntry]) -> list[str]:
    """The rows of ``entries`` in COPY text, in the order of ``ACTUAL_COLUMNS``, one string for each row."""
    rows: list[str] = []
    add = rows.append
    for entry in entries:
        rated = entry.rated
        first = entry.entry_id * SLOTS
        where = f"{entry.entity_id}\t{entry.project_id}\t{_day_text(entry.day)}\t{hours_text(entry.hours_e4)}"
        end = f"{entry.firm_version}\t{rated.billing_type}"
        cost = rated.cost
        add(f"{first}\t{where}\t{_money(cost)}\t{end}")
        if rated.sales is not None:
            add(f"{first + 1}\t{where}\t{_money(rated.sales)}\t{end}")
    return rows


def write_actuals(cur: Cursor[tuple[object, ...]], rows: Sequence[str]) -> None:
    """COPY rows of ``actual_rows`` into the ledger."""
    copy_lines(cur, "actual", ACTUAL_COLUMNS, rows)


def reverse(cur: Cursor[tuple[object, ...]], entry_ids: Sequence[int]) -> int:
    """Take back every actual of ``entry_ids`` by its mirror: same price, rate and FX, amounts negated (domain 2.7).

    The plan, whose burn is made of actuals, is told, and so is whoever tells payrolls hours. Returns the number of
    rows written. An actual that is reversed already is a unique conflict of its primary key: the transaction fails
    rather than take back twice.
    """
    cur.execute(
        """
        insert into actual (actual_id, entity_id, project_id, document_date, hours, price, amount_minor, currency,
                            functional_minor, functional_currency, rate_line_id, fx_rate_id, fx_cross_rate_id,
                            price_fx_rate_id, price_fx_cross_rate_id, firm_version, billing_type)
        select a.actual_id + %(reverses)s, a.entity_id, a.project_id, a.document_date, -a.hours, a.price,
               -a.amount_minor, a.currency, -a.functional_minor, a.functional_currency, a.rate_line_id, a.fx_rate_id,
               a.fx_cross_rate_id, a.price_fx_rate_id, a.price_fx_cross_rate_id, a.firm_version, a.billing_type
          from unnest(%(entries)s::bigint[]) as given (entry_id)
          join actual a on a.actual_id between given.entry_id * %(slots)s and given.entry_id * %(slots)s + 1
         order by a.actual_id
        """,
        {"reverses": REVERSES, "entries": list(entry_ids), "slots": SLOTS},
    )
    reversed_count = cur.rowcount
    if reversed_count:
        for table in ("plan_pending", "payroll_pending"):
            cur.execute(
                f"""
                insert into {table} (kind, first_id, last_id)
                select 'reversed', entry_id, entry_id from unnest(%s::bigint[]) as given (entry_id) order by entry_id
                """,  # noqa: S608 - of these two
                (list(entry_ids),),
            )
        notify(cur, "plan_to_allocate")
    return reversed_count


@lru_cache(maxsize=4096)
def hours_text(hours_e4: int) -> str:
    """Ten-thousandths of an hour as an exact decimal."""
    whole, rest = divmod(abs(hours_e4), HOUR_E4)
    return f"{'-' if hours_e4 < 0 else ''}{whole}.{rest:04d}"


@lru_cache(maxsize=4096)
def _day_text(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _money(priced: Priced) -> str:
    price = priced.price
    traced = "\\N\t\\N\t\\N\t\\N"
    if priced.functional is not None or price.conversion is not None:
        traced = f"{_rate_ids(priced.functional)}\t{_rate_ids(price.conversion)}"
    return (
        f"{price.price_text}\t{priced.amount_minor}\t{priced.currency}\t{priced.functional_minor}\t"
        f"{priced.functional_currency}\t{price.line.rate_line_id}\t{traced}"
    )


def _rate_ids(conversion: FxConversion | None) -> str:
    rates = () if conversion is None else conversion.rates
    return "\t".join(str(rates[at].fx_rate_id) if at < len(rates) else "\\N" for at in (0, 1))
