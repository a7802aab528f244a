"""What holds an assignment or an absence back, what is only noted, and what a clock change has to do with it."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_plan import ENDS, STARTS, assignment, judged, time_off

from tieout.inbound.bookings_reading import FactArrival, Outcome, normalize_facts
from tieout.model.firm import ConflictPolicy, OwnershipRule
from tieout.model.reported import ReportedAssignment, ReportedBooking, ReportedLeave, ReportedTimeOff


def codes(one: ReportedAssignment | ReportedTimeOff) -> list[tuple[str, bool]]:
    return [(found.code, found.blocks) for found in judged(one).findings]


def held_for(one: ReportedAssignment | ReportedTimeOff) -> str:
    """The words of the finding that says that ``one`` cannot be."""
    reading = judged(one)
    assert [found.code for found in reading.findings] == ["BOOKING_INVALID"]
    assert reading.disposition == Outcome.HELD
    return reading.findings[0].message


def test_a_good_assignment_is_accepted_with_the_golden_ids_of_its_keys() -> None:
    reading = judged(assignment())
    assert (reading.disposition, reading.findings) == (Outcome.ACCEPTED, ())
    assert reading.golden_ids == (world.ADA, world.P100, world.DESIGN, None)


def test_the_role_of_an_assignment_is_what_it_names_itself() -> None:
    assert judged(assignment()).golden_ids[3] is None
    assert judged(assignment(role="r1")).golden_ids[3] == world.SENIOR


def test_an_assignment_of_a_role_that_nobody_fills_yet_is_accepted() -> None:
    reading = judged(assignment(person=None, role="r1"))
    assert (reading.disposition, reading.resource_id) == (Outcome.ACCEPTED, None)


def test_unknown_person_and_project_hold_an_assignment_until_they_are_reported() -> None:
    reading = judged(assignment(person="eve", project="p9"))
    assert [(one.code, one.depends_on) for one in reading.findings] == [
        ("PROJECT_UNKNOWN", ("record:project:psa:p9",)),
        ("PERSON_UNKNOWN", ("record:resource:psa:eve",)),
    ]
    assert reading.disposition == Outcome.HELD


def test_unknown_person_holds_an_absence() -> None:
    assert codes(time_off(person="eve")) == [("PERSON_UNKNOWN", True)]


def test_unknown_task_and_role_are_noted_and_the_hours_count() -> None:
    one = assignment(task="nothing", role="nobody")
    assert codes(one) == [("TASK_UNKNOWN", False), ("DIMENSION_MISSING", False)]
    assert judged(one).disposition == Outcome.ACCEPTED


def test_a_task_of_another_project_is_none_of_this_one() -> None:
    reading = judged(assignment(task="other"))
    assert [one.code for one in reading.findings] == ["TASK_UNKNOWN"]
    assert reading.golden_ids[2] is None


@pytest.mark.parametrize("noun", ["assignment", "time_off"])
def test_only_the_owning_system_may_tell(noun: str) -> None:
    rule = OwnershipRule(object=noun, fields=("*",), system="erp", steward="resource_management")
    firm = msgspec.structs.replace(world.firm(), ownership=(rule,))
    one = assignment() if noun == "assignment" else time_off()
    reading = judged(one, world.context(firm))
    assert [(found.code, found.context, found.depends_on) for found in reading.findings] == [
        ("NOT_OWNER", {"owner": "erp", "steward": "resource_management"}, ("ownership",))
    ]
    assert reading.disposition == Outcome.HELD


@pytest.mark.parametrize(
    ("conflict", "codes", "outcome"),
    [
        (ConflictPolicy.REJECT, ["NOT_OWNER"], Outcome.HELD),
        (ConflictPolicy.PROPOSE, ["CHANGE_PROPOSED"], Outcome.HELD),
        (ConflictPolicy.NEWEST, [], Outcome.ACCEPTED),
    ],
)
def test_what_another_system_tells_is_refused_proposed_or_heard_as_ownership_says(
    conflict: ConflictPolicy, codes: list[str], outcome: Outcome
) -> None:
    rule = OwnershipRule(
        object="assignment", fields=("*",), system="erp", steward="resource_management", conflict=conflict
    )
    reading = judged(assignment(), world.context(msgspec.structs.replace(world.firm(), ownership=(rule,))))
    assert ([found.code for found in reading.findings], reading.disposition) == (codes, outcome)


def test_what_another_system_takes_back_is_not_held_against_it() -> None:
    rule = OwnershipRule(object="assignment", fields=("*",), system="erp", steward="resource_management")
    firm = msgspec.structs.replace(world.firm(), ownership=(rule,))
    reading = judged(assignment(state=ReportedBooking.DELETED), world.context(firm))
    assert (reading.disposition, reading.findings) == (Outcome.ENDED, ())


@pytest.mark.parametrize("state", [ReportedBooking.CANCELLED, ReportedBooking.DELETED])
def test_what_has_ended_is_not_judged(state: ReportedBooking) -> None:
    assert judged(assignment(state=state, person="eve", ends=STARTS)).disposition == Outcome.ENDED


@pytest.mark.parametrize("state", [ReportedLeave.CANCELLED, ReportedLeave.DELETED, ReportedLeave.REJECTED])
def test_an_absence_that_was_refused_or_taken_back_has_ended(state: ReportedLeave) -> None:
    assert judged(time_off(state=state, person="eve")).disposition == Outcome.ENDED


@pytest.mark.parametrize("ends", [STARTS, date(2026, 9, 1)])
def test_nothing_ends_before_it_starts(ends: date) -> None:
    assert "ends before it starts" in held_for(assignment(ends=ends))
    assert "ends before it starts" in held_for(time_off(ends=ends))


@pytest.mark.parametrize(
    ("starts", "ends"), [(STARTS, date.max), (date(2026, 1, 1), date(2036, 3, 1)), (date(1, 1, 1), date(1, 1, 8))]
)
def test_no_plan_holds_what_never_ends_or_was_never(starts: date, ends: date) -> None:
    assert "no plan can hold" in held_for(assignment(starts=starts, ends=ends))


@pytest.mark.parametrize(
    "amounts",
    [
        {"hours_per_day": Decimal(8), "percent": Decimal(50)},
        {"hours_per_day": Decimal(8), "hours_by_day": {STARTS: Decimal(1)}},
        {"hours_per_day": None},
    ],
)
def test_exactly_one_way_says_how_much_of_a_person_is_booked(amounts: dict[str, object]) -> None:
    assert "how much of the person" in held_for(assignment(**amounts))


def test_an_absence_says_in_one_way_at_most_how_much_of_the_day_it_takes() -> None:
    both = time_off(hours_per_day=Decimal(4), hours_by_day={STARTS: Decimal(4)})
    assert "in several ways" in held_for(both)
    assert codes(time_off()) == codes(time_off(hours_per_day=Decimal(4))) == []


@pytest.mark.parametrize("hours", [Decimal(-1), Decimal("24.25"), Decimal(400)])
def test_a_day_has_no_such_hours(hours: Decimal) -> None:
    assert "hours a day" in held_for(assignment(hours_per_day=hours))
    assert "hours a day" in held_for(time_off(hours_per_day=hours))
    contour = {STARTS: hours}
    assert f"hours on {STARTS}" in held_for(assignment(hours_per_day=None, hours_by_day=contour))
    assert f"hours on {STARTS}" in held_for(time_off(hours_by_day=contour))


@pytest.mark.parametrize("percent", [Decimal(-5), Decimal(10_000)])
def test_no_such_part_of_a_person_can_be_booked(percent: Decimal) -> None:
    assert "percent of the person" in held_for(assignment(hours_per_day=None, percent=percent))


def test_hours_of_a_day_that_is_none_of_its_days_cannot_be() -> None:
    assert "not one of its days" in held_for(assignment(hours_per_day=None, hours_by_day={ENDS: Decimal(8)}))


def test_a_negative_bill_rate_cannot_be() -> None:
    assert "bill rate" in held_for(assignment(bill_rate=Decimal(-1)))


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../etc/passwd", "Europe", "UTC+25"])
def test_an_unknown_time_zone_holds_an_assignment(zone: str) -> None:
    assert "does not exist" in held_for(assignment(time_zone=zone))


@pytest.mark.parametrize(
    ("day", "hours", "can_be"),
    [
        (date(2026, 3, 29), Decimal(23), True),
        (date(2026, 3, 29), Decimal("23.5"), False),
        (date(2026, 10, 25), Decimal(25), True),
        (date(2026, 10, 25), Decimal("25.5"), False),
        (date(2026, 10, 26), Decimal(25), False),
    ],
)
def test_the_day_of_a_clock_change_has_an_hour_less_or_more(day: date, hours: Decimal, *, can_be: bool) -> None:
    one = assignment(
        starts=date(2026, 1, 1),
        ends=date(2027, 1, 1),
        hours_per_day=None,
        hours_by_day={day: hours},
        time_zone="Europe/Berlin",
    )
    assert (judged(one).disposition == Outcome.ACCEPTED) == can_be


def test_an_assignment_over_a_clock_change_keeps_its_days_and_its_hours() -> None:
    reading = judged(assignment(starts=date(2026, 10, 19), ends=date(2026, 10, 31), time_zone="Europe/Berlin"))
    assert reading.disposition == Outcome.ACCEPTED
    assert (reading.said.starts, reading.said.ends) == (date(2026, 10, 19), date(2026, 10, 31))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": -1},
        {"version": 2**63},
        {"source_id": ""},
        {"source_id": "x" * 201},
        {"notes": "a\x00b"},
        {"notes": "\ud800"},
        {"person": "x" * 201},
        {"location": "\x00"},
        {"hours_per_day": Decimal("NaN")},
        {"hours_per_day": Decimal("1.00001")},
        {"percent": Decimal("1E+9")},
        {"bill_rate": Decimal("0.0000001")},
    ],
)
def test_what_no_table_can_hold_is_unreadable_and_named(changes: dict[str, object]) -> None:
    assignments, absences, unreadable = normalize_facts(
        [FactArrival(7, 3, "psa", "bookings", assignment(**changes))], world.context()
    )
    assert (assignments, absences) == ([], [])
    assert [(one.message_id, one.item_no, bool(one.problem)) for one in unreadable] == [(7, 3, True)]
