"""Opens local BambooHR companies for the tests of this folder."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import httpx
import pytest
from tests.unit.connectors.bamboohr.company import ANN, BO, Company, MachineClock, OpenCompany, small_firm

from tieout.connect.connector import Connection
from tieout.connect.http import Exchange, HttpSettings
from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.seed import SeedPerson, write_firm
from tieout.connect.simulator.server import SimulatorServer
from tieout.connect.throttle import NoThrottle
from tieout.connectors.bamboohr.connector import CONNECTOR
from tieout.connectors.bamboohr.simulator import SIMULATOR


@pytest.fixture
async def open_company(tmp_path: Path) -> AsyncIterator[OpenCompany]:
    opened: list[tuple[SimulatorServer, Company]] = []

    async def start(people: Iterable[SeedPerson] = (ANN, BO), **settings: str) -> Company:
        write_firm(tmp_path, small_firm(people))
        simulator = SIMULATOR(SimulatorOptions(state_dir=tmp_path / f"state{len(opened)}"))
        simulator.seed(tmp_path)
        server = SimulatorServer(simulator)
        await server.start()
        sheet = simulator.connection_sheet(server.base_url)
        exchanges: list[Exchange] = []
        connection = Connection(
            system="hcm",
            account="simulated",
            settings={**sheet.settings, **settings},
            secrets=sheet.secrets,
            throttle=NoThrottle(),
            clock=MachineClock(),
            http=HttpSettings(timeout_s=10, wire_tap=exchanges.append),
        )
        connector = CONNECTOR.configured(settings)
        assert connector.open_source is not None
        api = httpx.AsyncClient(
            base_url=sheet.settings["base_url"], auth=(sheet.secrets["api_key"], "x"), trust_env=False
        )
        company = Company(simulator, connector, connection, connector.open_source(connection), api, exchanges)
        opened.append((server, company))
        return company

    yield start
    for server, company in opened:
        await company.source.aclose()
        await company.api.aclose()
        await server.stop()


@pytest.fixture
async def company(open_company: OpenCompany) -> Company:
    return await open_company()
