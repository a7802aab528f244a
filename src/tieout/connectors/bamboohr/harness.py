"""How the conformance suite gets at BambooHR: its simulator, and settings that ask for all there is, pay included.

Time off is read over years, so that the days of the fixture firm lie within whenever the suite runs.
"""

from tieout.connect.conformance import SimulatorHarness
from tieout.connectors.bamboohr.connector import CONNECTOR

SETTINGS = {
    "pay": "read",
    "fte_field": "customFte",
    "time_off_from": "2023-01-01",
    "time_off_future_days": "1100",
}
HARNESS = SimulatorHarness("bamboohr", connector=CONNECTOR.configured(SETTINGS))
