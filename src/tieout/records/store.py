"""The SQL of golden records: reports, cross-references, records and their versions, each in one statement per batch."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor

from tieout.model.reported import FieldValue
from tieout.records.merge import Golden, Provenance, Report
from tieout.storage.copying import copy_rows

Key = tuple[str, str, str]
"""Type, system, the system's own key."""

_fields = msgspec.json.Decoder(dict[str, FieldValue])
_refs = msgspec.json.Decoder(dict[str, tuple[str, str] | None])
_said_refs = msgspec.json.Decoder(dict[str, str])
_provenance = msgspec.json.Decoder(list[tuple[Provenance, list[str]]])
_encode = msgspec.json.Encoder(order="sorted").encode


class GoldenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A golden record with its ids."""

    record_id: int
    public_id: UUID
    type: str
    golden: Golden


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One new version to be written: the row now, since when it holds, and the message that brought it."""

    row: GoldenRow
    effective_from: datetime
    message_id: int | None


def reports_by_key(cur: Cursor[tuple[object, ...]], keys: Iterable[Key]) -> dict[Key, Report]:
    """What is stored as said of ``keys``."""
    cur.execute(
        f"""
        select {_REPORT} from reported_record r
          join unnest(%s::text[], %s::text[], %s::text[]) as given (type, system, source_id)
            on r.type = given.type and r.system = given.system and r.source_id = given.source_id
        """,  # noqa: S608 - a constant of this module
        _columns(keys),
    )
    return {(one.type, one.system, one.source_id): one for one in map(_report, cur)}


def reported_types(cur: Cursor[tuple[object, ...]]) -> list[tuple[str, str]]:
    """System and type of everything that is reported and not deleted, in this order."""
    cur.execute("select distinct system, type from reported_record where not deleted order by system, type")
    return [(str(system), str(record_type)) for system, record_type in cur.fetchall()]


def live_reports(cur: Cursor[tuple[object, ...]], system: str, record_type: str) -> list[Report]:
    """What a system says of all records of one type that it has not deleted."""
    cur.execute(
        f"select {_REPORT} from reported_record r where r.system = %s and r.type = %s and not r.deleted",  # noqa: S608 - a constant of this module
        (system, record_type),
    )
    return [_report(row) for row in cur]


def reports_of_records(cur: Cursor[tuple[object, ...]], record_ids: Iterable[int]) -> dict[int, list[Report]]:
    """Everything that any system says of ``record_ids``."""
    cur.execute(
        f"""
        select {_REPORT}, x.record_id from cross_reference x
          join reported_record r on r.system = x.system and r.type = x.type and r.source_id = x.source_id
         where x.record_id = any(%s) order by x.record_id, r.system, r.source_id
        """,  # noqa: S608 - a constant of this module
        (list(record_ids),),
    )
    found: dict[int, list[Report]] = {}
    for row in cur.fetchall():
        found.setdefault(int(str(row[-1])), []).append(_report(row[:-1]))
    return found


def write_reports(cur: Cursor[tuple[object, ...]], reports: Sequence[Report]) -> None:
    """Store what systems say now, over what they said before."""
    rows = sorted(reports, key=lambda one: (one.system, one.type, one.source_id))
    cur.execute(
        """
        insert into reported_record (system, type, source_id, version, fields, refs, deleted, message_id, recorded_at)
        select system, type, source_id, version, fields::jsonb, refs::jsonb, deleted, message_id, recorded_at
          from unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::bool[],
                      %s::bigint[], %s::timestamptz[])
               as given (system, type, source_id, version, fields, refs, deleted, message_id, recorded_at)
        on conflict (system, type, source_id) do update
           set version = excluded.version, fields = excluded.fields, refs = excluded.refs,
               deleted = excluded.deleted, message_id = excluded.message_id, recorded_at = excluded.recorded_at
        """,
        (
            [one.system for one in rows],
            [one.type for one in rows],
            [one.source_id for one in rows],
            [one.version for one in rows],
            [_encode(one.fields).decode() for one in rows],
            [_encode(one.refs).decode() for one in rows],
            [one.deleted for one in rows],
            [one.message_id for one in rows],
            [one.recorded_at for one in rows],
        ),
    )


