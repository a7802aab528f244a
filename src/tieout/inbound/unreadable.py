"""What cannot be read: SCHEMA_INVALID on the desk, by item or by whole message, until a readable version arrives.

An unreadable item whose source id could still be read is one item on the desk, however often it arrives, and is
resolved by the first readable version of the same entry.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from psycopg import Cursor

from tieout.desk import intake
from tieout.inbound.context import TIME_OBJECTS
from tieout.inbound.normalizer import UnreadableItem, storable_key
from tieout.inbound.reading import Reading
from tieout.inbound.translation import UnreadableMessage, printable
from tieout.model.finding import Finding, finding

ITEMS_PER_MESSAGE: Final = 1_000_000
FindingRow: TypeAlias = tuple[int, int | None, Finding]
_SourceKey: TypeAlias = tuple[int, str]


class Placed(Protocol):
    """Something that was read from an item of a message."""

    message_id: int
    item_no: int


def hold_items(
    cur: Cursor[tuple[object, ...]],
    items: Sequence[UnreadableItem],
    system_ids: dict[str, int],
    *,
    now: datetime,
) -> list[FindingRow]:
    """Put unreadable items on the desk, one per source entry; returns their findings."""
    if not items:
        return []
    known = open_by_source(cur, [key for one in items if (key := _source_id(one)) is not None])
    findings: list[FindingRow] = []
    new: dict[tuple[int, str], intake.ItemFacts] = {}
    updates: dict[int, intake.ItemFacts] = {}
    reopened: list[int] = []
    for one in items:
        system_id, source_id = system_ids[one.system], _source_id(one)
        found = _finding(one)
        facts = intake.ItemFacts(
            subject_kind=intake.MESSAGE_ITEM,
            subject_id=one.message_id * ITEMS_PER_MESSAGE + one.item_no,
            finding=found,
            message_id=one.message_id,
            item_no=one.item_no,
            system_id=system_id,
            source_id=source_id,
            entry_count=1 if one.object in TIME_OBJECTS else 0,
        )
        if one.released is not None:
            reopened.append(one.released.item_id)
            continue
        findings.append((one.message_id, one.item_no, found))
        item_id = None if source_id is None else known.get((system_id, source_id))
        if item_id is not None:
            updates[item_id] = facts
        else:
            new[system_id, source_id or f"{one.message_id}\x00{one.item_no}"] = facts
    intake.reopen(cur, reopened)
    intake.update(cur, list(updates.items()), now=now)
    intake.open_items(cur, list(new.values()), now=now)
    return findings


def hold_messages(
    cur: Cursor[tuple[object, ...]], messages: Sequence[UnreadableMessage], *, now: datetime
) -> list[FindingRow]:
    """Put unreadable messages on the desk; returns their findings."""
    findings: list[FindingRow] = []
    items: list[intake.ItemFacts] = []
    for one in messages:
        found = finding(
            "SCHEMA_INVALID",
            f"Message {one.message_id} ({one.object} of {one.system}) cannot be read: {one.problem}",
            cause=f"{one.system}:{one.object}",
            context={"object": one.object},
            depends_on=(f"system:{one.system}",),
        )
        findings.append((one.message_id, None, found))
        items.append(
            intake.ItemFacts(
                subject_kind=intake.MESSAGE, subject_id=one.message_id, finding=found, message_id=one.message_id
            )
        )
    intake.open_items(cur, items, now=now)
    return findings


def resolve_healed(cur: Cursor[tuple[object, ...]], heads: Sequence[Reading], *, now: datetime) -> int:
    """Resolve the items of entries that could not be read before and now were. Returns how many."""
    return resolve_readable(cur, ((one.source_id, one.system_id, place_of(one)) for one in heads), now=now)


def place_of(one: Placed) -> int:
    """Where an item was read, as one number that grows with the order of arrival."""
    return one.message_id * ITEMS_PER_MESSAGE + one.item_no


def resolve_readable(cur: Cursor[tuple[object, ...]], items: Iterable[tuple[str, int, int]], *, now: datetime) -> int:
    """Resolve the desk's items of what could not be read before and now was. Returns how many.

    ``items`` are source id as on the desk, system and place (``place_of``). What arrived before that which cannot be
    read heals nothing: the unreadable correction is the news.
    """
    cur.execute(
        "select exists (select from desk_item where subject_kind = %s and state in ('open', 'released'))",
        (intake.MESSAGE_ITEM,),
    )
    row = cur.fetchone()
    if row is None or not row[0]:
        return 0
    given = list(items)
    cur.execute(
        """
        select i.item_id
          from unnest(%s::text[], %s::smallint[], %s::bigint[]) as given (source_id, system_id, place)
          join desk_item i using (source_id, system_id)
         where i.subject_kind = %s and i.state in ('open', 'released') and i.subject_id <= given.place
        """,
        ([one[0] for one in given], [one[1] for one in given], [one[2] for one in given], intake.MESSAGE_ITEM),
    )
    healed = [int(str(row[0])) for row in cur.fetchall()]
    return intake.resolve_items(cur, healed, now=now, reason="A version that can be read has arrived.")


def open_by_source(cur: Cursor[tuple[object, ...]], source_ids: Sequence[str]) -> dict[_SourceKey, int]:
    """The open item of each unreadable item or report, by system and source id."""
    if not source_ids:
        return {}
    cur.execute(
        """
        select system_id, source_id, item_id from desk_item
         where source_id = any(%s) and subject_kind = %s and state in ('open', 'released')
        """,
        (list(source_ids), intake.MESSAGE_ITEM),
    )
    return {(int(str(system_id)), str(source_id)): int(str(item_id)) for system_id, source_id, item_id in cur}


def _source_id(item: UnreadableItem) -> str | None:
    source_id = storable_key(item.source_id)
    return source_id if source_id is None or item.object in TIME_OBJECTS else master_key(item.object, source_id)


def master_key(object_name: str, source_id: str) -> str:
    """The source id of a master's item on the desk: apart from those of time entries."""
    return f"{object_name}:{source_id}"


def _finding(one: UnreadableItem) -> Finding:
    name = storable_key(one.source_id)
    what = f"{one.object} {name}" if name is not None else f"Item {one.item_no} of message {one.message_id}"
    return finding(
        "SCHEMA_INVALID",
        f"{what} of {one.system} cannot be read: {printable(one.problem)}",
        cause=one.system,
        depends_on=(f"system:{one.system}",),
    )
