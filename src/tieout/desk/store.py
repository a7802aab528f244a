"""The SQL of the desk: root causes, items in bulk, and the releases that people and corrected reference cause.

``intake`` is what steps call; the queue that people work on stands on the same statements.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.model.finding import Finding
from tieout.model.finding_codes import CATALOGUE
from tieout.storage.copying import CopyValue, copy_rows

MACHINE = "tieout"
_ITEM_COLUMNS = (
    "subject_kind", "subject_id", "message_id", "item_no", "system_id", "source_id", "cause_id", "state", "entity_id",
    "document_date", "currency", "entry_count", "hours", "amount_minor", "new_currency", "new_amount_minor", "message",
    "context", "opened_at",
)  # fmt: skip


class ItemFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one desk item says: what is held, why, and what is at stake.

    ``hours`` and ``amount_minor`` (of ``currency``, ISO 4217 numeric) are a delta for SOURCE_CHANGED and RATE_CHANGED;
    ``amount_minor`` is None where it cannot be priced yet. A change from one currency to another has its delta in both:
    what is posted in ``currency``, what should be in ``new_currency``. ``context`` adds to the finding's own context.
    """

    subject_kind: str
    subject_id: int
    finding: Finding
    message_id: int | None = None
    item_no: int | None = None
    system_id: int | None = None
    source_id: str | None = None
    entity_id: int | None = None
    document_date: date | None = None
    currency: int | None = None
    entry_count: int = 1
    hours: Decimal | None = None
    amount_minor: int | None = None
    new_currency: int | None = None
    new_amount_minor: int | None = None
    context: dict[str, str] = {}


class OpenItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item as the steps that judge it again need it. ``code`` and ``cause_key`` are of its root cause."""

    item_id: int
    subject_kind: str
    subject_id: int
    message_id: int | None
    item_no: int | None
    state: str
    code: str
    cause_key: str
    context: dict[str, str]


def cause_ids(
    cur: Cursor[tuple[object, ...]], findings: Sequence[Finding], *, now: datetime
) -> dict[tuple[str, str], int]:
    """The root cause of each finding by (code, cause_key); causes not seen before are added, in order of their key."""
    wanted = {(one.code, one.cause_key): one for one in findings}
    known = _known_causes(cur, sorted(wanted))
    missing = sorted(key for key in wanted if key not in known)
    if not missing:
        return known
    for code, cause_key in missing:
        one = wanted[code, cause_key]
        cur.execute(
            """
            insert into root_cause (code, cause_key, owner, depends_on, first_seen) values (%s, %s, %s, %s, %s)
            on conflict (code, cause_key) do nothing
            """,
            (code, cause_key, CATALOGUE[code].owner.value, list(one.depends_on), now),
        )
    return known | _known_causes(cur, missing)


def _known_causes(cur: Cursor[tuple[object, ...]], keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    cur.execute(
        """
        select r.code, r.cause_key, r.cause_id
          from unnest(%s::text[], %s::text[]) as given (code, cause_key) join root_cause r using (code, cause_key)
        """,
        ([one[0] for one in keys], [one[1] for one in keys]),
    )
    return {(str(code), str(cause_key)): int(str(cause_id)) for code, cause_key, cause_id in cur}


def insert_items(cur: Cursor[tuple[object, ...]], items: Sequence[ItemFacts], *, now: datetime) -> None:
    """Add items in state open; their causes are found or made."""
    causes = cause_ids(cur, [one.finding for one in items], now=now)
    copy_rows(cur, "desk_item", _ITEM_COLUMNS, (_row(one, causes, now) for one in items))


def _row(item: ItemFacts, causes: dict[tuple[str, str], int], now: datetime) -> tuple[CopyValue, ...]:
    return (
        item.subject_kind,
        item.subject_id,
        item.message_id,
        item.item_no,
        item.system_id,
        item.source_id,
        causes[item.finding.code, item.finding.cause_key],
        "open",
        item.entity_id,
        item.document_date,
        item.currency,
        item.entry_count,
        item.hours,
        item.amount_minor,
        item.new_currency,
        item.new_amount_minor,
        item.finding.message,
        msgspec.json.encode(item.finding.context | item.context).decode(),
        now,
    )


def update_item(cur: Cursor[tuple[object, ...]], item_id: int, facts: ItemFacts, *, now: datetime) -> None:
    """Let item ``item_id`` say ``facts`` from now on, open again, its age kept."""
    causes = cause_ids(cur, [facts.finding], now=now)
    values = _row(facts, causes, now)[:-1]
    assignments = ", ".join(f"{column} = %s" for column in _ITEM_COLUMNS[:-1])
    cur.execute(
        f"update desk_item set {assignments} where item_id = %s and state in ('open', 'released')",  # noqa: S608 - fixed column names
        (*values, item_id),
    )


_OPEN_ITEM = """
    i.item_id, i.subject_kind, i.subject_id, i.message_id, i.item_no, i.state, c.code, c.cause_key, i.context
