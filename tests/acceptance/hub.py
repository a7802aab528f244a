"""A hub as its user has it: a home directory and the commands. Nothing reaches past command line and API."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Self

import httpx
import msgspec

from tieout.sample.surroundings import DemoPlan

TIEOUT = str(Path(sys.executable).parent / "tieout")
PLAN = DemoPlan(size="small", seed=1, faults=0.0, erp="netsuite")
_COMMAND_WITHIN_S = 240
_WORDS_WITHIN_S = 60.0
_SHUT_WITHIN_S = 30


class Figures(msgspec.Struct, frozen=True):
    """One bucket of a row."""

    count: int
    hours: Decimal
    amount: Decimal
    unpriced_count: int
    unpriced_hours: Decimal


class Row(msgspec.Struct, frozen=True):
    """One row of the statement."""

    entity: str
    period: str
    currency: str
    taken_in: Figures
    posted: Figures
    in_exception: Figures
    in_doubt: Figures
    excluded: Figures
    in_progress: Figures
    holds: bool


class LedgerBreak(msgspec.Struct, frozen=True):
    """A difference between books and ledger."""

    kind: str
    reference: str
    message: str


class Statement(msgspec.Struct, frozen=True):
    """What ``tie-out --json`` prints."""

    tie_out: list[Row]
    ledger_breaks: list[LedgerBreak]
    holds: bool

    def total(self, side: str) -> int:
        """Entries of a bucket over all rows."""
        return sum(figures(row, side).count for row in self.tie_out)

    def row(self, entity: str, period: str, currency: str) -> Row:
        """The one row of these books."""
        return next(one for one in self.tie_out if (one.entity, one.period, one.currency) == (entity, period, currency))


class Cause(msgspec.Struct, frozen=True):
    """What ``exceptions list --json`` prints of a cause."""

    cause_id: int
    code: str
    owner: str
    count: int
    hours: Decimal


class Item(msgspec.Struct, frozen=True):
    """What ``exceptions list --cause N --json`` prints of an item."""

    item_id: int
    code: str
    state: str
    source_id: str | None
    hours: Decimal | None
    amount_minor: int | None
    message: str
    context: dict[str, str]


class Action(msgspec.Struct, frozen=True):
    """One line of an item's history."""

    action: str
    actor: str
    reason: str


class Shown(msgspec.Struct, frozen=True):
    """What ``exceptions show --json`` prints."""

    item: Item
    history: list[Action]


class Entry(msgspec.Struct, frozen=True):
    """What ``tie-out --bucket`` prints of an entry."""

    source_id: str | None
    entry_id: int | None
    message_id: int | None
    hours: Decimal
    amount_minor: int | None
    reference: str | None
    actual_ids: list[int]


def figures(row: Row, side: str) -> Figures:
    """The bucket ``side`` of a row."""
    found = getattr(row, side)
    assert isinstance(found, Figures)
    return found


