"""A small REST server that speaks every dialect the generic connector can be configured for.

It is no vendor's: each list can be had by page, offset, cursor or link, each way of signing in is taken, and dates,
decimals and amounts come in several forms. It imports neither the hub's model nor the connector's mapping.
"""

from tieout.connectors.http.simulator.rest_server import RestSimulator

SIMULATOR = RestSimulator

__all__ = ["SIMULATOR"]
