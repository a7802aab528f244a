"""The way in of assignments and absences: normalise, receive by version, judge, write, and tell the plan what changed.

``pipeline`` and ``release`` call ``take_in_facts`` in the transaction of a batch. The readings stay for ever
(``assignment_version``, ``time_off_version``); ``booking`` and ``absence`` hold what the standing versions say, and
``plan_pending`` what of the plan is to be computed anew. Batches of them come one after the other, and after those that
change the reference: an item that is judged while a record it waits for is being taken in would else wait for ever.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from psycopg import Cursor

from tieout.governance import reference_state
from tieout.inbound import bookings_desk as desk
from tieout.inbound import bookings_plan as plan
from tieout.inbound import bookings_store as store
from tieout.inbound import unreadable
from tieout.inbound.acceptance import write_findings
from tieout.inbound.bookings_reading import AbsenceReading, AssignmentReading, FactArrival, normalize_facts
from tieout.inbound.bookings_rules import Owners, is_unchanged, judge_facts
from tieout.inbound.context import InboundContext
from tieout.inbound.idempotent_receiver import Received, sort_versions
from tieout.inbound.rule_context import RuleContext
from tieout.records.reference_book import BookCache
from tieout.storage.copying import ID_BLOCK

_Fact = TypeVar("_Fact", AssignmentReading, AbsenceReading)


class _Batch(msgspec.Struct, frozen=True):
    """What one batch is judged by."""

    rules: RuleContext
    owners: Owners
    now: datetime

    @property
    def firm_version(self) -> int:
        return self.rules.book.firm.version


def take_in_facts(
    cur: Cursor[tuple[object, ...]],
    context: InboundContext,
    arrivals: Sequence[FactArrival],
    *,
    now: datetime,
    own_records: bool = False,
) -> None:
    """Take ``arrivals`` in, in order. ``own_records``: this transaction changed the reference itself before.

    Waits for whoever changes the reference, and keeps them out until the transaction ends.
    """
    if not arrivals:
        return
    reference_state.lock(cur)
    rules = _rules(cur, context, now, own_records=own_records)
    batch = _Batch(rules, Owners(rules.book.firm), now)
    for start in range(0, len(arrivals), ID_BLOCK):
        assignments, absences, not_normal = normalize_facts(arrivals[start : start + ID_BLOCK], rules)
        _take_in_assignments(cur, batch, assignments)
        _take_in_absences(cur, batch, absences)
        write_findings(cur, (), unreadable.hold_items(cur, not_normal, rules.book.system_ids, now=now))


def _rules(
    cur: Cursor[tuple[object, ...]], context: InboundContext, now: datetime, *, own_records: bool
) -> RuleContext:
    """What is judged by; read past the cache where it is not committed, since it must not stay in memory then."""
    if own_records:
        return RuleContext(BookCache().get(cur.connection), now)
    return context.rules.get(context.books.get(cur.connection), now)


def _take_in_assignments(cur: Cursor[tuple[object, ...]], batch: _Batch, readings: Sequence[AssignmentReading]) -> None:
    if not readings:
        return
    plan.learn(readings, store.history_of_assignments(cur, plan.keys_of(readings)))
    received = sort_versions(readings)
    judge_facts(received.heads, batch.owners)
    heads, rows = _to_write(received)
    store.take_reading_ids(cur, rows)
    store.write_assignments(cur, rows, firm_version=batch.firm_version, now=batch.now)
    before = store.bookings_of(cur, plan.keys_of(heads)).values()
    standing = plan.standing_bookings(heads, rows)
    store.replace_bookings(cur, before, standing)
    store.plan_anew(cur, plan.changed_bookings(before, standing), ())
    _settle(cur, received, rows, batch.now)


def _take_in_absences(cur: Cursor[tuple[object, ...]], batch: _Batch, readings: Sequence[AbsenceReading]) -> None:
    if not readings:
        return
    plan.learn(readings, store.history_of_absences(cur, plan.keys_of(readings)))
    received = sort_versions(readings)
    judge_facts(received.heads, batch.owners)
    heads, rows = _to_write(received)
    store.take_reading_ids(cur, rows)
    store.write_absences(cur, rows, firm_version=batch.firm_version, now=batch.now)
    before = store.absences_of(cur, plan.keys_of(heads)).values()
    standing = plan.standing_absences(heads, rows)
    store.replace_absences(cur, before, standing)
    store.plan_anew(cur, (), plan.changed_days(before, standing))
    _settle(cur, received, rows, batch.now)


def _to_write(received: Received[_Fact]) -> tuple[list[_Fact], list[_Fact]]:
    """The heads that say something new, and all readings to be kept."""
    heads = [one for one in received.heads if not is_unchanged(one)]
    rows = list(received.superseded)
    rows += heads
    return heads, rows


def _settle(cur: Cursor[tuple[object, ...]], received: Received[_Fact], rows: Sequence[_Fact], now: datetime) -> None:
    write_findings(cur, (), [(one.message_id, one.item_no, found) for one in rows for found in one.findings])
    desk.settle(cur, received.heads, received.stale, now=now)
