"""A new firm directory says what is still open, and is valid once that is written."""

import tomllib
from pathlib import Path

import pytest

from tieout.connect.connector import installed_connectors, load_connector
from tieout.connect.manifest import Role
from tieout.errors import ConfigurationError
from tieout.model.money import UnknownCurrencyError
from tieout.runtime.firm.directory import FILL_IN, read_firm
from tieout.runtime.firm.initial import NewEntity, NewSystem, write_initial
from tieout.runtime.firm.problems import FirmInvalidError

ENTITIES = [NewEntity(code="US01", currency="USD"), NewEntity(code="JP01", currency="JPY")]
SYSTEMS = [NewSystem(name="psa", connector="kantata"), NewSystem(name="erp", connector="netsuite")]


def filled_in(directory: Path) -> None:
    for path in directory.rglob("*.toml"):
        path.write_text(path.read_text().replace(FILL_IN, "4711"))


def test_what_only_the_firm_knows_is_listed_place_by_place(tmp_path: Path) -> None:
    write_initial(tmp_path / "firm", name="Acme", systems=SYSTEMS, entities=ENTITIES)
    with pytest.raises(FirmInvalidError) as open_places:
        read_firm(tmp_path / "firm")
    said = {(one.file, one.message) for one in open_places.value.problems}
    assert ("policies/default.toml", f"accounts.project_cost still says {FILL_IN}.") in said
    assert ("systems/erp.toml", f"account_id still says {FILL_IN}.") in said
    assert all(message.endswith(f"still says {FILL_IN}.") for _, message in said)


def test_it_is_valid_once_the_open_places_are_written(tmp_path: Path) -> None:
    write_initial(tmp_path / "firm", name='Acme "West"', systems=SYSTEMS, entities=ENTITIES)
    filled_in(tmp_path / "firm")
    config = read_firm(tmp_path / "firm")
    assert config.name == 'Acme "West"'
    assert [one.entity for one in config.policies] == ["JP01", "US01"]
    erp = config.system("erp")
    assert erp is not None
    assert erp.posts_for == ("US01", "JP01")
    assert erp.secrets["private_key"] == "env:NETSUITE_PRIVATE_KEY"


@pytest.mark.parametrize("connector", installed_connectors())
def test_every_installed_connector_has_a_form_that_can_be_filled_in(tmp_path: Path, connector: str) -> None:
    one = NewSystem(name="one", connector=connector)
    write_initial(tmp_path / "firm", name="Acme", systems=[one], entities=ENTITIES)
    with pytest.raises(FirmInvalidError) as open_places:
        read_firm(tmp_path / "firm")
    files = {one.file for one in open_places.value.problems}
    assert [file for file in files if FILL_IN not in (tmp_path / "firm" / file).read_text()] == []


@pytest.mark.parametrize("connector", installed_connectors())
def test_a_resource_tool_is_asked_often_enough_for_its_changes_to_show_within_five_seconds(
    tmp_path: Path, connector: str
) -> None:
    one = NewSystem(name="one", connector=connector)
    write_initial(tmp_path / "firm", name="Acme", systems=[one], entities=ENTITIES)
    said = tomllib.loads((tmp_path / "firm" / "systems" / "one.toml").read_text())
    assert said["poll_interval_s"] == (2 if load_connector(connector).manifest.role is Role.RESOURCE else 5)


def test_a_directory_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError) as refused:
        write_initial(tmp_path, name="Acme", systems=SYSTEMS, entities=ENTITIES)
    assert refused.value.code == "TIE-FIRM-006"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_nothing_is_written_for_a_currency_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnknownCurrencyError):
        write_initial(tmp_path / "f", name="Acme", systems=[], entities=[NewEntity(code="US01", currency="UDS")])
    assert not (tmp_path / "f").exists()
