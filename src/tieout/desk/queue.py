"""The queue as people and programs read it: root causes and items, filtered, priced, page by page. Reads only.

``item_view`` tells all of one item; ``acts`` and ``proposals`` change things. Every door reads through here.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.desk import paging
from tieout.desk.paging import Mark
from tieout.errors import ConfigurationError
from tieout.model.finding_codes import CATALOGUE

_View = TypeVar("_View", bound=msgspec.Struct)
_HOUR_S: Final = 3600
_PAGE: Final = 50


class ItemState(StrEnum):
    """Which items are meant: ``held`` are open or released (being judged again), the others are closed."""

    HELD = "held"
    OPEN = "open"
    RELEASED = "released"
    RESOLVED = "resolved"
    EXCLUDED = "excluded"
    ANY = "any"


_STATES: Final = {
    ItemState.HELD: ["open", "released"],
    ItemState.ANY: ["open", "released", "resolved", "excluded"],
}


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which items are meant; what is None does not choose.

    ``owner`` is a queue (``model.finding_codes.Owner``), ``assignee`` a name (empty: nobody's), ``entity`` the code of
    a legal entity (empty: of none), ``system`` the name of the source. ``currency`` is an ISO 4217 numeric code, and
    only items of it with at least ``amount_minor_from`` at stake, either way, are meant. ``text`` is part of a source
    id or of what happened.
    """

    state: ItemState = ItemState.HELD
    owner: str | None = None
    assignee: str | None = None
    code: str | None = None
    cause_id: int | None = None
    entity: str | None = None
    system: str | None = None
    currency: int | None = None
    amount_minor_from: int | None = None
    opened_before: datetime | None = None
    cut_off_before: datetime | None = None
    text: str | None = None


EVERYTHING: Final = Chosen()


class CauseOrder(StrEnum):
    """Which causes come first: most hours at stake, longest held, soonest cut-off, most items."""

    HOURS = "hours"
    AGE = "age"
    CUT_OFF = "cut_off"
    ITEMS = "items"


class ItemOrder(StrEnum):
    """Which items come first: longest on the desk, most hours, soonest cut-off, newest (for closed ones)."""

    AGE = "age"
    HOURS = "hours"
    CUT_OFF = "cut_off"
    NEWEST = "newest"


class CauseSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One root cause and what it holds.

    ``count`` is how many time entries, ``items`` how many items: a deal or a customer is held without any entry.
    ``amount_minor`` is by ISO 4217 numeric currency; unpriced entries have none. ``cut_off``: the soonest posting
    cut-off of any item's period, None where no period is known. ``depends_on``: tokens of what would cure it.
    """

    cause_id: int
    code: str
    cause_key: str
    owner: str
    count: int
    items: int
    hours: Decimal
    amount_minor: dict[str, int]
    unpriced_count: int
    oldest: datetime
    cut_off: datetime | None
    assigned_count: int
    depends_on: list[str]
    example: str

    @property
    def title(self) -> str:
        """What the code means."""
        return CATALOGUE[self.code].title

    @property
    def next_step(self) -> str:
        """What its owner does."""
        return CATALOGUE[self.code].next_step

    def hours_to_cut_off(self, now: datetime) -> int | None:
        """Whole hours until the soonest cut-off, negative once it is over."""
        return hours_until(self.cut_off, now)


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """One item in a list. A change from one currency to another has its delta in both of them."""

    item_id: int
    cause_id: int
    code: str
    owner: str
    state: str
    subject_kind: str
    subject_id: int
    system: str | None
    source_id: str | None
    entity: str | None
    assignee: str | None
    document_date: str | None
    hours: Decimal | None
    amount_minor: int | None
    currency: int | None
    new_amount_minor: int | None
    new_currency: int | None
    message: str
    context: dict[str, str]
    opened_at: datetime
    closed_at: datetime | None
    cut_off: datetime | None

    @property
    def title(self) -> str:
        """What the code means."""
        return CATALOGUE[self.code].title

    @property
    def next_step(self) -> str:
        """What its owner does."""
        return CATALOGUE[self.code].next_step

    def hours_to_cut_off(self, now: datetime) -> int | None:
        """Whole hours until the posting cut-off of its period, negative once it is over."""
        return hours_until(self.cut_off, now)


class CausePage(msgspec.Struct, frozen=True, kw_only=True):
    """Some causes, and where the next page goes on; None at the end."""

    causes: tuple[CauseSummary, ...]
    next: str | None


class ItemPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some items, and where the next page goes on; None at the end."""

    items: tuple[ItemView, ...]
    next: str | None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What is chosen, added up: the figures that the lists behind them come to."""

    causes: int
    items: int
    count: int
    hours: Decimal
    amount_minor: dict[str, int]
    unpriced_count: int


def hours_until(instant: datetime | None, now: datetime) -> int | None:
    """Whole hours from ``now``, rounded down; None for no instant."""
    return None if instant is None else int((instant - now).total_seconds() // _HOUR_S)


_FROM: Final = """
      from desk_item i join root_cause c using (cause_id)
      left join desk_assignment a on a.item_id = i.item_id
      left join golden_record e on e.record_id = i.entity_id
      left join system_name s on s.system_id = i.system_id
      left join posting_cut_off p
        on p.entity_id = i.entity_id and p.starts <= i.document_date and i.document_date < p.ends
