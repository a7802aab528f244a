"""The JSON of every command is one line of a documented shape, decimals as text; the words say the same."""

import re
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import typer
from tests.unit.api.conftest import entry
from tests.unit.cli.conftest import CommandLine, hand_in
from tests.worlds.inbound_database import Hub

from tieout.cli.app import app


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A shape that has exactly these fields."""


class Cause(Strict, frozen=True):
    cause_id: int
    code: str
    cause_key: str
    owner: str
    count: int
    items: int
    hours: Decimal
    amount_minor: dict[str, int]
    unpriced_count: int
    oldest: str
    cut_off: str | None
    assigned_count: int
    depends_on: list[str]
    example: str


class Item(Strict, frozen=True):
    item_id: int
    cause_id: int
    code: str
    owner: str
    state: str
    subject_kind: str
    subject_id: int
    system: str | None
    source_id: str | None
    entity: str | None
    assignee: str | None
    document_date: str | None
    hours: Decimal | None
    amount_minor: int | None
    currency: int | None
    new_amount_minor: int | None
    new_currency: int | None
    message: str
    context: dict[str, str]
    opened_at: str
    closed_at: str | None
    cut_off: str | None


class Action(Strict, frozen=True):
    action: str
    actor: str
    reason: str
    taken_at: str


class Shown(Strict, frozen=True):
    item: Item
    history: list[Action]


class Figures(Strict, frozen=True):
    count: int
    hours: Decimal
    amount: Decimal
    unpriced_count: int
    unpriced_hours: Decimal


class Row(Strict, frozen=True):
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


class Apart(Strict, frozen=True):
    exact_repeats: int
    not_approved: int
    superseded: int


class Statement(Strict, frozen=True):
    tie_out: list[Row]
    apart: Apart
    breaks: list[dict[str, str]]
    ledger_breaks: list[dict[str, str]]
    holds: bool


class BucketEntry(Strict, frozen=True):
    side: str
    source_id: str | None
    entry_id: int | None
    message_id: int | None
    item_no: int | None
    count: int
    hours: Decimal
    amount_minor: int | None
    day: str | None
    reference: str | None
    actual_ids: list[int]


class Trace(msgspec.Struct, frozen=True):
    actual_id: int
    kind: str
    amount: Decimal
    currency: str
    hours: Decimal
    price: Decimal
    candidates: list[str]
    agrees: bool
    firm_version: int
    source: str
    reference: str | None


@pytest.fixture
def month(hub: Hub) -> Hub:
    """A good entry, one for a project nobody knows, one that cannot be read, one without a task that is open."""
    hand_in(
        hub,
        [entry(1), entry(2, project="P999", hours="2"), {"source_id": "A3", "hours": "many"}, entry(4, hours="0")],
    )
    return hub


def decimals_are_text(line: bytes) -> None:
    assert not re.search(rb'": ?-?\d+\.\d', line), line


def test_the_causes_of_the_desk(tieout: CommandLine, month: Hub) -> None:
    line = tieout("exceptions", "list", "--json").json()
    decimals_are_text(line)
    causes = {one.code: one for one in msgspec.json.decode(line, type=list[Cause])}
    assert {"PROJECT_UNKNOWN", "SCHEMA_INVALID"} <= causes.keys(), causes.keys()
    assert sum(one.count for one in causes.values()) == len(month.open_items())
    owners = {one.owner for one in causes.values()}
    for owner in owners:
        chosen = msgspec.json.decode(tieout("exceptions", "list", "--json", "--owner", owner).json(), type=list[Cause])
        assert {one.owner for one in chosen} == {owner}
    [one] = msgspec.json.decode(
        tieout("exceptions", "list", "--json", "--code", "SCHEMA_INVALID").json(), type=list[Cause]
    )
    assert one.code == "SCHEMA_INVALID"


def test_the_items_of_a_cause_and_the_history_of_one(tieout: CommandLine, month: Hub) -> None:
    [(item, cause)] = month.rows("select item_id, cause_id from desk_item where source_id = 'A2'")
    [listed] = msgspec.json.decode(
        tieout("exceptions", "list", "--json", "--cause", str(cause)).json(), type=list[Item]
    )
    assert (listed.item_id, listed.source_id, listed.hours) == (item, "A2", Decimal(2))
    done = tieout("exceptions", "exclude", str(item), "--reason", "an [internal] test")
    assert done.code == 0
    assert tieout.approves("cleo").startswith("Proposal 1 (exclude) is done")
    line = tieout("exceptions", "show", str(item), "--json").json()
    decimals_are_text(line)
    shown = msgspec.json.decode(line, type=Shown)
    assert shown.item.state == "excluded"
    assert ("cleo", "an [internal] test") in {(one.actor, one.reason) for one in shown.history}
    words = tieout("exceptions", "show", str(item)).out
    for part in (f"Item {item}: ", "source A2", "2.00 h", "Next: ", "auditor", "an [internal] test"):
        assert part in words
    assert tieout("exceptions", "list", "--cause", str(cause)).out == "Nothing is held.\n"
    assert tieout("exceptions", "list", "--cause", str(cause), "--json").out == "[]\n"


def test_the_statement_and_the_entries_behind_its_figures(tieout: CommandLine, month: Hub) -> None:
    line = tieout("tie-out", "--json").json()
    decimals_are_text(line)
    statement = msgspec.json.decode(line, type=Statement)
    assert statement.holds
    assert sum(row.taken_in.count for row in statement.tie_out) == 4
    [row] = [one for one in statement.tie_out if one.entity == "US01"]
    where = ("--entity", row.entity, "--period", row.period, "--currency", row.currency)
    behind = tieout("tie-out", "--json", "--bucket", "in_progress", *where).json()
    decimals_are_text(behind)
    [one] = msgspec.json.decode(behind, type=list[BucketEntry])
    assert (one.source_id, one.hours, one.amount_minor) == ("A1", Decimal("7.5"), 150000)
    listed = tieout("tie-out", "--bucket", "in_progress", *where).out.splitlines()
    assert listed[0].split() == ["Source", "Day", "Hours", "Amount", "Message", "Actuals", "Reference"]
    assert listed[1].split()[:4] == ["A1", "2026-07-01", "7.50", "1,500.00"]
    for actual in one.actual_ids:
        assert str(actual) in listed[1]
    words = tieout("tie-out").out
    assert "Tied out." in words
    assert "1,500.00" in words
    assert month.rows("select count(*) from time_entry where disposition = 1") == [(1,)]


def test_how_an_amount_came_about(tieout: CommandLine, month: Hub) -> None:
    cost, sale = [int(str(row[0])) for row in month.rows("select actual_id from actual order by actual_id")]
    trace = msgspec.json.decode(tieout("explain", "actual", str(sale), "--json").json(), type=Trace)
    assert (trace.actual_id, trace.amount, trace.currency, trace.agrees) == (sale, Decimal(1500), "USD", True)
    words = tieout("explain", "actual", str(sale)).out
    assert "1500.00 USD" in words
    assert "7.50 h at 200.00 on project P100" in words
    assert "000000" not in words
    assert "cost of 600.00 USD" in tieout("explain", "actual", str(cost)).out


def test_a_statement_that_does_not_hold_says_no_by_its_exit_code(tieout: CommandLine, month: Hub) -> None:
    month.rows("update actual set amount_minor = amount_minor + 1 where actual_id %% 8 = 1 returning actual_id")
    said = tieout("tie-out")
    assert said.code == 1
    assert "Does not tie out." in said.out
    said = tieout("tie-out", "--json")
    assert said.code == 1
    assert not msgspec.json.decode(said.out, type=Statement).holds


def test_a_key_is_printed_alone_so_that_a_script_can_take_it(tieout: CommandLine, hub: Hub) -> None:
    said = tieout("key", "create", "--system", "timeapp", "--name", "time app")
    assert re.fullmatch(r"tieout_[\w-]{40,}\n", said.out)
    assert hub.rows("select name, system from api_key") == [("time app", "timeapp")]
    assert said.out.strip().encode() not in bytes(hub.rows("select digest from api_key")[0][0])  # type: ignore[call-overload]  # untyped rows


def test_a_firm_is_checked_applied_once_and_its_name_printed_as_it_is(tieout: CommandLine, tmp_path: Path) -> None:
    firm = tmp_path / "firm"
    (firm / "systems").mkdir(parents=True)
    (firm / "policies").mkdir()
    (firm / "tieout.toml").write_text('name = "Acme [EU]"\n')
    (firm / "systems" / "timeapp.toml").write_text('connector = "api"\naccount = "timeapp"\nenvironment = "sandbox"\n')
    checked = tieout("check", "--firm", str(firm))
    assert checked.out.startswith("Acme [EU]: 1 systems, ")
    assert "No mistakes." in " ".join(checked.out.split())
    assert tieout("apply", "--firm", str(firm)).out == "Version 1 holds now. No exception depends on it.\n"
    assert tieout("apply", "--firm", str(firm)).out == "Version 1 holds already: nothing has changed.\n"


def commands() -> dict[str, tuple[str, ...]]:
    """Every command, by its words."""
    found: dict[str, tuple[str, ...]] = {}

    def walk(words: tuple[str, ...], command: object) -> None:
        names = getattr(command, "list_commands", None)
        found[" ".join(words) or "tieout"] = words
        for name in names(None) if names else ():
            walk((*words, name), command.get_command(None, name))  # type: ignore[attr-defined]  # a group has it

    walk((), typer.main.get_command(app))
    return found


@pytest.mark.parametrize("words", commands().values(), ids=commands())
def test_every_command_has_a_help_that_says_what_it_does(tieout: CommandLine, words: tuple[str, ...]) -> None:
    said = tieout(*words, "--help")
    assert said.code == 0
    assert "Usage: " in said.out
    assert "--install-completion" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert not tieout.home.exists()


def test_the_connectors_that_are_installed_are_listed_with_what_was_proven_of_them(tieout: CommandLine) -> None:
    said = " ".join(tieout("connector", "list").out.split())
    for word in ("kantata", "netsuite", "tryton", "post_journal"):
        assert word in said
