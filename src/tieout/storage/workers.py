"""Workers and their fencing epochs: who is alive, known at once and without timers.

A worker takes its epoch from a sequence and holds a session advisory lock on it over a connection of its own. The lock
goes with the process, so a killed worker is known to be dead as soon as its connection is gone.
"""

import os
import socket
from datetime import datetime
from typing import Final

import psycopg

from tieout.storage.pool import connect

_LOCK_CLASS: Final = 29152


class Worker:
    """One registered worker process; ``epoch`` fences its writes."""

    def __init__(self, url: str, *, now: datetime) -> None:
        self._conn = connect(url, application="tieout-worker", autocommit=True)
        row = self._conn.execute("select nextval('worker_epoch_seq')").fetchone()
        self.epoch = int(str(row[0])) if row else 0
        self._conn.execute("select pg_advisory_lock(%s, %s)", (_LOCK_CLASS, self.epoch))
        self._conn.execute(
            "insert into worker (epoch, host, pid, started_at) values (%s, %s, %s, %s)",
            (self.epoch, socket.gethostname(), os.getpid(), now),
        )

    def is_registered(self) -> bool:
        """Whether the session that proves this worker alive still stands."""
        try:
            self._conn.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def close(self) -> None:
        """Leave: the epoch is dead from now on."""
        self._conn.close()


LIVE_EPOCHS_SQL: Final = """
    select objid::bigint from pg_locks
     where locktype = 'advisory' and classid = 29152 and objsubid = 2 and granted
       and database = (select oid from pg_database where datname = current_database())
"""


def live_epochs(conn: psycopg.Connection[tuple[object, ...]]) -> list[int]:
    """Epochs of the workers that are alive."""
    return [int(str(row[0])) for row in conn.execute(LIVE_EPOCHS_SQL)]