def cross_references(cur: Cursor[tuple[object, ...]], keys: Iterable[Key]) -> dict[Key, int]:
    """The records that ``keys`` mean, where known."""
    cur.execute(
        """
        select x.type, x.system, x.source_id, x.record_id from cross_reference x
          join unnest(%s::text[], %s::text[], %s::text[]) as given (type, system, source_id)
            on x.type = given.type and x.system = given.system and x.source_id = given.source_id
        """,
        _columns(keys),
    )
    return {(str(row[0]), str(row[1]), str(row[2])): int(str(row[3])) for row in cur}


def keys_of_records(cur: Cursor[tuple[object, ...]], record_ids: Iterable[int]) -> dict[int, list[Key]]:
    """Under which keys the systems know ``record_ids``."""
    cur.execute(
        "select type, system, source_id, record_id from cross_reference where record_id = any(%s) order by 4, 2, 3",
        (list(record_ids),),
    )
    found: dict[int, list[Key]] = {}
    for row in cur:
        found.setdefault(int(str(row[3])), []).append((str(row[0]), str(row[1]), str(row[2])))
    return found


def write_cross_references(cur: Cursor[tuple[object, ...]], found: dict[Key, int], now: datetime) -> None:
    """Remember which record each key means."""
    copy_rows(
        cur,
        "cross_reference",
        ("system", "type", "source_id", "record_id", "recorded_at"),
        ((key[1], key[0], key[2], record_id, now) for key, record_id in found.items()),
    )


def move_cross_references(cur: Cursor[tuple[object, ...]], into: Mapping[int, int]) -> None:
    """Let every key of a record mean another one."""
    cur.execute(
        """
        update cross_reference x set record_id = moved.kept
          from unnest(%s::int[], %s::int[]) as moved (gone, kept) where x.record_id = moved.gone
        """,
        (list(into), list(into.values())),
    )


def unmatched_keys(cur: Cursor[tuple[object, ...]]) -> list[Key]:
    """What was reported and has no golden record yet: it waits for a mapping."""
    cur.execute(
        """
        select r.type, r.system, r.source_id from reported_record r
         where not exists (select from cross_reference x
                            where x.system = r.system and x.type = r.type and x.source_id = r.source_id)
         order by 1, 2, 3
        """
    )
    return [(str(row[0]), str(row[1]), str(row[2])) for row in cur]


def all_keys(cur: Cursor[tuple[object, ...]]) -> list[Key]:
    """Everything that was ever reported."""
    cur.execute("select type, system, source_id from reported_record order by 1, 2, 3")
    return [(str(row[0]), str(row[1]), str(row[2])) for row in cur]


def golden_by_id(cur: Cursor[tuple[object, ...]], record_ids: Iterable[int]) -> dict[int, GoldenRow]:
    """Golden records by id."""
    cur.execute(
        f"select {_GOLDEN} from golden_record where record_id = any(%s)",  # noqa: S608 - a constant of this module
        (list(record_ids),),
    )
    return {one.record_id: one for one in map(_golden_row, cur)}


