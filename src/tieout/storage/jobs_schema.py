"""The tables of procrastinate in a schema of their own, ``jobs``; applied by ``migrate`` beside Alembic's revisions.

procrastinate brings its own SQL with each release. What is installed is recorded in ``tieout.jobs_schema``; a newer
release's migrations are applied in the order of their names. Its functions get the search path ``jobs``, so that a job
can be deferred from any session, inside the caller's own transaction.
"""

from importlib.metadata import version
from importlib.resources import files

from psycopg import Connection

from tieout.storage.pool import Row


def packaged_version() -> str:
    """The release of procrastinate that is installed with this Tieout."""
    return version("procrastinate")


def installed_version(conn: Connection[Row]) -> str | None:
    """The release whose tables the database has, None without any."""
    row = conn.execute("select version from tieout.jobs_schema").fetchone()
    return None if row is None else str(row[0])


def install(conn: Connection[Row]) -> None:
    """Bring schema ``jobs`` to the packaged release; the caller holds the migration lock. In autocommit."""
    at, wanted = installed_version(conn), packaged_version()
    if at is not None and _numbers(at) >= _numbers(wanted):
        return
    sql = files("procrastinate") / "sql"
    if at is None:
        scripts = [sql / "schema.sql"]
    else:
        scripts = sorted(
            (one for one in (sql / "migrations").iterdir() if one.name.endswith(".sql") and _is_after(one.name, at)),
            key=lambda one: one.name,
        )
    with conn.transaction():
        conn.execute("create schema if not exists jobs")
        conn.execute("set local search_path = jobs")
        for script in scripts:
            conn.execute(script.read_bytes())
        for (function,) in conn.execute(
            "select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'jobs'::regnamespace"
        ).fetchall():
            conn.execute(f"alter function {function} set search_path = jobs".encode())
        conn.execute(
            """
            insert into tieout.jobs_schema (version) values (%s)
            on conflict (only_row) do update set version = excluded.version
            """,
            (wanted,),
        )


def _is_after(script: str, at: str) -> bool:
    return _numbers(script.split("_", 1)[0]) > _numbers(at)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".")[:3])
