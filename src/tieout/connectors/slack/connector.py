"""Binds the Slack manifest to its code; found by the entry point ``slack``."""

from collections.abc import Mapping

from tieout.connect.connector import Connection, Connector
from tieout.connect.sink import Sink
from tieout.connectors.slack.manifest import MANIFEST
from tieout.connectors.slack.write import SlackSink, channels_of


def open_sink(connection: Connection) -> Sink:
    """A sink into one workspace."""
    return SlackSink(connection)


def configure(settings: Mapping[str, str]) -> Connector:
    """The connector of a workspace with these settings, once they are known to name channels."""
    channels_of(settings)
    return CONNECTOR


CONNECTOR = Connector(manifest=MANIFEST, open_sink=open_sink, configure=configure)
