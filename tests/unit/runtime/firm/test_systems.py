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


REST = """
connector = "http"
account = "other"
environment = "sandbox"
reads = ["clients"]

[settings]
base_url = "https://api.example"
definition = "{definition}"

[secrets]
{secrets}
"""
DEFINITION = """
title = "Small API"
role = "psa"
documentation = ["its manual"]

[auth]
kind = "bearer"

[[read]]
object = "clients"
path = "/clients"
kind = "client"

[read.fields]
name = "name"
"""
TOKEN = 'token = "env:API_TOKEN"'


def with_definition(directory: Path, definition: str, *, secrets: str = TOKEN, named: str = "apis/small.toml") -> Path:
    write(directory, other=REST.format(definition=named, secrets=secrets))
    (directory / "apis").mkdir()
    (directory / "apis" / "small.toml").write_text(definition)
    return directory


def test_an_applied_version_has_the_definition_of_a_rest_system_and_not_only_its_name(tmp_path: Path) -> None:
    firm = read_firm(with_definition(tmp_path / "firm", DEFINITION))
    assert firm.systems[0].settings["definition"] == DEFINITION


def test_a_changed_definition_is_another_version_of_the_firm(tmp_path: Path) -> None:
    one = read_firm(with_definition(tmp_path / "one", DEFINITION))
    other = read_firm(with_definition(tmp_path / "other", DEFINITION.replace("/clients", "/customers")))
    assert one.content_hash != other.content_hash


@pytest.mark.parametrize("named", ["apis/none.toml", "../elsewhere.toml", "apis/small.txt", "tieout.toml/x.toml"])
def test_a_definition_that_is_no_file_of_the_firm_is_a_problem(tmp_path: Path, named: str) -> None:
    directory = with_definition(tmp_path / "firm", DEFINITION, named=named)
    (tmp_path / "elsewhere.toml").write_text(DEFINITION)
    (directory / "apis" / "small.txt").write_text(DEFINITION)
    (problem, *_) = problems_of(directory)
    assert "no TOML file of the firm directory" in problem.message


def test_a_mistake_in_a_definition_is_a_problem_of_its_system(tmp_path: Path) -> None:
    (problem,) = problems_of(with_definition(tmp_path / "firm", DEFINITION.replace('"client"', '"customer"')))
    assert problem.file == "systems/other.toml"
    assert "'customer' is no kind" in problem.message


def test_the_secret_that_a_definition_needs_must_be_there_and_no_other(tmp_path: Path) -> None:
    missing = problems_of(with_definition(tmp_path / "one", DEFINITION, secrets=""))
    assert [one.message for one in missing] == ["The secrets lack token (The bearer token.)."]
    superfluous = problems_of(with_definition(tmp_path / "two", DEFINITION, secrets=f'{TOKEN}\npassword = "env:X"'))
    assert [one.message for one in superfluous] == ["Small API knows no setting password."]
