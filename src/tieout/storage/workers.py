"""Workers and their fencing epochs: who is alive, known at once and without timers.

A worker takes its epoch from a sequence and holds a session advisory lock on it over a connection of its own. The lock
goes with the process, so a killed worker is known to be dead as soon as the kernel has closed its connection; of a host
that vanished, the server's keep-alives (``storage.pool``) find out. ``outbound`` writes the epoch into every claim.
"""

import os
import socket
from datetime import datetime
from typing import Final

import psycopg
from psycopg import Connection

from tieout.errors import InvariantError
from tieout.storage.pool import Row, connect, losing_database

_LOCK_CLASS: Final = 29152
LIVE_EPOCHS_SQL: Final = """
    select objid::bigint from pg_locks
     where locktype = 'advisory' and classid = 29152 and objsubid = 2 and granted
       and database = (select oid from pg_database where datname = current_database())
"""
"""A query for the epochs of the workers that are alive, for use inside other statements; 29152 is our lock class."""


class Worker:
    """One registered worker process; ``epoch`` fences its writes.

    Raises TransientError (TIE-STORE-001) when the database cannot be reached or goes away meanwhile.
    """

    def __init__(self, url: str, *, now: datetime) -> None:
        self._conn = connect(url, application="tieout-worker", autocommit=True)
        try:
            with losing_database():
                self.epoch = self._register(now)
        except BaseException:
            self._conn.close()
            raise

    def _register(self, now: datetime) -> int:
        row = self._conn.execute("select nextval('worker_epoch_seq')").fetchone()
        if row is None:
            raise InvariantError(code="TIE-STORE-010", message="The sequence of worker epochs gave no number.")
        epoch = int(str(row[0]))
        self._conn.execute("select pg_advisory_lock(%s, %s)", (_LOCK_CLASS, epoch))
        self._conn.execute(
            "insert into worker (epoch, host, pid, started_at) values (%s, %s, %s, %s)",
            (epoch, socket.gethostname(), os.getpid(), now),
        )
        return epoch

    def is_registered(self) -> bool:
        """Whether the session that proves this worker alive still stands.

        Where it does not, others take this epoch for dead: give up what is claimed under it and register again.
        """
        try:
            self._conn.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def close(self) -> None:
        """Leave: the epoch is dead from now on."""
        self._conn.close()


def live_epochs(conn: Connection[Row]) -> list[int]:
    """Epochs of the workers that are alive."""
    return [int(str(epoch)) for (epoch,) in conn.execute(LIVE_EPOCHS_SQL)]
