"""Money: ISO 4217 exponents, the one rounding function, and allocations that lose nothing.

Every package that touches amounts uses this module and no other rounding. Amounts travel as integers of minor units
or as ``Money``; rates and prices keep their decimals until an amount is made of them.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache

import msgspec
from iso4217 import Currency as IsoCurrency

from tieout.errors import ContractError


class RoundingMode(StrEnum):
    """How half a minor unit is rounded; a policy of the legal entity."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


_DECIMAL_MODE = {RoundingMode.HALF_UP: ROUND_HALF_UP, RoundingMode.HALF_EVEN: ROUND_HALF_EVEN}


class UnknownCurrencyError(ContractError):
    """The code is not a currency of ISO 4217 that amounts can be kept in."""

    def __init__(self, currency: str) -> None:
        super().__init__(
            code="TIE-MONEY-001", message=f"{currency!r} is not an ISO 4217 currency with minor units."
        )


class InexactAmountError(ContractError):
    """An amount has more decimals than its currency, or two currencies were mixed."""

    def __init__(self, message: str) -> None:
        super().__init__(code="TIE-MONEY-002", message=message)


@cache
def _iso(currency: str) -> IsoCurrency:
    try:
        return IsoCurrency(currency)
    except ValueError as error:
        raise UnknownCurrencyError(currency) from error


@cache
def exponent(currency: str) -> int:
    """Decimals of ``currency`` by ISO 4217 (JPY 0, EUR 2, KWD 3, CLF 4); raises UnknownCurrencyError."""
    found = _iso(currency).exponent
    if found is None:
        raise UnknownCurrencyError(currency)
    return int(found)


@cache
def numeric_code(currency: str) -> int:
    """The ISO 4217 numeric code (JPY 392), by which tables keep currencies."""
    exponent(currency)
    return int(_iso(currency).number or 0)


@cache
def alpha_code(number: int) -> str:
    """The three letters of a numeric code; raises UnknownCurrencyError."""
    for one in IsoCurrency:
        if one.number is not None and int(one.number) == number:
            return str(one.code)
    raise UnknownCurrencyError(str(number))


@cache
def _quantum(currency: str) -> Decimal:
    return Decimal(1).scaleb(-exponent(currency))


def round_amount(amount: Decimal, currency: str, mode: RoundingMode) -> Decimal:
    """``amount`` in whole minor units of ``currency``: the only place where money is rounded."""
    return amount.quantize(_quantum(currency), rounding=_DECIMAL_MODE[mode])


def round_to_minor(amount: Decimal, currency: str, mode: RoundingMode) -> int:
    """``round_amount`` as an integer of minor units."""
    return int(round_amount(amount, currency, mode).scaleb(exponent(currency)))


def to_minor(amount: Decimal, currency: str) -> int:
    """``amount`` as an integer of minor units; raises InexactAmountError rather than round."""
    scaled = amount.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise InexactAmountError(f"{amount} has more decimals than {currency} has.")
    return int(scaled)


def from_minor(amount_minor: int, currency: str) -> Decimal:
    """Minor units as a decimal with the currency's decimals."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


class Money(msgspec.Struct, frozen=True, order=False):
    """An exact amount in one currency."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        """Refuse floats and amounts that the currency cannot hold."""
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise InexactAmountError(f"An amount is a finite Decimal, not {self.amount!r}.")
        to_minor(self.amount, self.currency)

    @classmethod
    def of_minor(cls, amount_minor: int, currency: str) -> "Money":
        """Money of an integer of minor units."""
        return cls(from_minor(amount_minor, currency), currency)

    @property
    def minor(self) -> int:
        """The amount in minor units."""
        return to_minor(self.amount, self.currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise InexactAmountError(f"{self.currency} and {other.currency} cannot be put together.")
        return other.amount


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts of one currency."""
    result = Money.of_minor(0, currency)
    for amount in amounts:
        result += amount
    return result


def allocate(amount_minor: int, weights: Sequence[Decimal | int]) -> list[int]:
    """Split minor units by weights with the largest remainder: the parts add up to the whole.

    Ties go to the earlier part, zero weights get nothing, and a negative amount is the mirror of its positive
    (domain model 2.3). Raises InexactAmountError when there is no positive weight or a negative one.
    """
    shares = [Fraction(weight) for weight in weights]
    whole = sum(shares, Fraction(0))
    if whole <= 0 or min(shares) < 0:
        raise InexactAmountError("An amount can only be split by weights of which none is negative and one is positive.")
    if amount_minor < 0:
        return [-part for part in allocate(-amount_minor, weights)]
    exact = [amount_minor * share / whole for share in shares]
    parts = [int(one) for one in exact]
    left = amount_minor - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in by_remainder[:left]:
        parts[at] += 1
    return parts


def running_allocation(amount_minor: int, weights: Sequence[Decimal | int]) -> list[int]:
    """Split minor units over a schedule so that every prefix is right to half a unit (domain model 2.3).

    part k = round(cumulated k) - round(cumulated k-1), half away from zero, mirrored for negatives.
    """
    if amount_minor < 0:
        return [-part for part in running_allocation(-amount_minor, weights)]
    whole = sum((Fraction(weight) for weight in weights), Fraction(0))
    if whole <= 0:
        raise InexactAmountError("A schedule needs a positive sum of weights.")
    parts: list[int] = []
    cumulated, given = Fraction(0), 0
    for weight in weights:
        cumulated += Fraction(weight)
        upto = int(amount_minor * cumulated / whole + Fraction(1, 2))
        parts.append(upto - given)
        given = upto
    return parts
