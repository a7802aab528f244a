"""Control totals over every table: proof that no row was deleted, doubled or altered behind the product's back.

The triggers that ``tieout.seal_table`` installs add up what the product's own connections write (``storage.pool`` marks
them); here the sums are held against the tables as they stand. ``reconciliation`` runs this as part of every tie-out.
A change made on any other connection, a truncation, a disabled trigger and a tampered control total all show. What
does not: somebody who changes a row *and* computes the control total that goes with it.
"""

from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Connection, Cursor

from tieout.storage.pool import Row

_COMPARISON: Final = """
    with written as (
        select table_name, sum(row_count)::bigint as row_count, sum(digest) as digest
          from tieout.control_total group by table_name
    ), sealed as (
        select c.relname::text as table_name, c.oid
          from pg_trigger t join pg_class c on c.oid = t.tgrelid
         where t.tgname = 'seal_insert' and c.relnamespace = 'tieout'::regnamespace
    ), standing as (
        select s.table_name, t.row_count, t.digest
          from sealed s cross join lateral tieout.table_total(s.oid::regclass) t
    )
    select table_name, coalesce(w.row_count, 0), coalesce(s.row_count, 0), coalesce(w.digest, 0), coalesce(s.digest, 0)
      from standing s full join written w using (table_name)
     where coalesce(w.row_count, 0) <> coalesce(s.row_count, 0) or coalesce(w.digest, 0) <> coalesce(s.digest, 0)
     order by table_name
"""


class ControlBreak(msgspec.Struct, frozen=True, kw_only=True):
    """A table that does not hold what the product wrote: rows and sum of row digests, expected and found."""

    table: str
    expected_rows: int
    found_rows: int
    expected_digest: Decimal
    found_digest: Decimal

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


def sealed_tables(conn: Connection[Row]) -> list[str]:
    """Names of the tables that are under control totals."""
    rows = conn.execute(
        """
        select c.relname::text from pg_trigger t join pg_class c on c.oid = t.tgrelid
         where t.tgname = 'seal_insert' and c.relnamespace = 'tieout'::regnamespace order by 1
        """
    )
    return [str(name) for (name,) in rows]


def verify_control_totals(conn: Connection[Row]) -> list[ControlBreak]:
    """Every sealed table whose rows differ from what the product wrote; empty where all is well.

    Reads every sealed table once, in one snapshot of its own where the transaction is not already in one, so writers
    may go on meanwhile.
    """
    if conn.info.transaction_status.name == "IDLE":
        with conn.transaction():
            conn.execute("set transaction isolation level repeatable read, read only")
            return _compare(conn)
    return _compare(conn)


def _compare(conn: Connection[Row]) -> list[ControlBreak]:
    return [
        ControlBreak(
            table=str(table),
            expected_rows=int(str(expected_rows)),
            found_rows=int(str(found_rows)),
            expected_digest=Decimal(str(expected_digest)),
            found_digest=Decimal(str(found_digest)),
        )
        for table, expected_rows, found_rows, expected_digest, found_digest in conn.execute(_COMPARISON)
    ]


def compact_control_totals(cur: Cursor[Row]) -> int:
    """Add up the control totals of each table into one row; returns the rows saved."""
    cur.execute(
        """
        with gone as (delete from tieout.control_total returning table_name, row_count, digest),
             kept as (
                insert into tieout.control_total (table_name, row_count, digest)
                select table_name, sum(row_count), sum(digest) from gone group by table_name returning 1)
        select (select count(*) from gone) - (select count(*) from kept)
        """
    )
    row = cur.fetchone()
    return int(str(row[0])) if row else 0
