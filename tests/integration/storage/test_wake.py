"""Wake-ups arrive with the commit that carries them, at once, and none that matters is lost."""

import asyncio
import statistics
import threading
import time
from contextlib import suppress

import psycopg

from tieout.storage.pool import connect
from tieout.storage.wake import SWEEP_S, Listener, listen, notify, wait_for


def wake(url: str, step: str, *, commit: bool = True) -> None:
    with connect(url) as conn, conn.cursor() as cur:
        notify(cur, step)
        if not commit:
            conn.rollback()


async def test_a_wake_up_arrives_within_milliseconds_of_its_commit(database_url: str) -> None:
    flags = {"inbound": asyncio.Event(), "delivery": asyncio.Event()}
    listening = asyncio.create_task(listen(database_url, flags))
    await asyncio.wait_for(flags["inbound"].wait(), 5)
    delays = []
    with connect(database_url) as conn:
        for _ in range(30):
            flags["inbound"].clear()
            with conn.cursor() as cur:
                notify(cur, "inbound")
            committed_at = time.perf_counter()
            conn.commit()
            await asyncio.wait_for(flags["inbound"].wait(), 5)
            delays.append(time.perf_counter() - committed_at)
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    assert statistics.median(delays) < 0.01


async def test_only_the_named_step_is_woken_and_a_rolled_back_wake_up_wakes_nobody(database_url: str) -> None:
    flags = {"inbound": asyncio.Event(), "delivery": asyncio.Event()}
    listening = asyncio.create_task(listen(database_url, flags))
    await asyncio.wait_for(flags["delivery"].wait(), 5)
    for flag in flags.values():
        flag.clear()
    await asyncio.to_thread(wake, database_url, "inbound", commit=False)
    await asyncio.to_thread(wake, database_url, "delivery")
    await asyncio.wait_for(flags["delivery"].wait(), 5)
    assert not flags["inbound"].is_set()
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


async def test_after_a_lost_connection_every_step_looks_again(database_url: str) -> None:
    flags = {"inbound": asyncio.Event()}
    listening = asyncio.create_task(listen(database_url, flags))
    await asyncio.wait_for(flags["inbound"].wait(), 5)
    flags["inbound"].clear()
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'tieout-listener' and datname = current_database()"
        )
    await asyncio.wait_for(flags["inbound"].wait(), 5)
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


async def test_without_any_wake_up_the_sweep_comes_and_the_flag_is_clear_before_the_step_looks() -> None:
    flag = asyncio.Event()
    started_at = time.monotonic()
    await wait_for(flag, 0.05)
    assert time.monotonic() - started_at >= 0.04
    flag.set()
    await wait_for(flag)
    assert not flag.is_set()


def test_a_wake_up_committed_while_its_predecessor_finishes_is_not_lost(database_url: str) -> None:
    """Each of 200 hand-overs is committed at a moment of its own while the step may be finishing the one before."""
    listener = Listener(database_url, frozenset({"inbound"}))
    with connect(database_url, autocommit=True) as conn:
        conn.execute("create table work (n integer)")
    done_at: list[float] = []
    sent_at: list[float] = []

    def step() -> None:
        with connect(database_url, autocommit=True) as conn:
            while len(done_at) < 200:
                listener.wait(5)
                while taken := conn.execute("delete from work returning n").fetchall():
                    done_at.extend(time.monotonic() for _ in taken)

    runner = threading.Thread(target=step)
    runner.start()
    with connect(database_url) as conn, conn.cursor() as cur:
        for n in range(200):
            cur.execute("insert into work values (%s)", (n,))
            notify(cur, "inbound")
            conn.commit()
            sent_at.append(time.monotonic())
            time.sleep((n % 7) * 0.0003)
    runner.join(30)
    listener.close()
    assert len(done_at) == 200
    assert max(done - sent for done, sent in zip(done_at, sent_at, strict=True)) < SWEEP_S
