"""Secrets by reference: the firm directory says where a secret is, never what it is."""

import os
from pathlib import Path

from tieout.errors import ConfigurationError


def resolve_secret(reference: str, *, system: str, setting: str) -> str:
    """The secret behind ``env:NAME`` or ``file:PATH``; raises ConfigurationError (TIE-SECRET-001) if there is none."""
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
    raise _missing(system, setting, f"{kind}: is not a kind of reference; use env:NAME or file:PATH")


def _missing(system: str, setting: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-SECRET-001", message=f"The secret {setting} of system {system} cannot be read: {why}."
    )
