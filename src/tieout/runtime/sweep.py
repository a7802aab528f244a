"""Walks through what a system holds and takes for deleted what it holds no more, where the system tells no deletions.

Only a walk that came to its end and could be read counts, and one that finds too little is put on the desk instead.
Neighbours: ``inbound.swept`` compares, ``inbound.sweep_store`` knows what the hub holds, ``tieout sweep`` calls.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
import structlog
from psycopg import Cursor

from tieout.connect.connector import Connector, connector_for
from tieout.connect.manifest import DeleteVisibility
from tieout.connect.source import Readable, Source, Translator, Unreadable, kind_of
from tieout.connect.throttle import Throttle
from tieout.errors import AccessError, ContractError, TransientError
from tieout.inbound import message_store, sweep_store
from tieout.inbound.swept import SWEPT, Found, ItemKey, compare, is_believed, payload_of
from tieout.model.clock import Clock
from tieout.model.firm import FirmConfig, SystemConfig
from tieout.model.oversight import DeletionSweep
from tieout.runtime.firm.directory import API_CONNECTOR
from tieout.runtime.systems import connection_to, translators
from tieout.storage.pool import Row, connect, in_transaction

log = structlog.get_logger(__name__)

LIMIT_PERCENT: Final = DeletionSweep().limit_percent
"""More of one kind cannot be gone at once unless somebody, or the firm directory, says so."""
CHANNEL: Final = "sweep"
IS_SWEPT: Final = "swept"
SKIPPED: Final = "skipped"


class SweptKind(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep did for one kind of one system. ``outcome``: swept | disbelieved | interrupted | skipped.

    Of a walk that was disbelieved or interrupted, nothing was taken over; ``problem`` says what interrupted it. An
    object is skipped, and ``kind`` is its name, where its connector does not say what kinds it tells.
    """

    system: str
    kind: str
    outcome: str
    known_count: int
    gone_count: int
    returned_count: int
    problem: str | None = None


class Sweeper(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep needs. ``limit_percent`` of one kind may be gone; 100: whatever is not there is gone."""

    url: str
    firm: FirmConfig
    throttle: Throttle
    clock: Clock
    limit_percent: int = LIMIT_PERCENT

    async def sweep(self, system: SystemConfig) -> list[SweptKind]:
        """Sweep every object that the firm reads of ``system`` and whose deletions show as absence only."""
        if system.connector == API_CONNECTOR:
            return []
        connector = connector_for(system.connector, system.settings)
        objects = _objects(system, connector)
        skipped = [_skipped(system.name, name) for name, kinds in objects.items() if not kinds]
        objects = {name: kinds for name, kinds in objects.items() if kinds}
        if connector.open_source is None or not objects:
            return skipped
        source = connector.open_source(connection_to(system, connector, throttle=self.throttle, clock=self.clock))
        try:
            return [*await self.sweep_source(system.name, source, objects), *skipped]
        finally:
            await source.aclose()

    async def sweep_source(
        self, system: str, source: Source, objects: Mapping[str, tuple[str, ...]]
    ) -> list[SweptKind]:
        """Walk ``objects`` (by name, with the kinds that each tells) and take over what is believed."""
        started = self.clock.now()
        translator = translators(self.firm)[system]
        seen: dict[ItemKey, Readable | None] = {}
        broken: dict[str, str] = {}
        for name, kinds in objects.items():
            try:
                seen |= await _walk(source, name, translator)
            except (TransientError, AccessError, ContractError) as error:
                log.warning("sweep.interrupted", system=system, object=name, error=str(error))
                broken |= dict.fromkeys(kinds, error.message)
        kinds_told = sorted({kind for kinds in objects.values() for kind in kinds if kind in sweep_store.KINDS})
        return await asyncio.to_thread(self._settle, system, kinds_told, seen, broken, started)

    def _settle(
        self,
        system: str,
        kinds: list[str],
        seen: Mapping[ItemKey, Readable | None],
        broken: Mapping[str, str],
        started: datetime,
    ) -> list[SweptKind]:
        whole = [kind for kind in kinds if kind not in broken]

        def work(cur: Cursor[Row]) -> list[SweptKind]:
            standing = sweep_store.standing_of(
                cur, system=system, kinds=whole, before=started, translators=translators(self.firm)
            )
            found = [compare(kind, standing, seen) for kind in whole]
            believed = [one for one in found if is_believed(one, limit_percent=self.limit_percent)]
            disbelieved = [one for one in found if one not in believed]
            self._store(cur, system, believed)
            sweep_store.settle_disbelief(
                cur, system=system, judged=whole, disbelieved=disbelieved, now=self.clock.now()
            )
            return [
                *(_swept(system, one, IS_SWEPT) for one in believed),
                *(_swept(system, one, "disbelieved") for one in disbelieved),
            ]

        with connect(self.url, application="tieout-sweep", autocommit=True) as conn:
            results = in_transaction(conn, work)
        return [*results, *(_interrupted(system, kind, why) for kind, why in broken.items() if kind in kinds)]

    def _store(self, cur: Cursor[Row], system: str, believed: list[Found]) -> None:
        count = sum(len(one.gone) + len(one.returned) for one in believed)
        if not count:
            return
        now = self.clock.now()
        message = message_store.NewMessage(
            system=system, object=SWEPT, channel=CHANNEL, payload=payload_of(believed, swept_at=now), item_count=count
        )
        message_store.store(cur, [message], now=now)


async def _walk(source: Source, name: str, translator: Translator) -> dict[ItemKey, Readable | None]:
    """Everything that ``source`` holds of one object; raises ContractError where some of it cannot be told apart."""
    seen: dict[ItemKey, Readable | None] = {}
    async for page in source.read(name, None):
        if page.notices:
            raise ContractError(
                code="TIE-SWEEP-002", message=f"A walk through {name} is not whole: {page.notices[0].message}"
            )
        if page.item_count == 0:
            continue
        for item in translator.translate(name, page.payload):
            if isinstance(item, Unreadable):
                raise ContractError(code="TIE-SWEEP-001", message=f"An item of {name} cannot be read: {item.problem}.")
            seen[kind_of(item), item.source_id] = item
    return seen


def _objects(system: SystemConfig, connector: Connector) -> dict[str, tuple[str, ...]]:
    capabilities = [one for name in system.reads if (one := connector.manifest.read(name)) is not None]
    return {one.object: one.kinds for one in capabilities if one.deletes is DeleteVisibility.ABSENCE}


def _swept(system: str, found: Found, outcome: str) -> SweptKind:
    return SweptKind(
        system=system,
        kind=found.kind,
        outcome=outcome,
        known_count=found.known_count,
        gone_count=len(found.gone),
        returned_count=len(found.returned),
    )


def _skipped(system: str, name: str) -> SweptKind:
    log.warning("sweep.skipped", system=system, object=name)
    return SweptKind(
        system=system,
        kind=name,
        outcome=SKIPPED,
        known_count=0,
        gone_count=0,
        returned_count=0,
        problem="its connector does not say what kinds of records it tells",
    )


def _interrupted(system: str, kind: str, why: str) -> SweptKind:
    return SweptKind(
        system=system, kind=kind, outcome="interrupted", known_count=0, gone_count=0, returned_count=0, problem=why
    )
