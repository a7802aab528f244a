"""Learns from stored messages what each object of a vendor looks like, and notes what is different now.

Off the way of the facts: it reads messages after they were stored, once a day or on demand, each message once. Payloads
that are not JSON (files) are passed over. The rules are ``governance.vendor_shape``'s.
"""

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Final

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.connect.json_codec import decode_strict
from tieout.errors import ContractError
from tieout.governance import audit
from tieout.governance.vendor_shape import FieldShape, Shape, ShapeChange, changes, merged, shape_of
from tieout.storage.pool import bytes_of

_PAGES_AT_ONCE: Final = 200


class VendorObject(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one object of a system: how many fields, from how many messages, and unread changes."""

    system: str
    object: str
    message_count: int
    field_count: int
    open_changes: int


class VendorChange(msgspec.Struct, frozen=True, kw_only=True):
    """A difference that was noticed, in which message first, and who has acknowledged it."""

    change_id: int
    system: str
    object: str
    path: str
    words: str
    message_id: int
    noticed_at: datetime
    acknowledged_by: str | None


def learn(cur: Cursor[tuple[object, ...]], *, now: datetime) -> int:
    """Read what came since the last time, at most some pages of each object; returns how many messages were read.

    Call it again until it returns 0. What it learns and what it notes stand in one transaction.
    """
    cur.execute("select pg_advisory_xact_lock(hashtext('tieout.vendor_schemas'))")
    cur.execute(
        """
        select m.system, m.object, coalesce(v.last_message, 0)
          from (select system, object, max(message_id) as newest from message group by system, object) m
          left join vendor_object v using (system, object)
         where m.newest > coalesce(v.last_message, 0) order by m.system, m.object
        """
    )
    waiting = [(str(system), str(name), int(str(last))) for system, name, last in cur.fetchall()]
    return sum(_learn_object(cur, system, name, last, now) for system, name, last in waiting)


def objects(cur: Cursor[tuple[object, ...]]) -> list[VendorObject]:
    """Every object that was learnt, by system and name."""
    with cur.connection.cursor(row_factory=class_row(VendorObject)) as found:
        found.execute(
            """
            select v.system, v.object, v.message_count,
                   (select count(*) from vendor_field f where f.object_id = v.object_id) as field_count,
                   (select count(*) from vendor_change c
                     where c.object_id = v.object_id and c.acknowledged_at is null) as open_changes
              from vendor_object v order by v.system, v.object
            """
        )
        return found.fetchall()


def open_changes(cur: Cursor[tuple[object, ...]], *, system: str | None = None) -> list[VendorChange]:
    """Changes that nobody has acknowledged, the newest first."""
    with cur.connection.cursor(row_factory=class_row(VendorChange)) as found:
        found.execute(
            """
            select c.change_id, v.system, v.object, c.path, c.words, c.message_id, c.noticed_at, c.acknowledged_by
              from vendor_change c join vendor_object v using (object_id)
             where c.acknowledged_at is null and (%(system)s::text is null or v.system = %(system)s)
             order by c.change_id desc
            """,
            {"system": system},
        )
        return found.fetchall()


def acknowledge(cur: Cursor[tuple[object, ...]], *, system: str, actor: str, reason: str, now: datetime) -> int:
    """Say of all open changes of ``system`` that somebody has looked at them; returns how many."""
    cur.execute(
        """
        update vendor_change c set acknowledged_at = %s, acknowledged_by = %s
          from vendor_object v where v.object_id = c.object_id and v.system = %s and c.acknowledged_at is null
        """,
        (now, actor, system),
    )
    count = cur.rowcount
    if count:
        entry = audit.AuditEntry(
            principal=actor,
            action="vendor_changes.acknowledged",
            object_kind="system",
            object_id=system,
            reason=reason,
            after={"changes": str(count)},
        )
        audit.append(cur, entry, now=now)
    return count


def _learn_object(cur: Cursor[tuple[object, ...]], system: str, name: str, last: int, now: datetime) -> int:
    cur.execute(
        "select message_id, payload from message where system = %s and object = %s and message_id > %s"
        " order by message_id limit %s",
        (system, name, last, _PAGES_AT_ONCE),
    )
    rows = [(int(str(number)), bytes_of(payload)) for number, payload in cur.fetchall()]
    payloads = [decoded for _, payload in rows if (decoded := _decoded(payload)) is not None]
    news = shape_of(payloads)
    object_id, known = _known(cur, system, name)
    first = rows[0][0]
    _note(cur, object_id, changes(known, news), message_id=first, now=now)
    _save(cur, object_id, merged(known, news), read=news.fields, span=(first, rows[-1][0]))
    return len(rows)


def _known(cur: Cursor[tuple[object, ...]], system: str, name: str) -> tuple[int, Shape]:
    cur.execute(
        """
        insert into vendor_object (system, object, last_message, message_count) values (%s, %s, 0, 0)
        on conflict (system, object) do update set system = excluded.system
        returning object_id, message_count
        """,
        (system, name),
    )
    row = cur.fetchone()
    assert row is not None  # noqa: S101 - an upsert returns its row
    object_id, count = (int(str(one)) for one in row)
    cur.execute("select path, forms, value_digests, seen_count from vendor_field where object_id = %s", (object_id,))
    fields = {
        str(path): FieldShape(
            forms=frozenset(msgspec.convert(forms, list[str])),
            values=None if values is None else frozenset(msgspec.convert(values, list[int])),
            seen_count=int(str(seen)),
        )
        for path, forms, values, seen in cur.fetchall()
    }
    return object_id, Shape(payload_count=count, fields=fields)


def _note(
    cur: Cursor[tuple[object, ...]], object_id: int, found: Sequence[ShapeChange], *, message_id: int, now: datetime
) -> None:
    """Note changes; one that stands unacknowledged is not noted again."""
    cur.executemany(
        """
        insert into vendor_change (object_id, path, words, message_id, noticed_at)
        select %(object)s, %(path)s, %(words)s, %(message)s, %(now)s
         where not exists (select from vendor_change where object_id = %(object)s and path = %(path)s
                              and words = %(words)s and acknowledged_at is null)
        """,
        [
            {"object": object_id, "path": one.path, "words": one.words, "message": message_id, "now": now}
            for one in found
        ],
    )


def _save(
    cur: Cursor[tuple[object, ...]],
    object_id: int,
    shape: Shape,
    *,
    read: Container[str],
    span: tuple[int, int],
) -> None:
    """Keep ``shape``; only the places that were ``read`` now have changed. ``span``: the first and the last message."""
    first, last = span
    cur.executemany(
        """
        insert into vendor_field (object_id, path, forms, value_digests, seen_count, first_message, last_message)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (object_id, path) do update
            set forms = excluded.forms, value_digests = excluded.value_digests, seen_count = excluded.seen_count,
                last_message = excluded.last_message
        """,
        [
            (
                object_id,
                path,
                sorted(one.forms),
                None if one.values is None else sorted(one.values),
                one.seen_count,
                first,
                last,
            )
            for path, one in sorted(shape.fields.items())
            if path in read
        ],
    )
    cur.execute(
        "update vendor_object set last_message = %s, message_count = %s where object_id = %s",
        (last, shape.payload_count, object_id),
    )


def _decoded(payload: bytes) -> object:
    """The payload as JSON; None for what is none, which the steps that read it put on the desk."""
    try:
        return decode_strict(payload)
    except ContractError:
        return None
