"""Webhooks that were refused, by system and day: many of them tell of a wrong or replaced key, or of somebody else.

Neighbours: ``api.webhooks`` counts, ``runtime.schedule`` settles the desk's items.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.desk import intake
from tieout.inbound.translation import printable
from tieout.model.finding import Finding, finding

REFUSED_WEBHOOKS: Final = "refused_webhooks"
_FEWER: Final = "A day came on which fewer are refused."


class Refusals(msgspec.Struct, frozen=True, kw_only=True):
    """Requests refused in the name of a system on the present day (UTC)."""

    system_id: int
    system: str
    refused_count: int
    last_at: datetime
    last_why: str


def count(cur: Cursor[tuple[object, ...]], *, system: str, why: str, now: datetime) -> None:
    """Count one more refused request; ``why`` is kept of the last."""
    cur.execute(
        """
        insert into webhook_refusal as r (day, system, refused_count, last_at, last_why) values (%s, %s, 1, %s, %s)
        on conflict (day, system) do update
            set refused_count = r.refused_count + 1, last_at = excluded.last_at, last_why = excluded.last_why
        """,
        (now.astimezone(UTC).date(), system, now, printable(why)),
    )


def settle(cur: Cursor[tuple[object, ...]], *, limit: int, now: datetime) -> None:
    """One desk item per system of which ``limit`` or more were refused today; those of other systems are resolved."""
    many = {one.system_id: one for one in _today(cur, now) if one.refused_count >= limit}
    known = intake.open_items_of(cur, REFUSED_WEBHOOKS, _systems(cur))
    wanted = {at: _facts(one) for at, one in many.items()}
    over = [item.item_id for at, item in known.items() if at not in wanted]
    intake.resolve_items(cur, over, now=now, reason=_FEWER)
    told = _messages(cur, [item.item_id for item in known.values()])
    intake.update(
        cur,
        [
            (item.item_id, wanted[at])
            for at, item in known.items()
            if at in wanted and (item.state != "open" or told[item.item_id] != wanted[at].finding.message)
        ],
        now=now,
    )
    intake.open_items(cur, [facts for at, facts in wanted.items() if at not in known], now=now)


def _today(cur: Cursor[tuple[object, ...]], now: datetime) -> list[Refusals]:
    with cur.connection.cursor(row_factory=class_row(Refusals)) as found:
        found.execute(
            """
            select s.system_id, r.system, r.refused_count, r.last_at, r.last_why
              from webhook_refusal r join system_name s on s.name = r.system
             where r.day = %s order by s.system_id
            """,
            (now.astimezone(UTC).date(),),
        )
        return found.fetchall()


def _systems(cur: Cursor[tuple[object, ...]]) -> list[int]:
    cur.execute("select system_id from system_name")
    return [int(str(row[0])) for row in cur]


def _messages(cur: Cursor[tuple[object, ...]], item_ids: list[int]) -> dict[int, str]:
    cur.execute("select item_id, message from desk_item where item_id = any(%s)", (item_ids,))
    return {int(str(item_id)): str(message) for item_id, message in cur}


def _facts(one: Refusals) -> intake.ItemFacts:
    return intake.ItemFacts(
        subject_kind=REFUSED_WEBHOOKS,
        subject_id=one.system_id,
        system_id=one.system_id,
        entry_count=0,
        finding=_finding(one),
    )


def _finding(one: Refusals) -> Finding:
    day = one.last_at.astimezone(UTC).date()
    return finding(
        "WEBHOOKS_REFUSED",
        f"{one.refused_count} webhooks in the name of {one.system} were refused on {day}, the last because: "
        f"{one.last_why}",
        cause=one.system,
    )
