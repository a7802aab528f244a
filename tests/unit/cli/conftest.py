"""The command line called as its user calls it, on a database of the test's own with the small firm of the worlds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.cli.app import main
from tieout.model.firm import FirmConfig
from tieout.storage.pool import connect

REAL_CONNECTORS = {"psa": "kantata", "erp": "netsuite"}


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    def json(self) -> bytes:
        """The one line of JSON that it printed."""
        assert (self.code, self.err) == (0, ""), self
        assert self.out.count("\n") == 1
        return self.out.encode()


class CommandLine:
    """Commands on one home."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        """Call ``tieout`` with ``arguments`` to its end."""
        self._monkeypatch.setattr("sys.argv", ["tieout", *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, printed.out, printed.err)

    def approves(self, person: str, proposal: int = 1) -> str:
        """Let ``person`` look at a proposal and approve it as it is; what was said."""
        self._monkeypatch.setenv("TIEOUT_ACTOR", person)
        seen = self("exceptions", "proposal", str(proposal)).out.splitlines()[-1].removeprefix("Hash: ")
        said = self("exceptions", "approve", str(proposal), "--hash", seen)
        self._monkeypatch.setenv("TIEOUT_ACTOR", "auditor")
        assert (said.code, said.err) == (0, ""), said
        return said.out

    def refuses(self, *arguments: str) -> str:
        """Call a command that cannot be done; what it said."""
        said = self(*arguments)
        assert (said.code, said.out) == (2, ""), said
        first, *_, last = said.err.splitlines()
        assert first.startswith(("TIE-", "x ")), said.err
        assert last.startswith("Next: "), said.err
        return said.err


@pytest.fixture
def tieout(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    monkeypatch.setenv("TIEOUT_DATABASE_URL", database_url)
    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TIEOUT_ACTOR", "auditor")
    monkeypatch.setenv("COLUMNS", "80")
    return CommandLine(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture
def hub(database_url: str) -> Iterator[Hub]:
    """The hub behind the commands, with the firm applied and its masters taken in."""
    with connect(database_url, autocommit=True) as conn:
        opened = Hub(conn)
        opened.open_firm(with_real_connectors(world.firm()))
        yield opened


def with_real_connectors(firm: FirmConfig) -> FirmConfig:
    """The firm of the worlds as a command can read it: by connectors that are installed."""
    systems = [
        msgspec.structs.replace(one, connector=REAL_CONNECTORS.get(one.name, one.connector)) for one in firm.systems
    ]
    return msgspec.structs.replace(firm, systems=tuple(systems))


def hand_in(hub: Hub, entries: Sequence[dict[str, object]]) -> None:
    """Store time entries of the API as it does, and let them be judged."""
    hub.send(msgspec.json.encode({"time_entries": entries}), system="timeapp")
    hub.work()
