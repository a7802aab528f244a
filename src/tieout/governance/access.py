"""Who may do what: principals and what is granted to them, for one legal entity or for all, since when and until when.

Nothing is deleted: a grant that ended is still a row, and every change stands in the audit chain, written in the same
transaction. Neighbours: ``model.access`` says what roles mean, ``sign_in`` and ``api_clients`` prove who somebody is,
``access_review`` lists it all, the doors ask ``principal_by_id`` before every request.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor

from tieout.errors import ConfigurationError
from tieout.governance import audit
from tieout.model.access import Principal, PrincipalKind, Role, Scope, rights_of_roles

_APPROVALS: Final = frozenset(
    {Scope.DESK_APPROVE, Scope.PROJECTS_APPROVE, Scope.MAPPINGS_APPROVE, Scope.REPLAY_APPROVE}
)
_FORBIDDEN_IN_A_CODE: Final = frozenset(",*")
_LOCK: Final = 0x71E0_0003


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes something, when and why; ``by`` is a principal's id or the user of the command line."""

    by: str
    now: datetime
    reason: str = ""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A principal as the register has it; ``email`` of persons only."""

    principal_id: UUID
    kind: PrincipalKind
    name: str
    email: str | None
    created_at: datetime
    disabled_at: datetime | None


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """What is granted: the role of a person or the scope of a program; ``entity`` None: for all legal entities."""

    what: Role | Scope
    entity: str | None = None
    until: datetime | None = None


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A right that was given, and by whom; ``revoked_at`` None while nobody took it back."""

    grant_id: UUID
    principal_id: UUID
    right: Right
    granted_by: str
    granted_at: datetime
    reason: str
    revoked_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it counts at ``now``."""
        until = self.right.until
        return self.revoked_at is None and (until is None or now < until)


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit chain is told of a change."""

    before: dict[str, str] | None = None
    after: dict[str, str] | None = None
    entity: str | None = None


class NewGrant(msgspec.Struct, frozen=True, kw_only=True):
    """The number of a grant to be made, when and why."""

    grant_id: UUID
    now: datetime
    reason: str


class _GrantRow(msgspec.Struct, frozen=True, array_like=True):
    grant_id: UUID
    role: Role | None
    scope: str | None
    entity: str | None
    until: datetime | None
    granted_by: str
    granted_at: datetime
    reason: str
    revoked_at: datetime | None


def add_person(cur: Cursor[tuple[object, ...]], *, name: str, email: str, person_id: UUID, act: Act) -> None:
    """Enter a person by the e-mail address that the identity provider will have to prove.

    Raises ConfigurationError (TIE-ACCESS-001) when the address is known already or is none.
    """
    local, _, domain = email.partition("@")
    if not name.strip() or not local or not domain or any(one.isspace() for one in email):
        raise ConfigurationError(code="TIE-ACCESS-001", message=f"{name!r} with {email!r} names no person.")
    cur.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    cur.execute("select 1 from principal where lower(email) = lower(%s)", (email,))
    if cur.fetchone() is not None:
        raise ConfigurationError(code="TIE-ACCESS-001", message=f"{email} is known already.")
    _add(cur, Known(
        principal_id=person_id, kind=PrincipalKind.PERSON, name=name.strip(), email=email, created_at=act.now,
        disabled_at=None,
    ), act)  # fmt: skip


def add_program(cur: Cursor[tuple[object, ...]], *, name: str, program_id: UUID, act: Act) -> None:
    """Enter a program; what it may do is granted scope by scope. Raises ConfigurationError (TIE-ACCESS-001)."""
    if not name.strip():
        raise ConfigurationError(code="TIE-ACCESS-001", message="A program needs a name.")
    _add(cur, Known(
        principal_id=program_id, kind=PrincipalKind.PROGRAM, name=name.strip(), email=None, created_at=act.now,
        disabled_at=None,
    ), act)  # fmt: skip


