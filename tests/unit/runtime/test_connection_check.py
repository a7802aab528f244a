"""A system is tried before it is relied on: each probe says what was tried and what to do."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tieout.connect.conformance.bench import LocalThrottle
from tieout.connect.conformance.fixture_firm import write_fixture
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.process import SimulatorProcess
from tieout.model.firm import Environment, SystemConfig
from tieout.runtime.clock import SystemClock
from tieout.runtime.connection_check import Probe, check_connection


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    seed = tmp_path_factory.mktemp("seed")
    write_fixture(seed, page_size=5)
    with SimulatorProcess("netsuite", tmp_path_factory.mktemp("state"), seed_dir=seed) as process:
        yield process


@pytest.fixture
def system(erp: SimulatorProcess, tmp_path: Path) -> Iterator[SystemConfig]:
    sheet = erp.admin.connection()
    secrets = {}
    for name, value in sheet.secrets.items():
        (tmp_path / name).write_text(value)
        secrets[name] = f"file:{tmp_path / name}"
    yield SystemConfig(
        name="erp",
        connector="netsuite",
        account="erp",
        environment=Environment.SANDBOX,
        settings=sheet.settings,
        secrets=secrets,
        reads=("subsidiary", "customer"),
        posts_for=("US01",),
    )
    erp.admin.clear_faults()
    erp.admin.down(0)


async def tried(system: SystemConfig) -> dict[str, Probe]:
    probes = await check_connection(system, throttle=LocalThrottle(), clock=SystemClock(), entities=["US01"])
    return {one.name: one for one in probes}


async def test_a_system_in_order_passes_every_probe_and_is_written_nothing(
    erp: SimulatorProcess, system: SystemConfig
) -> None:
    before = list(erp.admin.holdings())
    probes = await tried(system)
    assert list(probes) == [
        "credentials",
        "read subsidiary",
        "read customer",
        "look up post_journal",
        "clock",
        "limits",
    ]
    assert all(one.ok for one in probes.values()), probes
    assert "class U" in probes["look up post_journal"].words
    assert probes["clock"].words == "agrees with ours"
    assert list(erp.admin.holdings()) == before


async def test_a_secret_that_is_not_there_ends_the_trial_with_what_to_do(system: SystemConfig) -> None:
    nowhere = msgspec.structs.replace(system, secrets={"private_key": "env:NOT_SET_ANYWHERE"})
    (probe,) = (await tried(nowhere)).values()
    assert (probe.ok, probe.code) == (False, "TIE-SECRET-001")
    assert probe.next_step


async def test_credentials_that_are_refused_are_told_for_each_object(system: SystemConfig) -> None:
    stranger = msgspec.structs.replace(system, settings={**system.settings, "client_id": "somebody-else"})
    probes = await tried(stranger)
    assert not probes["read subsidiary"].ok
    assert not probes["read customer"].ok
    assert probes["read customer"].next_step


async def test_of_a_system_out_of_reach_one_object_is_tried(erp: SimulatorProcess, system: SystemConfig) -> None:
    erp.admin.down(60)
    probes = await tried(system)
    assert list(probes) == ["credentials", "read subsidiary"]
    assert probes["read subsidiary"].code == "TIE-HTTP-001"


async def test_an_account_that_is_used_up_is_told_as_that(erp: SimulatorProcess, system: SystemConfig) -> None:
    erp.admin.force(Fault(kind=FaultKind.HTTP_429, on="read", count=50, retry_after="1"))
    probes = await tried(system)
    assert not probes["limits"].ok
    assert "refused as too many" in probes["limits"].words
