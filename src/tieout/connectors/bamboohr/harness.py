"""How the conformance suite gets at BambooHR: its simulator, with settings that ask for pay, so that all is proven."""

from tieout.connect.conformance import SimulatorHarness
from tieout.connectors.bamboohr.connector import CONNECTOR

HARNESS = SimulatorHarness("bamboohr", connector=CONNECTOR.configured({"pay": "read", "fte_field": "customFte"}))
