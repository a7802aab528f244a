"""Reads ``labour_policies.toml``, and holds the mapping table that chooses from it against it.

Neighbour: ``directory`` reads all files.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from tieout.model.firm import FirmConfig
from tieout.model.labour_policy import LabourPolicy
from tieout.records.mapping import ANY, LABOUR_POLICIES
from tieout.runtime.firm.problems import FirmProblem

FILE: Final = "labour_policies.toml"
_TABLE: Final = f"mappings/{LABOUR_POLICIES}.csv"
_LONGEST: Final = {"weekly_hours": Decimal(168), "max_day_hours": Decimal(24)}


def read_labour(table: Mapping[str, object], problems: list[FirmProblem]) -> dict[str, LabourPolicy]:
    """The policies by name; what is wrong with them is added to ``problems``."""
    found = {}
    for name, section in table.items():
        try:
            found[name] = msgspec.convert(section, LabourPolicy, strict=False)
        except msgspec.ValidationError as error:
            problems.append(_problem(FILE, f"[{name}]: {error}.", "Correct the named setting."))
            continue
        problems += _hours(name, found[name])
    return found


def labour_contradictions(config: FirmConfig) -> Iterator[FirmProblem]:
    """Lines of the mapping table that name no policy, or a system: grades are the firm's own words."""
    for line in config.mappings:
        if line.table != LABOUR_POLICIES:
            continue
        if line.target not in config.labour:
            step = f"Add it to {FILE} or correct the line."
            yield _problem(_TABLE, f"There is no labour policy {line.target!r}.", step, line.line)
        if line.system != ANY:
            yield _problem(_TABLE, f"The line is for {line.system} only.", "Let it fit any system (*).", line.line)


def _hours(name: str, policy: LabourPolicy) -> Iterator[FirmProblem]:
    given = {setting: getattr(policy, setting) for setting in _LONGEST}
    if all(hours is None for hours in given.values()):
        yield _problem(FILE, f"[{name}] says nothing.", "Give weekly_hours or max_day_hours, or remove it.")
    for setting, hours in given.items():
        if hours is not None and not (hours.is_finite() and 0 < hours <= _LONGEST[setting]):
            yield _problem(
                FILE, f"[{name}] {setting} is {hours}.", f"Use more than 0 and at most {_LONGEST[setting]} hours."
            )


def _problem(file: str, message: str, next_step: str, line: int | None = None) -> FirmProblem:
    return FirmProblem(file=file, line=line, message=message, next_step=next_step)
