"""Reads ``[schedule]``, ``[quality]``, ``[webhooks]`` and ``[intake]`` of ``tieout.toml``. Neighbour: ``directory``."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from tieout.model.firm import FirmConfig
from tieout.model.oversight import Oversight, QualityPolicy, Schedule
from tieout.model.reported import RecordType
from tieout.runtime.firm.problems import FirmProblem

FILE: Final = "tieout.toml"
SCORED: Final = (*(one.value for one in RecordType), "assignment", "time_off", "time")
"""What a threshold may be for: the types of records, and what else an object of a system is made of."""
_DIMENSIONS: Final = ("completeness", "validity", "uniqueness", "timeliness")
_ALL: Final = 100


def read_oversight(head: Mapping[str, object], problems: list[FirmProblem]) -> Oversight:
    """The policies that the parsed file states; what is wrong with them is added to ``problems``."""
    given = {name: head[name] for name in Oversight.__struct_fields__ if name in head}
    try:
        found = msgspec.convert(given, Oversight, strict=False)
    except msgspec.ValidationError as error:
        problems.append(_problem(f"{error}.", "Correct the named setting."))
        return Oversight()
    problems += _schedule(found.schedule)
    problems += _quality(found.quality)
    problems += _counts(found)
    return found


def oversight_contradictions(config: FirmConfig) -> list[FirmProblem]:
    """Overrides for systems that the firm does not have."""
    known = {one.name for one in config.systems}
    return [
        _problem(f"[[quality.override]] names {one.system!r}, which is no system.", "Name a system of the firm.")
        for one in config.oversight.quality.overrides
        if one.system is not None and one.system not in known
    ]


def _schedule(schedule: Schedule) -> Iterator[FirmProblem]:
    for name, run in schedule.runs():
        try:
            _ = run.time_of_day
        except ValueError:
            yield _problem(f"[schedule.{name}] at is {run.at!r}.", 'Use a time of day in UTC ("02:15") or "off".')
    for name, percent in (
        ("deletion_sweep", schedule.deletion_sweep.limit_percent),
        ("drift_sweep", schedule.drift_sweep.limit_percent),
    ):
        if not 0 <= percent <= _ALL:
            yield _problem(f"[schedule.{name}] limit_percent is {percent}.", "Use a number from 0 to 100.")


def _quality(policy: QualityPolicy) -> Iterator[FirmProblem]:
    for one in (policy, *policy.overrides):
        for name in _DIMENSIONS:
            percent = getattr(one, name)
            if percent is not None and not (percent.is_finite() and 0 <= percent <= _ALL):
                yield _problem(f"[quality] {name} is {percent}.", "Use a percent from 0 to 100.")
    if policy.polled_within_minutes < 1:
        yield _problem(
            f"[quality] polled_within_minutes is {policy.polled_within_minutes}.", "Use one minute at least."
        )
    yield from _overrides(policy)


def _overrides(policy: QualityPolicy) -> Iterator[FirmProblem]:
    seen: set[tuple[str | None, str | None]] = set()
    for one in policy.overrides:
        place = (one.system, one.object)
        if place == (None, None):
            yield _problem("A [[quality.override]] names no system and no object.", "Name one of them, or both.")
        if one.object is not None and one.object not in SCORED:
            yield _problem(
                f"[[quality.override]] names {one.object!r}, which is no type of record.",
                f"Use one of {', '.join(SCORED)}.",
            )
        if place in seen:
            yield _problem(
                f"Two [[quality.override]] are for {' in '.join(word for word in (one.object, one.system) if word)}.",
                "Make them one.",
            )
        seen.add(place)


def _counts(policies: Oversight) -> Iterator[FirmProblem]:
    for name, count in (
        ("[webhooks] per_minute", policies.webhooks.per_minute),
        ("[webhooks] refused_per_day", policies.webhooks.refused_per_day),
    ):
        if count < 1:
            yield _problem(f"{name} is {count}.", "Use a number from 1 up.")
    if not 1 <= policies.intake.unreadable_percent <= _ALL:
        yield _problem(
            f"[intake] unreadable_percent is {policies.intake.unreadable_percent}.", "Use a percent from 1 to 100."
        )


def _problem(message: str, next_step: str) -> FirmProblem:
    return FirmProblem(file=FILE, message=message, next_step=next_step)
