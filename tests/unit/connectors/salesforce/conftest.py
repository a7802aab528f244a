"""Opens local Salesforce orgs for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.unit.connectors.salesforce.account import Account, OpenAccount, SteppedClock, open_source, small_firm

from tieout.connect.connector import Connection
from tieout.connect.http import HttpSettings
from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.seed import write_firm
from tieout.connect.simulator.server import SimulatorServer
from tieout.connect.throttle import NoThrottle
from tieout.connectors.salesforce.manifest import MANIFEST
from tieout.connectors.salesforce.simulator.server import SalesforceSimulator

DEFAULTS = {one.name: one.default for one in MANIFEST.settings if one.default is not None}


@pytest.fixture
async def open_account(tmp_path: Path) -> AsyncIterator[OpenAccount]:
    opened: list[tuple[SimulatorServer, Account]] = []

    async def start(*, by_assertion: bool = False, **settings: str) -> Account:
        write_firm(tmp_path, small_firm())
        simulator = SalesforceSimulator(SimulatorOptions(state_dir=tmp_path / f"state{len(opened)}"))
        simulator.seed(tmp_path)
        server = SimulatorServer(simulator)
        await server.start()
        sheet = simulator.connection_sheet(server.base_url)
        used = simulator.jwt_sheet(server.base_url) if by_assertion else sheet
        clock = SteppedClock()
        connection = Connection(
            system="crm",
            account="simulated",
            settings={**DEFAULTS, **used.settings, **settings},
            secrets=used.secrets,
            throttle=NoThrottle(),
            clock=clock,
            http=HttpSettings(timeout_s=10),
        )
        account = Account(
            simulator=simulator,
            sheet=sheet,
            connection=connection,
            clock=clock,
            source=open_source(connection),
            api=httpx.AsyncClient(base_url=server.base_url, trust_env=False),
        )
        await account.sign_in()
        opened.append((server, account))
        return account

    yield start
    for server, account in opened:
        await account.source.aclose()
        await account.api.aclose()
        await server.stop()


@pytest.fixture
async def account(open_account: OpenAccount) -> Account:
    return await open_account()
