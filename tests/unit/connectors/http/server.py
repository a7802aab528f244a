"""A running REST server with the fixture firm, and the generic connector over it by any definition."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tieout.connect.connector import Connection, Connector
from tieout.connect.http import Exchange, HttpSettings
from tieout.connect.simulator.control import Change
from tieout.connect.source import Page, Translated
from tieout.connect.throttle import NoThrottle
from tieout.connectors.http.connector import CONNECTOR
from tieout.connectors.http.simulator import SIMULATOR
from tieout.connectors.http.simulator.rest_server import API_KEY, CLIENT_SECRET, PASSWORD, TOKEN, sample_definition

SECRETS = {"token": TOKEN, "password": PASSWORD, "api_key": API_KEY, "client_secret": CLIENT_SECRET}


class MachineClock:
    """The machine's clock, which the simulator has too."""

    def now(self) -> datetime:
        return datetime.now(UTC)


HEAD = """
title = "Small API"
role = "psa"
documentation = ["its manual"]

[auth]
kind = "bearer"

[errors]
code = "error.code"
message = "error.message"
in_ok = "error"
"""

CLIENTS = """
[[read]]
object = "clients"
path = "/v1/clients"
kind = "client"
items = "data"
paging = {paging}
version = {{ path = "updated_at" }}
{more}

[read.fields]
code = "number"
name = "name"
"""


@dataclass
class Server:
    """A running server; ``opened`` is the connector by a definition, over a connection with every secret."""

    simulator: SIMULATOR
    base_url: str
    exchanges: list[Exchange] = field(default_factory=list)

    def configured(self, definition: str | None = None) -> tuple[Connector, Connection]:
        text = sample_definition() if definition is None else definition
        connection = Connection(
            system="other",
            account="simulated",
            settings={"base_url": self.base_url, "definition": text},
            secrets=SECRETS,
            throttle=NoThrottle(),
            clock=MachineClock(),
            http=HttpSettings(timeout_s=10, wire_tap=self.exchanges.append),
        )
        return CONNECTOR.configured(connection.settings), connection

    async def read(
        self, object_name: str, cursor: str | None = None, *, definition: str | None = None
    ) -> tuple[list[Page], list[Translated]]:
        connector, connection = self.configured(definition)
        assert connector.open_source is not None
        assert connector.translator is not None
        source = connector.open_source(connection)
        try:
            pages = [page async for page in source.read(object_name, cursor)]
        finally:
            await source.aclose()
        return pages, [one for page in pages for one in connector.translator.translate(object_name, page.payload)]

    def change(self, *changes: Change) -> None:
        for one in changes:
            self.simulator.apply_change(one)
