"""The SQL of drift: what targets acknowledged last, what golden records say of it, and what sweeps found.

Neighbours: ``comparison`` judges, ``runtime.drift_sweep`` walks and calls, ``release`` sends again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.desk import intake
from tieout.model.command import Command, MasterCommand
from tieout.model.finding import finding
from tieout.model.money import numeric_code
from tieout.model.reported import FieldValue, RecordType
from tieout.outbound.drift.comparison import Acknowledged, Difference, Drift, Golden
from tieout.outbound.drift.said import PRICE, RecordKey, Said, number_of, said_by, text_of

DRIFT: Final = "target_drift"
_OVERRIDE: Final = "override"
_EQUAL: Final = "The target holds what it acknowledged."
_CODED: Final = frozenset({str(RecordType.CLIENT), str(RecordType.CONTRACT), str(RecordType.PROJECT)})
"""Types whose golden records are known by the code that commands name."""


class LastWord(msgspec.Struct, frozen=True, kw_only=True):
    """The newest delivery of one command about one object; ``settled``: nothing else of the object is under way."""

    delivery_id: int
    command: bytes
    state: str
    target_ref: str | None
    entity_id: int
    order_key: str
    updated_at: datetime
    settled: bool


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a system's records: what can be compared now, and how many of each type have to wait.

    ``refs`` are the target's keys of every record that it acknowledged, also of those that wait.
    """

    acknowledged: tuple[Acknowledged, ...]
    waiting: Mapping[str, int]
    refs: Mapping[RecordKey, tuple[str, ...]]


def last_words(cur: Cursor[tuple[object, ...]], system: str) -> list[LastWord]:
    """The newest delivery of every master command to ``system`` about every object, oldest first."""
    with cur.connection.cursor(row_factory=class_row(LastWord)) as found:
        found.execute(
            """
            select d.delivery_id, c.command, d.state, d.target_ref, d.entity_id, d.order_key, d.updated_at,
                   not exists (select from delivery o where o.system = d.system and o.order_key = d.order_key
                                  and o.state not in ('posted', 'split', 'recut', 'excluded', 'superseded')) as settled
              from (select distinct on (command_kind, order_key)
                           delivery_id, system, state, target_ref, entity_id, order_key, updated_at
                      from delivery
                     where system = %s and command_kind <> 'post_journal' and state <> 'superseded'
                     order by command_kind, order_key, delivery_id desc) d
              join delivery_command c using (delivery_id)
             order by d.delivery_id
            """,
            (system,),
        )
        return found.fetchall()


def known_of(system: str, words: Iterable[LastWord], *, before: datetime) -> Known:
    """What ``words`` come to; what was settled after ``before`` may be newer than what a walk saw, and waits.

    So does a record of which something is under way, or of which a person had the last word.
    """
    together: dict[RecordKey, Acknowledged] = {}
    refs: dict[RecordKey, tuple[str, ...]] = {}
    held_back: set[RecordKey] = set()
    for word in words:
        command = msgspec.json.decode(word.command, type=Command)
        if not isinstance(command, MasterCommand):
            continue
        said = said_by(command)
        place = said.place
        if word.target_ref is not None:
            refs[place] = (word.target_ref, *refs.get(place, ()))
        if not word.settled or word.state != "posted" or word.updated_at >= before:
            held_back.add(place)
        else:
            together[place] = _merged(together.get(place), system, said, word)
    waiting: dict[str, int] = {}
    for record, _ in held_back:
        waiting[record] = waiting.get(record, 0) + 1
    acknowledged = [
        msgspec.structs.replace(one, refs=refs.get(place, ()))
        for place, one in together.items()
        if place not in held_back
    ]
    return Known(acknowledged=tuple(acknowledged), waiting=waiting, refs=refs)


def _merged(before: Acknowledged | None, system: str, said: Said, word: LastWord) -> Acknowledged:
    """One command more about a record, put over those before it."""
    kinds = dict.fromkeys((*said.values, *said.references), said.command_kind)
    if before is None:
        return Acknowledged(
            system=system,
            said=said,
            kinds=kinds,
            deliveries={said.command_kind: word.delivery_id},
            refs=(),
            entity_id=word.entity_id,
        )
    old = before.said
    return msgspec.structs.replace(
        before,
        said=msgspec.structs.replace(
            old,
            values=old.values | said.values,
            references=old.references | said.references,
            code=said.code or old.code,
            currency=said.currency or old.currency,
            whole=(*old.whole, *said.whole),
        ),
        kinds=before.kinds | kinds,
        deliveries=before.deliveries | {said.command_kind: word.delivery_id},
    )


