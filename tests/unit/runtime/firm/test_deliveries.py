"""The longest time in flight may be said where the firm knows it, and never shorter than it can be true."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.runtime.firm.test_systems import problems_of, write

from tieout.connect.throttle import NoThrottle
from tieout.model.firm import FirmConfig
from tieout.outbound.target import SEND_WINDOW_S, Target
from tieout.runtime.clock import SystemClock
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.systems import targets

PSA = """
connector = "kantata"
account = "psa"
environment = "{environment}"
takes = ["upsert_project"]

[secrets]
access_token = "file:{secret}"
{delivery}
"""


def psa(directory: Path, longest: str | None, *, environment: str = "sandbox") -> Path:
    secret = directory / "token"
    secret.write_text("made-up")
    secret.chmod(0o600)
    delivery = "" if longest is None else f"\n[delivery]\nlongest_in_flight_s = {longest}\n"
    return write(directory / "firm", psa=PSA.format(environment=environment, secret=secret, delivery=delivery))


def target_of(config: FirmConfig) -> Target:
    (found,) = targets(config, throttle=NoThrottle(), clock=SystemClock())
    return found


def test_what_the_firm_knows_decides_how_long_an_unanswered_request_is_waited_out(tmp_path: Path) -> None:
    config = read_firm(psa(tmp_path, "5"))
    assert config.deliveries["psa"].longest_in_flight_s == Decimal(5)
    assert target_of(config).quarantine_s("upsert_project") == SEND_WINDOW_S + 5 + 0.5


def test_without_it_the_connector_s_word_counts(tmp_path: Path) -> None:
    target = target_of(read_firm(psa(tmp_path, None)))
    assert target.quarantine_s("upsert_project") == SEND_WINDOW_S + 180 + 0.5


@pytest.mark.parametrize("longest", ["0", "0.5", "-3"])
def test_less_than_a_second_is_true_of_nothing(tmp_path: Path, longest: str) -> None:
    (problem,) = problems_of(psa(tmp_path, longest))
    assert problem.message == f"longest_in_flight_s is {longest}."


def test_a_production_system_may_take_as_long_as_its_vendor_says(tmp_path: Path) -> None:
    (problem,) = problems_of(psa(tmp_path, "5", environment="production"))
    assert "a production system of Kantata OX (Mavenlink) may take 180 seconds" in problem.message


def test_a_production_system_may_be_said_to_take_longer(tmp_path: Path) -> None:
    config = read_firm(psa(tmp_path, "600", environment="production"))
    assert target_of(config).longest_in_flight_s == 600


OUTBOX = """
connector = "files"
account = "ledger"
environment = "sandbox"

[settings]
definition = "ledger.toml"
base_url = "file:///nowhere"

[delivery]
longest_in_flight_s = 5
"""


def test_where_nobody_can_give_up_on_a_request_it_cannot_be_said(tmp_path: Path) -> None:
    sample = Path(__file__).parents[4] / "src" / "tieout" / "connectors" / "files" / "sample.toml"
    directory = write(tmp_path / "firm", ledger=OUTBOX)
    (directory / "ledger.toml").write_text(sample.read_text())
    assert any("longest_in_flight_s is not for" in one.message for one in problems_of(directory))
