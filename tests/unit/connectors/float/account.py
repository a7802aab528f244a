"""A small firm in a local Float account, a source and a sink over it, and planners' hands; ``conftest`` opens it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from tieout.connect.connector import Connection, Connector
from tieout.connect.http import Exchange
from tieout.connect.outcome import Found, Outcome
from tieout.connect.simulator.control import Change, Holding
from tieout.connect.simulator.faults import Fault
from tieout.connect.simulator.seed import (
    SeedAssignment,
    SeedClient,
    SeedEntity,
    SeedFirm,
    SeedHoliday,
    SeedPerson,
    SeedProject,
    SeedTask,
    SeedTimeOff,
)
from tieout.connect.sink import Sink
from tieout.connect.source import Page, Source, Translated
from tieout.connectors.float.simulator import SIMULATOR
from tieout.model.command import Command, kind_of
from tieout.model.reported import ReportedAssignment, ReportedRecord, ReportedTimeOff

TOLD_AT = "2026-09-01T08:00:00Z"


class SteppedClock:
    """The machine's clock, which the simulator has too, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


ANN = SeedPerson(
    key="ann",
    name="Ann Ito",
    email="ann@northwind.example",
    entity="US01",
    role="Manager",
    employed_from="2020-03-01",
    location="New York",
    department="Audit",
    skills=["SQL"],
)
BO = SeedPerson(
    key="bo",
    name="Bo van der Berg",
    email="bo@northwind.example",
    entity="DE01",
    role="Consultant",
    employed_from="2024-01-01",
    employed_to="2027-10-16",
    fte="0.6",
    location="Berlin",
)


def booking(key: str, person: str | None = "ann", **fields: object) -> SeedAssignment:
    given: dict[str, object] = {
        "project": "P-1",
        "role": "Consultant",
        "starts": "2026-10-05",
        "ends": "2026-10-09",
        "minutes_per_day": 390,
        "notes": f"Booking {key}",
        "updated_at": TOLD_AT,
    }
    return SeedAssignment(key=key, person=person, **{**given, **fields})  # type: ignore[arg-type]


def small_firm(bookings: Iterable[SeedAssignment] = ()) -> SeedFirm:
    return SeedFirm(
        name="Northwind Advisory",
        entities=[
            SeedEntity(code=code, name=name, country=code[:2], currency=currency, time_zone=zone, periods=["2026-10"])
            for code, name, currency, zone in (
                ("US01", "Northwind US Inc", "USD", "America/New_York"),
                ("DE01", "Northwind GmbH", "EUR", "Europe/Berlin"),
            )
        ],
        clients=[SeedClient(code="C-1", name="Fjord Energy", entity="US01", currency="USD")],
        projects=[
            SeedProject(
                code="P-1",
                name="Grid",
                client="C-1",
                entity="US01",
                currency="USD",
                service_line="Audit",
                rate_card="RC",
                starts="2026-01-01",
                ends="2027-06-30",
                tasks=[SeedTask(key="T-1", name="Delivery"), SeedTask(key="T-2", name="Travel", billable=False)],
            )
        ],
        roles=["Consultant", "Manager", "Partner"],
        people=[ANN, BO],
        rate_cards=[],
        fx_rates=[],
        accounts={},
        assignments=list(bookings),
        time_off=[
            SeedTimeOff(
                key="summer", person="bo", starts="2026-08-10", ends="2026-08-14", kind="Vacation", updated_at=TOLD_AT
            ),
            SeedTimeOff(
                key="dentist",
                person="ann",
                starts="2026-09-02",
                ends="2026-09-02",
                kind="Medical",
                updated_at=TOLD_AT,
                status="requested",
                minutes_per_day=150,
            ),
        ],
        holidays=[
            SeedHoliday(country="US", day="2026-11-26", name="Thanksgiving"),
            SeedHoliday(country="JP", day="2026-11-23", name="勤労感謝の日"),
        ],
    )


@dataclass
class Account:
    """A running account: ``source`` and ``sink`` are the connector's, ``api`` a plain client's."""

    simulator: SIMULATOR
    connector: Connector
    connection: Connection
    clock: SteppedClock
    source: Source
    sink: Sink
    api: httpx.AsyncClient
    exchanges: list[Exchange]

    async def read(self, object_name: str, cursor: str | None = None) -> tuple[str | None, list[Translated]]:
        """The cursor at the end, and every item of the pages."""
        pages = [page async for page in self.source.read(object_name, cursor)]
        items = [one for page in pages for one in self.translated(page)]
        return (pages[-1].next_cursor if pages else cursor), items

    def translated(self, page: Page) -> list[Translated]:
        assert self.connector.translator is not None
        return list(self.connector.translator.translate(page.object, page.payload))

    async def write(self, command: Command) -> Outcome:
        return (await self.sink.write([command]))[0]

    async def find(self, command: Command) -> Found | None:
        found = await self.sink.find(kind_of(command), [command.reference], entity=command.entity)
        return found.get(command.reference)

    def held(self, kind: str, code: str) -> list[Holding]:
        return [one for one in self.simulator.holdings() if (one.kind, one.code) == (kind, code)]

    def change(self, *changes: Change) -> None:
        for one in changes:
            self.simulator.apply_change(one)

    def force(self, fault: Fault) -> None:
        self.simulator.plan.force(fault)


def records(found: Iterable[Translated]) -> dict[str, ReportedRecord]:
    return {one.source_id: one for one in found if isinstance(one, ReportedRecord)}


def assignments(found: Iterable[Translated]) -> dict[str, ReportedAssignment]:
    return {one.notes: one for one in found if isinstance(one, ReportedAssignment)}


def absences(found: Iterable[Translated]) -> dict[str, ReportedTimeOff]:
    return {one.kind: one for one in found if isinstance(one, ReportedTimeOff)}


OpenAccount = Callable[..., Awaitable[Account]]
