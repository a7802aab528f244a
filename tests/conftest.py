"""Fixtures for every test: one embedded PostgreSQL per session, and a fresh migrated database per test.

The server is shared by all pytest-xdist workers: each worker starts or attaches to it (``EmbeddedPostgres`` decides by
the lock of its home), and the one that runs it stops it when all are done. A test's database is a copy of a template to
which the migrations were applied once.
"""

import fcntl
import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tieout.storage.cluster import ADMIN_ROLE, DATABASE, DOOR_ROLE
from tieout.storage.embedded import EmbeddedPostgres
from tieout.storage.migrate import migrate
from tieout.storage.roles import let_door_in

_TEMPLATE = "template_tieout"
_numbers = itertools.count()


@contextmanager
def _locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    with path.open("a", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def session_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary directory that all workers of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def postgres_server(session_directory: Path) -> Iterator[EmbeddedPostgres]:
    """The session's PostgreSQL, with the template database ready."""
    with _locked(session_directory / "postgres.users", shared=True):
        with _locked(session_directory / "postgres.start"):
            server = EmbeddedPostgres(session_directory / "postgres-home")
            server.start()
            _stop_syncing(server)
            _make_template(server)
        yield server
    if server.owned:
        with _locked(session_directory / "postgres.users"):
            server.stop()
    else:
        server.stop()


def _stop_syncing(server: EmbeddedPostgres) -> None:
    """A database of tests need not survive a power cut, and making one is much quicker so."""
    with psycopg.connect(server.url_of("postgres", role=ADMIN_ROLE), autocommit=True) as conn:
        conn.execute("alter system set fsync = off")
        conn.execute("select pg_reload_conf()")


def _make_template(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as conn:
        if conn.execute("select 1 from pg_database where datname = %s", (_TEMPLATE,)).fetchone() is not None:
            return
        conn.execute(f"create database {_TEMPLATE}_new")
        migrate(server.url_of(f"{_TEMPLATE}_new"))
        let_door_in(server.url_of(f"{_TEMPLATE}_new"), server.url_of(f"{_TEMPLATE}_new", role=DOOR_ROLE))
        conn.execute(f"alter database {_TEMPLATE}_new rename to {_TEMPLATE}")


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without any table, gone after the test."""
    yield from _database(postgres_server, request, template="template1")


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres, request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database without any row, gone after the test."""
    yield from _database(postgres_server, request, template=_TEMPLATE)


@pytest.fixture
def door_url(database_url: str) -> str:
    """The database of ``database_url`` as the doors reach it: row-level security binds them."""
    return psycopg.conninfo.make_conninfo(database_url, user=DOOR_ROLE)


def _database(server: EmbeddedPostgres, request: pytest.FixtureRequest, *, template: str) -> Iterator[str]:
    label = re.sub(r"\W+", "_", request.node.name.lower())[:30]
    name = f"test_{label}_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.url_of(DATABASE), autocommit=True) as conn:
        conn.execute(f'create database "{name}" template {template} strategy file_copy')
    yield server.url_of(name)
    # As administrator: a worker of autovacuum may be in it, which only a superuser may end.
    with psycopg.connect(server.url_of("postgres", role=ADMIN_ROLE), autocommit=True) as conn:
        conn.execute(f'drop database if exists "{name}" with (force)')
