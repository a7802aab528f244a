"""One home directory and its database: what every command opens first.

Everything a hub stores lies below the home; the database is the embedded one unless TIEOUT_DATABASE_URL names another.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

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
def open_installation(home: Path, *, wait_for_lock_s: float = 0.0) -> Iterator[Installation]:
    """Open ``home``: start or attach to its database and bring the schema up to date.

    With ``wait_for_lock_s`` this process insists on running the embedded server itself.
    """
    home.mkdir(parents=True, exist_ok=True)
    given = external_url(os.environ)
    if given is not None:
        migrate(given)
        yield Installation(home=home, url=given, server=None)
        return
    server = EmbeddedPostgres(home)
    with (home / "users").open("a", encoding="ascii") as users:
        if not wait_for_lock_s:
            # Before the start: whoever runs the server waits for us before stopping it.
            fcntl.flock(users, fcntl.LOCK_SH)
        server.start(wait_for_lock_s=wait_for_lock_s)
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            migrate(server.url)
            yield Installation(home=home, url=server.url, server=server)
        finally:
            if server.owned:
                _wait_until_alone(users)
            server.stop()


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
