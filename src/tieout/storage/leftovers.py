"""Finds and ends PostgreSQL processes that a killed hub left behind on a data directory.

After ``kill -9`` of a postmaster its children finish their queries before they notice, and hold the shared memory that
the next server needs. ``embedded`` holds the home's lock when it calls this, so whatever still works on the directory
is a leftover. Only processes whose program is ``postgres`` and whose working directory is this data directory are
touched.
"""

import os
import signal
import time
from pathlib import Path

from tieout.errors import ConfigurationError

_GONE_WITHIN_S = 5.0


def processes_on(data_directory: Path) -> list[int]:
    """Process ids of every PostgreSQL process that works in ``data_directory``; zombies do not count."""
    wanted = os.path.realpath(data_directory)
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            if str(Path(entry.path, "cwd").readlink()) != wanted:
                continue
            program = Path(entry.path, "exe").readlink().name
        except OSError:
            continue  # it ended meanwhile, is a zombie, or belongs to somebody else: none of them is ours
        if program.removesuffix(" (deleted)") == "postgres":
            found.append(int(entry.name))
    return found


def end_leftovers(data_directory: Path) -> int:
    """Kill what still works on ``data_directory`` and remove a ``postmaster.pid`` without a living owner.

    Returns the number of processes ended. Raises ConfigurationError when one of them cannot be ended.
    """
    ended = 0
    deadline = time.monotonic() + _GONE_WITHIN_S
    while left := processes_on(data_directory):
        if time.monotonic() > deadline:
            raise ConfigurationError(
                code="TIE-STORE-003",
                message=f"PostgreSQL processes {left} of a former run on {data_directory} do not end.",
                next_step=f"End the processes {left} (kill -9), then repeat the command.",
            )
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
                ended += 1
            except ProcessLookupError:
                continue
            except PermissionError as error:
                raise ConfigurationError(
                    code="TIE-STORE-004",
                    message=f"PostgreSQL process {pid} on {data_directory} belongs to another user.",
                ) from error
        time.sleep(0.005)
    (data_directory / "postmaster.pid").unlink(missing_ok=True)
    return ended
