"""Reads ``service_levels.toml``: the firm's promises and who is told of a breach. Neighbour: ``directory``."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from tieout.model.finding_codes import Owner
from tieout.model.service_level import EscalationStep, ServiceLevels
from tieout.runtime.firm.problems import FirmProblem

FILE: Final = "service_levels.toml"
QUEUE_OWNER: Final = "queue:owner"
"""The recipient that is the queue which owns what is late."""
_KINDS: Final = ("queue:", "role:", "channel:")
_ALL_PERCENT: Final = 100
_LONGEST: Final = Decimal(10_000_000)


def read_service_levels(table: dict[str, object], problems: list[FirmProblem]) -> ServiceLevels:
    """The service levels in the parsed file; what is wrong with them is added to ``problems``."""
    try:
        found = msgspec.convert(table, ServiceLevels, strict=False)
    except msgspec.ValidationError as error:
        problems.append(_problem(f"{error}.", "Correct the named setting."))
        return ServiceLevels()
    problems += _figures(found)
    problems += (one for step in found.escalation for one in _step(step))
    problems += _owners(found)
    return found


def _figures(levels: ServiceLevels) -> Iterator[FirmProblem]:
    for name, value in levels.figures():
        is_percent = name.endswith("percent")
        highest = Decimal(_ALL_PERCENT) if is_percent else _LONGEST
        if not value.is_finite() or not 0 <= value <= highest:
            yield _problem(f"{name} is {value}.", f"Use a number from 0 to {highest}.")


def _step(step: EscalationStep) -> Iterator[FirmProblem]:
    if not step.told:
        yield _problem("An [[escalation]] tells nobody.", "Name recipients in told.")
    for one in step.told:
        local, at, host = one.partition("@")
        is_address = bool(at and local.strip() == local and local and host) and " " not in one
        if not one.startswith(_KINDS) and not is_address:
            yield _problem(
                f"[[escalation]] tells {one!r}.", "Use an e-mail address, queue:NAME, role:NAME or channel:NAME."
            )


def _owners(levels: ServiceLevels) -> Iterator[FirmProblem]:
    known = {one.value for one in Owner}
    named = {*levels.exceptions.by_owner, *(one.owner for one in levels.escalation if one.owner is not None)}
    for one in sorted(named - known):
        yield _problem(f"There is no queue {one!r}.", f"Use one of {', '.join(sorted(known))}.")


def _problem(message: str, next_step: str) -> FirmProblem:
    return FirmProblem(file=FILE, message=message, next_step=next_step)
