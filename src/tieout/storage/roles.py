"""The roles of the database: workers see every row, the doors only what row-level security shows them.

The hub's own role owns the tables and has BYPASSRLS; the doors log in as a role that owns nothing, bypasses nothing and
may do what migrations have written into ``tieout.door_right``. ``door_url`` finds or makes that role, ``let_door_in``
grants, ``check_roles`` refuses to serve where one of this is not so. Neighbours: ``embedded`` makes both roles of its
own server; ``web.database`` sets per transaction which legal entities are seen.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg
from psycopg import Connection, sql

from tieout.errors import ConfigurationError, TransientError
from tieout.storage.cluster import DOOR_ROLE
from tieout.storage.pool import Row, connect

DOOR_URL_VARIABLE: Final = "TIEOUT_DOOR_DATABASE_URL"
_SCHEMA: Final = "tieout"
_LOCK: Final = 0x71E0_0002
_SECRET_FILE: Final = "door-database.secret"  # noqa: S105 - the name of a file
_SECRET_BYTES: Final = 32
_BOOTSTRAP_OID: Final = 10


def door_url(url: str, *, home: Path, environ: Mapping[str, str]) -> str:
    """The connection string by which the doors reach the database that ``url`` names.

    ``TIEOUT_DOOR_DATABASE_URL`` where it is set; else the role ``tieout_door``, made here where ``url`` may make roles,
    with a password of its own below ``home``. Raises ConfigurationError (TIE-STORE-014) where neither is possible.
    """
    given = environ.get(DOOR_URL_VARIABLE)
    if given:
        return _checked(given)
    file = home / _SECRET_FILE
    password = file.read_text(encoding="ascii").strip() if file.is_file() else None
    ours = _as_door(url, password)
    if _lets_in(ours):
        return ours
    with connect(url, application="tieout-roles", autocommit=True) as conn:
        if _exists(conn, DOOR_ROLE):
            raise _no_door(f"The role {DOOR_ROLE} exists and does not let this home in")
        if not _may_make_roles(conn):
            raise _no_door(f"There is no role {DOOR_ROLE}, and {conn.info.user} may not make it")
        password = secrets.token_urlsafe(_SECRET_BYTES)
        file.touch(mode=0o600)
        file.write_text(password, encoding="ascii")
        conn.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(DOOR_ROLE), password))
    ours = _as_door(url, password)
    if not _lets_in(ours):
        raise _no_door(f"The role {DOOR_ROLE} was made, and the database does not let it in")
    return ours


def let_door_in(url: str, door: str) -> None:
    """Give the role of ``door`` what the migrations let doors do, and nothing else; ``url`` is the owner's.

    Tables without a policy of their own are not given at all. Safe to repeat, also at the same time.
    """
    with connect(door, application="tieout-roles", autocommit=True) as conn:
        role = conn.info.user
    with connect(url, application="tieout-roles") as conn, conn.transaction():
        conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        if not _grants_differ(conn, role):
            return
        name = sql.Identifier(role)
        conn.execute(sql.SQL("grant usage on schema tieout to {}").format(name))
        conn.execute(sql.SQL("revoke all on all tables in schema tieout from {}").format(name))
        for table, rights in _wanted(conn).items():
            conn.execute(
                sql.SQL("grant {} on tieout.{} to {}").format(
                    sql.SQL(", ").join(sql.SQL(right) for right in sorted(rights)), sql.Identifier(table), name
                )
            )


def check_roles(url: str, door: str) -> None:
    """Refuse to serve unless row-level security is a wall; raises ConfigurationError (TIE-STORE-013).

    Workers: no superuser, not the role of ``initdb``, with BYPASSRLS. Doors: another role without any power over roles,
    databases or row-level security, member of nothing, owner of nothing; and every table they reach forces it.
    """
    with connect(url, application="tieout-roles", autocommit=True) as conn:
        _check_worker(conn)
        worker = conn.info.user
    with connect(door, application="tieout-roles", autocommit=True) as conn:
        _check_door(conn, worker)


def require_sight(conn: Connection[Row]) -> None:
    """Refuse a role that would see no row of any entity: commands and workers read all of them.

    Raises ConfigurationError (TIE-STORE-013).
    """
    row = conn.execute("select rolsuper or rolbypassrls from pg_roles where rolname = current_user").fetchone()
    if row is None or not row[0]:
        raise ConfigurationError(
            code="TIE-STORE-013",
            message=f"The role {conn.info.user} of the hub has no BYPASSRLS: it would see no row of any legal entity.",
            next_step=f"As a superuser of the database: alter role {conn.info.user} bypassrls",
        )


def unguarded_tables(conn: Connection[Row]) -> list[str]:
    """Tables of the product's schema without a policy that also binds their owner; doors are not let in there."""
    rows = conn.execute(
        """
        select c.relname::text from pg_class c
         where c.relnamespace = 'tieout'::regnamespace and c.relkind in ('r', 'p')
           and not (c.relrowsecurity and c.relforcerowsecurity and exists (
                select from pg_policy p where p.polrelid = c.oid))
         order by 1
        """
    )
    return [str(name) for (name,) in rows]


