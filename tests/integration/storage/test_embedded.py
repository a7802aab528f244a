"""The embedded PostgreSQL lives and dies with the hub, and survives what kills either."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tieout.errors import ConfigurationError
from tieout.storage.cluster import Cluster, program_files
from tieout.storage.embedded import EmbeddedPostgres, external_url
from tieout.storage.leftovers import processes_on

HUB = """
import sys, time, pathlib
from tieout.storage.embedded import EmbeddedPostgres
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@contextmanager
def hub_process(home: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HUB, str(home)], stdout=subprocess.PIPE, text=True) as hub:
        try:
            assert hub.stdout is not None
            assert hub.stdout.readline().strip()
            yield hub
        finally:
            hub.kill()


def eventually(condition: object, within_s: float = 10.0) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            if condition():
                return True
        time.sleep(0.02)
    return False


def answer(url: str, statement: str = "select 1") -> object:
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(statement).fetchone()
        return None if row is None else row[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_it_speaks_utc_and_c_utf8_durably_and_over_no_network(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        assert server.owned
        assert answer(server.url, "show timezone") == "UTC"
        assert answer(server.url, "show fsync") == "on"
        assert answer(server.url, "show listen_addresses") == ""
        assert answer(server.url, "select datlocale from pg_database where datname = current_database()") == "C.UTF-8"
        assert answer(server.url, "select rolsuper from pg_roles where rolname = current_user") is False
        assert (home / "postgres" / "run").stat().st_mode & 0o777 == 0o700
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert processes_on(home / "postgres" / "pgdata") == []


def test_after_a_kill_of_postgresql_with_long_queries_it_is_back_at_once(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        url = server.url
        with psycopg.connect(url) as conn:
            conn.execute("create table kept as select generate_series(1, 1000) as n")
        cut_off: list[str] = []

        def long_query() -> None:
            try:
                answer(url, "select count(*) from generate_series(1, 1000000000)")
            except psycopg.OperationalError as error:
                cut_off.append(str(error))

        queries = [threading.Thread(target=long_query) for _ in range(3)]
        for query in queries:
            query.start()
        assert eventually(lambda: answer(url, "select count(*) from pg_stat_activity where state = 'active'") == 4)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        killed_at = time.monotonic()
        assert eventually(lambda: answer(url, "select count(*) from kept") == 1000)
        took_s = time.monotonic() - killed_at
        for query in queries:
            query.join()
        assert len(cut_off) == 3
        assert took_s < 2


def test_after_a_kill_of_everything_the_next_start_is_quick_and_nothing_committed_is_lost(home: Path) -> None:
    with hub_process(home) as hub:
        with psycopg.connect(EmbeddedPostgres(home).url) as conn:
            conn.execute("drop table if exists committed")
            conn.execute("create table committed as select 42 as n")
        for pid in (hub.pid, *processes_on(home / "postgres" / "pgdata")):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        started_at = time.monotonic()
        with EmbeddedPostgres(home) as server:
            assert answer(server.url, "select n from committed") == 42
            assert time.monotonic() - started_at < 2


def test_the_server_dies_with_a_killed_hub(home: Path) -> None:
    with hub_process(home) as hub:
        assert processes_on(home / "postgres" / "pgdata")
        hub.kill()
        hub.wait()
        assert eventually(lambda: not processes_on(home / "postgres" / "pgdata"))


def test_orphans_of_a_killed_postmaster_are_ended_before_the_next_start(home: Path) -> None:
    with hub_process(home) as hub:
        url = EmbeddedPostgres(home).url
        query = threading.Thread(target=lambda: suppressed(url, "select pg_sleep(60)"))
        query.start()
        assert eventually(
            lambda: answer(url, "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)'") == 1
        )
        os.kill(hub.pid, signal.SIGSTOP)
        postmaster = int((home / "postgres" / "pgdata" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGKILL)
        hub.kill()
        started_at = time.monotonic()
        with EmbeddedPostgres(home) as server:
            assert answer(server.url) == 1
            assert time.monotonic() - started_at < 2
        query.join()


def suppressed(url: str, statement: str) -> None:
    with suppress(psycopg.OperationalError):
        answer(url, statement)


def test_a_second_command_attaches_and_takes_over_when_the_first_ends(home: Path) -> None:
    first, second = EmbeddedPostgres(home), EmbeddedPostgres(home)
    first.start()
    second.start()
    try:
        assert (first.owned, second.owned) == (True, False)
        assert second.is_running()
        assert first.url == second.url
        first.stop()
        assert eventually(lambda: second.owned and answer(second.url) == 1)
    finally:
        first.stop()
        second.stop()
    assert not second.is_running()


def test_a_home_path_of_150_bytes_works(tmp_path: Path) -> None:
    home = tmp_path / ("long-" * 40)[: 150 - len(str(tmp_path)) - 1]
    assert len(str(home)) == 150
    with EmbeddedPostgres(home) as server:
        assert answer(server.url) == 1
        assert Cluster(home).socket_directory() != home / "postgres" / "run"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")
def test_as_root_below_a_closed_directory_the_server_still_reaches_its_files(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "home") as server:
        assert answer(server.url) == 1
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another user")
def test_as_root_an_installation_below_a_closed_directory_is_reached_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    installed = program_files().parent.parent
    for package in (installed, installed.with_suffix(".libs")):
        shutil.copytree(package, closed / package.name, ignore=shutil.ignore_patterns("include", "*.a", "__pycache__"))
    monkeypatch.syspath_prepend(str(closed))
    assert program_files().is_relative_to(closed)
    with EmbeddedPostgres(tmp_path / "home") as server:
        assert answer(server.url) == 1


def test_a_home_that_cannot_be_made_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="file") as caught:
        EmbeddedPostgres(tmp_path / "file").start()
    assert caught.value.code == "TIE-STORE-004"


def test_a_database_of_the_users_own_is_named_by_the_environment() -> None:
    assert external_url({"TIEOUT_DATABASE_URL": "host=db.example dbname=hub"}) == "host=db.example dbname=hub"
    assert external_url({}) is None


def test_after_a_start_that_failed_it_is_tried_again_until_it_works(home: Path) -> None:
    program = home / "postgres" / "pgdata" / "PG_VERSION"
    with EmbeddedPostgres(home) as server:
        right = program.read_text()
        program.write_text("7\n")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert eventually(lambda: server.pid is None)
        program.write_text(right)
        assert eventually(lambda: answer(server.url) == 1)
