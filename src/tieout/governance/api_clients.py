"""Programs with credentials of their own: an id and a secret, stored as a digest, replaced without a moment of outage.

While a secret is replaced both work: ``next_secret`` adds the new one, ``finish_rotation`` ends the old one.
Neighbours: ``access`` says what the program may do, ``web.tokens`` exchanges id and secret for a short-lived token.
"""

import hmac
import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import Connection, Cursor

from tieout.errors import ConfigurationError
from tieout.governance import access, audit
from tieout.governance.access import Act
from tieout.governance.sign_in import digest

_SECRET_BYTES: Final = 32
_ID_PREFIX: Final = "client-"
_SECRET_PREFIX: Final = "tieout_cs_"  # noqa: S105 - tells people and scanners what kind of secret it is


def add_client(cur: Cursor[tuple[object, ...]], *, name: str, program_id: UUID, act: Act) -> tuple[str, str]:
    """A program with credentials: its client id and its secret, which can be read only now."""
    access.add_program(cur, name=name, program_id=program_id, act=act)
    client_id, secret = f"{_ID_PREFIX}{program_id}", _new_secret()
    cur.execute(
        "insert into api_client (client_id, principal_id, digest, secret_created_at) values (%s, %s, %s, %s)",
        (client_id, program_id, digest(secret), act.now),
    )
    _tell(cur, act, "api_client.made", client_id)
    return client_id, secret


def next_secret(cur: Cursor[tuple[object, ...]], *, client_id: str, act: Act) -> str:
    """A second secret, which works beside the first until ``finish_rotation``; one that was begun before is replaced.

    Raises ConfigurationError (TIE-ACCESS-007) where there is no such client.
    """
    secret = _new_secret()
    cur.execute(
        """
        update api_client set next_digest = %s, next_created_at = %s
         where client_id = %s and revoked_at is null returning client_id
        """,
        (digest(secret), act.now, client_id),
    )
    _expect_client(cur, client_id)
    _tell(cur, act, "api_client.secret_added", client_id)
    return secret


def finish_rotation(cur: Cursor[tuple[object, ...]], *, client_id: str, act: Act) -> None:
    """End the old secret; only the new one works from now on. Raises ConfigurationError (TIE-ACCESS-007)."""
    cur.execute(
        """
        update api_client set digest = next_digest, secret_created_at = next_created_at,
                              next_digest = null, next_created_at = null
         where client_id = %s and revoked_at is null and next_digest is not null returning client_id
        """,
        (client_id,),
    )
    _expect_client(cur, client_id)
    _tell(cur, act, "api_client.secret_replaced", client_id)


def principal_id_of(conn: Connection[tuple[object, ...]], client_id: str, secret: str) -> UUID | None:
    """Whose credentials these are; None where they are not both right. Takes as long either way."""
    row = conn.execute(
        """
        select c.principal_id, c.digest, c.next_digest
          from api_client c join principal p using (principal_id)
         where c.client_id = %s and c.revoked_at is null and p.disabled_at is null
        """,
        (client_id,),
    ).fetchone()
    given = digest(secret)
    stored = [one for one in (row or ())[1:] if isinstance(one, bytes)] or [bytes(len(given))]
    fits = any([hmac.compare_digest(given, one) for one in stored])  # noqa: C419 - all of them, whichever fits
    return UUID(str(row[0])) if row is not None and fits else None


def principal_id_of_key(conn: Connection[tuple[object, ...]], key: str) -> UUID | None:
    """Whose key to hand in time this is; None for one that is not known or was revoked."""
    row = conn.execute("select key_id from api_key where digest = %s and revoked_at is null", (digest(key),)).fetchone()
    return None if row is None else UUID(str(row[0]))


def client_of(conn: Connection[tuple[object, ...]], principal_id: UUID) -> tuple[str, datetime] | None:
    """The client id of a program and when its present secret was made; None where it has none that works."""
    row = conn.execute(
        "select client_id, secret_created_at from api_client where principal_id = %s and revoked_at is null",
        (principal_id,),
    ).fetchone()
    return None if row is None or not isinstance(row[1], datetime) else (str(row[0]), row[1])


def _new_secret() -> str:
    return _SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def _expect_client(cur: Cursor[tuple[object, ...]], client_id: str) -> None:
    if cur.fetchone() is None:
        raise ConfigurationError(
            code="TIE-ACCESS-007", message=f"There is no client {client_id} for which this could be done."
        )


def _tell(cur: Cursor[tuple[object, ...]], act: Act, action: str, client_id: str) -> None:
    entry = audit.AuditEntry(
        principal=act.by, action=action, object_kind="api_client", object_id=client_id, reason=act.reason
    )
    audit.append(cur, entry, now=act.now)
