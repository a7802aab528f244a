"""A ledger that no connector was written for is posted to and verified, by a definition in the firm directory alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.acceptance.conftest import running
from tests.acceptance.hub import Hub, wait_for

from tieout.connect.simulator.control import DeleteHolding
from tieout.connect.simulator.process import SimulatorAdmin, SimulatorProcess
from tieout.connect.simulator.seed import SeedFirm, write_firm
from tieout.sample.firm_directory import SystemSheet, write_firm_directory
from tieout.sample.masters import SIZES, sample_masters
from tieout.sample.time_sheets import sample_time

pytestmark = pytest.mark.timeout(500)

LEDGER_OBJECTS = {"companies", "periods", "fx_rates"}
DIMENSION = 'department = { path = "dimensions.department", optional = true }'


def as_ledger(sample: str) -> str:
    """The sample definition as an accountant would write it for a ledger: its calendar, journals, and a dimension."""
    head, *parts = re.split(r"(?m)^(?=\[\[|\[ledger\]$)", sample)
    kept = [
        part
        for part in parts
        if part.startswith("[ledger]")
        or 'command = "post_journal"' in part
        or any(f'object = "{name}"' in part for name in LEDGER_OBJECTS)
    ]
    assert len(kept) == 5
    text = head.replace('role = "psa"', 'role = "erp"') + "".join(kept)
    return text.replace('text = "memo"', f'text = "memo"\n{DIMENSION}')


@contextmanager
def firm_with_a_rest_ledger(home: Path) -> Iterator[SimulatorAdmin]:
    """The sample firm with its PSA and such a ledger; gives the ledger."""
    firm = sample_masters(SIZES["small"], 1)
    seed = home / "sample"
    seed.mkdir(parents=True)
    write_firm(seed, firm)
    entries = b"".join(msgspec.json.encode(entry) + b"\n" for entry in sample_time(firm, 1))
    (seed / "time_entries.jsonl").write_bytes(entries)
    psa = SimulatorProcess("kantata", home / "simulators" / "kantata", seed_dir=seed)
    ledger = SimulatorProcess("http", home / "simulators" / "http", seed_dir=seed)
    with psa, ledger:
        write_firm_directory(
            home / "firm", firm, [sheet("psa", "kantata", psa, firm), sheet("erp", "http", ledger, firm)]
        )
        yield ledger.admin


def sheet(system: str, connector: str, process: SimulatorProcess, firm: SeedFirm) -> SystemSheet:
    given = process.admin.connection()
    settings = dict(given.settings)
    if connector == "http":
        settings["definition"] = as_ledger(settings["definition"])
    codes = tuple(one.code for one in firm.entities) if connector == "http" else ()
    return SystemSheet(name=system, connector=connector, settings=settings, secrets=given.secrets, posts_for=codes)


def test_the_month_is_posted_into_a_rest_ledger_and_tied_out_against_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with firm_with_a_rest_ledger(home) as ledger:
        hub = Hub(home)
        hub.does("apply")
        with running(hub):
            wait_for(lambda: is_quiet(hub), "the month is posted", within_s=180)
        statement = hub.statement("--verify")
        assert statement.holds
        assert statement.total("posted") > 1_000
        held = ledger.holdings()
        assert {one.kind for one in held} == {"post_journal"}
        assert len({one.reference for one in held}) == len(held) > 50
        ledger.change(DeleteHolding(reference=held[0].reference))
        broken = hub.statement("--verify")
    assert not broken.holds
    assert {one.reference for one in broken.ledger_breaks} == {held[0].reference}


def is_quiet(hub: Hub) -> bool:
    """Whether everything taken in has come to rest."""
    statement = hub.statement()
    return statement.total("posted") > 0 and statement.total("in_progress") == 0
