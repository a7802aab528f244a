"""Every booking opens down to the versions and messages that it came from."""

from datetime import date
from decimal import Decimal

import pytest
from tests.worlds.inbound_database import Hub
from tests.worlds.inbound_plan import assignment, time_off

from tieout.errors import ConfigurationError
from tieout.inbound.bookings_explanation import explain_fact
from tieout.model.reported import ReportedBooking, ReportedLeave


def test_an_assignment_is_explained_by_all_that_was_told_of_it(hub: Hub) -> None:
    hub.plan(assignment(version=2, role="r1"))
    hub.plan(assignment(version=1, person="bob"))
    hub.plan(assignment(version=3, hours_per_day=None, percent=Decimal(50), task="gone"))
    found = explain_fact(hub.conn, "assignment", "psa", "b1")
    booking = hub.rows("select booking_id from booking")[0][0]
    assert [(one.version, one.fate, one.stands) for one in found.versions] == [
        (3, "accepted", True),
        (2, "accepted", False),
        (1, "came after a newer version", False),
    ]
    assert found.plan_id == booking
    lines = found.lines()
    assert lines[:3] == [
        f"assignment b1 of psa: in the plan as number {booking}",
        "version 3, accepted, stands",
        "  hard: Ada on P100, 2026-09-07 to 2026-09-11, 50 % of the capacity",
    ]
    assert (
        "  TASK_UNKNOWN: Assignment b1 of psa names task 'gone', which is not known as a task of project P100." in lines
    )
    assert "  hard: Ada on P100, task Design, as Senior, 2026-09-07 to 2026-09-11, 8 h a day" in lines
    assert any(
        line.startswith(f"  message {found.versions[0].message_id} item 0 by test, received 2026-") for line in lines
    )


def test_what_is_held_names_its_item_and_what_is_unknown(hub: Hub) -> None:
    hub.plan(assignment(person="eve", state=ReportedBooking.SOFT), time_off(person="eve"))
    items = [row[0] for row in hub.rows("select item_id from desk_item order by subject_kind")]
    for kind, item in zip(("assignment", "time_off"), items, strict=True):
        found = explain_fact(hub.conn, kind, "psa", "b1" if kind == "assignment" else "t1")
        assert (found.plan_id, found.versions[0].fate, found.versions[0].desk_item) == (None, "held", item)
        assert found.lines()[-1] == f"  waits as item {item} on the desk"


def test_an_absence_says_its_kind_and_its_hours(hub: Hub) -> None:
    hub.plan(time_off(kind="vacation"))
    hub.plan(time_off(version=2, hours_by_day={date(2026, 9, 7): Decimal("7.5"), date(2026, 9, 8): Decimal(4)}))
    hub.plan(time_off(version=3, state=ReportedLeave.REJECTED))
    lines = explain_fact(hub.conn, "time_off", "psa", "t1").lines()
    assert lines[0] == "absence t1 of psa: not in the plan"
    assert "  approved: Ada, vacation, 2026-09-07 to 2026-09-11, whole days" in lines
    assert "  approved: Ada, leave, 2026-09-07 to 2026-09-11, 11.5 h on 2 days" in lines
    assert "version 3, ended, stands" in lines


@pytest.mark.parametrize(("kind", "system", "key"), [("assignment", "psa", "b9"), ("time_off", "nowhere", "t1")])
def test_what_no_system_ever_told_is_not_known(hub: Hub, kind: str, system: str, key: str) -> None:
    hub.plan(assignment(), time_off())
    with pytest.raises(ConfigurationError, match=f"{key} of {system} is known"):
        explain_fact(hub.conn, kind, system, key)