"""
_WHERE: Final = """
     where i.state = any(%(states)s)
       and (%(owner)s::text is null or c.owner = %(owner)s)
       and (%(assignee)s::text is null or coalesce(a.assignee, '') = %(assignee)s)
       and (%(code)s::text is null or c.code = %(code)s)
       and (%(cause)s::bigint is null or i.cause_id = %(cause)s)
       and (%(entity)s::text is null or coalesce(e.code, '') = %(entity)s)
       and (%(system)s::text is null or s.name = %(system)s)
       and (%(currency)s::integer is null
            or (i.currency = %(currency)s and abs(i.amount_minor) >= %(amount)s)
            or (i.new_currency = %(currency)s and abs(i.new_amount_minor) >= %(amount)s))
       and (%(opened)s::timestamptz is null or i.opened_at < %(opened)s)
       and (%(cut_off)s::timestamptz is null or p.cut_off < %(cut_off)s)
       and (%(text)s::text is null
            or position(lower(%(text)s) in lower(coalesce(i.source_id, '') || ' ' || i.message)) > 0)
"""
_MONEY: Final = """
    money as (
        select {key} as money_of, jsonb_object_agg(currency, amount) as amount_minor
          from (select {key}, w.currency, sum(w.amount_minor)::bigint as amount
                  from chosen cross join lateral (values (currency, amount_minor),
                                                         (new_currency, new_amount_minor)) w (currency, amount_minor)
                 where w.currency is not null and w.amount_minor is not null group by {key}, w.currency) summed
         group by {key}
    )
