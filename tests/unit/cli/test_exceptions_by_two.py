"""``tieout exceptions`` as two people use it: propose, look, approve or reject; and what one may do alone."""

import msgspec
import pytest
from tests.unit.api.conftest import entry
from tests.unit.cli.conftest import CommandLine, hand_in
from tests.worlds.inbound_database import Hub

from tieout.governance import firm_version


@pytest.fixture
def desk(hub: Hub) -> Hub:
    """Three entries: of a project nobody knows, of too many hours, and one of another person."""
    hand_in(hub, [entry(1, project="P999"), entry(2, hours="75"), entry(3, hours="80", work_date="2026-07-02")])
    return hub


def item(hub: Hub, source_id: str) -> str:
    [(item_id,)] = hub.rows("select item_id from desk_item where source_id = %s", source_id)
    return str(item_id)


def test_corrected_hours_wait_for_a_second_person_and_are_taken_in_then(tieout: CommandLine, desk: Hub) -> None:
    wrong = item(desk, "A2")
    said = tieout("exceptions", "edit", wrong, "--set", "hours=7.5", "--reason", "Typed 75.")
    assert said.out.startswith("Proposal 1: set hours=7.5, 1 item(s). Another person looks and approves:\n")
    desk.work()
    assert ("HOURS_RANGE", "open", "A2") in desk.open_items()
    shown = tieout("exceptions", "proposal", "1").out
    for words in ("edit (open), by auditor", "Reason: Typed 75.", "hours: 7.5", "was.hours: 75", "HOURS_RANGE, US01"):
        assert words in shown
    assert tieout.approves("cleo").startswith("Proposal 1 (edit) is done: items 1.")
    desk.work()
    assert "A2" not in {row[2] for row in desk.open_items()}
    assert "cleo" in tieout("exceptions", "proposal", "1").out
    history = tieout("exceptions", "show", wrong).out
    assert "auditor edit: hours: 75 -> 7.5" in history


def test_words_alone_need_nobody_else(tieout: CommandLine, desk: Hub) -> None:
    said = tieout("exceptions", "edit", item(desk, "A1"), "--set", "narrative=Design review", "--reason", "Clearer.")
    assert said.out == "Done: set narrative=Design review.\n"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("hours", "TIE-CLI-001"),
        ("colour=red", "TIE-CLI-001"),
        ("hours=many", "TIE-DESK-007"),
        ("hours=75", "TIE-DESK-007"),
    ],
)
def test_an_edit_that_cannot_be_is_refused(tieout: CommandLine, desk: Hub, change: str, code: str) -> None:
    said = tieout.refuses("exceptions", "edit", item(desk, "A2"), "--set", change, "--reason", "x")
    assert said.startswith(f"{code} ")
    assert tieout("exceptions", "proposals").out == "Nothing is proposed.\n"


def test_a_mapping_line_becomes_a_version_when_a_second_person_approves(tieout: CommandLine, desk: Hub) -> None:
    line = ("legal_entities", "Acme France", "US01")
    said = tieout("exceptions", "map", *line, "--from", "2026-01-01", "--reason", "A branch.")
    assert said.out.startswith("Proposal 1: map 'Acme France' of legal_entities to 'US01'")
    assert firm_version.current(desk.conn).version == 1
    assert "firm version 2" in tieout.approves("cleo")
    assert {one.source for one in firm_version.current(desk.conn).mappings} == {"Acme US", "Acme DE", "Acme France"}
    again = tieout.refuses("exceptions", "map", *line, "--reason", "A branch.")
    assert again.startswith("TIE-DESK-008 ")
    assert tieout.refuses("exceptions", "map", "colours", "red", "blue", "--reason", "x").startswith("TIE-DESK-008 ")


def test_a_proposal_is_rejected_or_taken_back_and_listed_with_what_became_of_it(
    tieout: CommandLine, desk: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        assert tieout("exceptions", "exclude", "--code", "HOURS_RANGE", "--reason", "Too many.").code == 0
    assert tieout("exceptions", "reject", "1", "--reason", "My mistake.").out == "Proposal 1 is withdrawn.\n"
    monkeypatch.setenv("TIEOUT_ACTOR", "cleo")
    assert tieout("exceptions", "reject", "2", "--reason", "Ask first.").out == "Proposal 2 is rejected.\n"
    listed = tieout("exceptions", "proposals").out.splitlines()
    assert [line.split()[:3] for line in listed] == [["2", "exclude", "rejected"], ["1", "exclude", "withdrawn"]]
    assert tieout("exceptions", "proposals", "--state", "open").out == "Nothing is proposed.\n"
    found = msgspec.json.decode(tieout("exceptions", "proposals", "--kind", "exclude", "--json").json())
    assert [one["content"]["reason"] for one in found] == ["Too many.", "Too many."]
    assert tieout.refuses("exceptions", "approve", "2", "--hash", "0" * 12).startswith("TIE-DESK-006 ")
    assert tieout.refuses("exceptions", "reject", "2", "--reason", "Again.").startswith("TIE-DESK-006 ")
    assert len(desk.open_items()) == 3


def test_the_hash_of_something_else_or_of_too_few_digits_approves_nothing(
    tieout: CommandLine, desk: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tieout("exceptions", "exclude", item(desk, "A1"), "--reason", "A test.").code == 0
    monkeypatch.setenv("TIEOUT_ACTOR", "cleo")
    assert tieout.refuses("exceptions", "approve", "1", "--hash", "0" * 64).startswith("TIE-DESK-005 ")
    seen = tieout("exceptions", "proposal", "1").out.splitlines()[-1].removeprefix("Hash: ")
    assert tieout.refuses("exceptions", "approve", "1", "--hash", seen[:11]).startswith("TIE-DESK-005 ")
    assert tieout.refuses("exceptions", "approve", "9", "--hash", seen).startswith("TIE-DESK-009 ")
    assert tieout.refuses("exceptions", "proposal", "9").startswith("TIE-DESK-009 ")
    assert len(desk.open_items()) == 3


def test_one_person_assigns_and_comments(tieout: CommandLine, desk: Hub) -> None:
    said = tieout("exceptions", "assign", "--to", "ines", "--code", "HOURS_RANGE")
    assert said.out == "2 item(s) assigned to ines.\n"
    one = item(desk, "A2")
    assert tieout("exceptions", "comment", one, "--text", "Asked Ada.").out == "1 item(s) commented on.\n"
    assert tieout("exceptions", "assign", "--to", "", one).out == "1 item(s) assigned to nobody.\n"
    history = tieout("exceptions", "show", one).out
    for words in ("auditor assign: To ines.", "auditor comment: Asked Ada.", "auditor assign: To nobody."):
        assert words in history
    assert tieout.refuses("exceptions", "comment", one, "--text", " ").startswith("TIE-DESK-002 ")
    assert tieout.refuses("exceptions", "comment", "999", "--text", "x").startswith("TIE-DESK-001 ")
