"""How a person gets in and stays in: one-time links and sessions of the console, both stored as digests only.

A link works once and not for long; a session ends when it was not used for a while, at the latest after a working day,
at sign-out, and at once where its person is disabled. Neighbours: ``access`` says what somebody may do, ``web.sign_in``
has the pages and the cookie.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from psycopg import Connection, Cursor

from tieout.errors import ConfigurationError
from tieout.governance import audit
from tieout.governance.access import Act, principal_by_id
from tieout.model.access import Principal

LINK_LASTS: Final = timedelta(hours=24)
SESSION_LASTS: Final = timedelta(hours=12)
SESSION_IDLES: Final = timedelta(minutes=60)
_SEEN_AGAIN_AFTER: Final = timedelta(minutes=1)
_BYTES: Final = 32


class Means(StrEnum):
    """By what somebody proved who he is."""

    LINK = "link"
    OIDC = "oidc"


def new_link(cur: Cursor[tuple[object, ...]], *, principal_id: UUID, act: Act) -> str:
    """The secret part of a new one-time link; earlier unused links of the person stop working.

    Raises ConfigurationError (TIE-ACCESS-002) where the person is not known or was disabled.
    """
    cur.execute(
        "select 1 from principal where principal_id = %s and kind = 'person' and disabled_at is null", (principal_id,)
    )
    if cur.fetchone() is None:
        raise ConfigurationError(code="TIE-ACCESS-002", message=f"No person is known as {principal_id}.")
    cur.execute(
        "update sign_in_link set used_at = %s where principal_id = %s and used_at is null", (act.now, principal_id)
    )
    secret = secrets.token_urlsafe(_BYTES)
    cur.execute(
        """
        insert into sign_in_link (digest, principal_id, created_by, created_at, expires_at) values (%s, %s, %s, %s, %s)
        """,
        (digest(secret), principal_id, act.by, act.now, act.now + LINK_LASTS),
    )
    _tell(cur, act.by, "sign_in.link_made", principal_id, act.now)
    return secret


def link_works(conn: Connection[tuple[object, ...]], secret: str, *, now: datetime) -> bool:
    """Whether a link could be used at ``now``; asking does not use it."""
    row = conn.execute(
        """
        select 1 from sign_in_link l join principal p using (principal_id)
         where l.digest = %s and l.used_at is null and l.expires_at > %s and p.disabled_at is null
        """,
        (digest(secret), now),
    ).fetchone()
    return row is not None


def use_link(cur: Cursor[tuple[object, ...]], secret: str, *, now: datetime) -> str | None:
    """Use a link up and begin a session; returns the secret of the session, None where the link does not work.

    Of two that use one link at once, one gets in.
    """
    cur.execute(
        """
        update sign_in_link l set used_at = %s from principal p
         where p.principal_id = l.principal_id and l.digest = %s and l.used_at is null and l.expires_at > %s
           and p.disabled_at is null
        returning l.principal_id
        """,
        (now, digest(secret), now),
    )
    row = cur.fetchone()
    return None if row is None else begin_session(cur, principal_id=UUID(str(row[0])), means=Means.LINK, now=now)


def begin_session(cur: Cursor[tuple[object, ...]], *, principal_id: UUID, means: Means, now: datetime) -> str:
    """A new session; what is returned goes into the cookie and is stored nowhere."""
    secret = secrets.token_urlsafe(_BYTES)
    cur.execute(
        """
        insert into web_session (digest, principal_id, began_at, ends_at, last_seen_at, means)
        values (%s, %s, %s, %s, %s, %s)
        """,
        (digest(secret), principal_id, now, now + SESSION_LASTS, now, means.value),
    )
    _tell(cur, str(principal_id), f"sign_in.by_{means.value}", principal_id, now)
    return secret


def principal_of_session(conn: Connection[tuple[object, ...]], secret: str, *, now: datetime) -> Principal | None:
    """Whose session this is, with the rights that hold at ``now``; None for one that ended or never was.

    Using a session keeps it from ending idle.
    """
    row = conn.execute(
        """
        select principal_id, last_seen_at < %s from web_session
         where digest = %s and ended_at is null and ends_at > %s and last_seen_at > %s
        """,
        (now - _SEEN_AGAIN_AFTER, digest(secret), now, now - SESSION_IDLES),
    ).fetchone()
    if row is None:
        return None
    if row[1]:
        conn.execute("update web_session set last_seen_at = %s where digest = %s", (now, digest(secret)))
    return principal_by_id(conn, UUID(str(row[0])), now=now)


def end_session(cur: Cursor[tuple[object, ...]], secret: str, *, now: datetime) -> None:
    """Sign out; a session that ended already stays as it is."""
    cur.execute(
        "update web_session set ended_at = %s where digest = %s and ended_at is null returning principal_id",
        (now, digest(secret)),
    )
    row = cur.fetchone()
    if row is not None:
        _tell(cur, str(row[0]), "sign_in.ended", UUID(str(row[0])), now)


def digest(secret: str) -> bytes:
    """What is stored of a secret of ours. They are long and random, so a plain hash is as good as a slow one."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _tell(cur: Cursor[tuple[object, ...]], by: str, action: str, principal_id: UUID, now: datetime) -> None:
    entry = audit.AuditEntry(principal=by, action=action, object_kind="principal", object_id=str(principal_id))
    audit.append(cur, entry, now=now)
