"""The NetSuite connector: its manifest bound to its code."""

from typing import Final

from tieout.connect.connector import Connector
from tieout.connectors.netsuite.manifest import MANIFEST
from tieout.connectors.netsuite.mapping import NetSuiteTranslator
from tieout.connectors.netsuite.read import NetSuiteLedgerReader, NetSuiteSource
from tieout.connectors.netsuite.write import NetSuiteSink

CONNECTOR: Final = Connector(
    manifest=MANIFEST,
    translator=NetSuiteTranslator(),
    open_source=NetSuiteSource,
    open_sink=NetSuiteSink,
    open_ledger_reader=NetSuiteLedgerReader,
)
