"""Writes a backup: the database as it was in one instant, and the home's keys and firm directory, in one file.

``storage.archive`` is the form of the file, ``storage.dump`` the form of the database in it; ``restore`` reads it back.
A killed backup leaves nothing under the name that was asked for.
"""

import fcntl
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from tieout.errors import ConfigurationError
from tieout.governance import audit
from tieout.model.clock import Clock
from tieout.storage import dump
from tieout.storage.archive import SealedWriter
from tieout.storage.migrate import current_revision

MANIFEST: Final = "manifest.json"
DATABASE: Final = "database.dump"
HOME: Final = "home/"
KEPT: Final = ("keys", "firm", "secrets", "door-database.secret")
"""What of a home goes into a backup, beside its database."""
_BLOCK: Final = 1 << 20


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself; ``parts`` are SHA-256 by name in the archive, ``rows`` by table."""

    product_version: str
    schema_revision: str
    backed_up_at: datetime
    audit_head_seq: int
    audit_head_hash: str
    rows: Mapping[str, int]
    parts: Mapping[str, str]


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A written backup."""

    file: Path
    sha256: str
    size_bytes: int
    manifest: Manifest


def passphrase_of(reference: str | None, environ: Mapping[str, str]) -> str | None:
    """The passphrase that ``env:NAME`` names; raises ConfigurationError (TIE-BACKUP-003) where there is none."""
    if reference is None:
        return None
    kind, _, name = reference.partition(":")
    found = environ.get(name) if kind == "env" else None
    if not found:
        raise ConfigurationError(code="TIE-BACKUP-003", message=f"{reference} names no passphrase; use env:NAME.")
    return found


def write_backup(url: str, home: Path, file: Path, *, passphrase: str | None, clock: Clock) -> Backup:
    """Write everything that a restore needs to ``file``, readable to its owner only.

    Raises ConfigurationError: TIE-BACKUP-004 where ``file`` exists, TIE-BACKUP-001 where the database cannot be read.
    """
    _refuse_existing(file)
    with tempfile.TemporaryFile(dir=file.parent) as dumped, _beside(file) as (target, place):
        with dump.snapshot(url) as (conn, at):
            backed_up_at = clock.now()
            head = audit.head(conn)
            revision = current_revision(conn)
            rows = dump.row_counts(conn)
            dump.dump(url, at=at, into=dumped)
        files = {HOME + str(one.relative_to(home)): one.read_bytes() for one in _kept(home)}
        manifest = Manifest(
            product_version=version("tieout"),
            schema_revision=revision or "",
            backed_up_at=backed_up_at,
            audit_head_seq=head.seq,
            audit_head_hash=head.hash,
            rows=rows,
            parts={
                DATABASE: _digest_of(dumped),
                **{name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
            },
        )
        writer = SealedWriter(target, passphrase)
        stream = cast("IO[bytes]", writer)  # of a stream tarfile asks no more than write
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, MANIFEST, io.BytesIO(msgspec.json.format(msgspec.json.encode(manifest), indent=2)))
            _add(tar, DATABASE, dumped)
            for name, content in files.items():
                _add(tar, name, io.BytesIO(content))
        sha256 = writer.close()
        target.flush()
        os.fsync(target.fileno())
        try:
            os.link(place, file)  # unlike a rename it never replaces what came meanwhile
        except FileExistsError:
            _refuse_existing(file)
    return Backup(file=file, sha256=sha256, size_bytes=file.stat().st_size, manifest=manifest)


@contextmanager
def _beside(file: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """An empty file in the same directory, gone in the end; what a killed backup left there is used again."""
    place = file.with_name(f".{file.name}.part")
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(code="TIE-BACKUP-004", message=f"Another backup to {file} is under way.") from None
        os.fchmod(descriptor, 0o600)
        opened.truncate(0)
        try:
            yield opened, place
        finally:
            place.unlink()


def _kept(home: Path) -> Iterator[Path]:
    for name in KEPT:
        top = home / name
        if top.is_file():
            yield top
        for one in sorted(top.rglob("*")) if top.is_dir() else ():
            if one.is_file() and not one.is_symlink():
                yield one


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.mode = 0o600
    member.size = content.seek(0, os.SEEK_END)
    content.seek(0)
    tar.addfile(member, content)


def _digest_of(content: IO[bytes]) -> str:
    content.seek(0)
    digest = hashlib.sha256()
    while block := content.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _refuse_existing(file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise ConfigurationError(code="TIE-BACKUP-004", message=f"{file} exists already.")
    if not file.parent.is_dir():
        raise ConfigurationError(code="TIE-BACKUP-004", message=f"{file.parent} is no directory.")
