"""Rates as the firm states them: rate cards with their lines, cost rates, exchange rates.

``ledger`` keeps them with internal keys and decides which one wins (domain model 2.1); these are the values that
sources and files state. A price is per unit in its card's currency, at most six decimals; only amounts are rounded.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import combinations

import msgspec

from tieout.model.finding import Finding, finding
from tieout.model.money import exponent
from tieout.model.rule import refuse
from tieout.model.span import ALWAYS, DateSpan
from tieout.model.time import WorkType

PRICE_DECIMALS = 6


class RateContext(StrEnum):
    """What a price is for."""

    BILL = "bill"
    COST = "cost"
    TRANSFER = "transfer"
    PURCHASE = "purchase"


class RateScope(StrEnum):
    """Whom a card is for; a narrower scope wins over a wider one."""

    GLOBAL = "global"
    LEGAL_ENTITY = "legal_entity"
    CLIENT = "client"
    CONTRACT = "contract"
    PROJECT = "project"


class RateUnit(StrEnum):
    """What a price is per."""

    HOUR = "hour"
    DAY = "day"


class RateCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of prices; ``scope_key`` is the code of the entity, client, contract or project it is for."""

    code: str
    context: RateContext
    currency: str
    scope: RateScope
    scope_key: str | None = None
    effective: DateSpan = ALWAYS

    def __post_init__(self) -> None:
        """Refuse a scope without its record, and a global card with one."""
        exponent(self.currency)
        if (self.scope is RateScope.GLOBAL) != (self.scope_key is None):
            refuse(f"Rate card {self.code}", f"scope {self.scope} does not go with {self.scope_key!r}")


class RateLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One price of a card: for whatever fits its dimensions (None fits anything), while it is effective.

    Either ``price`` or ``markup_percent`` (on the price of the tuple without its last dimension) is stated. A price of
    zero is meant only where ``complimentary`` says so.
    """

    card: str
    effective: DateSpan
    role: str | None = None
    resource: str | None = None
    org_unit: str | None = None
    resource_entity: str | None = None
    task: str | None = None
    work_type: WorkType | None = None
    unit: RateUnit = RateUnit.HOUR
    price: Decimal | None = None
    markup_percent: Decimal | None = None
    complimentary: bool = False

    def __post_init__(self) -> None:
        """Refuse no price or two, negative prices, more than six decimals, and a zero that nobody meant."""
        name = f"Rate line of {self.card} for {'/'.join(part for part in self.dimensions if part) or 'anything'}"
        if (self.price is None) == (self.markup_percent is None):
            refuse(name, "it states neither or both of a price and a markup")
        if self.price is not None:
            _check_price(name, self.price)
            if (self.price == 0) != self.complimentary:
                refuse(name, f"a price of {self.price} does not go with complimentary = {self.complimentary}")
        if self.markup_percent is not None and not self.markup_percent.is_finite():
            refuse(name, f"{self.markup_percent} percent is no markup")

    @property
    def dimensions(self) -> tuple[str | None, ...]:
        """What it is for; two lines of equal dimensions and overlapping days contradict each other."""
        return (self.role, self.resource, self.org_unit, self.resource_entity, self.task, self.work_type, self.unit)


def overlapping_rate_lines(lines: Iterable[RateLine]) -> list[Finding]:
    """One finding for each two lines of a card with equal dimensions that are effective on one day."""
    groups: defaultdict[tuple[str | None, ...], list[RateLine]] = defaultdict(list)
    for line in lines:
        groups[line.card, *line.dimensions].append(line)
    return [
        finding(
            "RATE_AMBIGUOUS",
            f"Two lines of rate card {one.card} for {'/'.join(part for part in one.dimensions if part)} overlap: "
            f"from {one.effective.starts} and from {other.effective.starts}.",
            cause=f"card={one.card}",
            depends_on=("rates",),
            subject=f"rate_card:{one.card}",
        )
        for group in groups.values()
        for one, other in combinations(group, 2)
        if one.effective.overlaps(other.effective)
    ]


class CostRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an hour of a person costs, while it is effective."""

    resource: str
    price: Decimal
    currency: str
    effective: DateSpan
    work_type: WorkType | None = None

    def __post_init__(self) -> None:
        """Refuse impossible currencies and prices that are not above zero."""
        name = f"Cost rate of {self.resource}"
        exponent(self.currency)
        _check_price(name, self.price)
        if self.price == 0:
            refuse(name, "an hour costs nothing; state the cost, or exclude the person")


class FxRateType(StrEnum):
    """Which published rate is meant."""

    SPOT = "spot"
    MONTH_AVERAGE = "month_avg"
    MONTH_END = "month_end"
    CORPORATE = "corporate"


class FxRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``base`` was ``rate`` ``quote`` on ``day``, says ``source``."""

    day: date
    base: str
    quote: str
    rate: Decimal
    source: str
    type: FxRateType = FxRateType.SPOT

    def __post_init__(self) -> None:
        """Refuse rates that are not above zero, and a currency against itself."""
        name = f"Exchange rate {self.base}/{self.quote} of {self.day}"
        exponent(self.base)
        exponent(self.quote)
        if self.base == self.quote:
            refuse(name, "a currency has no rate against itself")
        if not self.rate.is_finite() or self.rate <= 0:
            refuse(name, f"{self.rate} is not above zero")


def _check_price(name: str, price: Decimal) -> None:
    if not price.is_finite() or price < 0:
        refuse(name, f"a price of {price} is impossible")
    decimals = price.normalize().as_tuple().exponent
    if isinstance(decimals, int) and -decimals > PRICE_DECIMALS:
        refuse(name, f"a price of {price} has more than six decimals")
