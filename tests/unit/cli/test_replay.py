"""``tieout replay``: what would change, who decides, and how far it is."""

import re

import msgspec
from tests.unit.api.conftest import entry
from tests.unit.cli.conftest import CommandLine, hand_in
from tests.worlds.inbound_database import Hub

from tieout.governance import firm_version
from tieout.replay import running
from tieout.replay.dry_run import DryRun
from tieout.runtime.worker import contexts

CHOICE = ("--worked-from", "2026-07-01", "--worked-until", "2026-08-01", "--firm-version", "2")


def two_versions(hub: Hub) -> None:
    """An entry of 7.4 hours that version 1 and 3 hold and version 2 accepts."""
    hand_in(hub, [entry(1, hours="7.4")])
    first = firm_version.current(hub.conn)
    policies = tuple(msgspec.structs.replace(one, increment_minutes=1) for one in first.policies)
    hub.apply(msgspec.structs.replace(first, policies=policies, name="v2"))
    hub.apply(msgspec.structs.replace(first, name="v3"))


def test_a_replay_is_planned_proposed_approved_by_another_person_and_done(tieout: CommandLine, hub: Hub) -> None:
    two_versions(hub)
    planned = msgspec.json.decode(tieout("replay", "plan", *CHOICE, "--json").json(), type=DryRun)
    assert (planned.entry_count, planned.changed_count, planned.held_before) == (1, 1, {"INCREMENT": 1})
    words = tieout("replay", "plan", *CHOICE).out
    assert "US01: +1 entries, +7.40 h, +1,480.00 USD" in words
    assert "INCREMENT: 1 held now, 0 then" in words
    proposed = tieout("replay", "propose", *CHOICE, "--reason", "Quarters are no rule of ours.").out
    number, digits = re.search(r"approve (\d+) --hash (\w{12})", proposed).groups()  # type: ignore[union-attr]  # it is there
    assert tieout.refuses("replay", "approve", number, "--hash", digits).startswith("TIE-DESK-004 ")
    assert tieout.approves("cleo", int(number)).startswith("Proposal 1 (replay) is approved")
    assert "approved" in tieout("replay", "status").out
    while running.advance(hub.conn, contexts(hub.conn).inbound):
        pass
    assert "done" in tieout("replay", "status", number).out
    assert hub.open_items() == []
    assert tieout("replay", "plan", *CHOICE).out.splitlines()[-1] == "  Nothing changes in the ledger."


def test_what_cannot_be_replayed_is_said_with_its_code(tieout: CommandLine, hub: Hub) -> None:
    two_versions(hub)
    assert tieout("replay", "status").out == "Nothing was ever replayed.\n"
    assert tieout.refuses("replay", "plan").startswith("TIE-REPLAY-001 ")
    assert tieout.refuses("replay", "plan", "--system", "psa", "--firm-version", "9").startswith("TIE-FIRM-002 ")
    assert tieout.refuses("replay", "plan", "--received-from", "noon").startswith("TIE-CLI-001 ")
    assert tieout.refuses("replay", "status", "7").startswith("TIE-DESK-009 ")
    nothing = ("replay", "propose", "--system", "nowhere", "--reason", "x")
    assert tieout.refuses(*nothing).startswith("TIE-REPLAY-002 ")
