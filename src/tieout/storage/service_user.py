"""Which operating-system user the embedded PostgreSQL runs as, and what it needs to reach its files.

PostgreSQL refuses to run as root, and ``initdb`` refuses a user id without an entry in the user database. Started by
root, the server therefore runs as ``postgres`` or ``nobody``; below a directory that this user cannot enter (a home of
mode 0700) it keeps one capability, to search directories. ``embedded`` uses this and says so in its log.
"""

import os
import pwd
import stat
from pathlib import Path
from typing import Final, NamedTuple

from tieout.errors import ConfigurationError

CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2
_CANDIDATES: Final = ("postgres", "nobody")


class ServiceUser(NamedTuple):
    """The user that owns the data directory. ``switch`` is True where we are root and must become that user."""

    name: str
    uid: int
    gid: int
    switch: bool


def choose_service_user(data_directory: Path) -> ServiceUser:
    """The owner of an existing data directory; for a new one ourselves, or an unprivileged user when we are root.

    Raises ConfigurationError where nobody suitable exists.
    """
    if os.geteuid() != 0:
        return _ourselves()
    names: tuple[str, ...] = _CANDIDATES
    if data_directory.is_dir() and (owner := data_directory.stat().st_uid) != 0:
        names = (_name_of(owner), *_CANDIDATES)
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return ServiceUser(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
    raise ConfigurationError(
        code="TIE-STORE-004",
        message="Started as root, and neither a user `postgres` nor `nobody` exists for the embedded PostgreSQL.",
        next_step="Run Tieout as an ordinary user, or set TIEOUT_DATABASE_URL to a PostgreSQL 18 of your own.",
    )


def _ourselves() -> ServiceUser:
    uid = os.geteuid()
    return ServiceUser(_name_of(uid), uid, os.getegid(), switch=False)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError as error:
        raise ConfigurationError(
            code="TIE-STORE-004",
            message=f"User id {uid} has no entry in the user database (/etc/passwd); PostgreSQL needs a name for it.",
            next_step="Run Tieout as a user with an entry, or set TIEOUT_DATABASE_URL to a PostgreSQL 18 of your own.",
        ) from error


def capability_to_reach(user: ServiceUser, paths: tuple[Path, ...]) -> int | None:
    """The capability that ``user`` must keep to enter all ``paths``; None where the plain permissions suffice.

    Raises ConfigurationError where one is needed and we do not hold it ourselves.
    """
    if not user.switch:
        return None
    closed = next((one for path in paths for one in (path, *path.parents) if not _may_enter(user, one)), None)
    if closed is None:
        return None
    held = _permitted_capabilities()
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if held >> capability & 1:
            return capability
    raise ConfigurationError(
        code="TIE-STORE-004",
        message=f"The embedded PostgreSQL runs as {user.name}, who cannot enter {closed}.",
        next_step="Choose a --home (and an installation) that this user can reach, for example below /var/lib.",
    )


def _may_enter(user: ServiceUser, path: Path) -> bool:
    status = path.stat()
    if not stat.S_ISDIR(status.st_mode):
        return True
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _permitted_capabilities() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0
