"""How a held time entry is understood: its newest reading, with names for the keys that stand for something."""

from typing import Final

from psycopg import Connection

_READING: Final = """
    select jsonb_strip_nulls(jsonb_build_object(
               'source_id', t.source_id, 'version', t.version::text, 'revision', t.revision::text,
               'work_date', t.work_date::text, 'hours', trim_scale(t.hours)::text, 'billable', t.billable::text,
               'work_type', (array['regular', 'overtime', 'travel'])[t.work_type], 'narrative', t.narrative,
               'started_at', t.started_at::text, 'ended_at', t.ended_at::text,
               'person', coalesce(r.fields ->> 'name', r.code), 'project', coalesce(p.code, p.fields ->> 'name'),
               'task', coalesce(k.fields ->> 'name', k.code), 'role', coalesce(o.fields ->> 'name', o.code),
               'entity', e.code, 'firm_version', t.firm_version::text))
      from time_entry t
      left join golden_record r on r.record_id = t.resource_id
      left join golden_record p on p.record_id = t.project_id
      left join golden_record k on k.record_id = t.task_id
      left join golden_record o on o.record_id = t.role_id
      left join golden_record e on e.record_id = t.entity_id
     where t.entry_id = %s
"""


def understood(conn: Connection[tuple[object, ...]], entry_id: int) -> dict[str, str]:
    """The fields of reading ``entry_id`` as text; one that is empty, or whose key stands for nothing, is left out."""
    row = conn.execute(_READING, (entry_id,)).fetchone()
    if row is None or not isinstance(row[0], dict):
        return {}
    return {str(name): str(value) for name, value in row[0].items()}
