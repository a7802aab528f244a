"""Reads the records that may be one, and carries out what a person decided about them.

``adoption`` proposes, ``joining`` merges; ``tieout adopt`` shows and asks. A decision is kept for ever.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
import psycopg
from psycopg import Cursor

from tieout.errors import ConfigurationError
from tieout.governance import firm_version
from tieout.model.identity import IdFactory
from tieout.records import store
from tieout.records.adoption import ADOPTABLE, Candidate, Proposal, propose
from tieout.records.golden_record import RecordsResult
from tieout.records.joining import join

JOINED: Final = "joined"
APART: Final = "apart"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of two records, each named by a system and its key: that they are one, or not."""

    type: str
    gone: tuple[str, str]
    kept: tuple[str, str]
    is_one: bool
    evidence: str = ""


def proposals(conn: psycopg.Connection[tuple[object, ...]], record_type: str | None = None) -> list[Proposal]:
    """What may be one, of ``record_type`` or of all types that can be.

    Records are recognised by what any system says of them, whether or not it owns that field.
    """
    types = [str(one) for one in ADOPTABLE if record_type in {None, str(one)}]
    with conn.cursor() as cur:
        cur.execute(
            """
            select g.record_id, g.type, coalesce(g.fields ->> 'name', said.name, g.code, g.record_id::text), g.code,
                   said.code, said.tax_id, said.email, c.record_id
              from golden_record g
              join lateral (
                  select max(r.fields ->> 'name') as name, max(r.fields ->> 'code') as code,
                         max(r.fields ->> 'tax_id') as tax_id, max(r.fields ->> 'email') as email
                    from cross_reference x join reported_record r using (system, type, source_id)
                   where x.record_id = g.record_id) said on true
              left join cross_reference c on g.type = 'project' and c.type = 'client'
                    and c.system = g.refs -> 'client' ->> 0 and c.source_id = g.refs -> 'client' ->> 1
             where g.type = any(%s) and not g.tombstone
             order by g.record_id
            """,
            (types,),
        )
        rows = cur.fetchall()
        keys = store.keys_of_records(cur, [int(str(row[0])) for row in rows])
        declined = cur.execute("select gone_id, kept_id from adoption where decision = %s", (APART,)).fetchall()
    candidates = [
        Candidate(
            record_id=record_id,
            type=str(row[1]),
            name=str(row[2]),
            keys={key[1]: key[2] for key in keys[record_id]},
            code=_text(row[3]) or _text(row[4]),
            tax_id=_text(row[5]),
            email=_text(row[6]),
            within=None if row[7] is None else int(str(row[7])),
        )
        for row in rows
        if (record_id := int(str(row[0]))) in keys
    ]
    return propose(candidates, [(int(str(gone)), int(str(kept))) for gone, kept in declined])


def decide(
    cur: Cursor[tuple[object, ...]], decisions: Sequence[Decision], *, actor: str, now: datetime, ids: IdFactory
) -> RecordsResult:
    """Join what is one and remember what is not; everything or nothing.

    Raises ConfigurationError TIE-RECORD-005 for a record that is not known, TIE-RECORD-006 for two that one system
    keeps apart or that are one already.
    """
    keys = {(one.type, *side) for one in decisions for side in (one.gone, one.kept)}
    known = store.cross_references(cur, keys)
    missing = sorted(keys - known.keys())
    if missing:
        raise ConfigurationError(
            code="TIE-RECORD-005", message=f"{missing[0][1]} has reported no {missing[0][0]} {missing[0][2]}."
        )
    pairs = [(known[one.type, *one.gone], known[one.type, *one.kept]) for one in decisions]
    held = store.keys_of_records(cur, {record_id for pair in pairs for record_id in pair})
    for one, pair in zip(decisions, pairs, strict=True):
        if one.is_one:
            _may_be_one(one, pair, {record_id: {key[1] for key in held[record_id]} for record_id in pair})
    cur.executemany(
        """
        insert into adoption (type, gone_id, kept_id, decision, evidence, actor, decided_at)
        values (%s, %s, %s, %s, %s, %s, %s)
        """,
        [
            (one.type, *pair, JOINED if one.is_one else APART, one.evidence, actor, now)
            for one, pair in zip(decisions, pairs, strict=True)
        ],
    )
    return join(
        cur,
        [pair for one, pair in zip(decisions, pairs, strict=True) if one.is_one],
        firm=firm_version.current(cur.connection),
        now=now,
        ids=ids,
        why=f"{actor} says that they are one.",
    )


def _may_be_one(one: Decision, pair: tuple[int, int], systems: dict[int, set[str]]) -> None:
    words = f"{one.type} {one.gone[1]} of {one.gone[0]} and {one.kept[1]} of {one.kept[0]}"
    if pair[0] == pair[1]:
        raise ConfigurationError(code="TIE-RECORD-006", message=f"{words} are one already.")
    both = systems[pair[0]] & systems[pair[1]]
    if both:
        raise ConfigurationError(
            code="TIE-RECORD-006", message=f"{words} cannot be one: {min(both)} has both, each under its own key."
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
