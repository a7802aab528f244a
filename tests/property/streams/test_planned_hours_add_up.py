"""Whatever is booked and whoever is away: days add up to weeks, nothing goes below zero, and money is one rounding."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.worlds import inbound_firm as world

from tieout.model.assignment import Assignment, AssignmentState, Contour, HoursPerDay, PercentOfCapacity
from tieout.model.span import DateSpan
from tieout.records.facts import ResourceFacts
from tieout.streams.plan_to_allocate.booked_hours import Booking, Commitment, hours_of_week
from tieout.streams.plan_to_allocate.calendar import (
    DAYS,
    WHOLE_E4,
    Absence,
    Person,
    day_of,
    even_pattern,
    monday,
    week_of,
    weeks_between,
)
from tieout.streams.plan_to_allocate.person_week import person_week
from tieout.streams.plan_to_allocate.priced_week import Terms, week_parts

MONDAY = monday(date(2026, 8, 10).toordinal())
DAY_E4 = 24 * 10_000
days = st.integers(MONDAY - 10, MONDAY + 40)
hours = st.integers(0, DAY_E4)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    starts = draw(days)
    return starts, starts + draw(st.integers(1, 30))


@st.composite
def people(draw: st.DrawFn) -> Person:
    pattern = tuple(draw(st.lists(st.integers(0, 12 * 10_000), min_size=DAYS, max_size=DAYS)))
    free = draw(st.dictionaries(days, st.integers(1, 2 * WHOLE_E4), max_size=4))
    starts, ends = draw(spans())
    return Person(record_id=1, name="Ada", pattern=pattern, free=free, employed_from=starts - 20, employed_to=ends + 20)


@st.composite
def absences(draw: st.DrawFn) -> Absence:
    starts, ends = draw(spans())
    match draw(st.integers(0, 2)):
        case 0:
            return Absence(starts=starts, ends=ends)
        case 1:
            return Absence(starts=starts, ends=ends, per_day_e4=draw(hours))
    return Absence(starts=starts, ends=ends, by_day=draw(st.dictionaries(days, hours, max_size=5)))


@st.composite
def bookings(draw: st.DrawFn) -> Booking:
    starts, ends = draw(spans())
    booking = Booking(
        booking_id=draw(st.integers(1, 9)),
        system_id=1,
        source_id="1",
        state="hard",
        commitment=draw(st.sampled_from(Commitment)),
        project_id=world.P100,
        person_id=1,
        starts=starts,
        ends=ends,
    )
    match draw(st.integers(0, 2)):
        case 0:
            return msgspec.structs.replace(booking, per_day_e4=draw(hours))
        case 1:
            return msgspec.structs.replace(booking, percent_e4=draw(st.integers(0, 2_000_000)))
    named = draw(st.dictionaries(st.integers(starts, ends - 1), hours, max_size=6))
    return msgspec.structs.replace(booking, by_day=named)


def capacity_of(person: Person, day: int, away: Sequence[Absence]) -> int:
    return day_of(person, day, away).capacity_e4


@given(people(), st.lists(absences(), max_size=4), days)
def test_a_day_never_has_less_than_nothing_nor_more_than_its_pattern(
    person: Person, away: list[Absence], day: int
) -> None:
    found = day_of(person, day, away)
    assert 0 <= found.capacity_e4 <= found.calendar_e4 <= person.pattern[(day - 1) % DAYS]
    assert min(found.holiday_e4, found.time_off_e4) >= 0


@given(people(), st.lists(absences(), max_size=3), st.permutations([0, 1, 2]), days)
def test_it_does_not_matter_which_absence_is_looked_at_first(
    person: Person, away: list[Absence], order: list[int], day: int
) -> None:
    shuffled = [away[at] for at in order if at < len(away)]
    assert day_of(person, day, away) == day_of(person, day, shuffled)


@given(st.integers(0, 100 * 10_000))
def test_weekly_hours_are_spread_over_the_working_days_to_the_last_bit(weekly_e4: int) -> None:
    pattern = even_pattern(weekly_e4)
    assert sum(pattern) == weekly_e4
    assert pattern[5:] == (0, 0)
    assert max(pattern[:5]) - min(pattern[:5]) <= 1


@given(bookings(), people(), st.lists(absences(), max_size=2))
def test_the_weeks_of_a_booking_hold_all_its_days(booking: Booking, person: Person, away: list[Absence]) -> None:
    by_week = [found for week in booking.weeks for found in hours_of_week(booking, week, week_of(person, week, away))]
    by_day = [
        (day, booked)
        for day in range(booking.starts, booking.ends)
        if (booked := booking.hours_on(day, capacity_of(person, day, away)))
    ]
    assert by_week == by_day


@given(bookings(), days, hours)
def test_hours_of_a_day_are_those_of_the_canonical_assignment(booking: Booking, day: int, capacity_e4: int) -> None:
    state = AssignmentState.HARD
    allocation: HoursPerDay | PercentOfCapacity | Contour
    if booking.by_day is not None:
        allocation = Contour(
            hours_by_day={date.fromordinal(one): Decimal(e4) / 10_000 for one, e4 in booking.by_day.items()}
        )
    elif booking.percent_e4 is not None:
        allocation = PercentOfCapacity(percent=Decimal(booking.percent_e4) / 10_000)
    else:
        allocation = HoursPerDay(hours=Decimal(booking.per_day_e4 or 0) / 10_000)
    span = DateSpan(starts=date.fromordinal(booking.starts), ends=date.fromordinal(booking.ends))
    said = Assignment(code="1", project="P", resource="Ada", days=span, allocation=allocation, state=state)
    expected = said.hours_on(date.fromordinal(day), Decimal(capacity_e4) / 10_000)
    assert booking.hours_on(day, capacity_e4) == expected * 10_000


@given(people(), st.lists(bookings(), max_size=4), st.lists(absences(), max_size=2))
def test_a_week_of_a_person_is_the_sum_of_its_days(person: Person, booked: list[Booking], away: list[Absence]) -> None:
    for week in weeks_between(MONDAY - 10, MONDAY + 70):
        seven = week_of(person, week, away)
        found = person_week(1, week, seven, booked)
        firm = [
            sum(one.hours_on(week + at, day.capacity_e4) for one in booked if one.commitment is Commitment.HARD)
            for at, day in enumerate(seven)
        ]
        assert found.hard_e4 == sum(firm)
        assert found.capacity_e4 == sum(day.capacity_e4 for day in seven)
        assert found.over_e4 == sum(max(0, taken - day.capacity_e4) for taken, day in zip(firm, seven, strict=True))
        assert (found.over_from is None) == (found.over_e4 == 0)


@given(st.lists(st.tuples(days, st.integers(1, DAY_E4)), min_size=1, max_size=7, unique_by=lambda one: one[0]))
def test_the_money_of_a_week_is_its_hours_at_the_rate_rounded_once(booked: list[tuple[int, int]]) -> None:
    book, rates = world.book(), world.rates()
    project = book.project_by_id[world.P100]
    person = ResourceFacts(record_id=world.ADA, name="Ada")
    booking = Booking(
        booking_id=1, system_id=1, source_id="1", state="hard", commitment=Commitment.HARD, project_id=world.P100,
        starts=MONDAY - 10, ends=MONDAY + 50, person_id=world.ADA,
    )  # fmt: skip
    terms = Terms(project=project, person=person, role_id=world.SENIOR, is_billable=True)
    parts = week_parts(booking, terms, MONDAY, sorted(booked), rates)
    assert len(parts) == 1
    total_e4 = sum(one[1] for one in booked)
    assert parts[0].hours_e4 == total_e4
    assert parts[0].revenue.amount_minor == (total_e4 * 200 * 100 + 5_000) // 10_000
    assert parts[0].cost.amount_minor == (total_e4 * 80 * 100 + 5_000) // 10_000
    assert parts[0].revenue.gap is None


def test_a_price_that_is_not_known_says_why_and_is_never_zero() -> None:
    book, rates = world.book(), world.rates()
    booking = Booking(
        booking_id=1, system_id=1, source_id="1", state="hard", commitment=Commitment.HARD, project_id=world.P200,
        starts=MONDAY, ends=MONDAY + 5, person_id=world.ADA,
    )  # fmt: skip
    person = ResourceFacts(record_id=world.ADA, name="Ada")
    elsewhere = Terms(project=book.project_by_id[world.P200], person=person, role_id=None, is_billable=True)
    (part,) = week_parts(booking, elsewhere, MONDAY, [(MONDAY, 10_000)], rates)
    assert (part.revenue.amount_minor, part.revenue.gap) == (None, "RATE_NOT_FOUND")
    assert (part.cost.amount_minor, part.cost.gap) == (None, "COST_RATE_NOT_FOUND")
    nowhere = Terms(project=book.project_by_id[world.P300], person=person, role_id=None, is_billable=True)
    (part,) = week_parts(booking, nowhere, MONDAY, [(MONDAY, 10_000)], rates)
    assert (part.revenue.gap, part.cost.gap) == ("LEGAL_ENTITY_UNMAPPED", "LEGAL_ENTITY_UNMAPPED")


def test_a_week_in_which_a_price_changes_has_two_parts() -> None:
    book, rates = world.book(), world.rates()
    last = date(2026, 12, 31).toordinal()
    booking = Booking(
        booking_id=1, system_id=1, source_id="1", state="hard", commitment=Commitment.HARD, project_id=world.P100,
        starts=last - 1, ends=last + 3, person_id=world.ADA,
    )  # fmt: skip
    terms = Terms(
        project=book.project_by_id[world.P100],
        person=ResourceFacts(record_id=world.ADA, name="Ada"),
        role_id=None,
        is_billable=True,
    )
    before, after = week_parts(booking, terms, monday(last), [(last, 80_000), (last + 1, 40_000)], rates)
    assert (before.revenue.amount_minor, before.until_day) == (160_000, last + 1)
    assert (after.revenue.gap, after.hours_e4) == ("RATE_EXPIRED", 40_000)
