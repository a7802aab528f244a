"""Workers killed at step boundaries, a target that spoils 15 % of its answers: nothing lost, nothing twice."""

import os
import sys
from pathlib import Path

import pytest
from tests.faults.campaign import SENDING, Campaign, Killer, doubles
from tests.faults.nursery import Order

from tieout.connect.simulator.control import Switches
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.process import SimulatorProcess

FAULT_RATE = 0.15
SLOW_S = 1.5
SENDERS = 5


def run(
    hub: str, erp: SimulatorProcess, directory: Path, *, kills: int, order: Order, dedup: bool, seed: int
) -> tuple[Campaign, list[str]]:
    erp.admin.switch(Switches(fault_rate=FAULT_RATE, fault_seed=seed, dedup=dedup))
    campaign = Campaign(url=hub, order=order, killer=Killer(directory / "kill.sock", seed=seed))
    try:
        tally = campaign.run(kills=kills, deadline_s=120 + 4 * kills)
    finally:
        campaign.close()
    sys.stdout.write(
        f"{tally.kills} kills in {tally.rounds} rounds, {tally.entries} entries, points {dict(tally.points)}\n"
    )
    erp.admin.switch(Switches(fault_rate=0.0))
    return campaign, doubles(erp.admin.holdings())


def judge(campaign: Campaign, erp: SimulatorProcess, twice: list[str], *, kills: int) -> None:
    held = {one.reference for one in erp.admin.holdings() if one.kind == "post_journal"}
    assert campaign.tally.kills >= kills
    assert twice == []
    assert campaign.references() == held
    assert campaign.exceptions() == []
    statement = campaign.statement()
    assert statement.breaks == ()
    assert statement.holds
    assert sum(row.bucket("posted").count for row in statement.rows) == campaign.tally.entries


SMALL = int(os.environ.get("TIEOUT_KILLS_SMALL", "12"))
LARGE = int(os.environ.get("TIEOUT_KILLS", "2000"))


@pytest.mark.timeout(600)
def test_a_small_campaign_against_a_target_with_unique_references(
    hub: str, erp: SimulatorProcess, tmp_path: Path
) -> None:
    order = Order(url=hub, in_flight_s=0.5, quarantine=True, idempotency="U")
    campaign, twice = run(hub, erp, tmp_path, kills=SMALL, order=order, dedup=True, seed=1)
    judge(campaign, erp, twice, kills=SMALL)


@pytest.mark.timeout(600)
def test_a_small_campaign_against_a_target_that_can_only_be_looked_up(
    hub: str, erp: SimulatorProcess, tmp_path: Path
) -> None:
    order = Order(url=hub, in_flight_s=0.5, quarantine=True, idempotency="L")
    campaign, twice = run(hub, erp, tmp_path, kills=SMALL, order=order, dedup=False, seed=2)
    judge(campaign, erp, twice, kills=SMALL)


@pytest.mark.faults
@pytest.mark.timeout(5400)
@pytest.mark.parametrize(("dedup", "idempotency"), [(True, "U"), (False, "L")])
def test_a_campaign_of_thousands_of_kills(
    hub: str, erp: SimulatorProcess, tmp_path: Path, *, dedup: bool, idempotency: str
) -> None:
    order = Order(url=hub, in_flight_s=0.5, quarantine=True, idempotency=idempotency)
    campaign, twice = run(hub, erp, tmp_path, kills=LARGE // 2, order=order, dedup=dedup, seed=3)
    judge(campaign, erp, twice, kills=LARGE // 2)


@pytest.mark.parametrize("quarantine", [True, False])
@pytest.mark.timeout(600)
def test_it_is_the_quarantine_that_keeps_slow_writes_from_being_posted_twice(
    hub: str, erp: SimulatorProcess, tmp_path: Path, *, quarantine: bool
) -> None:
    """The target acts on a request long after its sender was killed: without the quarantine the look-up comes first."""
    erp.admin.force(Fault(kind=FaultKind.DELAY, on="write", count=100_000, seconds=SLOW_S))
    order = Order(url=hub, in_flight_s=2 * SLOW_S, quarantine=quarantine, idempotency="L")
    erp.admin.switch(Switches(dedup=False))
    killer = Killer(tmp_path / "kill.sock", seed=4, one_in=2, only=SENDING, under_way_s=SLOW_S)
    campaign = Campaign(url=hub, order=order, killer=killer)
    try:
        campaign.run(kills=SENDERS, deadline_s=300)
    finally:
        campaign.close()
    twice = doubles(erp.admin.holdings())
    if quarantine:
        judge(campaign, erp, twice, kills=SENDERS)
    else:
        assert twice
