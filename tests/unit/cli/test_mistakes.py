"""Whatever a user gets wrong is answered with what it is, a stable code and what to do next."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.api.conftest import entry
from tests.unit.cli.conftest import CommandLine, hand_in
from tests.worlds.inbound_database import Hub

from tieout.cli import app as command_line
from tieout.cli.output import Words, command_on
from tieout.errors import InvariantError, TransientError

MISUSES = (
    ("nonsense",),
    ("--nonsense",),
    ("tie-out", "--nonsense"),
    ("tie-out", "a-word-too-many"),
    ("demo", "--size", "huge"),
    ("demo", "--erp", "abacus"),
    ("demo", "--faults", "0.6"),
    ("demo", "--faults", "many"),
    ("demo", "--seed", "one"),
    ("demo", "--json", "no-such-directory/result.json"),
    ("up", "--port", "0"),
    ("up", "--port", "65536"),
    ("up", "--workers", "0"),
    ("exceptions", "list", "--owner", "nobody"),
    ("exceptions", "list", "--code", "NOPE"),
    ("exceptions", "list", "--cause", "first"),
    ("exceptions", "show"),
    ("exceptions", "show", "abc"),
    ("exceptions", "retry", "abc"),
    ("exceptions", "exclude", "1"),
    ("explain", "actual"),
    ("explain", "actual", "abc"),
    ("key", "create"),
    ("connector", "test"),
    ("tie-out", "--home", ""),
)


@pytest.mark.parametrize("arguments", MISUSES, ids=" ".join)
def test_a_command_line_that_cannot_be_understood_is_answered_without_touching_anything(
    tieout: CommandLine, arguments: tuple[str, ...]
) -> None:
    assert tieout.refuses(*arguments).startswith("TIE-CLI-001 ")
    assert not tieout.home.exists()


REFUSALS = {
    ("exceptions", "show", "999999"): "TIE-DESK-001",
    ("exceptions", "show", "99999999999999999999"): "TIE-DESK-001",
    ("exceptions", "retry"): "TIE-DESK-001",
    ("exceptions", "retry", "999999"): "TIE-DESK-001",
    ("exceptions", "retry", "--cause", "999999"): "TIE-DESK-001",
    ("exceptions", "retry", "--code", "RATE_EXPIRED"): "TIE-DESK-001",
    ("exceptions", "exclude", "999999", "--reason", "gone"): "TIE-DESK-001",
    ("exceptions", "list", "--cause", "999999"): "TIE-DESK-001",
    ("explain", "actual", "1"): "TIE-LEDGER-001",
    ("explain", "actual", "7"): "TIE-LEDGER-001",
    ("explain", "actual", "99999999999999999999"): "TIE-LEDGER-001",
    ("key", "create", "--system", "nope"): "TIE-API-001",
    ("key", "create", "--system", "psa"): "TIE-API-001",
    ("tie-out", "--entity", "XX99"): "TIE-TIEOUT-002",
    ("tie-out", "--period", "1999-01"): "TIE-TIEOUT-002",
    ("tie-out", "--bucket", "posted"): "TIE-CLI-001",
    ("tie-out", "--bucket", "nope", "--entity", "US01", "--period", "2026-07", "--currency", "USD"): "TIE-CLI-001",
    ("check",): "TIE-FIRM-003",
    ("apply",): "TIE-FIRM-003",
    ("check", "--firm", "no-such-directory"): "TIE-FIRM-003",
    ("connector", "test", "nope"): "TIE-CONNECT-001",
}


@pytest.mark.parametrize(("arguments", "code"), REFUSALS.items(), ids=map(" ".join, REFUSALS))
def test_what_is_not_there_is_said_with_its_code(
    tieout: CommandLine, hub: Hub, arguments: tuple[str, ...], code: str
) -> None:
    assert hub.rows("select count(*) from firm_version") == [(1,)]
    assert tieout.refuses(*arguments).startswith(f"{code} ")


@pytest.mark.parametrize(
    "arguments", [("tie-out",), ("key", "create", "--system", "timeapp"), ("tie-out", "--verify")], ids=" ".join
)
def test_before_a_firm_was_applied_its_user_is_told_to_apply_one(
    tieout: CommandLine, arguments: tuple[str, ...]
) -> None:
    said = tieout.refuses(*arguments)
    assert said.startswith("TIE-FIRM-001 ")
    assert "tieout apply" in said


def test_an_exclusion_needs_a_reason_and_a_refused_one_changes_nothing(tieout: CommandLine, hub: Hub) -> None:
    hand_in(hub, [entry(1, project="P999")])
    [(item, state)] = hub.rows("select item_id, state from desk_item")
    assert tieout.refuses("exceptions", "exclude", str(item), "--reason", "  ").startswith("TIE-DESK-002 ")
    assert hub.rows("select state from desk_item") == [(state,)]


def test_a_firm_directory_with_mistakes_is_answered_with_all_of_them_by_their_line(
    tieout: CommandLine, tmp_path: Path
) -> None:
    firm = tmp_path / "firm"
    (firm / "mappings").mkdir(parents=True)
    (firm / "tieout.toml").write_text("name = ")
    (firm / "fx.csv").write_text("day,base,quote,rate\n2026-01-01,EUR,USD,0\n")
    (firm / "mappings" / "department.csv").write_text("system,colour\n*,red\n")
    for command in ("check", "apply"):
        *mistakes, words, _ = tieout.refuses(command, "--firm", str(firm)).splitlines()
        places = [one.split(": ")[0] for one in mistakes]
        assert {"x tieout.toml", "x fx.csv:2", "x mappings/department.csv:1"} <= set(places)
        assert words == f"TIE-FIRM-005 {len(mistakes)} mistake(s); nothing was changed."


def test_a_database_that_does_not_answer_is_said_in_words(
    tieout: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIEOUT_DATABASE_URL", f"host={tmp_path} dbname=nothing")
    assert tieout.refuses("exceptions", "list").startswith("TIE-STORE-001 ")
    monkeypatch.setenv("TIEOUT_DATABASE_URL", "hub:opensesame@db.example/hub")
    said = tieout.refuses("exceptions", "list")
    assert said.startswith("TIE-STORE-001 ")
    assert "opensesame" not in said


def _raising(error: BaseException) -> Callable[..., object]:
    def command(*_: object, **__: object) -> object:
        raise error

    return command


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_file_that_the_operating_system_refuses_is_named(
    tieout: CommandLine, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(command_line, "app", _raising(OSError(number, os.strerror(number), "/srv/firm/x.toml")))
    said = tieout.refuses("check")
    assert said.startswith("TIE-CLI-002 /srv/firm/x.toml: ")
    assert os.strerror(number) in said


def test_an_error_that_nobody_foresaw_keeps_its_trace(tieout: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (ValueError("a defect"), OSError(errno.EBADF, "a defect"), ExceptionGroup("x", [ValueError("y")])):
        monkeypatch.setattr(command_line, "app", _raising(error))
        with pytest.raises(type(error)):
            tieout("check")


def test_of_errors_that_came_together_each_is_explained(tieout: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    together = ExceptionGroup(
        "tasks",
        [
            TransientError(code="TIE-STORE-001", message="gone"),
            ExceptionGroup("more", [InvariantError(code="TIE-STORE-010", message="twice")]),
        ],
    )
    monkeypatch.setattr(command_line, "app", _raising(together))
    said = tieout.refuses("up")
    assert [line.split()[0] for line in said.splitlines()] == ["TIE-STORE-001", "Next:", "TIE-STORE-010", "Next:"]


def test_an_interrupt_is_said_and_has_the_exit_code_of_one(
    tieout: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer in (_raising(KeyboardInterrupt()), lambda **_: 130):
        monkeypatch.setattr(command_line, "app", answer)
        said = tieout("demo")
        assert (said.code, said.out) == (130, "")
        assert said.err.startswith("Stopped.")


READER_HAS_ENOUGH = """
import sys
from tieout.cli.output import Words, print_json
for number in range(20_000):
    {statement}
