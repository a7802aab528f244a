"""Take an entry out of a delivery that has not been sent yet, because its source changed it.

``inbound`` calls this when a newer version arrives; the row lock on the delivery excludes the engine's intent, so that
an approval withdrawn before the intent is never posted and one withdrawn after it is never silently lost.
"""

from typing import Literal

from psycopg import Cursor

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
