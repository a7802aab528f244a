"""The access review: who may do what, where, since when, given by whom, and when it was last used.

One line per grant that holds and scope that it carries, so that a reviewer reads scopes and not role names alone.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Connection

from tieout.governance.access import Grant, Known, grants_of, principals
from tieout.model.access import ROLE_SCOPES, Role, Scope


class ReviewLine(msgspec.Struct, frozen=True, kw_only=True):
    """One scope that somebody holds by one grant. ``entity`` is ``all`` or a code; ``last_used`` empty: never used."""

    principal: str
    kind: str
    email: str
    role: str
    scope: str
    entity: str
    since: str
    until: str
    granted_by: str
    reason: str
    last_used: str
    grant_id: str


def review(conn: Connection[tuple[object, ...]], *, now: datetime) -> list[ReviewLine]:
    """Everything that is granted and holds at ``now``, by principal and scope."""
    used = {
        (UUID(str(principal_id)), str(scope)): last_used_at
        for principal_id, scope, last_used_at in conn.execute(
            "select principal_id, scope, last_used_at from access_use"
        ).fetchall()
    }
    return [
        _line(known, held, scope, used.get((known.principal_id, scope.value)))
        for known in principals(conn)
        if known.disabled_at is None
        for held in grants_of(conn, known.principal_id)
        if held.holds(now)
        for scope in sorted(_scopes(held.right.what))
    ]


def _scopes(what: Role | Scope) -> frozenset[Scope]:
    return ROLE_SCOPES[what] if isinstance(what, Role) else frozenset({what})


def _line(known: Known, held: Grant, scope: Scope, last_used: object) -> ReviewLine:
    what = held.right.what
    return ReviewLine(
        principal=known.name,
        kind=known.kind.value,
        email=known.email or "",
        role=what.value if isinstance(what, Role) else "",
        scope=scope.value,
        entity=held.right.entity or "all",
        since=held.granted_at.isoformat(),
        until=_text(held.right.until),
        granted_by=held.granted_by,
        reason=held.reason,
        last_used=_text(last_used),
        grant_id=str(held.grant_id),
    )


def _text(instant: object) -> str:
    return instant.isoformat() if isinstance(instant, datetime) else ""
