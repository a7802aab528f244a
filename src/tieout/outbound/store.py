"""The SQL of the delivery engine: claims in key order, intents, outcomes, look-ups, recovery.

Every write after a claim carries the epoch of the worker that claimed and the instant of the intent (fencing): a worker
that was taken for dead and wakes up again writes nothing, and no look-up decides about an attempt made after it.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.model.command import Command
from tieout.outbound.transitions import Decision, State
from tieout.storage.workers import LIVE_EPOCHS_SQL


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery this worker holds, with its command as stored; a master has neither day nor currency."""

    delivery_id: int
    command_kind: str
    reference: str
    entity_id: int
    project_id: int | None
    accounting_date: date | None
    currency: int | None
    entry_count: int
    hours: Decimal
    amount_minor: int
    attempts: int
    intent_at: datetime
    command: bytes

    def decoded(self) -> Command:
        """The command itself."""
        return _COMMANDS.decode(self.command)


_COMMANDS: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)

_CLAIMED = """
    d.delivery_id, d.command_kind, d.reference, d.entity_id, d.project_id, d.accounting_date, d.currency,
    d.entry_count, d.hours, d.amount_minor, d.attempts, d.intent_at, c.command
"""
_HEAD = "o.order_key, o.delivery_id, o.state, o.due_at"
_UNFINISHED = "o.state not in ('posted', 'split', 'recut', 'excluded', 'superseded')"


def declare_intents(
    conn: Connection[tuple[object, ...]], *, system: str, limit: int, epoch: int, now: datetime
) -> list[Claimed]:
    """Claim due deliveries in key order and make the intent to send them durable with the caller's commit.

    A delivery is due when no earlier delivery of its order key is unfinished. The heads of the keys are found by
    stepping from key to key through the index ``delivery_open``, so that a long backlog costs nothing. Counts the
    attempt.
    """
    with conn.cursor(row_factory=class_row(Claimed)) as cur:
        cur.execute(
            f"""
            with recursive head as (
                (select {_HEAD} from delivery o where o.system = %(system)s and {_UNFINISHED}
                  order by o.order_key, o.order_no, o.delivery_id limit 1)
                union all
                select following.* from head, lateral (
                    select {_HEAD} from delivery o
                     where o.system = %(system)s and o.order_key > head.order_key and {_UNFINISHED}
                     order by o.order_key, o.order_no, o.delivery_id limit 1) as following
            ), due as (
                select d.delivery_id
                  from head join delivery d using (delivery_id)
                 where head.state = 'ready' and head.due_at <= %(now)s
                   and d.state = 'ready' and d.due_at <= %(now)s
                 order by d.order_no, d.delivery_id
                 limit %(limit)s
                   for update of d skip locked
            ), intent as (
                update delivery d
                   set state = 'intent', epoch = %(epoch)s, intent_at = %(now)s, attempts = attempts + 1,
                       updated_at = %(now)s
                  from due where d.delivery_id = due.delivery_id
                returning d.*
            )
            select {_CLAIMED} from intent d join delivery_command c using (delivery_id) order by d.delivery_id
            """,  # noqa: S608 - a constant of this module
            {"system": system, "limit": limit, "epoch": epoch, "now": now},
        )
        return cur.fetchall()


def claim_doubtful(
    conn: Connection[tuple[object, ...]], *, system: str, limit: int, epoch: int, now: datetime, lease_s: float
) -> list[Claimed]:
    """Claim deliveries whose quarantine is over, for looking up.

    Nobody else takes them for ``lease_s`` seconds while the worker of ``epoch`` lives.
    """
    with conn.cursor(row_factory=class_row(Claimed)) as cur:
        cur.execute(
            f"""
            with due as (
                select delivery_id from delivery
                 where system = %(system)s and state = 'in_doubt' and quarantine_until <= %(now)s
                   and (look_up_until is null or look_up_until <= %(now)s
                        or epoch <> all (array({LIVE_EPOCHS_SQL})))
                 order by delivery_id limit %(limit)s for update skip locked
            ), held as (
                update delivery d set epoch = %(epoch)s, look_up_until = %(until)s, updated_at = %(now)s
                  from due where d.delivery_id = due.delivery_id
                returning d.*
            )
            select {_CLAIMED} from held d join delivery_command c using (delivery_id) order by d.delivery_id
            """,  # noqa: S608 - constants
            {
                "system": system,
                "limit": limit,
                "epoch": epoch,
                "now": now,
                "until": now + timedelta(seconds=lease_s),
            },
        )
        return cur.fetchall()


