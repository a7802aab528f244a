"""Rating: what one time entry is worth and costs, in exact integers, with the ids of everything that made it so.

Pure. ``rate`` is the hot path: after the first entry of a kind it costs dictionary look-ups and integer arithmetic.
Neighbours: ``rate_lines`` chooses the line, ``fx`` the exchange rate, ``rate_findings`` words what is missing,
``rate_book`` fills a ``RateBook`` from the database, ``actuals`` writes what comes out.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias

import msgspec

from tieout.ledger import rate_findings
from tieout.ledger.fx import FxBook, FxConversion, FxGap, FxTerms
from tieout.ledger.rate_lines import (
    Candidate,
    RateContext,
    RateGap,
    RateIndex,
    RateKey,
    RateLine,
    RateUnit,
    candidates,
    span,
)
from tieout.model.finding import Finding
from tieout.model.firm import EntityPolicy
from tieout.model.money import RoundingMode, exponent, numeric_code, round_quotient
from tieout.records.facts import EntityFacts, ProjectFacts, ResourceFacts

CHARGEABLE: Final = 1
NON_CHARGEABLE: Final = 2
COMPLIMENTARY: Final = 3
HOUR_E4: Final = 10_000
PRICE_E6: Final = 1_000_000


class RatingRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry as rating sees it. ``project.entity`` and its policy are known: validation held what has none.

    ``day`` is the work date as an ordinal, ``hours_e4`` ten-thousandths of an hour, ``work_type`` a number of
    ``rate_lines.WORK_TYPE_NUMBER``. Without ``billable`` there is only a cost.
    """

    project: ProjectFacts
    resource: ResourceFacts
    role_id: int | None
    task_id: int | None
    work_type: int
    day: int
    hours_e4: int
    billable: bool


