"""Computes the rows of the plan that changes touch: bookings of people in weeks, and of roles that nobody fills. Pure.

A change touches cells, a person in a week: the bookings of that person in that week are priced anew and the week is
added up. A booking of nobody touches no cell and is computed by itself. Neighbours: ``step`` finds what is touched,
``store`` reads bookings and absences, ``writing`` writes what differs from what was.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from tieout.streams.plan_to_allocate.booked_hours import Booking, hours_of_week
from tieout.streams.plan_to_allocate.calendar import DAYS, Absence, Day, week_of
from tieout.streams.plan_to_allocate.person_week import PersonWeek, person_week
from tieout.streams.plan_to_allocate.plan_book import PlanBook
from tieout.streams.plan_to_allocate.priced_week import Terms, WeekPart, week_parts
from tieout.streams.plan_to_allocate.store import BookingWeek, Cell


class Computed(msgspec.Struct, frozen=True, kw_only=True):
    """The rows as they should be, of just the cells and bookings that were asked for."""

    weeks: list[BookingWeek]
    people: dict[Cell, PersonWeek]


class Planner:
    """Computes rows by one plan book."""

    def __init__(self, plan: PlanBook) -> None:
        self._plan = plan
        self._terms: dict[int, Terms | None] = {}

    def compute(
        self,
        cells: Collection[Cell],
        filled: Iterable[Booking],
        unfilled: Iterable[Booking],
        absences: Mapping[int, Sequence[Absence]],
    ) -> Computed:
        """``filled`` are all bookings of the people of ``cells`` in those weeks; ``unfilled`` are computed whole."""
        by_person: dict[int | None, list[Booking]] = defaultdict(list)
        for one in filled:
            by_person[one.person_id].append(one)
        found = Computed(weeks=[], people={})
        for person_id, week in sorted(cells):
            near = [one for one in by_person[person_id] if one.starts < week + DAYS and week < one.ends]
            self._compute_cell((person_id, week), near, absences.get(person_id, ()), found)
        for one in unfilled:
            for week in one.weeks:
                found.weeks.extend(self._unfilled_week(one, week))
        return found

    def _compute_cell(self, cell: Cell, near: Sequence[Booking], absences: Sequence[Absence], found: Computed) -> None:
        person_id, week = cell
        person = self._plan.person(person_id, None)
        if person.is_placeholder:
            for one in near:
                found.weeks.extend(self._unfilled_week(one, week))
            return
        days = week_of(person, week, absences)
        found.people[cell] = person_week(person_id, week, days, near)
        for one in near:
            found.weeks.extend(self._rows(one, week, days))

    def _unfilled_week(self, booking: Booking, week: int) -> Iterator[BookingWeek]:
        """A week of a booking whose days are not a person's: of a placeholder, or of nobody."""
        project = self._plan.book.project_by_id.get(booking.project_id)
        return self._rows(booking, week, week_of(self._plan.person(booking.person_id, project), week))

    def _rows(self, booking: Booking, week: int, days: Sequence[Day]) -> Iterator[BookingWeek]:
        hours = hours_of_week(booking, week, days)
        terms = self.terms_of(booking)
        for part in week_parts(booking, terms, week, hours, self._plan.rates):
            yield _row(booking, part, self.role_of(booking))

    def role_of(self, booking: Booking) -> int | None:
        """The role that is booked: the booking's own, else that of the person."""
        if booking.role_id is not None or booking.person_id is None:
            return booking.role_id
        facts = self._plan.book.resource_by_id.get(booking.person_id)
        return None if facts is None else facts.role_id

    def terms_of(self, booking: Booking) -> Terms | None:
        """What its price depends on; None while its project is not known."""
        if booking.booking_id not in self._terms:
            self._terms[booking.booking_id] = self._read_terms(booking)
        return self._terms[booking.booking_id]

    def _read_terms(self, booking: Booking) -> Terms | None:
        book = self._plan.book
        project = book.project_by_id.get(booking.project_id)
        if project is None:
            return None
        task = None if booking.task_id is None else book.task_by_id.get(booking.task_id)
        return Terms(
            project=project,
            person=self._plan.resource(booking.person_id),
            role_id=self.role_of(booking),
            is_billable=task is None or task.billable is not False,
        )


def _row(booking: Booking, part: WeekPart, role_id: int | None) -> BookingWeek:
    return BookingWeek(
        booking_id=booking.booking_id,
        week=part.week,
        part=part.part,
        person_id=booking.person_id,
        project_id=booking.project_id,
        role_id=role_id,
        commitment=int(booking.commitment),
        from_day=part.from_day,
        until_day=part.until_day,
        hours_e4=part.hours_e4,
        bill_line_id=part.revenue.rate_line_id,
        revenue_minor=part.revenue.amount_minor,
        revenue_currency=part.revenue.currency,
        revenue_gap=part.revenue.gap,
        cost_line_id=part.cost.rate_line_id,
        cost_minor=part.cost.amount_minor,
        cost_currency=part.cost.currency,
        cost_gap=part.cost.gap,
    )
