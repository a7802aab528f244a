"""The message store: every payload as it was received, kept for ever, and the queue of those not yet read.

Intake and the API store messages here; ``pipeline`` claims them; ``release`` and the tie-out read them again. The same
bytes of the same object of a system are stored once: later arrivals leave a ``message_repeat`` row and have no effect.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor

from tieout.desk import corrections
from tieout.storage.wake import notify

WAKES = "inbound"


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived. ``channel`` is how (poll, api, webhook, file); ``principal`` who sent it, where someone did.

    ``item_count`` is None when the payload could not be read far enough to tell.
    """

    system: str
    object: str
    channel: str
    payload: bytes
    item_count: int | None
    principal: str | None = None
    correlation_id: UUID | None = None


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message is stored. ``repeated``: the same bytes were there before, nothing will happen."""

    message_id: int
    repeated: bool


class Message(msgspec.Struct, frozen=True):
    """A stored message as the steps read it. ``corrections`` stand beside it, by item number and field."""

    message_id: int
    system: str
    object: str
    item_count: int | None
    payload: bytes
    corrections: Mapping[int, Mapping[str, str]] = corrections.NONE


def store(cur: Cursor[tuple[object, ...]], messages: Sequence[NewMessage], *, now: datetime) -> list[StoredMessage]:
    """Store ``messages`` in order and queue the new ones, in the caller's transaction; wakes ``inbound`` on its commit.

    Returns one result per message, in order. Deadlock and unique conflicts are the caller's to repeat
    (``storage.pool.in_transaction``).
    """
    keys = [(one.system, one.object, hashlib.sha256(one.payload).digest()) for one in messages]
    cur.execute(
        """
        with incoming as (
            select * from unnest(%s::text[], %s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::int[], %s::text[],
                                 %s::uuid[])
                     with ordinality as given (system, object, channel, payload, digest, item_count, principal,
                                               correlation_id, place)
        ), stored as (
            insert into message (system, object, channel, received_at, payload, digest, item_count, principal,
                                 correlation_id)
            select system, object, channel, %s, payload, digest, item_count, principal, correlation_id
              from incoming order by place
            on conflict (system, object, digest) do nothing
            returning message_id, system, object, digest
        ), queued as (
            insert into message_pending (message_id, object, due_at)
            select message_id, object, %s from stored order by message_id
        )
        select message_id, system, object, digest from stored
        """,
        (
            [one.system for one in messages],
            [one.object for one in messages],
            [one.channel for one in messages],
            [one.payload for one in messages],
            [key[2] for key in keys],
            [one.item_count for one in messages],
            [one.principal for one in messages],
            [one.correlation_id for one in messages],
            now,
            now,
        ),
    )
    fresh = _by_key(cur)
    if fresh:
        notify(cur, WAKES)
    known = _find(cur, [key for key in dict.fromkeys(keys) if key not in fresh])
    results: list[StoredMessage] = []
    for key in keys:
        new_id = fresh.pop(key, None)
        if new_id is not None:
            known[key] = new_id
        results.append(StoredMessage(message_id=known[key], repeated=new_id is None))
    _count_repeats(cur, [one.message_id for one in results if one.repeated], now)
    return results


def _by_key(cur: Cursor[tuple[object, ...]]) -> dict[tuple[str, str, bytes], int]:
    return {
        (str(system), str(name), bytes(digest)): int(message_id)  # type: ignore[call-overload]  # untyped rows
        for message_id, system, name, digest in cur
    }


def _find(cur: Cursor[tuple[object, ...]], keys: Sequence[tuple[str, str, bytes]]) -> dict[tuple[str, str, bytes], int]:
    if not keys:
        return {}
    cur.execute(
        """
        select m.message_id, m.system, m.object, m.digest
          from unnest(%s::text[], %s::text[], %s::bytea[]) as given (system, object, digest)
          join message m using (system, object, digest)
        """,
        ([one[0] for one in keys], [one[1] for one in keys], [one[2] for one in keys]),
    )
    return _by_key(cur)


def _count_repeats(cur: Cursor[tuple[object, ...]], message_ids: Sequence[int], now: datetime) -> None:
    if message_ids:
        cur.execute(
            "insert into message_repeat (message_id, received_at) select unnest(%s::bigint[]), %s",
            (list(message_ids), now),
        )


def read_cursor(cur: Cursor[tuple[object, ...]], *, system: str, object_name: str) -> str | None:
    """Where reading ``object_name`` of ``system`` goes on, or None for from the beginning."""
    cur.execute("select cursor from source_cursor where system = %s and object = %s", (system, object_name))
    row = cur.fetchone()
    return None if row is None else str(row[0])


def mark_polled(cur: Cursor[tuple[object, ...]], *, system: str, object_name: str, now: datetime) -> None:
    """Keep that the object was read to its end, whether or not it told anything."""
    cur.execute(
        """
        insert into object_poll (system, object, polled_at) values (%s, %s, %s)
        on conflict (system, object) do update set polled_at = excluded.polled_at
        """,
        (system, object_name, now),
    )


def polls(cur: Cursor[tuple[object, ...]]) -> dict[tuple[str, str], datetime]:
    """When each object was last read to its end, by system and name."""
    cur.execute("select system, object, polled_at from object_poll")
    return {(str(system), str(name)): polled_at for system, name, polled_at in cur if isinstance(polled_at, datetime)}


def move_cursor(cur: Cursor[tuple[object, ...]], *, system: str, object_name: str, cursor: str, now: datetime) -> None:
    """Remember where to go on; in the transaction that stored the page, so that neither is ahead of the other."""
    cur.execute(
        """
        insert into source_cursor (system, object, cursor, moved_at) values (%s, %s, %s, %s)
        on conflict (system, object) do update set cursor = excluded.cursor, moved_at = excluded.moved_at
        """,
        (system, object_name, cursor, now),
    )


class ClaimSize(msgspec.Struct, frozen=True, kw_only=True):
    """How much one claim takes at most: whichever limit is reached first ends it, but it takes one message."""

    items: int
    payload_bytes: int = 32 * 1024 * 1024


def claim_pending(
    cur: Cursor[tuple[object, ...]],
    *,
    objects: Sequence[str],
    among: bool,
    now: datetime,
    size: ClaimSize,
) -> list[Message]:
    """Claim waiting messages in the order of arrival until the caller's transaction ends.

    ``among`` True: messages of ``objects``; False: of all other objects. Messages that another process holds are
    passed over, so that two processes never wait for each other.
    """
    comparison = "= any" if among else "<> all"
    cur.execute(
        f"""
        declare claim no scroll cursor for
        select m.message_id, m.system, m.object, m.item_count, m.payload
          from message_pending p join message m using (message_id)
         where p.object {comparison} (%s) and p.due_at <= %s
         order by p.message_id
           for update of p skip locked
        """,  # noqa: S608 - one of two constants
        (list(objects), now),
    )
    claimed: list[Message] = []
    items = payload_bytes = 0
    step = 1
    while items < size.items and payload_bytes < size.payload_bytes:
        cur.execute(f"fetch {step} from claim", binary=True)  # one statement may not take parameters here
        rows = cur.fetchall()
        for message_id, system, name, item_count, payload in rows:
            message = Message(message_id, system, name, item_count, payload)  # type: ignore[arg-type]  # untyped rows
            claimed.append(message)
            items += message.item_count or 1
            payload_bytes += len(message.payload)
        if len(rows) < step:
            break
        left = min(
            (size.items - items) * len(claimed) // max(items, 1),
            (size.payload_bytes - payload_bytes) * len(claimed) // max(payload_bytes, 1),
        )
        step = max(1, min(left, 2 * len(claimed)))
    cur.execute("close claim")
    return claimed


def done(cur: Cursor[tuple[object, ...]], message_ids: Sequence[int]) -> None:
    """Take ``message_ids`` from the queue: what they say is in the same transaction."""
    cur.execute("delete from message_pending where message_id = any(%s)", (list(message_ids),))


def anything_pending(cur: Cursor[tuple[object, ...]], *, objects: Sequence[str], among: bool, now: datetime) -> bool:
    """Whether a message waits, claimed by another process or not; ``objects`` and ``among`` as in ``claim_pending``."""
    comparison = "= any" if among else "<> all"
    cur.execute(
        f"select exists (select from message_pending where object {comparison} (%s) and due_at <= %s)",  # noqa: S608 - one of two constants
        (list(objects), now),
    )
    row = cur.fetchone()
    return row is not None and bool(row[0])


def postpone(cur: Cursor[tuple[object, ...]], message_ids: Sequence[int], *, due_at: datetime) -> None:
    """Try ``message_ids`` again from ``due_at`` on, and count the attempt."""
    cur.execute(
        "update message_pending set due_at = %s, attempts = attempts + 1 where message_id = any(%s)",
        (due_at, list(message_ids)),
    )


def read_messages(cur: Cursor[tuple[object, ...]], message_ids: Sequence[int]) -> list[Message]:
    """Stored messages by id, in order of id, with what people corrected of them."""
    cur.execute(
        """
        select message_id, system, object, item_count, payload from message where message_id = any(%s)
         order by message_id
        """,
        (list(message_ids),),
        binary=True,
    )
    messages = [Message(*row) for row in cur]  # type: ignore[arg-type]  # untyped rows
    corrected = corrections.load(cur, message_ids)
    return [
        msgspec.structs.replace(one, corrections=corrected[one.message_id]) if one.message_id in corrected else one
        for one in messages
    ]
