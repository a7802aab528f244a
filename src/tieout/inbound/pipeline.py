"""The way in on one screen: stored messages become golden records, bookings and accepted, rated time entries.

``process_pending`` claims waiting messages and does all of it in one transaction; ``take_in`` is the way of time
entries, used by ``release`` too. Two processes take different messages and do not wait for each other; masters go
first, since time is judged by them.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import msgspec
from psycopg import Connection, Cursor

from tieout.connect.fault_point import fault_point
from tieout.desk import intake
from tieout.inbound import acceptance, changes, drift, drift_store, interleaving, message_store, unreadable
from tieout.inbound.bookings import take_in_facts
from tieout.inbound.context import InboundContext
from tieout.inbound.idempotent_receiver import Received, load_history, receive
from tieout.inbound.judgement import judge
from tieout.inbound.message_store import ClaimSize, Message
from tieout.inbound.normalizer import Arrival, UnreadableItem, normalize
from tieout.inbound.person_days import load_person_days
from tieout.inbound.reading import Disposition, Known, Reading
from tieout.inbound.record_acceptance import accept_records
from tieout.inbound.rule_context import RuleContext
from tieout.inbound.translation import translate
from tieout.ledger.rate_book import RateBookCache
from tieout.ledger.rating import RateBook
from tieout.records.reference_book import BookCache
from tieout.storage.copying import ID_BLOCK
from tieout.storage.pool import in_transaction
from tieout.storage.wake import notify

MAX_ENTRIES: Final = 5000
_MASTER_ITEMS: Final = 2000


class Step(msgspec.Struct):
    """One batch under way: the reference it judges by. ``own_batch_ids``: batches of the same transaction."""

    context: InboundContext
    rules: RuleContext
    rates: RateBook
    now: datetime
    last_batch_id: int
    own_batch_ids: list[int]


def process_pending(
    conn: Connection[tuple[object, ...]], context: InboundContext, *, max_entries: int = MAX_ENTRIES
) -> int:
    """Read waiting messages, masters before time; returns the number of messages done (0: nothing to do).

    While another process reads masters this returns 0; that process wakes the step when it is done.
    """
    with _collector_at_rest():
        done = in_transaction(conn, lambda cur: _process_masters(cur, context))
        if done is None:
            return 0
        if not done:
            done = in_transaction(conn, lambda cur: _process_time(cur, context, max_entries))
    if done:
        fault_point("inbound.batch.after_commit")
    return done


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Without the cyclic garbage collector for the time of a batch.

    A batch makes and drops a hundred thousand objects and no cycles; the collector would walk the whole reference in
    memory again and again to find that out.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _process_masters(cur: Cursor[tuple[object, ...]], context: InboundContext) -> int | None:
    """Messages of masters; None while another process holds the last of them."""
    now = context.clock.now()
    messages = message_store.claim_pending(
        cur, objects=context.time_objects, among=False, now=now, size=ClaimSize(items=_MASTER_ITEMS)
    )
    if not messages:
        waiting = message_store.anything_pending(cur, objects=context.time_objects, among=False, now=now)
        return None if waiting else 0
    _process(cur, context, messages, now)
    notify(cur, message_store.WAKES)
    return len(messages)


def _process_time(cur: Cursor[tuple[object, ...]], context: InboundContext, max_entries: int) -> int:
    now = context.clock.now()
    messages = message_store.claim_pending(
        cur, objects=context.time_objects, among=True, now=now, size=ClaimSize(items=max_entries)
    )
    if messages:
        _process(cur, context, messages, now)
    return len(messages)


def _process(
    cur: Cursor[tuple[object, ...]], context: InboundContext, messages: Sequence[Message], now: datetime
) -> None:
    said = translate(messages, context.translators)
    findings = unreadable.hold_messages(cur, said.unreadable_messages, now=now)
    if said.records:
        accept_records(cur, context, said.records, now=now)
    take_in_facts(cur, context, said.facts, now=now, own_records=bool(said.records))
    if said.times or said.unreadable_items:
        step = open_step(cur, context, now, own_records=bool(said.records))
        take_in(cur, step, said.times, said.unreadable_items)
    acceptance.write_findings(cur, (), findings)
    drift_store.pause_drifted(
        cur,
        drift.suspects(said, messages),
        context.translators,
        share_percent=context.unreadable_percent,
        now=now,
    )
    message_store.done(cur, [one.message_id for one in messages])
    fault_point("inbound.batch.before_commit")


def open_step(
    cur: Cursor[tuple[object, ...]], context: InboundContext, now: datetime, *, own_records: bool = False
) -> Step:
    """The reference as it is now; the newest committed batch is asked for first (``interleaving``).

    With ``own_records`` this transaction changed the reference itself: it is read past the cache, since what is not
    committed must not stay in memory.
    """
    last_batch_id = interleaving.last_batch_id(cur)
    if own_records:
        book, rates = BookCache().get(cur.connection), RateBookCache().get(cur.connection)
        return Step(context, RuleContext(book, now), rates, now, last_batch_id, [])
    book, rates = context.books.get(cur.connection), context.rates.get(cur.connection)
    return Step(context, context.rules.get(book, now), rates, now, last_batch_id, [])


def take_in(
    cur: Cursor[tuple[object, ...]],
    step: Step,
    arrivals: Sequence[Arrival],
    unreadable_items: Sequence[UnreadableItem] = (),
) -> None:
    """The way of time entries: normalise, receive, settle changes, judge, write; in blocks of ids."""
    for start in range(0, max(len(arrivals), 1), ID_BLOCK):
        block = arrivals[start : start + ID_BLOCK]
        readings, not_normal = normalize(block, step.rules)
        items = [*not_normal, *(unreadable_items if start == 0 else ())]
        received = receive(readings, load_history(cur, [(one.source_id, one.system_id) for one in readings]))
        freed = changes.settle_changes(cur, received.heads, step.context.recut)
        days = load_person_days(cur, received.heads)
        judge(received.heads, step.rules, step.rates, days)
        _write(cur, step, received, freed, items)


def _write(
    cur: Cursor[tuple[object, ...]],
    step: Step,
    received: Received[Reading],
    freed: Sequence[Known],
    items: Sequence[UnreadableItem],
) -> None:
    now = step.now
    unchanged = [one for one in received.heads if _is_unchanged(one)]
    heads = [one for one in received.heads if not _is_unchanged(one)] if unchanged else received.heads
    rows = [*received.superseded, *heads]
    versions = acceptance.Versions(firm=step.rules.book.firm.version, reference=step.rules.book.version)
    prepared = acceptance.write_entries(cur, rows, firm_version=versions.firm)
    reversals = changes.reverse(cur, freed)
    findings = unreadable.hold_items(cur, items, step.rules.book.system_ids, now=now)
    acceptance.write_findings(cur, prepared.finding_lines, findings)
    acceptance.settle_desk(cur, heads, now=now)
    unreadable.resolve_healed(cur, heads, now=now)
    intake.reopen(cur, [one.released.item_id for one in unchanged if one.released is not None])
    stale = [one.released.item_id for one in received.stale if one.released is not None]
    intake.resolve_items(cur, stale, now=now, reason="A newer version of the source entry stands for it.")
    changes.release_peers(cur, freed, now=now)
    interleaving.take_turn(
        cur,
        interleaving.UnderWay(
            last_batch_id=step.last_batch_id,
            own_batch_ids=step.own_batch_ids,
            first_entry_id=rows[0].entry_id if rows else 0,
            last_entry_id=rows[-1].entry_id if rows else 0,
            heads=received.heads,
            freed=freed,
        ),
        step.rules,
    )
    step.own_batch_ids.append(
        acceptance.write_batch(
            cur, rows, prepared.sums, reversals, repeats=received.repeats, versions=versions, now=now
        )
    )


def _is_unchanged(reading: Reading) -> bool:
    """Read again and held for the same cause with the same golden ids: no new revision, the item is open again."""
    released = reading.released
    if released is None or reading.is_revaluation or reading.disposition != Disposition.HELD or not reading.known:
        return False
    cause, before = acceptance.blocking(reading), reading.known[-1]
    return (released.code, released.cause_key, released.subject_id) == (
        cause.code,
        cause.cause_key,
        before.entry_id,
    ) and (
        before.resource_id,
        before.project_id,
        before.task_id,
        before.role_id,
        before.entity_id,
    ) == (reading.resource_id, reading.project_id, reading.task_id, reading.role_id, reading.entity_id)
