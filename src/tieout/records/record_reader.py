"""Golden records as programs and pages read them: by type, in pages, with the keys of systems and named references.

Reads only; whoever asks sees the rows of his legal entities. ``record_explanation`` says why a field says what it says.
"""

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.model.reported import FieldValue, RecordType
from tieout.records.merge import REFERENCE_TYPE


class RecordLink(msgspec.Struct, frozen=True, kw_only=True):
    """Another record that one refers to: its type, public id and business code, as far as it is known and seen."""

    type: str
    id: UUID
    code: str | None


class RecordView(msgspec.Struct, frozen=True, kw_only=True):
    """One golden record. ``keys``: under which keys each system knows it. ``version`` grows with every change."""

    id: UUID
    code: str | None
    version: int
    fields: dict[str, FieldValue]
    references: dict[str, RecordLink]
    keys: dict[str, list[str]]
    deleted: bool
    recorded_at: datetime


class RecordPage(msgspec.Struct, frozen=True, kw_only=True):
    """Records in the order in which they became known; ``next`` is the mark of the following page, None at the end."""

    records: list[RecordView]
    next: int | None


_VIEW: Final[LiteralString] = """
    select g.record_id, g.public_id as id, g.code, g.version, g.fields, g.tombstone as deleted, g.recorded_at,
           coalesce((
               select jsonb_object_agg(r.key, jsonb_build_object('type', o.type, 'id', o.public_id, 'code', o.code))
                 from jsonb_each(g.refs) r
                 join unnest(%(names)s::text[], %(kinds)s::text[]) as meant (name, kind) on meant.name = r.key
                 left join cross_reference x
                        on x.system = r.value ->> 0 and x.type = meant.kind and x.source_id = r.value ->> 1
                 join golden_record o on o.record_id = case
                        when meant.kind = 'legal_entity' then entity_of_word(r.value ->> 0, r.value ->> 1)
                        else x.record_id end
           ), '{}') as references,
           coalesce((
               select jsonb_object_agg(k.system, k.keys) from (
                   select system, jsonb_agg(source_id order by source_id) as keys from cross_reference
                    where record_id = g.record_id group by system) k
           ), '{}') as keys
      from golden_record g
"""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which records: by their whole code, by the code of their legal entity; with ``deleted`` the gone ones too."""

    code: str | None = None
    entity: str | None = None
    deleted: bool = False


class _Row(RecordView, frozen=True, kw_only=True):
    record_id: int


def page(
    conn: Connection[tuple[object, ...]],
    kind: RecordType,
    wanted: Wanted,
    *,
    after: int | None = None,
    limit: int,
) -> RecordPage:
    """The ``wanted`` records of ``kind`` that are seen, from the mark ``after`` on, at most ``limit``."""
    rows = _rows(
        conn,
        """
         where g.type = %(type)s and g.record_id > %(after)s and (%(deleted)s or not g.tombstone)
           and (%(code)s::text is null or g.code = %(code)s)
           and (%(entity)s::text is null or exists (
                select from golden_record e
                 where e.record_id = entity_of_word(g.refs -> 'legal_entity' ->> 0, g.refs -> 'legal_entity' ->> 1)
                   and e.code = %(entity)s))
         order by g.record_id limit %(limit)s
        """,
        msgspec.structs.asdict(wanted) | {"type": kind, "after": after or 0, "limit": limit + 1},
    )
    kept = rows[:limit]
    return RecordPage(records=[_view(one) for one in kept], next=kept[-1].record_id if len(rows) > limit else None)


def one(conn: Connection[tuple[object, ...]], kind: RecordType, record_id: UUID) -> RecordView | None:
    """The record of ``kind`` with this public id, deleted ones too; None where there is none that is seen."""
    rows = _rows(conn, "where g.type = %(type)s and g.public_id = %(id)s", {"type": kind, "id": record_id})
    return _view(rows[0]) if rows else None


def _rows(conn: Connection[tuple[object, ...]], where: LiteralString, values: dict[str, object]) -> list[_Row]:
    names = {"names": list(REFERENCE_TYPE), "kinds": [str(kind) for kind in REFERENCE_TYPE.values()]}
    with conn.cursor(row_factory=class_row(_Row)) as cur:
        cur.execute(_VIEW + where, names | values)
        return cur.fetchall()


def _view(row: _Row) -> RecordView:
    told = msgspec.structs.asdict(row)
    del told["record_id"]
    return msgspec.convert(told, RecordView)
