"""Reads what of each project's budget is used or booked, and turns it into the project's currency.

Neighbours: ``burn`` adds it up, ``desk`` judges by it, the command line shows it.
"""

from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal

import msgspec
from psycopg import Connection

from tieout.ledger.actuals import Slot
from tieout.ledger.fx import FxGap
from tieout.ledger.rating import HOUR_E4, RateBook
from tieout.model.money import alpha_code, from_minor, round_quotient
from tieout.model.stream_policy import PlanToAllocate
from tieout.records.facts import ProjectFacts
from tieout.streams.plan_to_allocate.booked_hours import Commitment
from tieout.streams.plan_to_allocate.burn import Planned, burn_of, percent_of
from tieout.streams.plan_to_allocate.plan_book import Budget, PlanBook
from tieout.streams.plan_to_allocate.store import hours_text


def planned_of(
    conn: Connection[tuple[object, ...]], project_ids: Collection[int], policy: PlanToAllocate, *, this_week: int
) -> dict[int, Planned]:
    """What the ledger and the plan have of each of ``project_ids``."""
    sums = {one: _Sums() for one in project_ids}
    week = date.fromordinal(this_week)
    for project_id, side, currency, hours, minor, now_hours, now_minor in conn.execute(
        """
        select project_id, side, currency, (sum(hours) * %(e4)s)::bigint, sum(amount_minor)::bigint,
               coalesce((sum(hours) filter (where week = %(week)s) * %(e4)s)::bigint, 0),
               coalesce(sum(amount_minor) filter (where week = %(week)s), 0)::bigint
          from project_actual where project_id = any(%(ids)s) group by 1, 2, 3
        """,
        {"e4": HOUR_E4, "week": week, "ids": sorted(sums)},
    ):
        one = sums[int(str(project_id))]
        if int(str(side)) == Slot.COST:
            one.actual_e4 += int(str(hours))
            one.recorded_e4 += int(str(now_hours))
        else:
            one.actual_minor[int(str(currency))] = int(str(minor))
            one.recorded_minor[int(str(currency))] = int(str(now_minor))
    least = Commitment.SOFT if policy.burn_counts_soft else Commitment.HARD
    for project_id, is_now, currency, hours, minor, unpriced in conn.execute(
        """
        select project_id, week = %(week)s, revenue_currency, (sum(hours) * %(e4)s)::bigint,
               sum(revenue_minor)::bigint, (sum(unpriced) * %(e4)s)::bigint
          from project_week where project_id = any(%(ids)s) and week >= %(week)s and commitment >= %(least)s
         group by 1, 2, 3
        """,
        {"e4": HOUR_E4, "week": week, "ids": sorted(sums), "least": int(least)},
    ):
        sums[int(str(project_id))].book(
            is_now=bool(is_now),
            currency=int(str(currency)),
            hours_e4=int(str(hours)),
            minor=int(str(minor)),
            unpriced_e4=int(str(unpriced)),
        )
    return {project_id: one.planned() for project_id, one in sums.items()}


class _Sums:
    """What is found of one project, while it is added up."""

    def __init__(self) -> None:
        self.actual_e4 = self.recorded_e4 = self.booked_e4 = self.later_e4 = self.unpriced_e4 = 0
        self.actual_minor: dict[int, int] = {}
        self.recorded_minor: dict[int, int] = {}
        self.booked_minor: dict[int, int] = {}
        self.later_minor: dict[int, int] = {}

    def book(self, *, is_now: bool, currency: int, hours_e4: int, minor: int, unpriced_e4: int) -> None:
        """Add what is booked in one currency (0: no price)."""
        self.unpriced_e4 += unpriced_e4
        if is_now:
            self.booked_e4 += hours_e4
        else:
            self.later_e4 += hours_e4
        if currency:
            (self.booked_minor if is_now else self.later_minor)[currency] = minor

    def planned(self) -> Planned:
        """The sums as a value."""
        return Planned(
            actual_e4=self.actual_e4,
            recorded_e4=self.recorded_e4,
            booked_e4=self.booked_e4,
            later_e4=self.later_e4,
            unpriced_e4=self.unpriced_e4,
            actual_minor=self.actual_minor,
            recorded_minor=self.recorded_minor,
            booked_minor=self.booked_minor,
            later_minor=self.later_minor,
        )


def converter(rates: RateBook, project: ProjectFacts, *, today: int) -> Callable[[int, int], int | None]:
    """Turns minor units of a currency into the project's by the newest rate; None where there is none."""

    def convert(minor: int, currency: int) -> int | None:
        if currency == project.currency_number:
            return minor
        entity = project.entity
        if entity is None or entity.policy is None or project.currency is None:
            return None
        found = rates.conversion(entity, alpha_code(currency), project.currency, today)
        if isinstance(found, FxGap):
            return None
        return round_quotient(minor * found.numerator, found.denominator, entity.policy.rounding)

    return convert


class BudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """A project's budget and what of it is used or booked. Percents are whole, rounded down; None without a budget.

    ``recorded_hours`` are those of the ledger, ``rest_hours`` what this week's bookings still add to it, and
    ``later_hours`` the bookings of later weeks. Amounts are in ``currency``; ``left_out`` are currencies without an
    exchange rate.
    """

    project: str
    name: str
    entity: str | None
    recorded_hours: Decimal
    rest_hours: Decimal
    later_hours: Decimal
    burned_hours: Decimal
    budget_hours: Decimal | None
    hours_percent: int | None
    currency: str | None
    burned_amount: Decimal | None
    budget_amount: Decimal | None
    amount_percent: int | None
    unpriced_hours: Decimal
    left_out: tuple[str, ...]


def list_budgets(
    conn: Connection[tuple[object, ...]], plan: PlanBook, *, today: int, this_week: int, project: str | None = None
) -> list[BudgetView]:
    """The budgets of all projects that have one, or of just ``project`` whether it has one or not, by code."""
    wanted = [
        one
        for one in plan.book.project_by_id.values()
        if (one.code == project if project else plan.budgets.get(one.record_id, Budget()) != Budget())
    ]
    planned = planned_of(conn, [one.record_id for one in wanted], plan.policy, this_week=this_week)
    views = [_view(one, plan, planned[one.record_id], today=today) for one in wanted]
    return sorted(views, key=lambda one: one.project)


def _view(project: ProjectFacts, plan: PlanBook, planned: Planned, *, today: int) -> BudgetView:
    burn = burn_of(planned, converter(plan.rates, project, today=today))
    budget = plan.budgets.get(project.record_id, Budget())
    currency = project.currency
    has_amount = currency is not None and budget.amount_minor is not None
    return BudgetView(
        project=project.code or project.name,
        name=project.name,
        entity=project.entity_code,
        recorded_hours=hours_text(planned.actual_e4),
        rest_hours=hours_text(max(0, planned.booked_e4 - planned.recorded_e4)),
        later_hours=hours_text(planned.later_e4),
        burned_hours=hours_text(burn.hours_e4),
        budget_hours=None if budget.hours_e4 is None else hours_text(budget.hours_e4),
        hours_percent=percent_of(burn.hours_e4, budget.hours_e4),
        currency=currency,
        burned_amount=None if currency is None else from_minor(burn.amount_minor, currency),
        budget_amount=from_minor(budget.amount_minor or 0, currency or "") if has_amount else None,
        amount_percent=percent_of(burn.amount_minor, budget.amount_minor),
        unpriced_hours=hours_text(burn.unpriced_e4),
        left_out=tuple(alpha_code(one) for one in burn.left_out),
    )
