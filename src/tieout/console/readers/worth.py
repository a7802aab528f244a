"""What amounts of several currencies are worth beside each other, in one currency, at the newest rates that are known.

Only for order and pictures: pages mark such a figure with an approximate sign, and its link opens the amounts as they
are. A currency without a rate is left out and named, never taken as 1.0.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Connection

from tieout.model.firm import FirmConfig
from tieout.model.money import RoundingMode, from_minor, round_amount

_FALLBACK: Final = "EUR"


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """An amount in the currency of the comparison. ``is_about``: something was converted; ``left_out``: no rate."""

    value: Decimal
    currency: str
    is_about: bool
    left_out: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The currency to compare in, and by how much an amount of another is multiplied."""

    currency: str
    factors: Mapping[str, Decimal]

    def worth(self, minor: Mapping[str, int]) -> Worth:
        """What minor units by currency come to."""
        total = Decimal(0)
        left_out = []
        for currency, amount in sorted(minor.items()):
            factor = self.factors.get(currency)
            if factor is None:
                left_out.append(currency)
            else:
                total += from_minor(amount, currency) * factor
        return Worth(
            value=round_amount(total, self.currency, RoundingMode.HALF_UP),
            currency=self.currency,
            is_about=any(currency != self.currency for currency, amount in minor.items() if amount),
            left_out=tuple(left_out),
        )


def comparison(conn: Connection[tuple[object, ...]], firm: FirmConfig | None, entity: str | None) -> Comparison:
    """In the functional currency of ``entity``; without one, in the one that most legal entities have."""
    stated = [] if firm is None else [one.functional_currency for one in firm.policies if entity in {None, one.entity}]
    currency = max(sorted(set(stated)), key=stated.count, default=_FALLBACK)
    rates = _newest_rates(conn)
    return Comparison(currency=currency, factors=_factors(currency, rates))


def _newest_rates(conn: Connection[tuple[object, ...]]) -> dict[tuple[str, str], Decimal]:
    rows = conn.execute(
        """
        select distinct on (base, quote) base, quote, rate::text from fx_rate r
         where not exists (select from fx_rate_retired t where t.fx_rate_id = r.fx_rate_id)
         order by base, quote, rate_date desc, fx_rate_id desc
        """
    )
    return {(str(base), str(quote)): Decimal(str(rate)) for base, quote, rate in rows}


def _factors(currency: str, rates: Mapping[tuple[str, str], Decimal]) -> dict[str, Decimal]:
    """Directly, the other way round, or over one third currency."""
    both = dict(rates)
    for (base, quote), rate in rates.items():
        both.setdefault((quote, base), 1 / rate)
    names = sorted({name for pair in both for name in pair})
    found = {currency: Decimal(1)}
    for name in names:
        if (name, currency) in both:
            found.setdefault(name, both[name, currency])
    for name in names:
        for third in names:
            if name not in found and (name, third) in both and (third, currency) in both:
                found[name] = both[name, third] * both[third, currency]
    return found