"""


def open_items_of(
    cur: Cursor[tuple[object, ...]], subject_kind: str, subject_ids: Sequence[int]
) -> dict[int, OpenItem]:
    """The open or released item of each subject that has one."""
    with cur.connection.cursor(row_factory=class_row(OpenItem)) as items:
        items.execute(
            f"""
            select {_OPEN_ITEM}
              from desk_item i join root_cause c using (cause_id)
             where i.subject_kind = %s and i.subject_id = any(%s) and i.state in ('open', 'released')
            """,  # noqa: S608 - a constant
            (subject_kind, list(subject_ids)),
        )
        return {one.subject_id: one for one in items}


def claim_released(cur: Cursor[tuple[object, ...]], subject_kinds: Sequence[str], *, limit: int) -> list[OpenItem]:
    """Released items of ``subject_kinds``, locked until the caller's transaction ends, those of a message together."""
    with cur.connection.cursor(row_factory=class_row(OpenItem)) as items:
        items.execute(
            f"""
            select {_OPEN_ITEM}
              from desk_item i join root_cause c using (cause_id)
             where i.state = 'released' and i.subject_kind = any(%s)
             order by i.message_id, i.item_no
             limit %s
               for update of i skip locked
            """,  # noqa: S608 - a constant
            (list(subject_kinds), limit),
        )
        return items.fetchall()


def close_items(
    cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], *, state: str, actor: str, reason: str, now: datetime
) -> int:
    """Close open or released items as ``state`` (resolved, excluded), each with an action. Returns how many."""
    cur.execute(
        """
        with closed as (
            update desk_item set state = %s, closed_at = %s
             where item_id = any(%s) and state in ('open', 'released')
            returning item_id
        )
        insert into desk_action (item_id, action, actor, reason, taken_at) select item_id, %s, %s, %s, %s from closed
        """,
        (state, now, list(item_ids), state, actor, reason, now),
    )
    return cur.rowcount


def reopen_items(cur: Cursor[tuple[object, ...]], item_ids: Sequence[int]) -> None:
    """Put released items back to open: judged again, nothing changed."""
    cur.execute("update desk_item set state = 'open' where item_id = any(%s) and state = 'released'", (list(item_ids),))


def release_by_dependency(
    cur: Cursor[tuple[object, ...]], tokens: Sequence[str], *, actor: str, reason: str, now: datetime
) -> int:
    """Mark the open items of every cause that depends on one of ``tokens`` released. Returns how many.

    What a rule of the firm excluded is judged again like what is open; what a person excluded stays so.
    """
    cur.execute(
        """
        with released as (
            update desk_item i set state = 'released', closed_at = null
              from root_cause c
             where c.depends_on && %s::text[] and i.cause_id = c.cause_id
               and (i.state = 'open' or (i.state = 'excluded' and c.code = 'BEFORE_GO_LIVE'))
            returning i.item_id
        )
        insert into desk_action (item_id, action, actor, reason, taken_at)
        select item_id, 'release', %s, %s, %s from released
        """,
        (list(tokens), actor, reason, now),
    )
    return cur.rowcount


def release_by_subject(
    cur: Cursor[tuple[object, ...]],
    subject_kind: str,
    subject_ids: Sequence[int],
    *,
    codes: Sequence[str],
    reason: str,
    now: datetime,
) -> int:
    """Mark the open items of ``subject_ids`` whose cause has one of ``codes`` released. Returns how many."""
    cur.execute(
        """
        with released as (
            update desk_item i set state = 'released'
              from root_cause c
             where i.subject_kind = %s and i.subject_id = any(%s) and i.state = 'open'
               and c.cause_id = i.cause_id and c.code = any(%s)
            returning i.item_id
        )
        insert into desk_action (item_id, action, actor, reason, taken_at)
        select item_id, 'release', %s, %s, %s from released
        """,
        (subject_kind, list(subject_ids), list(codes), MACHINE, reason, now),
    )
    return cur.rowcount
