"""The settings of one mailbox, read and checked once when it is opened."""

import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from tieout.connectors.email.manifest import MANIFEST
from tieout.errors import ConfigurationError

_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+")
_MOST_CHARS: Final = 254


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how mail is handed in."""

    host: str
    port: int
    tls: Literal["starttls", "implicit"]
    sender: str
    username: str
    ca_file: str | None = None


def options_of(settings: Mapping[str, str]) -> Options:
    """The settings with the manifest's defaults; raises ConfigurationError (TIE-EMAIL-001) for what is wrong."""
    defaults = {one.name: one.default for one in MANIFEST.settings if one.default is not None}
    given = {**defaults, **settings}
    host, colon, port = given.get("server", "").rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - ports of TCP
        raise _unusable("server", "it must be HOST:PORT")
    if given["tls"] not in {"starttls", "implicit"}:
        raise _unusable("tls", "it must be starttls or implicit")
    if not is_address(given.get("sender", "")):
        raise _unusable("sender", "it must be an e-mail address")
    return Options(
        host=host.strip("[]"),
        port=int(port),
        tls="implicit" if given["tls"] == "implicit" else "starttls",
        sender=given["sender"],
        username=given.get("username", ""),
        ca_file=given.get("ca_file"),
    )


def is_address(text: str) -> bool:
    """Whether ``text`` is one plain mail address; nothing else goes to a mail server."""
    return len(text) <= _MOST_CHARS and _ADDRESS.fullmatch(text) is not None


def _unusable(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-EMAIL-001", message=f"Setting {name} of e-mail cannot be used: {why}.")
