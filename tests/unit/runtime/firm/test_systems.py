"""A system of the firm directory: what its settings make of its connector, and every mistake in them."""

from pathlib import Path

import pytest

from tieout.runtime.firm.directory import read_firm
from tieout.runtime.firm.problems import FirmInvalidError, FirmProblem

HCM = """
connector = "bamboohr"
account = "northwind"
environment = "sandbox"
reads = ["employees", "compensation"]

[settings]
base_url = "https://api.bamboohr.com/api/gateway.php/northwind"
{settings}

[secrets]
api_key = "env:BAMBOOHR_KEY"
"""


def write(directory: Path, **files: str) -> Path:
    (directory / "systems").mkdir(parents=True)
    (directory / "tieout.toml").write_text('name = "Northwind"\n')
    for name, text in files.items():
        (directory / "systems" / f"{name}.toml").write_text(text)
    return directory


def problems_of(directory: Path) -> list[FirmProblem]:
    with pytest.raises(FirmInvalidError) as refused:
        read_firm(directory)
    return list(refused.value.problems)


def test_what_the_settings_do_not_allow_cannot_be_read(tmp_path: Path) -> None:
    (problem,) = problems_of(write(tmp_path / "firm", hcm=HCM.format(settings="")))
    assert problem.message == "BambooHR cannot read compensation."


def test_what_the_settings_allow_can_be_read(tmp_path: Path) -> None:
    firm = read_firm(write(tmp_path / "firm", hcm=HCM.format(settings='pay = "read"')))
    assert firm.systems[0].reads == ("employees", "compensation")


def test_a_setting_from_which_no_connector_can_be_made_is_a_problem_with_words(tmp_path: Path) -> None:
    (problem,) = problems_of(write(tmp_path / "firm", hcm=HCM.format(settings='pay = "perhaps"')))
    assert problem.file == "systems/hcm.toml"
    assert "The setting pay of BambooHR is none of no, read: 'perhaps'" in problem.message
    assert problem.next_step
