"""Entities, projects, people and rate lines as values in memory, for tests of rating."""

from datetime import date
from decimal import Decimal

import msgspec

from tieout.ledger.fx import FxBook, FxRate
from tieout.ledger.rate_lines import SCOPE_RANK, RateContext, RateLine
from tieout.ledger.rating import RateBook, RatingRequest
from tieout.model.firm import EntityPolicy
from tieout.model.money import numeric_code
from tieout.records.facts import EntityFacts, ProjectFacts, ResourceFacts

DAY = date(2026, 3, 10).toordinal()
YEAR_START = date(2026, 1, 1).toordinal()
ENTITY, CLIENT, PROJECT, CARD, ROLE, PERSON, TASK = 1, 2, 3, 4, 5, 6, 7


def entity(currency: str = "USD", **policy: object) -> EntityFacts:
    """A legal entity that keeps its books in ``currency``; ``policy`` replaces fields of its policy."""
    rules = msgspec.structs.replace(EntityPolicy(entity="E1", functional_currency=currency, accounts={}), **policy)
    return EntityFacts(
        record_id=ENTITY,
        code="E1",
        name="Entity",
        functional_currency=currency,
        functional_number=numeric_code(currency),
        policy=rules,
        poster="erp",
    )


def project(currency: str = "USD", of: EntityFacts | None = None) -> ProjectFacts:
    """A project bound to a rate card, of a client."""
    return ProjectFacts(
        record_id=PROJECT,
        code="P100",
        name="Project",
        entity=of or entity(),
        client_id=CLIENT,
        currency=currency,
        currency_number=numeric_code(currency),
        rate_card_id=CARD,
    )


PERSON_FACTS = ResourceFacts(record_id=PERSON, name="Ada", email="ada@example.com")


def request(
    of: ProjectFacts | None = None, *, hours: str = "8", day: int = DAY, work_type: int = 1, billable: bool = True
) -> RatingRequest:
    """An entry of the person in the role on the task."""
    return RatingRequest(
        project=of or project(),
        resource=PERSON_FACTS,
        role_id=ROLE,
        task_id=TASK,
        work_type=work_type,
        day=day,
        hours_e4=int(Decimal(hours) * 10_000),
        billable=billable,
    )


def line(number: int, price: str = "150", scope: str = "contract", **fields: object) -> RateLine:
    """A bill rate in USD from the start of the year on, for anything that ``fields`` does not name."""
    base = RateLine(
        rate_line_id=number,
        context=RateContext.BILL,
        origin=f"line {number}",
        scope=SCOPE_RANK[scope],
        price=Decimal(price),
        currency="USD",
        valid_from=YEAR_START,
    )
    return msgspec.structs.replace(base, **fields)


def cost_line(number: int = 900, price: str = "60", currency: str = "USD", **fields: object) -> RateLine:
    """What the person costs."""
    own = line(number, price, "legal_entity", context=RateContext.COST, resource_id=PERSON, currency=currency)
    return msgspec.structs.replace(own, **fields)


def fx_rate(number: int, pair: str, rate: str, day: int = DAY, origin: str = "erp", rate_type: str = "spot") -> FxRate:
    """One published rate; ``pair`` is "EUR/USD"."""
    base, quote = pair.split("/")
    return FxRate(
        fx_rate_id=number,
        base=base,
        quote=quote,
        rate=Decimal(rate),
        rate_day=day,
        rate_type=rate_type,
        origin=origin,
    )


def book(*lines: RateLine, fx: tuple[FxRate, ...] = ()) -> RateBook:
    """A rate book of ``lines`` (and the person's cost of 60 USD, unless a cost line is given)."""
    costs = any(one.context is RateContext.COST for one in lines)
    return RateBook(version=1, lines=lines if costs else (*lines, cost_line()), fx=FxBook(fx))
