"""The durable memory of a simulator: one SQLite file that a kill -9 cannot make forget what was answered.

Neighbours: ``base`` opens it, every simulator keeps its vendor's rows in it. Committed means synced to disk, so a
simulator answers only after ``transaction`` has ended.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec

SqlValue: TypeAlias = str | int | float | bytes | None
Setting = TypeVar("Setting")

_OWN_TABLES = """
create table if not exists simulator_setting (name text primary key, value blob not null) without rowid;
create table if not exists simulator_counter (name text primary key, value integer not null) without rowid;
"""


class State:
    """One simulator's rows, settings and counters. Used from one thread; nothing awaits inside a transaction."""

    def __init__(self, path: Path, schema: str = "") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("pragma journal_mode = wal")
        self.connection.execute("pragma synchronous = full")
        self.connection.execute("pragma busy_timeout = 10000")
        self.connection.executescript(_OWN_TABLES + schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, synced to disk at the end; a transaction inside another one joins it."""
        if self.connection.in_transaction:
            yield self.connection
            return
        self.connection.execute("begin immediate")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    def rows(self, statement: str, values: Sequence[SqlValue] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self.connection.execute(statement, values).fetchall()

    def row(self, statement: str, values: Sequence[SqlValue] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        found: sqlite3.Row | None = self.connection.execute(statement, values).fetchone()
        return found

    def run(self, statement: str, values: Sequence[SqlValue] = ()) -> int:
        """Run one statement; returns the number of rows it touched."""
        return self.connection.execute(statement, values).rowcount

    def run_many(self, statement: str, rows: Iterable[Sequence[SqlValue]]) -> None:
        """Run one statement for each of ``rows``, in one transaction."""
        with self.transaction() as connection:
            connection.executemany(statement, rows)

    def get(self, name: str, default: Setting) -> Setting:
        """A setting that outlives the process; of the type of ``default``."""
        found = self.row("select value from simulator_setting where name = ?", (name,))
        return default if found is None else msgspec.json.decode(found["value"], type=type(default))

    def put(self, name: str, value: object) -> None:
        """Store a setting (JSON types only)."""
        self.run(
            "insert into simulator_setting (name, value) values (?, ?) "
            "on conflict (name) do update set value = excluded.value",
            (name, msgspec.json.encode(value)),
        )

    def bump(self, name: str, by: int = 1) -> int:
        """Raise a durable counter and return its new value; for ids, sequence numbers and tallies."""
        found = self.row(
            "insert into simulator_counter (name, value) values (?, ?) "
            "on conflict (name) do update set value = value + excluded.value returning value",
            (name, by),
        )
        if found is None:
            raise RuntimeError(f"counter {name} returned no row")
        return int(found["value"])

    def counters(self) -> dict[str, int]:
        """All durable counters by name."""
        return {row["name"]: row["value"] for row in self.rows("select name, value from simulator_counter")}

    def close(self) -> None:
        """Close the file; an open transaction is lost, as it would be in a crash."""
        self.connection.close()
