"""Makes one golden record of two: of a customer that was merged or re-keyed, of a record that two systems have had.

The keys of the record that goes mean the other one from then on; itself it becomes a tombstone that says into what it
was merged, so that whatever names it by id still finds what it means. Nothing of money is touched. One transaction of
the caller; neighbours: ``golden_record`` merges, ``adoption`` proposes, ``reference_book`` follows the tombstones.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from psycopg import Cursor

from tieout.governance import reference_state
from tieout.model.firm import FirmConfig
from tieout.model.identity import IdFactory
from tieout.model.reported import ReportedRecord
from tieout.records import event_log, store
from tieout.records.fact_building import MERGED_INTO
from tieout.records.golden_record import RecordsResult, rejudge
from tieout.records.store import GoldenRow, Key, VersionRow


def join(
    cur: Cursor[tuple[object, ...]],
    pairs: Sequence[tuple[int, int]],
    *,
    firm: FirmConfig,
    now: datetime,
    ids: IdFactory,
    why: str,
) -> RecordsResult:
    """Merge each first record of ``pairs`` into the second; ``why`` is kept with the event.

    Pairs of which one is not there (any more) or that name one record twice are left out.
    """
    reference_state.lock(cur)
    into = _targets(pairs)
    golden = store.golden_by_id(cur, [*into, *into.values()])
    into = {gone: kept for gone, kept in into.items() if gone in golden and kept in golden}
    keys = store.keys_of_records(cur, [*into, *into.values()])
    into = {gone: kept for gone, kept in into.items() if keys.get(gone) and keys.get(kept)}
    if not into:
        return RecordsResult()
    store.move_cross_references(cur, into)
    store.write_golden(cur, [_tombstone(golden[gone], keys[kept][0], now) for gone, kept in into.items()], now)
    reference_state.bump(cur)
    event_log.append(cur, [_event(golden[gone], golden[kept], why) for gone, kept in into.items()], now=now)
    moved = [key for record_id in (*into, *into.values()) for key in keys[record_id]]
    result = rejudge(cur, list(dict.fromkeys(moved)), firm=firm, now=now, ids=ids)
    tokens = {f"record:{key[0]}:{key[1]}:{key[2]}" for key in moved}
    codes = {f"record:{one.type}:{one.golden.code}" for one in golden.values() if one.golden.code is not None}
    return msgspec.structs.replace(result, depends_on=result.depends_on | tokens | codes)


def merged_by_source(
    cur: Cursor[tuple[object, ...]], system: str, reports: Sequence[ReportedRecord]
) -> list[tuple[int, int]]:
    """Of what ``system`` just reported as deleted: which records are another one from now on, and which.

    A tombstone that names its successor (reference ``merged_into``) goes into it. A record that is there again under
    another key, with the code that it had, takes the new one's place: it was re-keyed.
    """
    gone = [one for one in reports if one.deleted]
    if not gone:
        return []
    named = {
        (str(one.type), system, one.source_id): (str(one.type), system, one.references[MERGED_INTO])
        for one in gone
        if MERGED_INTO in one.references
    }
    known = store.cross_references(cur, [*named, *named.values()])
    pairs = [(known[old], known[new]) for old, new in named.items() if old in known and new in known]
    cur.execute(
        """
        select distinct fresh.record_id, was.record_id
          from unnest(%s::text[], %s::text[]) as given (type, source_id)
          join cross_reference was on was.type = given.type and was.system = %s and was.source_id = given.source_id
          join golden_record g on g.record_id = was.record_id and g.code is not null
          join reported_record r on r.system = was.system and r.type = was.type and not r.deleted
                                and r.fields ->> 'code' = g.code and r.source_id <> given.source_id
          join cross_reference fresh on fresh.system = r.system and fresh.type = r.type
                                    and fresh.source_id = r.source_id and fresh.record_id <> was.record_id
         where not exists (select from cross_reference x
                             join reported_record o using (system, type, source_id)
                            where x.record_id = was.record_id and x.system = was.system and not o.deleted)
        """,
        ([str(one.type) for one in gone], [one.source_id for one in gone], system),
    )
    return [*pairs, *((int(str(row[0])), int(str(row[1]))) for row in cur.fetchall())]


def _targets(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Of every record that goes the one that stays in the end; a chain ends at its last, a circle is cut."""
    into: dict[int, int] = {}
    for gone, kept in pairs:
        end = _end(into, kept)
        if _end(into, gone) != end:
            into[_end(into, gone)] = end
    return {gone: _end(into, gone) for gone in into}


def _end(into: Mapping[int, int], record_id: int) -> int:
    while record_id in into:
        record_id = into[record_id]
    return record_id


def _tombstone(row: GoldenRow, key: Key, now: datetime) -> VersionRow:
    golden = msgspec.structs.replace(
        row.golden,
        code=None,
        version=row.golden.version + 1,
        refs={MERGED_INTO: (key[1], key[2])},
        tombstone=True,
    )
    return VersionRow(row=msgspec.structs.replace(row, golden=golden), effective_from=now, message_id=None)


def _event(gone: GoldenRow, kept: GoldenRow, why: str) -> event_log.Event:
    return event_log.Event(
        type="record.changed",
        subject=f"{gone.type}/{gone.public_id}",
        payload={
            "record_id": gone.record_id,
            "code": gone.golden.code,
            "version": gone.golden.version + 1,
            "fields": [MERGED_INTO],
            "merged_into": kept.record_id,
            "why": why,
        },
    )
