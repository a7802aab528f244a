"""Held assignments and absences on the desk: one open item per source entry, with its age, until it can count.

Items have the kinds ``assignment`` and ``time_off`` and the held reading as subject; ``release`` reads them again.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from psycopg import Cursor

from tieout.desk import intake
from tieout.inbound.bookings_reading import AssignmentReading, Fact, Outcome
from tieout.inbound.bookings_rules import blocking, is_unchanged
from tieout.inbound.unreadable import master_key, place_of, resolve_readable


def settle(cur: Cursor[tuple[object, ...]], heads: Sequence[Fact], stale: Sequence[Fact], *, now: datetime) -> None:
    """Let the desk say what was found of ``heads``.

    ``stale`` are readings that were read again and have a newer one by now: what they were on the desk for is past.
    """
    outdated = [one.released.item_id for one in stale if one.released is not None]
    intake.resolve_items(cur, outdated, now=now, reason="A newer version of the source entry stands for it.")
    intake.reopen(cur, [one.released.item_id for one in heads if one.released is not None and is_unchanged(one)])
    judged = [one for one in heads if not is_unchanged(one)]
    if judged:
        _settle_judged(cur, judged, now)
        readable = ((master_key(one.object, one.source_id), one.system_id, place_of(one)) for one in judged)
        resolve_readable(cur, readable, now=now)


def _settle_judged(cur: Cursor[tuple[object, ...]], heads: Sequence[Fact], now: datetime) -> None:
    known_ids = [known.entry_id for one in heads for known in one.known]
    open_items = intake.open_items_of(cur, heads[0].noun, known_ids)
    new: list[intake.ItemFacts] = []
    updates: list[tuple[int, intake.ItemFacts]] = []
    outdated: list[int] = []
    for one in heads:
        items = [open_items[known.entry_id].item_id for known in one.known if known.entry_id in open_items]
        if one.released is not None and one.released.item_id not in items:
            items.append(one.released.item_id)
        if one.disposition == Outcome.HELD:
            facts = _item(one)
            if items and one.released is not None:
                updates.append((items.pop(), facts))
            else:
                new.append(facts)
        outdated += items
    intake.resolve_items(cur, outdated, now=now, reason="A newer reading of the source entry stands for it.")
    intake.update(cur, updates, now=now)
    intake.open_items(cur, new, now=now)


def _item(one: Fact) -> intake.ItemFacts:
    entity = one.resource.entity_id if one.resource is not None else None
    if isinstance(one, AssignmentReading) and one.project is not None:
        entity = one.project.entity_id
    return intake.ItemFacts(
        subject_kind=one.noun,
        subject_id=one.entry_id,
        finding=blocking(one),
        message_id=one.message_id,
        item_no=one.item_no,
        system_id=one.system_id,
        source_id=one.source_id,
        entity_id=entity,
        document_date=one.said.starts,
        entry_count=0,
        hours=None if one.said.hours_by_day is None else sum(one.said.hours_by_day.values(), Decimal()),
    )
