"""A small firm in a local Salesforce org, the connector over it, and a person's hands; ``conftest`` opens it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tieout.connect.connector import Connection
from tieout.connect.simulator.control import Change, ConnectionSheet, Holding
from tieout.connect.simulator.faults import Fault
from tieout.connect.simulator.seed import SeedClient, SeedDeal, SeedDealLine, SeedEntity, SeedFirm
from tieout.connect.source import Page, Source, Translated
from tieout.connectors.salesforce.connector import CONNECTOR, open_sink, open_source
from tieout.connectors.salesforce.simulator.server import SalesforceSimulator
from tieout.model.command import Command, LinkDeal, UpsertCustomer
from tieout.model.reported import ReportedRecord

TOKEN_PATH = "/services/oauth2/token"
DATA_PATH = "/services/data/v60.0"


class SteppedClock:
    """The machine's clock, moved by ``ahead``."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def deal(key: str = "D-1", **changes: Any) -> SeedDeal:
    plain: dict[str, Any] = {
        "key": key,
        "name": "Ledger roll-out",
        "client": "ACME",
        "stage": "Closed Won",
        "amount_minor": 1_000_000,
        "currency": "USD",
        "close_date": "2026-06-30",
        "updated_at": "2026-06-30T12:00:00+00:00",
        "probability": "100",
        "entity": "US01",
        "service_line": "Advisory",
        "starts": "2026-07-01",
        "ends": "2026-09-30",
        "rate_card": "US-2026",
        "contract": "C-100",
        "contract_status": "Activated",
        "owner_email": "ana@northwind.example",
        "lines": [
            SeedDealLine(
                key=f"{key}-1",
                role="Consultant",
                minutes=6030,
                price_minor=15_050,
                starts="2026-07-01",
                ends="2026-07-31",
                location="US",
                skills=["SQL", "Tax"],
            )
        ],
    }
    return SeedDeal(**{**plain, **changes})


def small_firm() -> SeedFirm:
    return SeedFirm(
        name="Northwind Advisory",
        entities=[
            SeedEntity(
                code="US01",
                name="Northwind US Inc",
                country="US",
                currency="USD",
                time_zone="UTC",
                periods=["2026-07", "2026-08"],
            )
        ],
        clients=[
            SeedClient(code="ACME", name="Acme Corporation", entity="US01", currency="USD", country="US"),
            SeedClient(code="OBRIEN", name="O'Brien & Sons", entity="US01", currency="JPY", tax_id="JP-7"),
        ],
        projects=[],
        roles=["Consultant"],
        people=[],
        rate_cards=[],
        fx_rates=[],
        accounts={},
        deals=[deal(), deal("D-2", name="Audit", stage="Prospecting", contract=None, currency="JPY", lines=[])],
    )


def customer(code: str = "NEWCO", **changes: Any) -> UpsertCustomer:
    plain: dict[str, Any] = {
        "reference": f"TIE-{code}",
        "entity": "US01",
        "code": code,
        "name": "New Company",
        "currency": "USD",
    }
    return UpsertCustomer(**{**plain, **changes})


def link(key: str, **changes: Any) -> LinkDeal:
    plain: dict[str, Any] = {
        "reference": "TIE-L1",
        "entity": "US01",
        "deal": key,
        "project_code": "P-100",
        "project_status": "active",
        "link": "https://psa.example/projects/P-100",
    }
    return LinkDeal(**{**plain, **changes})


@dataclass
class Account:
    """A running org: ``source`` and ``sink`` are the connector's, ``api`` a person's."""

    simulator: SalesforceSimulator
    sheet: ConnectionSheet
    connection: Connection
    clock: SteppedClock
    source: Source
    api: httpx.AsyncClient

    async def sign_in(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.sheet.settings["client_id"],
            "client_secret": self.sheet.secrets["client_secret"],
        }
        answer = await self.api.post(TOKEN_PATH, data=form)
        self.api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def query(self, text: str) -> list[dict[str, Any]]:
        answer = await self.api.get(f"{DATA_PATH}/queryAll/", params={"q": text})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["records"])

    async def key(self, name: str, field: str, value: str) -> str:
        """The id of the one row whose field has a value."""
        (found,) = await self.query(f"SELECT Id FROM {name} WHERE {field} = '{value}'")
        return str(found["Id"])

    async def read(self, name: str, cursor: str | None = None) -> list[Page]:
        return [page async for page in self.source.read(name, cursor)]

    async def records(self, name: str, cursor: str | None = None) -> dict[str, ReportedRecord]:
        """What an object tells, by source id; the last word counts."""
        items = self.translate(await self.read(name, cursor))
        return {one.source_id: one for one in items if isinstance(one, ReportedRecord)}

    def translate(self, pages: Sequence[Page]) -> list[Translated]:
        translator = CONNECTOR.configured(self.connection.settings).translator
        assert translator is not None
        return [item for page in pages for item in translator.translate(page.object, page.payload)]

    async def write(self, *commands: Command) -> list[Any]:
        sink = open_sink(self.connection)
        try:
            return list(await sink.write(commands))
        finally:
            await sink.aclose()

    async def find(self, kind: str, *references: str) -> dict[str, Any]:
        sink = open_sink(self.connection)
        try:
            return dict(await sink.find(kind, references, entity="US01"))
        finally:
            await sink.aclose()

    def pass_time(self, span: timedelta) -> None:
        """Let time pass for the org and for the connector."""
        self.clock.ahead += span
        self.simulator.set_clock_offset(self.clock.ahead.total_seconds())

    def held(self, reference: str) -> list[Holding]:
        return [one for one in self.simulator.holdings() if one.reference == reference]

    def force(self, fault: Fault) -> None:
        self.simulator.plan.force(fault)

    def change(self, change: Change) -> None:
        self.simulator.apply_change(change)


OpenAccount = Callable[..., Awaitable[Account]]
__all__ = ["Account", "OpenAccount", "SteppedClock", "customer", "deal", "link", "open_source", "small_firm"]
