from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tieout.connect.simulator.fault_proxy import FAULT_PROXY
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.process import SimulatorProcess

TILL = "tests.unit.connect.simulator.till:TillSimulator"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[SimulatorProcess, SimulatorProcess]]:
    """A real system and the proxy before it."""
    with (
        SimulatorProcess(TILL, tmp_path / "till") as till,
        SimulatorProcess(FAULT_PROXY, tmp_path / "proxy", upstream=till.base_url) as proxy,
    ):
        yield till, proxy


def ring_up(proxy: SimulatorProcess, reference: str) -> httpx.Response:
    return httpx.post(f"{proxy.base_url}/sales?x=1", json={"reference": reference, "amount": 7}, timeout=5)


def test_without_faults_everything_passes(pair: tuple[SimulatorProcess, SimulatorProcess]) -> None:
    till, proxy = pair
    answer = ring_up(proxy, "R1")
    assert (answer.status_code, answer.json()) == (201, {"state": "rung_up", "amount": 7})
    assert ring_up(proxy, "R1").status_code == 409
    assert proxy.admin.status().writes == till.admin.status().writes == 2


def test_a_swallowed_answer_leaves_the_record_in_the_real_system(
    pair: tuple[SimulatorProcess, SimulatorProcess],
) -> None:
    till, proxy = pair
    proxy.admin.force(Fault(kind=FaultKind.COMMIT_THEN_DROP))
    with pytest.raises(httpx.TransportError):
        ring_up(proxy, "R1")
    assert len(till.admin.holdings("R1")) == 1


def test_a_reset_request_never_reaches_the_real_system(pair: tuple[SimulatorProcess, SimulatorProcess]) -> None:
    till, proxy = pair
    proxy.admin.force(Fault(kind=FaultKind.DROP), Fault(kind=FaultKind.HTTP_503))
    with pytest.raises(httpx.TransportError):
        ring_up(proxy, "R1")
    assert ring_up(proxy, "R1").status_code == 503
    assert till.admin.status().writes == 0


def test_an_answer_is_cut_after_some_bytes_or_comes_late(pair: tuple[SimulatorProcess, SimulatorProcess]) -> None:
    till, proxy = pair
    proxy.admin.force(Fault(kind=FaultKind.CUT_BODY))
    with pytest.raises(httpx.RemoteProtocolError):
        ring_up(proxy, "R1")
    proxy.admin.force(Fault(kind=FaultKind.COMMIT_THEN_DELAY, seconds=1.0))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{proxy.base_url}/sales", json={"reference": "R2", "amount": 7}, timeout=0.3)
    assert [len(till.admin.holdings(one)) for one in ("R1", "R2")] == [1, 1]


def test_a_real_system_that_is_gone_is_a_bad_gateway_not_a_crash(
    pair: tuple[SimulatorProcess, SimulatorProcess],
) -> None:
    till, proxy = pair
    till.kill()
    assert ring_up(proxy, "R1").status_code == 502
