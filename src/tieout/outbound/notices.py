"""Sends notices: each is routed once to the channels that the firm names, and goes out through the outbox as all else.

A notice is never sent twice: its route is kept with its delivery, and what a channel that cannot be asked did not
answer stays on the desk (DELIVERY_UNRESOLVED) instead of being sent again. One that was written while the firm named no
channel is told on the pages of the hub only.
Neighbours: ``desk.notices`` writes them, ``model.notice_policy`` has the rules.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.model.command import SendNotice
from tieout.model.notice_policy import NoticeChannel, NoticePolicy, severity_of
from tieout.outbound.outbox import NewDelivery, enqueue
from tieout.storage.copying import take_ids

_BATCH: Final = 100
_WHOLE_FIRM: Final = 0
"""The entity of a delivery that is about no legal entity: seen by whoever sees them all."""
_PAGES: Final = {
    "item_id": "/exceptions/items/{}",
    "cause_id": "/exceptions/causes/{}",
    "proposal_id": "/exceptions/proposals/{}",
    "delivery_id": "/deliveries/{}",
}
_ANY_PAGE: Final = "/exceptions"
EntityIds: TypeAlias = Callable[[str], int | None]


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    notice_id: int
    key: str
    subject: str
    entity: str | None
    recipients: list[str]
    body: str
    facts: dict[str, str]


class _Route(_Stored, frozen=True, kw_only=True):
    system: str
    address: str


def advance(
    cur: Cursor[tuple[object, ...]],
    policy: NoticePolicy,
    *,
    now: datetime,
    public_url: str | None,
    entity_id: EntityIds,
) -> int:
    """Route what is new and enqueue what is due; returns how much there was to do.

    ``public_url`` is the hub's own address, for links; ``entity_id`` the number of a legal entity's code.
    """
    return _route(cur, policy, now) + _send(cur, now, public_url, entity_id)


def _route(cur: Cursor[tuple[object, ...]], policy: NoticePolicy, now: datetime) -> int:
    with cur.connection.cursor(row_factory=class_row(_Stored)) as rows:
        fresh = rows.execute(
            """
            select notice_id, key, subject, entity, recipients, body, facts from notice
             where routed_at is null order by notice_id limit %s for update skip locked
            """,
            (_BATCH,),
        ).fetchall()
    for one in fresh:
        for channel, recipients in _channels(one, policy):
            cur.execute(
                """
                insert into notice_route (notice_id, system, address, recipients, send_at)
                values (%s, %s, %s, %s, %s)
                """,
                (
                    one.notice_id,
                    channel.system,
                    channel.address,
                    recipients,
                    channel.send_at(now, severity_of(one.facts)),
                ),
            )
    cur.execute("update notice set routed_at = %s where notice_id = any(%s)", (now, [one.notice_id for one in fresh]))
    return len(fresh)


def _channels(one: _Stored, policy: NoticePolicy) -> list[tuple[NoticeChannel, list[str]]]:
    """Every place once, with the recipients that led there."""
    found: dict[tuple[str, str], tuple[NoticeChannel, list[str]]] = {}
    for recipient in one.recipients:
        for channel in policy.places(recipient, one.facts.get("domain"), severity_of(one.facts)):
            _, recipients = found.setdefault((channel.system, channel.address), (channel, []))
            recipients.append(recipient)
    return list(found.values())


def _send(cur: Cursor[tuple[object, ...]], now: datetime, public_url: str | None, entity_id: EntityIds) -> int:
    with cur.connection.cursor(row_factory=class_row(_Route)) as rows:
        due = rows.execute(
            """
            select r.notice_id, r.system, r.address, r.recipients, n.key, n.subject, n.entity, n.body, n.facts
              from notice_route r join notice n using (notice_id)
             where r.delivery_id is null and r.send_at <= %s
             order by r.notice_id limit %s for update of r skip locked
            """,
            (now, _BATCH),
        ).fetchall()
    if not due:
        return 0
    deliveries = []
    for delivery_id, one in enumerate(due, start=take_ids(cur, "delivery_id_seq")):
        number = None if one.entity is None else entity_id(one.entity)
        deliveries.append(_delivery(one, delivery_id, public_url, _WHOLE_FIRM if number is None else number))
        cur.execute(
            "update notice_route set delivery_id = %s where notice_id = %s and system = %s and address = %s",
            (delivery_id, one.notice_id, one.system, one.address),
        )
    enqueue(cur, deliveries, now=now)
    return len(due)


def _delivery(one: _Route, delivery_id: int, public_url: str | None, entity_id: int) -> NewDelivery:
    key = hashlib.sha256(f"notice\0{one.key}\0{one.system}\0{one.address}".encode()).hexdigest()
    command = SendNotice(
        reference=f"TIE-{key[:32]}",
        entity=one.entity or "",
        address=one.address,
        subject=one.subject,
        body=one.body,
        severity=severity_of(one.facts),
        facts={"for": ", ".join(one.recipients)},
        link=None if public_url is None else f"{public_url.rstrip('/')}{page_of(one.facts)}",
    )
    return NewDelivery(
        delivery_id=delivery_id,
        system=one.system,
        command_kind="send_notice",
        command=command,
        key=key,
        order_key=f"notice|{one.notice_id}|{one.system}|{one.address}",
        entity_id=entity_id,
    )


def page_of(facts: dict[str, str]) -> str:
    """The path of the page that shows what a notice is about."""
    for name, path in _PAGES.items():
        number = facts.get(name, "")
        if number.isascii() and number.isdecimal():
            return path.format(number)
    return _ANY_PAGE
