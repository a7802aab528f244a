"""What a decided act does to items: let them be judged again, or take them out. Wakes the steps that own them.

No door calls this: one person's acts come through ``acts``, what needs two through ``proposals``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from psycopg import Cursor

from tieout.desk import store
from tieout.errors import ConfigurationError
from tieout.storage.wake import notify

_WAKES: Final = ("inbound", "delivery")


def release(
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
    _wake(cur)
    return released


def exclude(cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], *, actor: str, reason: str, now: datetime) -> int:
    """Take items out for good, with a reason; they stand as excluded in the tie-out. Returns how many were open."""
    if not reason.strip():
        raise ConfigurationError(code="TIE-DESK-002", message="An exclusion needs a reason.")
    closed = store.close_items(cur, item_ids, state="excluded", actor=actor, reason=reason, now=now)
    _wake(cur)
    return closed


def note(
    cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], *, action: str, actor: str, reason: str, now: datetime
) -> None:
    """Add an action to the history of each item; nothing else changes."""
    cur.execute(
        """
        insert into desk_action (item_id, action, actor, reason, taken_at)
        select item_id, %s, %s, %s, %s from unnest(%s::bigint[]) as given (item_id)
        """,
        (action, actor, reason, now, list(item_ids)),
    )


def _wake(cur: Cursor[tuple[object, ...]]) -> None:
    for step in _WAKES:
        notify(cur, step)
