"""A local workflow that posts adaptive cards to one channel, as its documentation describes it.

Claims made with it read "tested against a simulator of the public API". It imports neither the hub's model nor the
connector's mapping.
"""

from tieout.connectors.teams.simulator.workflow import TeamsSimulator

SIMULATOR = TeamsSimulator

__all__ = ["SIMULATOR"]