def golden_of(
    cur: Cursor[tuple[object, ...]], system: str, acknowledged: Sequence[Acknowledged]
) -> dict[RecordKey, Golden]:
    """The golden record behind each record: by its code, or by the target's key of it."""
    keys = [(one.said.record, ref, one.said.place) for one in acknowledged for ref in one.refs]
    codes = [(one.said.record, one.said.code, one.said.place) for one in acknowledged if one.said.record in _CODED]
    found: dict[RecordKey, Golden] = {}
    cur.execute(
        """
        select given.at, g.fields, g.tombstone,
               array(select x.source_id from cross_reference x
                      where x.record_id = g.record_id and x.system = %(system)s order by x.source_id)
          from (select x.record_id, k.at
                  from unnest(%(types)s::text[], %(keys)s::text[], %(ats)s::int[]) as k (type, source_id, at)
                  join cross_reference x on x.system = %(system)s and x.type = k.type and x.source_id = k.source_id
                union
                select g.record_id, c.at
                  from unnest(%(coded)s::text[], %(codes)s::text[], %(coded_at)s::int[]) as c (type, code, at)
                  join golden_record g on g.type = c.type and g.code = c.code) given
          join golden_record g using (record_id)
         order by given.at, g.record_id
        """,
        {
            "system": system,
            "types": [one[0] for one in keys],
            "keys": [one[1] for one in keys],
            "ats": list(range(len(keys))),
            "coded": [one[0] for one in codes],
            "codes": [one[1] for one in codes],
            "coded_at": list(range(len(keys), len(keys) + len(codes))),
        },
    )
    places = [one[2] for one in (*keys, *codes)]
    for at, fields, tombstone, source_ids in cur.fetchall():
        found[places[int(str(at))]] = _golden(fields, tombstone, source_ids)
    return found


def _golden(fields: object, tombstone: object, source_ids: object) -> Golden:
    said = msgspec.convert(fields, dict[str, FieldValue])
    values = {name: text for name, value in said.items() if (text := text_of(name, value)) is not None}
    return Golden(values=values, source_ids=msgspec.convert(source_ids, tuple[str, ...]), gone=bool(tombstone))


def settle(
    cur: Cursor[tuple[object, ...]],
    system: str,
    judged: Collection[RecordKey],
    drifted: Sequence[Drift],
    *,
    now: datetime,
) -> None:
    """Store what a sweep came to: an item per record of ``drifted``, none for the other records that were judged.

    A difference that a person accepted or excluded is no item any more for as long as it stays the same.
    """
    _forget_equal(cur, system, set(judged) - {(one.record, one.key) for one in drifted}, now=now)
    rows = _save(cur, system, drifted, now=now)
    known = intake.open_items_of(cur, DRIFT, list(rows))
    waived = _waived(cur, list(rows))
    settled = [known[at].item_id for at, one in rows.items() if at in known and one.fingerprint in waived.get(at, ())]
    intake.resolve_items(cur, settled, now=now, reason="Accepted as it is.")
    fresh = {at: one for at, one in rows.items() if one.fingerprint not in waived.get(at, ())}
    system_id = _system_id(cur, system)
    facts = {at: facts_of(one, at, system_id) for at, one in fresh.items()}
    changed = [(known[at].item_id, one) for at, one in facts.items() if at in known and _is_news(known[at], one)]
    intake.update(cur, changed, now=now)
    intake.open_items(cur, [one for at, one in facts.items() if at not in known], now=now)


def _is_news(item: intake.OpenItem, facts: intake.ItemFacts) -> bool:
    """Whether an item would say something else; one that a person has just released stays so where it does not."""
    said = {name: value for name, value in item.context.items() if name != _OVERRIDE}
    return said != facts.finding.context | facts.context