def grant(cur: Cursor[tuple[object, ...]], *, principal_id: UUID, right: Right, grant_id: UUID, act: Act) -> None:
    """Give ``right``; persons are given roles, programs scopes.

    Raises ConfigurationError: TIE-ACCESS-002 for an unknown principal, TIE-ACCESS-003 where the right does not fit the
    principal or the entity is not known, TIE-ACCESS-004 where somebody would both give rights and approve.
    """
    cur.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    known = _known(cur, principal_id)
    _check_right(cur, known, right)
    held = [one for one in grants_of(cur, principal_id) if one.holds(act.now)]
    _check_duties(known, [*(one.right for one in held), right], act)
    is_role = isinstance(right.what, Role)
    cur.execute(
        """
        insert into role_grant
               (grant_id, principal_id, role, scope, entity, granted_by, granted_at, reason, valid_until)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            grant_id,
            principal_id,
            right.what.value if is_role else None,
            None if is_role else right.what.value,
            right.entity,
            act.by,
            act.now,
            act.reason,
            right.until,
        ),
    )
    _tell(cur, act, "access.granted", grant_id, _Told(after=_described(known, right), entity=right.entity))


def grant_by(cur: Cursor[tuple[object, ...]], granter: Principal, *, to: UUID, right: Right, given: NewGrant) -> None:
    """``grant`` by somebody who signed in, where he may give rights at all; raises TIE-ACCESS-008 elsewhere."""
    _check_reach(granter, right)
    act = Act(by=str(granter.principal_id), now=given.now, reason=given.reason)
    grant(cur, principal_id=to, right=right, grant_id=given.grant_id, act=act)


def revoke_by(
    cur: Cursor[tuple[object, ...]], granter: Principal, *, grant_id: UUID, reason: str, now: datetime
) -> None:
    """``revoke`` by somebody who signed in, where he may give rights at all; raises TIE-ACCESS-008 elsewhere."""
    cur.execute("select principal_id from role_grant where grant_id = %s", (grant_id,))
    row = cur.fetchone()
    if row is not None:
        held = grants_of(cur, UUID(str(row[0])))
        _check_reach(granter, next(one.right for one in held if one.grant_id == grant_id))
    revoke(cur, grant_id=grant_id, act=Act(by=str(granter.principal_id), now=now, reason=reason))


def revoke(cur: Cursor[tuple[object, ...]], *, grant_id: UUID, act: Act) -> None:
    """Take a grant back, from now on. Raises ConfigurationError (TIE-ACCESS-005) where there is none that holds.

    The last administrator of all entities keeps his role (TIE-ACCESS-006): nobody could give rights after him.
    """
    cur.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    cur.execute(
        "select principal_id from role_grant where grant_id = %s and revoked_at is null for update", (grant_id,)
    )
    row = cur.fetchone()
    if row is None:
        raise ConfigurationError(code="TIE-ACCESS-005", message=f"There is no grant {grant_id} that could be revoked.")
    known = _known(cur, UUID(str(row[0])))
    right = next(one.right for one in grants_of(cur, known.principal_id) if one.grant_id == grant_id)
    administrators = _administrators(cur, act.now)
    cur.execute(
        "update role_grant set revoked_by = %s, revoked_at = %s where grant_id = %s", (act.by, act.now, grant_id)
    )
    _keep_an_administrator(cur, administrators, act)
    _tell(cur, act, "access.revoked", grant_id, _Told(before=_described(known, right), entity=right.entity))


def disable(cur: Cursor[tuple[object, ...]], *, principal_id: UUID, act: Act) -> None:
    """Let a principal in no more: sessions, links and secrets end at once. Raises ConfigurationError as ``revoke``."""
    cur.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    known = _known(cur, principal_id)
    if known.disabled_at is not None:
        return
    administrators = _administrators(cur, act.now)
    cur.execute("update principal set disabled_at = %s where principal_id = %s", (act.now, principal_id))
    cur.execute(
        "update web_session set ended_at = %s where principal_id = %s and ended_at is null", (act.now, principal_id)
    )
    cur.execute(
        "update sign_in_link set used_at = %s where principal_id = %s and used_at is null", (act.now, principal_id)
    )
    cur.execute(
        "update api_client set revoked_at = %s where principal_id = %s and revoked_at is null", (act.now, principal_id)
    )
    cur.execute("update api_key set revoked_at = %s where key_id = %s and revoked_at is null", (act.now, principal_id))
    _keep_an_administrator(cur, administrators, act)
    _tell(cur, act, "access.disabled", principal_id, _Told(before={"name": known.name}))


def principal_by_id(conn: Connection[tuple[object, ...]], principal_id: UUID, *, now: datetime) -> Principal | None:
    """The principal with what it may do at ``now``; None where it is not known or was disabled."""
    row = conn.execute(
        "select kind, name from principal where principal_id = %s and disabled_at is null", (principal_id,)
    ).fetchone()
    if row is None:
        return None
    held = [one.right for one in grants_of(conn, principal_id) if one.holds(now)]
    return Principal(
        principal_id=principal_id, kind=PrincipalKind(str(row[0])), name=str(row[1]), rights=rights_of(held)
    )


def rights_of(held: list[Right]) -> dict[Scope, frozenset[str] | None]:
    """What roles and scopes amount to together."""
    rights = rights_of_roles((one.what, one.entity) for one in held if isinstance(one.what, Role))
    for one in held:
        if isinstance(one.what, Scope):
            before = rights.get(one.what, frozenset())
            rights[one.what] = None if one.entity is None or before is None else before | {one.entity}
    return rights


def principals(conn: Connection[tuple[object, ...]]) -> list[Known]:
    """Everybody that was ever entered, by name."""
    rows = conn.execute(
        """
        select principal_id, kind, name, email, created_at, disabled_at from principal
         order by kind, lower(name), principal_id
        """
    ).fetchall()
    return [_as_known(row) for row in rows]


def person_by_email(conn: Connection[tuple[object, ...]], email: str) -> Known | None:
    """The person whom an administrator entered with this address; None where there is none or it was disabled."""
    row = conn.execute(
        """
        select principal_id, kind, name, email, created_at, disabled_at from principal
         where kind = 'person' and lower(email) = lower(%s) and disabled_at is null
        """,
        (email,),
    ).fetchone()
    return None if row is None else _as_known(row)


def has_person(conn: Connection[tuple[object, ...]]) -> bool:
    """Whether anybody was ever entered who could sign in."""
    return conn.execute("select 1 from principal where kind = 'person' limit 1").fetchone() is not None


def grants_of(conn: Connection[tuple[object, ...]] | Cursor[tuple[object, ...]], principal_id: UUID) -> list[Grant]:
    """Every grant of a principal, ended ones too, in the order in which they were given."""
    rows = conn.execute(
        """
        select grant_id, role, scope, entity, valid_until, granted_by, granted_at, reason, revoked_at
          from role_grant where principal_id = %s order by granted_at, grant_id
        """,
        (principal_id,),
    ).fetchall()
    return [_as_grant(principal_id, msgspec.convert(row, _GrantRow)) for row in rows]


def note_use(cur: Cursor[tuple[object, ...]], *, principal_id: UUID, scope: Scope, now: datetime) -> None:
    """Remember that a right was used; the doors call this at most every quarter of an hour for each."""
    cur.execute(
        """
        insert into access_use (principal_id, scope, last_used_at) values (%s, %s, %s)
        on conflict (principal_id, scope) do update set last_used_at = excluded.last_used_at
        """,
        (principal_id, scope.value, now),
    )


def _add(cur: Cursor[tuple[object, ...]], known: Known, act: Act) -> None:
    cur.execute(
        """
        insert into principal (principal_id, kind, name, email, created_at, created_by)
        values (%s, %s, %s, %s, %s, %s)
        """,
        (known.principal_id, known.kind.value, known.name, known.email, act.now, act.by),
    )
    after = {"kind": known.kind.value, "name": known.name}
    email = {"email": known.email} if known.email else {}
    _tell(cur, act, "access.entered", known.principal_id, _Told(after=after | email))


def _known(cur: Cursor[tuple[object, ...]], principal_id: UUID) -> Known:
    cur.execute(
        "select principal_id, kind, name, email, created_at, disabled_at from principal where principal_id = %s",
        (principal_id,),
    )
    row = cur.fetchone()
    if row is None:
        raise ConfigurationError(code="TIE-ACCESS-002", message=f"Nobody is known as {principal_id}.")
    return _as_known(row)


def _as_known(row: tuple[object, ...]) -> Known:
    names = ("principal_id", "kind", "name", "email", "created_at", "disabled_at")
    return msgspec.convert(dict(zip(names, row, strict=True)), Known)


def _as_grant(principal_id: UUID, row: _GrantRow) -> Grant:
    what = Scope(str(row.scope)) if row.role is None else row.role
    return Grant(
        grant_id=row.grant_id,
        principal_id=principal_id,
        right=Right(what=what, entity=row.entity, until=row.until),
        granted_by=row.granted_by,
        granted_at=row.granted_at,
        reason=row.reason,
        revoked_at=row.revoked_at,
    )


def _check_right(cur: Cursor[tuple[object, ...]], known: Known, right: Right) -> None:
    person = known.kind is PrincipalKind.PERSON
    if known.disabled_at is not None:
        raise ConfigurationError(code="TIE-ACCESS-003", message=f"{known.name} was disabled.")
    if person != isinstance(right.what, Role):
        wanted = "roles" if person else "scopes"
        raise ConfigurationError(
            code="TIE-ACCESS-003", message=f"{known.name} is a {known.kind.value} and is given {wanted}."
        )
    if right.entity is None:
        return
    cur.execute("select 1 from golden_record where type = 'legal_entity' and code = %s", (right.entity,))
    if cur.fetchone() is None or _FORBIDDEN_IN_A_CODE & set(right.entity):
        raise ConfigurationError(
            code="TIE-ACCESS-003", message=f"The books have no legal entity {right.entity!r} for which to give rights."
        )


def _check_reach(granter: Principal, right: Right) -> None:
    """Who gives rights for one legal entity gives none for others, nor for all of them."""
    reach = granter.entities(Scope.ACCESS_GRANT)
    if reach is not None and (right.entity is None or right.entity not in reach):
        raise ConfigurationError(
            code="TIE-ACCESS-008",
            message=f"{granter.name} may not give or take rights for {right.entity or 'all legal entities'}.",
        )


def _check_duties(known: Known, rights: list[Right], act: Act) -> None:
    """Nobody gives himself rights, and nobody who gives rights approves anything."""
    if act.by == str(known.principal_id):
        raise ConfigurationError(code="TIE-ACCESS-004", message=f"{known.name} cannot give rights to himself.")
    scopes = rights_of(rights).keys()
    if Scope.ACCESS_GRANT in scopes and scopes & _APPROVALS:
        raise ConfigurationError(
            code="TIE-ACCESS-004", message=f"{known.name} would both give rights and approve what others do."
        )


def _administrators(cur: Cursor[tuple[object, ...]], now: datetime) -> int:
    cur.execute(
        """
        select count(*) from role_grant g join principal p using (principal_id)
         where p.kind = 'person' and p.disabled_at is null and g.role = %s and g.entity is null
           and g.revoked_at is null and (g.valid_until is null or g.valid_until > %s)
        """,
        (Role.ADMINISTRATOR.value, now),
    )
    row = cur.fetchone()
    return 0 if row is None else int(str(row[0]))


def _keep_an_administrator(cur: Cursor[tuple[object, ...]], before: int, act: Act) -> None:
    if before and not _administrators(cur, act.now):
        raise ConfigurationError(
            code="TIE-ACCESS-006",
            message="After that nobody could give rights: no administrator of all entities would be left.",
        )


def _described(known: Known, right: Right) -> dict[str, str]:
    words = {"to": known.name, "right": right.what.value, "entity": right.entity or "all"}
    return words if right.until is None else words | {"until": right.until.isoformat()}


def _tell(cur: Cursor[tuple[object, ...]], act: Act, action: str, object_id: UUID, told: _Told) -> None:
    entry = audit.AuditEntry(
        principal=act.by,
        action=action,
        object_kind="access",
        object_id=str(object_id),
        reason=act.reason,
        entity=told.entity,
        before=told.before,
        after=told.after,
    )
    audit.append(cur, entry, now=act.now)