def ids_by_code(cur: Cursor[tuple[object, ...]], codes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Ids of golden records by type and code."""
    wanted = list(codes)
    cur.execute(
        """
        select g.type, g.code, g.record_id from golden_record g
          join unnest(%s::text[], %s::text[]) as given (type, code) on g.type = given.type and g.code = given.code
        """,
        ([one[0] for one in wanted], [one[1] for one in wanted]),
    )
    return {(str(row[0]), str(row[1])): int(str(row[2])) for row in cur}


def take_record_ids(cur: Cursor[tuple[object, ...]], count: int) -> list[int]:
    """``count`` new record ids."""
    cur.execute("select nextval('record_id_seq')::int from generate_series(1, %s)", (count,))
    return [int(str(row[0])) for row in cur]


def write_golden(cur: Cursor[tuple[object, ...]], versions: Sequence[VersionRow], now: datetime) -> None:
    """Make ``versions`` the current ones and keep each for ever."""
    if not versions:
        return
    rows = [one.row for one in versions]
    texts = [_texts(one.golden) for one in rows]
    cur.execute(
        """
        insert into golden_record (record_id, public_id, type, code, version, fields, refs, provenance, hash, tombstone,
                                   recorded_at)
        select record_id, public_id, type, code, version, fields::jsonb, refs::jsonb, provenance::jsonb, hash,
               tombstone, %s
          from unnest(%s::int[], %s::uuid[], %s::text[], %s::text[], %s::int[], %s::text[], %s::text[], %s::text[],
                      %s::bytea[], %s::bool[])
               as given (record_id, public_id, type, code, version, fields, refs, provenance, hash, tombstone)
        on conflict (record_id) do update
           set code = excluded.code, version = excluded.version, fields = excluded.fields, refs = excluded.refs,
               provenance = excluded.provenance, hash = excluded.hash, tombstone = excluded.tombstone,
               recorded_at = excluded.recorded_at
        """,
        (
            now,
            [one.record_id for one in rows],
            [one.public_id for one in rows],
            [one.type for one in rows],
            [one.golden.code for one in rows],
            [one.golden.version for one in rows],
            [one[0] for one in texts],
            [one[1] for one in texts],
            [one[2] for one in texts],
            [one.golden.hash() for one in rows],
            [one.golden.tombstone for one in rows],
        ),
    )
    copy_rows(
        cur,
        "golden_record_version",
        _VERSION_COLUMNS,
        (
            (
                one.row.record_id,
                one.row.golden.version,
                one.row.golden.code,
                *text,
                one.row.golden.hash(),
                one.row.golden.tombstone,
                one.effective_from,
                now,
                one.message_id,
            )
            for one, text in zip(versions, texts, strict=True)
        ),
    )


_REPORT = (
    "r.system, r.type, r.source_id, r.version, r.fields::text, r.refs::text, r.deleted, r.message_id, r.recorded_at"
)
_GOLDEN = "record_id, public_id, type, code, version, fields::text, refs::text, provenance::text, tombstone"
_VERSION_COLUMNS = (
    "record_id",
    "version",
    "code",
    "fields",
    "refs",
    "provenance",
    "hash",
    "tombstone",
    "effective_from",
    "recorded_at",
    "message_id",
)


def golden_of(row: Sequence[object]) -> Golden:
    """A golden record's content from code, version, fields, refs, provenance (as text) and tombstone."""
    code, version, fields, refs, provenance, tombstone = row
    return Golden(
        code=None if code is None else str(code),
        version=int(str(version)),
        fields=_fields.decode(str(fields)),
        refs=_refs.decode(str(refs)),
        provenance={name: one for one, names in _provenance.decode(str(provenance)) for name in names},
        tombstone=bool(tombstone),
    )


def _golden_row(row: tuple[object, ...]) -> GoldenRow:
    record_id, public_id, record_type, *content = row
    return GoldenRow(
        record_id=int(str(record_id)),
        public_id=UUID(str(public_id)),
        type=str(record_type),
        golden=golden_of(content),
    )


def _report(row: tuple[object, ...]) -> Report:
    system, record_type, source_id, version, fields, refs, deleted, message_id, recorded_at = row
    return Report(
        system=str(system),
        type=str(record_type),
        source_id=str(source_id),
        version=int(str(version)),
        fields=_fields.decode(str(fields)),
        refs=_said_refs.decode(str(refs)),
        deleted=bool(deleted),
        message_id=int(str(message_id)),
        recorded_at=recorded_at,  # type: ignore[arg-type]  # untyped rows
    )


def _texts(golden: Golden) -> tuple[str, str, str]:
    return (
        _encode(golden.fields).decode(),
        _encode(golden.refs).decode(),
        _encode(_grouped(golden.provenance)).decode(),
    )


def _grouped(provenance: Mapping[str, Provenance]) -> list[tuple[Provenance, list[str]]]:
    """Most fields of a record stand by the same words of the same system: written once, with the fields' names."""
    groups: dict[Provenance, list[str]] = {}
    for name in sorted(provenance):
        groups.setdefault(provenance[name], []).append(name)
    return list(groups.items())


def _columns(keys: Iterable[Key]) -> tuple[list[str], list[str], list[str]]:
    listed = list(keys)
    return [one[0] for one in listed], [one[1] for one in listed], [one[2] for one in listed]
