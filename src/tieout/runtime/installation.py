"""One home directory and its database: what every command opens first.

Everything a hub stores lies below the home; the database is the embedded one unless TIEOUT_DATABASE_URL names another.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tieout.storage.embedded import EmbeddedPostgres, external_url
from tieout.storage.migrate import migrate

DEFAULT_HOME = Path(".tieout")


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
    server.start(wait_for_lock_s=wait_for_lock_s)
    try:
        migrate(server.url)
        yield Installation(home=home, url=server.url, server=server)
    finally:
        server.stop()
