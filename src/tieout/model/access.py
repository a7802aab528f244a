"""Who may do what, where: scopes, the roles that bundle them, and a principal with its rights by legal entity.

Pure values. ``governance.access`` stores who has which role; the doors ask ``Principal.may`` before every operation,
and row-level security of the database asks again. A right without an entity holds for all of them.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec


class Scope(StrEnum):
    """One kind of operation, ``object:verb``; programs are given scopes, people get them by their roles."""

    DESK_READ = "desk:read"
    DESK_WORK = "desk:work"
    DESK_APPROVE = "desk:approve"
    DELIVERIES_READ = "deliveries:read"
    DELIVERIES_OPERATE = "deliveries:operate"
    TIE_OUT_READ = "tie-out:read"
    MASTERS_READ = "masters:read"
    PROJECTS_READ = "projects:read"
    PROJECTS_APPROVE = "projects:approve"
    PEOPLE_READ = "people:read"
    COSTS_READ = "costs:read"
    MAPPINGS_READ = "mappings:read"
    MAPPINGS_PROPOSE = "mappings:propose"
    MAPPINGS_APPROVE = "mappings:approve"
    SYSTEMS_READ = "systems:read"
    SYSTEMS_OPERATE = "systems:operate"
    TIME_SUBMIT = "time:submit"
    EVENTS_READ = "events:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    CONTRACTS_READ = "contracts:read"
    REPLAY_PROPOSE = "replay:propose"
    REPLAY_APPROVE = "replay:approve"
    AUDIT_READ = "audit:read"
    ACCESS_READ = "access:read"
    ACCESS_GRANT = "access:grant"
    PRIVACY_ERASE = "privacy:erase"


class Role(StrEnum):
    """What a person is in the firm; each bundles scopes (``ROLE_SCOPES``)."""

    ADMINISTRATOR = "administrator"
    INTEGRATION_ENGINEER = "integration_engineer"
    FINANCE_OPERATIONS = "finance_operations"
    CONTROLLER = "controller"
    RESOURCE_MANAGER = "resource_manager"
    AUDITOR = "auditor"
    READER = "reader"


_READ: Final = frozenset(
    {
        Scope.DESK_READ,
        Scope.DELIVERIES_READ,
        Scope.TIE_OUT_READ,
        Scope.MASTERS_READ,
        Scope.PROJECTS_READ,
        Scope.PEOPLE_READ,
        Scope.MAPPINGS_READ,
        Scope.SYSTEMS_READ,
        Scope.CONTRACTS_READ,
        Scope.EVENTS_READ,
    }
)

ROLE_SCOPES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.ADMINISTRATOR: _READ
    | {
        Scope.SYSTEMS_OPERATE,
        Scope.SUBSCRIPTIONS_WRITE,
        Scope.ACCESS_READ,
        Scope.ACCESS_GRANT,
        Scope.AUDIT_READ,
        Scope.PRIVACY_ERASE,
    },
    Role.INTEGRATION_ENGINEER: _READ
    | {
        Scope.DESK_WORK,
        Scope.DELIVERIES_OPERATE,
        Scope.SYSTEMS_OPERATE,
        Scope.SUBSCRIPTIONS_WRITE,
        Scope.MAPPINGS_PROPOSE,
        Scope.REPLAY_PROPOSE,
    },
    Role.FINANCE_OPERATIONS: _READ
    | {Scope.DESK_WORK, Scope.MAPPINGS_PROPOSE, Scope.COSTS_READ, Scope.PROJECTS_APPROVE, Scope.REPLAY_PROPOSE},
    Role.CONTROLLER: _READ
    | {
        Scope.DESK_WORK,
        Scope.DESK_APPROVE,
        Scope.MAPPINGS_PROPOSE,
        Scope.MAPPINGS_APPROVE,
        Scope.PROJECTS_APPROVE,
        Scope.COSTS_READ,
        Scope.REPLAY_PROPOSE,
        Scope.REPLAY_APPROVE,
        Scope.AUDIT_READ,
    },
    Role.RESOURCE_MANAGER: frozenset(
        {Scope.DESK_READ, Scope.DESK_WORK, Scope.PROJECTS_READ, Scope.PEOPLE_READ, Scope.MASTERS_READ}
    ),
    Role.AUDITOR: _READ | {Scope.COSTS_READ, Scope.AUDIT_READ, Scope.ACCESS_READ},
    Role.READER: _READ - {Scope.PEOPLE_READ, Scope.EVENTS_READ},
}
"""Administrators give rights and run the hub; they approve no money. Nobody's role both gives rights and approves."""


class PrincipalKind(StrEnum):
    """Whether somebody signs in, a program calls, or the hub itself acts."""

    PERSON = "person"
    PROGRAM = "program"
    MACHINE = "machine"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who acts. ``rights``: the codes of the legal entities by scope; None: all entities of the firm."""

    principal_id: UUID
    name: str
    kind: PrincipalKind
    rights: Mapping[Scope, frozenset[str] | None]

    def may(self, scope: Scope, entity: str | None = None) -> bool:
        """Whether ``scope`` is held for ``entity``; without one, for any entity at all."""
        if scope not in self.rights:
            return False
        held = self.rights[scope]
        return held is None or (entity is None and bool(held)) or entity in held

    def entities(self, scope: Scope) -> frozenset[str] | None:
        """The entities for which ``scope`` is held; None: all of them, empty: nowhere."""
        return self.rights.get(scope, frozenset())


def rights_of_roles(grants: Iterable[tuple[Role, str | None]]) -> dict[Scope, frozenset[str] | None]:
    """What granted roles amount to; each grant is a role and the code of a legal entity, None for all."""
    rights: dict[Scope, frozenset[str] | None] = {}
    for role, entity in grants:
        for scope in ROLE_SCOPES[role]:
            held = rights.get(scope, frozenset())
            rights[scope] = None if entity is None or held is None else held | {entity}
    return rights
