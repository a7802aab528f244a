from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tieout.connect.simulator.control import SetPeriod, Switches
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.process import SimulatorProcess
from tieout.errors import ConfigurationError

TILL = "tests.unit.connect.simulator.till:TillSimulator"


@pytest.fixture
def till(tmp_path: Path) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(TILL, tmp_path / "state") as process:
        yield process


def ring_up(till: SimulatorProcess, reference: str, amount: int = 100) -> httpx.Response:
    return httpx.post(f"{till.base_url}/sales", json={"reference": reference, "amount": amount}, timeout=5)


def test_what_was_answered_survives_a_kill(till: SimulatorProcess) -> None:
    for number in range(5):
        assert ring_up(till, f"R{number}").status_code == 201
    port = till.base_url
    till.kill()
    till.start()
    assert till.base_url == port
    assert [one.reference for one in till.admin.holdings()] == ["R0", "R1", "R2", "R3", "R4"]
    assert ring_up(till, "R3").status_code == 409
    assert till.admin.status().counters["duplicates_refused"] == 1


def test_a_dropped_answer_leaves_the_record_behind(till: SimulatorProcess) -> None:
    till.admin.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write"))
    with pytest.raises(httpx.TransportError):
        ring_up(till, "R1")
    assert len(till.admin.holdings("R1")) == 1


def test_a_dropped_request_records_nothing(till: SimulatorProcess) -> None:
    till.admin.force(Fault(kind=FaultKind.DROP, on="write"))
    with pytest.raises(httpx.TransportError):
        ring_up(till, "R1")
    assert till.admin.holdings() == []


def test_a_cut_body_ends_before_its_announced_length(till: SimulatorProcess) -> None:
    till.admin.force(Fault(kind=FaultKind.CUT_BODY))
    with pytest.raises(httpx.TransportError):
        ring_up(till, "R1")
    assert len(till.admin.holdings("R1")) == 1


def test_a_forced_fault_hits_the_class_of_request_it_names_and_ends(till: SimulatorProcess) -> None:
    till.admin.force(Fault(kind=FaultKind.HTTP_429, on="write", count=2, skip=1, retry_after="7"))
    assert httpx.get(f"{till.base_url}/sales").status_code == 200
    answers = [ring_up(till, f"R{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [201, 429, 429, 201]
    assert answers[1].headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("variant", "seen"),
    [("unknown_enum", "never_heard_of"), ("retyped", '"amount":{"value"'), ("not_a_number", "NaN")],
)
def test_schema_drift_spoils_the_members_that_matter(till: SimulatorProcess, variant: str, seen: str) -> None:
    till.admin.force(Fault(kind=FaultKind.SCHEMA_DRIFT, variant=variant))
    assert seen in ring_up(till, "R1").text


def test_a_fault_the_vendor_cannot_show_is_refused(till: SimulatorProcess) -> None:
    with pytest.raises(ConfigurationError, match="partial_batch"):
        till.admin.force(Fault(kind=FaultKind.PARTIAL_BATCH))


def test_a_change_the_vendor_does_not_know_is_refused(till: SimulatorProcess) -> None:
    with pytest.raises(ConfigurationError, match="SetPeriod"):
        till.admin.change(SetPeriod(entity="US01", period="2026-08", closed=True))


def test_down_refuses_connections_and_comes_back(till: SimulatorProcess) -> None:
    with httpx.Client() as kept_alive:
        assert kept_alive.get(f"{till.base_url}/sales").status_code == 200
        till.admin.down(30)
        with pytest.raises(httpx.TransportError):
            kept_alive.get(f"{till.base_url}/sales")
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{till.base_url}/sales")
        till.admin.down(0)
        assert httpx.get(f"{till.base_url}/sales").status_code == 200
        till.admin.down(30, how="answer_503")
        assert httpx.get(f"{till.base_url}/sales").status_code == 503


def test_protection_against_repeats_can_be_switched_off_for_good(till: SimulatorProcess) -> None:
    till.admin.switch(Switches(dedup=False))
    till.kill()
    till.start()
    assert [ring_up(till, "R1").status_code for _ in range(2)] == [201, 201]
    assert len(till.admin.holdings("R1")) == 2


def test_chance_faults_hit_about_the_asked_share(till: SimulatorProcess) -> None:
    till.admin.switch(Switches(fault_rate=0.2, fault_seed=3))
    with httpx.Client() as client:
        for _ in range(150):
            try:
                client.get(f"{till.base_url}/sales")
            except httpx.TransportError:
                continue
    assert 12 <= sum(till.admin.status().faults_played.values()) <= 50


def test_the_seed_directory_fills_it_before_it_listens(tmp_path: Path) -> None:
    (tmp_path / "sales.txt").write_text("S1 S2 S3")
    with SimulatorProcess(TILL, tmp_path / "state", seed_dir=tmp_path) as till:
        assert till.admin.status().objects == {"sale": 3}
        assert till.admin.connection().settings == {"base_url": till.base_url}


def test_an_unknown_simulator_says_which_are_installed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match="exit code 2"):
        SimulatorProcess("no_such_vendor", tmp_path).start()
    assert "TIE-CONNECT-002" in capfd.readouterr().err


def test_a_request_that_waited_longer_than_it_may_be_in_flight_is_never_acted_on(tmp_path: Path) -> None:
    with SimulatorProcess(TILL, tmp_path / "state", longest_in_flight_s=0.2) as till:
        till.admin.force(Fault(kind=FaultKind.DELAY, on="write", seconds=0.5))
        assert ring_up(till, "late").status_code == 503
        till.admin.force(Fault(kind=FaultKind.DELAY, on="write", seconds=0.01))
        assert ring_up(till, "in time").status_code == 201
        assert [one.reference for one in till.admin.holdings()] == ["in time"]
