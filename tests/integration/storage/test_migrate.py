"""Bringing a database to the newest schema."""

import threading
import time

import psycopg
import pytest

from tieout.errors import ConfigurationError
from tieout.storage.migrate import migrate, revisions


def test_an_empty_database_reaches_the_newest_revision(empty_database_url: str) -> None:
    assert migrate(empty_database_url) == revisions()[-1][0]
    with psycopg.connect(empty_database_url) as conn:
        assert conn.execute("select count(*) from tieout.control_total").fetchone() == (0,)


def test_two_hubs_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            migrate(empty_database_url)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    hubs = [threading.Thread(target=run) for _ in range(3)]
    for hub in hubs:
        hub.start()
    for hub in hubs:
        hub.join()
    assert failures == []


def test_nothing_to_do_is_quick(database_url: str) -> None:
    migrate(database_url)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        migrate(database_url)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.05


def test_a_database_of_a_newer_tieout_is_left_alone(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update tieout.schema_revision set version_num = '9999'")
    with pytest.raises(ConfigurationError) as caught:
        migrate(database_url)
    assert caught.value.code == "TIE-STORE-005"
