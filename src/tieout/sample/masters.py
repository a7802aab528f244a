"""The masters of the sample firm: four legal entities, people, clients, projects, effective-dated rate cards.

Pure: everything follows from the size and the seed. ``time_sheets`` adds the month of time, ``firm_directory`` the
hub's configuration.
"""

from datetime import date
from decimal import Decimal
from random import Random
from typing import Final

import msgspec

from tieout.connect.simulator.seed import (
    SeedClient,
    SeedCostRate,
    SeedEntity,
    SeedFirm,
    SeedFxRate,
    SeedPerson,
    SeedProject,
    SeedRateCard,
    SeedRateLine,
    SeedTask,
)

MONTH: Final = date(2026, 10, 1)
PERIODS: Final = ["2026-08", "2026-09", "2026-10", "2026-11", "2026-12"]
CLOSED: Final = ["2026-08", "2026-09"]
UNMAPPED_SERVICE_LINE: Final = "Data & AI"
EXPIRED_ROLE: Final = "Senior Consultant"
SERVICE_LINES: Final = ("Strategy", "Engineering", "Design", UNMAPPED_SERVICE_LINE)
DEPARTMENTS: Final = {"Strategy": "100", "Engineering": "200", "Design": "300", UNMAPPED_SERVICE_LINE: "400"}
ACCOUNTS: Final = {
    "unbilled_receivable": "1250",
    "unbilled_revenue": "4050",
    "project_cost": "5100",
    "payroll_clearing": "2150",
}


