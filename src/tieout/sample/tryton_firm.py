"""What is put into a Tryton for the sample firm, and what is known of it afterwards.

``tryton_server`` hands a ``TrytonFirm`` as JSON to the set-up program inside Tryton's own environment and gets
``TrytonFacts`` back. A firm is usually made from the same seed that fills the simulators.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import iso4217
import msgspec

from tieout.connect.simulator.seed import SeedFirm, SeedFxRate
from tieout.errors import ConfigurationError

SERVICE_LOGIN: Final = "journal-service"
JOURNAL_CODE: Final = "TIME"
CUSTOMER_CATEGORY: Final = "Customer"
RATE_DECIMALS: Final = 12


class TrytonCurrency(msgspec.Struct, frozen=True, kw_only=True):
    """A currency with its ISO 4217 numbers."""

    code: str
    numeric_code: str
    digits: int


class TrytonRate(msgspec.Struct, frozen=True, kw_only=True):
    """From ``day`` on, ``rate`` units of ``currency`` are worth one unit of the firm's base currency."""

    day: str
    currency: str
    rate: str


class TrytonCompany(msgspec.Struct, frozen=True, kw_only=True):
    """A legal entity. ``periods`` and ``closed_periods`` are months (2026-08); whole years are opened around them."""

    code: str
    name: str
    currency: str
    time_zone: str
    periods: list[str]
    closed_periods: list[str] = []
    country: str | None = None


class TrytonAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the firm's own, made in every company next to account ``beside`` of the generic chart.

    It takes type and parent from there. With ``party_required`` every line on it names a customer.
    """

    code: str
    name: str
    beside: str
    party_required: bool = False


class TrytonCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer: a party under its business code."""

    code: str
    name: str


class TrytonEmployee(msgspec.Struct, frozen=True, kw_only=True):
    """An employee of one company, employed from ``starts`` to ``ends`` (ISO dates, inclusive)."""

    code: str
    name: str
    company: str
    email: str | None = None
    starts: str | None = None
    ends: str | None = None


class TrytonProject(msgspec.Struct, frozen=True, kw_only=True):
    """A project of one company for one customer."""

    code: str
    name: str
    company: str
    customer: str


class TrytonFirm(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the set-up program puts into a database. ``base_currency`` is what rates are quoted in."""

    currencies: list[TrytonCurrency]
    companies: list[TrytonCompany]
    accounts: list[TrytonAccount]
    rates: list[TrytonRate] = []
    customers: list[TrytonCustomer] = []
    employees: list[TrytonEmployee] = []
    projects: list[TrytonProject] = []


class TrytonCompanyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Ids in Tryton of one company, of its own accounts by code, and of its periods by month."""

    id: int
    accounts: dict[str, int]
    periods: dict[str, int]


class TrytonFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was made: companies by code, the id of the journal for time, and the id of the service user."""

    companies: dict[str, TrytonCompanyFacts]
    journal: int
    service_user: int


ACCOUNT_PLACES: Final[Mapping[str, tuple[str, str, bool]]] = {
    "unbilled_receivable": ("Unbilled receivable", "1.4.2", True),
    "unbilled_revenue": ("Unbilled revenue", "4.2.2", False),
    "project_cost": ("Project cost (labour)", "5.2.1", False),
    "payroll_clearing": ("Payroll clearing", "2.2.1", False),
}
"""By role of an account in the firm's policies: its name, its neighbour in the generic chart, party required."""


def firm_from_seed(seed: SeedFirm) -> TrytonFirm:
    """The part of ``seed`` that an ERP holds; raises ConfigurationError for rates that do not share one base."""
    codes = {one.currency for one in seed.entities} | {one.currency for one in seed.clients}
    codes.update(one.currency for one in seed.projects)
    codes.update(code for rate in seed.fx_rates for code in (rate.base, rate.quote))
    return TrytonFirm(
        currencies=[currency(code) for code in sorted(codes)],
        rates=rates_against_one_base(seed.fx_rates),
        companies=[
            TrytonCompany(
                code=one.code,
                name=one.name,
                currency=one.currency,
                time_zone=one.time_zone,
                periods=one.periods,
                closed_periods=one.closed_periods,
                country=one.country,
            )
            for one in seed.entities
        ],
        accounts=[_account(role, code) for role, code in seed.accounts.items()],
        customers=[TrytonCustomer(code=one.code, name=one.name) for one in seed.clients],
        employees=[
            TrytonEmployee(
                code=one.key,
                name=one.name,
                company=one.entity,
                email=one.email,
                starts=one.employed_from,
                ends=None if one.employed_to is None else _day_before(one.employed_to),
            )
            for one in seed.people
        ],
        projects=[
            TrytonProject(code=one.code, name=one.name, company=one.entity, customer=one.client)
            for one in seed.projects
        ],
    )


def currency(code: str) -> TrytonCurrency:
    """The currency ``code`` of ISO 4217; raises ConfigurationError when there is none."""
    try:
        found = iso4217.Currency(code)
    except ValueError as error:
        raise ConfigurationError(code="TIE-SAMPLE-001", message=f"{code!r} is not a currency of ISO 4217.") from error
    return TrytonCurrency(code=code, numeric_code=f"{found.number:03}", digits=found.exponent or 0)


def rates_against_one_base(fx_rates: list[SeedFxRate]) -> list[TrytonRate]:
    """Pairs as Tryton keeps them: units of each currency for one unit of the base currency, whose own rate is one.

    Where all pairs have one base, that is the base, and rates stay exact. Where all have one quote (a foreign unit in
    money of the house), that is the base, and Tryton gets inverses of twelve decimals. Otherwise raises
    ConfigurationError.
    """
    bases, quotes = {rate.base for rate in fx_rates}, {rate.quote for rate in fx_rates}
    if len(bases) > 1 and len(quotes) > 1:
        raise ConfigurationError(
            code="TIE-SAMPLE-001",
            message=f"Tryton keeps rates against one currency; these are of {', '.join(sorted(bases))} "
            f"in {', '.join(sorted(quotes))}.",
        )
    direct = len(bases) <= 1
    days = sorted({(rate.day, rate.base if direct else rate.quote) for rate in fx_rates})
    return [
        *(TrytonRate(day=day, currency=base, rate="1") for day, base in days),
        *(
            TrytonRate(day=rate.day, currency=rate.quote, rate=rate.rate)
            if direct
            else TrytonRate(day=rate.day, currency=rate.base, rate=_inverse(rate.rate))
            for rate in fx_rates
        ),
    ]


def _inverse(rate: str) -> str:
    return str((1 / Decimal(rate)).quantize(Decimal(1).scaleb(-RATE_DECIMALS)))


def _account(role: str, code: str) -> TrytonAccount:
    place = ACCOUNT_PLACES.get(role)
    if place is None:
        raise ConfigurationError(
            code="TIE-SAMPLE-001",
            message=f"There is no place in the chart of accounts for {role!r}; known are {', '.join(ACCOUNT_PLACES)}.",
        )
    name, beside, party_required = place
    return TrytonAccount(code=code, name=name, beside=beside, party_required=party_required)


def _day_before(day: str) -> str:
    """The last day of what ends before ``day``: Tryton's end date is the last day of employment."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
