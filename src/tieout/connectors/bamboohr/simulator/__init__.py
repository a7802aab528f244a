"""A local server of BambooHR's public API, as its documentation describes it.

Claims made with it read "tested against a simulator of the public API". It imports neither the hub's model nor the
connector's mapping.
"""

from tieout.connectors.bamboohr.simulator.bamboo_hr import BambooSimulator

SIMULATOR = BambooSimulator

__all__ = ["SIMULATOR"]