def _forget_equal(cur: Cursor[tuple[object, ...]], system: str, equal: Collection[RecordKey], *, now: datetime) -> None:
    cur.execute(
        """
        update target_drift t set drift = null, accepted = null
          from unnest(%s::text[], %s::text[]) as given (record, key)
         where t.system = %s and t.record = given.record and t.key = given.key and t.drift is not null
        returning t.drift_id
        """,
        ([one[0] for one in equal], [one[1] for one in equal], system),
    )
    gone = [int(str(row[0])) for row in cur.fetchall()]
    intake.resolve(cur, DRIFT, gone, now=now, reason=_EQUAL)


def _save(cur: Cursor[tuple[object, ...]], system: str, drifted: Sequence[Drift], *, now: datetime) -> dict[int, Drift]:
    """Store what is otherwise, by the number of its row."""
    by_place = {(one.record, one.key): one for one in drifted}
    cur.execute(
        """
        insert into target_drift (system, record, key, drift, found_at)
        select %s, record, key, drift, %s
          from unnest(%s::text[], %s::text[], %s::jsonb[]) as given (record, key, drift) order by record, key
        on conflict (system, record, key) do update set drift = excluded.drift, found_at = excluded.found_at
        returning drift_id, record, key
        """,
        (
            system,
            now,
            [one.record for one in by_place.values()],
            [one.key for one in by_place.values()],
            [msgspec.json.encode(one).decode() for one in by_place.values()],
        ),
    )
    return {int(str(drift_id)): by_place[str(record), str(key)] for drift_id, record, key in cur.fetchall()}


def _waived(cur: Cursor[tuple[object, ...]], drift_ids: Sequence[int]) -> dict[int, set[str]]:
    """The fingerprints that people accepted, or took off the desk, by row."""
    cur.execute(
        """
        select drift_id, accepted from target_drift where drift_id = any(%(ids)s) and accepted is not null
        union
        select subject_id, context ->> 'fingerprint' from desk_item
         where subject_kind = %(kind)s and subject_id = any(%(ids)s) and state = 'excluded'
        """,
        {"ids": list(drift_ids), "kind": DRIFT},
    )
    found: dict[int, set[str]] = {}
    for drift_id, fingerprint in cur.fetchall():
        found.setdefault(int(str(drift_id)), set()).add(str(fingerprint))
    return found


def facts_of(drift: Drift, drift_id: int, system_id: int | None, *, note: str = "") -> intake.ItemFacts:
    """What the desk shows of a drift; ``note`` says why it was not sent again."""
    fields = sorted(one.field for one in drift.differences)
    words = drift.described()
    return intake.ItemFacts(
        subject_kind=DRIFT,
        subject_id=drift_id,
        system_id=system_id,
        source_id=drift.code,
        entity_id=drift.entity_id or None,
        currency=None if drift.amount_minor is None or drift.currency is None else numeric_code(drift.currency),
        amount_minor=drift.amount_minor,
        entry_count=0,
        finding=finding(
            "DRIFT",
            f"{words} {note}".strip(),
            cause=f"{drift.system}:{drift.record}:{'missing' if drift.is_missing else ','.join(fields)}",
            context=_context(drift),
        ),
        context={"fingerprint": drift.fingerprint},
    )


def _context(drift: Drift) -> dict[str, str]:
    said = {"system": drift.system, "record": drift.record, "entity": drift.entity}
    for one in drift.differences:
        said[f"{one.field}.acknowledged"] = one.wanted or ""
        said[f"{one.field}.held"] = one.held or ""
        said[f"{one.field}.owner"] = one.owner or ""
        if one.field.startswith(PRICE) and (excess := _an_hour(one)) is not None:
            said[f"{one.field}.difference"] = f"{excess:+f} {drift.currency or ''} an hour".replace("  ", " ")
        if one.owner_says is not None:
            said[f"{one.field}.owner_says"] = one.owner_says
    return said


def _an_hour(one: Difference) -> Decimal | None:
    """By how much the target bills an hour otherwise than it should; None where one of the two has no price."""
    held, wanted = number_of(one.held or ""), number_of(one.wanted or "")
    return None if held is None or wanted is None else held - wanted


def _system_id(cur: Cursor[tuple[object, ...]], system: str) -> int | None:
    row = cur.execute("select system_id from system_name where name = %s", (system,)).fetchone()
    return None if row is None else int(str(row[0]))
