"""Reads a backup back into an empty home and an empty database, doubting whatever happened since.

Everything is proven before anything is touched; the database comes back in one transaction, together with the doubts
(``outbound.restored``), so that no half restored hub can ever send. Neighbours: ``backup`` wrote the file, ``restored``
finds out what the ledgers hold.
"""

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

import msgspec
from psycopg import sql

from tieout.errors import ConfigurationError
from tieout.model.clock import Clock
from tieout.outbound.restored import at_restore
from tieout.runtime.backup import DATABASE, HOME, KEPT, MANIFEST, Manifest
from tieout.storage import dump
from tieout.storage.archive import SealedReader
from tieout.storage.embedded import EmbeddedPostgres, external_url
from tieout.storage.migrate import migrate, revisions

_BLOCK: Final = 1 << 20
_MANIFEST_MAX: Final = 10_000_000
_FILE_MAX: Final = 100_000_000
_OLDEST: Final = "0032"
"""The first revision that knows of restorations."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A restored home, and what its backup said of itself."""

    home: Path
    manifest: Manifest
    schema_revision: str


def restore_backup(
    file: Path, home: Path, *, passphrase: str | None, clock: Clock, environ: Mapping[str, str]
) -> Restored:
    """Restore ``file`` into ``home`` and the database that belongs to it, both empty.

    Raises ConfigurationError: TIE-BACKUP-002 for a damaged or foreign file, 003 for the passphrase, 005 where home or
    database hold something, 001 where the database does not take it.
    """
    given = external_url(environ)
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise ConfigurationError(code="TIE-BACKUP-005", message=f"{home} is not empty.")
    if given is not None and not dump.is_empty(given):
        raise ConfigurationError(code="TIE-BACKUP-005", message="The database holds data of a hub already.")
    with tempfile.TemporaryFile() as dumped:
        manifest, files, sha256 = _read(file, passphrase, dumped)
        then = [
            *_counted(manifest),
            *at_restore(archive_sha256=sha256, backed_up_at=manifest.backed_up_at, now=clock.now()),
        ]
        _write_files(home, files)
        with _database(home, given) as url:
            dump.load(url, dumped=dumped, then=then)
            reached = migrate(url)
    return Restored(home=home, manifest=manifest, schema_revision=reached)


def _read(file: Path, passphrase: str | None, dumped: IO[bytes]) -> tuple[Manifest, dict[str, bytes], str]:
    """What the file holds, proven against its manifest; the dump goes into ``dumped``."""
    if not file.is_file():
        raise ConfigurationError(code="TIE-BACKUP-002", message=f"There is no file {file}.")
    reader = SealedReader(file, passphrase)
    try:
        stream = cast("IO[bytes]", reader)  # of a stream tarfile asks no more than read
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            manifest, found, files = _parts(tar, file, dumped)
    except (tarfile.TarError, msgspec.DecodeError) as error:
        raise _foreign(file, str(error)) from error
    finally:
        reader.close()
    if found != dict(manifest.parts):
        raise _foreign(file, "its parts are not what its manifest says")
    if not _OLDEST <= manifest.schema_revision <= revisions()[-1][0]:
        raise _foreign(file, f"its schema revision {manifest.schema_revision} is not known to this Tieout")
    return manifest, files, reader.sha256


def _parts(tar: tarfile.TarFile, file: Path, dumped: IO[bytes]) -> tuple[Manifest, dict[str, str], dict[str, bytes]]:
    """The manifest, the digests of all other parts, and the files of the home by their path."""
    manifest: Manifest | None = None
    found: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for member in tar:
        content = tar.extractfile(member)
        if content is None:
            raise _foreign(file, f"{member.name} is no file")
        if member.name == MANIFEST:
            manifest = msgspec.json.decode(_whole(content, file, _MANIFEST_MAX), type=Manifest)
        elif member.name == DATABASE:
            found[DATABASE] = _copied(content, dumped)
        else:
            files[_checked(member.name, file)] = whole = _whole(content, file, _FILE_MAX)
            found[member.name] = hashlib.sha256(whole).hexdigest()
    if manifest is None:
        raise _foreign(file, "it has no manifest")
    return manifest, found, files


def _checked(name: str, file: Path) -> str:
    """The path below the home that ``name`` means; nothing outside of what a backup keeps."""
    parts = PurePosixPath(name.removeprefix(HOME)).parts
    if not name.startswith(HOME) or not parts or parts[0] not in KEPT or ".." in parts:
        raise _foreign(file, f"it holds {name}")
    return str(PurePosixPath(*parts))


def _whole(content: IO[bytes], file: Path, largest: int) -> bytes:
    found = content.read(largest + 1)
    if len(found) > largest:
        raise _foreign(file, "a part is too large")
    return found


def _copied(content: IO[bytes], into: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := content.read(_BLOCK):
        digest.update(block)
        into.write(block)
    into.flush()
    return digest.hexdigest()


def _counted(manifest: Manifest) -> list[str]:
    """Statements that fail where a table has not as many rows as it had."""
    check = sql.SQL(
        "do $check$ begin if (select count(*) from {table}) <> {count} then "
        "raise exception 'wrong number of rows in %', {name}; end if; end $check$;"
    )
    return [
        check.format(
            table=sql.Identifier(*name.split(".", 1)), count=sql.Literal(count), name=sql.Literal(name)
        ).as_string(None)
        for name, count in manifest.rows.items()
    ]


def _write_files(home: Path, files: Mapping[str, bytes]) -> None:
    home.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        place = home / name
        private = PurePosixPath(name).parts[0] != "firm"
        place.parent.mkdir(mode=0o700 if private else 0o755, parents=True, exist_ok=True)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if private else 0o644)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)


@contextmanager
def _database(home: Path, given: str | None) -> Iterator[str]:
    if given is not None:
        yield given
        return
    with EmbeddedPostgres(home) as server:
        yield server.url


def _foreign(file: Path, why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-BACKUP-002", message=f"{file} cannot be restored: {why}.")
