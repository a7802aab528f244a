"""One home directory and its database: what every command opens first.

Everything a hub stores lies below the home; the database is the embedded one unless TIEOUT_DATABASE_URL names another.
"""

import fcntl
import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tieout.errors import ConfigurationError
from tieout.runtime.secrets import store_of
from tieout.storage import roles
from tieout.storage.embedded import EmbeddedPostgres, external_url
from tieout.storage.migrate import migrate

DEFAULT_HOME = Path(".tieout")
_OTHERS_FINISH_WITHIN_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.02


@dataclass(frozen=True, kw_only=True)
class Installation:
    """An open home: its directory, the connection string, and the embedded server where this process runs it."""

    home: Path
    url: str
    server: EmbeddedPostgres | None


@contextmanager
def open_installation(home: Path, *, make: bool = False, wait_for_lock_s: float = 0.0) -> Iterator[Installation]:
    """Open ``home``: start or attach to its database and bring the schema up to date.

    Only with ``make`` may the home be new: a misspelt one is not answered from an empty hub. With ``wait_for_lock_s``
    this process insists on running the embedded server itself. Raises ConfigurationError (TIE-STORE-004, 012).
    """
    given = external_url(os.environ)
    if given is not None:
        _make_directory(home)
        migrate(given)
        with store_of(given, home):
            yield Installation(home=home, url=given, server=None)
        return
    if not make and not _has_database(home):
        raise ConfigurationError(code="TIE-STORE-012", message=f"No hub was ever run in {home}.")
    _make_directory(home)
    server = EmbeddedPostgres(home)
    with _users_of(home) as users:
        if not wait_for_lock_s:
            # Before the start: whoever runs the server waits for us before stopping it.
            fcntl.flock(users, fcntl.LOCK_SH)
        server.start(wait_for_lock_s=wait_for_lock_s)
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            migrate(server.url)
            with store_of(server.url, home):
                yield Installation(home=home, url=server.url, server=server)
        finally:
            if server.owned:
                _wait_until_alone(users)
            server.stop()


def door_database(installation: Installation) -> str:
    """The connection string of the doors, with the rights they need and none beyond.

    Raises ConfigurationError: TIE-STORE-014 where doors have no role, TIE-STORE-013 where row-level security would not
    bind it.
    """
    door = roles.door_url(installation.url, home=installation.home, environ=os.environ)
    roles.let_door_in(installation.url, door)
    roles.check_roles(installation.url, door)
    return door


def _has_database(home: Path) -> bool:
    try:
        return (home / "postgres").is_dir()
    except OSError as error:
        raise _unusable(home, error) from error


def _make_directory(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(home, error) from error


def _users_of(home: Path) -> IO[str]:
    try:
        return (home / "users").open("a", encoding="ascii")
    except OSError as error:
        raise _unusable(home, error) from error


def _unusable(home: Path, error: OSError) -> ConfigurationError:
    who = _name_of(os.geteuid())
    return ConfigurationError(
        code="TIE-STORE-004", message=f"The home {home} cannot be used by {who}: {error.strerror} ({error.filename})."
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"


def _wait_until_alone(users: IO[str]) -> None:
    """Let other commands of the home finish on the server that this one runs; those that take long are cut off."""
    deadline = time.monotonic() + _OTHERS_FINISH_WITHIN_S
    while time.monotonic() < deadline:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOOK_AGAIN_S)
        else:
            return
