"""Take entries out of deliveries that have not been sent yet: their source changed them, or their entity moved.

``inbound`` calls ``recut`` when a newer version arrives; the row lock on the delivery excludes the engine's intent, so
that an approval withdrawn before the intent is never posted and one withdrawn after it is never silently lost.
``runtime.apply`` calls ``recut_moved`` when a legal entity is posted by another system from now on.
"""

from typing import Literal

from psycopg import Cursor

from tieout.model.firm import FirmConfig
from tieout.storage.wake import notify

Recut = Literal["free", "recut", "too_late"]


def recut(cur: Cursor[tuple[object, ...]], entry_id: int) -> Recut:
    """Free ``entry_id`` from its delivery if that can still be done.

    ``free``: it was in none (the caller now holds it by link 0). ``recut``: its delivery was not sent; that one is
    taken apart, the other entries wait for a new journal, and this one has link 0. ``too_late``: it may be sent.
    """
    cur.execute("insert into posting_link (entry_id, delivery_id) values (%s, 0) on conflict do nothing", (entry_id,))
    if cur.rowcount == 1:
        return "free"
    cur.execute("select delivery_id from posting_link where entry_id = %s", (entry_id,))
    row = cur.fetchone()
    delivery_id = int(str(row[0])) if row is not None else 0
    if delivery_id == 0:
        return "free"
    cur.execute(
        """
        update delivery set state = 'recut', updated_at = now()
         where delivery_id = %s and state in ('ready', 'rejected') and attempts = 0
        """,
        (delivery_id,),
    )
    if cur.rowcount == 0:
        return "too_late"
    cur.execute(
        """
        with freed as (
            delete from posting_link where delivery_id = %s and entry_id <> %s returning entry_id
        )
        insert into posting_pending (first_entry_id, last_entry_id) select entry_id, entry_id from freed
        """,
        (delivery_id, entry_id),
    )
    cur.execute("update posting_link set delivery_id = 0 where entry_id = %s", (entry_id,))
    notify(cur, "time_to_bill")
    return "recut"


def recut_moved(cur: Cursor[tuple[object, ...]], firm: FirmConfig) -> int:
    """Take apart what was never sent and what another system posts by ``firm``; returns how many deliveries.

    The entries wait for journals in the books of the new one. What was begun is finished where it was begun, so that
    nothing can be in two ledgers. A delivery that was never sent gives its reference and key back: the journal that
    takes its place may say the very same.
    """
    posts = [(entity, system) for system in firm.systems for entity in system.posts_for]
    cur.execute(
        """
        with posts as (
            select * from unnest(%s::text[], %s::text[], %s::date[], %s::date[]) as t (entity, system, starts, ends)
        ), moved as (
            update delivery d
               set state = 'recut', updated_at = now(),
                   key = d.key || ':' || d.delivery_id, reference = d.reference || ':' || d.delivery_id
              from golden_record g
             where g.record_id = d.entity_id and g.type = 'legal_entity'
               and d.command_kind = 'post_journal' and d.state in ('ready', 'rejected') and d.attempts = 0
               and exists (select from posts p where p.entity = g.code)
               and not exists (
                   select from posts p
                    where p.entity = g.code and p.system = d.system
                      and d.accounting_date >= coalesce(p.starts, '-infinity')
                      and d.accounting_date < coalesce(p.ends, 'infinity'))
            returning d.delivery_id
        ), freed as (
            delete from posting_link l using moved where l.delivery_id = moved.delivery_id returning l.entry_id
        ), waiting as (
            insert into posting_pending (first_entry_id, last_entry_id) select entry_id, entry_id from freed
        )
        select count(*) from moved
        """,
        (
            [entity for entity, _ in posts],
            [system.name for _, system in posts],
            [system.posts_from.get(entity) for entity, system in posts],
            [system.posts_until.get(entity) for entity, system in posts],
        ),
    )
    row = cur.fetchone()
    count = 0 if row is None else int(str(row[0]))
    if count:
        notify(cur, "time_to_bill")
    return count


def free_reference(cur: Cursor[tuple[object, ...]], delivery_id: int) -> None:
    """Let the delivery that takes the place of a refused one, in another system, have its reference and key."""
    cur.execute(
        """
        update delivery
           set key = key || ':' || delivery_id, reference = reference || ':' || delivery_id, state = 'recut',
               updated_at = now()
         where delivery_id = %s
        """,
        (delivery_id,),
    )
