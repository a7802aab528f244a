"""Assignments and absences as people see them: held ones on the desk, and what a booking came from."""

import msgspec
from tests.unit.cli.conftest import CommandLine
from tests.worlds.inbound_database import Hub
from tests.worlds.inbound_plan import assignment, time_off

from tieout.inbound.bookings_explanation import FactExplanation


def test_a_held_assignment_is_listed_and_shown_without_a_price_that_it_never_has(tieout: CommandLine, hub: Hub) -> None:
    hub.plan(assignment(person="eve"), time_off(person="eve"))
    [(assigned, cause)] = hub.rows("select item_id, cause_id from desk_item where subject_kind = 'assignment'")
    causes = tieout("exceptions", "list").out
    assert "PERSON_UNKNOWN" in causes
    assert "At stake" not in causes
    items = tieout("exceptions", "list", "--cause", str(cause)).out
    for part in ("b1", "t1", "2026-09-07", "Assignment b1 of psa names person 'eve', who is not known."):
        assert part in items
    words = tieout("exceptions", "show", str(assigned)).out
    assert "  assignment, source b1, 2026-09-07\n" in words
    assert "unpriced" not in words
    assert "owner resource_management" in words


def test_an_assignment_that_cannot_be_is_excluded_or_corrected_in_its_source(tieout: CommandLine, hub: Hub) -> None:
    hub.plan(assignment(time_zone="Europe/Nowhere"))
    [(item,)] = hub.rows("select item_id from desk_item")
    assert (
        "Correct what is named of the assignment or absence, in its source."
        in tieout("exceptions", "show", str(item)).out
    )
    assert tieout("exceptions", "retry", str(item)).out == "1 item(s) released.\n"
    hub.work()
    assert hub.open_items() == [("BOOKING_INVALID", "open", "b1")]
    assert tieout("exceptions", "exclude", str(item), "--reason", "A test of the vendor.").code == 0
    assert tieout.approves("cleo").startswith("Proposal 1 (exclude) is done")
    assert hub.open_items() == []


def test_a_booking_and_an_absence_are_explained(tieout: CommandLine, hub: Hub) -> None:
    hub.plan(assignment(), time_off())
    hub.plan(assignment(version=2, person="bob"))
    found = msgspec.json.decode(tieout("explain", "assignment", "psa", "b1", "--json").json(), type=FactExplanation)
    assert [(one.version, one.person, one.stands) for one in found.versions] == [(2, "Bob", True), (1, "Ada", False)]
    words = tieout("explain", "assignment", "psa", "b1").out
    assert f"assignment b1 of psa: in the plan as number {found.plan_id}\n" in words
    assert "hard: Bob on P100, task Design, 2026-09-07 to 2026-09-11, 8 h a day" in words
    assert "approved: Ada, leave, 2026-09-07 to 2026-09-11, whole days" in tieout("explain", "absence", "psa", "t1").out


def test_what_was_never_told_is_said_to_be_unknown(tieout: CommandLine, hub: Hub) -> None:
    hub.plan(assignment())
    assert "TIE-RECORD-003" in tieout.refuses("explain", "absence", "psa", "b1")
    assert "No assignment b9 of psa is known." in tieout.refuses("explain", "assignment", "psa", "b9")
