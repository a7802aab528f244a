"""Opens local Kantata accounts for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.unit.connectors.kantata.account import Account, MachineClock, OpenAccount, write_seed

from tieout.connect.connector import Connection
from tieout.connect.http import HttpSettings
from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.seed import SeedTimeEntry
from tieout.connect.simulator.server import SimulatorServer
from tieout.connect.throttle import NoThrottle
from tieout.connectors.kantata.connector import CONNECTOR
from tieout.connectors.kantata.mapping import KantataTranslator
from tieout.connectors.kantata.simulator import SIMULATOR


@pytest.fixture
async def open_account(tmp_path: Path) -> AsyncIterator[OpenAccount]:
    opened: list[tuple[SimulatorServer, Account]] = []

    async def start(entries: list[SeedTimeEntry]) -> Account:
        simulator = SIMULATOR(SimulatorOptions(state_dir=tmp_path / f"state{len(opened)}"))
        simulator.seed(write_seed(tmp_path / f"seed{len(opened)}", entries))
        server = SimulatorServer(simulator)
        await server.start()
        sheet = simulator.connection_sheet(server.base_url)
        connection = Connection(
            system="psa",
            account="simulated",
            settings=sheet.settings,
            secrets=sheet.secrets,
            throttle=NoThrottle(),
            clock=MachineClock(),
            http=HttpSettings(timeout_s=10),
        )
        assert CONNECTOR.open_source is not None
        token = sheet.secrets["access_token"]
        api = httpx.AsyncClient(
            base_url=sheet.settings["base_url"], headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )
        account = Account(simulator, CONNECTOR.open_source(connection), api, KantataTranslator(), connection)
        opened.append((server, account))
        return account

    yield start
    for server, account in opened:
        await account.source.aclose()
        await account.api.aclose()
        await server.stop()
