"""Jobs only say *do this now*: deferred with the caller's commit, never lost, given away when a worker is killed."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from subprocess import PIPE
from sys import executable

import pytest

from tieout.storage import jobs_schema
from tieout.storage.jobs import JobSettings, defer, housekeeping, run_jobs
from tieout.storage.migrate import migrate
from tieout.storage.pool import connect
from tieout.storage.wake import Listener

WORKER = """
import asyncio, sys, time
from tieout.storage.jobs import JobSettings, run_jobs
def hang(arguments):
    print("running", flush=True)
    time.sleep(600)
asyncio.run(run_jobs(JobSettings(url=sys.argv[1], steps=(), operations={"export": hang}), asyncio.Event()))
"""


@asynccontextmanager
async def running(settings: JobSettings) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    jobs = asyncio.create_task(run_jobs(settings, stopping))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(jobs, 15)


async def eventually(condition: Callable[[], bool], within_s: float = 10) -> float:
    started_at = time.monotonic()
    while not condition():
        assert time.monotonic() - started_at < within_s
        await asyncio.sleep(0.01)
    return time.monotonic() - started_at


def defer_export(url: str, arguments: dict[str, str], *, commit: bool = True) -> None:
    with connect(url) as conn, conn.cursor() as cur:
        defer(cur, "export", arguments)
        if not commit:
            conn.rollback()


async def test_a_job_runs_when_the_callers_own_transaction_commits(database_url: str) -> None:
    done: list[dict[str, str]] = []
    async with running(JobSettings(url=database_url, steps=(), operations={"export": done.append})):
        with connect(database_url) as conn, conn.cursor() as cur:
            defer(cur, "export", {"period": "2026-03"})
            await asyncio.sleep(0.5)
            assert done == []
            conn.commit()
        await eventually(lambda: bool(done))
        defer_export(database_url, {"period": "rolled back"}, commit=False)
        await asyncio.sleep(0.5)
    assert done == [{"period": "2026-03"}]


async def test_a_job_deferred_while_the_same_operation_runs_is_not_lost(database_url: str) -> None:
    done: list[str] = []
    gate = threading.Event()

    def export(arguments: dict[str, str]) -> None:
        gate.wait(10)
        done.append(arguments["n"])

    async with running(JobSettings(url=database_url, steps=(), operations={"export": export})):
        for n in range(20):
            defer_export(database_url, {"n": str(n)})
        gate.set()
        await eventually(lambda: len(done) == 20)
    assert sorted(done, key=int) == [str(n) for n in range(20)]


async def test_the_job_of_a_killed_worker_is_done_by_another_within_five_seconds(database_url: str) -> None:
    process = await asyncio.create_subprocess_exec(executable, "-c", WORKER, database_url, stdout=PIPE)
    try:
        defer_export(database_url, {})
        assert process.stdout is not None
        assert await process.stdout.readline() == b"running\n"
        done: list[dict[str, str]] = []
        async with running(JobSettings(url=database_url, steps=(), operations={"export": done.append})):
            await asyncio.sleep(1.5)
            assert done == []
            process.kill()
            await process.wait()
            assert await eventually(lambda: bool(done)) < 5
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_schedule_wakes_every_step(database_url: str) -> None:
    listener = Listener(database_url, frozenset({"delivery"}))
    listener.wait()
    async with running(JobSettings(url=database_url, steps=("inbound", "delivery"), operations={})):
        started_at = time.monotonic()
        await asyncio.to_thread(listener.wait, 15)
    listener.close()
    assert time.monotonic() - started_at < 12


def test_an_older_job_schema_is_brought_to_the_packaged_release(database_url: str) -> None:
    with connect(database_url, autocommit=True) as conn:
        assert jobs_schema.installed_version(conn) == jobs_schema.packaged_version()
        conn.execute("update jobs_schema set version = '3.3.0'")
        conn.execute("drop function jobs.procrastinate_fetch_job_v2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs_schema, "_is_after", lambda script, _: script.startswith("03.03.00_01"))
        migrate(database_url)
    with connect(database_url) as conn:
        assert jobs_schema.installed_version(conn) == jobs_schema.packaged_version()
        assert conn.execute("select to_regproc('jobs.procrastinate_fetch_job_v2') is not null").fetchone() == (True,)


@pytest.mark.parametrize(
    ("script", "at", "after"),
    [
        ("03.04.00_01_pre_add.sql", "3.3.0", True),
        ("03.04.00_50_post_add.sql", "3.4.0", False),
        ("03.10.00_01_pre_add.sql", "3.9.1", True),
    ],
)
def test_migrations_of_later_releases_are_applied(script: str, at: str, *, after: bool) -> None:
    assert jobs_schema._is_after(script, at) is after


def test_housekeeping_keeps_the_control_totals_true(database_url: str) -> None:
    with connect(database_url, autocommit=True) as conn:
        conn.execute("create table line (n integer)")
        conn.execute("select seal_table('line')")
        for n in range(5):
            conn.execute("insert into line values (%s)", (n,))
        housekeeping(database_url)
        assert conn.execute("select row_count from control_total where table_name = 'line'").fetchall() == [(5,)]
