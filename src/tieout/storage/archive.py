"""The file of a backup: a tar whose end says the SHA-256 of all before it, encrypted where a passphrase is given.

A reader checks the end before anything else, so that a flipped bit anywhere is refused. Encryption is AES-256-GCM with
a key by scrypt; each chunk is bound to its place and the last one says that it is the last. ``runtime.backup`` knows
what is in it.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tieout.errors import ConfigurationError

_ENCRYPTED: Final = b"TIEOUT-ENCRYPTED-1\n"
_SEAL: Final = b"\nTIEOUT-SHA256 "
_SEAL_BYTES: Final = len(_SEAL) + 64 + 1
_CHUNK_BYTES: Final = 1 << 20
_TAG_BYTES: Final = 16
_SALT_BYTES: Final = 16
_SCRYPT_COST: Final = 1 << 15
_NO_NONCE_TWICE: Final = struct.Struct(">IQ")
_LAST: Final = 1


class Writer(Protocol):
    """What takes the bytes of the tar."""

    def write(self, data: bytes, /) -> int:
        """Take all of ``data``."""
        ...


class SealedWriter:
    """Writes to ``file``, plain or encrypted; ``close`` adds what proves it whole and returns its SHA-256."""

    def __init__(self, file: IO[bytes], passphrase: str | None) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._cipher: AESGCM | None = None
        self._waiting = bytearray()
        self._number = 0
        self._header = b""
        if passphrase is not None:
            salt = os.urandom(_SALT_BYTES)
            self._header = _ENCRYPTED + salt
            self._cipher = AESGCM(_key(passphrase, salt))
            self._put(self._header)

    def write(self, data: bytes, /) -> int:
        """Take all of ``data``."""
        if self._cipher is None:
            self._put(data)
            return len(data)
        self._waiting += data
        while len(self._waiting) > _CHUNK_BYTES:
            self._encrypt(bytes(self._waiting[:_CHUNK_BYTES]), last=0)
            del self._waiting[:_CHUNK_BYTES]
        return len(data)

    def close(self) -> str:
        """Write the end; returns the SHA-256 of what stands before it, in hexadecimal."""
        if self._cipher is not None:
            self._encrypt(bytes(self._waiting), last=_LAST)
        found = self._digest.hexdigest()
        self._file.write(_SEAL + found.encode() + b"\n")
        return found

    def _encrypt(self, chunk: bytes, *, last: int) -> None:
        if self._cipher is not None:
            self._put(self._cipher.encrypt(_NO_NONCE_TWICE.pack(last, self._number), chunk, self._header))
        self._number += 1

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)


class SealedReader:
    """Reads the tar out of ``path``, after it has proven the file whole.

    Raises ConfigurationError: TIE-BACKUP-002 where it is damaged or no backup, TIE-BACKUP-003 where the passphrase is
    missing or wrong.
    """

    def __init__(self, path: Path, passphrase: str | None) -> None:
        self._file = path.open("rb")
        self._waiting = bytearray()
        self._chunks: Iterator[bytes] | None = None
        try:
            self.sha256 = _proven(self._file, path)
            self._begin(path, passphrase)
        except BaseException:
            self._file.close()
            raise

    def _begin(self, path: Path, passphrase: str | None) -> None:
        self._left = path.stat().st_size - _SEAL_BYTES
        start = self._file.read(len(_ENCRYPTED))
        if start != _ENCRYPTED:
            self._file.seek(0)
            return
        if passphrase is None:
            raise ConfigurationError(code="TIE-BACKUP-003", message=f"{path} is encrypted, and no passphrase is given.")
        header = start + self._file.read(_SALT_BYTES)
        self._left -= len(header)
        self._chunks = self._decrypted(AESGCM(_key(passphrase, header[len(_ENCRYPTED) :])), header)

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes of the tar; nothing at its end."""
        if self._chunks is None:
            wanted = self._left if size < 0 else min(size, self._left)
            self._left -= wanted
            return self._file.read(wanted)
        while size < 0 or len(self._waiting) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._waiting += chunk
        taken = bytes(self._waiting) if size < 0 else bytes(self._waiting[:size])
        del self._waiting[: len(taken)]
        return taken

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _decrypted(self, cipher: AESGCM, header: bytes) -> Iterator[bytes]:
        number = 0
        while self._left > 0:
            chunk = self._file.read(min(_CHUNK_BYTES + _TAG_BYTES, self._left))
            self._left -= len(chunk)
            last = 0 if self._left else _LAST
            try:
                yield cipher.decrypt(_NO_NONCE_TWICE.pack(last, number), chunk, header)
            except InvalidTag:
                raise ConfigurationError(
                    code="TIE-BACKUP-003", message="The passphrase does not open this backup."
                ) from None
            number += 1


def _proven(file: IO[bytes], path: Path) -> str:
    size = path.stat().st_size - _SEAL_BYTES
    digest = hashlib.sha256()
    left = size
    while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
        digest.update(chunk)
        left -= len(chunk)
    found = digest.hexdigest()
    if size <= 0 or file.read() != _SEAL + found.encode() + b"\n":
        raise ConfigurationError(code="TIE-BACKUP-002", message=f"{path} is damaged, cut off or no backup of Tieout.")
    file.seek(0)
    return found


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_SCRYPT_COST, r=8, p=1).derive(passphrase.encode())
