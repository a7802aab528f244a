"""The small firm that every check reads from and writes into: four currencies, awkward dates, names in any script.

Neighbours: harnesses fill a system with it (``write_fixture``), checks compare what comes back with it;
``fixture_plan`` has its deals, bookings and absences.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from tieout.connect.conformance.fixture_plan import (
    fixture_assignments,
    fixture_deals,
    fixture_holidays,
    fixture_time_off,
)
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
    SeedTimeEntry,
    write_firm,
)

PERIODS: Final = ["2026-02", "2026-03", "2026-08", "2026-09", "2026-10", "2026-11"]
CLOSED_PERIODS: Final = ["2026-02"]
DST_DATES: Final = ("2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01")
"""Days on which clocks change in the United States and in Europe."""

_ENTITIES: Final = (
    ("US01", "Tieout Example Inc.", "US", "USD", "America/New_York"),
    ("DE01", "Tieout Beispiel GmbH", "DE", "EUR", "Europe/Berlin"),
    ("JP01", "Tieout 株式会社", "JP", "JPY", "Asia/Tokyo"),
    ("KW01", "Tieout Kuwait W.L.L.", "KW", "KWD", "Asia/Kuwait"),
)
_CLIENT_NAMES: Final = {
    "US01": "O'Brien & Sons, Inc.",
    "DE01": "Müller & Söhne GmbH",
    "JP01": "東京建設",
    "KW01": "شركة المثال",
}
_TAX_IDS: Final = {"US01": "91-1144442", "DE01": "DE136695976", "JP01": "T7000012050002"}
_LEAVERS: Final = {"US01": "François Lœwe", "DE01": "Jürgen Weiß", "JP01": "渡辺 さくら", "KW01": "أحمد الصباح"}
_LOCATIONS: Final = {"US01": "New York", "DE01": "Berlin", "JP01": "Tokyo", "KW01": "Kuwait City"}
_HOURLY_MINOR: Final = {"USD": 17550, "EUR": 14999, "JPY": 21001, "KWD": 45125}
_COST_MINOR: Final = {"USD": 8125, "EUR": 7333, "JPY": 9871, "KWD": 20333}
_ROLES: Final = ["Consultant", "Principal"]
_EQUAL_SHARE: Final = 3
_FIRST_CHANGE: Final = datetime(2026, 8, 10, 6, 0, tzinfo=UTC)


_ACCOUNTS: Final = {
    "unbilled_receivable": "1250",
    "unbilled_revenue": "4050",
    "project_cost": "5100",
    "payroll_clearing": "2150",
}


def fixture_firm(page_size: int = 0) -> SeedFirm:
    """The masters and plans; of deals, bookings and absences more than ``page_size``, where that is given."""
    return SeedFirm(
        name="Conformance",
        entities=[
            SeedEntity(
                code=code,
                name=name,
                country=country,
                currency=currency,
                time_zone=zone,
                periods=PERIODS,
                closed_periods=CLOSED_PERIODS,
            )
            for code, name, country, currency, zone in _ENTITIES
        ],
        clients=[
            SeedClient(
                code=f"C-{code}",
                name=_CLIENT_NAMES[code],
                entity=code,
                currency=currency,
                tax_id=_TAX_IDS.get(code),
                country=country,
            )
            for code, _, country, currency, _ in _ENTITIES
        ],
        projects=[_project(code, currency) for code, _, _, currency, _ in _ENTITIES],
        roles=list(_ROLES),
        people=[
            *(_person(code, currency, number) for code, _, _, currency, _ in _ENTITIES for number in (1, 2)),
            *(_leaver(code, currency) for code, _, _, currency, _ in _ENTITIES),
        ],
        rate_cards=[
            SeedRateCard(
                code=f"RC-{currency}",
                name=f"Standard {currency}",
                currency=currency,
                lines=[
                    SeedRateLine(role=role, amount_minor=_HOURLY_MINOR[currency] + place, starts="2026-01-01")
                    for place, role in enumerate(_ROLES)
                ],
            )
            for _, _, _, currency, _ in _ENTITIES
        ],
        fx_rates=[
            SeedFxRate(day=day, base="USD", quote=quote, rate=rate)
            for day in ("2026-08-03", "2026-09-01")
            for quote, rate in (("EUR", "0.9234"), ("JPY", "147.31"), ("KWD", "0.30715"))
        ],
        accounts=dict(_ACCOUNTS),
        departments={"Strategy": "100"},
        deals=fixture_deals(page_size),
        assignments=fixture_assignments(page_size),
        time_off=fixture_time_off(page_size),
        holidays=fixture_holidays(),
    )


def _project(entity: str, currency: str) -> SeedProject:
    return SeedProject(
        code=f"P-{entity}",
        name=f"Programme {_CLIENT_NAMES[entity]}",
        client=f"C-{entity}",
        entity=entity,
        currency=currency,
        service_line="Strategy",
        rate_card=f"RC-{currency}",
        starts="2026-01-01",
        ends="2027-12-31",
        tasks=[
            SeedTask(key=f"T-{entity}-1", name="Design: phase 1"),
            SeedTask(key=f"T-{entity}-2", name="Administration", billable=False),
        ],
    )


def _person(entity: str, currency: str, number: int) -> SeedPerson:
    return SeedPerson(
        key=f"W-{entity}-{number}",
        name=f"Žofia Nuñez {entity} {number}",
        email=f"w{number}.{entity.lower()}@conformance.example",
        entity=entity,
        role=_ROLES[number - 1],
        employed_from="2025-01-01",
        cost_rates=[SeedCostRate(amount_minor=_COST_MINOR[currency], currency=currency, starts="2025-01-01")],
        location=_LOCATIONS[entity],
        department="Strategy",
    )


def _leaver(entity: str, currency: str) -> SeedPerson:
    """Somebody in part time, hired on a day when clocks change and gone on another."""
    return SeedPerson(
        key=f"W-{entity}-3",
        name=_LEAVERS[entity],
        email=f"w3.{entity.lower()}@conformance.example",
        entity=entity,
        role=_ROLES[0],
        employed_from="2026-03-08",
        employed_to="2026-10-25",
        cost_rates=[SeedCostRate(amount_minor=_COST_MINOR[currency] + 1, currency=currency, starts="2026-03-08")],
        fte="0.6",
        weekly_minutes=1440,
        location=_LOCATIONS[entity],
        department="Strategy",
        manager=f"W-{entity}-1",
        skills=["Consolidation", "会計"],
    )


def fixture_entries(page_size: int) -> list[SeedTimeEntry]:
    """Enough time entries for three pages; a third of them, across a page edge, changed at one same instant."""
    total = 2 * page_size + 37
    return [fixture_entry(number, updated_at=_changed_at(number, page_size)) for number in range(total)]


def fixture_entry(number: int, *, updated_at: datetime, minutes: int | None = None) -> SeedTimeEntry:
    """Entry ``number``: no two have the same person, day and minutes."""
    code = _ENTITIES[number % len(_ENTITIES)][0]
    person = 1 + (number // 4) % 2
    day = date(2026, 8, 3) + timedelta(days=(number // 8) % 80)
    if number < len(DST_DATES) * len(_ENTITIES):
        day = date.fromisoformat(DST_DATES[number // len(_ENTITIES)])
    return SeedTimeEntry(
        key=f"E-{number}",
        person=f"W-{code}-{person}",
        project=f"P-{code}",
        task=f"T-{code}-1",
        work_date=day.isoformat(),
        minutes=15 + number % 465 if minutes is None else minutes,
        billable=number % 5 != 0,
        notes=f"Entry {number}, naïve 設計 review",
        approved=number % 7 != 0,
        approver=f"W-{code}-{3 - person}" if number % 7 else None,
        updated_at=updated_at.isoformat().replace("+00:00", "Z"),
    )


def _changed_at(number: int, page_size: int) -> datetime:
    equal_from = page_size - page_size // _EQUAL_SHARE
    equal_to = page_size + page_size // _EQUAL_SHARE
    at = equal_from if equal_from <= number < equal_to else number
    return _FIRST_CHANGE + timedelta(seconds=at)


def write_fixture(directory: Path, *, page_size: int) -> list[SeedTimeEntry]:
    """Store the firm and its entries as a seed directory; returns the entries."""
    entries = fixture_entries(page_size)
    write_firm(directory, fixture_firm(page_size))
    lines = b"\n".join(msgspec.json.encode(entry) for entry in entries) + b"\n"
    (directory / "time_entries.jsonl").write_bytes(lines)
    return entries
