"""Whether what the firm says of deliveries to its systems can be meant; ``directory`` reads the files.

The longest time in flight decides how long an unanswered request is waited out before it is looked up: said too short,
something is made twice.
"""

from collections.abc import Iterator
from typing import Final

from tieout.connect.connector import connector_for, installed_connectors
from tieout.errors import ConfigurationError
from tieout.model.firm import Environment, FirmConfig, SystemConfig
from tieout.runtime.firm.problems import FirmProblem

LEAST_IN_FLIGHT_S: Final = 1
"""Less than this nobody can say of a request on a network."""


def delivery_problems(config: FirmConfig) -> Iterator[FirmProblem]:
    """What in ``longest_in_flight_s`` cannot be meant."""
    for system in config.systems:
        policy = config.deliveries.get(system.name)
        if policy is None or policy.longest_in_flight_s is None:
            continue
        file = f"systems/{system.name}.toml"
        if policy.longest_in_flight_s < LEAST_IN_FLIGHT_S:
            yield FirmProblem(
                file=file,
                message=f"longest_in_flight_s is {policy.longest_in_flight_s}.",
                next_step=f"Say at least {LEAST_IN_FLIGHT_S}: the longest time after which a request to "
                f"{system.name} can still take effect.",
            )
        else:
            yield from _against_the_connector(system, float(policy.longest_in_flight_s), file)


def _against_the_connector(system: SystemConfig, said_s: float, file: str) -> Iterator[FirmProblem]:
    if system.connector not in installed_connectors():
        return
    try:
        manifest = connector_for(system.connector, system.settings).manifest
    except ConfigurationError:  # told with the settings that make no connector
        return
    if not manifest.speaks_http:
        yield FirmProblem(
            file=file,
            message=f"longest_in_flight_s is not for {manifest.title}: nobody can give up on a request there.",
            next_step="Remove it; the connector's own definition says how long an answer may take.",
        )
    elif system.environment is Environment.PRODUCTION and said_s < manifest.max_in_flight_s:
        yield FirmProblem(
            file=file,
            message=f"longest_in_flight_s is {said_s:g}; a production system of {manifest.title} may take "
            f"{manifest.max_in_flight_s:g} seconds.",
            next_step=f"Say {manifest.max_in_flight_s:g} or more, or leave it out.",
        )
