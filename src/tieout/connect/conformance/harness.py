"""How the suite gets at a system: an account filled with the fixture firm, whose faults and truth it controls.

For a simulator ``SimulatorHarness`` does it. For a real system a harness is registered in the entry-point group
``tieout.harnesses``; it puts ``FaultProxy`` before the system and answers ``holdings`` from the system itself, by
another way than the connector's. Neighbours: ``bench`` uses a ``Site``, ``suite`` opens it.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

from tieout.connect.conformance.fixture_firm import write_fixture
from tieout.connect.conformance.score import NotApplicableError
from tieout.connect.connector import Connector, load_connector
from tieout.connect.simulator.control import (
    Change,
    ConnectionSheet,
    Holding,
    SentWebhook,
    SimulatorStatus,
    Switches,
)
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import SeedFirm, SeedTimeEntry, read_firm
from tieout.errors import ConfigurationError

HARNESS_GROUP = "tieout.harnesses"
_LARGEST_FIXTURE_PAGE = 200


class Site(Protocol):
    """One account of one system, filled with the fixture firm.

    What a system cannot do raises NotApplicableError (``score``), so that the check says so instead of failing.
    """

    @property
    def firm(self) -> SeedFirm:
        """The masters in it, with the accounts, periods and codes to write with."""
        ...

    @property
    def entries(self) -> Sequence[SeedTimeEntry]:
        """The time entries in it; empty where the system has none."""
        ...

    @property
    def supported_faults(self) -> frozenset[FaultKind]:
        """The faults that can be played between connector and system."""
        ...

    def sheet(self) -> ConnectionSheet:
        """Settings and secrets for the connector, through the faults."""
        ...

    def reset(self) -> None:
        """Refill the account with the fixture firm; a system that cannot forget keeps what it has."""
        ...

    def calm(self) -> None:
        """No faults, no lag, the right time, up; what is recorded stays."""
        ...

    def force(self, *faults: Fault) -> None:
        """Play faults on the next matching requests."""
        ...

    def change(self, *changes: Change) -> None:
        """Let somebody work in the system by hand."""
        ...

    def switch(self, switches: Switches) -> None:
        """Change how the system behaves (clock offset, read lag)."""
        ...

    def down(self, seconds: float) -> None:
        """Refuse connections for ``seconds``; 0 ends it."""
        ...

    def expire_tokens(self) -> None:
        """Make every issued token invalid."""
        ...

    def holdings(self, reference: str) -> list[Holding]:
        """What the system really holds under ``reference``, drafts included."""
        ...

    def status(self) -> SimulatorStatus:
        """Requests counted between connector and system."""
        ...


@runtime_checkable
class ShowsMasters(Protocol):
    """A site that shows the masters its system really holds, whoever made them, each by its business code."""

    def masters(self) -> list[Holding]:
        """All of them."""
        ...


@runtime_checkable
class TellsWebhooks(Protocol):
    """A site whose system shows every webhook that it signed; one of a vendor without webhooks need not be it."""

    def webhooks(self) -> Sequence[SentWebhook]:
        """Every webhook so far, oldest first."""
        ...


class Harness(Protocol):
    """Opens sites for one connector."""

    @property
    def connector(self) -> Connector:
        """The connector under test."""
        ...

    @property
    def claim(self) -> str:
        """What the score may claim: against a simulator, or against the real system and which version."""
        ...

    def open(self) -> AbstractContextManager[Site]:
        """A running system, stopped when the context ends."""
        ...


def harness_for(name: str) -> Harness:
    """The registered harness of connector ``name``, or the one for its simulator."""
    for entry in entry_points(group=HARNESS_GROUP):
        if entry.name == name:
            loaded: Harness = entry.load()
            return loaded
    return SimulatorHarness(name)


class SimulatorHarness:
    """Runs the simulator registered under the connector's name (or ``simulator``) in a process of its own."""

    claim = "tested against a simulator of the public API"

    def __init__(self, name: str, *, connector: Connector | None = None, simulator: str | None = None) -> None:
        self.connector = connector or load_connector(name)
        self._simulator = simulator or name

    @contextmanager
    def open(self) -> Iterator[Site]:
        """A simulator with state and seed in a temporary directory."""
        sizes = [one.page_size for one in self.connector.manifest.reads]
        with tempfile.TemporaryDirectory(prefix="tieout-conformance-") as scratch:
            seed_dir = Path(scratch) / "seed"
            seed_dir.mkdir()
            entries = write_fixture(seed_dir, page_size=min([*sizes, _LARGEST_FIXTURE_PAGE]))
            process = SimulatorProcess(self._simulator, Path(scratch) / "state", seed_dir=seed_dir)
            with process:
                yield SimulatorSite(process, seed_dir, entries)


class SimulatorSite:
    """A site that is a simulator."""

    def __init__(self, process: SimulatorProcess, seed_dir: Path, entries: Sequence[SeedTimeEntry]) -> None:
        self._admin = process.admin
        self._seed_dir = seed_dir
        self.firm = read_firm(seed_dir)
        self.entries = entries
        self.supported_faults = frozenset(FaultKind(one) for one in self._admin.status().faults_supported)

    def sheet(self) -> ConnectionSheet:
        """What the simulator says."""
        return self._admin.connection()

    def reset(self) -> None:
        """Seed again."""
        self._admin.seed(self._seed_dir)

    def calm(self) -> None:
        """Everything as it was started, with traffic counted afresh."""
        self._admin.clear_faults()
        self._admin.down(0)
        self._admin.switch(Switches(dedup=True, clock_offset_s=0.0, read_lag_s=0.0, fault_rate=0.0))
        self._admin.reset_traffic()

    def force(self, *faults: Fault) -> None:
        """Ask the simulator."""
        missing = {fault.kind for fault in faults} - self.supported_faults
        if missing:
            raise NotApplicableError(f"the system cannot show {', '.join(sorted(missing))}")
        self._admin.force(*faults)

    def change(self, *changes: Change) -> None:
        """Ask the simulator."""
        try:
            self._admin.change(*changes)
        except ConfigurationError as refused:
            raise NotApplicableError(refused.message) from refused

    def switch(self, switches: Switches) -> None:
        """Ask the simulator."""
        self._admin.switch(switches)

    def down(self, seconds: float) -> None:
        """Close its port."""
        self._admin.down(seconds)

    def expire_tokens(self) -> None:
        """Ask the simulator."""
        if not self._admin.expire_tokens():
            raise NotApplicableError("tokens of this system do not expire")

    def holdings(self, reference: str) -> list[Holding]:
        """Its own tables."""
        return self._admin.holdings(reference)

    def masters(self) -> list[Holding]:
        """Its own tables, journals left out."""
        return [one for one in self._admin.holdings() if one.kind != "post_journal"]

    def webhooks(self) -> Sequence[SentWebhook]:
        """What it signed."""
        return self._admin.webhooks()

    def status(self) -> SimulatorStatus:
        """Its own counts."""
        return self._admin.status()
