"""Makes a tie-out whenever one is asked for, and when something has changed since the last one.

The statement takes seconds to minutes of one core: it is made in a process of its own (``python -m
tieout.runtime.tie_out_runner``), which ends with it. Neighbours: ``reconciliation.tie_out_runs`` knows what is due,
``hub`` keeps this beside its workers.
"""

import asyncio
import ctypes
import os
import signal
import sys
from datetime import timedelta
from typing import Final

import structlog

from tieout.errors import ConfigurationError, TransientError
from tieout.model.clock import Clock
from tieout.reconciliation import tie_out_runs
from tieout.runtime.clock import SystemClock
from tieout.runtime.reconcile import current_translators
from tieout.storage.pool import connect

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(minutes=15)
"""How old a tie-out may be when something has changed since."""
BY: Final = "tieout"
_LOOK_S: Final = 1.0
_URL_VARIABLE: Final = "TIEOUT_WORKER_DATABASE"
_PR_SET_PDEATHSIG: Final = 1


async def keep_tied_out(url: str, stopping: asyncio.Event, clock: Clock) -> None:
    """Look every second whether a run is due, and have it made, until ``stopping``."""
    while not await _stopped_within(stopping, _LOOK_S):
        try:
            is_due = await asyncio.to_thread(_is_due, url, clock)
        except TransientError as error:
            log.warning("tie_out.database_lost", error=str(error))
            continue
        if is_due:
            await _make(url, stopping)


def _is_due(url: str, clock: Clock) -> bool:
    with connect(url, application="tieout-tie-out", autocommit=True) as conn:
        return tie_out_runs.is_due(conn, now=clock.now(), every=EVERY)


async def _make(url: str, stopping: asyncio.Event) -> None:
    """One process for one run; a hub that stops does not wait for it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tieout.runtime.tie_out_runner", env={**os.environ, _URL_VARIABLE: url}
    )
    ended = asyncio.create_task(process.wait())
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        if not ended.done():
            process.terminate()
        code = await ended
    if code != 0 and not stopping.is_set():
        log.warning("tie_out.run_failed", code=code)


async def _stopped_within(stopping: asyncio.Event, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), timeout_s)
    except TimeoutError:
        return False
    return True


def main() -> int:
    """Make one run on the database of the environment; the parent's death ends it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with connect(os.environ[_URL_VARIABLE], application="tieout-tie-out", autocommit=True) as conn:
        try:
            translators = current_translators(conn)
        except ConfigurationError:
            return 1
        tie_out_runs.run(conn, translators=translators, requested_by=BY, clock=SystemClock())
    return 0


if __name__ == "__main__":
    sys.exit(main())
