"""Exchange rates: which published rate a day is converted by, and conversion with one rounding (domain model 2.3).

Pure. The rate of a day is the latest published on or before it, not older than the policy allows; directly, inversely,
or over one third currency. What is missing or too old is a finding: there is no rate of 1.0 but for a currency itself.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias

import msgspec

from tieout.model.money import RoundingMode, exponent, round_quotient

FIRM: Final = "firm"


class FxRate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One published rate: one ``base`` is ``rate`` ``quote`` on ``rate_day`` (ordinal).

    ``origin`` is who published it: ``firm`` for the firm's own file, else the name of a system.
    """

    fx_rate_id: int
    base: str
    quote: str
    rate: Decimal
    rate_day: int
    rate_type: str
    origin: str


class FxTerms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """By which rates a legal entity converts: type, greatest age in days, and the system whose rates go first."""

    rate_type: str
    max_age_days: int
    prefers: str | None = None


class FxConversion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One currency into another on a day. Minor units times ``numerator`` / ``denominator`` are minor units.

    ``rate_day`` is the day of the older rate used. ``rates``: the published rate, or the two over a third currency;
    none for a currency into itself.
    """

    source: str
    target: str
    numerator: int
    denominator: int
    rate: Fraction
    rate_day: int
    rates: tuple[FxRate, ...] = ()


class FxGap(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """No rate may be used: FX_MISSING, or FX_STALE with the newest there is."""

    code: str
    source: str
    target: str
    day: int
    newest: FxConversion | None = None


_Leg: TypeAlias = tuple[int, Fraction, FxRate]


class FxBook:
    """All published rates, found by pair, type and day."""

    def __init__(self, rates: Iterable[FxRate]) -> None:
        """``rates`` in the order of their recording: a later one of the same day and origin corrects the earlier."""
        newest = {(one.base, one.quote, one.rate_type, one.rate_day, one.origin): one for one in rates}
        self._series: dict[tuple[str, str, str], dict[str, list[FxRate]]] = defaultdict(lambda: defaultdict(list))
        self._partners: dict[str, set[str]] = defaultdict(set)
        self.by_id: dict[int, FxRate] = {one.fx_rate_id: one for one in newest.values()}
        for one in sorted(newest.values(), key=lambda rate: rate.rate_day):
            self._series[one.base, one.quote, one.rate_type][one.origin].append(one)
            self._partners[one.base].add(one.quote)
            self._partners[one.quote].add(one.base)

    def conversion(self, source: str, target: str, day: int, terms: FxTerms) -> FxConversion | FxGap:
        """How ``source`` becomes ``target`` on ``day``.

        A fresh direct or inverse rate goes first, the later of the two; then the freshest way over a third currency.
        """
        if source == target:
            return _conversion(source, target, Fraction(1), day, ())
        newest: FxConversion | None = None
        for one in (*self._pair(source, target, day, terms), *self._crossed(source, target, day, terms)):
            if day - one.rate_day <= terms.max_age_days:
                return one
            if newest is None or one.rate_day > newest.rate_day:
                newest = one
        code = "FX_MISSING" if newest is None else "FX_STALE"
        return FxGap(code=code, source=source, target=target, day=day, newest=newest)

    def _pair(self, source: str, target: str, day: int, terms: FxTerms) -> Iterator[FxConversion]:
        leg = self._leg(source, target, day, terms)
        if leg is not None:
            yield _conversion(source, target, leg[1], leg[0], (leg[2],))

    def _crossed(self, source: str, target: str, day: int, terms: FxTerms) -> Iterator[FxConversion]:
        """Over every third currency that has rates to both, the freshest first, then by code."""
        ways = []
        for third in sorted(self._partners.get(source, set()) & self._partners.get(target, set())):
            first = self._leg(source, third, day, terms)
            second = self._leg(third, target, day, terms)
            if first is not None and second is not None:
                ways.append((min(first[0], second[0]), first, second))
        ways.sort(key=lambda way: way[0], reverse=True)
        for rate_day, first, second in ways:
            yield _conversion(source, target, first[1] * second[1], rate_day, (first[2], second[2]))

    def _leg(self, source: str, target: str, day: int, terms: FxTerms) -> _Leg | None:
        direct = self._latest(source, target, day, terms)
        inverse = self._latest(target, source, day, terms)
        if direct is not None and (inverse is None or direct.rate_day >= inverse.rate_day):
            return direct.rate_day, Fraction(direct.rate), direct
        return None if inverse is None else (inverse.rate_day, 1 / Fraction(inverse.rate), inverse)

    def _latest(self, base: str, quote: str, day: int, terms: FxTerms) -> FxRate | None:
        """The latest on or before ``day``; of one day the firm's own, then the preferred system's, then by name."""
        best: FxRate | None = None
        origins = self._series.get((base, quote, terms.rate_type), {})
        for origin in sorted(origins, key=lambda one: (one != FIRM, one != terms.prefers, one)):
            at = bisect_right(origins[origin], day, key=lambda rate: rate.rate_day) - 1
            if at >= 0 and (best is None or origins[origin][at].rate_day > best.rate_day):
                best = origins[origin][at]
        return best


def convert(amount_minor: int, conversion: FxConversion, mode: RoundingMode) -> int:
    """Minor units of the source currency as minor units of the target, rounded once."""
    return round_quotient(amount_minor * conversion.numerator, conversion.denominator, mode)


def describe_gap(gap: FxGap, terms: FxTerms) -> str:
    """What is missing, in one sentence."""
    wanted = f"{terms.rate_type} rate from {gap.source} to {gap.target} on {date.fromordinal(gap.day)}"
    if gap.newest is None:
        return f"There is no {wanted}: neither direct nor inverse nor over a third currency."
    return (
        f"The newest {wanted} is of {date.fromordinal(gap.newest.rate_day)}, "
        f"older than the {terms.max_age_days} days allowed."
    )


def _conversion(source: str, target: str, rate: Fraction, rate_day: int, rates: tuple[FxRate, ...]) -> FxConversion:
    minor = rate * Fraction(10) ** (exponent(target) - exponent(source))
    return FxConversion(
        source=source,
        target=target,
        numerator=minor.numerator,
        denominator=minor.denominator,
        rate=rate,
        rate_day=rate_day,
        rates=rates,
    )
