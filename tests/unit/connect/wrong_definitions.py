"""Definitions of the REST server that are wrong in one thing, to prove that the suite catches it."""

from tieout.connect.connector import Connector
from tieout.connectors.http.connector import CONNECTOR
from tieout.connectors.http.simulator.rest_server import sample_definition


def rest_connector(part: str = "", right: str = "", wrong: str = "") -> Connector:
    """The connector by the sample definition, with ``wrong`` for ``right`` in the part that the line ``part`` is in."""
    definition = sample_definition()
    if part:
        before, line, rest = definition.partition(part)
        own, mark, others = rest.partition("\n[[")
        assert line
        assert right in own, f"the sample definition has no {right!r} in {part!r}"
        definition = before + line + own.replace(right, wrong) + mark + others
    return CONNECTOR.configured({"definition": definition})
