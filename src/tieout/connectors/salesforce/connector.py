"""Binds the Salesforce manifest to its code; found by the entry point ``salesforce``."""

from collections.abc import Mapping

from tieout.connect.connector import Connection, Connector
from tieout.connect.sink import Sink
from tieout.connect.source import Source
from tieout.connectors.salesforce.client import SalesforceClient
from tieout.connectors.salesforce.manifest import MANIFEST
from tieout.connectors.salesforce.mapping import SalesforceTranslator
from tieout.connectors.salesforce.options import options_of
from tieout.connectors.salesforce.read import SalesforceSource
from tieout.connectors.salesforce.write import SalesforceSink


def open_source(connection: Connection) -> Source:
    """A source over one org."""
    options = options_of(connection.settings)
    return SalesforceSource(SalesforceClient(connection, options), options, connection.clock)


def open_sink(connection: Connection) -> Sink:
    """A sink into one org."""
    options = options_of(connection.settings)
    return SalesforceSink(SalesforceClient(connection, options), options)


def configure(settings: Mapping[str, str]) -> Connector:
    """The connector of a system with these settings: they name the org's fields, currency and channel."""
    return Connector(
        manifest=MANIFEST,
        translator=SalesforceTranslator(options_of(settings)),
        open_source=open_source,
        open_sink=open_sink,
        configure=configure,
    )


CONNECTOR = configure({one.name: one.default for one in MANIFEST.settings if one.default is not None})