sys.exit(7)
"""


@pytest.mark.parametrize("statement", ['print_json({"number": number})', 'words.print("a line")'])
def test_a_reader_that_has_enough_changes_no_exit_code_and_is_not_complained_about(statement: str) -> None:
    program = READER_HAS_ENOUGH.format(statement=statement).replace("for number", "words = Words()\nfor number")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        assert writer.stdout.readline()
        writer.stdout.close()
        assert (writer.stderr.read(), writer.wait(timeout=60)) == (b"", 7)


def test_what_stands_in_brackets_is_printed_and_no_style(capsys: pytest.CaptureFixture[str]) -> None:
    Words(whole=True).print("Add the account number to [accounts]; [red]this[/red] is text")
    assert capsys.readouterr().out == "Add the account number to [accounts]; [red]this[/red] is text\n"


@pytest.mark.parametrize(
    ("home", "usual", "words"),
    [
        (".tieout", None, "check"),
        ("/srv/hub", None, "check --home /srv/hub"),
        ("/srv/hub", "/srv/hub", "check"),
        (".tieout", "/srv/hub", "check --home .tieout"),
        ("a home", None, "check --home 'a home'"),
    ],
)
def test_a_command_to_copy_is_called_as_this_one_was_on_the_same_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str, usual: str | None, words: str
) -> None:
    program = tmp_path / "bin" / "tieout"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.delenv("TIEOUT_HOME", raising=False)
    if usual is not None:
        monkeypatch.setenv("TIEOUT_HOME", usual)
    for path, place, called in (
        (str(program.parent), tmp_path, "tieout"),
        ("/nowhere", tmp_path, "bin/tieout"),
        ("/nowhere", Path("/"), None),
    ):
        monkeypatch.setenv("PATH", path)
        monkeypatch.chdir(place)
        monkeypatch.setattr("sys.argv", [str(program)])
        expected = called if called is not None else str(program).removeprefix("/")
        assert command_on(Path(home), "check") == f"{expected} {words}"
