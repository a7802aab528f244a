"""A hub on a fresh database with the sample firm's masters, an API system that owns time, and a target to post to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults import campaign

from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import SeedFirm, write_firm
from tieout.runtime import worker
from tieout.runtime.apply import apply_firm
from tieout.runtime.clock import SystemClock
from tieout.sample.demo import read_sources
from tieout.sample.firm_directory import SystemSheet, write_firm_directory
from tieout.sample.masters import SIZES, UNMAPPED_SERVICE_LINE, sample_masters
from tieout.storage.pool import connect

DELIVERY = """
[delivery]
max_attempts = 10000
backoff_s = 0.05
backoff_max_s = 0.2
circuit_failures = 20
circuit_probe_s = 0.1
circuit_probe_max_s = 0.2
quarantine_s = 0.1
"""
"""Kills burn attempts: the campaign is about doubles and losses, not about dead letters."""


@pytest.fixture
def sample_firm(tmp_path: Path) -> SeedFirm:
    firm = sample_masters(SIZES["small"], seed=11)
    seed_dir = tmp_path / "sample"
    seed_dir.mkdir()
    write_firm(seed_dir, firm)
    (seed_dir / "time_entries.jsonl").touch()
    entity = firm.entities[0].code
    campaign.PEOPLE[:] = [one.email for one in firm.people if one.entity == entity and one.employed_to is None]
    campaign.PROJECTS[:] = [
        one.code
        for one in firm.projects
        if one.entity == entity
        and one.status == "active"
        and one.service_line != UNMAPPED_SERVICE_LINE
        and one.rate_card.endswith("2026")
    ]
    return firm


@pytest.fixture
def psa(sample_firm: SeedFirm, tmp_path: Path) -> Iterator[SimulatorProcess]:
    assert sample_firm.people
    with SimulatorProcess("kantata", _made(tmp_path / "kantata"), seed_dir=tmp_path / "sample") as process:
        yield process


@pytest.fixture
def erp(sample_firm: SeedFirm, tmp_path: Path) -> Iterator[SimulatorProcess]:
    assert sample_firm.entities
    with SimulatorProcess("netsuite", _made(tmp_path / "netsuite"), seed_dir=tmp_path / "sample") as process:
        yield process


@pytest.fixture
def hub(database_url: str, sample_firm: SeedFirm, psa: SimulatorProcess, erp: SimulatorProcess, tmp_path: Path) -> str:
    """The connection string of a hub that knows the masters and has the firm applied."""
    given, target = psa.admin.connection(), erp.admin.connection()
    return ready_hub(
        database_url,
        tmp_path,
        sample_firm,
        SystemSheet(name="psa", connector="kantata", settings=given.settings, secrets=given.secrets),
        SystemSheet(
            name="erp",
            connector="netsuite",
            settings=target.settings,
            secrets=target.secrets,
            posts_for=tuple(one.code for one in sample_firm.entities),
        ),
    )


def ready_hub(url: str, directory: Path, firm: SeedFirm, *sheets: SystemSheet) -> str:
    write_firm_directory(directory / "firm", firm, sheets)
    (directory / "firm" / "systems" / "timeapp.toml").write_text(
        'connector = "api"\naccount = "timeapp"\nenvironment = "sandbox"\n'
    )
    with (directory / "firm" / "systems" / "erp.toml").open("a") as file:
        file.write(DELIVERY)
    owner = (directory / "firm" / "ownership.toml").read_text()
    (directory / "firm" / "ownership.toml").write_text(owner.replace('system = "psa"', 'system = "timeapp"', 1))
    apply_firm(url, directory / "firm", applied_by="test", clock=SystemClock())
    read_sources(url)
    with connect(url, autocommit=True) as conn:
        worker.work_once(conn, worker.contexts(conn))
    return url


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory
