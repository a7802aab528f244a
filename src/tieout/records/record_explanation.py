"""Why a golden record says what it says: of each field the winner, since when, by which rule, and what others say.

``history`` answers for one field and for another day; ``tieout explain`` prints what comes out of here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import psycopg

from tieout.errors import ConfigurationError
from tieout.governance.ownership import DELETED
from tieout.model.reported import FieldValue
from tieout.records.history import FieldExplanation, as_of, explain_field, versions
from tieout.records.merge import REFERENCE_TYPE, Golden
from tieout.records.store import golden_of

_STORED: Final = "record_id, code, version, fields::text, refs::text, provenance::text, tombstone"


class RecordExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """A record by its code, with its fields in their order.

    ``systems``: under which keys the systems know it. ``meanings``: of references, the code of the record that is
    meant, by field, system and key (``client psa 4711``).
    """

    record_type: str
    code: str
    version: int
    deleted: bool
    systems: dict[str, str]
    fields: tuple[FieldExplanation, ...]
    meanings: dict[str, str] = {}

    def lines(self) -> list[str]:
        """The explanation for people."""
        known = ", ".join(f"{system} {key}" for system, key in self.systems.items())
        state = ", deleted" if self.deleted else ""
        lines = [f"{self.record_type} {self.code}, version {self.version}{state}; known as {known}"]
        for one in self.fields:
            lines += _lines_of(one, self.meanings)
        return lines


def explain_record(
    conn: psycopg.Connection[tuple[object, ...]], record_type: str, code: str, field: str | None = None
) -> RecordExplanation:
    """The record of ``record_type`` with business code ``code`` as it is now, all its fields or one.

    Raises ConfigurationError: TIE-RECORD-003 for a record that is not known, TIE-RECORD-004 for a field that it never
    had.
    """
    record_id, golden = _find(conn, record_type, code)
    return _explained(conn, record_type, golden.code or code, (record_id, golden), field)


def explain_public_record(
    conn: psycopg.Connection[tuple[object, ...]], record_type: str, public_id: UUID
) -> RecordExplanation | None:
    """The record of ``record_type`` with this public id as it is now; None where there is none that is seen."""
    row = conn.execute(
        f"select {_STORED} from golden_record where type = %s and public_id = %s",  # noqa: S608 - a constant
        (record_type, public_id),
    ).fetchone()
    if row is None:
        return None
    golden = golden_of(row[1:])
    return _explained(conn, record_type, golden.code or "", (int(str(row[0])), golden), None)


def _explained(
    conn: psycopg.Connection[tuple[object, ...]],
    record_type: str,
    code: str,
    record: tuple[int, Golden],
    field: str | None,
) -> RecordExplanation:
    record_id, golden = record
    names = _names(conn, record_id, golden, field)
    explained = [found for name in names if (found := explain_field(conn, record_id, name)) is not None]
    return RecordExplanation(
        record_type=record_type,
        code=code,
        version=golden.version,
        deleted=golden.tombstone,
        systems=_keys(conn, record_id),
        fields=tuple(explained),
        meanings=_meanings(conn, explained),
    )


def explain_record_at(
    conn: psycopg.Connection[tuple[object, ...]],
    record_type: str,
    code: str,
    *,
    effective_at: datetime,
    known_at: datetime,
) -> RecordExplanation:
    """The record as it was at ``effective_at`` by what was known at ``known_at``, without what others said.

    Raises ConfigurationError: TIE-RECORD-003 for a record that was not known then.
    """
    record_id, _ = _find(conn, record_type, code)
    golden = as_of(conn, record_id, effective_at=effective_at, known_at=known_at)
    if golden is None:
        raise _unknown(record_type, code, f" at {effective_at:%Y-%m-%d %H:%M} UTC")
    fields = [
        FieldExplanation(
            field=name,
            value=golden.fields[name] if name in golden.fields else golden.refs.get(name),
            provenance=golden.provenance.get(name),
            others={},
        )
        for name in sorted({*golden.fields, *golden.refs})
    ]
    return RecordExplanation(
        record_type=record_type,
        code=golden.code or code,
        version=golden.version,
        deleted=golden.tombstone,
        systems=_keys(conn, record_id),
        fields=tuple(fields),
        meanings=_meanings(conn, fields),
    )


def _find(conn: psycopg.Connection[tuple[object, ...]], record_type: str, code: str) -> tuple[int, Golden]:
    row = conn.execute(
        f"""
        select {_STORED} from golden_record
         where type = %(type)s
           and lower(case when type in ('contract', 'deal') then fields ->> 'code' else code end) = lower(%(code)s)
         order by coalesce(code, fields ->> 'code') <> %(code)s, tombstone, record_id
        """,  # noqa: S608 - a constant of this module
        {"type": record_type, "code": code},
    ).fetchone()
    if row is None:
        raise _unknown(record_type, code, "")
    return int(str(row[0])), golden_of(row[1:])


def _unknown(record_type: str, code: str, when: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-RECORD-003", message=f"No {record_type} {code} is known{when}.")


def _names(
    conn: psycopg.Connection[tuple[object, ...]], record_id: int, golden: Golden, field: str | None
) -> list[str]:
    """All fields that the record has or that a system tells of it; or the one that is asked for."""
    names = {*golden.fields, *golden.refs, *golden.provenance}
    if field is None:
        return sorted(names - {DELETED}) + ([DELETED] if golden.tombstone else [])
    ever = names | {name for one in versions(conn, record_id) for name in (*one.fields, *one.refs)} | {DELETED}
    if field not in ever:
        known = ", ".join(sorted(ever))
        raise ConfigurationError(
            code="TIE-RECORD-004", message=f"{golden.code} has no field {field!r}; it has {known}."
        )
    return [field]


def _keys(conn: psycopg.Connection[tuple[object, ...]], record_id: int) -> dict[str, str]:
    rows = conn.execute(
        "select system, string_agg(source_id, ', ' order by source_id) from cross_reference where record_id = %s "
        "group by system order by system",
        (record_id,),
    ).fetchall()
    return {str(system): str(keys) for system, keys in rows}


def _meanings(conn: psycopg.Connection[tuple[object, ...]], explained: Sequence[FieldExplanation]) -> dict[str, str]:
    """The codes of the records that references mean, where they have one."""
    wanted: list[tuple[str, str, str]] = []
    for one in explained:
        if one.field in REFERENCE_TYPE:
            wanted += [(one.field, *one.value)] if isinstance(one.value, tuple) else []
            wanted += [(one.field, who.split(":", 1)[0], str(said)) for who, said in one.others.items()]
    rows = conn.execute(
        """
        select given.field, given.system, given.source_id, coalesce(g.code, g.fields ->> 'name')
          from unnest(%s::text[], %s::text[], %s::text[], %s::text[]) as given (field, type, system, source_id)
          join cross_reference x on x.type = given.type and x.system = given.system and x.source_id = given.source_id
          join golden_record g using (record_id)
        """,
        (
            [field for field, _, _ in wanted],
            [str(REFERENCE_TYPE[field]) for field, _, _ in wanted],
            [system for _, system, _ in wanted],
            [key for _, _, key in wanted],
        ),
    ).fetchall()
    return {f"{field} {system} {key}": str(code) for field, system, key, code in rows if code is not None}


def _lines_of(one: FieldExplanation, meanings: Mapping[str, str]) -> list[str]:
    won = one.provenance
    if won is None:
        lines = [f"  {one.field}: nothing; its owner has not told it"]
    else:
        said = one.value[1] if isinstance(one.value, tuple) else one.value
        since = f"since {won.since:%Y-%m-%d %H:%M} UTC, message {won.message_id}"
        lines = [f"  {one.field}: {_words(one.field, won.system, said, meanings)}"]
        lines.append(f"      {won.system} {won.source_id} {since}; {won.rule}")
    for who, value in one.others.items():
        lines.append(f"      {who} says {_words(one.field, who.split(':', 1)[0], value, meanings)}")
    return lines


def _words(field: str, system: str, value: FieldValue, meanings: Mapping[str, str]) -> str:
    meant = meanings.get(f"{field} {system} {value}")
    said = "(empty)" if value is None else str(value)
    return said if meant is None else f"{meant} ({said})"
