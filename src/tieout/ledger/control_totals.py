"""Control totals of the ledger: what the batches say they added is what the actuals add up to.

``inbound`` writes one ``batch_total`` per batch, legal entity and currency in the transaction of the actuals. Here both
are held against each other, and every reversal against what it takes back. ``reconciliation`` shows the breaks.
"""

from decimal import Decimal

import msgspec
import psycopg

from tieout.model.money import UnknownCurrencyError, alpha_code, from_minor


class TotalBreak(msgspec.Struct, frozen=True, kw_only=True):
    """One disagreement of the ledger with itself. ``subject`` names the sum or the actual that it is about."""

    subject: str
    message: str


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, hours, sales in the currency of the sales, cost in the functional currency; minor units."""

    entry_count: int
    hours: Decimal
    amount_minor: int
    cost_minor: int


_TotalKey = tuple[int, int, int]


def verify(conn: psycopg.Connection[tuple[object, ...]]) -> list[TotalBreak]:
    """Every disagreement, in a snapshot of the caller: sums that differ, and reversals that are no mirror."""
    stated, found = stated_totals(conn), actual_totals(conn)
    nothing = Totals(entry_count=0, hours=Decimal(0), amount_minor=0, cost_minor=0)
    breaks = [
        _differ(key, stated.get(key, nothing), found.get(key, nothing))
        for key in sorted(stated.keys() | found.keys())
        if stated.get(key, nothing) != found.get(key, nothing)
    ]
    return breaks + _crooked_reversals(conn)


def stated_totals(conn: psycopg.Connection[tuple[object, ...]]) -> dict[_TotalKey, Totals]:
    """What the batches stated, by legal entity, currency and functional currency; reversals taken off."""
    rows = conn.execute(
        """
        select entity_id, currency, functional_currency, sum(entry_count), sum(hours), sum(amount_minor),
               sum(cost_minor)
          from batch_total group by 1, 2, 3
        """
    )
    return {key: total for key, total in map(_total, rows) if _is_something(total)}


def actual_totals(conn: psycopg.Connection[tuple[object, ...]]) -> dict[_TotalKey, Totals]:
    """The same of the actuals themselves; an entry without sales counts under its functional currency."""
    rows = conn.execute(
        """
        select c.entity_id, coalesce(s.currency, c.functional_currency), c.functional_currency,
               sum(case when c.actual_id % 8 = 0 then 1 else -1 end), sum(c.hours), coalesce(sum(s.amount_minor), 0),
               sum(c.functional_minor)
          from actual c left join actual s on s.actual_id = c.actual_id + 1
         where c.actual_id % 8 in (0, 4)
         group by 1, 2, 3
        """
    )
    return {key: total for key, total in map(_total, rows) if _is_something(total)}


def _crooked_reversals(conn: psycopg.Connection[tuple[object, ...]]) -> list[TotalBreak]:
    """The first reversals that take back anything but exactly one actual that stands (domain model 2.7)."""
    rows = conn.execute(
        """
        select r.actual_id, o.actual_id is null
          from actual r left join actual o on o.actual_id = r.actual_id - 4
         where r.actual_id % 8 in (4, 5)
           and (o.entity_id, o.project_id, o.document_date, -o.hours, o.price, -o.amount_minor, o.currency,
                -o.functional_minor, o.functional_currency, o.rate_line_id, o.fx_rate_id, o.fx_cross_rate_id)
               is distinct from
               (r.entity_id, r.project_id, r.document_date, r.hours, r.price, r.amount_minor, r.currency,
                r.functional_minor, r.functional_currency, r.rate_line_id, r.fx_rate_id, r.fx_cross_rate_id)
         union all
        select s.actual_id, true from actual s left join actual c on c.actual_id = s.actual_id - 1
         where s.actual_id % 8 in (1, 5) and c.actual_id is null
         order by 1 limit 50
        """
    )
    return [
        TotalBreak(
            subject=f"actual {actual_id}",
            message=f"Actual {actual_id} {'stands without the one it belongs to' if alone else 'is no mirror'}.",
        )
        for actual_id, alone in rows
    ]


def _differ(key: _TotalKey, stated: Totals, found: Totals) -> TotalBreak:
    entity_id, currency, functional = key
    return TotalBreak(
        subject=f"entity {entity_id} currency {currency}",
        message=f"The batches of legal entity {entity_id} state {_words(stated, currency, functional)}; its actuals "
        f"add up to {_words(found, currency, functional)}.",
    )


def _words(total: Totals, currency: int, functional: int) -> str:
    return (
        f"{total.entry_count} entries, {total.hours} h, sales {_money(total.amount_minor, currency)}, "
        f"cost {_money(total.cost_minor, functional)}"
    )


def _money(amount_minor: int, number: int) -> str:
    """An amount in words; a currency that is none was put there by hand and is shown as it stands."""
    try:
        currency = alpha_code(number)
    except UnknownCurrencyError:
        return f"{amount_minor} minor units of currency {number}"
    return f"{from_minor(amount_minor, currency)} {currency}"


def _is_something(total: Totals) -> bool:
    return bool(total.entry_count or total.hours or total.amount_minor or total.cost_minor)


def _total(row: tuple[object, ...]) -> tuple[_TotalKey, Totals]:
    entity_id, currency, functional, entry_count, hours, amount_minor, cost_minor = row
    total = Totals(
        entry_count=int(str(entry_count)),
        hours=Decimal(str(hours)),
        amount_minor=int(str(amount_minor)),
        cost_minor=int(str(cost_minor)),
    )
    return (int(str(entity_id)), int(str(currency)), int(str(functional))), total
