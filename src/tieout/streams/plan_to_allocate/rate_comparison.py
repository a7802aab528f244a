"""One rate in every system: what cards, bookings and won deals say of the same work, held against each other. Pure.

The hub prices by one card; what another system states otherwise is a difference, with what it would mean for the hours
that are booked or sold. Nothing is taken over. Neighbours: ``rate_reader`` reads what systems say, ``desk`` tells the
differences, ``ledger`` keeps the rates in force.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import chain
from typing import Final, TypeAlias

import msgspec

from tieout.ledger.rate_lines import RateLine, RateUnit
from tieout.ledger.rating import HOUR_E4, PRICE_E6
from tieout.model.finding import Finding, finding
from tieout.model.money import RoundingMode, exponent, figure, round_quotient

CARDS: Final = "rate_cards"
"""The mapping table of the words that systems have for rate cards."""


class Compared(StrEnum):
    """What states the rate that is held against the hub's."""

    CARD = "rate card"
    BOOKING = "booking"
    DEAL = "deal"


class StatedCard(msgspec.Struct, frozen=True, kw_only=True):
    """A rate card as a system tells it, and how many projects are bound to it."""

    record_id: int
    system: str
    code: str | None
    name: str | None
    projects: int = 0


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What an hour is billed at, and who says so."""

    system: str
    price: Decimal
    currency: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two statements of one rate. ``subject_id`` is what tells it from others of its kind.

    ``hours`` are those that it is about, and ``effect_minor`` what they would be worth more (less) in ``currency`` by
    ``theirs``; None where the two are in different currencies, or one is not stated. ``theirs`` is None where a system
    has the card without the rate.
    """

    kind: Compared
    subject_id: int
    what: str
    role: str
    since: date
    ours: Rate
    theirs: Rate | None
    hours: Decimal = Decimal(0)
    effect_minor: int | None = None
    entity_id: int | None = None

    @property
    def currency(self) -> str:
        """The currency of the effect."""
        return self.ours.currency


_Dimensions: TypeAlias = tuple[int | None, int | None, int | None, int | None, int | None]
_Say: TypeAlias = Callable[[str, str], str]
"""The firm's word for a system's word of a rate card."""


def same_cards(cards: Iterable[StatedCard], say: _Say) -> list[list[StatedCard]]:
    """Cards of several systems that are one: by code, then by name where no other card of a system has that name."""
    by_code: dict[str, list[StatedCard]] = defaultdict(list)
    for one in cards:
        word = one.code or one.name
        if word:
            by_code[say(one.system, word).casefold()].append(one)
    groups = [own for own in by_code.values() if len({one.system for one in own}) > 1]
    alone: dict[str, list[StatedCard]] = defaultdict(list)
    for one in chain.from_iterable(own for own in by_code.values() if len({one.system for one in own}) == 1):
        if one.name:
            alone[say(one.system, one.name).casefold()].append(one)
    groups += [own for own in alone.values() if 1 < len(own) == len({one.system for one in own})]
    return groups


def card_differences(
    cards: Sequence[StatedCard],
    lines_of: Callable[[int], Sequence[RateLine]],
    booked: Mapping[int, int],
    *,
    today: int,
    role_of: Callable[[int | None], str],
) -> list[Difference]:
    """What the cards of one group state differently, today or from a day to come.

    The card that most projects are bound to is ours. ``booked`` has the hours to come by the rate line that prices
    them.
    """
    ours, *others = sorted(cards, key=lambda one: (-one.projects, one.record_id))
    found = []
    for theirs in others:
        own, other = _by_dimensions(lines_of(ours.record_id)), _by_dimensions(lines_of(theirs.record_id))
        for dimensions in sorted(own, key=str):
            for line, against in _pairs(own[dimensions], other.get(dimensions, ()), today):
                words = _Words(ours=ours, theirs=theirs, role=role_of(line.role_id), today=today)
                one = _of_lines(words, line, against, booked.get(line.rate_line_id, 0))
                if one is not None:
                    found.append(one)
    return found


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    """Which cards are compared, and how the role is called."""

    ours: StatedCard
    theirs: StatedCard
    role: str
    today: int


