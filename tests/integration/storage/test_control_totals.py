"""Control totals show every change that was made behind the product's back."""

import time
from collections.abc import Callable

import psycopg
import pytest

from tieout.storage.control_totals import compact_control_totals, sealed_tables, verify_control_totals
from tieout.storage.copying import copy_lines
from tieout.storage.pool import Row, connect


@pytest.fixture
def ledger_url(database_url: str) -> str:
    with connect(database_url) as conn, conn.cursor() as cur:
        cur.execute("create table ledger (line_id bigint primary key, amount numeric, booked_at timestamptz)")
        cur.execute("select seal_table('ledger')")
        cur.execute("insert into ledger select n, n * 1.10, '2026-03-29 01:30+00' from generate_series(1, 100) as n")
        cur.execute("update ledger set amount = amount + 1 where line_id <= 10")
        cur.execute("delete from ledger where line_id = 100")
    return database_url


def breaks(url: str) -> dict[str, int]:
    with connect(url) as conn:
        return {one.table: one.row_difference for one in verify_control_totals(conn)}


def test_what_the_product_wrote_ties_out(ledger_url: str) -> None:
    assert breaks(ledger_url) == {}


@pytest.mark.parametrize(
    ("by_hand", "difference"),
    [
        ("delete from tieout.ledger where line_id = 5", -1),
        ("insert into tieout.ledger select line_id + 1000, amount, booked_at from tieout.ledger where line_id = 5", 1),
        ("update tieout.ledger set amount = amount + 0.01 where line_id = 5", 0),
        ("update tieout.ledger set booked_at = booked_at + interval '1 microsecond' where line_id = 5", 0),
        ("truncate tieout.ledger", -99),
        ("update tieout.control_total set digest = digest + 1 where table_name = 'ledger'", 0),
        ("update tieout.control_total set row_count = row_count + 3 where row_count = 100", -3),
        ("delete from tieout.control_total where table_name = 'ledger' and row_count = 100", 100),
    ],
)
def test_a_change_by_hand_shows(ledger_url: str, by_hand: str, difference: int) -> None:
    with psycopg.connect(ledger_url) as psql:
        psql.execute(by_hand.encode())
    assert breaks(ledger_url) == {"ledger": difference}


def test_a_rolled_back_write_leaves_no_trace(ledger_url: str) -> None:
    with connect(ledger_url) as conn:
        conn.execute("delete from ledger")
        conn.rollback()
    assert breaks(ledger_url) == {}


def test_the_time_zone_of_a_session_does_not_matter(ledger_url: str) -> None:
    with connect(ledger_url) as conn:
        conn.execute("set timezone = 'Asia/Kolkata'")
        conn.execute("set datestyle = 'German'")
        conn.execute("insert into ledger values (200, 1, '2026-10-25 01:30+00')")
        conn.commit()
        conn.execute("set timezone = 'UTC'")
        assert verify_control_totals(conn) == []


def test_compacting_changes_nothing_but_the_number_of_rows(ledger_url: str) -> None:
    with connect(ledger_url) as conn, conn.cursor() as cur:
        assert compact_control_totals(cur) == 2
        assert verify_control_totals(conn) == []
        conn.commit()
    with psycopg.connect(ledger_url) as psql:
        psql.execute("delete from tieout.ledger where line_id = 1")
    assert breaks(ledger_url) == {"ledger": -1}


def test_a_table_with_rows_is_sealed_with_its_opening_balance(database_url: str) -> None:
    with connect(database_url) as conn:
        conn.execute("create table late as select n from generate_series(1, 5) as n")
        conn.execute("select seal_table('late')")
        conn.execute("alter table late add column note text")
        conn.execute("select take_opening_balance('late')")
        assert "late" in sealed_tables(conn)
        assert verify_control_totals(conn) == []


def test_verifying_while_others_write_finds_no_false_break(ledger_url: str) -> None:
    with connect(ledger_url) as reader, connect(ledger_url, autocommit=True) as writer:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from ledger")
        writer.execute("insert into ledger values (300, 1, now())")
        assert verify_control_totals(reader) == []


def copy_seconds(conn: psycopg.Connection[Row], table: str, lines: list[str]) -> float:
    with conn.cursor() as cur:
        started = time.perf_counter()
        copy_lines(cur, table, ["a", "b", "c", "d"], lines)
        conn.commit()
        return time.perf_counter() - started


@pytest.mark.slow
def test_sealing_costs_less_than_the_copy_itself(
    database_url: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    lines = [f"{n}\t{n * 7}\t{n % 300}\t2026-01-01" for n in range(100_000)]
    with connect(database_url) as conn:
        for table in ("bare", "sealed"):
            conn.execute(f"create table {table} (a bigint primary key, b bigint, c integer, d date)".encode())
        conn.execute("select seal_table('sealed')")
        conn.commit()
        bare_s, sealed_s = [], []
        for _ in range(3):
            bare_s.append(copy_seconds(conn, "bare", lines))
            sealed_s.append(copy_seconds(conn, "sealed", lines))
            conn.execute("truncate bare")
            conn.execute("delete from sealed")
            conn.commit()
        record_testsuite_property("bare_s", min(bare_s))
        record_testsuite_property("sealed_s", min(sealed_s))
        assert min(sealed_s) < 2 * min(bare_s)
