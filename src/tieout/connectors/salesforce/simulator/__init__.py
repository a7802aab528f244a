"""A local Salesforce org: the REST, OAuth and streaming doors of its public API over durable rows.

Claims made with it read "tested against a simulator of the public API". It imports neither the hub's model nor the
connector's mapping.
"""

from tieout.connectors.salesforce.simulator.server import SalesforceSimulator

SIMULATOR = SalesforceSimulator

__all__ = ["SIMULATOR"]
