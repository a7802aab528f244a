"""A connection's settings for writing, as typed values.

Neighbours: ``manifest`` declares them, ``write`` uses them.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from tieout.connectors.kantata.masters import BUDGET_HOURS, CLIENT_CURRENCY, CONTRACT_NUMBER, SERVICE_LINE, TAX_ID
from tieout.errors import ConfigurationError
from tieout.model.project import ProjectState

LEGAL_ENTITIES: Final = "legal_entities"
PROJECT_STATUSES: Final = "project_statuses"
LEFT_OUT: Final = "left_out"
LEFT_OUT_BY_DEFAULT: Final = "currency"
"""A client's currency: in Kantata money is in the currency of a project."""
_CAN_BE_LEFT_OUT: Final = {
    "currency": CLIENT_CURRENCY,
    "tax_id": TAX_ID,
    "service_line": SERVICE_LINE,
    "contract_number": CONTRACT_NUMBER,
    "budget_hours": BUDGET_HOURS,
}
"""By what a command tells, the custom field that holds it."""


class WriteOptions(msgspec.Struct, frozen=True, kw_only=True):
    """``legal_entities`` by code: what the account's custom field says of it; ``statuses`` by state: the status key.

    ``left_out`` are the custom fields that the account may do without: then what they would hold is not kept there.
    """

    legal_entities: Mapping[str, str]
    statuses: Mapping[str, int]
    left_out: frozenset[str]


def write_options(settings: Mapping[str, str]) -> WriteOptions:
    """The settings; raises ConfigurationError (TIE-KANTATA-007) for one that cannot be used."""
    statuses = _pairs(settings, PROJECT_STATUSES)
    for state, key in statuses.items():
        if state not in set(ProjectState) or not key.isdecimal():
            raise _bad(PROJECT_STATUSES, f"has {state}={key}; it is a list of state=key, of states of a project")
    return WriteOptions(
        legal_entities=_pairs(settings, LEGAL_ENTITIES),
        statuses={state: int(key) for state, key in statuses.items()},
        left_out=_left_out(settings),
    )


def _left_out(settings: Mapping[str, str]) -> frozenset[str]:
    words = settings.get(LEFT_OUT, LEFT_OUT_BY_DEFAULT).split(";")
    names = [one.strip() for one in words if one.strip()]
    unknown = [one for one in names if one not in _CAN_BE_LEFT_OUT]
    if unknown:
        raise _bad(LEFT_OUT, f"names {unknown[0]!r}; it is a list of {', '.join(sorted(_CAN_BE_LEFT_OUT))}")
    return frozenset(_CAN_BE_LEFT_OUT[one] for one in names)


def _pairs(settings: Mapping[str, str], name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in settings.get(name, "").split(";"))):
        key, separator, value = (piece.strip() for piece in part.partition("="))
        if not separator or not key or not value or key in found:
            raise _bad(name, f"has {part!r}; it is a list of NAME=VALUE with semicolons between")
        found[key] = value
    return found


def _bad(name: str, problem: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-KANTATA-007", message=f"The setting {name} of Kantata {problem}.")