class _EntityPlan(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    city: str
    name: str
    country: str
    currency: str
    time_zone: str
    hour_minor: int
    share: int


_ENTITIES: Final = (
    _EntityPlan(code="US01", city="New York", name="Northwind Advisory Inc.", country="US", currency="USD",
                time_zone="America/New_York", hour_minor=18_000, share=40),
    _EntityPlan(code="UK01", city="London", name="Northwind Advisory Ltd", country="GB", currency="GBP",
                time_zone="Europe/London", hour_minor=14_000, share=25),
    _EntityPlan(code="DE01", city="Berlin", name="Northwind Advisory GmbH", country="DE", currency="EUR",
                time_zone="Europe/Berlin", hour_minor=15_500, share=25),
    _EntityPlan(code="JP01", city="Tokyo", name="Northwind Advisory KK", country="JP", currency="JPY",
                time_zone="Asia/Tokyo", hour_minor=24_000, share=10),
)  # fmt: skip
PART_TIME: Final = "0.6"
_ONE_IN_PART_TIME: Final = 17
_PART_TIME_AT: Final = 5
_SKILLS: Final = (("Consolidation",), ("SQL", "Data modelling"), ("Change management",), ())
_ROLES: Final = {
    "Analyst": Decimal("0.70"),
    "Consultant": Decimal("1.00"),
    "Senior Consultant": Decimal("1.30"),
    "Principal": Decimal("1.80"),
}
_GIVEN: Final = ("Ada", "Ben", "Chiyo", "Dora", "Emil", "Fatima", "Greta", "Hiro", "Ines", "Jonas", "Kaya", "Liam",
                 "Mina", "Noor", "Otto", "Priya", "Quinn", "Rosa", "Sven", "Tara")  # fmt: skip
_FAMILY: Final = ("Abe", "Bauer", "Clark", "Diaz", "Evans", "Fischer", "Green", "Hughes", "Ito", "Jones", "Klein",
                  "Lopez", "Meyer", "Novak", "Okada", "Patel", "Reed", "Sato", "Turner", "Weber")  # fmt: skip
_CLIENT_WORDS: Final = ("Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Harbor", "Iris", "Juniper")
_CLIENT_KINDS: Final = ("Bank", "Energy", "Foods", "Health", "Logistics", "Media", "Retail", "Telecom")


class FirmSize(msgspec.Struct, frozen=True, kw_only=True):
    """How large the sample is."""

    name: str
    people: int
    projects: int
    deals: int


SIZES: Final = {
    "small": FirmSize(name="small", people=60, projects=24, deals=40),
    "firm": FirmSize(name="firm", people=5_000, projects=900, deals=600),
}


def sample_masters(size: FirmSize, seed: int) -> SeedFirm:
    """The masters of a sample firm of ``size``; equal seeds give equal firms."""
    random = Random(seed)  # noqa: S311 - a reproducible sample, not a secret
    clients = _clients(size, random)
    return SeedFirm(
        name="Northwind Advisory",
        entities=[
            SeedEntity(
                code=plan.code,
                name=plan.name,
                country=plan.country,
                currency=plan.currency,
                time_zone=plan.time_zone,
                periods=PERIODS,
                closed_periods=CLOSED,
            )
            for plan in _ENTITIES
        ],
        clients=clients,
        projects=_projects(size, clients, random),
        roles=list(_ROLES),
        people=_people(size, random),
        rate_cards=_rate_cards(),
        fx_rates=_fx_rates(),
        accounts=ACCOUNTS,
        departments=DEPARTMENTS,
    )


def _by_share(number: int, total: int) -> _EntityPlan:
    at = number * 100 // total
    for plan in _ENTITIES:
        if at < plan.share:
            return plan
        at -= plan.share
    return _ENTITIES[-1]


def _clients(size: FirmSize, random: Random) -> list[SeedClient]:
    count = max(20, size.projects // 3)
    clients = []
    for number in range(count):
        plan = _by_share(number, count)
        name = f"{random.choice(_CLIENT_WORDS)} {random.choice(_CLIENT_KINDS)} {number + 1}"
        clients.append(
            SeedClient(
                code=f"C{number + 1:04d}",
                name=name,
                entity=plan.code,
                currency=plan.currency,
                tax_id=f"{plan.country}{number + 100_000_001}",
                country=plan.country,
            )
        )
    return clients


def _projects(size: FirmSize, clients: list[SeedClient], random: Random) -> list[SeedProject]:
    projects = []
    for number in range(size.projects):
        client = clients[number % len(clients)]
        code = f"P{number + 1:05d}"
        # One project in eight of the euro entity is billed in dollars, so that exchange rates are part of the month.
        abroad = client.entity == "DE01" and number % 8 == 0
        currency = "USD" if abroad else client.currency
        service_line = SERVICE_LINES[3] if number % 12 == 7 else SERVICE_LINES[number % 3]  # noqa: PLR2004 - one in twelve
        projects.append(
            SeedProject(
                code=code,
                name=f"{client.name}: {service_line} {number + 1}",
                client=client.code,
                entity=client.entity,
                currency=currency,
                service_line=service_line,
                rate_card=f"RC-{currency}-2026" if number % 10 else f"RC-{currency}-OLD",
                starts="2026-01-05",
                ends="2027-03-31",
                status="closed" if number == size.projects - 1 else "active",
                tasks=[
                    SeedTask(key=f"{code}-T1", name="Delivery"),
                    SeedTask(key=f"{code}-T2", name="Workshops"),
                    SeedTask(key=f"{code}-T3", name="Travel and set-up", billable=False),
                    SeedTask(key=f"{code}-T4", name="Closed phase", open=False),
                ],
            )
        )
    random.shuffle(projects)
    return projects


def _people(size: FirmSize, random: Random) -> list[SeedPerson]:
    people = []
    for number in range(size.people):
        plan = _by_share(number, size.people)
        given, family = random.choice(_GIVEN), random.choice(_FAMILY)
        role = list(_ROLES)[number % len(_ROLES)]
        cost = int(plan.hour_minor * _ROLES[role] * Decimal("0.45"))
        people.append(
            SeedPerson(
                key=f"W{number + 1:05d}",
                name=f"{given} {family}",
                email=f"{given}.{family}.{number + 1}@northwind.example".lower(),
                entity=plan.code,
                role=role,
                employed_from="2024-01-01",
                fte=PART_TIME if number % _ONE_IN_PART_TIME == _PART_TIME_AT else "1",
                location=plan.city,
                skills=list(_SKILLS[number % len(_SKILLS)]),
                employed_to="2026-10-15" if number % 59 == 58 else None,  # noqa: PLR2004 - one in fifty-nine leaves
                cost_rates=[
                    SeedCostRate(amount_minor=cost, currency=plan.currency, starts="2024-01-01", ends="2026-07-01"),
                    SeedCostRate(amount_minor=cost * 104 // 100, currency=plan.currency, starts="2026-07-01"),
                ],
            )
        )
    return people


def _rate_cards() -> list[SeedRateCard]:
    """A card per currency with a raise in mid-year, and an old one whose line for one role ran out in mid-month."""
    cards = []
    for plan in _ENTITIES:
        lines = []
        old_lines = []
        for role, factor in _ROLES.items():
            price = int(plan.hour_minor * factor)
            lines.append(SeedRateLine(role=role, amount_minor=price, starts="2026-01-01", ends="2026-07-01"))
            lines.append(SeedRateLine(role=role, amount_minor=price * 105 // 100, starts="2026-07-01"))
            ends = "2026-10-16" if role == EXPIRED_ROLE else None
            old_lines.append(SeedRateLine(role=role, amount_minor=price * 95 // 100, starts="2025-01-01", ends=ends))
        for kind, of_kind in (("2026", lines), ("OLD", old_lines)):
            cards.append(
                SeedRateCard(
                    code=f"RC-{plan.currency}-{kind}",
                    name=f"{plan.currency} {kind}",
                    currency=plan.currency,
                    lines=of_kind,
                )
            )
    return cards


_USD_OF: Final = {"GBP": Decimal("1.3105"), "EUR": Decimal("1.1642"), "JPY": Decimal("0.006618")}


def _fx_rates() -> list[SeedFxRate]:
    """Daily rates of the weekdays from late August on; weekends have none, as published rates do."""
    rates = []
    first = date(2026, 8, 24).toordinal()
    for at in range(first, date(2026, 12, 1).toordinal()):
        day = date.fromordinal(at)
        if day.weekday() > 4:  # noqa: PLR2004 - Saturday and Sunday
            continue
        for base, rate in _USD_OF.items():
            drift = Decimal((at * 37) % 101 - 50) / 100_000
            rates.append(SeedFxRate(day=day.isoformat(), base=base, quote="USD", rate=str(rate * (1 + drift))))
    return rates
