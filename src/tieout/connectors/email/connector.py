"""Binds the e-mail manifest to its code; found by the entry point ``email``."""

from collections.abc import Mapping

from tieout.connect.connector import Connection, Connector
from tieout.connect.sink import Sink
from tieout.connectors.email.manifest import MANIFEST
from tieout.connectors.email.options import options_of
from tieout.connectors.email.write import EmailSink


def open_sink(connection: Connection) -> Sink:
    """A sink into one mailbox of the firm."""
    return EmailSink(connection)


def configure(settings: Mapping[str, str]) -> Connector:
    """The connector of a mailbox with these settings, once they are known to be usable."""
    options_of(settings)
    return CONNECTOR


CONNECTOR = Connector(manifest=MANIFEST, open_sink=open_sink, configure=configure)
