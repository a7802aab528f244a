"""The durable state of a simulated account: one SQLite file, changes committed in groups, reads beside them.

Neighbours: ``schema`` names the tables; every handler writes by ``AccountStore.write`` and reads by ``reader``.
What was answered survives a kill: ``write`` returns only once its change is synced to disk, and the reader sees
committed rows only. Requests that arrive while a sync is under way share the next one.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from tieout.connectors.netsuite.simulator.schema import statements

_Result = TypeVar("_Result")


def plain(value: Decimal) -> str:
    """A decimal as NetSuite prints it: no exponent, no trailing zeros."""
    return f"{value.normalize():f}" if value else "0"


def _compare_decimals(left: str, right: str) -> int:
    one, other = Decimal(left), Decimal(right)
    return (one > other) - (one < other)


class _DecimalSum:
    """SUM over decimal text, exact."""

    def __init__(self) -> None:
        self._total = Decimal(0)
        self._any = False

    def step(self, value: str | int | None) -> None:
        """Add one value; null counts as nothing."""
        if value is not None:
            self._total += Decimal(value)
            self._any = True

    def finalize(self) -> str | None:
        """The sum, or null when there was nothing to add."""
        return plain(self._total) if self._any else None


def _calculate(operator: str, left: str | int | None, right: str | int | None) -> str | None:
    if left is None or right is None:
        return None
    one, other = Decimal(left), Decimal(right)
    match operator:
        case "+":
            return plain(one + other)
        case "-":
            return plain(one - other)
        case "*":
            return plain(one * other)
        case _:
            return plain(one / other) if other else None


_DATE_PARTS = (("YYYY", 0, 4), ("MM", 5, 7), ("DD", 8, 10), ("HH24", 11, 13), ("MI", 14, 16), ("SS", 17, 19))


def _to_char(value: str | int | None, pattern: str) -> str | None:
    if value is None:
        return None
    text = f"{value} 00:00:00"[:19] if len(str(value)) == len("2026-01-31") else str(value)
    for name, start, end in _DATE_PARTS:
        pattern = pattern.replace(name, text[start:end])
    return pattern


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma busy_timeout = 10000")
    connection.create_collation("decimal", _compare_decimals)
    # The type stubs describe only aggregates over whole rows of numbers.
    connection.create_aggregate("decimal_sum", 1, _DecimalSum)  # type: ignore[arg-type]
    connection.create_function("calculate", 3, _calculate, deterministic=True)
    connection.create_function("to_char", 2, _to_char, deterministic=True)
    return connection


class AccountStore:
    """The tables of one account. Used from one event loop."""

    def __init__(self, path: Path) -> None:
        self._writer = _connect(path)
        for statement in statements():
            self._writer.execute(statement)
        self.reader = _connect(path)
        self._turn = asyncio.Lock()
        self._mutex = threading.Lock()
        self._waiting: list[asyncio.Future[None]] = []
        self._committer: asyncio.Task[None] | None = None

    def write_now(self, change: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Apply ``change`` and sync it before anything else runs: for seeding and settings, not for requests."""
        with self._mutex:
            if self._writer.in_transaction:
                self._writer.execute("commit")
            self._writer.execute("begin immediate")
            try:
                result = change(self._writer)
            except BaseException:
                self._writer.execute("rollback")
                raise
            self._writer.execute("commit")
        return result

    async def write(self, change: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Apply ``change`` whole or not at all; returns its result once it is on disk, with its group."""
        async with self._turn:
            if not self._writer.in_transaction:
                self._writer.execute("begin immediate")
            self._writer.execute("savepoint one_request")
            try:
                result = change(self._writer)
            except BaseException:
                self._writer.execute("rollback to one_request")
                self._writer.execute("release one_request")
                if not self._waiting:
                    self._writer.execute("rollback")
                raise
            self._writer.execute("release one_request")
            on_disk: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(on_disk)
            if self._committer is None:
                self._committer = asyncio.create_task(self._commit_groups())
        await on_disk
        return result

    async def _commit_groups(self) -> None:
        while True:
            async with self._turn:
                group, self._waiting = self._waiting, []
                if not group:
                    self._committer = None
                    return
                await self._commit(group)

    async def _commit(self, group: list[asyncio.Future[None]]) -> None:
        try:
            await asyncio.to_thread(self._sync)
        except sqlite3.Error as error:
            if self._writer.in_transaction:
                self._writer.execute("rollback")
            for one in group:
                one.set_exception(error)
            return
        for one in group:
            if not one.cancelled():
                one.set_result(None)

    def _sync(self) -> None:
        with self._mutex:
            if self._writer.in_transaction:
                self._writer.execute("commit")

    def setting(self, name: str, default: str) -> str:
        """A durable setting of the account."""
        row = self.reader.execute("select value from account_setting where name = ?", (name,)).fetchone()
        return default if row is None else str(row[0])

    def set_setting(self, name: str, value: str) -> None:
        """Store a durable setting."""
        self.write_now(
            lambda cur: cur.execute("insert or replace into account_setting (name, value) values (?, ?)", (name, value))
        )

    def close(self) -> None:
        """Close the file."""
        self.reader.close()
        self._writer.close()
