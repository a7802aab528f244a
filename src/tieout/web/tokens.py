"""Access tokens of programs: signed JWTs (RFC 9068) that hold for a quarter of an hour.

Signed with ES256 by a key below the home, encrypted under the master key, that is rotated: the newest signs, the one
before still proves what it signed. A token says only who asks and for which scopes; what he may do is read afresh for
every request.
Neighbours: ``token_endpoint`` issues them, ``guards`` asks ``TokenKeys.read``.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from tieout.errors import ConfigurationError
from tieout.governance.master_key import MasterKeys, Sealed
from tieout.model.access import Scope

TOKEN_LASTS: Final = timedelta(minutes=15)
AUDIENCE: Final = "tieout"
ISSUER: Final = "tieout"
_ALGORITHM: Final = "ES256"
_CURVE: Final = "P-256"
_ACCESS: Final = "at+jwt"
_KEPT: Final = 2
_TOKEN_CHARS_MAX: Final = 4096


class AccessClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token that proved itself says: whose it is and for which scopes it was issued."""

    principal_id: UUID
    scopes: frozenset[Scope]


class _StoredKey(msgspec.Struct, frozen=True, kw_only=True):
    kid: str
    made_at: datetime
    key: dict[str, str | list[str]]


class _SealedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it lies in the file; ``key`` is of a file that was written before keys were encrypted."""

    kid: str
    made_at: datetime
    sealed: Sealed | None = None
    key: dict[str, str | list[str]] | None = None


class TokenKeys:
    """The signing keys of one home; another process may rotate them at any time."""

    def __init__(self, home: Path) -> None:
        self._directory = home / "keys"
        self._master = MasterKeys(home, os.environ)
        self._file = self._directory / "tokens.json"
        self._known: list[_StoredKey] = []
        self._read_at = 0

    def rotate(self, now: datetime) -> str:
        """Sign with a new key from now on; returns its id. Tokens of the one before prove themselves until they end."""
        with self._locked():
            stored = [*self._load(), _new_key(now)][-_KEPT:]
            self._store(stored)
        return stored[-1].kid

    def seal_again(self) -> str:
        """Encrypt the signing keys under the newest master key; returns that key's id."""
        with self._locked():
            if self._file.exists():
                self._store(self._load())
            return self._master.current_id()

    def sign(self, claims: dict[str, Any], *, kind: str, now: datetime, lasts: timedelta) -> str:
        """A token of ``kind`` (its ``typ``) that says ``claims`` until it ends."""
        newest = self._keys(now)[-1]
        seconds = int(now.timestamp())
        told = {
            **claims,
            "iss": ISSUER,
            "iat": seconds,
            "exp": seconds + int(lasts.total_seconds()),
            "jti": secrets.token_urlsafe(16),
        }
        header = {"alg": _ALGORITHM, "kid": newest.kid, "typ": kind}
        return jwt.encode(header, told, ECKey.import_key(newest.key), algorithms=[_ALGORITHM])

    def prove(self, token: str, *, kind: str, audience: str, now: datetime) -> dict[str, Any] | None:
        """What a token of ``kind`` says; None unless a key of ours signed it for ``audience`` and it holds."""
        if len(token) > _TOKEN_CHARS_MAX or not token.isascii():
            return None
        known = KeySet([ECKey.import_key(one.key) for one in self._keys(now)])
        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            found = jwt.decode(token, known, algorithms=[_ALGORITHM])
            registry.validate(found.claims)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            # The library lets pass what a token of an odd form provokes in it; that proves nothing either.
            return None
        if found.header.get("typ") != kind or "kid" not in found.header or found.claims["aud"] != audience:
            return None
        return found.claims

    def issue(self, *, principal_id: UUID, client_id: str, scopes: frozenset[Scope], now: datetime) -> str:
        """An access token."""
        claims = {
            "aud": AUDIENCE,
            "sub": str(principal_id),
            "client_id": client_id,
            "scope": " ".join(sorted(scopes)),
        }
        return self.sign(claims, kind=_ACCESS, now=now, lasts=TOKEN_LASTS)

    def read(self, token: str, *, now: datetime) -> AccessClaims | None:
        """Whose access token this is; None for one that does not prove itself."""
        claims = self.prove(token, kind=_ACCESS, audience=AUDIENCE, now=now)
        if claims is None:
            return None
        try:
            scopes = frozenset(Scope(one) for one in str(claims["scope"]).split())
            return AccessClaims(principal_id=UUID(str(claims["sub"])), scopes=scopes)
        except (KeyError, ValueError):
            return None

    def _keys(self, now: datetime) -> list[_StoredKey]:
        try:
            written_at = self._file.stat().st_mtime_ns
        except FileNotFoundError:
            self._make_first(now)
            written_at = self._file.stat().st_mtime_ns
        if written_at != self._read_at or not self._known:
            with self._locked():
                self._known, self._read_at = self._load(), written_at
        return self._known

    def _make_first(self, now: datetime) -> None:
        with self._locked():
            if not self._file.exists():
                self._store([_new_key(now)])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._directory / "lock").open("a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _load(self) -> list[_StoredKey]:
        if not self._file.exists():
            return []
        return [self._opened(one) for one in msgspec.json.decode(self._file.read_bytes(), type=list[_SealedKey])]

    def _opened(self, one: _SealedKey) -> _StoredKey:
        if one.sealed is None:
            return _StoredKey(kid=one.kid, made_at=one.made_at, key=one.key or {})
        content = self._master.unseal(one.sealed, bound_to=_bound(one.kid))
        if content is None:
            raise ConfigurationError(
                code="TIE-SECRET-002", message="The master key that access tokens' signing keys need is not here."
            )
        return _StoredKey(
            kid=one.kid, made_at=one.made_at, key=msgspec.json.decode(content, type=dict[str, str | list[str]])
        )

    def _store(self, keys: list[_StoredKey]) -> None:
        sealed = [
            _SealedKey(
                kid=one.kid,
                made_at=one.made_at,
                sealed=self._master.seal(msgspec.json.encode(one.key), bound_to=_bound(one.kid)),
            )
            for one in keys
        ]
        fresh = self._file.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(sealed))
        fresh.replace(self._file)


def _bound(kid: str) -> bytes:
    return f"tieout token key\0{kid}".encode()


def _new_key(now: datetime) -> _StoredKey:
    key = ECKey.generate_key(_CURVE, private=True)
    return _StoredKey(kid=key.thumbprint(), made_at=now, key={**key.as_dict(private=True), "kid": key.thumbprint()})
