"""All of one item: findings, history, what was received and how it is understood, what it holds up, what can be done.

Reads only. ``queue`` has the lists, ``offers`` what can be done now with which effect.
"""

from datetime import datetime
from typing import Final

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.desk import proposal_store, queue
from tieout.desk.offers import Offer, offers
from tieout.desk.proposal_store import Proposal
from tieout.desk.queue import ItemView
from tieout.desk.understanding import understood
from tieout.errors import ConfigurationError

_SOLVED: Final = 5
_CAUSES: Final = 200
"""Among the newest causes of a code it is looked for what was solved before."""


class ActionView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done to an item."""

    action: str
    actor: str
    reason: str
    taken_at: datetime


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """One finding on the held reading or message."""

    code: str
    severity: str
    message: str
    context: dict[str, str]


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """Where the record stands as received: the message, and the item's number in it (None: the whole message)."""

    message_id: int
    item_no: int | None
    system: str
    object: str
    channel: str
    received_at: datetime
    payload_bytes: int


class CorrectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A value that a person put beside the message."""

    field: str
    was: str
    value: str
    actor: str
    corrected_at: datetime


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot go on before this is solved: how many of what."""

    what: str
    count: int


class Solved(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the same code that is closed: how, by whom, and why; ``same_cause`` where the cause was the same."""

    item_id: int
    state: str
    same_cause: bool
    message: str
    action: str
    actor: str
    reason: str
    closed_at: datetime


class WholeItem(msgspec.Struct, frozen=True, kw_only=True):
    """All of one item. ``understood`` are fields of the held reading by name, as text; empty where there is none."""

    item: ItemView
    findings: tuple[FindingView, ...]
    history: tuple[ActionView, ...]
    received: Received | None
    understood: dict[str, str]
    corrections: tuple[CorrectionView, ...]
    blocks: tuple[Blocked, ...]
    solved: tuple[Solved, ...]
    proposals: tuple[Proposal, ...]
    offers: tuple[Offer, ...]


def whole(conn: Connection[tuple[object, ...]], item_id: int) -> WholeItem:
    """All of item ``item_id``; raises ConfigurationError (TIE-DESK-001) when there is none."""
    item = queue.item(conn, item_id)
    received = _received(conn, item_id)
    return WholeItem(
        item=item,
        findings=_findings(conn, item, received),
        history=tuple(history(conn, item_id)),
        received=received,
        understood=understood(conn, item.subject_id) if item.subject_kind == "time_entry" else {},
        corrections=_corrections(conn, received),
        blocks=_blocks(conn, item),
        solved=_solved(conn, item),
        proposals=tuple(proposal_store.proposals(conn, item_id=item_id)),
        offers=offers(conn, item),
    )


def show(conn: Connection[tuple[object, ...]], item_id: int) -> tuple[ItemView, list[ActionView]]:
    """An item with its history; raises ConfigurationError (TIE-DESK-001) when there is none."""
    return queue.item(conn, item_id), history(conn, item_id)


def history(conn: Connection[tuple[object, ...]], item_id: int) -> list[ActionView]:
    """What was done to an item, in order."""
    with conn.cursor(row_factory=class_row(ActionView)) as cur:
        cur.execute(
            "select action, actor, reason, taken_at from desk_action where item_id = %s order by action_id", (item_id,)
        )
        return cur.fetchall()


def received_payload(conn: Connection[tuple[object, ...]], item_id: int) -> bytes:
    """The message of an item, byte for byte as it was received.

    Raises ConfigurationError (TIE-DESK-001) where there is no such item or none of its message.
    """
    row = conn.execute(
        "select m.payload from desk_item i join message m using (message_id) where i.item_id = %s", (item_id,)
    ).fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise ConfigurationError(code="TIE-DESK-001", message=f"Item {item_id} is of no message.")
    return row[0]


def _received(conn: Connection[tuple[object, ...]], item_id: int) -> Received | None:
    with conn.cursor(row_factory=class_row(Received)) as cur:
        cur.execute(
            """
            select m.message_id, i.item_no, m.system, m.object, m.channel, m.received_at,
                   octet_length(m.payload) as payload_bytes
              from desk_item i join message m using (message_id) where i.item_id = %s
            """,
            (item_id,),
        )
        return cur.fetchone()


def _findings(
    conn: Connection[tuple[object, ...]], item: ItemView, received: Received | None
) -> tuple[FindingView, ...]:
    with conn.cursor(row_factory=class_row(FindingView)) as cur:
        columns = "select code, severity, message, context from finding"
        if item.subject_kind == "time_entry":
            cur.execute(f"{columns} where entry_id = %s order by finding_id", (item.subject_id,))
        elif received is not None and item.subject_kind in {"message", "message_item"}:
            cur.execute(
                f"{columns} where entry_id is null and message_id = %s and item_no is not distinct from %s "
                "order by finding_id",
                (received.message_id, received.item_no),
            )
        else:
            return ()
        return tuple(cur.fetchall())


def _corrections(conn: Connection[tuple[object, ...]], received: Received | None) -> tuple[CorrectionView, ...]:
    if received is None or received.item_no is None:
        return ()
    with conn.cursor(row_factory=class_row(CorrectionView)) as cur:
        cur.execute(
            """
            select field, was, value, actor, corrected_at from message_correction
             where message_id = %s and item_no = %s order by correction_id
            """,
            (received.message_id, received.item_no),
        )
        return tuple(cur.fetchall())


def _blocks(conn: Connection[tuple[object, ...]], item: ItemView) -> tuple[Blocked, ...]:
    if item.state not in {"open", "released"}:
        return ()
    if item.subject_kind == "delivery":
        row = conn.execute(
            """
            select count(*) from delivery d
              join delivery o on o.order_key = d.order_key and o.delivery_id > d.delivery_id
             where d.delivery_id = %s and o.state not in ('posted', 'excluded')
            """,
            (item.subject_id,),
        ).fetchone()
        return _some("deliveries of the same project and legal entity", row)
    if item.subject_kind == "time_entry" and item.entity is not None and item.document_date is not None:
        row = conn.execute(
            """
            select count(*) from desk_item i join posting_cut_off p on p.entity_id = i.entity_id
              join desk_item o on o.entity_id = i.entity_id and o.state in ('open', 'released')
               and p.starts <= o.document_date and o.document_date < p.ends
             where i.item_id = %s and p.starts <= i.document_date and i.document_date < p.ends
            """,
            (item.item_id,),
        ).fetchone()
        return (Blocked(what="time entry that is not billed", count=1), *_some("held items of its period", row))
    return _some("record", (1,))


def _some(what: str, row: tuple[object, ...] | None) -> tuple[Blocked, ...]:
    count = 0 if row is None else int(str(row[0]))
    return (Blocked(what=what, count=count),) if count else ()


def _solved(conn: Connection[tuple[object, ...]], item: ItemView) -> tuple[Solved, ...]:
    """Those of the same cause first, then of the same code; what the machine alone resolved says least."""
    with conn.cursor(row_factory=class_row(Solved)) as cur:
        cur.execute(
            """
            with cause as (
                select cause_id from root_cause where code = %(code)s
                 order by cause_id = %(cause)s desc, cause_id desc limit %(causes)s
            ), closed as (
                select i.item_id, i.state, i.cause_id = %(cause)s as same_cause, i.message, i.closed_at
                  from cause c cross join lateral (
                       select item_id, state, cause_id, message, closed_at from desk_item
                        where cause_id = c.cause_id and state in ('resolved', 'excluded') and item_id <> %(item)s
                        order by closed_at desc limit %(limit)s) i
            )
            select o.item_id, o.state, o.same_cause, o.message, a.action, a.actor, a.reason, o.closed_at
              from closed o
              join lateral (select action, actor, reason from desk_action d where d.item_id = o.item_id
                             order by d.actor = 'tieout', d.action_id desc limit 1) a on true
             order by o.same_cause desc, a.actor = 'tieout', o.closed_at desc limit %(limit)s
            """,
            {"cause": item.cause_id, "code": item.code, "item": item.item_id, "limit": _SOLVED, "causes": _CAUSES},
        )
        return tuple(cur.fetchall())
