"""What a hub is told about its own address and its identity provider, by environment variables.

``TIEOUT_PUBLIC_URL``: the address that people type, where something stands before the hub (TLS, a proxy).
``TIEOUT_OIDC_ISSUER``, ``TIEOUT_OIDC_CLIENT_ID``, ``TIEOUT_OIDC_CLIENT_SECRET`` (a reference: ``env:NAME``,
``file:PATH``, ``store:NAME``): sign-on with the firm's identity provider; all three or none.
Neighbours: ``sign_in`` and ``oidc`` use it.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tieout.errors import ConfigurationError
from tieout.runtime.secrets import resolve_secret

PUBLIC_URL: Final = "TIEOUT_PUBLIC_URL"
ISSUER: Final = "TIEOUT_OIDC_ISSUER"
CLIENT_ID: Final = "TIEOUT_OIDC_CLIENT_ID"
CLIENT_SECRET: Final = "TIEOUT_OIDC_CLIENT_SECRET"  # noqa: S105 - the name of a setting
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """The identity provider of the firm and how this hub is known there."""

    issuer: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Provider({self.issuer!r}, {self.client_id!r})"


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The hub as people reach it."""

    public_url: str | None = None
    provider: Provider | None = None

    @property
    def is_https(self) -> bool:
        """Whether people reach it by https, whatever it speaks itself."""
        return self.public_url is not None and urlsplit(self.public_url).scheme == "https"

    @property
    def host(self) -> str | None:
        """Host and port that browsers name, where the firm says so."""
        return None if self.public_url is None else urlsplit(self.public_url).netloc


def site_of(environ: Mapping[str, str]) -> Site:
    """The settings of ``environ``; raises ConfigurationError (TIE-SITE-001, TIE-SECRET-001)."""
    public_url = environ.get(PUBLIC_URL) or None
    if public_url is not None:
        _check_address(PUBLIC_URL, public_url)
    given = {name: environ.get(name) or "" for name in (ISSUER, CLIENT_ID, CLIENT_SECRET)}
    if not any(given.values()):
        return Site(public_url=public_url)
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise ConfigurationError(
            code="TIE-SITE-001", message=f"Sign-on with an identity provider also needs {' and '.join(missing)}."
        )
    _check_address(ISSUER, given[ISSUER])
    provider = Provider(
        issuer=given[ISSUER],
        client_id=given[CLIENT_ID],
        client_secret=resolve_secret(given[CLIENT_SECRET], system="identity provider", setting=CLIENT_SECRET),
    )
    return Site(public_url=public_url, provider=provider)


def is_safe_address(address: str) -> bool:
    """Whether secrets may be sent there: by https, or within this machine."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def _check_address(name: str, address: str) -> None:
    if not is_safe_address(address):
        raise ConfigurationError(
            code="TIE-SITE-001", message=f"{name} must be an https address; it is {address[:80]!r}."
        )
