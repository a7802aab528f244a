"""Opens local Float accounts for the tests of this folder."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import httpx
import pytest
from tests.unit.connectors.float.account import Account, OpenAccount, SteppedClock, small_firm

from tieout.connect.connector import Connection
from tieout.connect.http import Exchange, HttpSettings
from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.seed import SeedAssignment, write_firm
from tieout.connect.simulator.server import SimulatorServer
from tieout.connect.throttle import NoThrottle
from tieout.connectors.float.connector import CONNECTOR
from tieout.connectors.float.simulator import SIMULATOR


@pytest.fixture
async def open_account(tmp_path: Path) -> AsyncIterator[OpenAccount]:
    opened: list[tuple[SimulatorServer, Account]] = []

    async def start(bookings: Iterable[SeedAssignment] = (), **settings: str) -> Account:
        write_firm(tmp_path, small_firm(bookings))
        simulator = SIMULATOR(SimulatorOptions(state_dir=tmp_path / f"state{len(opened)}"))
        simulator.seed(tmp_path)
        server = SimulatorServer(simulator)
        await server.start()
        sheet = simulator.connection_sheet(server.base_url)
        exchanges: list[Exchange] = []
        clock = SteppedClock()
        connection = Connection(
            system="resources",
            account="simulated",
            settings={**sheet.settings, **settings},
            secrets=sheet.secrets,
            throttle=NoThrottle(),
            clock=clock,
            http=HttpSettings(timeout_s=10, wire_tap=exchanges.append),
        )
        connector = CONNECTOR.configured(connection.settings)
        assert connector.open_source is not None
        assert connector.open_sink is not None
        api = httpx.AsyncClient(
            base_url=sheet.settings["base_url"],
            headers={"Authorization": f"Bearer {sheet.secrets['access_token']}"},
            trust_env=False,
        )
        account = Account(
            simulator=simulator,
            connector=connector,
            connection=connection,
            clock=clock,
            source=connector.open_source(connection),
            sink=connector.open_sink(connection),
            api=api,
            exchanges=exchanges,
        )
        opened.append((server, account))
        return account

    yield start
    for server, account in opened:
        await account.source.aclose()
        await account.sink.aclose()
        await account.api.aclose()
        await server.stop()


@pytest.fixture
async def account(open_account: OpenAccount) -> Account:
    return await open_account()
