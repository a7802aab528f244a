"""The connection's settings as typed values, read once when something is opened.

Neighbours: ``manifest`` declares the settings and their defaults; ``client``, ``read`` and ``write`` use these values.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from tieout.connect.connector import Connection
from tieout.connectors.netsuite.manifest import ASYNC_BATCHES, MANIFEST, SINGLE
from tieout.connectors.netsuite.mapping import SEGMENT_FIELDS
from tieout.connectors.netsuite.masters import KEPT_IN_CUSTOM_FIELDS
from tieout.errors import ConfigurationError
from tieout.model.project import ProjectState

_RECORD_NAME: Final = re.compile(r"customrecord[a-z0-9_]+")
_LINE_FIELD: Final = re.compile(r"(?:cseg|custcol)[a-z0-9_]+")
_PROJECT_FIELD: Final = re.compile(r"custentity[a-z0-9_]+")
_STATES: Final = frozenset(ProjectState)
_DEFAULTS: Final = {setting.name: setting.default for setting in MANIFEST.settings}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One connection's settings; see the manifest for what each means."""

    base_url: str
    client_id: str
    certificate_id: str
    private_key: str
    concurrency: int
    async_batches: bool
    async_deadline_s: float
    read_back: bool
    subsidiaries: Mapping[str, str]
    dimension_fields: Mapping[str, str]
    project_statuses: Mapping[str, str]
    project_fields: Mapping[str, str]
    period_lock_record: str | None


def options_of(connection: Connection) -> Options:
    """The settings of ``connection``; raises ConfigurationError for one that is missing or cannot be."""
    account = _setting(connection, "account_id").lower().replace("_", "-")
    lock_record = _setting(connection, "period_lock_record")
    if lock_record != "none" and not _RECORD_NAME.fullmatch(lock_record):
        raise _bad(connection, "period_lock_record", "is no custom record's id (customrecord_...), nor none")
    fields = _pairs(connection, "dimension_fields")
    if not all(field in SEGMENT_FIELDS or _LINE_FIELD.fullmatch(field) for field in fields.values()):
        raise _bad(connection, "dimension_fields", f"may only name {', '.join(SEGMENT_FIELDS)}, cseg... and custcol...")
    subsidiaries = _pairs(connection, "subsidiaries")
    if not all(key.isdecimal() for key in subsidiaries.values()):
        raise _bad(connection, "subsidiaries", "must name internal ids, which are whole numbers")
    return Options(
        base_url=connection.settings.get("base_url") or f"https://{account}.suitetalk.api.netsuite.com",
        client_id=_setting(connection, "client_id"),
        certificate_id=_setting(connection, "certificate_id"),
        private_key=_secret(connection, "private_key"),
        concurrency=_whole(connection, "concurrency"),
        async_batches=_choice(connection, "journal_writes", (SINGLE, ASYNC_BATCHES)) == ASYNC_BATCHES,
        async_deadline_s=float(_whole(connection, "async_deadline_s")),
        read_back=_choice(connection, "read_back", ("yes", "no")) == "yes",
        subsidiaries=subsidiaries,
        dimension_fields=fields,
        project_statuses=_project_statuses(connection),
        project_fields=_project_fields(connection),
        period_lock_record=None if lock_record == "none" else lock_record,
    )


def _project_statuses(connection: Connection) -> dict[str, str]:
    statuses = _pairs(connection, "project_statuses")
    if not statuses.keys() <= _STATES:
        raise _bad(connection, "project_statuses", f"may only name the states {', '.join(ProjectState)}")
    return statuses


def _project_fields(connection: Connection) -> dict[str, str]:
    fields = _pairs(connection, "project_fields")
    if not fields.keys() <= set(KEPT_IN_CUSTOM_FIELDS) or not all(map(_PROJECT_FIELD.fullmatch, fields.values())):
        names = ", ".join(KEPT_IN_CUSTOM_FIELDS)
        raise _bad(connection, "project_fields", f"may only give the names {names}, each to a field custentity...")
    return fields


def _bad(connection: Connection, name: str, problem: str) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-NETSUITE-003", message=f"The setting {name} of system {connection.system} {problem}."
    )


def _setting(connection: Connection, name: str) -> str:
    value = connection.settings.get(name) or _DEFAULTS.get(name)
    if value is None:
        raise _bad(connection, name, "is missing")
    return value


def _secret(connection: Connection, name: str) -> str:
    value = connection.secrets.get(name)
    if not value:
        raise _bad(connection, name, "is missing; it is a secret")
    return value


def _whole(connection: Connection, name: str) -> int:
    text = _setting(connection, name)
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise _bad(connection, name, f"is {text!r}, which is no whole number above zero")
    return int(text)


def _choice(connection: Connection, name: str, allowed: tuple[str, ...]) -> str:
    text = _setting(connection, name)
    if text not in allowed:
        raise _bad(connection, name, f"is {text!r}; it may be {' or '.join(allowed)}")
    return text


def _pairs(connection: Connection, name: str) -> dict[str, str]:
    text = connection.settings.get(name, _DEFAULTS.get(name) or "")
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        key, separator, value = (piece.strip() for piece in part.partition("="))
        if not separator or not key or not value or key in found:
            raise _bad(connection, name, f"has {part!r}; it is a list of NAME=VALUE")
        found[key] = value
    return found
