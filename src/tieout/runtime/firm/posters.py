"""Which system posts for which legal entity, and from when to when: one at a time, without a gap.

``directory`` reads the files; what is wrong is told as its other mistakes are.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from tieout.model.firm import FirmConfig, SystemConfig
from tieout.runtime.firm.problems import FirmProblem


def poster_problems(config: FirmConfig) -> Iterator[FirmProblem]:
    """What in ``posts_for``, ``posts_from`` and ``posts_until`` cannot be meant."""
    by_entity: defaultdict[str, list[SystemConfig]] = defaultdict(list)
    for system in config.systems:
        yield from _own_problems(config, system)
        for entity in dict.fromkeys(system.posts_for):
            by_entity[entity].append(system)
    for entity, systems in by_entity.items():
        ordered = sorted(systems, key=lambda one: one.posts_from.get(entity, date.min))
        for first, second in pairwise(ordered):
            yield from _handover(entity, first, second)


def _own_problems(config: FirmConfig, system: SystemConfig) -> Iterator[FirmProblem]:
    file = f"systems/{system.name}.toml"
    for entity in system.posts_for:
        if config.policy(entity) is None:
            yield FirmProblem(
                file=file,
                message=f"posts_for names {entity}, which has no policy.",
                next_step=f"Add policies/{entity}.toml.",
            )
    for entity in sorted({*system.posts_from, *system.posts_until} - set(system.posts_for)):
        yield FirmProblem(
            file=file,
            message=f"There is a day for {entity}, which posts_for does not name.",
            next_step="Add it to posts_for, or remove the day.",
        )
    for entity, until in system.posts_until.items():
        if until <= system.posts_from.get(entity, date.min):
            yield FirmProblem(
                file=file,
                message=f"{entity} is posted until {until}, which is before it begins to be.",
                next_step="posts_until is the first accounting date that is not posted there any more.",
            )


def _handover(entity: str, first: SystemConfig, second: SystemConfig) -> Iterator[FirmProblem]:
    file, begins, ends = f"systems/{second.name}.toml", second.posts_from.get(entity), first.posts_until.get(entity)
    if begins is None and ends is None:
        yield FirmProblem(
            file=file,
            message=f"{entity} is posted by {first.name} already.",
            next_step="Let one system post for an entity, or say in posts_until and posts_from when it changes.",
        )
    elif begins != ends:
        yield FirmProblem(
            file=file,
            message=f"{entity} is posted by {first.name} until {ends or 'for ever'} and by {second.name} "
            f"from {begins or 'ever'}.",
            next_step="Let posts_until of the one be posts_from of the other.",
        )
