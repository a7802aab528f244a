"""One demo per test run, and for every test that asks a home of its own with that month in it."""

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.acceptance.hub import PLAN, Hub, Running

from tieout.connect.simulator.process import SimulatorAdmin, SimulatorProcess
from tieout.sample.surroundings import ERP, PSA

MISSING_LINE = "*,*,Data & AI,400,2020-01-01,"


@pytest.fixture(scope="session")
def finished_demo(session_directory: Path) -> Path:
    """The home of a finished ``tieout demo``, to be copied: no command runs on it any more."""
    home = session_directory / "demo-as-it-ended"
    with _locked(session_directory / "demo.lock"):
        if not demo_result_of(home).exists():
            Hub(home).demo(demo_result_of(home))
    return home


@pytest.fixture(scope="session")
def demo_home(finished_demo: Path, session_directory: Path) -> Path:
    """The home of a finished ``tieout demo``, with its result beside it; for tests that change nothing."""
    home = session_directory / "demo-home"
    with _locked(session_directory / "demo.lock"):
        if not demo_result_of(home).exists():
            copy_home(finished_demo, home)
            demo_result_of(home).write_bytes(demo_result_of(finished_demo).read_bytes())
    return home


@pytest.fixture
def hub(finished_demo: Path, tmp_path: Path) -> Hub:
    """A home of the test's own in which the demo ran."""
    home = tmp_path / "home"
    copy_home(finished_demo, home)
    return Hub(home)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def copy_home(home: Path, copy: Path) -> None:
    """Copy a home on which no command runs, owners kept, as the server wants."""
    subprocess.run(["cp", "-a", str(home), str(copy)], check=True)  # noqa: S607 - keeps owners, as the server wants


def demo_result_of(home: Path) -> Path:
    """Where the result of the demo in ``home`` lies."""
    return home.with_name(home.name + ".json")


@contextmanager
def systems(hub: Hub) -> Iterator[tuple[SimulatorAdmin, SimulatorAdmin]]:
    """The demo's PSA and ERP, running again with what they hold; the firm directory knows where."""
    with _system(hub, PSA) as psa, _system(hub, ERP) as erp:
        for name, process in (("psa", psa), ("erp", erp)):
            _move(hub, name, process)
        hub.does("apply")
        yield psa.admin, erp.admin


@contextmanager
def running(hub: Hub) -> Iterator[Running]:
    """``tieout up`` on the home."""
    with Running(hub, hub.home.with_name("up.log")) as up:
        yield up


def _system(hub: Hub, name: str) -> SimulatorProcess:
    return SimulatorProcess(name, hub.home / "simulators" / name, seed=PLAN.seed)


def _move(hub: Hub, name: str, process: SimulatorProcess) -> None:
    """A system came up on another port: say so in the firm directory, as its operator would."""
    sheet = process.admin.connection()
    path = hub.home / "firm" / "systems" / f"{name}.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        key = line.partition(" = ")[0]
        if key in sheet.settings:
            lines[number] = f'{key} = "{sheet.settings[key]}"'
        if key in sheet.secrets:
            secret = hub.home / "secrets" / f"{name}-{key}"
            secret.write_text(sheet.secrets[key], encoding="utf-8")
            lines[number] = f'{key} = "file:{secret.resolve()}"'
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
