"""A small firm in a local BambooHR company, a source over it, and HR's hands on it; ``conftest`` opens it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import msgspec

from tieout.connect.connector import Connection, Connector
from tieout.connect.http import Exchange
from tieout.connect.simulator.control import Change
from tieout.connect.simulator.seed import (
    SeedCostRate,
    SeedEntity,
    SeedFirm,
    SeedHoliday,
    SeedPerson,
    SeedTimeOff,
)
from tieout.connect.source import Page, Source, Translated
from tieout.connectors.bamboohr.simulator import SIMULATOR
from tieout.model.reported import ReportedRecord, ReportedTimeOff


class MachineClock:
    """The machine's clock, which the simulator has too."""

    def now(self) -> datetime:
        return datetime.now(UTC)


ANN = SeedPerson(
    key="ann",
    name="Ann Ito",
    email="ann@northwind.example",
    entity="US01",
    role="Manager",
    employed_from="2020-03-01",
    cost_rates=[
        SeedCostRate(amount_minor=9000, currency="USD", starts="2020-03-01", ends="2026-01-01"),
        SeedCostRate(amount_minor=9550, currency="USD", starts="2026-01-01"),
    ],
    location="New York",
    department="Audit",
)
BO = SeedPerson(
    key="bo",
    name="Bo van der Berg",
    email="bo@northwind.example",
    entity="JP01",
    role="Consultant",
    employed_from="2024-01-01",
    employed_to="2026-10-16",
    cost_rates=[SeedCostRate(amount_minor=8000, currency="JPY", starts="2024-01-01")],
    fte="0.8",
    location="Tokyo",
    department="Tax",
    manager="ann",
    weekly_minutes=1920,
)


TIME_OFF = (
    SeedTimeOff(
        key="summer",
        person="bo",
        starts="2026-08-10",
        ends="2026-08-16",
        kind="Vacation",
        updated_at="2026-07-01T09:00:00Z",
    ),
    SeedTimeOff(
        key="dentist",
        person="ann",
        starts="2026-09-02",
        ends="2026-09-02",
        kind="Sick",
        updated_at="2026-08-20T09:00:00Z",
        status="requested",
        minutes_per_day=150,
    ),
)


def small_firm(people: Iterable[SeedPerson] = (ANN, BO)) -> SeedFirm:
    people = list(people)
    keys = {one.key for one in people}
    return SeedFirm(
        name="Northwind Advisory",
        entities=[
            SeedEntity(
                code=code,
                name=name,
                country=country,
                currency=currency,
                time_zone=zone,
                periods=["2026-08"],
            )
            for code, name, country, currency, zone in (
                ("US01", "Northwind US Inc", "US", "USD", "America/New_York"),
                ("JP01", "Northwind KK", "JP", "JPY", "Asia/Tokyo"),
            )
        ],
        clients=[],
        projects=[],
        roles=["Consultant", "Manager"],
        people=people,
        rate_cards=[],
        fx_rates=[],
        accounts={},
        time_off=[one for one in TIME_OFF if one.person in keys],
        holidays=[
            SeedHoliday(country="US", day="2026-11-26", name="Thanksgiving"),
            SeedHoliday(country="JP", day="2026-11-23", name="勤労感謝の日"),
        ],
    )


@dataclass
class Company:
    """A running company: ``source`` is the connector's, ``api`` an administrator's."""

    simulator: SIMULATOR
    connector: Connector
    connection: Connection
    source: Source
    api: httpx.AsyncClient
    exchanges: list[Exchange]

    async def read(self, object_name: str, cursor: str | None = None) -> tuple[list[Page], list[Translated]]:
        pages = [page async for page in self.source.read(object_name, cursor)]
        return pages, [one for page in pages for one in self.translated(page)]

    def translated(self, page: Page) -> list[Translated]:
        assert self.connector.translator is not None
        return list(self.connector.translator.translate(page.object, page.payload))

    def change(self, *changes: Change) -> None:
        for one in changes:
            self.simulator.apply_change(one)


def records(found: Iterable[Translated]) -> dict[str, ReportedRecord]:
    return {one.source_id: one for one in found if isinstance(one, ReportedRecord)}


def absences(found: Iterable[Translated]) -> dict[str, ReportedTimeOff]:
    return {one.kind: one for one in found if isinstance(one, ReportedTimeOff)}


def changed(person: SeedPerson, **fields: object) -> SeedPerson:
    return msgspec.structs.replace(person, **fields)


OpenCompany = Callable[..., Awaitable[Company]]
