"""Deliveries and entries of a restored database: what waits until the world is known, and how it is let go.

``at_restore`` are the statements of the restoring transaction itself. Masters are looked up at once, as if their sender
had died; journals of a legal entity stay in doubt, and its entries out of journals, until ``release``. Neighbours:
``runtime.restored`` proves, ``streams.time_to_bill`` asks ``waiting_entities``.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from psycopg import Connection, Cursor, sql

from tieout.outbound.outbox import DELIVERY_STEP
from tieout.storage.wake import notify

RESTORED: Final = "RESTORED"
_NOBODY: Final = 0
"""An epoch that no worker ever has: its intents have lost their sender."""
_BILLING: Final = "time_to_bill"
_JOURNAL: Final = "post_journal"


def at_restore(*, archive_sha256: str, backed_up_at: datetime, now: datetime) -> list[str]:
    """Statements that make every legal entity wait and doubt whatever may have been sent after the backup.

    What a target had refused may have been sent again by a person since: it is held, so that a retry looks it up.
    """
    values = {
        "sha": sql.Literal(archive_sha256),
        "at": sql.Literal(backed_up_at),
        "now": sql.Literal(now),
        "nobody": sql.Literal(_NOBODY),
    }
    statements = (
        "set search_path = tieout",
        "set tieout.writer = 'on'",
        "insert into restoration (archive_sha256, backed_up_at, restored_at) values ({sha}, {at}, {now})",
        (
            "insert into restored_entity (restoration_id, entity_id, state) "
            "select (select max(restoration_id) from restoration), record_id, 'waiting' "
            "from golden_record where type = 'legal_entity'"
        ),
        (
            "update delivery set state = 'held', code = coalesce(code, 'RESTORED'), updated_at = {now} "
            "where state in ('rejected', 'dead')"
        ),
        (
            "update delivery set state = 'in_doubt', epoch = {nobody}, intent_at = coalesce(intent_at, {now}), "
            "quarantine_until = '9999-01-01', look_up_until = null, code = 'RESTORED', "
            "words = 'Restored: waits until the ledger is known.', updated_at = {now} "
            "where command_kind = 'post_journal' and state in ('ready', 'intent', 'in_doubt')"
        ),
        (
            "update delivery set state = 'intent', epoch = {nobody}, intent_at = {now}, code = 'RESTORED', "
            "words = 'Restored: may have been sent after the backup.', updated_at = {now} "
            "where command_kind <> 'post_journal' and state in ('ready', 'intent', 'in_doubt')"
        ),
    )
    return [sql.SQL(one).format(**values).as_string(None) + ";" for one in statements]


def waiting_entities(conn: Connection[tuple[object, ...]]) -> frozenset[int]:
    """The legal entities whose billing waits; one that the backup did not know yet waits as all others."""
    rows = conn.execute(
        """
        select record_id from golden_record
         where type = 'legal_entity' and exists (select from restoration)
           and not exists (select from restored_entity r
                            where r.restoration_id = (select max(restoration_id) from restoration)
                              and r.entity_id = record_id and r.state <> 'waiting')
        """
    )
    return frozenset(int(str(row[0])) for row in rows)


def set_aside(cur: Cursor[tuple[object, ...]], entity_id: int, entry_ids: Collection[int]) -> None:
    """Let entries wait for a journal until their legal entity waits no more."""
    cur.execute(
        """
        insert into restored_entity (restoration_id, entity_id, state)
        select max(restoration_id), %s, 'waiting' from restoration on conflict do nothing
        """,
        (entity_id,),
    )
    cur.execute(
        """
        insert into posting_pending (first_entry_id, last_entry_id, waits_for)
        select id, id, %s from unnest(%s::bigint[]) as waiting (id)
        """,
        (entity_id, list(entry_ids)),
    )


def let_go(cur: Cursor[tuple[object, ...]], entity_id: int, *, now: datetime) -> int:
    """Look up the journals of a legal entity that waits no more, then send what is not there; returns how many.

    The caller has ended the waiting in ``restored_entity``, in the same transaction.
    """
    cur.execute(
        """
        update delivery set state = 'intent', epoch = %s, intent_at = %s, quarantine_until = null, updated_at = %s
         where entity_id = %s and command_kind = %s and state = 'in_doubt' and code = %s
        """,
        (_NOBODY, now, now, entity_id, _JOURNAL, RESTORED),
    )
    count = cur.rowcount
    notify(cur, DELIVERY_STEP)
    notify(cur, _BILLING)
    return count


def known_references(
    conn: Connection[tuple[object, ...]], *, system: str, references: Sequence[str]
) -> dict[str, tuple[int, str]]:
    """Of ``references``, those that a delivery of ``system`` has that was or may be sent: its id and its state."""
    rows = conn.execute(
        """
        select reference, delivery_id, state from delivery
         where system = %s and reference = any(%s) and state in ('posted', 'intent', 'in_doubt', 'held')
        """,
        (system, list(references)),
    )
    return {str(reference): (int(str(number)), str(state)) for reference, number, state in rows}


def doubt_held(cur: Cursor[tuple[object, ...]], delivery_ids: Sequence[int], *, now: datetime) -> None:
    """Look up held deliveries that the ledger holds after all: somebody let them be sent after the backup."""
    cur.execute(
        """
        update delivery set state = 'intent', epoch = %s, intent_at = %s, updated_at = %s
         where delivery_id = any(%s) and state = 'held'
        """,
        (_NOBODY, now, now, list(delivery_ids)),
    )
