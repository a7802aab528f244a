"""How much of a project's budget is used or booked: hours and money. Pure.

Burn is what the ledger has, what this week's bookings still add to it, and the bookings of later weeks. Money is
counted in the project's currency; what is booked in another one is converted by the newest rate, and where there is
none it is left out and said so. Neighbours: ``budgets`` reads the sums, ``judgement`` words what is near or used up.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

Convert: TypeAlias = Callable[[int, int], int | None]
"""Minor units of a currency (ISO 4217 numeric) in minor units of the project's; None without a rate."""
ALL: Final = 100


class Planned(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the ledger has of a project, and what is booked on it; amounts by currency (ISO 4217 numeric).

    ``recorded`` is of the present week and part of ``actual``; ``booked`` is of the present week, ``later`` of those
    after it. ``unpriced_e4`` are booked hours among them that have no price.
    """

    actual_e4: int = 0
    recorded_e4: int = 0
    booked_e4: int = 0
    later_e4: int = 0
    unpriced_e4: int = 0
    actual_minor: Mapping[int, int] = {}
    recorded_minor: Mapping[int, int] = {}
    booked_minor: Mapping[int, int] = {}
    later_minor: Mapping[int, int] = {}


class Burn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What of a budget is used or booked. ``left_out`` are currencies that could not be converted."""

    hours_e4: int
    amount_minor: int
    unpriced_e4: int
    left_out: tuple[int, ...] = ()


def burn_of(planned: Planned, convert: Convert) -> Burn:
    """Actuals, the rest of this week's bookings, and later weeks."""
    rest_e4 = max(0, planned.booked_e4 - planned.recorded_e4)
    total: dict[int, int] = {}
    for currency in {*planned.actual_minor, *planned.booked_minor, *planned.later_minor}:
        rest = max(0, planned.booked_minor.get(currency, 0) - planned.recorded_minor.get(currency, 0))
        total[currency] = planned.actual_minor.get(currency, 0) + rest + planned.later_minor.get(currency, 0)
    converted = {currency: convert(minor, currency) for currency, minor in total.items() if minor}
    return Burn(
        hours_e4=planned.actual_e4 + rest_e4 + planned.later_e4,
        amount_minor=sum(minor for minor in converted.values() if minor is not None),
        unpriced_e4=planned.unpriced_e4,
        left_out=tuple(sorted(currency for currency, minor in converted.items() if minor is None)),
    )


def percent_of(used: int, budget: int | None) -> int | None:
    """Whole percents of a budget, rounded down; None without one."""
    return None if not budget else used * ALL // budget


def reaches(used: int, budget: int | None, percent: int) -> bool:
    """Whether ``percent`` of a budget, or more, is used."""
    return budget is not None and budget > 0 and used * ALL >= budget * percent