def settle(
    conn: Connection[tuple[object, ...]],
    decided: Sequence[tuple[Claimed, Decision]],
    *,
    kind: str,
    epoch: int,
    now: datetime,
) -> list[int]:
    """Store decisions and their attempts; returns the ids whose write counted.

    Those are the ones that are still ours and still in the attempt that was decided about; what was looked up (``kind``
    "look_up", else "send") must still be in doubt.
    """
    if not decided:
        return []
    with conn.cursor() as cur:
        cur.execute(
            """
            update delivery d
               set state = new.state, due_at = coalesce(new.due_at, d.due_at),
                   quarantine_until = new.quarantine_until, look_up_until = null,
                   target_ref = coalesce(new.target_ref, d.target_ref),
                   code = new.code, words = new.words, attempts = d.attempts - new.given_back, updated_at = %s
              from unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[],
                          %s::text[], %s::integer[], %s::timestamptz[])
                   as new (delivery_id, state, due_at, quarantine_until, target_ref, code, words, given_back, intent_at)
             where d.delivery_id = new.delivery_id and d.epoch = %s and d.intent_at = new.intent_at
               and d.state = any(%s)
            returning d.delivery_id
            """,
            (
                now,
                [one.delivery_id for one, _ in decided],
                [str(decision.state) for _, decision in decided],
                [decision.due_at for _, decision in decided],
                [decision.quarantine_until for _, decision in decided],
                [decision.target_ref for _, decision in decided],
                [decision.code for _, decision in decided],
                [decision.words for _, decision in decided],
                [0 if decision.burns_attempt else 1 for _, decision in decided],
                [one.intent_at for one, _ in decided],
                epoch,
                ["in_doubt"] if kind == "look_up" else ["intent", "in_doubt"],
            ),
        )
        written = [int(str(row[0])) for row in cur.fetchall()]
        _write_attempts(cur, decided, kind=kind, epoch=epoch, now=now)
        return written


def _write_attempts(
    cur: Cursor[tuple[object, ...]],
    decided: Sequence[tuple[Claimed, Decision]],
    *,
    kind: str,
    epoch: int,
    now: datetime,
) -> None:
    cur.execute(
        """
        insert into delivery_attempt
               (delivery_id, kind, epoch, started_at, finished_at, outcome, code, words)
        select id, %s, %s, started_at, %s, outcome, code, words
          from unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[])
               as new (id, started_at, outcome, code, words)
        """,
        (
            kind,
            epoch,
            now,
            [one.delivery_id for one, _ in decided],
            [one.intent_at for one, _ in decided],
            [str(decision.state) for _, decision in decided],
            [decision.code for _, decision in decided],
            [decision.words for _, decision in decided],
        ),
    )


