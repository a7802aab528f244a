"""The prices of a rate card as Kantata keeps them: from each day on, the rate of every role; pure.

A set version takes effect on a day and holds until the next one, so that a price that ends needs a version without
it. Rates are whole subunits of the card's currency. Neighbours: ``card_writer`` writes this, ``rates`` reads it back.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TypeAlias

import msgspec

from tieout.connect.outcome import Rejected, RejectionCode
from tieout.model.command import RatePrice, UpsertRateCard
from tieout.model.money import InexactAmountError, to_minor

Rates: TypeAlias = Mapping[int, int]
"""By role, what an hour is billed at, in subunits."""


class RowChange(msgspec.Struct, frozen=True, kw_only=True):
    """One rate that is not as it should be; ``rate`` None: the role is to have none."""

    role_id: int
    rate: int | None


def timeline(command: UpsertRateCard, roles: Mapping[str, int]) -> dict[date, dict[int, int]] | Rejected:
    """By the day from which they hold, the rates of the roles; ``roles`` are the account's, by name."""
    subunits = []
    for price in command.prices:
        found = roles.get(price.role)
        if found is None:
            return _invalid(f"Kantata has no role {price.role}.")
        try:
            subunits.append((price, found, to_minor(price.price, command.currency)))
        except InexactAmountError as error:
            return _invalid(error.message)
    days = _days(command.prices)
    if not days:
        return _invalid(f"Rate card {command.code} has no prices, and Kantata dates a card by its prices.")
    held = {day: {role_id: rate for price, role_id, rate in subunits if _holds(price, day)} for day in days}
    for day, rates in held.items():
        if len(rates) != sum(_holds(price, day) for price in command.prices):
            return _invalid(f"Rate card {command.code} has two prices for one role on {day.isoformat()}.")
    return held


def _days(prices: Iterable[RatePrice]) -> list[date]:
    return sorted({day for one in prices for day in (one.starts, one.ends) if day is not None})


def _holds(price: RatePrice, day: date) -> bool:
    return price.starts <= day and (price.ends is None or day < price.ends)


def rates_on(held: Mapping[date, Rates], day: date) -> Rates:
    """The rates that hold on a day: of the last version that took effect by then."""
    begun = [one for one in held if one <= day]
    return held[max(begun)] if begun else {}


def changes(wanted: Rates, held: Rates) -> list[RowChange]:
    """What of ``held`` has to change to be ``wanted``, by role."""
    return [
        RowChange(role_id=role_id, rate=wanted.get(role_id))
        for role_id in sorted(wanted.keys() | held.keys())
        if wanted.get(role_id) != held.get(role_id)
    ]


def _invalid(words: str) -> Rejected:
    return Rejected(code=RejectionCode.INVALID, words=words)
