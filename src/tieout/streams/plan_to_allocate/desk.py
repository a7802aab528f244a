"""Puts what is wrong with the plan on the desk and takes it off again when its cause is gone.

Each thing that can be wrong has a kind of subject of its own, so that one booking may be wrong in several ways at once.
An item that a person excluded stays so until its cause is another one. Neighbours: ``judgement`` finds what is wrong,
``step`` says what is to be judged.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Final, Protocol

import msgspec
from psycopg import Cursor

from tieout.desk import intake
from tieout.desk.intake import NewItem
from tieout.ledger.rating import HOUR_E4
from tieout.model.finding import Finding
from tieout.model.money import RoundingMode, alpha_code, from_minor, numeric_code, round_quotient
from tieout.streams.plan_to_allocate import judgement
from tieout.streams.plan_to_allocate.booked_hours import Booking, Commitment, hours_of_week
from tieout.streams.plan_to_allocate.budgets import converter, planned_of
from tieout.streams.plan_to_allocate.burn import Burn, burn_of
from tieout.streams.plan_to_allocate.calendar import DAYS, week_of, weeks_between
from tieout.streams.plan_to_allocate.computing import Planner
from tieout.streams.plan_to_allocate.judgement import Overbooking
from tieout.streams.plan_to_allocate.plan_book import PlanBook
from tieout.streams.plan_to_allocate.priced_week import week_parts
from tieout.streams.plan_to_allocate.rate_comparison import Compared, Difference, differs
from tieout.streams.plan_to_allocate.rate_reader import (
    differences_of_bookings,
    differences_of_cards,
    differences_of_deals,
)
from tieout.streams.plan_to_allocate.store import bookings as bookings_of
from tieout.streams.plan_to_allocate.store import hours_text, overbooked_weeks

OVERBOOKED: Final = "overbooked_person"
EMPLOYMENT: Final = "booking_employment"
PLACE: Final = "booking_location"
SKILL: Final = "booking_skill"
CLOSED: Final = "booking_project"
BUDGET: Final = "project_budget"
OF_BOOKINGS: Final = (EMPLOYMENT, PLACE, SKILL, CLOSED)
RATES: Final = {
    Compared.CARD: "rate_of_card",
    Compared.BOOKING: "rate_of_booking",
    Compared.DEAL: "rate_of_deal",
}
KINDS: Final = (OVERBOOKED, *OF_BOOKINGS, BUDGET, *RATES.values())
_KIND_OF: Final = {
    "RESOURCE_INACTIVE": EMPLOYMENT,
    "LOCATION_MISMATCH": PLACE,
    "SKILL_MISSING": SKILL,
    "PROJECT_CLOSED": CLOSED,
}
_WEEKS: Final = 1_000_000
"""An overbooking is told by its person and its first week: both in one number."""


class Released(msgspec.Struct, frozen=True):
    """What people asked to be judged again."""

    count: int
    bookings: set[int]
    people: set[int]
    projects: set[int]


class Judged(Protocol):
    """What is to be judged; ``bookings`` are ids whether they are still in the plan or not."""

    bookings: set[int]
    people: set[int]
    projects: set[int]
    judged: dict[int, Booking]


class _Stake(msgspec.Struct, frozen=True):
    """What depends on it: hours, and money where it is all in one currency (ISO 4217 numeric)."""

    hours_e4: int = 0
    amount_minor: int | None = None
    currency: int | None = None


class Desk:
    """The desk of the plan, in the transaction of the step."""

    def __init__(self, cur: Cursor[tuple[object, ...]], *, now: datetime) -> None:
        self._cur = cur
        self._now = now
        self._today = now.date().toordinal()

    def claim_released(self, *, limit: int) -> Released:
        """Take what people released to be judged again."""
        found = Released(0, set(), set(), set())
        items = intake.claim_released(self._cur, KINDS, limit=limit)
        for one in items:
            if one.subject_kind == OVERBOOKED:
                found.people.add(one.subject_id // _WEEKS)
            elif one.subject_kind == BUDGET:
                found.projects.add(one.subject_id)
            elif one.subject_kind in OF_BOOKINGS or one.subject_kind == RATES[Compared.BOOKING]:
                found.bookings.add(one.subject_id)
        return msgspec.structs.replace(found, count=len(items))

    def judge(self, plan: PlanBook, judged: Judged, *, this_week: int, whole: bool, rates: bool) -> None:
        """Judge what was touched; ``whole``: a new day began, and everything that depends on it is judged too.

        ``rates``: the rates of cards and deals are compared as well.
        """
        people, projects, bookings = set(judged.people), set(judged.projects), judged.bookings | judged.judged.keys()
        if whole:
            people |= {one // _WEEKS for one in self._open(OVERBOOKED)}
            projects |= {one for one, budget in plan.budgets.items() if budget.hours_e4 or budget.amount_minor}
            bookings |= {one for kind in (*OF_BOOKINGS, RATES[Compared.BOOKING]) for one in self._open(kind)}
        known = judged.judged | bookings_of(self._cur, bookings - judged.judged.keys(), plan.policy)
        self._judge_people(plan, people, this_week)
        self._judge_bookings(plan, bookings, known, this_week)
        self._judge_budgets(plan, projects, this_week)
        conn = self._cur.connection
        self._judge_rates(Compared.BOOKING, differences_of_bookings(conn, plan, bookings, today=self._today), bookings)
        if rates:
            self._judge_rates(Compared.CARD, differences_of_cards(conn, plan, today=self._today))
            self._judge_rates(Compared.DEAL, differences_of_deals(conn, plan))

    def _judge_rates(self, kind: Compared, found: Iterable[Difference], judged: Collection[int] | None = None) -> None:
        """Tell rates that differ, not those that are only missing; without ``judged`` all of the kind were compared."""
        items = {
            one.subject_id: _item(
                RATES[kind],
                one.subject_id,
                differs(one),
                _Stake(
                    int(one.hours * HOUR_E4),
                    one.effect_minor,
                    None if one.effect_minor is None else numeric_code(one.currency),
                ),
                entity_id=one.entity_id,
                day=one.since.toordinal(),
            )
            for one in found
            if one.theirs is not None
        }
        self._settle(RATES[kind], self._open(RATES[kind]) if judged is None else judged, items)

    def _open(self, kind: str) -> set[int]:
        self._cur.execute(
            "select subject_id from desk_item where subject_kind = %s and state in ('open', 'released')", (kind,)
        )
        return {int(str(row[0])) for row in self._cur.fetchall()}

    def _judge_people(self, plan: PlanBook, people: Collection[int], this_week: int) -> None:
        if not people:
            return
        found = judgement.overbookings(overbooked_weeks(self._cur, people, this_week))
        stakes = self._stakes_of_people(found)
        items: dict[int, NewItem] = {}
        for one in found:
            person = plan.person(one.person_id, None)
            subject = one.person_id * _WEEKS + one.first_week // DAYS
            items[subject] = _item(
                OVERBOOKED,
                subject,
                judgement.overbooked(one, person),
                stakes[one],
                entity_id=person.entity_id,
                day=one.from_day,
            )
        self._cur.execute(
            """
            select i.subject_id from desk_item i join unnest(%s::bigint[]) as given (person_id)
                on i.subject_id between given.person_id * %s and given.person_id * %s + %s
             where i.subject_kind = %s and i.state in ('open', 'released')
            """,
            (sorted(people), _WEEKS, _WEEKS, _WEEKS - 1, OVERBOOKED),
        )
        known = {int(str(row[0])) for row in self._cur.fetchall()}
        self._settle(OVERBOOKED, known | items.keys(), items)

    def _stakes_of_people(self, found: Collection[Overbooking]) -> dict[Overbooking, _Stake]:
        """What is billed of the hours that are too many: their share of the firm bookings of those weeks."""
        self._cur.execute(
            """
            select given.at, w.revenue_currency, sum(w.hours * 10000)::bigint, sum(w.revenue_minor)::bigint
              from unnest(%s::int[], %s::int[], %s::date[], %s::date[]) as given (at, person_id, first_week, last_week)
              join booking_week w on w.person_id = given.person_id
                                 and w.week between given.first_week and given.last_week
             where w.commitment = %s and w.revenue_minor is not null
             group by 1, 2
            """,
            (
                list(range(len(found))),
                [one.person_id for one in found],
                [date.fromordinal(one.first_week) for one in found],
                [date.fromordinal(one.last_week) for one in found],
                int(Commitment.HARD),
            ),
        )
        sums: dict[int, list[tuple[int, int, int]]] = {}
        for at, currency, hours_e4, minor in self._cur.fetchall():
            sums.setdefault(int(str(at)), []).append((int(str(currency)), int(str(hours_e4)), int(str(minor))))
        stakes = {}
        for at, one in enumerate(found):
            stakes[one] = _Stake(one.over_e4)
            if len(sums.get(at, ())) == 1:
                currency, hours_e4, minor = sums[at][0]
                share = round_quotient(minor * min(one.over_e4, hours_e4), hours_e4, RoundingMode.HALF_UP)
                stakes[one] = _Stake(one.over_e4, share, currency)
        return stakes

    def _judge_bookings(
        self, plan: PlanBook, ids: Collection[int], bookings: Mapping[int, Booking], this_week: int
    ) -> None:
        if not ids:
            return
        planner = Planner(plan)
        found = [
            (booking, one)
            for booking in bookings.values()
            if booking.ends > this_week
            for one in _wrong_with(booking, plan, planner, self._today)
        ]
        stakes = self._stakes_of_bookings({booking.booking_id for booking, _ in found}, this_week)
        items: dict[str, dict[int, NewItem]] = {kind: {} for kind in OF_BOOKINGS}
        for booking, one in found:
            kind, project = _KIND_OF[one.code], plan.book.project_by_id[booking.project_id]
            stake = stakes.get(booking.booking_id, _Stake())
            if kind == EMPLOYMENT:
                stake = _stake_outside(booking, plan, planner, self._today)
            day = max(booking.starts, self._today)
            item = _item(kind, booking.booking_id, one, stake, entity_id=project.entity_id, day=day)
            items[kind][booking.booking_id] = msgspec.structs.replace(
                item, system_id=booking.system_id, source_id=booking.source_id
            )
        for kind in OF_BOOKINGS:
            self._settle(kind, ids, items[kind])

    def _stakes_of_bookings(self, booking_ids: Collection[int], this_week: int) -> dict[int, _Stake]:
        """The hours and the revenue of bookings from this week on."""
        if not booking_ids:
            return {}
        self._cur.execute(
            """
            select booking_id, sum(hours * 10000)::bigint, sum(revenue_minor)::bigint, min(revenue_currency),
                   count(distinct revenue_currency)
              from booking_week where booking_id = any(%s) and week >= %s group by 1
            """,
            (sorted(booking_ids), date.fromordinal(this_week)),
        )
        found = {}
        for booking_id, hours_e4, minor, currency, currencies in self._cur.fetchall():
            is_one = int(str(currencies)) == 1
            found[int(str(booking_id))] = _Stake(
                int(str(hours_e4)), int(str(minor)) if is_one else None, int(str(currency)) if is_one else None
            )
        return found

    def _judge_budgets(self, plan: PlanBook, projects: Collection[int], this_week: int) -> None:
        if not projects:
            return
        budgets = {one: plan.budgets[one] for one in projects if one in plan.budgets and one in plan.book.project_by_id}
        budgets = {one: budget for one, budget in budgets.items() if budget.hours_e4 or budget.amount_minor}
        planned = planned_of(self._cur.connection, budgets, plan.policy, this_week=this_week)
        items = {}
        for project_id, budget in budgets.items():
            project = plan.book.project_by_id[project_id]
            burn = burn_of(planned[project_id], converter(plan.rates, project, today=self._today))
            one = judgement.budget_finding(project, budget, burn, plan.policy)
            if one is not None:
                stake = _stake_of_budget(burn, budget.hours_e4, budget.amount_minor, project.currency_number)
                items[project_id] = _item(BUDGET, project_id, one, stake, entity_id=project.entity_id, day=self._today)
        self._settle(BUDGET, projects, items)

    def _settle(self, kind: str, judged: Iterable[int], items: Mapping[int, NewItem]) -> None:
        """One open item at most for each subject, saying what is wrong now; none for what a person excluded."""
        ids = sorted({*judged, *items})
        known = intake.open_items_of(self._cur, kind, ids)
        healed = [one.item_id for subject, one in known.items() if subject not in items]
        intake.resolve_items(self._cur, healed, now=self._now, reason="The plan has changed: its cause is gone.")
        changed, fresh = [], []
        for subject, item in items.items():
            one = known.get(subject)
            if one is None:
                fresh.append(item)
            elif (one.state, one.code, one.cause_key, one.context) != (
                "open",
                item.finding.code,
                item.finding.cause_key,
                item.finding.context | item.context,
            ):
                changed.append((one.item_id, item))
        intake.update(self._cur, changed, now=self._now)
        excluded = self._excluded(kind, [one.subject_id for one in fresh])
        intake.open_items(
            self._cur,
            [one for one in fresh if (one.subject_id, one.finding.code, one.finding.cause_key) not in excluded],
            now=self._now,
        )

    def _excluded(self, kind: str, subjects: Collection[int]) -> set[tuple[int, str, str]]:
        if not subjects:
            return set()
        self._cur.execute(
            """
            select i.subject_id, c.code, c.cause_key from desk_item i join root_cause c using (cause_id)
             where i.subject_kind = %s and i.state = 'excluded' and i.subject_id = any(%s)
            """,
            (kind, list(subjects)),
        )
        return {(int(str(row[0])), str(row[1]), str(row[2])) for row in self._cur.fetchall()}


def _wrong_with(booking: Booking, plan: PlanBook, planner: Planner, today: int) -> Iterable[Finding]:
    project = plan.book.project_by_id.get(booking.project_id)
    if project is None:
        return
    person = plan.person(booking.person_id, project)
    outside = judgement.days_outside_employment(booking, person, today)
    if outside:
        yield judgement.inactive(booking, person, outside)
    closed = judgement.closed_project(booking, project, today)
    if closed is not None:
        yield closed
    role_id = planner.role_of(booking)
    lines = [
        one for one in plan.demand.get(booking.project_id, ()) if one.concerns(role_id, booking.starts, booking.ends)
    ]
    system = plan.book.system_names.get(booking.system_id, "")
    at = plan.place(booking.location, system) or person.location
    fit = judgement.nearest_fit(lines, person, at, plan.place)
    if fit is not None and not fit.is_whole:
        yield from judgement.misfits(booking, person, project, fit)


def _stake_outside(booking: Booking, plan: PlanBook, planner: Planner, today: int) -> _Stake:
    """What is booked outside the employment, as if the person worked then as usual."""
    person = plan.person(booking.person_id, None)
    days = set(judgement.days_outside_employment(booking, person, today))
    usual = msgspec.structs.replace(person, employed_from=0, employed_to=max(days) + 1)
    hours = [
        one
        for week in weeks_between(min(days), max(days) + 1)
        for one in hours_of_week(booking, week, week_of(usual, week))
        if one[0] in days
    ]
    parts = week_parts(booking, planner.terms_of(booking), min(days), hours, plan.rates)
    currencies = {one.revenue.currency for one in parts}
    currency = currencies.pop() if len(currencies) == 1 else None
    total = sum(one.hours_e4 for one in parts)
    if currency is None:
        return _Stake(total)
    return _Stake(total, sum(one.revenue.amount_minor or 0 for one in parts), currency)


def _stake_of_budget(burn: Burn, hours_e4: int | None, minor: int | None, currency: int) -> _Stake:
    """By how much the budget is exceeded, or what is left of it while it is only near its end."""
    over_e4 = 0 if hours_e4 is None else abs(burn.hours_e4 - hours_e4)
    if minor is None or not currency:
        return _Stake(over_e4)
    return _Stake(over_e4, abs(burn.amount_minor - minor), currency)


def _item(kind: str, subject_id: int, found: Finding, stake: _Stake, *, entity_id: int | None, day: int) -> NewItem:
    """What the desk shows. No time entry stands behind it."""
    context = {"hours_at_stake": str(hours_text(stake.hours_e4))}
    if stake.amount_minor is not None and stake.currency is not None:
        code = alpha_code(stake.currency)
        context["amount_at_stake"] = f"{from_minor(stake.amount_minor, code)} {code}"
    return NewItem(
        subject_kind=kind,
        subject_id=subject_id,
        finding=found,
        entity_id=entity_id,
        document_date=date.fromordinal(day),
        currency=stake.currency,
        entry_count=0,
        hours=hours_text(stake.hours_e4),
        amount_minor=stake.amount_minor,
        context=context,
    )
