"""Bearer keys of the API: shown once, stored as a digest, each bound to the system that it speaks for."""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Connection

from tieout.errors import ConfigurationError
from tieout.governance import access, firm_version
from tieout.governance.access import Act, Right
from tieout.model.access import Scope

PREFIX = "tieout_"
_KEY_BYTES = 32


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the key's name and the system that it speaks for."""

    key_id: UUID
    name: str
    system: str


def create_key(conn: Connection[tuple[object, ...]], *, name: str, system: str, key_id: UUID, now: datetime) -> str:
    """A new key for ``system``, a program of its own that may hand in time; this is the only time it can be read.

    Raises ConfigurationError (TIE-API-001) when the firm has no such system with the connector ``api``.
    """
    configured = firm_version.current(conn).system(system)
    if configured is None or configured.connector != "api":
        raise ConfigurationError(
            code="TIE-API-001", message=f"The firm has no system {system!r} that hands in time over the API."
        )
    key = PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    act = Act(by="tieout key", now=now, reason=f"a key to hand in time as {system}")
    with conn.transaction(), conn.cursor() as cur:
        access.add_program(cur, name=name, program_id=key_id, act=act)
        access.grant(cur, principal_id=key_id, right=Right(what=Scope.TIME_SUBMIT), grant_id=key_id, act=act)
        cur.execute(
            "insert into api_key (key_id, name, system, digest, created_at) values (%s, %s, %s, %s, %s)",
            (key_id, name, system, digest(key), now),
        )
    return key


def principal_of(conn: Connection[tuple[object, ...]], key: str, *, now: datetime) -> Principal | None:
    """Whom a key belongs to; None for one that is not known, was revoked, or may not hand in time any more."""
    row = conn.execute(
        """
        select k.key_id, k.name, k.system from api_key k join principal p on p.principal_id = k.key_id
         where k.digest = %s and k.revoked_at is null and p.disabled_at is null
           and exists (select from role_grant g
                        where g.principal_id = k.key_id and g.scope = %s and g.revoked_at is null
                          and (g.valid_until is null or g.valid_until > %s))
        """,
        (digest(key), Scope.TIME_SUBMIT.value, now),
    ).fetchone()
    return None if row is None else Principal(key_id=UUID(str(row[0])), name=str(row[1]), system=str(row[2]))


def digest(key: str) -> bytes:
    """What is stored of a key. Keys are long and random, so a plain hash is as good as a slow one."""
    return hashlib.sha256(key.encode()).digest()
