"""Binds the Kantata manifest to its code; found by the entry point ``kantata``."""

from tieout.connect.connector import Connection, Connector
from tieout.connect.sink import Sink
from tieout.connect.source import Source
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.manifest import MANIFEST
from tieout.connectors.kantata.mapping import KantataTranslator
from tieout.connectors.kantata.read import KantataSource
from tieout.connectors.kantata.write import KantataSink


def open_source(connection: Connection) -> Source:
    """A source over one account."""
    return KantataSource(KantataClient(connection), connection.clock)


def open_sink(connection: Connection) -> Sink:
    """A sink into one account."""
    return KantataSink(connection)


CONNECTOR = Connector(manifest=MANIFEST, translator=KantataTranslator(), open_source=open_source, open_sink=open_sink)
