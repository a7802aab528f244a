"""How the conformance suite gets at Salesforce: its simulator, and an org that keeps codes of contracts of its own."""

from tieout.connect.conformance import SimulatorHarness
from tieout.connectors.salesforce.connector import CONNECTOR

SETTINGS = {"contract_fields": "code=Contract_Code__c"}
HARNESS = SimulatorHarness("salesforce", connector=CONNECTOR.configured(SETTINGS))
