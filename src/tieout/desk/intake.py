"""How steps put things on the desk and take them off again: in bulk, in the step's own transaction.

The desk never calls a step. It marks items released and wakes the step that owns them; that step claims them with
``claim_released`` and then resolves, updates or reopens each.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from psycopg import Cursor

from tieout.desk import store
from tieout.desk.store import ItemFacts, OpenItem, claim_released
from tieout.storage.wake import notify

__all__ = [
    "ENTRY", "MESSAGE", "MESSAGE_ITEM", "ItemFacts", "NewItem", "OpenItem", "claim_released", "exclude", "open_items",
    "open_items_of", "release_peers", "release_waiting", "reopen", "resolve", "resolve_items", "update",
]  # fmt: skip

NewItem = ItemFacts
ENTRY: Final = "time_entry"
MESSAGE: Final = "message"
MESSAGE_ITEM: Final = "message_item"
_READ_AGAIN: Final = "inbound"


def open_items(cur: Cursor[tuple[object, ...]], items: Sequence[ItemFacts], *, now: datetime) -> None:
    """Open one item per subject. A subject has one open item at most; a second one is a unique conflict."""
    if items:
        store.insert_items(cur, items, now=now)


def open_items_of(
    cur: Cursor[tuple[object, ...]], subject_kind: str, subject_ids: Sequence[int]
) -> dict[int, OpenItem]:
    """The open or released item of each of ``subject_ids`` that has one."""
    return store.open_items_of(cur, subject_kind, subject_ids) if subject_ids else {}


def update(cur: Cursor[tuple[object, ...]], updates: Sequence[tuple[int, ItemFacts]], *, now: datetime) -> None:
    """Let each item (by id) say its new facts: another cause, another amount, another subject. It is open again."""
    for item_id, facts in updates:
        store.update_item(cur, item_id, facts, now=now)


def resolve(
    cur: Cursor[tuple[object, ...]], subject_kind: str, subject_ids: Sequence[int], *, now: datetime, reason: str
) -> int:
    """Close the items of ``subject_ids`` because what they waited for happened. Returns how many were open."""
    return resolve_items(
        cur, [one.item_id for one in open_items_of(cur, subject_kind, subject_ids).values()], now=now, reason=reason
    )


def exclude(
    cur: Cursor[tuple[object, ...]], subject_kind: str, subject_ids: Sequence[int], *, now: datetime, reason: str
) -> int:
    """Take the items of ``subject_ids`` out by a rule of the firm: they stand as excluded. Returns how many."""
    if not subject_ids:
        return 0
    items = [one.item_id for one in open_items_of(cur, subject_kind, subject_ids).values()]
    return store.close_items(cur, items, state="excluded", actor=store.MACHINE, reason=reason, now=now)


def resolve_items(cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], *, now: datetime, reason: str) -> int:
    """As ``resolve``, by item id."""
    if not item_ids:
        return 0
    return store.close_items(cur, item_ids, state="resolved", actor=store.MACHINE, reason=reason, now=now)


def reopen(cur: Cursor[tuple[object, ...]], item_ids: Sequence[int]) -> None:
    """Judged again and nothing changed: the items are open again, as they were."""
    if item_ids:
        store.reopen_items(cur, item_ids)


def release_waiting(
    cur: Cursor[tuple[object, ...]],
    tokens: Sequence[str],
    *,
    now: datetime,
    reason: str,
    actor: str = store.MACHINE,
) -> int:
    """Let every item be judged again whose cause depends on one of ``tokens``; wakes the step. Returns how many."""
    if not tokens:
        return 0
    released = store.release_by_dependency(cur, tokens, actor=actor, reason=reason, now=now)
    if released:
        notify(cur, _READ_AGAIN)
    return released


def release_peers(
    cur: Cursor[tuple[object, ...]],
    entry_ids: Sequence[int],
    *,
    codes: Sequence[str],
    now: datetime,
    reason: str,
) -> int:
    """Let held entries be judged again whose finding was about another entry that has changed. Returns how many."""
    if not entry_ids:
        return 0
    released = store.release_by_subject(cur, ENTRY, entry_ids, codes=codes, reason=reason, now=now)
    if released:
        notify(cur, _READ_AGAIN)
    return released
