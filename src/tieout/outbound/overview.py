"""Deliveries as programs and pages read them: by target and state, and one with its attempts, command and entries.

Reads only; whoever asks sees the deliveries of his legal entities. What work costs is for who may see costs: the doors
take it out (``without_costs``) for everybody else. Neighbour: ``store`` writes what is read here.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.connect.redaction import Redactor


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One system that is written to: how many deliveries are in which state, and its circuit."""

    system: str
    waiting: int
    under_way: int
    in_doubt: int
    on_desk: int
    posted: int
    oldest_open: datetime | None
    circuit: str | None
    circuit_reason: str | None
    probe_at: datetime | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery. Amounts are minor units of ``currency`` (ISO 4217 numeric), for journals only.

    ``cost_minor`` is in ``functional_currency``; None where it is not told.
    """

    delivery_id: int
    parent_id: int | None
    system: str
    command_kind: str
    key: str
    reference: str
    fingerprint: str
    order_key: str
    entity: str | None
    project: str | None
    accounting_date: str | None
    late: bool
    currency: int | None
    functional_currency: int | None
    entry_count: int
    hours: Decimal
    amount_minor: int
    cost_minor: int | None
    state: str
    attempts: int
    due_at: datetime
    intent_at: datetime | None
    quarantine_until: datetime | None
    target_ref: str | None
    code: str | None
    words: str | None
    created_at: datetime
    updated_at: datetime


def without_costs(delivery: Delivery) -> Delivery:
    """The delivery as somebody reads it who may not see costs."""
    return msgspec.structs.replace(delivery, cost_minor=None)


def tells_costs(delivery: Delivery) -> bool:
    """Whether the command of a delivery says what work costs."""
    return delivery.command_kind == _JOURNAL


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request or look-up, and what came of it."""

    kind: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    code: str | None
    words: str | None


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """One time entry of a journal."""

    entry_id: int
    source_id: str
    work_date: str | None
    person: str | None
    hours: Decimal | None
    amount_minor: int | None
    currency: int | None


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are meant; None: any. ``state``: a group (open, doubt, desk, posted, over) or a state by name.

    ``kind``: a command, or ``masters`` for every one but journals. ``since``: settled then or later.
    """

    entity: str | None = None
    system: str | None = None
    kind: str | None = None
    state: str | None = None
    text: str | None = None
    since: datetime | None = None


_JOURNAL: Final = "post_journal"
_GROUPS: Final = {
    "open": ["ready", "intent", "sent", "in_doubt", "rejected", "dead", "held"],
    "doubt": ["in_doubt"],
    "desk": ["rejected", "dead", "held"],
    "posted": ["posted"],
    "over": ["excluded", "superseded", "split", "recut"],
}


def targets(conn: Connection[tuple[object, ...]], entity: str | None) -> list[Target]:
    """Every system that anything was ever delivered to."""
    with conn.cursor(row_factory=class_row(Target)) as cur:
        cur.execute(
            """
            select d.system, count(*) filter (where d.state = 'ready')::integer as waiting,
                   count(*) filter (where d.state in ('intent', 'sent'))::integer as under_way,
                   count(*) filter (where d.state = 'in_doubt')::integer as in_doubt,
                   count(*) filter (where d.state in ('rejected', 'dead', 'held'))::integer as on_desk,
                   count(*) filter (where d.state = 'posted')::integer as posted,
                   min(d.created_at) filter (where d.state = any(%(open)s)) as oldest_open,
                   min(c.state) as circuit, min(c.reason) as circuit_reason, min(c.probe_at) as probe_at
              from delivery d
              left join circuit c using (system)
              left join golden_record e on e.record_id = d.entity_id
             where %(entity)s::text is null or e.code = %(entity)s
             group by d.system order by d.system
            """,
            {"entity": entity, "open": _GROUPS["open"]},
        )
        return cur.fetchall()


_DELIVERY = """
    select d.delivery_id, d.parent_id, d.system, d.command_kind, d.key, d.reference,
           encode(d.fingerprint, 'hex') as fingerprint, d.order_key, e.code as entity,
           coalesce(p.code, p.fields ->> 'name') as project, d.accounting_date::text as accounting_date, d.late,
           d.currency::integer as currency, d.functional_currency::integer as functional_currency, d.entry_count,
           d.hours, d.amount_minor, d.cost_minor, d.state, d.attempts, d.due_at, d.intent_at, d.quarantine_until,
           d.target_ref, d.code, d.words, d.created_at, d.updated_at
