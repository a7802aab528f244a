"""Opens local NetSuite accounts for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.unit.connectors.netsuite.account import Account, MachineClock, OpenAccount, small_firm

from tieout.connect.connector import Connection
from tieout.connect.http import HttpSettings
from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.seed import write_firm
from tieout.connect.simulator.server import SimulatorServer
from tieout.connect.throttle import NoThrottle
from tieout.connectors.netsuite.read import NetSuiteLedgerReader, NetSuiteSource
from tieout.connectors.netsuite.simulator.server import NetSuiteSimulator
from tieout.connectors.netsuite.write import NetSuiteSink


@pytest.fixture
async def open_account(tmp_path: Path) -> AsyncIterator[OpenAccount]:
    opened: list[tuple[SimulatorServer, Account]] = []

    async def start(**settings: str) -> Account:
        write_firm(tmp_path, small_firm())
        simulator = NetSuiteSimulator(SimulatorOptions(state_dir=tmp_path / f"state{len(opened)}"))
        simulator.seed(tmp_path)
        server = SimulatorServer(simulator)
        await server.start()
        sheet = simulator.connection_sheet(server.base_url)
        connection = Connection(
            system="erp",
            account="simulated",
            settings={**sheet.settings, **settings},
            secrets=sheet.secrets,
            throttle=NoThrottle(),
            clock=MachineClock(),
            http=HttpSettings(timeout_s=10),
        )
        account = Account(
            simulator=simulator,
            sheet=sheet,
            connection=connection,
            sink=NetSuiteSink(connection),
            source=NetSuiteSource(connection),
            ledger=NetSuiteLedgerReader(connection),
            api=httpx.AsyncClient(base_url=server.base_url, trust_env=False),
        )
        await account.sign_in()
        opened.append((server, account))
        return account

    yield start
    for server, account in opened:
        for one in (account.sink, account.source, account.ledger, account.api):
            await one.aclose()
        await server.stop()


@pytest.fixture
async def account(open_account: OpenAccount) -> Account:
    return await open_account()
