"""The applied versions of the firm's configuration: stored whole, numbered, never changed.

``runtime`` reads the firm directory and stores it here; every step reads it from here, so that all processes decide by
one numbered version and every actual can name the version it was made by.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
import psycopg
from psycopg import Cursor
from psycopg.rows import class_row

from tieout.errors import ConfigurationError
from tieout.governance import reference_state
from tieout.model.firm import FirmConfig

_KEPT: Final = 16
_decoded: OrderedDict[tuple[int, str], FirmConfig] = OrderedDict()


def store(cur: Cursor[tuple[object, ...]], config: FirmConfig, *, applied_by: str, now: datetime) -> int:
    """Make ``config`` the version that holds from the commit on; returns its number.

    The newest version stored again, known by ``content_hash``, changes nothing. ``config.version`` is not read: the
    number is given here.
    """
    reference_state.lock(cur)
    cur.execute("select version, content_hash from firm_version order by version desc limit 1")
    newest = cur.fetchone()
    if newest is not None and newest[1] == config.content_hash:
        return int(str(newest[0]))
    version = 1 if newest is None else int(str(newest[0])) + 1
    numbered = msgspec.structs.replace(config, version=version)
    cur.execute(
        "insert into firm_version (version, content_hash, config, applied_at, applied_by) values (%s, %s, %s, %s, %s)",
        (version, config.content_hash, msgspec.json.encode(numbered), now, applied_by),
    )
    ensure_systems(cur, [one.name for one in config.systems])
    reference_state.bump(cur)
    return version


def newest(conn: psycopg.Connection[tuple[object, ...]]) -> FirmConfig | None:
    """The newest version, or None while none was applied."""
    row = conn.execute("select version, content_hash from firm_version order by version desc limit 1").fetchone()
    return None if row is None else _decode(conn, int(str(row[0])), str(row[1]))


def current(conn: psycopg.Connection[tuple[object, ...]]) -> FirmConfig:
    """The newest version; raises ConfigurationError (TIE-FIRM-001) when none was applied yet."""
    row = conn.execute("select version, content_hash from firm_version order by version desc limit 1").fetchone()
    if row is None:
        raise ConfigurationError(
            code="TIE-FIRM-001",
            message="No firm configuration has been applied.",
            next_step="Run `tieout apply` with the firm directory.",
        )
    return _decode(conn, int(str(row[0])), str(row[1]))


def first_applied_at(conn: psycopg.Connection[tuple[object, ...]]) -> datetime | None:
    """When the first version was applied: since then this is a hub of a firm. None while none was."""
    row = conn.execute("select min(applied_at) from firm_version").fetchone()
    return row[0] if row is not None and isinstance(row[0], datetime) else None


def at_version(conn: psycopg.Connection[tuple[object, ...]], version: int) -> FirmConfig:
    """The configuration numbered ``version``; raises ConfigurationError (TIE-FIRM-002) when there is none."""
    row = conn.execute("select content_hash from firm_version where version = %s", (version,)).fetchone()
    if row is None:
        raise ConfigurationError(
            code="TIE-FIRM-002",
            message=f"There is no version {version} of the firm configuration.",
            next_step="Compare the database with its backups: versions are never deleted.",
        )
    return _decode(conn, version, str(row[0]))


class AppliedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One applied version: when, by whom, and the hash of all its files."""

    version: int
    applied_at: datetime
    applied_by: str
    content_hash: str


def history(conn: psycopg.Connection[tuple[object, ...]]) -> list[AppliedVersion]:
    """Every applied version, the newest first."""
    with conn.cursor(row_factory=class_row(AppliedVersion)) as cur:
        cur.execute("select version, applied_at, applied_by, content_hash from firm_version order by version desc")
        return cur.fetchall()


def ensure_systems(cur: Cursor[tuple[object, ...]], names: Iterable[str]) -> None:
    """Give every system of ``names`` its number (``system_name``); known ones keep theirs."""
    cur.execute(
        """
        insert into system_name (name)
        select name from unnest(%s::text[]) as given (name)
         where not exists (select from system_name s where s.name = given.name)
         order by name
        on conflict (name) do nothing
        """,
        (list(names),),
    )


def _decode(conn: psycopg.Connection[tuple[object, ...]], version: int, content_hash: str) -> FirmConfig:
    """Decoding takes milliseconds for thousands of mapping lines, so the last few versions stay in memory."""
    key = (version, content_hash)
    known = _decoded.get(key)
    if known is not None:
        return known
    row = conn.execute("select config from firm_version where version = %s", (version,)).fetchone()
    config = msgspec.json.decode(bytes(row[0]), type=FirmConfig)  # type: ignore[index,arg-type]  # read a moment ago
    _decoded[key] = config
    while len(_decoded) > _KEPT:
        _decoded.popitem(last=False)
    return config
