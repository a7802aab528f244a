"""A folder tree that files are exchanged through: a local one, or one behind SFTP. All that happens to files is here.

A file is made under a temporary name, forced to disk where we can, and given its final name only if nothing has that
name yet: whoever reads sees a whole file or none, and one name is one content for ever. Errors are
TransientError (TIE-FILES-006), AccessError (TIE-FILES-007) and, where it is unknown whether a file got its name,
UnknownOutcomeError (TIE-FILES-008).
"""

import asyncio
import os
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

import msgspec

from tieout.errors import AccessError, TransientError

PARTIAL: Final = ".tieout-part"
"""What a file is called behind its name until it is whole; nobody's pattern may fit it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a folder: its size in bytes, and when it changed last (seconds since 1970)."""

    name: str
    size: int
    changed_s: int


class Exchange(Protocol):
    """Where files lie. Folders are given by their path below the root."""

    async def entries(self, folder: str) -> list[Entry]:
        """The files of a folder, by name; a folder that is not there has none."""
        ...

    async def read(self, folder: str, name: str, *, max_bytes: int) -> bytes | None:
        """The content of a file, None where it is not there; ContractError for a larger one."""
        ...

    async def create(self, folder: str, name: str, content: bytes) -> bool:
        """Make a whole file under a name that is free; False where the name is taken."""
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


class LocalExchange:
    """A folder tree of this machine (or one that it has mounted)."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def entries(self, folder: str) -> list[Entry]:
        """See ``Exchange``."""
        return await asyncio.to_thread(self._entries, folder)

    async def read(self, folder: str, name: str, *, max_bytes: int) -> bytes | None:
        """See ``Exchange``."""
        return await asyncio.to_thread(self._read, folder, name, max_bytes)

    async def create(self, folder: str, name: str, content: bytes) -> bool:
        """See ``Exchange``."""
        return await asyncio.to_thread(self._create, folder, name, content)

    async def aclose(self) -> None:
        """Nothing to release."""

    def _entries(self, folder: str) -> list[Entry]:
        try:
            found = []
            with os.scandir(self._root / folder) as listed:
                for one in listed:
                    if one.is_file(follow_symlinks=False):
                        facts = one.stat(follow_symlinks=False)
                        found.append(Entry(name=one.name, size=facts.st_size, changed_s=int(facts.st_mtime)))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _failed(error, folder) from error
        return sorted(found, key=lambda one: one.name)

    def _read(self, folder: str, name: str, max_bytes: int) -> bytes | None:
        try:
            with (self._root / folder / name).open("rb") as opened:
                content = opened.read(max_bytes + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(error, f"{folder}/{name}") from error
        return content

    def _create(self, folder: str, name: str, content: bytes) -> bool:
        final = self._root / folder / name
        partial = final.with_name(f"{name}.{os.getpid()}-{os.urandom(4).hex()}{PARTIAL}")
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("xb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            try:
                os.link(partial, final)
            except FileExistsError:
                return False
            finally:
                partial.unlink(missing_ok=True)
            _sync_folder(final.parent)
        except OSError as error:
            raise _failed(error, f"{folder}/{name}") from error
        return True


def _sync_folder(folder: Path) -> None:
    """Force the name of a new file to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(error: OSError, path: str) -> AccessError | TransientError:
    words = f"{path}: {error.strerror or type(error).__name__}."
    if isinstance(error, PermissionError):
        return AccessError(code="TIE-FILES-007", message=f"The folder refuses what was asked of it: {words}")
    return TransientError(code="TIE-FILES-006", message=f"The folder cannot be reached: {words}")


def joined(*parts: str) -> str:
    """A path of the other side, by slashes."""
    return str(PurePosixPath(*parts))
