"""Root causes in the order of what they cost, whatever the currency; the rest of the desk is read by ``desk``."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

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


_SELECTED = """
    select i.*, c.code, c.cause_key, c.owner, p.cut_off, a.item_id is not null as is_assigned
      from desk_item i join root_cause c using (cause_id)
      left join golden_record e on e.record_id = i.entity_id
      left join posting_cut_off p on p.entity_id = i.entity_id and p.starts <= i.document_date
                                 and i.document_date < p.ends
      left join desk_assignment a on a.item_id = i.item_id
     where i.state in ('open', 'released')
       and (%(entity)s::text is null or e.code = %(entity)s)
       and (%(owner)s::text is null or c.owner = %(owner)s)
       and (%(code)s::text is null or c.code = %(code)s)
       and (%(cause_id)s::integer is null or i.cause_id = %(cause_id)s)
       and (%(text)s::text is null or i.source_id = %(text)s or i.message ilike '%%' || %(text)s || '%%')
"""
_CAUSES = f"""
    with item as ({_SELECTED}), amount as (
        select i.cause_id, s.currency, sum(s.amount)::bigint as minor
          from item i
         cross join lateral (values (i.currency, i.amount_minor), (i.new_currency, i.new_amount_minor))
               as s (currency, amount)
         where s.currency is not null and s.amount is not null
         group by i.cause_id, s.currency
    ), sums as (
        select cause_id, jsonb_object_agg(currency, minor)::text as minor from amount group by cause_id
    )
    select i.cause_id, min(i.code), min(i.cause_key), min(i.owner), count(*), sum(i.entry_count),
           coalesce(sum(i.hours), 0)::text, min(s.minor),
           coalesce(sum(i.entry_count) filter (where i.amount_minor is null), 0), min(i.opened_at),
           min(i.document_date)::text, min(i.message), count(*) filter (where i.state = 'released'), min(i.cut_off),
           count(*) filter (where i.is_assigned)
      from item i left join sums s using (cause_id)
     group by i.cause_id
"""  # noqa: S608 - constants of this module


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
