"""Binds the Teams manifest to its code; found by the entry point ``teams``."""

from tieout.connect.connector import Connection, Connector
from tieout.connect.sink import Sink
from tieout.connectors.teams.manifest import MANIFEST
from tieout.connectors.teams.write import TeamsSink


def open_sink(connection: Connection) -> Sink:
    """A sink into one channel."""
    return TeamsSink(connection)


CONNECTOR = Connector(manifest=MANIFEST, open_sink=open_sink)
