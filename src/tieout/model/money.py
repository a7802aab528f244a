"""Money: ISO 4217 exponents, the one rounding function, and allocations that lose nothing.

Every package that touches amounts uses this module and no other rounding. Amounts travel as integers of minor units
or as ``Money``; rates and prices keep their decimals until an amount is made of them. The interpreter's own decimal
context (28 digits, silently rounding) has no say here: what does not fit is refused.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, DecimalException, Inexact, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from functools import cache

import msgspec
from iso4217 import Currency as IsoCurrency

from tieout.errors import ContractError


class RoundingMode(StrEnum):
    """How half a minor unit is rounded; a policy of the legal entity. HALF_UP rounds halves away from zero."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


_DECIMAL_MODE = {RoundingMode.HALF_UP: ROUND_HALF_UP, RoundingMode.HALF_EVEN: ROUND_HALF_EVEN}
_WIDE = Context(prec=60, traps=[InvalidOperation])
_EXACT = Context(prec=60, traps=[InvalidOperation, Inexact])


class UnknownCurrencyError(ContractError):
    """The code is not a currency of ISO 4217 that amounts can be kept in."""

    def __init__(self, currency: str) -> None:
        super().__init__(code="TIE-MONEY-001", message=f"{currency!r} is not an ISO 4217 currency with minor units.")


class InexactAmountError(ContractError):
    """An amount that cannot be kept exactly: too many decimals, no number, mixed currencies, impossible weights."""

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
    """Decimals of ``currency`` by ISO 4217 (JPY 0, EUR 2, KWD 3, CLF 4).

    Raises UnknownCurrencyError for withdrawn and unknown codes, and for codes without minor units such as XAU.
    """
    found = _iso(currency).exponent
    if found is None:
        raise UnknownCurrencyError(currency)
    return int(found)


@cache
def numeric_code(currency: str) -> int:
    """The ISO 4217 numeric code (JPY 392), by which tables keep currencies."""
    exponent(currency)
    return int(_iso(currency).number)


@cache
def alpha_code(number: int) -> str:
    """The three letters of a numeric code; raises UnknownCurrencyError."""
    for one in IsoCurrency:
        if one.exponent is not None and int(one.number) == number:
            return str(one.code)
    raise UnknownCurrencyError(str(number))


@cache
def _quantum(currency: str) -> Decimal:
    return Decimal(1).scaleb(-exponent(currency))


def _number(amount: object) -> Decimal:
    if not isinstance(amount, Decimal) or not amount.is_finite():
        raise InexactAmountError(f"An amount is a finite Decimal, not {amount!r}.")
    return amount


def round_amount(amount: Decimal, currency: str, mode: RoundingMode) -> Decimal:
    """``amount`` in whole minor units of ``currency``: the only place where money is rounded; never minus zero."""
    try:
        rounded = _number(amount).quantize(_quantum(currency), rounding=_DECIMAL_MODE[mode], context=_WIDE)
    except InvalidOperation as error:
        raise InexactAmountError(f"{amount} {currency} is too large to be an amount.") from error
    return rounded or rounded.copy_abs()


def round_to_minor(amount: Decimal, currency: str, mode: RoundingMode) -> int:
    """``round_amount`` as an integer of minor units."""
    return int(round_amount(amount, currency, mode).scaleb(exponent(currency), context=_WIDE))


def round_quotient(numerator: int, denominator: int, mode: RoundingMode) -> int:
    """``numerator / denominator`` as a whole number, exact until its one rounding; ``denominator`` is above zero.

    The same rounding as ``round_amount`` for amounts that are kept as integers: half away from zero, or half to even.
    """
    whole, rest = divmod(abs(numerator), denominator)
    twice = rest + rest
    if twice > denominator or (twice == denominator and (mode is RoundingMode.HALF_UP or whole & 1)):
        whole += 1
    return whole if numerator >= 0 else -whole


