"""The daily runs themselves: each does what a command does on demand, and says in a line what came of it.

A system that cannot be reached or is set up wrongly does not keep the others from it. Neighbours: ``schedule`` says
when, ``sweep``, ``drift_sweep``, ``quality``, ``period_seals`` and ``anchoring`` do the work.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import structlog

from tieout.connect.throttle import Throttle
from tieout.errors import AccessError, ConfigurationError, ContractError, TransientError
from tieout.model.clock import Clock
from tieout.model.firm import FirmConfig, SystemConfig
from tieout.records.quality import Score
from tieout.runtime import drift_sweep, quality
from tieout.runtime.anchoring import anchor_head
from tieout.runtime.drift_sweep import COMPARED, DISBELIEVED, INTERRUPTED, ComparedKind
from tieout.runtime.period_seals import Seal, seal_closed
from tieout.runtime.sweep import IS_SWEPT, SKIPPED, Sweeper, SweptKind
from tieout.storage.pool import connect
from tieout.storage.throttle import SharedThrottle

log = structlog.get_logger(__name__)

DONE: Final = "done"
ATTENTION: Final = "attention"
SKIPPED_RUN: Final = "skipped"
_FIRST_DAY: Final = timedelta(days=1)
_T = TypeVar("_T")


class DailyContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a daily run is given: ``due_at`` when it was due, ``installed_at`` when a firm was first applied here.

    ``home`` is the directory of the hub, for keys.
    """

    url: str
    home: Path
    firm: FirmConfig
    clock: Clock
    due_at: datetime
    installed_at: datetime


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to. ``outcome``: done, attention (somebody should look) or skipped; ``detail`` in words."""

    outcome: str
    detail: str


Doing: TypeAlias = Coroutine[Any, Any, Done]
Work: TypeAlias = Callable[[DailyContext], Doing]


async def sweep_for_deletions(context: DailyContext) -> Done:
    """Sweep every system, as ``tieout sweep`` does."""
    limit_percent = context.firm.oversight.schedule.deletion_sweep.limit_percent

    async def sweep(system: SystemConfig, throttle: Throttle) -> list[SweptKind]:
        sweeper = Sweeper(
            url=context.url, firm=context.firm, throttle=throttle, clock=context.clock, limit_percent=limit_percent
        )
        return await sweeper.sweep(system)

    done, troubles = await _each_system(context, sweep)
    swept = [one for one in done if one.outcome == IS_SWEPT]
    words = [f"{len(swept)} kinds swept, {sum(one.gone_count for one in swept)} records gone"]
    words += [f"{one.system} {one.kind} skipped" for one in done if one.outcome == SKIPPED]
    troubles += [_trouble(one) for one in done if one.outcome not in {IS_SWEPT, SKIPPED}]
    return Done(outcome=ATTENTION if troubles else DONE, detail="; ".join([*words, *troubles]))


async def sweep_for_drift(context: DailyContext) -> Done:
    """Compare what every target holds, as ``tieout drift`` does."""
    limit_percent = context.firm.oversight.schedule.drift_sweep.limit_percent

    async def sweep(system: SystemConfig, throttle: Throttle) -> list[ComparedKind]:
        return await drift_sweep.sweep_for_drift(
            [system],
            url=context.url,
            firm=context.firm,
            throttle=throttle,
            clock=context.clock,
            limit_percent=limit_percent,
        )

    done, troubles = await _each_system(context, sweep)
    drifted = sum(one.drifted_count + one.missing_count for one in done if one.outcome == COMPARED)
    words = f"{sum(one.compared_count for one in done)} records compared, {drifted} otherwise or missing"
    troubles += [_trouble(one) for one in done if one.outcome in {INTERRUPTED, DISBELIEVED}]
    return Done(outcome=ATTENTION if troubles or drifted else DONE, detail="; ".join([words, *troubles]))


async def _each_system(
    context: DailyContext, work: Callable[[SystemConfig, Throttle], Coroutine[Any, Any, list[_T]]]
) -> tuple[list[_T], list[str]]:
    """What ``work`` gave for all systems, and in words what went wrong with those that it failed for."""
    throttle = SharedThrottle(context.url)
    done, troubles = list[_T](), list[str]()
    try:
        for system in context.firm.systems:
            try:
                done += await work(system, throttle)
            except (AccessError, ConfigurationError, ContractError, TransientError) as error:
                log.warning("daily.system_failed", system=system.name, error=str(error))
                troubles.append(f"{system.name}: {error.message}")
    finally:
        await throttle.aclose()
    return done, troubles


def _trouble(one: SweptKind | ComparedKind) -> str:
    return f"{one.system} {one.kind} {one.outcome}" + (f": {one.problem}" if one.problem else "")


async def score_quality(context: DailyContext) -> Done:
    """Score what every system says and keep it, but not on the first day: then it is only being read."""
    if context.due_at < context.installed_at + _FIRST_DAY:
        return Done(outcome=SKIPPED_RUN, detail="The first day of an installation is not scored.")
    scored = await asyncio.to_thread(quality.score_day, context.url, context.firm, now=context.clock.now())
    below = [_place(one.score) for one in scored if one.is_below]
    words = [f"{len(scored)} scores, {len(below)} below their threshold", *below]
    return Done(outcome=ATTENTION if below else DONE, detail="; ".join(words))


async def anchor_audit(context: DailyContext) -> Done:
    """Write the head of the audit chain down, as ``tieout audit anchor`` does."""
    if not context.firm.audit.anchors:
        return Done(outcome=SKIPPED_RUN, detail="The firm names no place in [[audit.anchors]].")
    done = await asyncio.to_thread(anchor_head, context.url, context.firm, context.clock)
    troubles = [f"{one.place}: {one.problem}" for one in done if one.problem is not None]
    words = f"anchored at {len(done) - len(troubles)} of {len(done)} places"
    return Done(outcome=ATTENTION if troubles else DONE, detail="; ".join([words, *troubles]))


async def seal_periods(context: DailyContext) -> Done:
    """Seal every closed period that is not sealed as it is, as ``tieout audit seal`` does."""

    def seal() -> list[Seal]:
        with connect(context.url, autocommit=True) as conn:
            return seal_closed(conn, context.home, context.clock)

    made = await asyncio.to_thread(seal)
    return Done(
        outcome=DONE, detail="; ".join([f"{len(made)} periods sealed", *(f"{one.entity} {one.period}" for one in made)])
    )


def _place(score: Score) -> str:
    return f"{score.system} {score.type} {score.dimension} {score.percent}"