class Price(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rate line ready for multiplication: minor units = ten-thousandths of hours x ``numerator`` / ``denominator``.

    ``price_text`` is the price of one hour with six decimals, ``currency`` the ISO 4217 numeric code. ``conversion``
    is set where the line's currency is not the one asked for and the policy allows to convert it.
    """

    line: RateLine
    numerator: int
    denominator: int
    price_text: str
    currency: int
    hours_per_day: Decimal | None = None
    conversion: FxConversion | None = None


class Priced(msgspec.Struct, frozen=True, gc=False):
    """One side of a rated entry. Currencies are ISO 4217 numeric codes, amounts minor units with the sign of the hours.

    ``functional`` is how the amount became the functional amount (None: same currency).
    """

    amount_minor: int
    currency: int
    functional_minor: int
    functional_currency: int
    price: Price
    functional: FxConversion | None


class Rated(msgspec.Struct, frozen=True, gc=False):
    """What an entry costs, and what it is worth where it is billable.

    ``billing_type``: 1 chargeable, 2 non-chargeable, 3 complimentary.
    """

    cost: Priced
    sales: Priced | None
    billing_type: int


class RateExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """Every line that was looked at for an entry, best first, with why it won or lost."""

    sales: list[Candidate]
    cost: list[Candidate]


_Spans: TypeAlias = list[tuple[int, int, Price | RateGap, dict[int, Priced]]]
_Prices: TypeAlias = dict[tuple[int | None, int, int, int], _Spans]
_MEMORY: Final = 1024
_DAY_BITS: Final = 22
"""Enough for the ordinal of any day: an amount that depends on the day is kept under a negative number of both."""


class _Shelf(msgspec.Struct, kw_only=True):
    """What is known of one project's prices; void as soon as the reference says anything else of the project."""

    project: ProjectFacts
    entity: EntityFacts
    policy: EntityPolicy
    bill: _Prices
    cost: _Prices


class RateBook:
    """All rates at one version of the reference, with what was already chosen kept at hand.

    ``version`` is the reference version. What is kept belongs to the very facts that it was chosen by: a project of a
    newer reference is priced afresh. Not to be shared between threads.
    """

    def __init__(
        self,
        *,
        version: int,
        lines: Iterable[RateLine] | RateIndex,
        fx: FxBook,
        role_names: Mapping[int, str] | None = None,
    ) -> None:
        """``role_names`` are the words for roles in findings."""
        self.version = version
        self.role_names = role_names or {}
        self.lines = lines if isinstance(lines, RateIndex) else RateIndex(lines)
        self.fx = fx
        self._shelves: dict[int, _Shelf] = {}
        self._costs: dict[int, tuple[EntityFacts, _Prices]] = {}
        self._conversions: dict[tuple[FxTerms, str, str, int], FxConversion | FxGap] = {}

    def shelf(self, project: ProjectFacts) -> _Shelf | None:
        """The prices of a project; None while its legal entity is unknown or has no policy."""
        known = self._shelves.get(project.record_id)
        if known is not None and known.project is project:
            return known
        entity = project.entity
        if entity is None or entity.policy is None:
            return None
        made = _Shelf(project=project, entity=entity, policy=entity.policy, bill={}, cost=self._cost_of(entity))
        self._shelves[project.record_id] = made
        return made

    def _cost_of(self, entity: EntityFacts) -> _Prices:
        """Costs are the same on all projects of an entity while no cost line names a project, its card or client."""
        if self.lines.named_projects[RateContext.COST]:
            return {}
        known = self._costs.get(entity.record_id)
        if known is None or known[0] is not entity:
            known = self._costs[entity.record_id] = (entity, {})
        return known[1]

    def prices(
        self, context: RateContext, shelf: _Shelf, request: RatingRequest
    ) -> tuple[Price | RateGap, dict[int, Priced]]:
        """The price of an hour of this entry or why there is none, and the amounts that were made of it already."""
        lines = self.lines
        resource_id, task_id, day = request.resource.record_id, request.task_id, request.day
        known = shelf.bill if context is RateContext.BILL else shelf.cost
        key = (
            request.role_id,
            resource_id if resource_id in lines.named_resources[context] else 0,
            task_id if task_id is not None and task_id in lines.named_tasks[context] else 0,
            request.work_type,
        )
        spans = known.get(key)
        if spans is None:
            spans = known[key] = []
        for start, end, price, amounts in spans:
            if start <= day < end:
                return price, amounts
        start, end, choice = span(lines.fitting(rate_key(context, request)), day)
        price = choice if isinstance(choice, RateGap) else _price(choice, shelf.policy)
        amounts = {}
        spans.append((start, end, price, amounts))
        return price, amounts

    def conversion(self, entity: EntityFacts, source: str, target: str, day: int) -> FxConversion | FxGap:
        """How ``entity`` converts on ``day``."""
        key = (fx_terms(entity), source, target, day)
        known = self._conversions.get(key)
        if known is None:
            known = self._conversions[key] = self.fx.conversion(source, target, day, key[0])
        return known


def rate(book: RateBook, request: RatingRequest) -> Rated | tuple[Finding, ...]:
    """What ``request`` is worth and costs, or everything that keeps it from being known."""
    shelf = book.shelf(request.project)
    if shelf is None:
        return (rate_findings.no_policy(request.project),)
    cost = _side(book, RateContext.COST, shelf, request)
    if not request.billable:
        return (cost,) if isinstance(cost, Finding) else Rated(cost, None, NON_CHARGEABLE)
    sales = _side(book, RateContext.BILL, shelf, request)
    if isinstance(cost, Finding) or isinstance(sales, Finding):
        return tuple(one for one in (sales, cost) if isinstance(one, Finding))
    return Rated(cost, sales, COMPLIMENTARY if sales.price.line.complimentary else CHARGEABLE)


def explain(book: RateBook, request: RatingRequest) -> RateExplanation:
    """Why this entry is rated as it is: all candidates of both sides, in their order."""
    return RateExplanation(
        sales=candidates(book.lines, rate_key(RateContext.BILL, request), request.day) if request.billable else [],
        cost=candidates(book.lines, rate_key(RateContext.COST, request), request.day),
    )


def rate_key(context: RateContext, request: RatingRequest) -> RateKey:
    """The dimensions of an entry that rate lines are matched against."""
    project = request.project
    return RateKey(
        context=context,
        entity_id=project.entity_id,
        client_id=project.client_id,
        project_id=project.record_id,
        rate_card_id=project.rate_card_id,
        role_id=request.role_id,
        resource_id=request.resource.record_id,
        task_id=request.task_id,
        work_type=request.work_type,
    )


def fx_terms(entity: EntityFacts) -> FxTerms:
    """By which rates ``entity`` converts, from its policy; the rates of the system that posts for it go first."""
    policy = entity.policy
    if policy is None:
        return FxTerms(rate_type="", max_age_days=0)
    return FxTerms(rate_type=policy.fx_rate_type, max_age_days=policy.fx_max_age_days, prefers=entity.poster)


def _side(book: RateBook, context: RateContext, shelf: _Shelf, request: RatingRequest) -> Priced | Finding:
    """One side of an entry; an amount that was made before, of as many hours at the same price, is not made again."""
    price, amounts = book.prices(context, shelf, request)
    hours_e4 = request.hours_e4
    known = amounts.get(hours_e4)
    if known is None:
        known = amounts.get(-1 - (hours_e4 << _DAY_BITS | request.day))
    if known is not None:
        return known
    if isinstance(price, RateGap):
        return _gap(book, context, price, request)
    wanted = price if context is RateContext.COST else _in_currency_of_project(book, shelf, price, request.day)
    priced = wanted if isinstance(wanted, Finding) else _priced(book, shelf, wanted, request)
    if isinstance(priced, Priced):
        if len(amounts) >= _MEMORY:
            amounts.clear()
        by_day = priced.functional is not None or priced.price.conversion is not None
        amounts[-1 - (hours_e4 << _DAY_BITS | request.day) if by_day else hours_e4] = priced
    return priced


def _gap(book: RateBook, context: RateContext, gap: RateGap, request: RatingRequest) -> Finding:
    if context is RateContext.COST:
        return rate_findings.no_cost_rate(gap, request.resource, request.day)
    role = None if request.role_id is None else book.role_names.get(request.role_id, str(request.role_id))
    return rate_findings.no_rate(gap, request.project, role, request.day)


def _in_currency_of_project(book: RateBook, shelf: _Shelf, price: Price, day: int) -> Price | Finding:
    """A bill price in the project's currency: as it is, converted where the policy allows, else CURRENCY_MISMATCH."""
    project = shelf.project
    if price.currency == project.currency_number:
        return price
    if not shelf.policy.fx_convert_bill_rates or project.currency is None:
        return rate_findings.currency_mismatch(price.line, project)
    conversion = book.conversion(shelf.entity, price.line.currency, project.currency, day)
    if isinstance(conversion, FxGap):
        return rate_findings.no_fx(conversion, fx_terms(shelf.entity))
    return _convert_price(price, conversion)


def _priced(book: RateBook, shelf: _Shelf, price: Price, request: RatingRequest) -> Priced | Finding:
    policy, entity = shelf.policy, shelf.entity
    hours_e4 = request.hours_e4
    if policy.round_hours_first:
        hours_e4 = round_quotient(hours_e4, HOUR_E4 // 100, RoundingMode.HALF_UP) * (HOUR_E4 // 100)
    amount = round_quotient(hours_e4 * price.numerator, price.denominator, policy.rounding)
    functional = entity.functional_number
    if price.currency == functional:
        return Priced(amount, functional, amount, functional, price, None)
    source = price.line.currency if price.conversion is None else price.conversion.target
    conversion = book.conversion(entity, source, entity.functional_currency, request.day)
    if isinstance(conversion, FxGap):
        return rate_findings.no_fx(conversion, fx_terms(entity))
    converted = round_quotient(amount * conversion.numerator, conversion.denominator, policy.rounding)
    return Priced(amount, price.currency, converted, functional, price, conversion)


def _price(line: RateLine, policy: EntityPolicy) -> Price | RateGap:
    """The exact ratio of a line; a day's price needs to know how many hours a day has (domain model 2.1, units)."""
    hours_per_day = None
    hourly = Fraction(line.price)
    if line.unit is RateUnit.DAY:
        hours_per_day = line.hours_per_day or policy.hours_per_day
        if not hours_per_day:
            return RateGap("RATE_NOT_FOUND", (line,), "no hours per day")
        hourly /= Fraction(hours_per_day)
    ratio = hourly * 10 ** exponent(line.currency) / HOUR_E4
    return Price(
        line=line,
        numerator=ratio.numerator,
        denominator=ratio.denominator,
        price_text=_price_text(hourly),
        currency=numeric_code(line.currency),
        hours_per_day=hours_per_day,
    )


def _convert_price(price: Price, conversion: FxConversion) -> Price:
    ratio = Fraction(price.numerator, price.denominator) * Fraction(conversion.numerator, conversion.denominator)
    hourly = ratio * HOUR_E4 / 10 ** exponent(conversion.target)
    return Price(
        line=price.line,
        numerator=ratio.numerator,
        denominator=ratio.denominator,
        price_text=_price_text(hourly),
        currency=numeric_code(conversion.target),
        hours_per_day=price.hours_per_day,
        conversion=conversion,
    )


def _price_text(hourly: Fraction) -> str:
    """Six decimals, for the row and for people; amounts are made of the exact ratio, not of this."""
    scaled = hourly * PRICE_E6
    whole, rest = divmod(round_quotient(scaled.numerator, scaled.denominator, RoundingMode.HALF_UP), PRICE_E6)
    return f"{whole}.{rest:06d}"
