"""The rate card of a project as targets are told it: what an hour of each role costs, and who need not be told. Pure.

A target's rate card knows roles and days. What a line says of one person, task, customer, entity or kind of work, or
gives away, is an exception that the hub rates by and no target is told; a price per day is told by the hour where the
line says how many hours a day has and the quotient is exact. Neighbours: ``provision`` reads, ``plan`` makes the step.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from tieout.ledger.rate_lines import FOR_EVER, RateLine, RateUnit
from tieout.model.command import RatePrice
from tieout.model.money import InexactAmountError, to_minor
from tieout.records.facts import RoleFacts


def hourly_prices(lines: Iterable[RateLine], roles: Mapping[int, RoleFacts], currency: str) -> tuple[RatePrice, ...]:
    """The prices of a card in its currency, in the order of ``lines``."""
    prices = []
    for line in lines:
        role = None if line.role_id is None else roles.get(line.role_id)
        price = _of_an_hour(line)
        if role is None or price is None or line.currency != currency or _is_exception(line):
            continue
        ends = None if line.valid_to == FOR_EVER else date.fromordinal(line.valid_to)
        starts = date.fromordinal(line.valid_from)
        price = Decimal(f"{price.normalize():f}")
        prices.append(RatePrice(role=role.code or role.name, price=price, starts=starts, ends=ends))
    return tuple(prices)


def _is_exception(line: RateLine) -> bool:
    named = (line.project_id, line.client_id, line.entity_id, line.resource_id, line.task_id, line.work_type)
    return line.complimentary or any(one is not None for one in named)


def _of_an_hour(line: RateLine) -> Decimal | None:
    if line.unit is RateUnit.HOUR:
        return line.price
    if not line.hours_per_day:
        return None
    hourly = line.price / line.hours_per_day
    try:
        to_minor(hourly, line.currency)
    except InexactAmountError:
        return None
    return hourly if hourly * line.hours_per_day == line.price else None
