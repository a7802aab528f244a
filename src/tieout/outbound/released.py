"""Takes up what the desk decided about deliveries: retried ones are tried again, excluded ones let their key go on."""

from psycopg import Cursor

from tieout.desk import intake
from tieout.model.clock import Clock
from tieout.outbound import store
from tieout.outbound.aftermath import DELIVERY
from tieout.outbound.outbox import ACKNOWLEDGED, DELIVERY_STEP
from tieout.storage.wake import notify

_BATCH = 500
_OVERRIDE = "override"
_UNRESOLVED = "DELIVERY_UNRESOLVED"
"""A person who accepts this has looked into the target: it is not there, and may be sent again."""


def take_up(cur: Cursor[tuple[object, ...]], clock: Clock) -> int:
    """Requeue deliveries whose desk item was released and drop those that were excluded; returns how many."""
    now = clock.now()
    items = intake.claim_released(cur, [DELIVERY], limit=_BATCH)
    if items:
        absent = [one.subject_id for one in items if one.context.get(_OVERRIDE) == _UNRESOLVED]
        store.requeue(cur, [one.subject_id for one in items], absent=absent, now=now)
        intake.resolve_items(cur, [one.item_id for one in items], now=now, reason="Tried again.")
        notify(cur, DELIVERY_STEP)
    cur.execute(
        """
        select d.delivery_id from delivery d join desk_item i
            on i.subject_kind = 'delivery' and i.subject_id = d.delivery_id and i.state = 'excluded'
         where d.state in ('rejected', 'dead', 'held')
           and not exists (select 1 from desk_item o where o.subject_kind = 'delivery'
                              and o.subject_id = d.delivery_id and o.state in ('open', 'released'))
         limit %s
        """,
        (_BATCH,),
    )
    excluded = [int(str(row[0])) for row in cur.fetchall()]
    if excluded:
        store.exclude(cur, excluded, now=now)
        notify(cur, DELIVERY_STEP)
        notify(cur, ACKNOWLEDGED)
    return len(items) + len(excluded)
