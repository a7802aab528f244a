"""Wake-ups: a step that stored work notifies the next one in its own transaction; losing one costs half a second.

One channel, the step's name as payload. The rule for whoever listens: clear the flag *before* looking for work, look
until nothing is left, then wait. A wake-up that arrives while the step runs is then never lost; one that is missed
(a lost connection) costs at most ``SWEEP_S``, after which every step looks by itself.
"""

import asyncio
import contextlib
import time
from typing import Final

import psycopg
from psycopg import Connection, Cursor

from tieout.errors import TransientError
from tieout.storage.pool import Row, connect, connect_async

CHANNEL: Final = "tieout_wake"
SWEEP_S: Final = 0.5
_RECONNECT_S: Final = 0.05


def notify(cur: Cursor[Row], step: str) -> None:
    """Wake ``step`` when the current transaction commits; a rolled back transaction wakes nobody."""
    cur.execute("select pg_notify(%s, %s)", (CHANNEL, step))


class Listener:
    """For a step in a plain loop: ``wait`` until one of ``steps`` is woken, or for the next sweep."""

    def __init__(self, url: str, steps: frozenset[str]) -> None:
        self._url = url
        self._steps = steps
        self._conn: Connection[Row] | None = None

    def wait(self, timeout_s: float = SWEEP_S) -> None:
        """Return as soon as there may be work, at the latest after ``timeout_s``.

        Returns at once after it had to connect, since wake-ups before that were not heard.
        """
        try:
            if self._conn is None:
                self._conn = connect(self._url, application="tieout-listener", autocommit=True)
                self._conn.execute(f"listen {CHANNEL}")
                return
            deadline = time.monotonic() + timeout_s
            while (left_s := deadline - time.monotonic()) > 0:
                for note in self._conn.notifies(timeout=left_s, stop_after=1):
                    if note.payload in self._steps:
                        return
        except (psycopg.OperationalError, TransientError):
            self.close()
            time.sleep(min(_RECONNECT_S, timeout_s))

    def close(self) -> None:
        """Give up the connection; the next ``wait`` makes another."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None


async def listen(url: str, flags: dict[str, asyncio.Event]) -> None:
    """Set the flag of every step that is woken, for ever; at the start and after a lost connection all flags."""
    while True:
        try:
            conn = await connect_async(url, application="tieout-listener")
            async with conn:
                await conn.execute(f"listen {CHANNEL}")
                for flag in flags.values():
                    flag.set()
                async for note in conn.notifies():
                    if note.payload in flags:
                        flags[note.payload].set()
        except (psycopg.OperationalError, TransientError):
            await asyncio.sleep(_RECONNECT_S)


async def wait_for(flag: asyncio.Event, timeout_s: float = SWEEP_S) -> None:
    """Wait for a flag or for the next sweep, and clear it before the caller looks for work."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(flag.wait(), timeout_s)
    flag.clear()
