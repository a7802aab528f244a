"""The connection's settings as typed values, read once when something is opened.

Neighbours: ``manifest`` declares the settings and their defaults; ``client``, ``read`` and ``write`` use these values.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from tieout.connect.connector import Connection
from tieout.connectors.tryton.manifest import (
    CLOSED_TASK_STATUS,
    CUSTOMER_CATEGORY,
    OPEN_TASK_STATUS,
    PROJECT_STATUSES,
)
from tieout.errors import ConfigurationError
from tieout.model.project import ProjectState

_DATABASE: Final = re.compile(r"[A-Za-z0-9_.-]+")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One connection's settings; see the manifest for what each means."""

    base_url: str
    database: str
    user: str
    password: str
    journal: str
    customer_category: str
    rate_base: str | None
    project_statuses: Mapping[str, str]
    open_task_status: str
    closed_task_status: str


def options_of(connection: Connection) -> Options:
    """The settings of ``connection``; raises ConfigurationError for one that is missing or cannot be."""
    database = _setting(connection, "database")
    if not _DATABASE.fullmatch(database):
        raise _bad(connection, "database", f"is {database!r}, which is no name of a database")
    rate_base = connection.settings.get("rate_base") or None
    if rate_base is not None and not _CURRENCY.fullmatch(rate_base):
        raise _bad(connection, "rate_base", f"is {rate_base!r}, which is no currency of ISO 4217")
    password = connection.secrets.get("password")
    if not password:
        raise _bad(connection, "password", "is missing; it is a secret")
    return Options(
        base_url=_setting(connection, "base_url"),
        database=database,
        user=_setting(connection, "user"),
        password=password,
        journal=_setting(connection, "journal"),
        customer_category=connection.settings.get("customer_category") or CUSTOMER_CATEGORY,
        rate_base=rate_base,
        project_statuses=_project_statuses(connection),
        open_task_status=connection.settings.get("open_task_status") or OPEN_TASK_STATUS,
        closed_task_status=connection.settings.get("closed_task_status") or CLOSED_TASK_STATUS,
    )


def _project_statuses(connection: Connection) -> dict[str, str]:
    found: dict[str, str] = {}
    text = connection.settings.get("project_statuses", PROJECT_STATUSES)
    for part in filter(None, (one.strip() for one in text.split(","))):
        state, separator, name = (piece.strip() for piece in part.partition("="))
        if not separator or not name or state in found or state not in set(ProjectState):
            problem = f"has {part!r}; it is a list of STATE=NAME of the states {', '.join(ProjectState)}"
            raise _bad(connection, "project_statuses", problem)
        found[state] = name
    return found


def _bad(connection: Connection, name: str, problem: str) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-TRYTON-001", message=f"The setting {name} of system {connection.system} {problem}."
    )


def _setting(connection: Connection, name: str) -> str:
    value = connection.settings.get(name)
    if not value:
        raise _bad(connection, name, "is missing")
    return value