"""
_CAUSE_KEYS: Final = {
    CauseOrder.HOURS: "(-hours)::numeric",
    CauseOrder.AGE: "extract(epoch from oldest)",
    CauseOrder.CUT_OFF: "extract(epoch from coalesce(cut_off, timestamptz '9999-01-01'))",
    CauseOrder.ITEMS: "(-items)::numeric",
}
_ITEM_KEYS: Final = {
    ItemOrder.AGE: "i.item_id",
    ItemOrder.NEWEST: "-i.item_id",
    ItemOrder.HOURS: "-coalesce(i.hours, 0)",
    ItemOrder.CUT_OFF: "extract(epoch from coalesce(p.cut_off, timestamptz '9999-01-01'))",
}
_BY_NUMBER: Final = {ItemOrder.AGE: ("i.item_id", ">"), ItemOrder.NEWEST: ("i.item_id desc", "<")}
"""Items are numbered as they are opened: of all that was ever closed these orders need no sorting."""
_HELD_STATES: Final = frozenset({ItemState.HELD, ItemState.OPEN, ItemState.RELEASED})


class _CauseRow(CauseSummary, frozen=True, kw_only=True):
    sort_key: Decimal


class _ItemRow(ItemView, frozen=True, kw_only=True):
    sort_key: Decimal


def causes(
    conn: Connection[tuple[object, ...]],
    chosen: Chosen = EVERYTHING,
    *,
    order: CauseOrder = CauseOrder.HOURS,
    after: str | None = None,
    limit: int | None = _PAGE,
) -> CausePage:
    """Root causes of the chosen items; ``after`` is ``next`` of the page before, ``limit`` None means all.

    Raises ConfigurationError (TIE-DESK-011) for a mark of another list.
    """
    mark = paging.read(after, order=order)
    with conn.cursor(row_factory=class_row(_CauseRow)) as cur:
        cur.execute(
            f"""
            with chosen as (
                select i.cause_id, i.entry_count, i.hours, i.currency, i.amount_minor, i.new_currency,
                       i.new_amount_minor,
                       i.opened_at, i.message, a.assignee, p.cut_off {_FROM} {_WHERE}
            ), summed as (
                select cause_id, sum(entry_count)::integer as count, count(*)::integer as items,
                       coalesce(sum(hours), 0) as hours,
                       coalesce(sum(entry_count) filter (where amount_minor is null), 0)::integer as unpriced_count,
                       min(opened_at) as oldest, min(cut_off) as cut_off, count(assignee)::integer as assigned_count,
                       min(message) as example
                  from chosen group by cause_id
            ), page as (
                select *, {_CAUSE_KEYS[order]} as sort_key from summed
            ), {_MONEY.format(key="cause_id")}
            select g.cause_id, c.code, c.cause_key, c.owner, g.count, g.items, g.hours,
                   coalesce(m.amount_minor, '{{}}'::jsonb) as amount_minor, g.unpriced_count, g.oldest, g.cut_off,
                   g.assigned_count, c.depends_on, g.example, g.sort_key
              from page g join root_cause c using (cause_id) left join money m on m.money_of = g.cause_id
             where %(number)s::bigint is null or (g.sort_key, g.cause_id) > (%(key)s::numeric, %(number)s::bigint)
             order by g.sort_key, g.cause_id limit %(limit)s
            """,  # noqa: S608 - clauses of this module
            _values(chosen) | _page(mark, limit),
        )
        rows = cur.fetchall()
    more = limit is not None and len(rows) > limit
    shown = rows[:limit] if more else rows
    last = shown[-1] if more else None
    following = None if last is None else paging.written(Mark(order.value, last.sort_key, last.cause_id))
    return CausePage(causes=tuple(_plain(one, CauseSummary) for one in shown), next=following)


def items(
    conn: Connection[tuple[object, ...]],
    chosen: Chosen = EVERYTHING,
    *,
    order: ItemOrder = ItemOrder.AGE,
    after: str | None = None,
    limit: int | None = _PAGE,
) -> ItemPage:
    """The chosen items; paging and errors as ``causes``."""
    mark = paging.read(after, order=order)
    key = f"({_ITEM_KEYS[order]})::numeric"
    by_number = None if chosen.state in _HELD_STATES else _BY_NUMBER.get(order)
    if by_number is None:
        sorting = f"{key}, i.item_id"
        beyond = f"({sorting}) > (%(key)s::numeric, %(number)s::bigint)"
    else:
        sorting, beyond = by_number[0], f"i.item_id {by_number[1]} %(number)s::bigint"
    with conn.cursor(row_factory=class_row(_ItemRow)) as cur:
        cur.execute(
            f"""
            with page as materialized (
                select i.item_id, {key} as sort_key {_FROM} {_WHERE}
                   and (%(number)s::bigint is null or {beyond})
                 order by {sorting} limit %(limit)s
            )
            select {_ITEM_COLUMNS}, g.sort_key {_FROM} join page g on g.item_id = i.item_id order by {sorting}
            """,
            _values(chosen) | _page(mark, limit),
        )
        rows = cur.fetchall()
    more = limit is not None and len(rows) > limit
    shown = rows[:limit] if more else rows
    last = shown[-1] if more else None
    following = None if last is None else paging.written(Mark(order.value, last.sort_key, last.item_id))
    return ItemPage(items=tuple(_plain(one, ItemView) for one in shown), next=following)


def totals(conn: Connection[tuple[object, ...]], chosen: Chosen = EVERYTHING) -> Totals:
    """What is chosen, added up."""
    with conn.cursor(row_factory=class_row(Totals)) as cur:
        cur.execute(
            f"""
            with chosen as (
                select i.cause_id, i.entry_count, i.hours, i.currency, i.amount_minor, i.new_currency,
                       i.new_amount_minor, true as everything
                  {_FROM} {_WHERE}
            ), {_MONEY.format(key="everything")}
            select count(distinct cause_id)::integer as causes, count(*)::integer as items,
                   coalesce(sum(entry_count), 0)::integer as count, coalesce(sum(hours), 0) as hours,
                   coalesce((select amount_minor from money), '{{}}'::jsonb) as amount_minor,
                   coalesce(sum(entry_count) filter (where amount_minor is null), 0)::integer as unpriced_count
              from chosen
            """,  # noqa: S608 - clauses of this module
            _values(chosen),
        )
        found = cur.fetchone()
    if found is None:
        raise AssertionError
    return found


def item(conn: Connection[tuple[object, ...]], item_id: int) -> ItemView:
    """One item, held or closed; raises ConfigurationError (TIE-DESK-001) when there is none."""
    with conn.cursor(row_factory=class_row(ItemView)) as cur:
        cur.execute(
            f"select {_ITEM_COLUMNS} {_FROM} where i.item_id = %s",
            (item_id,),
        )
        found = cur.fetchone()
    if found is None:
        raise ConfigurationError(code="TIE-DESK-001", message=f"There is no item {item_id} on the desk.")
    return found


def list_causes(
    conn: Connection[tuple[object, ...]], *, owner: str | None = None, code: str | None = None
) -> list[CauseSummary]:
    """All root causes that hold something, those with the most hours at stake first."""
    return list(causes(conn, Chosen(owner=owner, code=code), limit=None).causes)


def list_items(
    conn: Connection[tuple[object, ...]], *, cause_id: int | None = None, code: str | None = None
) -> list[ItemView]:
    """Held items of a cause or a code, oldest first; raises ConfigurationError (TIE-DESK-001) for an unknown cause."""
    known = "select 1 from root_cause where cause_id = %s"
    if cause_id is not None and conn.execute(known, (cause_id,)).fetchone() is None:
        raise ConfigurationError(code="TIE-DESK-001", message=f"There is no cause {cause_id} on the desk.")
    return list(items(conn, Chosen(cause_id=cause_id, code=code), limit=None).items)


def find_items(
    conn: Connection[tuple[object, ...]],
    *,
    item_ids: Sequence[int] = (),
    cause_id: int | None = None,
    code: str | None = None,
) -> list[int]:
    """Held items selected one by one, by root cause or by code."""
    rows = conn.execute(
        """
        select i.item_id from desk_item i join root_cause c using (cause_id)
         where i.state in ('open', 'released')
           and (i.item_id = any(%s) or i.cause_id = %s or c.code = %s) order by i.item_id
        """,
        (list(item_ids), cause_id, code),
    )
    return [int(str(row[0])) for row in rows]


_ITEM_COLUMNS: Final = """
    i.item_id, i.cause_id, c.code, c.owner, i.state, i.subject_kind, i.subject_id, s.name as system, i.source_id,
    e.code as entity, a.assignee, i.document_date::text as document_date, i.hours, i.amount_minor,
    i.currency::integer as currency, i.new_amount_minor, i.new_currency::integer as new_currency, i.message, i.context,
    i.opened_at, i.closed_at, p.cut_off
"""


def _values(chosen: Chosen) -> dict[str, object]:
    return {
        "states": _STATES.get(chosen.state, [chosen.state.value]),
        "owner": chosen.owner,
        "assignee": chosen.assignee,
        "code": chosen.code,
        "cause": chosen.cause_id,
        "entity": chosen.entity,
        "system": chosen.system,
        "currency": chosen.currency,
        "amount": chosen.amount_minor_from or 0,
        "opened": chosen.opened_before,
        "cut_off": chosen.cut_off_before,
        "text": chosen.text,
    }


def _page(mark: Mark | None, limit: int | None) -> dict[str, object]:
    """One row more than ``limit`` tells whether there is another page."""
    return {
        "key": None if mark is None else mark.key,
        "number": None if mark is None else mark.number,
        "limit": None if limit is None else limit + 1,
    }


def _plain(row: msgspec.Struct, kind: type[_View]) -> _View:
    return kind(**{name: getattr(row, name) for name in kind.__struct_fields__})
