"""The limits of an account hold over all processes, and cost little."""

import asyncio
import subprocess
import sys
import time

import psycopg
import pytest

from tieout.connect.manifest import Limits
from tieout.errors import ConfigurationError
from tieout.storage.throttle import SharedThrottle

TWO_AT_ONCE = Limits(concurrency=2)
HOLDER = """
import asyncio, sys
from tieout.connect.manifest import Limits
from tieout.storage.throttle import SharedThrottle
async def main():
    throttle = SharedThrottle(sys.argv[1])
    async with throttle.acquire("erp", Limits(concurrency=2)), throttle.acquire("erp", Limits(concurrency=2)):
        print("held", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


class Peak:
    """Counts how many requests run at once."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.total = 0

    async def request(self, throttle: SharedThrottle, limits: Limits, took_s: float) -> None:
        async with throttle.acquire("erp", limits):
            self.now += 1
            self.total += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(took_s)
            self.now -= 1


async def test_two_processes_together_never_exceed_the_concurrency(database_url: str) -> None:
    one, other = SharedThrottle(database_url), SharedThrottle(database_url)
    peak = Peak()
    requests = [peak.request(throttle, TWO_AT_ONCE, 0.005) for _ in range(20) for throttle in (one, other)]
    await asyncio.wait_for(asyncio.gather(*requests), 20)
    assert (peak.total, peak.most) == (40, 2)
    await one.aclose()
    await other.aclose()


async def test_the_slots_of_a_killed_process_are_free_at_once(database_url: str) -> None:
    throttle = SharedThrottle(database_url)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, database_url, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Peak().request(throttle, TWO_AT_ONCE, 0), 0.3)
    finally:
        process.kill()
        await process.wait()
    await asyncio.wait_for(Peak().request(throttle, TWO_AT_ONCE, 0), 2)
    await throttle.aclose()


async def test_a_slot_asked_for_while_it_is_held_is_free_once_given_back(database_url: str) -> None:
    one, other = SharedThrottle(database_url), SharedThrottle(database_url)
    async with one.acquire("erp", TWO_AT_ONCE):
        async with other.acquire("erp", TWO_AT_ONCE):
            asking = [asyncio.create_task(Peak().request(one, TWO_AT_ONCE, 0)) for _ in range(20)]
            await asyncio.sleep(0.5)
        await asyncio.gather(*asking)
    assert _locks(database_url) == 0
    await one.aclose()
    await other.aclose()


def _locks(database_url: str) -> int:
    with psycopg.connect(database_url) as conn:
        row = conn.execute(
            """
            select count(*) from pg_locks
             where locktype = 'advisory'
               and database = (select oid from pg_database where datname = current_database())
            """
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_cancelled_request_keeps_no_slot(database_url: str) -> None:
    throttle, other = SharedThrottle(database_url), SharedThrottle(database_url)
    peak = Peak()
    for pause_s in (0, 0.0005, 0.001, 0.002, 0.01):
        requests = [asyncio.create_task(peak.request(throttle, TWO_AT_ONCE, 0.02)) for _ in range(6)]
        await asyncio.sleep(pause_s)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
    await asyncio.wait_for(asyncio.gather(*(Peak().request(other, TWO_AT_ONCE, 0.01) for _ in range(4))), 5)
    await throttle.aclose()
    await other.aclose()


async def test_no_window_ever_sees_more_than_its_requests(database_url: str) -> None:
    limits = Limits(requests_per_window=20, window_s=0.5)
    throttles = [SharedThrottle(database_url) for _ in range(2)]
    started: list[float] = []

    async def request(throttle: SharedThrottle) -> None:
        async with throttle.acquire("psa", limits):
            started.append(time.monotonic())

    await asyncio.gather(*(request(throttle) for _ in range(25) for throttle in throttles))
    started.sort()
    # The vendor counts on arrival, we on departure: one request's worth of timer jitter is allowed for.
    assert all(later - earlier > 0.5 - 0.03 for earlier, later in zip(started, started[20:], strict=False))
    assert started[-1] - started[0] < 2.5
    for throttle in throttles:
        await throttle.aclose()


async def test_a_penalty_holds_for_every_process_and_for_those_who_wait_already(database_url: str) -> None:
    one, other = SharedThrottle(database_url), SharedThrottle(database_url)
    limits = Limits(requests_per_window=10, window_s=1.0)
    started: list[float] = []

    async def request(throttle: SharedThrottle) -> None:
        async with throttle.acquire("crm", limits):
            started.append(time.monotonic())

    waiting = [asyncio.create_task(request(one)) for _ in range(4)]
    await asyncio.sleep(0.05)
    before = len(started)
    await other.penalise("crm", 0.6)
    penalised_at = time.monotonic()
    await asyncio.gather(*waiting, request(other))
    assert min(started[before:]) - penalised_at > 0.55
    await one.aclose()
    await other.aclose()


async def test_an_account_without_limits_costs_no_connection(database_url: str) -> None:
    throttle = SharedThrottle(database_url)
    async with throttle.acquire("free", Limits()):
        assert throttle._conn is None


async def test_limits_that_can_never_be_met_are_refused(database_url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SharedThrottle(database_url).acquire("erp", Limits(concurrency=0))
    assert caught.value.code == "TIE-STORE-011"


def _end_throttles(database_url: str) -> None:
    """What a restart of the database does to the connections that hold the slots."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'tieout-throttle' and datname = current_database()"
        )


@pytest.mark.parametrize("slots", [1, 2])
async def test_a_request_that_was_answered_is_no_error_though_its_slot_was_lost(database_url: str, slots: int) -> None:
    throttle = SharedThrottle(database_url)
    limits = Limits(concurrency=slots)
    async with throttle.acquire("erp", limits):
        _end_throttles(database_url)
    await asyncio.wait_for(Peak().request(throttle, limits, 0), 5)
    assert _locks(database_url) == 0
    await throttle.aclose()


async def test_those_who_wait_for_the_only_slot_get_it_after_the_database_was_lost(database_url: str) -> None:
    throttle, limits = SharedThrottle(database_url), Limits(concurrency=1)
    peak = Peak()
    async with throttle.acquire("erp", limits):
        waiting = [asyncio.create_task(peak.request(throttle, limits, 0.01)) for _ in range(5)]
        await asyncio.sleep(0.1)
        _end_throttles(database_url)
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert (peak.total, peak.most) == (5, 1)
    await throttle.aclose()


async def test_a_penalty_that_cannot_be_noted_is_no_error_of_the_request_that_earned_it(database_url: str) -> None:
    throttle = SharedThrottle(database_url)
    await throttle.penalise("erp", 0.01)
    _end_throttles(database_url)
    await throttle.penalise("erp", 0.01)
    await asyncio.wait_for(Peak().request(throttle, Limits(concurrency=1), 0), 5)
    await throttle.aclose()