def _wanted(conn: Connection[Row]) -> dict[str, set[str]]:
    """What the doors may do, by table: read what has a policy, and what ``door_right`` says."""
    refused = set(unguarded_tables(conn))
    tables = conn.execute("select tablename::text from pg_tables where schemaname = %s", (_SCHEMA,)).fetchall()
    wanted = {str(name): {"select"} for (name,) in tables if name not in refused}
    for name, rights in conn.execute("select table_name, rights from tieout.door_right").fetchall():
        if name in wanted and isinstance(rights, list):
            wanted[str(name)] |= set(rights)
    return wanted


def _grants_differ(conn: Connection[Row], role: str) -> bool:
    held: dict[str, set[str]] = {}
    for table, right in conn.execute(
        """
        select c.relname::text, lower(a.privilege_type)
          from pg_class c cross join lateral aclexplode(c.relacl) a
         where c.relnamespace = 'tieout'::regnamespace and c.relkind in ('r', 'p')
           and a.grantee = %s::regrole
        """,
        (role,),
    ).fetchall():
        held.setdefault(str(table), set()).add(str(right))
    usage = conn.execute("select has_schema_privilege(%s, %s, 'usage')", (role, _SCHEMA)).fetchone()
    return held != _wanted(conn) or usage is None or not usage[0]


def _check_worker(conn: Connection[Row]) -> None:
    row = conn.execute(
        "select rolsuper, rolbypassrls, oid = %s::oid from pg_roles where rolname = current_user", (_BOOTSTRAP_OID,)
    ).fetchone()
    if row is None or row[0] or row[2]:
        raise _not_a_wall(f"the hub's role {conn.info.user} is a superuser")
    require_sight(conn)


def _check_door(conn: Connection[Row], worker: str) -> None:
    role = conn.info.user
    row = conn.execute(
        """
        select r.rolsuper, r.rolbypassrls, r.rolcreaterole or r.rolcreatedb or r.rolreplication,
               exists (select from pg_class c where c.relowner = r.oid)
               or exists (select from pg_namespace n where n.nspowner = r.oid)
               or exists (select from pg_database d where d.datdba = r.oid),
               exists (select from pg_auth_members m where m.member = r.oid)
          from pg_roles r where r.rolname = session_user and session_user = current_user
        """
    ).fetchone()
    if row is None or role == worker:
        raise _not_a_wall(f"the doors log in as {role}, the role of the hub itself")
    flaws = ("is a superuser", "has BYPASSRLS", "may make roles or databases", "owns something", "is member of a role")
    for wrong, flaw in zip(row, flaws, strict=True):
        if wrong:
            raise _not_a_wall(f"the role {role} of the doors {flaw}")
    open_to_it = conn.execute(
        """
        select string_agg(c.relname, ', ' order by c.relname) from pg_class c
         where c.relnamespace = 'tieout'::regnamespace and c.relkind in ('r', 'p')
           and has_table_privilege(c.oid, 'select, insert, update, delete, truncate')
           and not (c.relrowsecurity and c.relforcerowsecurity)
        """
    ).fetchone()
    if open_to_it is not None and open_to_it[0] is not None:
        raise _not_a_wall(f"the role {role} of the doors reaches tables without row-level security: {open_to_it[0]}")


def _as_door(url: str, password: str | None) -> str:
    """``url`` with the role of the doors; the password of another role is not passed on."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    parts.update(user=DOOR_ROLE, password=password)
    return psycopg.conninfo.make_conninfo("", **{name: value for name, value in parts.items() if value is not None})


def _checked(given: str) -> str:
    try:
        psycopg.conninfo.conninfo_to_dict(given)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            code="TIE-STORE-014", message=f"{DOOR_URL_VARIABLE} holds no connection string of PostgreSQL."
        ) from None
    return given


def _lets_in(url: str) -> bool:
    try:
        with connect(url, application="tieout-roles", autocommit=True):
            return True
    except TransientError:
        return False


def _exists(conn: Connection[Row], role: str) -> bool:
    return conn.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is not None


def _may_make_roles(conn: Connection[Row]) -> bool:
    row = conn.execute("select rolcreaterole or rolsuper from pg_roles where rolname = current_user").fetchone()
    return row is not None and bool(row[0])


def _no_door(why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-STORE-014", message=f"{why}.")


def _not_a_wall(why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-STORE-013", message=f"Row-level security would not bind the doors: {why}.")
