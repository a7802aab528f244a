"""The key that all other keys at rest are encrypted with; it is never in the database.

Where ``TIEOUT_MASTER_KEY`` names a place (``env:NAME`` or ``file:PATH``) the firm keeps it there and replaces it
itself; without it the key is ``keys/master.key`` below the home, made at the first use and readable only to its owner.
Either way it is one key a line, in base64, the newest first: new things are sealed with the first, the others still
open what they sealed. Neighbours: ``secret_store`` and ``web.tokens`` seal with it.
"""

import base64
import binascii
import fcntl
import hashlib
import os
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tieout.errors import ConfigurationError

MASTER_KEY: Final = "TIEOUT_MASTER_KEY"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """What was encrypted, nonce first, and which master key opens it."""

    key_id: str
    content: bytes


class MasterKeys:
    """The master keys of one home; another process may add or drop some at any time, so they are read at each use."""

    def __init__(self, home: Path, environ: Mapping[str, str]) -> None:
        self._file = home / "keys" / "master.key"
        self._reference = environ.get(MASTER_KEY) or ""
        self._environ = environ

    @property
    def own(self) -> bool:
        """Whether the key lies in the home, where the hub itself may add one; False: the firm keeps it elsewhere."""
        return not self._reference

    def seal(self, content: bytes, *, bound_to: bytes) -> Sealed:
        """Encrypt under the newest key; it opens only for the same ``bound_to``."""
        key = self._keys(make=True)[0]
        return Sealed(key_id=_id_of(key), content=seal(key, content, bound_to=bound_to))

    def unseal(self, sealed: Sealed, *, bound_to: bytes) -> bytes | None:
        """What was sealed; None where its key is not here any more.

        Raises ConfigurationError (TIE-SECRET-003) for what was altered or belongs elsewhere.
        """
        for key in self._keys(make=False):
            if _id_of(key) == sealed.key_id:
                return unseal(key, sealed.content, bound_to=bound_to)
        return None

    def current_id(self) -> str:
        """The id of the key that seals now."""
        return _id_of(self._keys(make=True)[0])

    def add(self) -> str:
        """Seal with a new key from now on; returns its id. Only where the key is the home's ``own``."""
        with self._locked():
            keys = [secrets.token_bytes(_KEY_BYTES), *self._stored()]
            self._store(keys)
        return _id_of(keys[0])

    def drop_all_but(self, used: Collection[str]) -> int:
        """Destroy keys that are neither the newest nor in ``used``; returns how many."""
        with self._locked():
            keys = self._stored()
            kept = [key for at, key in enumerate(keys) if at == 0 or _id_of(key) in used]
            if len(kept) < len(keys):
                self._store(kept)
        return len(keys) - len(kept)

    def _keys(self, *, make: bool) -> Sequence[bytes]:
        if self._reference:
            return _read_keys(self._referenced(), self._reference)
        if make and not self._file.exists():
            with self._locked():
                if not self._file.exists():
                    self._store([secrets.token_bytes(_KEY_BYTES)])
        return self._stored()

    def _stored(self) -> list[bytes]:
        return _read_keys(self._file.read_text(encoding="ascii"), str(self._file)) if self._file.exists() else []

    def _referenced(self) -> str:
        kind, _, place = self._reference.partition(":")
        found = None
        if kind == "env":
            found = self._environ.get(place)
        elif kind == "file" and Path(place).is_file():
            found = Path(place).read_text(encoding="utf-8")
        if not found:
            raise _unusable(f"{MASTER_KEY} is {self._reference[:80]!r}, where nothing can be read")
        return found

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._file.parent / "master.lock").open("a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _store(self, keys: Sequence[bytes]) -> None:
        """Replace the file in one step; after a crash at any moment it is the old one or the new one."""
        fresh = self._file.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"".join(base64.b64encode(key) + b"\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)
        directory = os.open(self._file.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def seal(key: bytes, content: bytes, *, bound_to: bytes) -> bytes:
    """``content`` by AES-256-GCM under ``key``, its nonce first."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound_to)


def unseal(key: bytes, content: bytes, *, bound_to: bytes) -> bytes:
    """What ``seal`` was given; raises ConfigurationError (TIE-SECRET-003) for what it did not make so."""
    try:
        return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise ConfigurationError(
            code="TIE-SECRET-003", message="What is stored encrypted was altered, or stands under another name."
        ) from error


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"tieout master key\0" + key).hexdigest()[:16]


def _read_keys(text: str, place: str) -> list[bytes]:
    try:
        keys = [base64.b64decode(word, validate=True) for word in text.split()]
    except (binascii.Error, ValueError) as error:
        raise _unusable(f"what {place} holds is not base64") from error
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise _unusable(f"{place} holds something else than keys of {_KEY_BYTES} bytes")
    return keys


def _unusable(why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-SECRET-002", message=f"The master key cannot be used: {why}.")
