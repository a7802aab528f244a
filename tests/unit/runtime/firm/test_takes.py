"""A system can only be sent what its connector writes: rate cards and contracts go to no system that has no record."""

from pathlib import Path

import pytest
from tests.unit.runtime.firm.test_systems import problems_of, write

from tieout.connect.connector import load_connector
from tieout.runtime.firm.directory import read_firm

SYSTEM = """
connector = "{connector}"
account = "a"
environment = "sandbox"
takes = ["{command}"]

[settings]
{settings}

[secrets]
{secrets}
"""


def firm(directory: Path, connector: str, command: str) -> Path:
    """A firm with one system that takes one command and has all that its connector asks for."""
    secret = directory / "secret"
    secret.write_text("made-up")
    secret.chmod(0o600)
    asked = [one for one in load_connector(connector).manifest.settings if one.required]
    text = SYSTEM.format(
        connector=connector,
        command=command,
        settings="\n".join(f'{one.name} = "x"' for one in asked if not one.secret),
        secrets="\n".join(f'{one.name} = "file:{secret}"' for one in asked if one.secret),
    )
    return write(directory / "firm", sys=text)


@pytest.mark.parametrize(
    ("connector", "command"),
    [
        ("netsuite", "upsert_rate_card"),
        ("netsuite", "upsert_contract"),
        ("tryton", "upsert_rate_card"),
        ("tryton", "upsert_contract"),
        ("kantata", "upsert_contract"),
        ("salesforce", "upsert_rate_card"),
    ],
)
def test_what_a_connector_has_no_record_for_cannot_be_in_takes(tmp_path: Path, connector: str, command: str) -> None:
    title = load_connector(connector).manifest.title
    messages = [one.message for one in problems_of(firm(tmp_path, connector, command))]
    assert f"{title} cannot take {command}." in messages


@pytest.mark.parametrize(("connector", "command"), [("kantata", "upsert_rate_card"), ("salesforce", "upsert_contract")])
def test_what_a_connector_writes_can_be_in_takes(tmp_path: Path, connector: str, command: str) -> None:
    (system,) = read_firm(firm(tmp_path, connector, command)).systems
    assert system.takes == (command,)
