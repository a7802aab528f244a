"""Writes a whole database to a file and reads it back, by pg_dump, pg_restore and psql of the embedded PostgreSQL.

``runtime.backup`` and ``runtime.restore`` know what goes with it. A password is handed over in the environment, where
other users do not see it.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Final

import psycopg
from psycopg import Connection, sql

from tieout.errors import ConfigurationError
from tieout.storage.cluster import program_files
from tieout.storage.migrate import SCHEMA
from tieout.storage.pool import Row, connect

_WORDS_MAX: Final = 600
_SCHEMAS: Final = (SCHEMA, "jobs")


@contextmanager
def snapshot(url: str) -> Iterator[tuple[Connection[Row], str]]:
    """A connection that sees one instant of the database, and the name under which ``dump`` sees the same."""
    with connect(url, application="tieout-backup") as conn:
        conn.execute("set transaction isolation level repeatable read, read only")
        row = conn.execute("select pg_export_snapshot()").fetchone()
        yield conn, str(row[0]) if row is not None else ""


def row_counts(conn: Connection[Row]) -> dict[str, int]:
    """How many rows every table of the product holds, by its name with schema."""
    tables = conn.execute(
        """
        select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = any(%s) and c.relkind = 'r' and c.relpersistence = 'p' order by 1, 2
        """,
        (list(_SCHEMAS),),
    ).fetchall()
    counts = {}
    for schema, table in tables:
        row = conn.execute(
            sql.SQL("select count(*) from {}").format(sql.Identifier(str(schema), str(table)))
        ).fetchone()
        counts[f"{schema}.{table}"] = int(str(row[0])) if row is not None else 0
    return counts


def is_empty(url: str) -> bool:
    """Whether the database has none of the product's schemas."""
    with connect(url, application="tieout-restore", autocommit=True) as conn:
        row = conn.execute("select exists (select from pg_namespace where nspname = any(%s))", (list(_SCHEMAS),))
        found = row.fetchone()
    return found is not None and not found[0]


def dump(url: str, *, at: str, into: IO[bytes]) -> None:
    """Write the database as the snapshot ``at`` shows it, in pg_dump's custom format.

    Raises ConfigurationError (TIE-BACKUP-001).
    """
    schemas = [f"--schema={name}" for name in _SCHEMAS]
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={at}", "--no-unlogged-table-data"]
    done = subprocess.run(
        [program_files() / "pg_dump", *options, *schemas],
        stdout=into,
        stderr=subprocess.PIPE,
        env=_environment(url),
        check=False,
    )
    if done.returncode != 0:
        raise _failed("pg_dump", done.stderr)


def load(url: str, *, dumped: IO[bytes], then: Sequence[str]) -> None:
    """Read a dump into an empty database and carry out the statements ``then``: all of it, or nothing.

    The end of the input commits nothing, so that whatever is killed on the way leaves the database as it was. Raises
    ConfigurationError (TIE-BACKUP-001).
    """
    dumped.seek(0)
    with (
        subprocess.Popen(
            [program_files() / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(url),
        ) as taking,
        subprocess.Popen(
            [program_files() / "pg_restore", "--no-owner", "--no-privileges", "--file=-"],
            stdin=dumped,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(url),
        ) as giving,
    ):
        _copy(giving, taking, then)


def _copy(giving: "subprocess.Popen[bytes]", taking: "subprocess.Popen[bytes]", then: Sequence[str]) -> None:
    if giving.stdout is None or giving.stderr is None or taking.stdin is None or taking.stderr is None:
        raise ConfigurationError(code="TIE-BACKUP-001", message="pg_restore and psql could not be connected.")
    try:
        taking.stdin.write(b"begin;\n")
        while chunk := giving.stdout.read(1 << 20):
            taking.stdin.write(chunk)
        if giving.wait() == 0:
            taking.stdin.write("\n".join([*then, "commit;", ""]).encode())
        taking.stdin.close()
    except BrokenPipeError:
        giving.kill()
    words = taking.stderr.read()
    if giving.wait() != 0 and taking.wait() == 0:
        raise _failed("pg_restore", giving.stderr.read())
    if taking.wait() != 0:
        raise _failed("psql", words)


def _environment(url: str) -> dict[str, str]:
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
             "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
             "hostaddr": "PGHOSTADDR", "options": "PGOPTIONS"}  # fmt: skip
    parts = psycopg.conninfo.conninfo_to_dict(url)
    given = {names[name]: str(value) for name, value in parts.items() if name in names and value is not None}
    inherited = {name: value for name, value in os.environ.items() if name.startswith("PG")}
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC", **inherited, **given}


def _failed(program: str, words: bytes) -> ConfigurationError:
    said = " / ".join(words.decode(errors="replace").splitlines()[-4:])[:_WORDS_MAX]
    return ConfigurationError(code="TIE-BACKUP-001", message=f"{program} failed: {said}")
