"""The sample's firm directory is one that a user might have written: valid, without secrets, never overwritten."""

import stat
from pathlib import Path

import msgspec
import pytest

from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import SeedFirm
from tieout.errors import ConfigurationError
from tieout.runtime.firm.directory import read_firm
from tieout.sample import surroundings
from tieout.sample.firm_directory import SystemSheet, write_firm_directory, write_systems
from tieout.sample.masters import SIZES, UNMAPPED_SERVICE_LINE, sample_masters
from tieout.sample.surroundings import DemoPlan
from tieout.sample.tryton_firm import firm_from_seed, rates_against_one_base

PLAN = DemoPlan(size="small", seed=1, faults=0.0, erp="netsuite")
PSA = SystemSheet(
    name="psa",
    connector="kantata",
    settings={"base_url": "http://127.0.0.1:1"},
    secrets={"access_token": "open sesame"},
)


@pytest.fixture
def firm() -> SeedFirm:
    return sample_masters(SIZES["small"], 1)


def test_it_is_valid_and_lacks_the_one_mapping_that_the_tutorial_adds(tmp_path: Path, firm: SeedFirm) -> None:
    directory = tmp_path / "firm"
    write_firm_directory(directory, firm, [PSA])
    config = read_firm(directory)
    assert config.name == firm.name
    assert {one.entity: one.functional_currency for one in config.policies} == {
        one.code: one.currency for one in firm.entities
    }
    mapped = {one.source for one in config.mappings if one.table == "department"}
    assert set(firm.departments) - mapped == {UNMAPPED_SERVICE_LINE}
    assert {one.entity: str(one.closed_period) for one in config.policies if one.closed_period == "desk"} == {
        "JP01": "desk"
    }
    with (directory / "mappings" / "department.csv").open("a") as table:
        table.write("*,*,Data & AI,400,2020-01-01,\n")
    mapped = {one.source for one in read_firm(directory).mappings if one.table == "department"}
    assert mapped == set(firm.departments)


def test_a_secret_lies_beside_it_and_only_its_owner_reads_it(tmp_path: Path, firm: SeedFirm) -> None:
    directory = tmp_path / "firm"
    write_firm_directory(directory, firm, [PSA])
    for path in directory.rglob("*"):
        assert path.is_dir() or "open sesame" not in path.read_text()
    secret = tmp_path / "secrets" / "psa-access_token"
    assert secret.read_text() == "open sesame"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700


def test_systems_that_moved_are_written_anew_and_nothing_else_is_touched(tmp_path: Path, firm: SeedFirm) -> None:
    directory = tmp_path / "firm"
    write_firm_directory(directory, firm, [PSA])
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    moved = msgspec.structs.replace(PSA, settings={"base_url": 'http://127.0.0.1:2/"quoted"\\'})
    write_systems(directory, [moved])
    after = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    assert {path.name for path in after if after[path] != before.get(path)} == {"psa.toml"}
    [system] = read_firm(directory).systems
    assert system.settings == moved.settings


def test_a_home_belongs_to_one_plan_and_remembers_how_many_entries_there_are(tmp_path: Path) -> None:
    seed_dir = tmp_path / "sample"
    count = surroundings._prepare(tmp_path, seed_dir, PLAN)
    assert count == len((seed_dir / "time_entries.jsonl").read_bytes().splitlines())
    assert surroundings._prepare(tmp_path, seed_dir, PLAN) == count
    for name, value in (("size", "firm"), ("seed", 2), ("faults", 0.1), ("erp", "tryton")):
        other = msgspec.structs.replace(PLAN, **{name: value})
        with pytest.raises(ConfigurationError) as caught:
            surroundings._prepare(tmp_path, seed_dir, other)
        assert caught.value.code == "TIE-DEMO-001"
        assert "small, seed 1, faults 0.0, netsuite" in caught.value.message


def test_what_an_interrupted_filling_left_is_made_anew(tmp_path: Path) -> None:
    seed_dir = tmp_path / "sample"
    count = surroundings._prepare(tmp_path, seed_dir, PLAN)
    whole = (seed_dir / "time_entries.jsonl").read_bytes()
    (seed_dir / "plan.json").unlink()
    (seed_dir / "time_entries.jsonl").write_bytes(whole[: len(whole) // 2])
    assert surroundings._prepare(tmp_path, seed_dir, PLAN) == count
    assert (seed_dir / "time_entries.jsonl").read_bytes() == whole


def test_the_real_erp_gets_the_part_that_an_erp_holds(firm: SeedFirm) -> None:
    tryton = firm_from_seed(firm)
    assert [one.code for one in tryton.companies] == [one.code for one in firm.entities]
    assert {one.code for one in tryton.customers} == {one.code for one in firm.clients}
    assert len(tryton.employees) == len(firm.people)
    assert {one.code for one in tryton.accounts} == set(firm.accounts.values())
    assert {one.code: one.digits for one in tryton.currencies} == {"EUR": 2, "GBP": 2, "JPY": 0, "USD": 2}
    with pytest.raises(ConfigurationError) as caught:
        firm_from_seed(msgspec.structs.replace(firm, accounts={"petty_cash": "1000"}))
    assert caught.value.code == "TIE-SAMPLE-001"
    crossed = [
        msgspec.structs.replace(firm.fx_rates[0], base=base, quote=quote)
        for base, quote in (("EUR", "USD"), ("GBP", "JPY"))
    ]
    with pytest.raises(ConfigurationError):
        rates_against_one_base(crossed)


@pytest.mark.parametrize("name", ["kantata", "netsuite"])
def test_a_system_that_was_not_filled_to_the_end_is_filled_anew_and_then_keeps_what_it_holds(
    tmp_path: Path, name: str
) -> None:
    seed_dir = tmp_path / "sample"
    surroundings._prepare(tmp_path, seed_dir, PLAN)
    with SimulatorProcess(name, tmp_path / "whole", seed_dir=seed_dir) as process:
        whole = process.admin.status().objects
    assert sum(whole.values()) > 0
    with SimulatorProcess(name, tmp_path / "simulators" / name) as process:
        assert process.admin.status().objects != whole
    for _ in range(2):
        with surroundings._simulator(name, tmp_path, PLAN, seed_dir) as process:
            assert process.admin.status().objects == whole
        (seed_dir / "time_entries.jsonl").write_bytes(b"")


def test_a_directory_that_was_written_in_part_is_not_taken_for_a_whole_one(tmp_path: Path, firm: SeedFirm) -> None:
    directory = tmp_path / "firm"
    unwritable = msgspec.structs.replace(firm.entities[0], code="no/such/folder")
    with pytest.raises(FileNotFoundError):
        write_firm_directory(directory, msgspec.structs.replace(firm, entities=[unwritable]), [PSA])
    with pytest.raises(ConfigurationError) as caught:
        read_firm(directory)
    assert caught.value.code == "TIE-FIRM-003"
