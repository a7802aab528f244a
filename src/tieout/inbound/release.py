"""Released desk items are read again from their stored message with the reference as it is now.

Whatever released them (a corrected mapping, a new master, a person, a day that came), the way is that of the first
time: a new revision is accepted and the item resolved, or it is held again, and the item stays with its age. Where
nothing has changed no revision is written. A person's decision to accept a comparison with other work (DUPLICATE_*,
DAY_TOTAL, OVERLAP) stands in the item's context as ``override`` and lets that finding pass as a note.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

import msgspec
from psycopg import Connection, Cursor

from tieout.connect.fault_point import fault_point
from tieout.connect.source import Unreadable
from tieout.desk import intake
from tieout.desk.intake import OpenItem
from tieout.inbound import acceptance, drift_store
from tieout.inbound.bookings import take_in_facts
from tieout.inbound.bookings_reading import ASSIGNMENT, TIME_OFF, FactArrival
from tieout.inbound.context import InboundContext
from tieout.inbound.message_store import Message, read_messages
from tieout.inbound.normalizer import Arrival, UnreadableItem
from tieout.inbound.pipeline import open_step, take_in
from tieout.inbound.reading import Disposition, Released
from tieout.inbound.record_acceptance import RECORD, accept_records
from tieout.inbound.revaluation import asked_again
from tieout.inbound.task_trees import TASK_TREE
from tieout.inbound.translation import UnreadableMessage, items_of, translate, unreadable_item
from tieout.model.finding import Severity
from tieout.model.reported import ReportedAssignment, ReportedRecord, ReportedTime, ReportedTimeOff
from tieout.storage.copying import copy_rows
from tieout.storage.pool import in_transaction
from tieout.storage.wake import notify

OVERRIDE: Final = "override"
_MAX_ITEMS: Final = 4000
_MAX_MESSAGES: Final = 200
_KINDS: Final = (
    intake.ENTRY,
    intake.MESSAGE,
    intake.MESSAGE_ITEM,
    RECORD,
    TASK_TREE,
    ASSIGNMENT,
    TIME_OFF,
    drift_store.PAUSED_OBJECT,
)
_OF_READINGS: Final = frozenset({intake.ENTRY, ASSIGNMENT, TIME_OFF})
"""Kinds of items whose subject is the held reading."""


def process_released(conn: Connection[tuple[object, ...]], context: InboundContext) -> int:
    """Read released items again; returns how many were done (0: nothing to do)."""
    done = in_transaction(conn, lambda cur: _process(cur, context))
    if done:
        fault_point("inbound.release.after_commit")
    return done


def _process(cur: Cursor[tuple[object, ...]], context: InboundContext) -> int:
    now = context.clock.now()
    _release_days_that_came(cur, now)
    claimed = intake.claim_released(cur, _KINDS, limit=_MAX_ITEMS)
    if not claimed:
        return 0
    message_ids = sorted({one.message_id for one in claimed if one.message_id is not None})[:_MAX_MESSAGES]
    items = [one for one in claimed if one.message_id is None or one.message_id in message_ids]
    messages = {one.message_id: one for one in read_messages(cur, message_ids)}
    of_kind = {kind: [one for one in items if one.subject_kind == kind] for kind in _KINDS}
    queued = _requeue_accepted(cur, of_kind[intake.ENTRY], now)
    held = [one for one in of_kind[intake.ENTRY] if one.item_id not in queued]
    again = [*held, *of_kind[ASSIGNMENT], *of_kind[TIME_OFF], *of_kind[intake.MESSAGE_ITEM]]
    _read_items(cur, context, again, messages, now)
    _read_messages(cur, context, of_kind[intake.MESSAGE], messages, now)
    intake.reopen(cur, [one.item_id for kind in (RECORD, TASK_TREE) for one in of_kind[kind]])
    drift_store.settle_released(
        cur,
        of_kind[drift_store.PAUSED_OBJECT],
        messages,
        context.translators,
        share_percent=context.unreadable_percent,
        now=now,
    )
    fault_point("inbound.release.before_commit")
    return len(items)


def _release_days_that_came(cur: Cursor[tuple[object, ...]], now: datetime) -> None:
    """FUTURE_DATED items wait for an instant (``not_before``); it comes without anybody telling us."""
    cur.execute(
        """
        with released as (
            update desk_item i set state = 'released'
              from root_cause c
             where c.code = 'FUTURE_DATED' and i.cause_id = c.cause_id and i.state = 'open'
               and (i.context ->> 'not_before')::timestamptz <= %s
            returning i.item_id
        )
        insert into desk_action (item_id, action, actor, reason, taken_at)
        select item_id, 'release', 'tieout', 'The day has come.', %s from released
        """,
        (now, now),
    )


def _requeue_accepted(cur: Cursor[tuple[object, ...]], items: Sequence[OpenItem], now: datetime) -> set[int]:
    """Entries that were accepted and then held by time to bill: their actuals stand, they only wait for billing again.

    Returns the ids of the items dealt with.
    """
    entry_ids = [one.subject_id for one in items]
    cur.execute(
        "select entry_id, message_id, item_no from time_entry where entry_id = any(%s) and disposition = %s",
        (entry_ids, int(Disposition.ACCEPTED)),
    )
    accepted = {int(str(entry_id)) for entry_id, _, _ in cur}
    dealt_with = [one for one in items if one.subject_id in accepted]
    if not dealt_with:
        return set()
    copy_rows(
        cur,
        "finding",
        ("entry_id", "message_id", "item_no", "code", "severity", "cause_key", "message", "context"),
        [
            (
                one.subject_id,
                one.message_id,
                one.item_no,
                one.code,
                Severity.WARN.value,
                one.cause_key,
                "A person decided that this does not hold the entry.",
                "{}",
            )
            for one in dealt_with
            if one.code in _overrides(one)
        ],
    )
    cur.execute(
        """
        insert into posting_pending (first_entry_id, last_entry_id)
        select entry_id, entry_id from unnest(%s::bigint[]) as given (entry_id)
        """,
        ([one.subject_id for one in dealt_with],),
    )
    notify(cur, "time_to_bill")
    item_ids = [one.item_id for one in dealt_with]
    intake.resolve_items(cur, item_ids, now=now, reason="Waits for billing again.")
    return set(item_ids)


def _overrides(item: OpenItem) -> frozenset[str]:
    codes = f"{item.context.get(OVERRIDE, '')},{item.context.get(acceptance.OVERRULED, '')}"
    return frozenset(one for one in codes.split(",") if one)


def released_of(item: OpenItem) -> Released:
    """What is read again because of ``item``, with what people overruled of it."""
    subject_id = item.subject_id if item.subject_kind in _OF_READINGS else 0
    return Released(item.item_id, subject_id, item.code, item.cause_key, _overrides(item))


def _read_items(
    cur: Cursor[tuple[object, ...]],
    context: InboundContext,
    items: Sequence[OpenItem],
    messages: dict[int, Message],
    now: datetime,
) -> None:
    """Read single items again; of a message that cannot be read any more they are open again, as they were."""
    arrivals: list[Arrival] = []
    facts: list[FactArrival] = []
    not_readable: list[UnreadableItem] = []
    records: list[tuple[Message, list[tuple[int, ReportedRecord]]]] = []
    to_reopen: list[int] = []
    for message_id, own in groupby(items, key=lambda one: one.message_id or 0):
        message = messages[message_id]
        said = items_of(message, context.translators)
        for item in own:
            item_no = item.item_no or 0
            one = said if isinstance(said, UnreadableMessage) else said[item_no]
            if isinstance(one, ReportedTime):
                arrivals.append(Arrival(message_id, item_no, message.system, message.object, one, released_of(item)))
            elif isinstance(one, Unreadable):
                bad = unreadable_item(message, item_no, one)
                not_readable.append(msgspec.structs.replace(bad, released=released_of(item)))
            elif isinstance(one, ReportedAssignment | ReportedTimeOff):
                facts.append(FactArrival(message_id, item_no, message.system, message.object, one, released_of(item)))
            else:
                to_reopen.append(item.item_id)
                records += [(message, [(item_no, one)])] if isinstance(one, ReportedRecord) else []
    if records:
        accept_records(cur, context, records, now=now)
    take_in_facts(cur, context, facts, now=now, own_records=bool(records))
    intake.reopen(cur, to_reopen)
    if arrivals or not_readable:
        step = open_step(cur, context, now, own_records=bool(records))
        marked = asked_again(cur, arrivals, rules=step.rules, rates=step.rates)
        take_in(cur, step, marked, not_readable)


def _read_messages(
    cur: Cursor[tuple[object, ...]],
    context: InboundContext,
    items: Sequence[OpenItem],
    messages: dict[int, Message],
    now: datetime,
) -> None:
    """Whole messages that could not be read: either they can be now, or the item is open again."""
    for item in items:
        message = messages[item.subject_id]
        said = translate([message], context.translators)
        if said.unreadable_messages:
            intake.reopen(cur, [item.item_id])
            continue
        intake.resolve_items(cur, [item.item_id], now=now, reason="It can be read now.")
        if said.records:
            accept_records(cur, context, said.records, now=now)
        take_in_facts(cur, context, said.facts, now=now, own_records=bool(said.records))
        step = open_step(cur, context, now, own_records=bool(said.records))
        take_in(cur, step, said.times, said.unreadable_items)
