"""How the conformance suite gets at the generic connector: its REST server, by the sample definition."""

from tieout.connect.conformance import SimulatorHarness
from tieout.connectors.http.connector import CONNECTOR
from tieout.connectors.http.simulator.rest_server import sample_definition

HARNESS = SimulatorHarness("http", connector=CONNECTOR.configured({"definition": sample_definition()}))
