"""What a golden record said: on a day of the world, as it was known at an instant; and why each field says it.

Bitemporal field by field: every field carries since when its source says so (effective), every version when it was
recorded. A change of yesterday that was told today counts for yesterday, but only for who asks with today's knowledge.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
import psycopg

from tieout.errors import InvariantError
from tieout.governance.ownership import DELETED
from tieout.model.reported import FieldValue
from tieout.records.merge import Golden, Provenance, Ref, Report
from tieout.records.store import golden_of, reports_of_records


class FieldExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a field has its value. ``others`` is what systems say that did not win, by system and key.

    ``provenance`` is None where the owner has told nothing: then the field has no value.
    """

    field: str
    value: FieldValue | Ref
    provenance: Provenance | None
    others: dict[str, FieldValue]


_CONTENT = "code, version, fields::text, refs::text, provenance::text, tombstone"


def as_of(
    conn: psycopg.Connection[tuple[object, ...]], record_id: int, *, effective_at: datetime, known_at: datetime
) -> Golden | None:
    """What the record said of ``effective_at``, by what was recorded until ``known_at``; None if nothing was."""
    rows = conn.execute(
        f"""
        select effective_from, {_CONTENT} from golden_record_version
         where record_id = %s and recorded_at <= %s order by version
        """,  # noqa: S608 - a constant of this module
        (record_id, known_at),
    ).fetchall()
    return _as_of([(_instant(row[0]), golden_of(row[1:])) for row in rows], effective_at)


def known_as(
    conn: psycopg.Connection[tuple[object, ...]], record_ids: Sequence[int], *, known_at: datetime
) -> dict[int, Golden]:
    """The versions that stood at ``known_at``, as every step then used them."""
    rows = conn.execute(
        f"""
        select distinct on (record_id) record_id, {_CONTENT} from golden_record_version
         where record_id = any(%s) and recorded_at <= %s order by record_id, version desc
        """,  # noqa: S608 - a constant of this module
        (list(record_ids), known_at),
    ).fetchall()
    return {int(str(row[0])): golden_of(row[1:]) for row in rows}


def versions(conn: psycopg.Connection[tuple[object, ...]], record_id: int) -> list[Golden]:
    """Every version of a record, the first first."""
    rows = conn.execute(
        f"select {_CONTENT} from golden_record_version where record_id = %s order by version",  # noqa: S608 - as above
        (record_id,),
    ).fetchall()
    return [golden_of(row) for row in rows]


def explain_field(conn: psycopg.Connection[tuple[object, ...]], record_id: int, field: str) -> FieldExplanation | None:
    """Who won ``field`` of a record, since when, by which rule, and what the others say; None without such a record."""
    with conn.cursor() as cur:
        row = cur.execute(
            f"select {_CONTENT} from golden_record where record_id = %s",  # noqa: S608 - as above
            (record_id,),
        ).fetchone()
        if row is None:
            return None
        said = reports_of_records(cur, [record_id]).get(record_id, [])
    golden = golden_of(row)
    won = golden.provenance.get(field)
    return FieldExplanation(
        field=field,
        value=_value(golden, field),
        provenance=won,
        others={
            f"{one.system}:{one.source_id}": value
            for one, value in _statements(said, field)
            if won is None or (one.system, one.source_id) != (won.system, won.source_id)
        },
    )


def _statements(said: Iterable[Report], field: str) -> Iterable[tuple[Report, FieldValue]]:
    for one in said:
        if field == DELETED:
            yield one, one.deleted
        elif field in one.fields:
            yield one, one.fields[field]
        elif field in one.refs:
            yield one, one.refs[field]


def _value(golden: Golden, field: str) -> FieldValue | Ref:
    if field == DELETED:
        return golden.tombstone
    return golden.fields[field] if field in golden.fields else golden.refs.get(field)


def _as_of(known: Sequence[tuple[datetime, Golden]], effective_at: datetime) -> Golden | None:
    """For each field the statement with the latest effective instant that is not later than asked for.

    A version that tells a field no longer takes it back from that version's own effective instant on.
    """
    best: dict[str, tuple[datetime, int]] = {}
    seen: set[str] = set()
    for effective_from, golden in known:
        seen |= golden.provenance.keys()
        for name in seen:
            told = golden.provenance.get(name)
            since = effective_from if told is None else told.since
            if since <= effective_at:
                best[name] = max((since, golden.version), best.get(name, (since, 0)))
    by_version = {golden.version: golden for _, golden in known}
    said = {name: by_version[version] for name, (_, version) in best.items()}
    told_fields = {name: golden.provenance[name] for name, golden in said.items() if name in golden.provenance}
    if not told_fields:
        return None
    return Golden(
        code=known[-1][1].code,
        version=max(version for _, version in best.values()),
        fields={name: golden.fields[name] for name, golden in said.items() if name in golden.fields},
        refs={name: golden.refs[name] for name, golden in said.items() if name in golden.refs},
        provenance=told_fields,
        tombstone=said[DELETED].tombstone if DELETED in said else False,
    )


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise InvariantError(code="TIE-RECORD-002", message=f"A version is dated {value!r}, which is no instant.")
    return value
