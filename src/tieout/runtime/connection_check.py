"""Tries one configured system before it is relied on: credentials, rights to read and to look up, limits, clock.

Reads one page of every object and looks up a reference that nobody has; it writes nothing. Each probe says what was
tried, what came of it and what to do. ``tieout connect`` prints them.
"""

import dataclasses
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from tieout.connect.connector import Connection, Connector, connector_for
from tieout.connect.http import Exchange
from tieout.connect.manifest import Manifest
from tieout.connect.throttle import Throttle
from tieout.errors import CATALOGUE, TieoutError
from tieout.model.clock import Clock
from tieout.model.firm import SystemConfig
from tieout.runtime.systems import connection_to

CLOCK_SKEW_S: Final = 60.0
"""A system whose clock differs by more orders its changes otherwise than we see them, and may refuse our tokens."""

_UNREACHABLE: Final = "TIE-HTTP-001"
_NOBODY: Final = "TIE-" + "0" * 32
_TOO_MANY: Final = 429


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried. ``code`` and ``next_step`` are given where it failed."""

    name: str
    ok: bool
    words: str
    code: str | None = None
    next_step: str | None = None


async def check_connection(
    system: SystemConfig, *, throttle: Throttle, clock: Clock, entities: Sequence[str]
) -> list[Probe]:
    """Every probe of ``system``, in order, until it proves to be out of reach.

    ``entities`` are the firm's legal entities: look-ups need one.
    """
    connector = connector_for(system.connector, system.settings)
    exchanges: list[Exchange] = []
    try:
        connection = connection_to(system, connector, throttle=throttle, clock=clock)
    except TieoutError as error:
        return [_failed("credentials", error)]
    connection = dataclasses.replace(connection, http=dataclasses.replace(connection.http, wire_tap=exchanges.append))
    probes = [Probe(name="credentials", ok=True, words="Every secret was found.")]
    probes += await _reads(system, connector, connection)
    if probes[-1].code == _UNREACHABLE:
        return probes
    probes += await _look_ups(system, connector, connection, entities)
    probes += _clock(exchanges)
    probes.append(_limits(connector.manifest, exchanges))
    return probes


async def _reads(system: SystemConfig, connector: Connector, connection: Connection) -> list[Probe]:
    if connector.open_source is None:
        return []
    source = connector.open_source(connection)

    def first_page(name: str) -> Callable[[], Awaitable[str]]:
        async def read() -> str:
            async for page in source.read(name, None):
                return "one page" if page.item_count is None else f"a page of {page.item_count} items"
            return "nothing in it"

        return read

    try:
        probes: list[Probe] = []
        for name in system.reads or tuple(one.object for one in connector.manifest.reads):
            probes.append(await _tried(f"read {name}", first_page(name)))
            if probes[-1].code == _UNREACHABLE:
                break
        return probes
    finally:
        await source.aclose()


async def _look_ups(
    system: SystemConfig, connector: Connector, connection: Connection, entities: Sequence[str]
) -> list[Probe]:
    wanted = [*(["post_journal"] if system.posts_for else []), *system.takes]
    if connector.open_sink is None or not wanted:
        return []
    entity = next(iter((*system.posts_for, *entities)), "")
    sink = connector.open_sink(connection)

    def look_up(command: str) -> Callable[[], Awaitable[str]]:
        async def find() -> str:
            await sink.find(command, [_NOBODY], entity=entity)
            capability = connector.manifest.write(command)
            recovery = "" if capability is None else f"; class {capability.idempotency.value}"
            return f"a look-up is answered{recovery}"

        return find

    try:
        return [await _tried(f"look up {command}", look_up(command)) for command in wanted]
    finally:
        await sink.aclose()


async def _tried(name: str, attempt: Callable[[], Awaitable[str]]) -> Probe:
    began = time.monotonic()
    try:
        words = await attempt()
    except TieoutError as error:
        return _failed(name, error)
    return Probe(name=name, ok=True, words=f"{words}, {(time.monotonic() - began) * 1000:.0f} ms")


def _failed(name: str, error: TieoutError) -> Probe:
    next_step = error.next_step or CATALOGUE[error.code].next_step
    return Probe(name=name, ok=False, words=error.message, code=error.code, next_step=next_step)


def _clock(exchanges: Sequence[Exchange]) -> Iterator[Probe]:
    """How far the system's clock is from ours, by the Date headers of its answers (RFC 9110, 6.6.1: whole seconds)."""
    skews = [
        (told - one.at).total_seconds()
        for one in exchanges
        if (told := _date(one.response_headers.get("date"))) is not None
    ]
    if not skews:
        return
    skew_s = min(skews, key=abs)
    ok = abs(skew_s) <= CLOCK_SKEW_S
    yield Probe(
        name="clock",
        ok=ok,
        words="agrees with ours" if abs(skew_s) <= 1 else f"differs from ours by {skew_s:+.0f} s",
        next_step=None if ok else "Set the clock of this machine by a time server; tokens and cursors depend on it.",
    )


def _date(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        told = parsedate_to_datetime(header)
    except ValueError:
        return None
    return told if told.tzinfo is not None else told.replace(tzinfo=UTC)


def _limits(manifest: Manifest, exchanges: Sequence[Exchange]) -> Probe:
    limits = manifest.limits
    known = []
    if limits.requests_per_window is not None:
        known.append(f"{limits.requests_per_window} requests in {limits.window_s:g} s")
    if limits.concurrency is not None:
        known.append(f"{limits.concurrency} at once")
    throttled = sum(1 for one in exchanges if one.status == _TOO_MANY)
    words = f"{len(exchanges)} requests; kept to {' and '.join(known) or 'what the system answers'}"
    if not throttled:
        return Probe(name="limits", ok=True, words=words)
    return Probe(
        name="limits",
        ok=False,
        words=f"{words}; {throttled} were refused as too many",
        next_step="Other integrations use up the account: lower concurrency, or raise the account's limit.",
    )
