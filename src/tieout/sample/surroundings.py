"""The systems around the hub in the demo, filled with the sample firm: CRM, PSA, resource tool, and an ERP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from tieout.connect.connector import connector_for
from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import SeedDeal, SeedFirm, read_firm, write_firm
from tieout.errors import ConfigurationError
from tieout.runtime.clock import SystemClock
from tieout.sample.bookings import sample_plans
from tieout.sample.deals import NO_QUARTER, Quarter, sample_quarter
from tieout.sample.firm_directory import SystemSheet, write_firm_directory, write_systems
from tieout.sample.masters import SIZES, sample_masters
from tieout.sample.time_sheets import sample_time
from tieout.sample.tryton_firm import firm_from_seed
from tieout.sample.tryton_projects import master_holdings
from tieout.sample.tryton_server import TrytonServer
from tieout.streams.lead_to_project.targets import CONTRACT, CUSTOMER, LINK, PROJECT, RATE_CARD, STATUS, TASK
from tieout.streams.plan_to_allocate.plan_book import PUBLISH

PSA = "kantata"
ERP = "netsuite"
REAL_ERP = "tryton"
CRM = "salesforce"
_CRM_READS = ("Account", "Opportunity", "OpportunityLineItem", "Contract")
RESOURCE_TOOL = "float"
_RESOURCE_READS = ("roles", "clients", "people", "projects", "tasks", "timeoffs", "holidays")
LONGEST_IN_FLIGHT_S = 5
"""The simulators act on no request later, and the firm directory says so: a vendor's minutes would be waited out for
every answer that chance spoils."""
_NOT_BEFORE = timedelta(hours=1)
_MASTERS = (CUSTOMER, CONTRACT, RATE_CARD, PROJECT, TASK, STATUS, PUBLISH)


class Stream(StrEnum):
    """What the demo runs: all streams in their order, or one."""

    ALL = "all"
    LEAD_TO_PROJECT = "lead-to-project"
    PLAN_TO_ALLOCATE = "plan-to-allocate"
    TIME_TO_BILL = "time-to-bill"


class DemoPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a demo is made of; a home belongs to one plan. ``stream`` is a value of ``Stream``."""

    size: str
    seed: int
    faults: float
    erp: str
    stream: str = Stream.ALL.value

    def runs(self, stream: Stream) -> bool:
        """Whether ``stream`` is part of it."""
        return self.stream in {Stream.ALL.value, stream.value}


class World:
    """The systems while they run. ``entries`` is how many time entries there are, ``project_systems`` take projects.

    ``planners`` are told what projects need.
    """

    def __init__(self, home: Path, firm: SeedFirm, quarter: Quarter, *, entries: int) -> None:
        self.entries = entries
        self.quarter = quarter
        self.firm = firm
        self.simulators: dict[str, SimulatorProcess] = {}
        self.real_erp: TrytonServer | None = None
        self.project_systems: tuple[str, ...] = ()
        self.planners: tuple[str, ...] = ()
        self._acts = home / "sample" / "acts_done"

    @property
    def crm(self) -> SimulatorProcess:
        """Where the sellers work."""
        return self.simulators["crm"]

    @property
    def planner(self) -> SimulatorProcess:
        """Where resource managers book people."""
        return self.simulators["resources"]

    @property
    def acts_done(self) -> int:
        """How many acts of the quarter have happened: a demo that is run again does not change deals back."""
        return int(self._acts.read_text()) if self._acts.exists() else 0

    def have_done(self, acts: int) -> None:
        """Remember that so many acts have happened."""
        self._acts.write_text(str(acts))

    def holdings(self) -> dict[str, list[Holding]]:
        """What every system that takes projects holds, read past its API."""
        return {name: self._held(name) for name in self.project_systems}

    def _held(self, name: str) -> list[Holding]:
        if name == "erp" and self.real_erp is not None:
            return master_holdings(self.real_erp.database_url)
        return self.simulators[name].admin.holdings()


