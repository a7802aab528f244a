"""Workers killed at step boundaries while they post into a real Tryton, whose ledger is then read by SQL."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.campaign import Campaign, Killer
from tests.faults.conftest import ready_hub
from tests.faults.nursery import Order

from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import SeedFirm
from tieout.sample.firm_directory import SystemSheet
from tieout.sample.tryton_firm import firm_from_seed
from tieout.sample.tryton_harness import exclusively, kept_home
from tieout.sample.tryton_ledger import read_doubled_references, read_draft_references, read_totals
from tieout.sample.tryton_server import TrytonServer

pytestmark = [pytest.mark.faults, pytest.mark.real_erp]
KILLS = int(os.environ.get("TIEOUT_KILLS_REAL_ERP", "200"))


@pytest.fixture
def ledger(sample_firm: SeedFirm) -> Iterator[TrytonServer]:
    with exclusively(kept_home()), TrytonServer(kept_home()) as server:
        server.install()
        server.set_up(firm_from_seed(sample_firm), fresh=True)
        server.start()
        yield server


@pytest.mark.timeout(3600)
def test_a_real_ledger_holds_every_posting_once_whatever_is_killed(
    database_url: str, sample_firm: SeedFirm, psa: SimulatorProcess, ledger: TrytonServer, tmp_path: Path
) -> None:
    given = psa.admin.connection()
    url = ready_hub(
        database_url,
        tmp_path,
        sample_firm,
        SystemSheet(name="psa", connector="kantata", settings=given.settings, secrets=given.secrets),
        SystemSheet(
            name="erp",
            connector="tryton",
            settings=ledger.connection_settings,
            secrets={"password": ledger.service_password},
            posts_for=tuple(one.code for one in sample_firm.entities),
        ),
    )
    order = Order(url=url, in_flight_s=3.0, quarantine=True, idempotency="L")
    campaign = Campaign(url=url, order=order, killer=Killer(tmp_path / "kill.sock", seed=5, one_in=5))
    try:
        tally = campaign.run(kills=KILLS, deadline_s=1800)
    finally:
        campaign.close()
    sys.stdout.write(f"{tally.kills} kills in {tally.rounds} rounds, {tally.entries} entries\n")
    assert tally.kills >= KILLS
    assert read_doubled_references(ledger.database_url) == []
    assert read_draft_references(ledger.database_url) == []
    assert campaign.exceptions() == []
    statement = campaign.statement()
    assert statement.breaks == ()
    assert statement.holds
    assert sum(row.bucket("posted").count for row in statement.rows) == tally.entries
    revenue = [one for one in read_totals(ledger.database_url) if one.account == revenue_account(sample_firm)]
    held = {(one.entity, one.period, one.currency): -one.amount for one in revenue if one.amount}
    said = {
        (row.entity, row.period, row.currency): row.amount("posted") for row in statement.rows if row.amount("posted")
    }
    assert held == said


def revenue_account(firm: SeedFirm) -> str:
    return firm.accounts["unbilled_revenue"]
