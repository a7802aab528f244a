"""The queue as people work on it: root causes with owner, age and money at stake; show, retry, exclude.

Doors call this. A retry marks items released and wakes the step that owns them; an exclusion needs a reason and stays
in the history, as every action does.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.desk import store
from tieout.errors import ConfigurationError
from tieout.model.finding_codes import CATALOGUE
from tieout.storage.wake import notify

_WAKES = ("inbound", "delivery")


class CauseSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One root cause and what it holds.

    ``count`` is how many time entries, ``items`` how many items: a deal or a customer is held without any entry.
    ``amount_minor`` is by ISO 4217 numeric currency; unpriced entries have none.
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
    example: str

    @property
    def title(self) -> str:
        """What the code means."""
        return CATALOGUE[self.code].title

    @property
    def next_step(self) -> str:
        """What its owner does."""
        return CATALOGUE[self.code].next_step


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """One item in a list. A change from one currency to another has its delta in both of them."""

    item_id: int
    code: str
    owner: str
    state: str
    subject_kind: str
    subject_id: int
    source_id: str | None
    document_date: str | None
    hours: Decimal | None
    amount_minor: int | None
    currency: int | None
    new_amount_minor: int | None
    new_currency: int | None
    message: str
    context: dict[str, str]
    opened_at: datetime


class ActionView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done to an item."""

    action: str
    actor: str
    reason: str
    taken_at: datetime


def list_causes(
    conn: Connection[tuple[object, ...]], *, owner: str | None = None, code: str | None = None
) -> list[CauseSummary]:
    """Open root causes, those with the most hours at stake first."""
    with conn.cursor(row_factory=class_row(CauseSummary)) as cur:
        cur.execute(
            """
            select c.cause_id, c.code, c.cause_key, c.owner, sum(i.entry_count)::integer as count,
                   count(*)::integer as items,
                   coalesce(sum(i.hours), 0) as hours,
                   coalesce((select jsonb_object_agg(m.currency, m.amount) from (
                        select s.currency, sum(s.amount_minor)::bigint as amount from desk_item j
                         cross join lateral (values (j.currency, j.amount_minor),
                                                    (j.new_currency, j.new_amount_minor)) s (currency, amount_minor)
                         where j.cause_id = c.cause_id and j.state in ('open', 'released')
                           and s.currency is not null and s.amount_minor is not null
                         group by s.currency) m), '{}'::jsonb) as amount_minor,
                   coalesce(sum(i.entry_count) filter (where i.amount_minor is null), 0)::integer as unpriced_count,
                   min(i.opened_at) as oldest, min(i.message) as example
              from root_cause c join desk_item i using (cause_id)
             where i.state in ('open', 'released') and (%(owner)s::text is null or c.owner = %(owner)s)
               and (%(code)s::text is null or c.code = %(code)s)
             group by c.cause_id
             order by coalesce(sum(i.hours), 0) desc, c.cause_id
            """,
            {"owner": owner, "code": code},
        )
        return cur.fetchall()


def list_items(
    conn: Connection[tuple[object, ...]], *, cause_id: int | None = None, code: str | None = None
) -> list[ItemView]:
    """Open items of a cause or a code, oldest first; raises ConfigurationError (TIE-DESK-001) for an unknown cause."""
    if cause_id is not None and not _has_cause(conn, cause_id):
        raise ConfigurationError(code="TIE-DESK-001", message=f"There is no cause {cause_id} on the desk.")
    return _items(
        conn,
        """
         where i.state in ('open', 'released') and (%(cause)s::integer is null or i.cause_id = %(cause)s)
           and (%(code)s::text is null or c.code = %(code)s)
         order by i.item_id
        """,
        {"cause": cause_id, "code": code},
    )


def _has_cause(conn: Connection[tuple[object, ...]], cause_id: int) -> bool:
    return conn.execute("select 1 from root_cause where cause_id = %s", (cause_id,)).fetchone() is not None


def show(conn: Connection[tuple[object, ...]], item_id: int) -> tuple[ItemView, list[ActionView]]:
    """An item with its history; raises ConfigurationError (TIE-DESK-001) when there is none."""
    found = _items(conn, "where i.item_id = %(item)s", {"item": item_id})
    if not found:
        raise ConfigurationError(code="TIE-DESK-001", message=f"There is no item {item_id} on the desk.")
    with conn.cursor(row_factory=class_row(ActionView)) as cur:
        cur.execute(
            "select action, actor, reason, taken_at from desk_action where item_id = %s order by action_id", (item_id,)
        )
        return found[0], cur.fetchall()


def find_items(
    conn: Connection[tuple[object, ...]],
    *,
    item_ids: Sequence[int] = (),
    cause_id: int | None = None,
    code: str | None = None,
) -> list[int]:
    """Open items selected one by one, by root cause or by code."""
    rows = conn.execute(
        """
        select i.item_id from desk_item i join root_cause c using (cause_id)
         where i.state in ('open', 'released')
           and (i.item_id = any(%s) or i.cause_id = %s or c.code = %s) order by i.item_id
        """,
        (list(item_ids), cause_id, code),
    )
    return [int(str(row[0])) for row in rows]


def retry(
    cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], *, actor: str, reason: str, accept: bool, now: datetime
) -> int:
    """Let items be judged again. With ``accept`` the finding is overruled (both entries of a duplicate are right).

    Returns how many were open.
    """
    cur.execute(
        """
        with released as (
            update desk_item i set state = 'released',
                   context = case when %(accept)s then i.context || jsonb_build_object('override', c.code)
                                  else i.context end
              from root_cause c
             where i.item_id = any(%(items)s) and i.state = 'open' and c.cause_id = i.cause_id
            returning i.item_id
        )
        insert into desk_action (item_id, action, actor, reason, taken_at)
        select item_id, case when %(accept)s then 'accept' else 'retry' end, %(actor)s, %(reason)s, %(now)s
          from released
        """,
        {"items": list(item_ids), "actor": actor, "reason": reason, "accept": accept, "now": now},
    )
    released = cur.rowcount
    for step in _WAKES:
        notify(cur, step)
    return released


def exclude(cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], *, actor: str, reason: str, now: datetime) -> int:
    """Take items out for good, with a reason; they stand as excluded in the tie-out. Returns how many were open."""
    if not reason.strip():
        raise ConfigurationError(code="TIE-DESK-002", message="An exclusion needs a reason.")
    closed = store.close_items(cur, item_ids, state="excluded", actor=actor, reason=reason, now=now)
    for step in _WAKES:
        notify(cur, step)
    return closed


def _items(conn: Connection[tuple[object, ...]], where: str, values: dict[str, object]) -> list[ItemView]:
    with conn.cursor(row_factory=class_row(ItemView)) as cur:
        cur.execute(
            f"""
            select i.item_id, c.code, c.owner, i.state, i.subject_kind, i.subject_id, i.source_id,
                   i.document_date::text as document_date, i.hours, i.amount_minor, i.currency::integer as currency,
                   i.new_amount_minor, i.new_currency::integer as new_currency, i.message, i.context, i.opened_at
              from desk_item i join root_cause c using (cause_id)
            {where}
            """,  # noqa: S608 - clauses of this module
            values,
        )
        return cur.fetchall()