class Hub:
    """The commands on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *arguments: str, by: str = "auditor") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, as the person ``by``."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TIEOUT_")}
        return subprocess.run(
            [TIEOUT, *arguments, "--home", str(self.home)],
            check=False,
            capture_output=True,
            text=True,
            timeout=_COMMAND_WITHIN_S,
            env={**environment, "TIEOUT_ACTOR": by, "COLUMNS": "80"},
        )

    def does(self, *arguments: str, by: str = "auditor") -> str:
        """Run a command that must succeed; what it printed."""
        done = self.run(*arguments, by=by)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refuses(self, *arguments: str) -> str:
        """Run a command that must be refused in words, with a code and a next step; what it said."""
        done = self.run(*arguments)
        assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        assert "TIE-" in done.stderr, done.stderr
        assert "Next: " in done.stderr, done.stderr
        return done.stderr

    def approves(self, proposed: str, *, by: str) -> str:
        """Let ``by`` look at what a command proposed and approve it as it printed; what was said."""
        looks, approves = [shlex.split(line) for line in proposed.splitlines() if line.startswith("  ")]
        number = looks[looks.index("proposal") + 1]
        assert "Hash: " in self.does("exceptions", "proposal", number, by=by)
        return self.does(*approves[approves.index("exceptions") :][:5], by=by)

    def statement(self, *arguments: str) -> Statement:
        """The tie-out; its exit code has to say the same as its figures."""
        done = self.run("tie-out", "--json", *arguments)
        assert done.stdout, done.stderr
        found = msgspec.json.decode(done.stdout, type=Statement)
        assert done.returncode == (0 if found.holds else 1)
        return found

    def causes(self, code: str | None = None) -> list[Cause]:
        """Root causes, of one code or all."""
        chosen = () if code is None else ("--code", code)
        return msgspec.json.decode(self.does("exceptions", "list", "--json", *chosen), type=list[Cause])

    def items(self, cause_id: int) -> list[Item]:
        """Items of a cause."""
        printed = self.does("exceptions", "list", "--json", "--cause", str(cause_id))
        return msgspec.json.decode(printed, type=list[Item])

    def show(self, item_id: int) -> Shown:
        """One item with its history."""
        return msgspec.json.decode(self.does("exceptions", "show", str(item_id), "--json"), type=Shown)

    def entries(self, row: Row, side: str) -> list[Entry]:
        """The entries behind a figure."""
        printed = self.does(
            "tie-out",
            *("--json", "--bucket", side),
            *("--entity", row.entity, "--period", row.period, "--currency", row.currency),
        )
        return msgspec.json.decode(printed, type=list[Entry])

    def demo(self, result: Path) -> None:
        """Run the small demo of a month of time and write its result."""
        self.does("demo", "--stream", "time-to-bill", "--json", str(result))

    def append(self, file: str, *lines: str) -> None:
        """Add lines to a file of the firm directory."""
        with (self.home / "firm" / file).open("a", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in lines)

    def write(self, file: str, *lines: str) -> None:
        """Write a file of the firm directory."""
        (self.home / "firm" / file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


class Running:
    """``tieout up`` on a home, in a process group of its own. A context manager; ends in order unless it was killed."""

    def __init__(self, hub: Hub, log: Path) -> None:
        self.hub = hub
        self.port = free_port()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_SHUT_WITHIN_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [TIEOUT, "up", "--port", str(self.port), "--home", str(self.hub.home)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._ready, "the hub is ready")

    def kill_everything(self) -> None:
        """``kill -9`` of the whole process group, PostgreSQL included."""
        process, self._process = self._process, None
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_postgres(self) -> None:
        """``kill -9`` of the database server under the running hub."""
        pid_file = next(self.hub.home.rglob("postmaster.pid"))
        os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self.client.get("/ready").status_code == 200
        except httpx.TransportError:
            return False


def wait_for(condition: Callable[[], bool], what: str, *, within_s: float = _WORDS_WITHIN_S) -> None:
    """Wait until ``condition``; fails with ``what`` did not come."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, f"not within {within_s} s: {what}"
        time.sleep(0.5)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def time_entry(number: int, *, person: str, project: str, **changes: object) -> dict[str, object]:
    """A good approved time entry of a program."""
    return {
        "source_id": f"A{number}",
        "version": 1,
        "state": "approved",
        "person": person,
        "project": project,
        "task": "Delivery",
        "work_date": f"2026-11-{2 + number % 5:02d}",
        "hours": "0.25",
        "billable": True,
        "narrative": f"Work item {number}, told apart by its words {number * 7919}",
        "approved_by": "boss@northwind.example",
        "approved_at": "2026-11-09T10:00:00Z",
        **changes,
    }


def batch(entries: Sequence[dict[str, object]]) -> bytes:
    """A batch as a program sends it."""
    return msgspec.json.encode({"time_entries": entries})
