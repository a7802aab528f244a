"""People and programs of a firm, with the rights that a test is about."""

from uuid import NAMESPACE_DNS, uuid5

from tieout.model.access import Principal, PrincipalKind, Role, Scope, rights_of_roles

NO_ENTITY = None


def person(name: str, *roles: Role, entity: str | None = NO_ENTITY) -> Principal:
    """Somebody with ``roles`` for ``entity`` (None: for the whole firm)."""
    return Principal(
        principal_id=uuid5(NAMESPACE_DNS, name),
        name=name,
        kind=PrincipalKind.PERSON,
        rights=rights_of_roles((role, entity) for role in roles),
    )


def program(name: str, *scopes: Scope) -> Principal:
    """A program with ``scopes`` for the whole firm."""
    return Principal(
        principal_id=uuid5(NAMESPACE_DNS, name), name=name, kind=PrincipalKind.PROGRAM, rights=dict.fromkeys(scopes)
    )


FINANCE = person("fran", Role.FINANCE_OPERATIONS)
CONTROLLER = person("cleo", Role.CONTROLLER)