"""
_JOINED = """
      from delivery d
      left join golden_record e on e.record_id = d.entity_id
      left join golden_record p on p.record_id = d.project_id
"""
_MEANT = f"""
    {_JOINED}
       where (%(states)s::text[] is null or d.state = any(%(states)s))
         and (%(system)s::text is null or d.system = %(system)s)
         and (%(kind)s::text is null or d.command_kind = %(kind)s
            or (%(kind)s = 'masters' and d.command_kind <> 'post_journal'))
         and (%(entity)s::text is null or e.code = %(entity)s)
         and (%(text)s::text is null or d.reference = %(text)s or d.key = %(text)s or d.target_ref = %(text)s
              or p.code = %(text)s)
         and (%(since)s::timestamptz is null or d.updated_at >= %(since)s)
         and (%(before)s::bigint is null or d.delivery_id < %(before)s)
"""


def deliveries(
    conn: Connection[tuple[object, ...]], chosen: Chosen, *, before: int | None, limit: int
) -> list[Delivery]:
    """The deliveries that are meant, the newest first, from below number ``before`` on."""
    with conn.cursor(row_factory=class_row(Delivery)) as cur:
        cur.execute(
            f"""
            {_DELIVERY} {_MEANT}
             order by d.delivery_id desc limit %(limit)s
            """,
            {
                **msgspec.structs.asdict(chosen),
                "states": None if chosen.state is None else _GROUPS.get(chosen.state, [chosen.state]),
                "before": before,
                "limit": limit,
            },
        )
        return cur.fetchall()


def delivery(conn: Connection[tuple[object, ...]], delivery_id: int) -> Delivery | None:
    """One delivery; None where there is none that the reader may see."""
    with conn.cursor(row_factory=class_row(Delivery)) as cur:
        cur.execute(f"{_DELIVERY} {_JOINED} where d.delivery_id = %s", (delivery_id,))
        return cur.fetchone()


def total(conn: Connection[tuple[object, ...]], chosen: Chosen) -> int:
    """How many deliveries are meant."""
    row = conn.execute(
        f"select count(*) {_MEANT}",
        {
            **msgspec.structs.asdict(chosen),
            "states": None if chosen.state is None else _GROUPS.get(chosen.state, [chosen.state]),
            "before": None,
        },
    ).fetchone()
    return 0 if row is None else int(str(row[0]))


def attempts(conn: Connection[tuple[object, ...]], delivery_id: int) -> list[Attempt]:
    """Everything that was tried, in its order; words of the other side without secrets."""
    with conn.cursor(row_factory=class_row(Attempt)) as cur:
        cur.execute(
            """
            select kind, started_at, finished_at, outcome, code, words
              from delivery_attempt where delivery_id = %s order by attempt_id
            """,
            (delivery_id,),
        )
        return cur.fetchall()


def command(conn: Connection[tuple[object, ...]], delivery_id: int) -> str | None:
    """The command as it is sent, indented, without secrets."""
    row = conn.execute("select command from delivery_command where delivery_id = %s", (delivery_id,)).fetchone()
    if row is None or not isinstance(row[0], bytes):
        return None
    return Redactor().hide(msgspec.json.format(row[0], indent=2).decode())


def carried(conn: Connection[tuple[object, ...]], delivery_id: int, *, after: int, limit: int) -> list[Carried]:
    """The time entries that a journal carries, by number, from the one after ``after`` on."""
    with conn.cursor(row_factory=class_row(Carried)) as cur:
        cur.execute(
            """
            select l.entry_id, t.source_id, t.work_date::text as work_date, r.fields ->> 'name' as person, t.hours,
                   a.amount_minor, a.currency::integer as currency
              from posting_link l
              join time_entry t using (entry_id)
              left join golden_record r on r.record_id = t.resource_id
              left join actual a on a.actual_id = l.entry_id * 8 + 1
             where l.delivery_id = %s and l.entry_id > %s
             order by l.entry_id limit %s
            """,
            (delivery_id, after, limit),
        )
        return cur.fetchall()


def item_of(conn: Connection[tuple[object, ...]], delivery_id: int) -> int | None:
    """The open item of the desk that holds a delivery."""
    row = conn.execute(
        """
        select item_id from desk_item
         where subject_kind = 'delivery' and subject_id = %s and state in ('open', 'released')
        """,
        (delivery_id,),
    ).fetchone()
    return None if row is None else int(str(row[0]))
