"""The audit log in the database: bound in the order of commit, and closed to changes by anybody."""

import threading
from datetime import UTC, datetime
from functools import partial

import psycopg
import pytest

from tieout.governance import audit
from tieout.governance.audit_chain import GENESIS, Anchor, AuditEntry, BreakKind, verify
from tieout.storage.pool import connect, in_transaction

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def entry(number: int, principal: str = "ada") -> AuditEntry:
    return AuditEntry(
        principal=principal,
        action="item.assigned",
        object_kind="desk_item",
        object_id=str(number),
        before={"assignee": ""},
        after={"assignee": "bob"},
    )


def written(url: str, count: int, principal: str = "ada") -> None:
    with connect(url, autocommit=True) as conn:
        for number in range(count):
            act = entry(number, principal)
            in_transaction(conn, partial(audit.append, entry=act, now=NOW))


def test_entries_of_many_writers_make_one_chain_without_gaps(database_url: str) -> None:
    writers = [threading.Thread(target=written, args=(database_url, 25, f"p{one}")) for one in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    with connect(database_url) as conn:
        verdict = verify(audit.links(conn), [])
        assert (verdict.entry_count, verdict.head_seq, verdict.breaks) == (100, 100, ())
        assert audit.head(conn) == audit.Head(seq=100, hash=verdict.head_hash)


def test_what_is_rolled_back_leaves_no_entry_and_no_gap(database_url: str) -> None:
    with connect(database_url, autocommit=True) as conn:
        with conn.transaction(force_rollback=True), conn.cursor() as cur:
            audit.append(cur, entry(1), now=NOW)
        assert audit.head(conn) == audit.Head(seq=0, hash=GENESIS.hex())
        assert in_transaction(conn, lambda cur: audit.append(cur, entry(2), now=NOW)) == 1


@pytest.mark.parametrize(
    "statement",
    ["update audit_entry set principal = 'eve'", "delete from audit_entry", "truncate audit_entry"],
)
def test_no_statement_changes_what_was_written(database_url: str, statement: str) -> None:
    written(database_url, 2)
    with connect(database_url, autocommit=True) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            conn.execute(statement)
        assert len(audit.entries(conn)) == 2


def test_a_column_altered_behind_the_trigger_shows_in_the_verification(database_url: str) -> None:
    written(database_url, 3)
    with connect(database_url, autocommit=True) as conn:
        conn.execute("alter table audit_entry disable trigger append_only")
        conn.execute("update audit_entry set principal = 'eve' where seq = 2")
        kinds = [(one.seq, one.kind) for one in verify(audit.links(conn), []).breaks]
    assert kinds == [(2, BreakKind.ALTERED)]


def test_the_end_cut_off_behind_the_trigger_shows_against_the_anchor(database_url: str) -> None:
    written(database_url, 3)
    with connect(database_url, autocommit=True) as conn:
        head = audit.head(conn)
        in_transaction(conn, lambda cur: audit.note_anchor(cur, head, place="file:/anchors", now=NOW))
        conn.execute("alter table audit_entry disable trigger append_only")
        conn.execute("delete from audit_entry where seq = 3")
        verdict = verify(audit.links(conn), [Anchor(seq=head.seq, hash=head.hash, anchored_at=NOW)])
        assert [(one.seq, one.kind) for one in verdict.breaks] == [(3, BreakKind.CUT_OFF)]
        noted = audit.newest_anchor(conn)
    assert noted is not None
    assert (noted.seq, noted.place) == (3, "file:/anchors")


def test_entries_are_found_by_who_and_by_what_the_newest_first(database_url: str) -> None:
    written(database_url, 3)
    written(database_url, 1, principal="bob")
    with connect(database_url) as conn:
        assert [one.seq for one in audit.entries(conn, principal="ada", limit=2)] == [3, 2]
        assert [one.seq for one in audit.entries(conn, principal="ada", before_seq=2)] == [1]
        assert [one.seq for one in audit.entries(conn, object_kind="desk_item", object_id="0")] == [4, 1]
        assert audit.entries(conn, principal="bob")[0].entry == entry(0, "bob")
