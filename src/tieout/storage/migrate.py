"""Brings a database to the newest schema: Alembic over the SQL files of ``migrations/sql``.

The common case, nothing to do, costs one query and does not import Alembic. Two processes that start at once wait for
each other by an advisory lock.
"""

from importlib.resources import files
from types import ModuleType
from typing import TYPE_CHECKING, Final

import psycopg

from tieout.errors import ConfigurationError
from tieout.storage import jobs_schema
from tieout.storage.pool import connect
from tieout.storage.roles import require_sight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection as SqlConnection

SCHEMA: Final = "tieout"
_LOCK: Final = 0x71E0_0001
_MINIMUM_SERVER: Final = 180000


def revisions() -> list[tuple[str, str]]:
    """All revisions in order: number and file name."""
    names = sorted(entry.name for entry in (files("tieout.storage") / "migrations" / "sql").iterdir())
    return [(name.split("_", 1)[0], name) for name in names if name.endswith(".sql")]


def current_revision(conn: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """The revision the database is at, or None for an empty one."""
    row = conn.execute("select to_regclass('tieout.schema_revision') is not null").fetchone()
    if row is None or not row[0]:
        return None
    found = conn.execute("select version_num from tieout.schema_revision").fetchone()
    return None if found is None else str(found[0])


def migrate(url: str) -> str:
    """Apply what is missing; returns the revision reached.

    Raises ConfigurationError: TIE-STORE-005 for a database of a newer Tieout, TIE-STORE-006 for an old PostgreSQL,
    TIE-STORE-013 for a role that row-level security would bind.
    """
    wanted = [number for number, _ in revisions()]
    with connect(url, application="tieout-migrate", autocommit=True) as conn:
        if conn.info.server_version < _MINIMUM_SERVER:
            raise ConfigurationError(
                code="TIE-STORE-006", message=f"PostgreSQL {conn.info.server_version // 10000} is too old."
            )
        require_sight(conn)
        at = current_revision(conn)
        if at == wanted[-1] and jobs_schema.installed_version(conn) == jobs_schema.packaged_version():
            return at
        if at is not None and at not in wanted:
            raise ConfigurationError(
                code="TIE-STORE-005", message=f"The database is at revision {at}; this Tieout knows {wanted[-1]}."
            )
        conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
        _upgrade(url)
        jobs_schema.install(conn)
    return wanted[-1]


def _upgrade(url: str) -> None:
    from alembic.runtime.migration import MigrationContext, RevisionStep  # noqa: PLC0415 - slow, seldom needed
    from alembic.script import Script  # noqa: PLC0415 - as above
    from alembic.script.revision import RevisionMap  # noqa: PLC0415 - as above
    from sqlalchemy import NullPool, create_engine  # noqa: PLC0415 - as above

    chain = RevisionMap(lambda: [Script(_module(*step), step[0], step[1]) for step in _chain()])

    def missing(at: tuple[str, ...], _: MigrationContext) -> list[RevisionStep]:
        newest_first = chain.iterate_revisions("heads", at or "base")
        steps = [one for one in newest_first if isinstance(one, Script)]
        return [RevisionStep(chain, one, is_upgrade=True) for one in reversed(steps)]

    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"create schema if not exists {SCHEMA}")
        MigrationContext.configure(
            connection,
            opts={"version_table": "schema_revision", "version_table_schema": SCHEMA, "fn": missing},
        ).run_migrations(connection=connection)


def _chain() -> "Iterator[tuple[str, str, str | None]]":
    before = None
    for number, name in revisions():
        yield number, name, before
        before = number


def _module(number: str, name: str, before: str | None) -> ModuleType:
    """What Alembic expects a revision's Python file to be, made of its SQL file."""
    text = (files("tieout.storage") / "migrations" / "sql" / name).read_text(encoding="utf-8")

    def upgrade(*, connection: "SqlConnection") -> None:
        connection.exec_driver_sql(text.replace("%", "%%"))

    module = ModuleType(f"revision_{number}")
    module.__dict__.update(revision=number, down_revision=before, upgrade=upgrade)
    return module
