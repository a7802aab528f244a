"""Reads what of each project's budget is used or booked, and turns it into the project's currency.

Neighbours: ``burn`` adds it up, ``desk`` judges by it, ``forecast`` shows it.
"""

from collections.abc import Callable, Collection
from datetime import date

from psycopg import Connection

from tieout.ledger.actuals import Slot
from tieout.ledger.fx import FxGap
from tieout.ledger.rating import HOUR_E4, RateBook
from tieout.model.money import alpha_code, round_quotient
from tieout.model.stream_policy import PlanToAllocate
from tieout.records.facts import ProjectFacts
from tieout.streams.plan_to_allocate.booked_hours import Commitment
from tieout.streams.plan_to_allocate.burn import Planned


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
