"""What the booked hours of a week are worth and cost, in the currency of the rate line that prices them. Pure.

Nothing is converted here: a day to come has no exchange rate. What has no price says why by the code of the finding
that a time entry would get; it is never zero. Neighbours: ``ledger.rating`` chooses prices, ``booked_hours`` the hours.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

import msgspec

from tieout.ledger.rate_lines import WORK_TYPE_NUMBER, RateContext, RateGap
from tieout.ledger.rating import HOUR_E4, Price, RateBook, RatingRequest
from tieout.model.firm import EntityPolicy
from tieout.model.money import RoundingMode, round_quotient
from tieout.records.facts import ProjectFacts, ResourceFacts
from tieout.streams.plan_to_allocate.booked_hours import Booking

NOT_BILLABLE: Final = "NOT_BILLABLE"
NO_ENTITY: Final = "LEGAL_ENTITY_UNMAPPED"
_NO_PROJECT: Final = "PROJECT_UNKNOWN"
_COST_GAP: Final = "COST_RATE_NOT_FOUND"
_REGULAR: Final = WORK_TYPE_NUMBER["regular"]
_CENT_OF_HOUR_E4: Final = HOUR_E4 // 100


class Amount(msgspec.Struct, frozen=True, gc=False):
    """Money of hours at one price: minor units of ``currency`` (ISO 4217 numeric) by rate line ``rate_line_id``.

    Without a price all three are None and ``gap`` says why: the code of a finding, or that the work is not billable.
    """

    rate_line_id: int | None
    amount_minor: int | None
    currency: int | None
    gap: str | None


class WeekPart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The hours of a booking in a week at one price, from ``from_day`` until before ``until_day``.

    A week has several parts only where a price changes inside it.
    """

    week: int
    part: int
    from_day: int
    until_day: int
    hours_e4: int
    revenue: Amount
    cost: Amount


class Terms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who works on what, as prices depend on it. ``person`` has record id 0 while nobody fills the role."""

    project: ProjectFacts
    person: ResourceFacts
    role_id: int | None
    is_billable: bool


_Side = Price | str
_Sides = tuple[_Side, _Side]


def week_parts(
    booking: Booking, terms: Terms | None, week: int, hours: Iterable[tuple[int, int]], rates: RateBook
) -> list[WeekPart]:
    """The priced parts of a booking's week; ``hours`` are its days with their hours, in order.

    Without ``terms`` its project is not known, and nothing has a price.
    """
    policy = None if terms is None or terms.project.entity is None else terms.project.entity.policy
    priced = ((day, hours_e4, _sides(booking, terms, day, hours_e4, rates)) for day, hours_e4 in hours)
    parts = []
    for part, (_, group) in enumerate(groupby(priced, key=lambda one: _identity(one[2]))):
        days = list(group)
        hours_e4 = sum(one[1] for one in days)
        bill, cost = days[0][2]
        parts.append(
            WeekPart(
                week=week,
                part=part,
                from_day=days[0][0],
                until_day=days[-1][0] + 1,
                hours_e4=hours_e4,
                revenue=_amount(bill, hours_e4, policy),
                cost=_amount(cost, hours_e4, policy),
            )
        )
    return parts


def _sides(booking: Booking, terms: Terms | None, day: int, hours_e4: int, rates: RateBook) -> _Sides:
    if terms is None:
        return _NO_PROJECT, _NO_PROJECT
    shelf = rates.shelf(terms.project)
    if shelf is None:
        return (NO_ENTITY if terms.is_billable else NOT_BILLABLE), NO_ENTITY
    request = RatingRequest(
        project=terms.project,
        resource=terms.person,
        role_id=terms.role_id,
        task_id=booking.task_id,
        work_type=_REGULAR,
        day=day,
        hours_e4=hours_e4,
        billable=terms.is_billable,
    )
    bill: _Side = NOT_BILLABLE
    if terms.is_billable:
        price, _ = rates.prices(RateContext.BILL, shelf, request)
        bill = price.code if isinstance(price, RateGap) else price
    cost, _ = rates.prices(RateContext.COST, shelf, request)
    return bill, _COST_GAP if isinstance(cost, RateGap) else cost


def _identity(sides: _Sides) -> tuple[int | str, int | str]:
    bill, cost = sides
    return _name(bill), _name(cost)


def _name(side: _Side) -> int | str:
    return side if isinstance(side, str) else side.line.rate_line_id


def _amount(side: _Side, hours_e4: int, policy: EntityPolicy | None) -> Amount:
    if isinstance(side, str) or policy is None:
        return Amount(None, None, None, side if isinstance(side, str) else NO_ENTITY)
    if policy.round_hours_first:
        hours_e4 = round_quotient(hours_e4, _CENT_OF_HOUR_E4, RoundingMode.HALF_UP) * _CENT_OF_HOUR_E4
    minor = round_quotient(hours_e4 * side.numerator, side.denominator, policy.rounding)
    return Amount(side.line.rate_line_id, minor, side.currency, None)
