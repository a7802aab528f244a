"""A local server of Kantata OX's public API, as its documentation describes it.

Claims made with it read "tested against a simulator of the public API". It imports neither the hub's model nor the
connector's mapping.
"""

from tieout.connectors.kantata.simulator.kantata_ox import KantataSimulator

SIMULATOR = KantataSimulator

__all__ = ["SIMULATOR"]
