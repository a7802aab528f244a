"""Control totals over every table: proof that no row was deleted, doubled or altered behind the product's back.

The triggers of migration 0001 add up what the product's own connections write; here the sums are held against the
tables as they stand. ``reconciliation`` runs this as part of every tie-out.
"""

from decimal import Decimal

import msgspec
import psycopg
from psycopg import sql


class ControlBreak(msgspec.Struct, frozen=True, kw_only=True):
    """A table that does not hold what the product wrote. ``row_difference``: rows too many (or, negative, missing)."""

    table: str
    expected_rows: int
    found_rows: int

    @property
    def row_difference(self) -> int:
        """Rows found minus rows expected; 0 means that a row was altered."""
        return self.found_rows - self.expected_rows

    def describe(self) -> str:
        """One sentence for a person."""
        if self.row_difference < 0:
            return f"{-self.row_difference} row(s) of {self.table} were deleted outside the product."
        if self.row_difference > 0:
            return f"{self.row_difference} row(s) of {self.table} were added outside the product."
        return f"At least one row of {self.table} was altered outside the product."


def sealed_tables(conn: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Names of the tables that are under control totals."""
    rows = conn.execute("select tgrelid::regclass::text from pg_trigger where tgname = 'seal_insert' order by 1")
    return [str(row[0]).removeprefix("tieout.") for row in rows]


def verify_control_totals(conn: psycopg.Connection[tuple[object, ...]]) -> list[ControlBreak]:
    """Every sealed table whose rows differ from what the product wrote. Call it in one repeatable-read transaction."""
    written = {
        str(name): (int(str(rows)), Decimal(str(digest)))
        for name, rows, digest in conn.execute(
            "select table_name, sum(row_count), sum(digest) from control_total group by table_name"
        )
    }
    breaks = []
    for table in sealed_tables(conn):
        row = conn.execute(
            sql.SQL("select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) from {} t").format(
                sql.Identifier(table)
            )
        ).fetchone()
        if row is None:
            continue
        found = (int(str(row[0])), Decimal(str(row[1])))
        expected = written.get(table, (0, Decimal(0)))
        if found != expected:
            breaks.append(ControlBreak(table=table, expected_rows=expected[0], found_rows=found[0]))
    return breaks


def compact_control_totals(cur: psycopg.Cursor[tuple[object, ...]]) -> int:
    """Add up the control totals of each table into one row; returns the rows saved."""
    cur.execute(
        """
        with gone as (delete from control_total returning table_name, row_count, digest),
             kept as (
                insert into control_total (table_name, row_count, digest)
                select table_name, sum(row_count), sum(digest) from gone group by table_name returning 1)
        select (select count(*) from gone) - (select count(*) from kept)
        """
    )
    row = cur.fetchone()
    return int(str(row[0])) if row else 0
