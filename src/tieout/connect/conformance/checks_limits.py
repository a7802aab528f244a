"""Checks that a connector stays inside the vendor's limits and keeps its secrets."""

import asyncio
import io
import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Final

from structlog.testing import capture_logs

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.check import Catalogue, always, posts, reads
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.http import Exchange
from tieout.connect.manifest import Limits
from tieout.connect.outcome import Accepted, AlreadyDone
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.errors import TieoutError

CHECKS: Final = Catalogue()
_DONE: Final = (Accepted, AlreadyDone)
_AT_ONCE: Final = 12
_SHORTEST_SECRET: Final = 6
_MOST_RETRIES: Final = 3


@CHECKS.check(reads)
async def every_read_goes_through_the_throttle(bench: Bench) -> None:
    """Every request of a source waits for its place under the account's declared limits."""
    before = bench.site.status().requests
    for name in bench.objects:
        await bench.read(name)
    _expect_throttled(bench, bench.site.status().requests - before)


@CHECKS.check(posts)
async def every_write_goes_through_the_throttle(bench: Bench) -> None:
    """Every request of a sink and its look-ups waits for its place under the account's declared limits."""
    before = bench.site.status().requests
    command = bench.journal()
    await bench.write_one(command)
    await bench.find(command)
    _expect_throttled(bench, bench.site.status().requests - before)


def _expect_throttled(bench: Bench, requests: int) -> None:
    seen = bench.throttle
    expect(seen.acquired >= requests, f"{requests} requests were made and {seen.acquired} places taken")
    expect(seen.accounts_seen <= {"under-test"}, f"places were taken for {seen.accounts_seen}, not for the account")
    for limits in seen.limits_seen:
        expect(_no_looser(limits, bench.manifest.limits), f"{limits} is looser than the manifest's limits")


def _no_looser(given: Limits, declared: Limits) -> bool:
    if declared.concurrency is not None and (given.concurrency is None or given.concurrency > declared.concurrency):
        return False
    return declared.requests_per_window is None or given.requests_per_window is not None


@CHECKS.check(posts)
async def no_more_requests_run_at_once_than_the_vendor_allows(bench: Bench) -> None:
    """Twelve writes and look-ups at once stay within the declared concurrency, and all succeed."""
    declared = bench.manifest.limits.concurrency
    if declared is None:
        raise NotApplicableError("the vendor declares no concurrency limit")
    commands = [bench.journal(amount_minor=8_000 + one) for one in range(_AT_ONCE)]
    bench.site.force(Fault(kind=FaultKind.DELAY, count=1_000, seconds=0.05))
    async with bench.sink() as sink:
        outcomes = await asyncio.gather(*(sink.write([one]) for one in commands))
        await asyncio.gather(
            *(sink.find("post_journal", [one.reference], entity=one.entity) for one in commands),
        )
    seen = bench.site.status().max_concurrency
    expect(seen <= declared, f"{seen} requests ran at once; {declared} are allowed")
    refused = [one for (one,) in outcomes if not isinstance(one, _DONE)]
    expect(not refused, f"{len(refused)} of {_AT_ONCE} writes at once were not recorded: {refused[:1]}")


@CHECKS.check(always)
async def an_expired_token_is_renewed_once(bench: Bench) -> None:
    """When a token expires under many requests, one renews it and all go on; none fails, none renews again."""
    if bench.connector.open_sink is None or bench.manifest.write("post_journal") is None:
        await _expired_under_reads(bench)
        return
    commands = [bench.journal() for _ in range(_AT_ONCE)]
    async with bench.sink() as sink:
        await sink.find("post_journal", [commands[0].reference], entity=commands[0].entity)
        bench.site.expire_tokens()
        before = bench.site.status().token_requests
        outcomes = await asyncio.gather(*(sink.write([one]) for one in commands))
        renewed = bench.site.status().token_requests - before
    refused = [one for (one,) in outcomes if not isinstance(one, _DONE)]
    expect(not refused, f"{len(refused)} of {_AT_ONCE} writes failed over an expired token: {refused[:1]}")
    expect(renewed == 1, f"{_AT_ONCE} requests renewed one expired token {renewed} times")


