"""Opens local REST servers for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.connectors.http.server import Server

from tieout.connect.conformance.fixture_firm import write_fixture
from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.server import SimulatorServer
from tieout.connectors.http.simulator import SIMULATOR


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    simulator = SIMULATOR(SimulatorOptions(state_dir=tmp_path / "state"))
    write_fixture(tmp_path, page_size=20)
    simulator.seed(tmp_path)
    listening = SimulatorServer(simulator)
    await listening.start()
    yield Server(simulator, listening.base_url)
    await listening.stop()