class Senders(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends here: the asker's own epoch, and the deliveries that its senders have in hand.

    An intent of the asker's own from before ``abandoned_before`` that is not in hand lost its sender; so did one of
    any epoch that is not alive.
    """

    own: int
    in_hand: tuple[int, ...]
    abandoned_before: datetime


def doubt_orphaned_intents(
    conn: Connection[tuple[object, ...]],
    *,
    system: str,
    command_kind: str,
    senders: Senders,
    quarantine_s: float,
    now: datetime,
) -> int:
    """Intents that nobody is sending any more are in doubt from now on; returns how many.

    Their quarantine begins now and not with the intent: a sender that waits for its turn or makes several requests may
    have sent the last one just before it died. Who lives is asked in the statement that looks at the intents, so that
    one who came after the question is not taken for dead.
    """
    cur = conn.execute(
        f"""
        update delivery
           set state = 'in_doubt', quarantine_until = %(now)s + make_interval(secs => %(quarantine)s),
               look_up_until = null, epoch = %(own)s, code = 'SENDER_LOST',
               words = 'Its sender died or lost the database before the outcome was stored.', updated_at = %(now)s
         where system = %(system)s and command_kind = %(kind)s and state = 'intent'
           and case when epoch = %(own)s then intent_at < %(abandoned)s and delivery_id <> all(%(in_hand)s)
                    else epoch <> all (array({LIVE_EPOCHS_SQL})) end
        """,  # noqa: S608 - constants
        {
            "quarantine": quarantine_s,
            "own": senders.own,
            "now": now,
            "system": system,
            "kind": command_kind,
            "abandoned": senders.abandoned_before,
            "in_hand": list(senders.in_hand),
        },
    )
    return cur.rowcount


def next_due(conn: Connection[tuple[object, ...]], *, system: str) -> datetime | None:
    """When something of ``system`` is due next (a retry or a look-up), or None."""
    cur = conn.execute(
        """
        select min(at) from (
            select min(due_at) as at from delivery where system = %(system)s and state = 'ready'
            union all
            select min(quarantine_until) from delivery where system = %(system)s and state = 'in_doubt') as due
        """,
        {"system": system},
    )
    row = cur.fetchone()
    return row[0] if row and isinstance(row[0], datetime) else None


def move_accounting_date(
    conn: Connection[tuple[object, ...]], delivery_id: int, *, command: bytes, to: date, now: datetime
) -> None:
    """Give a delivery that was certainly not posted another accounting date; key and reference stay."""
    conn.execute(
        """
        update delivery set accounting_date = %s, late = true, state = %s, due_at = %s, updated_at = %s
         where delivery_id = %s
        """,
        (to, str(State.READY), now, now, delivery_id),
    )
    conn.execute("update delivery_command set command = %s where delivery_id = %s", (command, delivery_id))


def hold(cur: Cursor[tuple[object, ...]], delivery_id: int, *, code: str, words: str, now: datetime) -> None:
    """Park a delivery that certainly was not posted until a person or a correction releases it."""
    cur.execute(
        "update delivery set state = 'rejected', code = %s, words = %s, updated_at = %s where delivery_id = %s",
        (code, words, now, delivery_id),
    )


def systems_owed(conn: Connection[tuple[object, ...]]) -> frozenset[str]:
    """The systems to which something is to be sent, is under way or in doubt."""
    rows = conn.execute(
        """
        select distinct system from delivery
         where state in ('ready', 'intent', 'in_doubt', 'held', 'dead', 'rejected')
        """
    )
    return frozenset(str(row[0]) for row in rows)


def requeue(
    cur: Cursor[tuple[object, ...]], delivery_ids: Sequence[int], *, absent: Sequence[int] = (), now: datetime
) -> int:
    """Let parked deliveries be tried again from the first attempt on.

    What the target may hold is looked up first, but for what a person has seen to be ``absent`` there.
    """
    cur.execute(
        """
        update delivery
           set state = case when state = 'held' and delivery_id <> all(%(absent)s) then 'in_doubt' else 'ready' end,
               quarantine_until = case when state = 'held' and delivery_id <> all(%(absent)s) then %(now)s end,
               due_at = %(now)s, attempts = 0, updated_at = %(now)s
         where delivery_id = any(%(ids)s) and state in ('rejected', 'dead', 'held')
        """,
        {"now": now, "ids": list(delivery_ids), "absent": list(absent)},
    )
    return cur.rowcount


def exclude(cur: Cursor[tuple[object, ...]], delivery_ids: Sequence[int], *, now: datetime) -> int:
    """Give up deliveries that a person excluded; later ones of their key go on."""
    cur.execute(
        """
        update delivery set state = 'excluded', updated_at = %s
         where delivery_id = any(%s) and state in ('rejected', 'dead', 'held')
        """,
        (now, list(delivery_ids)),
    )
    return cur.rowcount
