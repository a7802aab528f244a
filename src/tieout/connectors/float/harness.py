"""How the conformance suite gets at Float: its simulator, with the regions of the fixture firm named.

A client's name carries a digest of the reference it was written under, so that what is held is looked for by both.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tieout.connect.conformance.fixture_firm import write_fixture
from tieout.connect.conformance.harness import SimulatorHarness, SimulatorSite, Site
from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.process import SimulatorProcess
from tieout.connectors.float.connector import CONNECTOR
from tieout.connectors.float.manifest import PAGE_SIZE
from tieout.connectors.float.marks import digest_of

REGIONS: Final = "1=Berlin; 2=Tokyo; 3=Kuwait City; 4=New York"


class FloatSite(SimulatorSite):
    """The simulator, asked for references as a client's name carries them too."""

    def holdings(self, reference: str) -> list[Holding]:
        """Its own tables."""
        return [*super().holdings(reference), *super().holdings(digest_of(reference))]


class FloatHarness(SimulatorHarness):
    """Opens simulated accounts with more bookings than a page holds."""

    @contextmanager
    def open(self) -> Iterator[Site]:
        """A simulator with state and seed in a temporary directory."""
        with tempfile.TemporaryDirectory(prefix="tieout-conformance-") as scratch:
            seed_dir = Path(scratch) / "seed"
            seed_dir.mkdir()
            entries = write_fixture(seed_dir, page_size=PAGE_SIZE)
            with SimulatorProcess("float", Path(scratch) / "state", seed_dir=seed_dir) as process:
                yield FloatSite(process, seed_dir, entries)


HARNESS: Final = FloatHarness("float", connector=CONNECTOR.configured({"regions": REGIONS}))
