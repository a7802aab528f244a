"""What a word may mean: a source id, a reference, a code, a name. Exact keys by index, names among the masters only."""

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Something that fits. ``key`` completes the path of ``kind``."""

    kind: str
    key: str
    title: str
    note: str | None


def search(conn: Connection[tuple[object, ...]], text: str, *, limit: int) -> list[Hit]:
    """What fits ``text``: first what has it as its key, then projects and people whose name holds it."""
    with conn.cursor(row_factory=class_row(Hit)) as cur:
        cur.execute(
            """
            (select 'item' as kind, item_id::text as key, message as title, state as note from desk_item
              where source_id = %(text)s order by item_id desc limit %(limit)s)
            union all
            (select 'entry', t.entry_id::text, 'Time entry ' || t.source_id, t.work_date::text from time_entry t
              where t.source_id = %(text)s order by t.version desc, t.revision desc limit %(limit)s)
            union all
            (select 'delivery', delivery_id::text, command_kind || ' ' || reference, state from delivery
              where reference = %(text)s or key = %(text)s limit %(limit)s)
            union all
            (select 'project', code, code || ' ' || coalesce(fields ->> 'name', ''), fields ->> 'status'
               from golden_record
              where type = 'project' and code is not null and not tombstone
                and (code ilike %(like)s or fields ->> 'name' ilike %(like)s)
              order by code limit %(limit)s)
            union all
            (select 'deal', number, number || ' ' || name, state from won_deal
              where provisioning_id is null and (number ilike %(like)s or name ilike %(like)s)
              order by number limit %(limit)s)
            union all
            (select 'person', p.person_id::text, p.name, g.fields ->> 'email'
               from plan_person p join golden_record g on g.record_id = p.person_id
              where p.name ilike %(like)s or g.fields ->> 'email' ilike %(like)s
              order by p.name limit %(limit)s)
            """,
            {"text": text, "like": f"%{_literal(text)}%", "limit": limit},
        )
        return cur.fetchall()


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
