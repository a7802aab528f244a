"""The step: what changed is taken up, and just the weeks, people and projects that it touches are computed anew.

One transaction of one worker at a time (the position of the plan is its lock): changes are claimed before the reference
is read, so that none is judged by what was known before it; rows are compared with what stands, and only those that
differ are written. Killed anywhere, the next run finds the same state. Neighbours: ``computing`` has the rules,
``store`` and ``writing`` the SQL, ``desk`` what is wrong with the plan.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from psycopg import Connection, Cursor

from tieout.connect.fault_point import fault_point
from tieout.governance import firm_version
from tieout.model.clock import Clock
from tieout.records import event_log
from tieout.storage.pool import in_transaction
from tieout.streams.plan_to_allocate import store, writing
from tieout.streams.plan_to_allocate.booked_hours import Booking
from tieout.streams.plan_to_allocate.calendar import DAYS, monday, weeks_between
from tieout.streams.plan_to_allocate.computing import Planner
from tieout.streams.plan_to_allocate.desk import Desk
from tieout.streams.plan_to_allocate.plan_book import PlanBook
from tieout.streams.plan_to_allocate.publishing import Publisher
from tieout.streams.plan_to_allocate.reader import PlanBookCache
from tieout.streams.plan_to_allocate.store import BookingWeek, Cell, Pending, Position

_CHANGES: Final = 400
_RECORDS: Final = 200


@dataclass(frozen=True, kw_only=True)
class PlanContext:
    """What the step needs beside the database."""

    clock: Clock
    plans: PlanBookCache


@dataclass(kw_only=True)
class Touched:
    """What one run computes and judges. ``bookings`` are looked at whether they are still in the plan or not."""

    bookings: set[int] = field(default_factory=set)
    cells: set[Cell] = field(default_factory=set)
    people: set[int] = field(default_factory=set)
    projects: set[int] = field(default_factory=set)
    unfilled: dict[int, Booking] = field(default_factory=dict)
    judged: dict[int, Booking] = field(default_factory=dict)

    def book(self, bookings: Iterable[Booking]) -> None:
        """Have the bookings computed in all their weeks."""
        for one in bookings:
            if one.person_id is None:
                self.unfilled[one.booking_id] = one
            else:
                self.cells |= {(one.person_id, week) for week in one.weeks}

    def spans(self) -> dict[int, tuple[int, int]]:
        """The days in which bookings and absences of each person matter."""
        found: dict[int, tuple[int, int]] = {}
        for person_id, week in self.cells:
            first, last = found.get(person_id, (week, week))
            found[person_id] = (min(first, week), max(last, week))
        return {person_id: (first, last + DAYS) for person_id, (first, last) in found.items()}


def advance_plan(conn: Connection[tuple[object, ...]], context: PlanContext) -> int:
    """Compute what changed; returns how much there was to look at (0: nothing)."""
    if firm_version.current(conn).streams.plan_to_allocate is None:
        return 0
    done, compared = in_transaction(conn, lambda cur: _advance(cur, context))
    if compared is not None:
        context.plans.note_compared(compared)
    if done:
        fault_point("streams.plan.after_commit")
    return done


def _advance(cur: Cursor[tuple[object, ...]], context: PlanContext) -> tuple[int, PlanBook | None]:
    """How much there was to look at, and the plan book that everything computed was compared with, if it was."""
    run = _Run(cur, context)
    return run.advance(), run.compared


class _Run:
    """One transaction of the step."""

    def __init__(self, cur: Cursor[tuple[object, ...]], context: PlanContext) -> None:
        self._cur = cur
        self._now = context.clock.now()
        self._today = self._now.date().toordinal()
        self._this_week = monday(self._today)
        self._context = context
        self.compared: PlanBook | None = None

    def advance(self) -> int:
        """Compute what changed and remember how far; returns how much there was to look at."""
        cur = self._cur
        position = store.take_position(cur)
        if position is None:
            return 0
        pending = store.claim_pending(cur, limit=_CHANGES)
        desk = Desk(cur, now=self._now)
        released = desk.claim_released(limit=_RECORDS)
        plan = self._context.plans.get(cur.connection)
        touched = Touched(
            bookings={one.first_id for one in pending if one.kind == store.BOOKING} | released.bookings,
            people=set(released.people),
            projects=set(released.projects),
        )
        people, projects, after = self._changed_records(plan, position)
        published = Publisher(cur, plan, now=self._now).publish(projects)
        if not pending and not released.count and after == position and not people | projects:
            return published
        self._touch_pending(pending, plan, touched)
        self._touch_records(plan, people, projects, touched)
        self._touch_new_weeks(plan, position, touched)
        self._compute(plan, touched)
        writing.write_people(cur, plan, people)
        writing.write_projects(cur, plan, projects)
        is_new_day = position.day != self._today
        has_news = after.reference_version != position.reference_version or bool(projects)
        rates = is_new_day or has_news or released.count > 0
        desk.judge(plan, touched, this_week=self._this_week, whole=is_new_day, rates=rates)
        if touched.judged or touched.people or touched.projects:
            self._tell(touched)
        store.move_position(cur, after)
        fault_point("streams.plan.before_commit")
        return len(pending) + released.count + len(people) + len(projects) + (after != position)

    def _changed_records(self, plan: PlanBook, position: Position) -> tuple[set[int], set[int], Position]:
        """People and projects that are not what they were computed by, and the position when they are computed."""
        version = plan.book.version
        if position.reference_version == version and self._context.plans.is_compared(plan):
            return set(), set(), Position(version, self._today)
        people = _differing(store.digests(self._cur, "plan_person", "person_id"), plan.person_digests)
        projects = _differing(store.digests(self._cur, "plan_project", "project_id"), plan.project_digests)
        is_all = len(people) <= _RECORDS and len(projects) <= _RECORDS
        self.compared = plan if is_all else None
        reached = version if is_all else position.reference_version
        return set(people[:_RECORDS]), set(projects[:_RECORDS]), Position(reached, self._today)

    def _touch_pending(self, pending: Collection[Pending], plan: PlanBook, touched: Touched) -> None:
        cur = self._cur
        if touched.bookings:
            known = store.bookings(cur, touched.bookings, plan.policy)
            touched.book(known.values())
            touched.judged.update(known)
        for one in pending:
            if one.kind == store.PERSON and one.from_day is not None and one.until_day is not None:
                weeks = weeks_between(one.from_day.toordinal(), one.until_day.toordinal())
                touched.cells |= {(one.first_id, week) for week in weeks}
        for kind in (store.ACCEPTED, store.REVERSED):
            ranges = [(one.first_id, one.last_id) for one in pending if one.kind == kind]
            touched.projects |= writing.add_actuals(cur, ranges, reversals=kind == store.REVERSED)

    def _touch_records(self, plan: PlanBook, people: set[int], projects: set[int], touched: Touched) -> None:
        """Everything of people and projects that are new or other than they were; weeks of people from now on too."""
        cur = self._cur
        if people:
            touched.book(store.bookings_of_people(cur, people, plan.policy).values())
            touched.cells |= store.stored_weeks(cur, people)
            touched.cells |= {(one, week) for one in people for week in self._window(plan)}
        if projects:
            own = store.bookings_of_projects(cur, projects, plan.policy)
            touched.book(own.values())
            touched.judged.update(own)
        touched.people |= people
        touched.projects |= projects

    def _touch_new_weeks(self, plan: PlanBook, position: Position, touched: Touched) -> None:
        """A new week brings one more at the end of the horizon, for everybody."""
        if position.day is None or monday(position.day) == self._this_week:
            return
        known = monday(position.day) + DAYS * plan.policy.horizon_weeks
        touched.cells |= {(one, week) for one in plan.people for week in self._window(plan) if week >= known}

    def _window(self, plan: PlanBook) -> range:
        return range(self._this_week, self._this_week + DAYS * plan.policy.horizon_weeks, DAYS)

    def _compute(self, plan: PlanBook, touched: Touched) -> None:
        cur = self._cur
        before, filled = self._affected(plan, touched)
        spans = touched.spans()
        away = store.absences(cur, spans)
        found = Planner(plan).compute(touched.cells, filled.values(), touched.unfilled.values(), away)
        touched.projects |= writing.write_booking_weeks(cur, before, found.weeks)
        writing.write_person_weeks(cur, store.person_weeks(cur, touched.cells), found.people)
        touched.judged.update(filled)
        touched.judged.update(touched.unfilled)
        touched.people |= spans.keys()

    def _affected(self, plan: PlanBook, touched: Touched) -> tuple[list[BookingWeek], dict[int, Booking]]:
        """The rows that may not stay, and the bookings of all people touched.

        A booking that somebody else had when it was computed last touches the weeks of that person too, whether its
        change is claimed in this run or waits for a later one.
        """
        cur = self._cur
        moved, before = touched.bookings | touched.unfilled.keys(), list[BookingWeek]()
        while True:
            own = store.weeks_of_bookings(cur, moved)
            before += own
            touched.cells |= {(one.person_id, one.week) for one in own if one.person_id is not None}
            filled = store.bookings_of_people(cur, touched.spans(), plan.policy)
            moved = store.moved_bookings(cur, filled.keys() - touched.bookings)
            if not moved:
                return before + store.weeks_of_cells(cur, touched.cells), filled
            touched.bookings |= moved
            touched.book(filled[one] for one in moved)

    def _tell(self, touched: Touched) -> None:
        """One event for the whole run: what forecasts and capacities are to be read again."""
        event = event_log.Event(
            type="plan.changed",
            subject="plan/allocation",
            payload={
                "bookings": len(touched.judged),
                "people": len(touched.people),
                "projects": len(touched.projects),
            },
        )
        event_log.append(self._cur, [event], now=self._now)


def _differing(known: dict[int, bytes], wanted: dict[int, bytes]) -> list[int]:
    """The ids, in order, that are wanted otherwise than they are known, or not any more."""
    return sorted(one for one in known.keys() | wanted.keys() if known.get(one) != wanted.get(one))
