"""A local server of Float's public API, as its documentation describes it.

Claims made with it read "tested against a simulator of the public API". It imports neither the hub's model nor the
connector's mapping.
"""

from tieout.connectors.float.simulator.account import FloatSimulator

SIMULATOR = FloatSimulator

__all__ = ["SIMULATOR"]