def to_minor(amount: Decimal, currency: str) -> int:
    """``amount`` as an integer of minor units; raises InexactAmountError rather than round."""
    try:
        scaled = _number(amount).quantize(_quantum(currency), context=_EXACT)
    except DecimalException as error:
        raise InexactAmountError(f"{amount} cannot be kept exactly in whole minor units of {currency}.") from error
    return int(scaled.scaleb(exponent(currency), context=_EXACT))


def from_minor(amount_minor: int, currency: str) -> Decimal:
    """Minor units as a decimal with the currency's decimals."""
    return Decimal(amount_minor).scaleb(-exponent(currency), context=_EXACT)


class Money(msgspec.Struct, frozen=True, order=False, forbid_unknown_fields=True):
    """An exact amount in one currency; refuses floats, mixed currencies and decimals the currency does not have."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        """Refuse what the currency cannot hold."""
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
        return Money.of_minor(self.minor + self._minor_of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money.of_minor(self.minor - self._minor_of(other), self.currency)

    def __neg__(self) -> "Money":
        return Money.of_minor(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._minor_of(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._minor_of(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._minor_of(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._minor_of(other)

    def _minor_of(self, other: object) -> int:
        if not isinstance(other, Money):
            raise InexactAmountError(f"Money goes with money only, not with {other!r}.")
        if other.currency != self.currency:
            raise InexactAmountError(f"{self.currency} and {other.currency} cannot be put together.")
        return other.minor


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts of one currency; nothing at all is zero. Raises InexactAmountError on another currency."""
    result = Money.of_minor(0, currency)
    for amount in amounts:
        result += amount
    return result


def _share(weight: object) -> Fraction:
    if isinstance(weight, int) or (isinstance(weight, Decimal) and weight.is_finite()):
        return Fraction(weight)
    raise InexactAmountError(f"A weight is a whole number or a finite Decimal, not {weight!r}.")


def _shares(weights: Sequence[Decimal | int]) -> list[Fraction]:
    shares = [_share(weight) for weight in weights]
    if sum(shares, Fraction(0)) <= 0 or min(shares) < 0:
        raise InexactAmountError("Weights to split an amount by need one above zero and none below.")
    return shares


def allocate(amount_minor: int, weights: Sequence[Decimal | int]) -> list[int]:
    """Split minor units by weights with the largest remainder: the parts add up to the whole.

    Ties go to the earlier part, zero weights get nothing, and a negative amount is the mirror of its positive
    (domain model 2.3). Raises InexactAmountError when no weight is above zero or one is below.
    """
    if amount_minor < 0:
        return [-part for part in allocate(-amount_minor, weights)]
    shares = _shares(weights)
    whole = sum(shares, Fraction(0))
    exact = [amount_minor * share / whole for share in shares]
    parts = [int(one) for one in exact]
    left = amount_minor - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in by_remainder[:left]:
        parts[at] += 1
    return parts


def running_allocation(total_minor: int, weights: Sequence[Decimal | int]) -> list[int]:
    """Split minor units over a schedule so that every prefix is right to half a unit (domain model 2.3).

    part k = round(cumulated k) - round(cumulated k-1), halves away from zero, mirrored for negatives. Raises
    InexactAmountError when no weight is above zero or one is below.
    """
    if total_minor < 0:
        return [-part for part in running_allocation(-total_minor, weights)]
    shares = _shares(weights)
    whole = sum(shares, Fraction(0))
    parts: list[int] = []
    cumulated, given = Fraction(0), 0
    for share in shares:
        cumulated += share
        upto = int(total_minor * cumulated / whole + Fraction(1, 2))
        parts.append(upto - given)
        given = upto
    return parts


def figure(value: Decimal, *, decimals: int) -> str:
    """A price, rate or number of hours as people write it: exact, with ``decimals`` at least and no zeros after that.

    222.300000 with two decimals is 222.30, and 0.006618 stays what it is.
    """
    whole, _, rest = f"{value:f}".partition(".")
    rest = rest.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{rest}" if rest else whole


def known_currencies() -> list[tuple[str, int, int]]:
    """All currencies with minor units: letters, numeric code, decimals. For tables that SQL joins with."""
    return sorted(
        (str(one.code), int(one.number), int(one.exponent)) for one in IsoCurrency if one.exponent is not None
    )
