"""Binds the generic REST connector to its code; found by the entry point ``http``.

Without a definition it can do nothing but be configured: ``configure`` makes the connector of one system.
"""

from collections.abc import Mapping
from functools import partial

from tieout.connect.connector import Connection, Connector
from tieout.connect.sink import LedgerReader, Sink
from tieout.connect.source import Source
from tieout.connectors.http.client import RestClient
from tieout.connectors.http.definition import Definition
from tieout.connectors.http.ledger import RestLedgerReader
from tieout.connectors.http.manifest import MANIFEST, manifest_of
from tieout.connectors.http.mapping import RestTranslator
from tieout.connectors.http.parsing import parse_definition
from tieout.connectors.http.read import RestSource
from tieout.connectors.http.write import RestSink


def configure(settings: Mapping[str, str]) -> Connector:
    """The connector of the system whose definition is in ``settings``; raises ConfigurationError for a bad one."""
    definition = parse_definition(settings["definition"])
    return Connector(
        manifest=manifest_of(definition),
        translator=RestTranslator(definition) if definition.read else None,
        open_source=partial(_open_source, definition) if definition.read else None,
        open_sink=partial(_open_sink, definition) if definition.write else None,
        open_ledger_reader=partial(_open_ledger_reader, definition) if definition.ledger is not None else None,
        configure=configure,
    )


def _open_source(definition: Definition, connection: Connection) -> Source:
    return RestSource(RestClient(connection, definition), connection.clock, definition)


def _open_sink(definition: Definition, connection: Connection) -> Sink:
    return RestSink(RestClient(connection, definition), definition)


def _open_ledger_reader(definition: Definition, connection: Connection) -> LedgerReader:
    return RestLedgerReader(RestClient(connection, definition), definition)


CONNECTOR = Connector(manifest=MANIFEST, configure=configure)
