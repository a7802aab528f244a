"""A worker's epoch is alive exactly as long as its process."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest

from tieout.errors import TransientError
from tieout.storage.pool import connect
from tieout.storage.workers import Worker, live_epochs

NOW = datetime(2026, 3, 31, tzinfo=UTC)
PROGRAM = """
import sys, time
from datetime import UTC, datetime
from tieout.storage.workers import Worker
worker = Worker(sys.argv[1], now=datetime(2026, 3, 31, tzinfo=UTC))
print(worker.epoch, flush=True)
time.sleep(600)
"""


def test_epochs_grow_and_live_until_closed(database_url: str) -> None:
    first, second = Worker(database_url, now=NOW), Worker(database_url, now=NOW)
    with connect(database_url, autocommit=True) as conn:
        assert first.epoch < second.epoch
        assert sorted(live_epochs(conn)) == [first.epoch, second.epoch]
        first.close()
        deadline = time.monotonic() + 5
        while live_epochs(conn) != [second.epoch]:
            assert time.monotonic() < deadline
        second.close()


def test_a_killed_worker_is_known_to_be_dead_at_once(database_url: str) -> None:
    with (
        subprocess.Popen([sys.executable, "-c", PROGRAM, database_url], stdout=subprocess.PIPE, text=True) as process,
        connect(database_url, autocommit=True) as conn,
    ):
        assert process.stdout is not None
        epoch = int(process.stdout.readline())
        assert live_epochs(conn) == [epoch]
        process.kill()
        killed_at = time.monotonic()
        while live_epochs(conn):
            assert time.monotonic() - killed_at < 1


def test_a_worker_that_lost_its_session_knows_that_it_counts_as_dead(database_url: str) -> None:
    worker = Worker(database_url, now=NOW)
    assert worker.is_registered()
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'tieout-worker' and datname = current_database()"
        )
    assert not worker.is_registered()
    worker.close()


def test_a_worker_that_loses_the_database_while_it_registers_says_so_and_leaves_nothing(database_url: str) -> None:
    with psycopg.connect(database_url) as holding, ThreadPoolExecutor() as threads:
        holding.execute("lock table tieout.worker in access exclusive mode")
        registering = threads.submit(Worker, database_url, now=NOW)
        waiting = """
            select pid from pg_stat_activity
             where application_name = 'tieout-worker' and datname = current_database() and wait_event_type = 'Lock'
        """
        with psycopg.connect(database_url, autocommit=True) as conn:
            deadline = time.monotonic() + 10
            while not (found := conn.execute(waiting).fetchall()):
                assert time.monotonic() < deadline
            conn.execute("select pg_terminate_backend(%s, 5000)", found[0])
        with pytest.raises(TransientError, match="TIE-STORE-001"):
            registering.result(10)
    with connect(database_url, autocommit=True) as conn:
        assert live_epochs(conn) == []
