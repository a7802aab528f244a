"""Secrets by reference: the firm directory says where a secret is, never what it is.

``store:NAME`` is in the hub's own store, of the installation that this process has open; ``open_installation`` says
which. Neighbours: ``governance.secret_store`` keeps them, ``systems`` hands them to connectors.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tieout.errors import ConfigurationError
from tieout.governance import secret_store
from tieout.governance.master_key import MasterKeys
from tieout.storage.pool import connect

STORE: Final = "store"
_opened: list[tuple[str, Path]] = []
"""Database and home of the installations that this process has open, the one opened last at the end."""


@contextmanager
def store_of(url: str, home: Path) -> Iterator[None]:
    """Within this, ``store:NAME`` means the secrets in the database ``url``, under the master key of ``home``."""
    _opened.append((url, home))
    try:
        yield
    finally:
        _opened.remove((url, home))


def resolve_secret(reference: str, *, system: str, setting: str) -> str:
    """The secret behind ``env:NAME``, ``file:PATH`` or ``store:NAME`` (``store:NAME@VERSION`` for one version).

    Raises ConfigurationError: TIE-SECRET-001 if there is none, 002 and 003 where the store cannot open it.
    """
    kind, _, place = reference.partition(":")
    if kind == "env":
        value = os.environ.get(place)
        if value:
            return value
        raise _missing(system, setting, f"environment variable {place} is not set")
    if kind == "file":
        path = Path(place)
        if path.is_file():
            return path.read_text(encoding="utf-8").strip()
        raise _missing(system, setting, f"there is no file {place}")
    if kind == STORE:
        return _stored(place, system=system, setting=setting)
    raise _missing(system, setting, "it is no reference; use env:NAME, file:PATH or store:NAME")


def stored_name(reference: str) -> str | None:
    """The name in the store that ``reference`` is to, without a version; None for a reference elsewhere."""
    kind, _, place = reference.partition(":")
    return place.partition("@")[0] if kind == STORE else None


def _stored(place: str, *, system: str, setting: str) -> str:
    name, at, version = place.partition("@")
    if at and not (version.isascii() and version.isdigit()):
        raise _missing(system, setting, f"store:{place} names no version; use store:NAME@NUMBER")
    if not _opened:
        raise _missing(system, setting, "no hub is open whose store holds it")
    url, home = _opened[-1]
    with connect(url, application="tieout-secrets", autocommit=True) as conn:
        value = secret_store.read(conn, MasterKeys(home, os.environ), name, int(version) if at else None)
    if value is None:
        raise _missing(system, setting, f"the store holds no {place}; set it with tieout secret set {name}")
    return value


def _missing(system: str, setting: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-SECRET-001", message=f"The secret {setting} of system {system} cannot be read: {why}."
    )
