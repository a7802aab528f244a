"""Assignments and absences in the small firm of ``inbound_firm``, as their sources tell them."""

from datetime import date
from decimal import Decimal

import msgspec
from tests.worlds import inbound_firm as world

from tieout.inbound.bookings_reading import AbsenceReading, AssignmentReading, FactArrival, normalize_facts
from tieout.inbound.bookings_rules import Owners, judge_facts
from tieout.inbound.rule_context import RuleContext
from tieout.model.reported import ReportedAssignment, ReportedBooking, ReportedLeave, ReportedTimeOff

STARTS = date(2026, 9, 7)
ENDS = date(2026, 9, 12)


def assignment(**changes: object) -> ReportedAssignment:
    """Ada on project p100, eight hours a day for a week; ``changes`` make it another one."""
    good = ReportedAssignment(
        source_id="b1",
        version=1,
        state=ReportedBooking.HARD,
        project="p100",
        person="ada",
        task="design",
        starts=STARTS,
        ends=ENDS,
        hours_per_day=Decimal(8),
    )
    return msgspec.structs.replace(good, **changes)


def time_off(**changes: object) -> ReportedTimeOff:
    """Ada away for a week; ``changes`` make it another absence."""
    good = ReportedTimeOff(
        source_id="t1", version=1, state=ReportedLeave.APPROVED, person="ada", starts=STARTS, ends=ENDS
    )
    return msgspec.structs.replace(good, **changes)


def read(
    one: ReportedAssignment | ReportedTimeOff, by: RuleContext | None = None, *, system: str = "psa"
) -> AssignmentReading | AbsenceReading:
    """``one`` normalised."""
    assignments, absences, unreadable = normalize_facts(
        [FactArrival(1, 0, system, "bookings", one)], by if by is not None else world.context()
    )
    assert not unreadable, unreadable
    return assignments[0] if assignments else absences[0]


def judged(
    one: ReportedAssignment | ReportedTimeOff, by: RuleContext | None = None, *, system: str = "psa"
) -> AssignmentReading | AbsenceReading:
    """``one`` normalised and judged."""
    context = by if by is not None else world.context()
    reading = read(one, context, system=system)
    judge_facts([reading], Owners(context.book.firm))
    return reading