def _by_dimensions(lines: Iterable[RateLine]) -> dict[_Dimensions, list[RateLine]]:
    found: dict[_Dimensions, list[RateLine]] = defaultdict(list)
    for one in lines:
        found[one.role_id, one.resource_id, one.task_id, one.project_id, one.work_type].append(one)
    return found


def _pairs(own: Sequence[RateLine], other: Sequence[RateLine], today: int) -> list[tuple[RateLine, RateLine | None]]:
    """The lines in force together, today and from each day to come on which one of them changes."""
    days = {today, *(one.valid_from for one in (*own, *other) if one.valid_from > today)}
    pairs = dict.fromkeys(
        (line, _in_force(other, day)) for day in sorted(days) if (line := _in_force(own, day)) is not None
    )
    return list(pairs)


def _in_force(lines: Iterable[RateLine], day: int) -> RateLine | None:
    return next((one for one in lines if one.valid_from <= day < one.valid_to), None)


def _of_lines(words: _Words, line: RateLine, against: RateLine | None, hours_e4: int) -> Difference | None:
    own, other = hourly(line), None if against is None else hourly(against)
    same = against is not None and against.currency == line.currency
    if own is None or (same and other == own):
        return None
    starts = 0 if against is None else against.valid_from
    stated = None
    if against is not None and other is not None:
        stated = Rate(system=words.theirs.system, price=price_text(other), currency=against.currency)
    return Difference(
        kind=Compared.CARD,
        subject_id=line.rate_line_id if against is None else against.rate_line_id,
        what=f"rate card {words.ours.code or words.ours.name}",
        role=words.role,
        since=date.fromordinal(max(words.today, line.valid_from, starts)),
        ours=Rate(system=words.ours.system, price=price_text(own), currency=line.currency),
        theirs=stated,
        hours=Decimal(hours_e4) / HOUR_E4,
        effect_minor=effect(hours_e4, own, other, same=same, currency=line.currency),
    )


def hourly(line: RateLine, hours_per_day: Decimal | None = None) -> Fraction | None:
    """The price of an hour; None where a day is priced and nobody says how long it is."""
    if line.unit is RateUnit.HOUR:
        return Fraction(line.price)
    length = line.hours_per_day or hours_per_day
    return Fraction(line.price) / Fraction(length) if length else None


def effect(hours_e4: int, own: Fraction, other: Fraction | None, *, same: bool, currency: str) -> int | None:
    """What ``hours_e4`` would be worth more by the other price, in minor units; None where that cannot be said."""
    if other is None or not same:
        return None
    exact = hours_e4 * (other - own) * 10 ** exponent(currency) / HOUR_E4
    return round_quotient(exact.numerator, exact.denominator, RoundingMode.HALF_UP)


def differs(one: Difference) -> Finding:
    """A rate is stated differently by two systems."""
    theirs = "none" if one.theirs is None else _words(one.theirs)
    by = "another system" if one.theirs is None else one.theirs.system
    return finding(
        "RATE_DIFFERS",
        f"An hour of {one.role} ({one.what}) is {_words(one.ours)} by {one.ours.system} and {theirs} by {by}.",
        cause=f"{one.kind}:{one.subject_id}:{_words(one.ours)}:{theirs}",
        depends_on=("rates",),
        context={"what": one.what, "role": one.role, one.ours.system: _words(one.ours)}
        | ({} if one.theirs is None else {f"{one.theirs.system} says": theirs}),
    )


def _words(rate: Rate) -> str:
    return f"{figure(rate.price, decimals=2)} {rate.currency}"


def price_text(hour: Fraction) -> Decimal:
    """The price of an hour with six decimals, to be read; effects are made of the exact ratio."""
    scaled = hour * PRICE_E6
    return Decimal(round_quotient(scaled.numerator, scaled.denominator, RoundingMode.HALF_UP)).scaleb(-6)
