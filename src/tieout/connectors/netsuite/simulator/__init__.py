"""A faithful local NetSuite account: records, SuiteQL, async jobs, concurrency governance and journal rules."""

from tieout.connectors.netsuite.simulator.server import SIMULATOR

__all__ = ["SIMULATOR"]
