"""What the hub does once a day by itself, and what it looks at every ten seconds; the firm directory says when.

A new daily run is a line in ``DAILY`` and its section in ``model.oversight.Schedule``. Neighbours: ``daily`` does what
is done, ``storage.daily_runs`` claims runs and keeps what came of them, ``hub`` hands it to the jobs.
"""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from tieout.errors import TieoutError, TransientError
from tieout.governance import firm_version
from tieout.inbound import refusals_store
from tieout.model.clock import Clock
from tieout.model.firm import FirmConfig
from tieout.runtime import daily
from tieout.storage import daily_runs
from tieout.storage.daily_runs import Due, Run
from tieout.storage.jobs import JobSettings, Operation
from tieout.storage.pool import connect, in_transaction

log = structlog.get_logger(__name__)

DAILY: Final[Mapping[str, daily.Work]] = {
    "deletion_sweep": daily.sweep_for_deletions,
    "data_quality": daily.score_quality,
    "drift_sweep": daily.sweep_for_drift,
    "period_seal": daily.seal_periods,
    "audit_anchor": daily.anchor_audit,
}
"""Each by the name of its section in ``[schedule]``."""
AFTER_READING: Final = frozenset({"data_quality"})
"""What was missed of these is made some minutes after a start: before, nothing has been read again."""
_READING: Final = timedelta(minutes=5)
_APPLICATION: Final = "tieout-schedule"
_STOP_CHECK_S: Final = 0.2


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A daily run as the firm has it: at which time (UTC, or ``off``), when next, and what came of the last."""

    name: str
    at: str
    next_at: datetime | None
    last: Run | None


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """Makes what is due one job each; ``stopping`` ends a run that is under way, which is then made again.

    ``started_at`` is when the hub was started, None where that does not matter; ``home`` has the key of seals.
    """

    url: str
    home: Path
    clock: Clock
    started_at: datetime | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def job_settings(self, steps: tuple[str, ...]) -> JobSettings:
        """What the process that runs jobs needs for the schedule, and to wake ``steps``."""
        operations: dict[str, Operation] = {name: self._operation(name) for name in DAILY}
        return JobSettings(url=self.url, steps=steps, operations=operations, ticks={"schedule": self.tick})

    def tick(self) -> None:
        """Claim what is due, and put on the desk the systems of which too many webhooks were refused today."""
        with connect(self.url, application=_APPLICATION, autocommit=True) as conn:
            firm = firm_version.newest(conn)
            installed_at = firm_version.first_applied_at(conn)
            if firm is None or installed_at is None:
                return
            now = self.clock.now()
            due = [one for one in due_runs(firm, now) if one.due_at >= installed_at and not self._is_early(one, now)]
            claimed = in_transaction(conn, lambda cur: daily_runs.claim(cur, due, now=now))
            again = in_transaction(conn, lambda cur: daily_runs.claim_failed(cur, now=now))
            limit = firm.oversight.webhooks.refused_per_day
            in_transaction(conn, lambda cur: refusals_store.settle(cur, limit=limit, now=now))
        if claimed or again:
            log.info("schedule.claimed", runs=[one.name for one in claimed], again=again)

    def _is_early(self, due: Due, now: datetime) -> bool:
        """Whether a run that was missed waits until the hub has read again what was told meanwhile."""
        started_at = self.started_at
        if started_at is None or due.name not in AFTER_READING:
            return False
        return due.due_at < started_at + _READING and now < started_at + _READING

    def _operation(self, name: str) -> Operation:
        def run(arguments: dict[str, str]) -> None:
            self.run(name, int(arguments["run_id"]))

        return run

    def run(self, name: str, run_id: int) -> None:
        """Do a claimed run and keep what came of it; raises what it failed with, once that is kept."""
        with connect(self.url, application=_APPLICATION, autocommit=True) as conn:
            due_at = in_transaction(conn, lambda cur: daily_runs.begin(cur, run_id, now=self.clock.now()))
            if due_at is None:
                return
            context = daily.DailyContext(
                url=self.url,
                home=self.home,
                firm=firm_version.current(conn),
                clock=self.clock,
                due_at=due_at,
                installed_at=firm_version.first_applied_at(conn) or due_at,
            )
        try:
            done = asyncio.run(self._until_stopped(DAILY[name](context)))
        except Exception as error:
            log.warning("schedule.failed", run=name, error=str(error))
            self._keep_failure(run_id, error.message if isinstance(error, TieoutError) else repr(error))
            raise
        if done is None:
            log.info("schedule.interrupted", run=name)
            raise TransientError(code="TIE-SCHEDULE-001", message=f"The hub stopped while {name} was under way.")
        with connect(self.url, application=_APPLICATION, autocommit=True) as conn:
            in_transaction(
                conn,
                lambda cur: daily_runs.end(cur, run_id, outcome=done.outcome, detail=done.detail, now=self.clock.now()),
            )
        log.info("schedule.done", run=name, outcome=done.outcome, detail=done.detail)

    def _keep_failure(self, run_id: int, detail: str) -> None:
        with connect(self.url, application=_APPLICATION, autocommit=True) as conn:
            in_transaction(conn, lambda cur: daily_runs.fail(cur, run_id, detail=detail, now=self.clock.now()))

    async def _until_stopped(self, work: daily.Doing) -> daily.Done | None:
        """What ``work`` came to; None where the hub was told to stop first."""
        doing = asyncio.ensure_future(work)
        while not doing.done() and not self.stopping.is_set():
            await asyncio.wait({doing}, timeout=_STOP_CHECK_S)
        if doing.done():
            return await doing
        doing.cancel()
        await asyncio.wait({doing})
        return None


def due_runs(firm: FirmConfig, now: datetime) -> list[Due]:
    """The last instant up to ``now`` at which each run of the firm was due."""
    return [
        Due(name=name, due_at=due_at)
        for name, run in firm.oversight.schedule.runs()
        if (due_at := run.due_before(now)) is not None
    ]


def scheduled(firm: FirmConfig, last: list[Run], now: datetime) -> list[Scheduled]:
    """Every daily run of the firm with the ``last`` that was made of it."""
    by_name = {one.name: one for one in last}
    return [
        Scheduled(name=name, at=run.at, next_at=run.due_after(now), last=by_name.get(name))
        for name, run in firm.oversight.schedule.runs()
    ]
