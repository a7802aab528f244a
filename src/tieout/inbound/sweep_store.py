"""The SQL of sweeps: what the hub holds of a system's things, and the desk item of a walk that is not believed.

Neighbours: ``swept`` compares, ``runtime.sweep`` walks and calls.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from psycopg import Cursor

from tieout.connect.source import Translator, kind_of
from tieout.desk import intake
from tieout.inbound import message_store
from tieout.inbound.swept import SWEPT, Found, ItemKey, Standing
from tieout.inbound.translation import UnreadableMessage, items_of
from tieout.model.finding import finding
from tieout.model.reported import RecordType, ReportedAssignment, ReportedRecord, ReportedTimeOff

SWEEP: Final = "sweep"
KINDS: Final = (*(one.value for one in RecordType), "assignment", "time_off")
"""What a sweep can find gone. Time entries are not among them: money is never taken back for what was not told."""

_ITEMS_PER_SYSTEM: Final = 1000
_ENDED: Final = 3


def standing_of(
    cur: Cursor[tuple[object, ...]],
    *,
    system: str,
    kinds: Sequence[str],
    before: datetime,
    translators: Mapping[str, Translator],
) -> dict[ItemKey, Standing]:
    """What the hub held of ``kinds`` before an instant; what came since may be newer than what a walk sees."""
    return {
        **_records(cur, system, kinds, before),
        **_bookings(cur, system, kinds, before, translators),
    }


def _records(
    cur: Cursor[tuple[object, ...]], system: str, kinds: Sequence[str], before: datetime
) -> dict[ItemKey, Standing]:
    cur.execute(
        """
        select r.type, r.source_id, r.version, r.deleted, m.object = %s
          from reported_record r join message m using (message_id)
         where r.system = %s and r.type = any(%s) and r.recorded_at < %s
        """,
        (SWEPT, system, list(kinds), before),
    )
    found: dict[ItemKey, Standing] = {}
    for kind, source_id, version, deleted, swept in cur:
        said = ReportedRecord(
            type=RecordType(str(kind)), source_id=str(source_id), version=int(str(version)), fields={}
        )
        found[str(kind), str(source_id)] = Standing(
            said=said, is_gone=bool(deleted), is_swept=bool(deleted) and bool(swept)
        )
    return found


def _bookings(
    cur: Cursor[tuple[object, ...]],
    system: str,
    kinds: Sequence[str],
    before: datetime,
    translators: Mapping[str, Translator],
) -> dict[ItemKey, Standing]:
    """Read again from the messages that stand: a reading holds golden ids, a message the system's own keys."""
    places: dict[int, dict[int, bool]] = {}
    for kind, table in (("assignment", "assignment_version"), ("time_off", "time_off_version")):
        if kind not in kinds:
            continue
        cur.execute(
            f"""
            select distinct on (v.source_id) v.message_id, v.item_no, v.disposition
              from {table} v join system_name s using (system_id)
             where s.name = %s and v.recorded_at < %s
             order by v.source_id, v.version desc, v.revision desc
            """,  # noqa: S608 - one of two constants
            (system, before),
        )
        for message_id, item_no, disposition in cur.fetchall():
            of_message = places.setdefault(int(str(message_id)), {})
            of_message[int(str(item_no))] = disposition == _ENDED
    found: dict[ItemKey, Standing] = {}
    for message in message_store.read_messages(cur, sorted(places)):
        items = items_of(message, translators)
        if isinstance(items, UnreadableMessage):
            continue
        for item_no, is_gone in places[message.message_id].items():
            said = items[item_no] if item_no < len(items) else None
            if isinstance(said, ReportedAssignment | ReportedTimeOff):
                is_swept = is_gone and message.object == SWEPT
                found[kind_of(said), said.source_id] = Standing(said=said, is_gone=is_gone, is_swept=is_swept)
    return found


def settle_disbelief(
    cur: Cursor[tuple[object, ...]],
    *,
    system: str,
    judged: Sequence[str],
    disbelieved: Sequence[Found],
    now: datetime,
) -> None:
    """One desk item per kind whose walk is not believed; the items of the other kinds ``judged`` are resolved."""
    cur.execute("select system_id from system_name where name = %s", (system,))
    (system_id,) = cur.fetchone() or (0,)
    first = int(str(system_id)) * _ITEMS_PER_SYSTEM
    subjects = {kind: first + KINDS.index(kind) for kind in judged}
    wanted = {
        subjects[one.kind]: intake.ItemFacts(
            subject_kind=SWEEP,
            subject_id=subjects[one.kind],
            system_id=int(str(system_id)),
            entry_count=0,
            finding=finding(
                "MASS_DELETION",
                f"A walk through {system} did not find {len(one.gone)} of {one.known_count} records of {one.kind}; "
                "none of them was taken for deleted.",
                cause=f"{system}:{one.kind}",
            ),
        )
        for one in disbelieved
    }
    known = intake.open_items_of(cur, SWEEP, list(subjects.values()))
    believed = [item.item_id for subject_id, item in known.items() if subject_id not in wanted]
    intake.resolve_items(cur, believed, now=now, reason="A walk that is believed has been made since.")
    intake.update(cur, [(item.item_id, wanted[at]) for at, item in known.items() if at in wanted], now=now)
    intake.open_items(cur, [facts for at, facts in wanted.items() if at not in known], now=now)