async def _expired_under_reads(bench: Bench) -> None:
    if not bench.objects:
        raise NotApplicableError("nothing is read by a token that expires")
    name = bench.objects[0]
    async with bench.source() as source:
        _ = [page async for page in source.read(name, None)]
        bench.site.expire_tokens()
        before = bench.site.status().token_requests
        _ = [page async for page in source.read(name, None)]
        renewed = bench.site.status().token_requests - before
    expect(renewed == 1, f"one expired token was renewed {renewed} times")


@CHECKS.check(posts)
async def a_refused_token_is_not_asked_for_again_and_again(bench: Bench) -> None:
    """A write that stays 401 makes few requests: no retry storm against a locked account."""
    bench.site.force(Fault(kind=FaultKind.TOKEN_EXPIRED, on="write", count=1_000))
    before = bench.site.status().writes
    await bench.write_one(bench.journal())
    made = bench.site.status().writes - before
    expect(made <= _MOST_RETRIES, f"one refused write was sent {made} times")


@CHECKS.check(always)
async def secrets_stay_secret(bench: Bench) -> None:
    """No secret is in any log line, tapped exchange, exception, outcome or stored page, in success and in failure."""
    told: list[str] = []
    with _captured_logs() as log, capture_logs() as events:
        if bench.connector.open_source is not None:
            await _read_and_fail(bench, told)
        if any(bench.manifest.write(name) is not None for name in ("post_journal", "send_notice")):
            await _write_and_fail(bench, told)
        told += [log.getvalue(), repr(events)]
    told += [repr(exchange) for exchange in bench.exchanges]
    tapped = bool(bench.exchanges) or not bench.manifest.speaks_http
    expect(tapped, "no exchange was tapped: the connector does not use the hub's HTTP client")
    secrets = {**bench.site.sheet().secrets}
    for name, secret in secrets.items():
        for part in _parts(secret):
            leaks = [text for text in told if part in text]
            expect(not leaks, f"secret {name!r} is told in the open, in {_around(leaks, part)}")
    expect(not _credentials(bench.exchanges), "a header with credentials is tapped as it is")


async def _read_and_fail(bench: Bench, told: list[str]) -> None:
    name = bench.objects[0]
    told += [page.payload.decode("utf-8", "replace") + page.next_cursor for page in await bench.read(name)]
    for kind in (FaultKind.TOKEN_EXPIRED, FaultKind.DROP, FaultKind.HTTP_500, FaultKind.HTML_PAGE):
        if kind not in bench.site.supported_faults:
            continue
        bench.site.force(Fault(kind=kind, count=1_000))
        try:
            await bench.read(name)
        except TieoutError as error:
            told += traceback.format_exception(error)
        bench.site.calm()
    try:
        async with bench.source(secrets=bench.wrong_secrets()) as source:
            _ = [page async for page in source.read(name, None)]
    except TieoutError as error:
        told += traceback.format_exception(error)
        told += [one for secret in bench.wrong_secrets().values() for one in _parts(secret) if one in str(error)]


async def _write_and_fail(bench: Bench, told: list[str]) -> None:
    for kind in (None, FaultKind.TOKEN_EXPIRED, FaultKind.DROP, FaultKind.HTTP_500):
        if kind is not None:
            if kind not in bench.site.supported_faults:
                continue
            bench.site.force(Fault(kind=kind, count=1_000))
        try:
            told.append(repr(await bench.write_one(bench.plain())))
        except TieoutError as error:
            told += traceback.format_exception(error)
        bench.site.calm()


def _parts(secret: str) -> list[str]:
    """The secret, or, where it has lines, those long enough to be told from other text."""
    lines = [line for line in secret.splitlines() if "-----" not in line and len(line) >= _SHORTEST_SECRET]
    return lines if "\n" in secret else [one for one in (secret,) if len(one) >= _SHORTEST_SECRET]


def _around(leaks: Sequence[str], part: str) -> str:
    if not leaks:
        return ""
    at = leaks[0].index(part)
    return repr(leaks[0][max(0, at - 60) : at])


def _credentials(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return [
        one
        for one in exchanges
        if any(
            name.lower() in {"authorization", "cookie"} and value != "[hidden]"
            for name, value in one.request_headers.items()
        )
    ]


@contextmanager
def _captured_logs() -> Iterator[io.StringIO]:
    """Everything that is printed or said by any logger, at its most talkative."""
    captured = io.StringIO()
    handler = logging.StreamHandler(captured)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(captured), redirect_stderr(captured):
            yield captured
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
