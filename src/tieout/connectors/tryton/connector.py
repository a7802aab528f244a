"""The Tryton connector: its manifest bound to its code."""

from typing import Final

from tieout.connect.connector import Connector
from tieout.connectors.tryton.manifest import MANIFEST
from tieout.connectors.tryton.read import TrytonLedgerReader, TrytonSource
from tieout.connectors.tryton.reported import TrytonTranslator
from tieout.connectors.tryton.write import TrytonSink

CONNECTOR: Final = Connector(
    manifest=MANIFEST,
    translator=TrytonTranslator(),
    open_source=TrytonSource,
    open_sink=TrytonSink,
    open_ledger_reader=TrytonLedgerReader,
)
