"""Schedules and long operations, by procrastinate on the same PostgreSQL; ``runtime`` names the operations.

A job only says *do this now*: it carries no state, and losing or repeating one changes nothing. Steps wake each other
by ``wake``, not by jobs; a schedule wakes all of them too, in case all else failed, and does the housekeeping of
storage.
No locks of procrastinate are used inside business transactions: they lose wake-ups that arrive while a job runs.

A worker that was killed is noticed by its heartbeat; its jobs are given to others within five seconds. Operations run
in threads, so that they do not hold up the heartbeat.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec
import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException
from psycopg import Cursor

from tieout.errors import TransientError
from tieout.storage.control_totals import compact_control_totals
from tieout.storage.pool import Row, connect, conninfo, in_transaction
from tieout.storage.wake import notify

QUEUE: Final = "tieout"
Operation = Callable[[dict[str, str]], None]
"""A long operation: takes the arguments given to ``defer``; must be safe to run again from its start."""
Tick = Callable[[], None]
"""Something short that is done every ten seconds by one of all processes."""

_POLL_S: Final = 0.25
_HEARTBEAT_S: Final = 1.0
_DEAD_AFTER_S: Final = 3.0
_REAP_EVERY_S: Final = 0.5
_RECONNECT_S: Final = 0.5
_FINISH_WITHIN_S: Final = 10.0
_CONCURRENCY: Final = 4
_EVERY_TEN_SECONDS: Final = "* * * * * */10"
_EVERY_MINUTE: Final = "* * * * *"

_log = logging.getLogger(__name__)


class JobSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process that runs jobs needs: the database, the steps to wake, operations and ticks by name."""

    url: str
    steps: tuple[str, ...]
    operations: Mapping[str, Operation]
    ticks: Mapping[str, Tick] = {}


def defer(cur: Cursor[Row], operation: str, arguments: Mapping[str, str]) -> int:
    """Have ``operation`` run once the current transaction commits; returns the job's id.

    A rolled back transaction defers nothing.
    """
    row = cur.execute(
        """
        select (jobs.procrastinate_defer_jobs_v1(array[
            row(%s, %s, 0, null, null, %s::jsonb, null)::jobs.procrastinate_job_to_defer_v1]))[1]
        """,
        (QUEUE, operation, msgspec.json.encode({"arguments": dict(arguments)}).decode()),
    ).fetchone()
    if row is None:
        raise TransientError(code="TIE-STORE-010", message=f"Operation {operation} was not deferred.")
    return int(str(row[0]))


def housekeeping(url: str) -> None:
    """Keep the tables of storage small: add up control totals, forget workers that died long ago."""
    with connect(url, application="tieout-housekeeping") as conn:
        in_transaction(conn, compact_control_totals)
        in_transaction(
            conn, lambda cur: cur.execute("delete from worker where started_at < now() - interval '90 days'")
        )


async def run_jobs(settings: JobSettings, stopping: asyncio.Event) -> None:
    """Run schedules and operations until ``stopping`` is set; survives a restart of the database."""
    while not stopping.is_set():
        try:
            await _run_connected(settings, stopping)
        except (ConnectorException, psycopg.OperationalError) as error:
            _log.warning("jobs pause until the database is back: %s", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _RECONNECT_S)


async def _run_connected(settings: JobSettings, stopping: asyncio.Event) -> None:
    app = _app(settings)
    async with app.open_async():
        running = {
            asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=_CONCURRENCY,
                    fetch_job_polling_interval=_POLL_S,
                    update_heartbeat_interval=_HEARTBEAT_S,
                    stalled_worker_timeout=_DEAD_AFTER_S,
                    shutdown_graceful_timeout=_FINISH_WITHIN_S,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                )
            ),
            asyncio.create_task(_give_away_jobs_of_the_dead(app)),
        }
        ends = {*running, asyncio.create_task(stopping.wait())}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
            outcomes = await asyncio.gather(*running, return_exceptions=True)
            await asyncio.gather(*ends, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome


async def _give_away_jobs_of_the_dead(app: procrastinate.App) -> None:
    while True:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD_AFTER_S):
            if job.id is not None:
                _log.warning("job %s (%s) of a dead worker is given away", job.id, job.task_name)
                await app.job_manager.retry_job(job)
        await asyncio.sleep(_REAP_EVERY_S)


def _app(settings: JobSettings) -> procrastinate.App:
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=conninfo(settings.url, application="tieout-jobs", schema="jobs"),
            min_size=1,
            max_size=4,
        )
    )

    @app.periodic(cron=_EVERY_TEN_SECONDS)
    @app.task(name="sweep", queue=QUEUE)
    def sweep(timestamp: int) -> None:
        del timestamp
        with connect(settings.url, application="tieout-sweep") as conn, conn.cursor() as cur:
            for step in settings.steps:
                notify(cur, step)

    @app.periodic(cron=_EVERY_MINUTE)
    @app.task(name="housekeeping", queue=QUEUE)
    def keep_house(timestamp: int) -> None:
        del timestamp
        housekeeping(settings.url)

    for name, operation in settings.operations.items():
        _register(app, name, operation)
    for name, tick in settings.ticks.items():
        _register_tick(app, name, tick)
    return app


def _register(app: procrastinate.App, name: str, operation: Operation) -> None:
    @app.task(name=name, queue=QUEUE)
    def run(arguments: dict[str, str]) -> None:
        operation(arguments)


def _register_tick(app: procrastinate.App, name: str, tick: Tick) -> None:
    @app.periodic(cron=_EVERY_TEN_SECONDS)
    @app.task(name=name, queue=QUEUE)
    def run(timestamp: int) -> None:
        del timestamp
        tick()
