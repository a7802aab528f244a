"""Notices: what somebody is to be told, written in the transaction of what it tells of, once.

Whoever sends them reads ``notice``; the key says of what a notice tells, so that the same is never told twice.
"""

from datetime import datetime

import msgspec
from psycopg import Cursor


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notice. ``recipients``: e-mail addresses, ``queue:NAME``, ``role:NAME``, ``person:NAME`` or ``channel:NAME``.

    ``facts`` are for the link and the form of a channel (``item_id``, ``cause_id``, ``proposal_id``, ``run_id``).
    """

    key: str
    kind: str
    subject: str
    entity: str | None
    recipients: tuple[str, ...]
    body: str
    facts: dict[str, str]


def write(cur: Cursor[tuple[object, ...]], notice: Notice, *, now: datetime) -> bool:
    """Write ``notice``; returns False where one of its key was written before, then nothing changes."""
    cur.execute(
        """
        insert into notice (key, kind, subject, entity, recipients, body, facts, created_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (key) do nothing
        """,
        (
            notice.key,
            notice.kind,
            notice.subject,
            notice.entity,
            list(notice.recipients),
            notice.body,
            msgspec.json.encode(notice.facts).decode(),
            now,
        ),
    )
    return cur.rowcount == 1


def of_proposals(cur: Cursor[tuple[object, ...]], *, now: datetime) -> int:
    """Tell whoever approves of every open proposal of which nobody was told yet; returns how many.

    A replay or a mapping line is told to the same: controllers hold every right to approve.
    """
    cur.execute(
        """
        insert into notice (key, kind, subject, entity, recipients, body, facts, created_at)
        select 'proposal:' || proposal_id, 'proposal', 'A proposal waits for a second person: ' || kind,
               case when not firm_wide and cardinality(entities) = 1 then entities[1] end, array['role:controller'],
               maker || ' proposes: ' || kind || ', ' || item_count || ' item(s), ' || trim_scale(hours) || ' h. '
               || reason,
               jsonb_build_object('proposal_id', proposal_id::text, 'kind', kind, 'maker', maker,
                                  'items', item_count::text, 'expires_at', expires_at::text), %s
          from proposal
         where state = 'open' and not exists (select from notice n where n.key = 'proposal:' || proposal_id)
        on conflict (key) do nothing
        """,
        (now,),
    )
    return cur.rowcount


def of_assignments(cur: Cursor[tuple[object, ...]], *, now: datetime) -> int:
    """Tell everybody what was assigned to him, once for all that was assigned at once; returns how many notices."""
    cur.execute(
        """
        insert into notice (key, kind, subject, entity, recipients, body, facts, created_at)
        select 'assigned:' || a.assignee || ':' || extract(epoch from a.assigned_at), 'assignment',
               'Assigned to ' || a.assignee || ': ' || count(*) || ' item(s)',
               case when count(distinct i.entity_id) = 1 and count(i.entity_id) = count(*) then min(e.code) end,
               array['person:' || a.assignee],
               a.assigned_by || ' assigned ' || count(*) || ' item(s) to ' || a.assignee || '.',
               jsonb_build_object('item_id', min(a.item_id)::text, 'items', count(*)::text, 'assignee', a.assignee,
                                  'assigned_by', a.assigned_by), %s
          from desk_assignment a join desk_item i using (item_id)
          left join golden_record e on e.record_id = i.entity_id
         where i.state in ('open', 'released') and a.assignee <> a.assigned_by
         group by a.assignee, a.assigned_by, a.assigned_at
        on conflict (key) do nothing
        """,
        (now,),
    )
    return cur.rowcount
