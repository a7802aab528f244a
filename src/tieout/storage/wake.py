"""Wake-ups: a step that stored work notifies the next one in its own transaction; losing one costs half a second.

One channel, the step's name as payload. A listener clears its flag before it looks for work and looks again at least
every ``SWEEP_S`` seconds, so a wake-up that arrives while the step runs is never lost and a missed one only delays.
"""

import asyncio
import contextlib
import time
from typing import Final

import psycopg
from psycopg import Cursor

from tieout.errors import TransientError
from tieout.storage.pool import connect, connect_async

CHANNEL: Final = "tieout_wake"
SWEEP_S: Final = 0.5


def notify(cur: Cursor[tuple[object, ...]], step: str) -> None:
    """Wake ``step`` when the current transaction commits."""
    cur.execute("select pg_notify(%s, %s)", (CHANNEL, step))


class Listener:
    """For a step in a plain loop: waits until one of ``steps`` is woken, or for the next sweep."""

    def __init__(self, url: str, steps: frozenset[str]) -> None:
        self._url = url
        self._steps = steps
        self._conn: psycopg.Connection[tuple[object, ...]] | None = None

    def wait(self, timeout_s: float = SWEEP_S) -> None:
        """Return as soon as there may be work, at the latest after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        try:
            conn = self._listening()
            while (left_s := deadline - time.monotonic()) > 0:
                for note in conn.notifies(timeout=left_s, stop_after=1):
                    if note.payload in self._steps:
                        return
        except (psycopg.OperationalError, TransientError):
            self.close()
            time.sleep(min(0.05, timeout_s))

    def close(self) -> None:
        """Give up the connection; the next ``wait`` makes another."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _listening(self) -> psycopg.Connection[tuple[object, ...]]:
        if self._conn is None:
            self._conn = connect(self._url, application="tieout-listener", autocommit=True)
            self._conn.execute(f"listen {CHANNEL}")
        return self._conn


async def listen(url: str, flags: dict[str, asyncio.Event]) -> None:
    """Set the flag of every step that is woken, for ever; after a lost connection all flags, since some were missed."""
    while True:
        try:
            conn = await connect_async(url, application="tieout-listener")
            async with conn:
                await conn.execute(f"listen {CHANNEL}")
                for flag in flags.values():
                    flag.set()
                async for note in conn.notifies():
                    flag = flags.get(note.payload)  # type: ignore[assignment]  # None where nobody here is meant
                    if flag is not None:
                        flag.set()
        except (psycopg.OperationalError, TransientError):
            await asyncio.sleep(0.05)


async def wait_for(flag: asyncio.Event, timeout_s: float = SWEEP_S) -> None:
    """Wait for a flag or for the next sweep, and clear it before the caller looks for work."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(flag.wait(), timeout_s)
    flag.clear()
