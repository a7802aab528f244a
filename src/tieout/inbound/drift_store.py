"""Objects that are not polled for now: paused with the page that showed a drift, resumed by a person or once readable.

Neighbours: ``drift`` judges a page, ``pipeline`` pauses, ``release`` and ``tieout systems`` resume, ``runtime.intake``
asks before each poll. The cursor stays where it was and what was taken in stays stored, so that nothing is lost.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.connect.source import Translator
from tieout.desk import intake
from tieout.desk.intake import OpenItem
from tieout.desk.store import MACHINE
from tieout.governance import audit
from tieout.inbound.drift import SHARE_PERCENT, Drift, drift_of
from tieout.inbound.message_store import WAKES, Message
from tieout.model.finding import finding
from tieout.storage.wake import notify

PAUSED_OBJECT: Final = "paused_object"
_POLL: Final = "poll"
_RESUMED: Final = "The object is polled again."


class ObjectState(msgspec.Struct, frozen=True, kw_only=True):
    """How far one object of a system is read, and since when and why it is paused, where it is.

    ``polled_at`` is when it was last read to its end, ``last_news_at`` when it last told anything.
    """

    system: str
    object: str
    polled_at: datetime | None
    last_news_at: datetime | None
    paused_at: datetime | None
    problem: str | None


def is_paused(cur: Cursor[tuple[object, ...]], *, system: str, object_name: str) -> bool:
    """Whether the object is not to be polled."""
    cur.execute("select from paused_object where system = %s and object = %s", (system, object_name))
    return cur.fetchone() is not None


def states(cur: Cursor[tuple[object, ...]]) -> list[ObjectState]:
    """Every object that was ever polled or is paused, by system and name."""
    with cur.connection.cursor(row_factory=class_row(ObjectState)) as found:
        found.execute(
            """
            select system, object, o.polled_at, c.moved_at as last_news_at, p.paused_at, p.problem
              from source_cursor c full join paused_object p using (system, object)
              full join object_poll o using (system, object)
             order by system, object
            """
        )
        return found.fetchall()


def pause_drifted(
    cur: Cursor[tuple[object, ...]],
    messages: Sequence[Message],
    translators: Mapping[str, Translator],
    *,
    share_percent: int = SHARE_PERCENT,
    now: datetime,
) -> None:
    """Pause the object of every polled page among ``messages`` that shows a drift, with an item on the desk.

    In the transaction that puts the items of the page on the desk: there is never one without the other.
    """
    if not messages:
        return
    cur.execute(
        "select message_id from message where message_id = any(%s) and channel = %s",
        ([one.message_id for one in messages], _POLL),
    )
    polled = {int(str(row[0])) for row in cur}
    first: dict[tuple[str, str], Drift] = {}
    for message in messages:
        if message.message_id not in polled:
            continue
        drift = drift_of(message, translators, share_percent=share_percent)
        if drift is not None:
            first.setdefault((message.system, message.object), drift)
    for _, drift in sorted(first.items()):
        _pause(cur, drift, now)


def _pause(cur: Cursor[tuple[object, ...]], drift: Drift, now: datetime) -> None:
    message = drift.message
    cur.execute(
        """
        insert into paused_object (system, object, message_id, problem, paused_at) values (%s, %s, %s, %s, %s)
        on conflict (system, object) do nothing
        returning pause_id, (select system_id from system_name where name = system)
        """,
        (message.system, message.object, message.message_id, drift.problem, now),
    )
    row = cur.fetchone()
    if row is None:
        return
    pause_id, system_id = row
    found = finding(
        "SCHEMA_DRIFT",
        f"{drift.unreadable_count} of {drift.item_count} items of message {message.message_id} ({message.object} of "
        f"{message.system}) cannot be read, most of them because: {drift.problem}. The object is not polled any more.",
        cause=f"{message.system}:{message.object}",
        context={"object": message.object},
        depends_on=(f"system:{message.system}",),
    )
    item = intake.ItemFacts(
        subject_kind=PAUSED_OBJECT,
        subject_id=int(str(pause_id)),
        system_id=None if system_id is None else int(str(system_id)),
        message_id=message.message_id,
        entry_count=0,
        finding=found,
    )
    intake.open_items(cur, [item], now=now)


def resume(cur: Cursor[tuple[object, ...]], *, system: str, object_name: str, actor: str, now: datetime) -> int | None:
    """Let the object be polled again and judge again what could not be read of it.

    Returns how many items are judged again; None when the object was not paused.
    """
    cur.execute("delete from paused_object where system = %s and object = %s returning pause_id", (system, object_name))
    row = cur.fetchone()
    if row is None:
        return None
    intake.resolve(cur, PAUSED_OBJECT, [int(str(row[0]))], now=now, reason=_RESUMED)
    cur.execute(
        """
        with released as (
            update desk_item i set state = 'released'
              from root_cause c, message m
             where c.cause_id = i.cause_id and c.code = 'SCHEMA_INVALID' and i.state = 'open'
               and i.subject_kind = any(%s) and m.message_id = i.message_id and m.system = %s and m.object = %s
            returning i.item_id
        )
        insert into desk_action (item_id, action, actor, reason, taken_at)
        select item_id, 'release', %s, %s, %s from released
        """,
        ([intake.MESSAGE, intake.MESSAGE_ITEM], system, object_name, actor, _RESUMED, now),
    )
    released = cur.rowcount
    notify(cur, WAKES)
    act = audit.AuditEntry(
        principal=actor, action="object.resumed", object_kind="paused_object", object_id=f"{system}/{object_name}"
    )
    audit.append(cur, act, now=now)
    return released


def settle_released(
    cur: Cursor[tuple[object, ...]],
    items: Sequence[OpenItem],
    messages: Mapping[int, Message],
    translators: Mapping[str, Translator],
    *,
    share_percent: int = SHARE_PERCENT,
    now: datetime,
) -> None:
    """Resume what a person released, and what can be read now; the other items are open again."""
    by_person = _released_by_person(cur, [one.item_id for one in items])
    for item in items:
        message = messages[item.message_id or 0]
        is_drift = drift_of(message, translators, share_percent=share_percent) is not None
        if item.item_id not in by_person and is_drift:
            intake.reopen(cur, [item.item_id])
            continue
        actor = by_person.get(item.item_id, MACHINE)
        resume(cur, system=message.system, object_name=message.object, actor=actor, now=now)


def _released_by_person(cur: Cursor[tuple[object, ...]], item_ids: Sequence[int]) -> dict[int, str]:
    """Who released each item whose last action is a person's; a changed configuration is none."""
    if not item_ids:
        return {}
    cur.execute(
        """
        select item_id, actor from (
            select distinct on (item_id) item_id, action, actor from desk_action
             where item_id = any(%s) order by item_id, action_id desc) latest
         where action in ('retry', 'accept')
        """,
        (list(item_ids),),
    )
    return {int(str(item_id)): str(actor) for item_id, actor in cur}
