"""The connection's settings as typed values, read once when something is opened.

Neighbours: ``manifest`` declares the settings and their defaults; ``client``, ``read`` and ``write`` use these values.
"""

import re
from typing import Final

import msgspec

from tieout.connect.connector import Connection
from tieout.connectors.tryton.manifest import CUSTOMER_CATEGORY
from tieout.errors import ConfigurationError

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
    )


def _bad(connection: Connection, name: str, problem: str) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-TRYTON-001", message=f"The setting {name} of system {connection.system} {problem}."
    )


def _setting(connection: Connection, name: str) -> str:
    value = connection.settings.get(name)
    if not value:
        raise _bad(connection, name, "is missing")
    return value
