"""Reads what waits to be billed; one statement per question, whatever the number of entries."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec
from psycopg import Cursor

from tieout.model.money import alpha_code
from tieout.streams.time_to_bill.journals import RatedEntry

_SELECT = """
    select e.entry_id, e.source_id, e.version, e.entity_id, e.project_id, e.work_date, e.hours,
           s.currency, s.amount_minor, s.functional_minor, c.functional_minor, c.functional_currency
      from time_entry e
      join actual c on c.actual_id = e.entry_id * 8
      left join actual s on s.actual_id = e.entry_id * 8 + 1
"""


class SourceItem(msgspec.Struct, frozen=True):
    """Where an entry was read from."""

    entry_id: int
    message_id: int
    item_no: int
    system_id: int


def backlog_since(cur: Cursor[tuple[object, ...]], size: int, since: datetime) -> bool:
    """Whether more than ``size`` deliveries wait to be sent and the last ones were made after ``since``."""
    cur.execute(
        """
        select exists (select 1 from delivery where state = 'ready' offset %s)
           and exists (select 1 from delivery where delivery_id = (select max(delivery_id) from delivery)
                          and created_at > %s)
        """,
        (size, since),
    )
    row = cur.fetchone()
    return bool(row and row[0])


def is_revaluation_pending(cur: Cursor[tuple[object, ...]]) -> bool:
    """Whether entries may be worth something else since the firm's configuration was applied anew."""
    row = cur.execute("select exists (select from revaluation_pending)").fetchone()
    return bool(row and row[0])


def claim_ranges(cur: Cursor[tuple[object, ...]], *, limit: int) -> list[tuple[int, int]]:
    """Take waiting id ranges out of the queue; they come back if the caller's transaction does not commit.

    Those of a legal entity that waits since a restore stay.
    """
    cur.execute(
        """
        delete from posting_pending where pending_id in (
            select pending_id from posting_pending p
             where p.waits_for is null or not exists (
                   select from restored_entity r where r.entity_id = p.waits_for and r.state = 'waiting')
             order by pending_id limit %s for update skip locked)
        returning first_entry_id, last_entry_id
        """,
        (limit,),
    )
    return [(int(str(first)), int(str(last))) for first, last in cur.fetchall()]


def read_waiting(cur: Cursor[tuple[object, ...]], ranges: Sequence[tuple[int, int]]) -> list[RatedEntry]:
    """The accepted entries of the ranges that are in no journal and on no desk."""
    cur.execute(
        f"""
        {_SELECT}
          join unnest(%s::bigint[], %s::bigint[]) as waiting (first, last)
            on e.entry_id between waiting.first and waiting.last
         where e.disposition = 1
           and not exists (select 1 from posting_link l where l.entry_id = e.entry_id)
           and not exists (select 1 from desk_item i where i.subject_kind = 'time_entry'
                              and i.subject_id = e.entry_id and i.state in ('open', 'released', 'excluded'))
         order by e.entry_id
        """,  # noqa: S608 - a constant of this module
        ([first for first, _ in ranges], [last for _, last in ranges]),
    )
    return [_entry(row) for row in cur]


def read_delivery(cur: Cursor[tuple[object, ...]], delivery_id: int) -> list[RatedEntry]:
    """The entries that are linked to a delivery, in order."""
    cur.execute(
        f"{_SELECT} join posting_link l on l.entry_id = e.entry_id where l.delivery_id = %s order by e.entry_id",
        (delivery_id,),
    )
    return [_entry(row) for row in cur]


def sources_of(cur: Cursor[tuple[object, ...]], entry_ids: Sequence[int]) -> dict[int, SourceItem]:
    """Message, item number and system of entries."""
    cur.execute(
        "select entry_id, message_id, item_no, system_id from time_entry where entry_id = any(%s)", (list(entry_ids),)
    )
    return {one.entry_id: one for one in (SourceItem(*map(int, map(str, row))) for row in cur)}


def _entry(row: tuple[object, ...]) -> RatedEntry:
    (entry_id, source, version, entity_id, project_id, day, hours, currency, sales, sales_functional, cost, home) = row
    home_currency = alpha_code(int(str(home)))
    return RatedEntry(
        entry_id=int(str(entry_id)),
        source=str(source),
        version=int(str(version)),
        entity_id=int(str(entity_id)),
        project_id=int(str(project_id)),
        work_date=_day(day),
        hours=hours if isinstance(hours, Decimal) else Decimal(str(hours)),
        currency=home_currency if currency is None else alpha_code(int(str(currency))),
        sales_minor=None if sales is None else int(str(sales)),
        sales_functional_minor=0 if sales_functional is None else int(str(sales_functional)),
        cost_minor=int(str(cost)),
        functional_currency=home_currency,
    )


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
