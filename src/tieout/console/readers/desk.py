"""Root causes in the order of what they cost, whatever the currency; the rest of the desk is read by ``desk``."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Connection

from tieout.console.readers.worth import Comparison, Worth
from tieout.model.finding_codes import CATALOGUE
from tieout.model.money import alpha_code


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One root cause: what it holds and what that is worth. ``minor`` is minor units by currency."""

    cause_id: int
    code: str
    cause_key: str
    owner: str
    title: str
    next_step: str
    example: str
    items: int
    entries: int
    hours: Decimal
    minor: Mapping[str, int]
    worth: Worth
    unpriced: int
    oldest: datetime
    oldest_day: str | None
    released: int
    cut_off: datetime | None
    assigned: int


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which held items are meant; None: any."""

    entity: str | None = None
    owner: str | None = None
    code: str | None = None
    cause_id: int | None = None
    text: str | None = None


# Added up by what is alike first: some thousand rows are then looked up in cut-offs, not every item.
_CAUSES: Final = """
    with alike as materialized (
        select i.cause_id, i.entity_id, i.document_date, i.currency, i.new_currency, count(*) as items,
               sum(i.entry_count) as entries, sum(i.hours) as hours, sum(i.amount_minor)::bigint as amount_minor,
               sum(i.new_amount_minor)::bigint as new_amount_minor,
               sum(i.entry_count) filter (where i.amount_minor is null) as unpriced, min(i.opened_at) as oldest,
               min(i.item_id) as first_id, count(*) filter (where i.state = 'released') as released
          from desk_item i
         where i.state in ('open', 'released')
           and (%(cause_id)s::integer is null or i.cause_id = %(cause_id)s)
           and (%(entity)s::text is null or i.entity_id = (
                   select record_id from golden_record where type = 'legal_entity' and code = %(entity)s))
           and (%(text)s::text is null or i.source_id = %(text)s or i.message ilike '%%' || %(text)s || '%%')
         group by 1, 2, 3, 4, 5
    ), amount as (
        select a.cause_id, s.currency, sum(s.amount)::bigint as minor
          from alike a
         cross join lateral (values (a.currency, a.amount_minor), (a.new_currency, a.new_amount_minor))
               as s (currency, amount)
         where s.currency is not null and s.amount is not null
         group by a.cause_id, s.currency
    ), sums as (
        select cause_id, jsonb_object_agg(currency, minor)::text as minor from amount group by cause_id
    ), cause as (
        select a.cause_id, sum(a.items) as items, sum(a.entries) as entries, coalesce(sum(a.hours), 0) as hours,
               coalesce(sum(a.unpriced), 0) as unpriced, min(a.oldest) as oldest, min(a.document_date) as day,
               min(a.first_id) as first_id, sum(a.released) as released,
               min((select p.cut_off from posting_cut_off p
                     where p.entity_id = a.entity_id and p.starts <= a.document_date and a.document_date < p.ends
                     limit 1)) as cut_off
          from alike a group by a.cause_id
    ), assigned as (
        select i.cause_id, count(*) as items from desk_assignment d join desk_item i using (item_id)
         where i.state in ('open', 'released') group by i.cause_id
    )
    select c.cause_id, r.code, r.cause_key, r.owner, c.items, c.entries, c.hours::text, s.minor, c.unpriced, c.oldest,
           c.day::text, i.message, c.released, c.cut_off, coalesce(d.items, 0)
      from cause c join root_cause r on r.cause_id = c.cause_id
      join desk_item i on i.item_id = c.first_id
      left join sums s on s.cause_id = c.cause_id
      left join assigned d on d.cause_id = c.cause_id
     where (%(owner)s::text is null or r.owner = %(owner)s) and (%(code)s::text is null or r.code = %(code)s)
"""


def causes(conn: Connection[tuple[object, ...]], chosen: Chosen, comparison: Comparison) -> list[Cause]:
    """Root causes of the items that are meant, the costliest first; what has no price comes after, by its hours."""
    found = [_cause(row, comparison) for row in conn.execute(_CAUSES, msgspec.structs.asdict(chosen))]
    return sorted(found, key=lambda one: (-abs(one.worth.value), -one.hours, one.cause_id))


def _cause(row: tuple[object, ...], comparison: Comparison) -> Cause:
    cause_id, code, key, owner, items, entries, hours, minor, unpriced, oldest, *rest = row
    day, example, released, cut_off, assigned = rest
    by_number = {} if minor is None else msgspec.json.decode(str(minor), type=dict[str, int])
    by_currency = {alpha_code(int(number)): amount for number, amount in by_number.items()}
    known = CATALOGUE[str(code)]
    return Cause(
        cause_id=int(str(cause_id)),
        code=str(code),
        cause_key=str(key),
        owner=str(owner),
        title=known.title,
        next_step=known.next_step,
        example=str(example),
        items=int(str(items)),
        entries=int(str(entries)),
        hours=Decimal(str(hours)),
        minor=by_currency,
        worth=comparison.worth(by_currency),
        unpriced=int(str(unpriced)),
        oldest=msgspec.convert(oldest, datetime),
        oldest_day=None if day is None else str(day),
        released=int(str(released)),
        cut_off=msgspec.convert(cut_off, datetime | None),
        assigned=int(str(assigned)),
    )


def owners(conn: Connection[tuple[object, ...]]) -> list[str]:
    """The queues that hold anything now."""
    rows = conn.execute(
        """
        select distinct c.owner from desk_item i join root_cause c using (cause_id)
         where i.state in ('open', 'released') order by 1
        """
    )
    return [str(row[0]) for row in rows]