@contextmanager
def surroundings(home: Path, plan: DemoPlan, on_step: Callable[[str], None]) -> Iterator[World]:
    """Start the systems of ``plan`` below ``home`` and write the firm directory.

    A second run of a demo meets its systems on other ports: their files are written anew, and everything else that a
    user may have changed stays. ``on_step`` is told what takes long.
    Raises ConfigurationError (TIE-DEMO-001) when the home holds another demo.
    """
    seed_dir = home / "sample"
    entries = _prepare(home, seed_dir, plan)
    firm = read_firm(seed_dir)
    sold = sample_quarter(firm, SIZES[plan.size].deals, plan.seed) if plan.runs(Stream.LEAD_TO_PROJECT) else None
    world = World(home, firm, sold or NO_QUARTER, entries=entries)
    with ExitStack() as stack:

        def simulated(name: str, connector: str) -> SystemSheet:
            process = stack.enter_context(_simulator(connector, home, plan, seed_dir))
            world.simulators[name] = process
            given = process.admin.connection()
            return SystemSheet(
                name=name,
                connector=connector,
                settings=given.settings,
                secrets=given.secrets,
                longest_in_flight_s=LONGEST_IN_FLIGHT_S,
            )

        codes = tuple(entity.code for entity in firm.entities)
        real = plan.erp == REAL_ERP
        erp = _real_erp(home, world, stack, on_step) if real else simulated("erp", ERP)
        sheets = [_taking(simulated("psa", PSA), plan), _taking(msgspec.structs.replace(erp, posts_for=codes), plan)]
        if sold is not None:
            crm = simulated("crm", CRM)
            sheets.append(msgspec.structs.replace(crm, role="crm", reads=_CRM_READS, takes=(LINK,)))
        if plan.runs(Stream.PLAN_TO_ALLOCATE):
            planner = msgspec.structs.replace(simulated("resources", RESOURCE_TOOL), reads=_RESOURCE_READS)
            sheets.append(_taking(planner, plan))
        world.project_systems = tuple(one.name for one in sheets if PROJECT in one.takes)
        world.planners = tuple(one.name for one in sheets if PUBLISH in one.takes)
        if not (home / "firm" / "tieout.toml").exists():
            write_firm_directory(home / "firm", firm, sheets, sold)
        else:
            write_systems(home / "firm", sheets)
        yield world


def _real_erp(home: Path, world: World, stack: ExitStack, on_step: Callable[[str], None]) -> SystemSheet:
    server = stack.enter_context(TrytonServer(home / "tryton", on_step=on_step))
    server.install()
    server.set_up(firm_from_seed(world.firm))
    server.start()
    world.real_erp = server
    return SystemSheet(
        name="erp",
        connector=REAL_ERP,
        settings=server.connection_settings,
        secrets={"password": server.service_password},
    )


def _taking(sheet: SystemSheet, plan: DemoPlan) -> SystemSheet:
    """A system takes what its connector can write of the masters."""
    if not plan.runs(Stream.LEAD_TO_PROJECT):
        return sheet
    manifest = connector_for(sheet.connector, sheet.settings).manifest
    return msgspec.structs.replace(sheet, takes=tuple(one for one in _MASTERS if manifest.write(one) is not None))


def _prepare(home: Path, seed_dir: Path, plan: DemoPlan) -> int:
    marker = seed_dir / "plan.json"
    if marker.exists():
        known = msgspec.json.decode(marker.read_bytes(), type=tuple[DemoPlan, int])
        if known[0] != plan:
            raise ConfigurationError(
                code="TIE-DEMO-001",
                message=f"{home} holds the demo of another firm ({known[0].size}, seed {known[0].seed}, "
                f"faults {known[0].faults}, {known[0].erp}, streams: {known[0].stream}).",
            )
        return known[1]
    seed_dir.mkdir(parents=True, exist_ok=True)
    firm = sample_masters(SIZES[plan.size], plan.seed)
    firm.deals = list(_told_by_now(sample_quarter(firm, SIZES[plan.size].deals, plan.seed)))
    if plan.runs(Stream.PLAN_TO_ALLOCATE):
        plans = sample_plans(firm, plan.seed)
        firm.assignments, firm.time_off, firm.holidays = plans.assignments, plans.time_off, plans.holidays
    write_firm(seed_dir, firm)
    count = 0
    encoder = msgspec.json.Encoder()
    with (seed_dir / "time_entries.jsonl").open("wb") as lines:
        for entry in sample_time(firm, plan.seed):
            lines.write(encoder.encode(entry) + b"\n")
            count += 1
    marker.write_bytes(msgspec.json.encode((plan, count)))
    return count


def _told_by_now(quarter: Quarter) -> Iterator[SeedDeal]:
    """The deals as a CRM of today can hold them: none was changed at an instant that has not come."""
    now = SystemClock().now()
    for deal in quarter.deals:
        told = min(datetime.fromisoformat(deal.updated_at), now - _NOT_BEFORE)
        yield msgspec.structs.replace(deal, updated_at=f"{told:%Y-%m-%dT%H:%M:%S}Z")


@contextmanager
def _simulator(name: str, home: Path, plan: DemoPlan, seed_dir: Path) -> Iterator[SimulatorProcess]:
    """A system with what it held before; one that was not filled to the end is filled anew."""
    state = home / "simulators" / name
    state.mkdir(parents=True, exist_ok=True)
    filled = state / "filled"
    process = SimulatorProcess(
        name,
        state,
        seed=plan.seed,
        fault_rate=plan.faults,
        seed_dir=None if filled.exists() else seed_dir,
        longest_in_flight_s=LONGEST_IN_FLIGHT_S,
    )
    with process:
        filled.touch()
        yield process
