"""The systems around the hub in the demo: a simulated PSA, and a simulated or real ERP, filled with the sample firm."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import read_firm, write_firm
from tieout.errors import ConfigurationError
from tieout.sample.firm_directory import SystemSheet, write_firm_directory, write_systems
from tieout.sample.masters import SIZES, sample_masters
from tieout.sample.time_sheets import sample_time
from tieout.sample.tryton_firm import firm_from_seed
from tieout.sample.tryton_server import TrytonServer

PSA = "kantata"
ERP = "netsuite"
REAL_ERP = "tryton"


class DemoPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a demo is made of; a home belongs to one plan."""

    size: str
    seed: int
    faults: float
    erp: str


@contextmanager
def surroundings(home: Path, plan: DemoPlan, on_step: Callable[[str], None]) -> Iterator[int]:
    """Start the systems of ``plan`` below ``home`` and write the firm directory; gives the number of time entries.

    A second run of a demo meets its systems on other ports: their files are written anew, and everything else that a
    user may have changed stays. ``on_step`` is told what takes long.
    Raises ConfigurationError (TIE-DEMO-001) when the home holds another demo.
    """
    seed_dir = home / "sample"
    entries = _prepare(home, seed_dir, plan)
    firm = read_firm(seed_dir)
    codes = tuple(entity.code for entity in firm.entities)
    with ExitStack() as stack:
        psa = stack.enter_context(_simulator(PSA, home, plan, seed_dir))
        sheets = [_sheet("psa", PSA, psa)]
        if plan.erp == REAL_ERP:
            server = stack.enter_context(TrytonServer(home / "tryton", on_step=on_step))
            server.install()
            server.set_up(firm_from_seed(firm))
            server.start()
            sheets.append(
                SystemSheet(
                    name="erp",
                    connector=REAL_ERP,
                    settings=server.connection_settings,
                    secrets={"password": server.service_password},
                    posts_for=codes,
                )
            )
        else:
            erp = stack.enter_context(_simulator(ERP, home, plan, seed_dir))
            sheets.append(_sheet("erp", ERP, erp, posts_for=codes))
        if not (home / "firm" / "tieout.toml").exists():
            write_firm_directory(home / "firm", firm, sheets)
        else:
            write_systems(home / "firm", sheets)
        yield entries


def _prepare(home: Path, seed_dir: Path, plan: DemoPlan) -> int:
    marker = seed_dir / "plan.json"
    if marker.exists():
        known = msgspec.json.decode(marker.read_bytes(), type=tuple[DemoPlan, int])
        if known[0] != plan:
            raise ConfigurationError(
                code="TIE-DEMO-001",
                message=f"{home} holds the demo of another firm ({known[0].size}, seed {known[0].seed}, "
                f"faults {known[0].faults}, {known[0].erp}).",
            )
        return known[1]
    seed_dir.mkdir(parents=True, exist_ok=True)
    firm = sample_masters(SIZES[plan.size], plan.seed)
    write_firm(seed_dir, firm)
    count = 0
    encoder = msgspec.json.Encoder()
    with (seed_dir / "time_entries.jsonl").open("wb") as lines:
        for entry in sample_time(firm, plan.seed):
            lines.write(encoder.encode(entry) + b"\n")
            count += 1
    marker.write_bytes(msgspec.json.encode((plan, count)))
    return count


@contextmanager
def _simulator(name: str, home: Path, plan: DemoPlan, seed_dir: Path) -> Iterator[SimulatorProcess]:
    """A system with what it held before; one that was not filled to the end is filled anew."""
    state = home / "simulators" / name
    state.mkdir(parents=True, exist_ok=True)
    filled = state / "filled"
    process = SimulatorProcess(
        name, state, seed=plan.seed, fault_rate=plan.faults, seed_dir=None if filled.exists() else seed_dir
    )
    with process:
        filled.touch()
        yield process


def _sheet(system: str, connector: str, process: SimulatorProcess, posts_for: tuple[str, ...] = ()) -> SystemSheet:
    given = process.admin.connection()
    return SystemSheet(
        name=system, connector=connector, settings=given.settings, secrets=given.secrets, posts_for=posts_for
    )
