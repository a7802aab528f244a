"""Binds the Float manifest to its code; found by the entry point ``float``."""

from collections.abc import Mapping

from tieout.connect.connector import Connection, Connector
from tieout.connect.sink import Sink
from tieout.connect.source import Source
from tieout.connectors.float.manifest import MANIFEST
from tieout.connectors.float.mapping import FloatTranslator
from tieout.connectors.float.options import options_of, regions_of
from tieout.connectors.float.read import FloatSource
from tieout.connectors.float.write import FloatSink


def open_source(connection: Connection) -> Source:
    """A source over one account."""
    return FloatSource(connection, options_of(connection))


def open_sink(connection: Connection) -> Sink:
    """A sink into one account."""
    return FloatSink(connection, options_of(connection))


def configure(settings: Mapping[str, str]) -> Connector:
    """The connector of an account with these settings: they name its regions."""
    return Connector(
        manifest=MANIFEST,
        translator=FloatTranslator(regions_of(settings)),
        open_source=open_source,
        open_sink=open_sink,
        configure=configure,
    )


CONNECTOR = configure({one.name: one.default for one in MANIFEST.settings if one.default is not None})
