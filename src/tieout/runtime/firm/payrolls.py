"""The section ``[hours_to_payroll]`` of ``streams.toml``, checked against the systems and against itself.

``streams`` asks with the other sections; what is wrong is told as its other mistakes are.
"""

from collections.abc import Iterator
from typing import Final

from tieout.model.firm import FirmConfig
from tieout.model.stream_policy import HoursToPayroll
from tieout.runtime.firm.problems import FirmProblem

_FILE: Final = "streams.toml"
_HOURS: Final = "post_payroll_hours"
_LONGEST_CUT_OFF: Final = 90


def payroll_contradictions(config: FirmConfig) -> Iterator[FirmProblem]:
    """What of hours for payrolls cannot be meant, with the section and without it."""
    policy = config.streams.hours_to_payroll
    takers = {one.name for one in config.systems if _HOURS in one.takes}
    told = set() if policy is None else set(policy.payrolls.values())
    for name in sorted(takers - told):
        yield FirmProblem(
            file=f"systems/{name}.toml",
            message=f"It takes {_HOURS}, but no legal entity is paid there.",
            next_step="Name it in payrolls of [hours_to_payroll] in streams.toml, or take the command out of takes.",
        )
    if policy is not None:
        yield from _settings(policy)
        yield from _systems(config, policy, takers)


def _settings(policy: HoursToPayroll) -> Iterator[FirmProblem]:
    if not policy.payrolls:
        yield _problem("payrolls names nobody.", 'Name a payroll for each legal entity: US01 = "payroll".')
    if not 0 <= policy.cut_off_days <= _LONGEST_CUT_OFF:
        yield _problem(f"cut_off_days is {policy.cut_off_days}.", f"Use 0 to {_LONGEST_CUT_OFF} days.")


def _systems(config: FirmConfig, policy: HoursToPayroll, takers: set[str]) -> Iterator[FirmProblem]:
    entities = {one.entity for one in config.policies}
    for entity, name in sorted(policy.payrolls.items()):
        if entity not in entities:
            yield _problem(f"payrolls names legal entity {entity}, which has no policy.", "Correct its code.")
        if config.system(name) is None:
            yield _problem(f"payrolls names {name!r}, which is no system.", "Name a file of systems/.")
        elif name not in takers:
            yield FirmProblem(
                file=f"systems/{name}.toml",
                message=f"It pays {entity}, but takes no hours.",
                next_step=f'Add "{_HOURS}" to takes.',
            )
    if policy.numbers_of is not None and config.system(policy.numbers_of) is None:
        yield _problem(f"numbers_of names {policy.numbers_of!r}, which is no system.", "Name a file of systems/.")


def _problem(message: str, next_step: str) -> FirmProblem:
    return FirmProblem(file=_FILE, message=f"[hours_to_payroll] {message}", next_step=next_step)
