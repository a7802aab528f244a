"""Reads back from targets what the hub wrote there, and puts on the desk what they hold otherwise, or no longer.

Every target that acknowledged masters is walked through by the way in which its connector reads; a walk that is
interrupted or throttled says so, and what it would have shown is not judged. Neighbours: ``outbound.drift`` compares,
stores and sends again; ``runtime.sweep`` looks for what systems deleted of their own.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from psycopg import Cursor

from tieout.connect.connector import Connector, connector_for
from tieout.connect.manifest import CursorKind
from tieout.connect.sink import ShowsDemand, ShowsHeld
from tieout.connect.source import Source, Translator
from tieout.connect.throttle import Throttle
from tieout.errors import AccessError, ContractError, TransientError
from tieout.governance.ownership import rules_of
from tieout.model.clock import Clock
from tieout.model.firm import FirmConfig, SystemConfig
from tieout.model.reported import RecordType
from tieout.outbound.drift import store
from tieout.outbound.drift.comparison import Acknowledged, Drift, Ground, Register, believed, compare, keys_of
from tieout.outbound.drift.said import RecordKey
from tieout.outbound.drift.shown import Shown
from tieout.outbound.drift.store import Known
from tieout.runtime.firm.directory import API_CONNECTOR
from tieout.runtime.sweep import LIMIT_PERCENT
from tieout.runtime.systems import connection_to, translators
from tieout.storage.pool import Row, connect, in_transaction

log = structlog.get_logger(__name__)

_SEEN_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    RecordType.CONTRACT: (RecordType.CLIENT,),
    RecordType.PROJECT: (RecordType.CLIENT, RecordType.RATE_CARD),
    RecordType.TASK: (RecordType.PROJECT,),
    RecordType.RATE_CARD: (RecordType.RATE_LINE, RecordType.ROLE),
}
"""What is walked through too, for the references of a record."""
COMPARED: Final = "compared"
INTERRUPTED: Final = "interrupted"
DISBELIEVED: Final = "disbelieved"
NOT_SHOWN: Final = "not_shown"
_HELD_BESIDE: Final = (RecordType.PROJECT, RecordType.TASK)
_WALKED: Final = frozenset({CursorKind.FULL, CursorKind.UPDATED_AT})


class ComparedKind(msgspec.Struct, frozen=True, kw_only=True):
    """What a drift sweep did for one type of record at one target.

    ``outcome``: compared | interrupted | disbelieved (so many were missing that none was taken for missing) | not_shown
    (the target does not let such records be read). Of an interrupted walk nothing was judged; ``problem`` says what
    interrupted it. ``waiting_count`` were not compared because something newer is under way or a person decides.
    """

    system: str
    kind: str
    outcome: str
    compared_count: int = 0
    drifted_count: int = 0
    missing_count: int = 0
    waiting_count: int = 0
    problem: str | None = None


async def sweep_for_drift(
    systems: Sequence[SystemConfig],
    *,
    url: str,
    firm: FirmConfig,
    throttle: Throttle,
    clock: Clock,
    limit_percent: int = LIMIT_PERCENT,
) -> list[ComparedKind]:
    """Compare every one of ``systems`` that the hub wrote masters to, one after the other."""
    sweeper = DriftSweeper(url=url, firm=firm, throttle=throttle, clock=clock, limit_percent=limit_percent)
    return [one for system in systems for one in await sweeper.sweep(system)]


class DriftSweeper(msgspec.Struct, frozen=True, kw_only=True):
    """What a drift sweep needs. ``limit_percent`` of one type may be missing; 100: whatever is not there is missing."""

    url: str
    firm: FirmConfig
    throttle: Throttle
    clock: Clock
    limit_percent: int = LIMIT_PERCENT

    async def sweep(self, system: SystemConfig) -> list[ComparedKind]:
        """Compare what ``system`` holds with what it acknowledged; nothing where it was never told anything."""
        if system.connector == API_CONNECTOR:
            return []
        kinds = await asyncio.to_thread(self._told_kinds, system.name)
        if not kinds:
            return []
        connector = connector_for(system.connector, system.settings)
        objects = _objects(connector, kinds)
        translator = translators(self.firm).get(system.name)
        if connector.open_source is None or translator is None or not objects:
            return [ComparedKind(system=system.name, kind=one, outcome=NOT_SHOWN) for one in kinds]
        connection = connection_to(system, connector, throttle=self.throttle, clock=self.clock)
        async with AsyncExitStack() as stack:
            source = connector.open_source(connection)
            stack.push_async_callback(source.aclose)
            sink = None if connector.open_sink is None else connector.open_sink(connection)
            if sink is not None:
                stack.push_async_callback(sink.aclose)
            return await self.compare_source(
                system.name, source, objects, translator, sink=sink, lag_s=connector.manifest.read_your_write_lag_s
            )

    async def compare_source(
        self,
        system: str,
        source: Source,
        objects: Mapping[str, tuple[str, ...]],
        translator: Translator,
        *,
        sink: object = None,
        lag_s: float = 0.0,
    ) -> list[ComparedKind]:
        """Walk ``objects`` (by name, with the kinds that each tells) and judge what was acknowledged before.

        ``sink`` is asked for what it shows beside (``ShowsHeld``, ``ShowsDemand``). ``lag_s`` seconds after a write it
        may be read as it was.
        """
        before = self.clock.now() - timedelta(seconds=lag_s)
        shown, broken = Shown(), dict[str, str]()
        readable = {kind for kinds in objects.values() for kind in kinds}
        for name, kinds in objects.items():
            async with _noting(system, name, kinds, broken):
                await _walk(source, name, kinds, translator, shown)
        if isinstance(sink, ShowsHeld):
            async with _noting(system, "held records", _HELD_BESIDE, broken):
                for kind, records in (await sink.held_records()).items():
                    shown.add_further(records)
                    readable.add(kind)
        if isinstance(sink, ShowsDemand):
            async with _noting(system, "published demand", (RecordType.PROJECT,), broken):
                shown.add_demand(await sink.published_demand())
        shown.finish()
        return await asyncio.to_thread(self._judge, system, shown, readable, broken, before)

    def _told_kinds(self, system: str) -> list[str]:
        with connect(self.url, application="tieout-drift", autocommit=True) as conn:
            words = in_transaction(conn, lambda cur: store.last_words(cur, system))
        known = store.known_of(system, words, before=self.clock.now())
        return sorted(_by_kind(known))

    def _judge(
        self, system: str, shown: Shown, readable: set[str], broken: Mapping[str, str], before: datetime
    ) -> list[ComparedKind]:
        def work(cur: Cursor[Row]) -> list[ComparedKind]:
            known = store.known_of(system, store.last_words(cur, system), before=before)
            golden = store.golden_of(cur, system, known.acknowledged)
            register = Register(rules=rules_of(self.firm), on=before.date())
            ground = Ground(shown=shown, register=register, golden=golden, refs=known.refs)
            results, judged, drifted = list[ComparedKind](), list[RecordKey](), list[Drift]()
            for kind, told in _by_kind(known).items():
                waiting = known.waiting.get(kind, 0)
                if kind in broken or kind not in readable:
                    results.append(_unjudged(system, kind, waiting, broken.get(kind)))
                    continue
                seen = [one for one in told if not shown.is_unreadable(kind, keys_of(one, ground))]
                found = {one.said.place: compare(one, ground) for one in seen}
                result = self._result(system, kind, found, waiting + len(told) - len(seen))
                results.append(result)
                # Of a walk that is not believed, nothing is missing: neither for the desk nor for what is there.
                counts = {at: one for at, one in found.items() if result.outcome == COMPARED or not _is_missing(one)}
                judged += counts
                drifted += [one for one in counts.values() if one is not None]
            store.settle(cur, system, judged, drifted, now=self.clock.now())
            return results

        with connect(self.url, application="tieout-drift", autocommit=True) as conn:
            return in_transaction(conn, work)

    def _result(
        self, system: str, kind: str, found: Mapping[RecordKey, Drift | None], waiting_count: int
    ) -> ComparedKind:
        missing_count = sum(_is_missing(one) for one in found.values())
        is_believed = believed(missing_count, len(found), limit_percent=self.limit_percent)
        return ComparedKind(
            system=system,
            kind=kind,
            outcome=COMPARED if is_believed else DISBELIEVED,
            compared_count=len(found),
            drifted_count=sum(one is not None and not one.is_missing for one in found.values()),
            missing_count=missing_count,
            waiting_count=waiting_count,
            problem=None if is_believed else f"{missing_count} of {len(found)} were not there",
        )


@asynccontextmanager
async def _noting(system: str, what: str, kinds: Sequence[str], broken: dict[str, str]) -> AsyncIterator[None]:
    """Notes in ``broken`` for which kinds and why a target could not be seen; the rest of the sweep goes on."""
    try:
        yield
    except (TransientError, AccessError, ContractError) as error:
        log.warning("drift_sweep.interrupted", system=system, object=what, error=str(error))
        broken |= dict.fromkeys(map(str, kinds), error.message)


async def _walk(source: Source, name: str, kinds: Sequence[str], translator: Translator, shown: Shown) -> None:
    """Everything that the target holds of one object; raises ContractError where some of it cannot be told apart."""
    async for page in source.read(name, None):
        if not shown.add(translator.translate(name, page.payload), kinds):
            raise ContractError(code="TIE-SWEEP-001", message=f"An item of {name} cannot be read.")


def _objects(connector: Connector, kinds: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What is walked to see records of ``kinds`` with what they refer to; feeds of changes show no present state."""
    wanted = {*kinds, *(beside for kind in kinds for beside in _SEEN_WITH.get(kind, ()))}
    reads = [one for one in connector.manifest.reads if one.cursor in _WALKED]
    return {one.object: one.kinds for one in reads if wanted & set(one.kinds)}


def _by_kind(known: Known) -> dict[str, list[Acknowledged]]:
    found: dict[str, list[Acknowledged]] = {kind: [] for kind in sorted(known.waiting)}
    for one in known.acknowledged:
        found.setdefault(one.said.record, []).append(one)
    return dict(sorted(found.items()))


def _is_missing(found: Drift | None) -> bool:
    return found is not None and found.is_missing


def _unjudged(system: str, kind: str, waiting_count: int, problem: str | None) -> ComparedKind:
    outcome = NOT_SHOWN if problem is None else INTERRUPTED
    return ComparedKind(system=system, kind=kind, outcome=outcome, waiting_count=waiting_count, problem=problem)
