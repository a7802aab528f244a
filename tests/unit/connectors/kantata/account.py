"""A small firm in a local Kantata account, a source over it, and a person's hands on its API; ``conftest`` opens it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tieout.connect.connector import Connection
from tieout.connect.simulator.control import Change
from tieout.connect.simulator.seed import (
    SeedClient,
    SeedCostRate,
    SeedEntity,
    SeedFirm,
    SeedPerson,
    SeedProject,
    SeedRateCard,
    SeedRateLine,
    SeedTask,
    SeedTimeEntry,
    write_firm,
)
from tieout.connect.source import Page, Source, Translated
from tieout.connectors.kantata.mapping import KantataTranslator
from tieout.connectors.kantata.simulator import SIMULATOR
from tieout.model.reported import ReportedRecord


class MachineClock:
    """The machine's clock, which the simulator has too."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def small_firm() -> SeedFirm:
    return SeedFirm(
        name="Northwind Advisory",
        entities=[
            SeedEntity(
                code="US01",
                name="Northwind US Inc",
                country="US",
                currency="USD",
                time_zone="America/New_York",
                periods=["2026-07", "2026-08"],
                closed_periods=["2026-07"],
            ),
            SeedEntity(
                code="JP01",
                name="Northwind KK",
                country="JP",
                currency="JPY",
                time_zone="Asia/Tokyo",
                periods=["2026-07", "2026-08"],
                closed_periods=["2026-07"],
            ),
        ],
        clients=[
            SeedClient(code="ACME", name="Acme Corporation", entity="US01", currency="USD"),
            SeedClient(code="TANAKA", name="Tanaka Shoji", entity="JP01", currency="JPY"),
        ],
        projects=[
            SeedProject(
                code="P-US",
                name="Ledger roll-out",
                client="ACME",
                entity="US01",
                currency="USD",
                service_line="Advisory",
                rate_card="US",
                starts="2026-01-01",
                ends="2026-12-31",
                tasks=[
                    SeedTask(key="build", name="Build"),
                    SeedTask(key="travel", name="Travel", billable=False),
                    SeedTask(key="done", name="Blueprint", open=False),
                ],
            ),
            SeedProject(
                code="P-JP",
                name="Kaikei",
                client="TANAKA",
                entity="JP01",
                currency="JPY",
                service_line="Audit",
                rate_card="JP",
                starts="2026-01-01",
                ends="2026-12-31",
                status="on_hold",
                tasks=[SeedTask(key="build", name="Build")],
            ),
        ],
        roles=["Consultant", "Manager"],
        people=[
            SeedPerson(
                key="ann",
                name="Ann Ito",
                email="ann@northwind.example",
                entity="US01",
                role="Manager",
                employed_from="2020-02-01",
                cost_rates=[
                    SeedCostRate(amount_minor=7000, currency="USD", starts="2020-02-01", ends="2026-01-01"),
                    SeedCostRate(amount_minor=9000, currency="USD", starts="2026-01-01"),
                ],
            ),
            SeedPerson(
                key="bo",
                name="Bo Lind",
                email="bo@northwind.example",
                entity="JP01",
                role="Consultant",
                employed_from="2021-05-01",
                employed_to="2026-09-01",
                cost_rates=[SeedCostRate(amount_minor=6000, currency="JPY", starts="2021-05-01")],
            ),
        ],
        rate_cards=[
            SeedRateCard(
                code="US",
                name="Standard US",
                currency="USD",
                lines=[
                    SeedRateLine(role="Consultant", amount_minor=15050, starts="2026-01-01", ends="2026-08-10"),
                    SeedRateLine(role="Consultant", amount_minor=16000, starts="2026-08-10"),
                    SeedRateLine(role="Manager", amount_minor=25000, starts="2026-01-01"),
                ],
            ),
            SeedRateCard(
                code="JP",
                name="Standard JP",
                currency="JPY",
                lines=[SeedRateLine(role="Consultant", amount_minor=15000, starts="2026-01-01")],
            ),
        ],
        fx_rates=[],
        accounts={},
    )


def seed_entry(key: str, **changes: Any) -> SeedTimeEntry:
    plain = SeedTimeEntry(
        key=key,
        person="bo",
        project="P-US",
        task="build",
        work_date="2026-08-03",
        minutes=90,
        billable=True,
        notes="Chart of accounts",
        approver="ann",
        updated_at="2026-08-08T09:00:00+00:00",
    )
    return msgspec.structs.replace(plain, **changes)


def write_seed(directory: Path, entries: list[SeedTimeEntry]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    write_firm(directory, small_firm())
    (directory / "time_entries.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in entries))
    return directory


@dataclass
class Account:
    """A running account: ``source`` is the connector's, ``api`` a person's."""

    simulator: SIMULATOR
    source: Source
    api: httpx.AsyncClient
    translator: KantataTranslator
    connection: Connection

    async def read(self, object_name: str, cursor: str | None = None) -> tuple[list[Page], list[Translated]]:
        pages = [page async for page in self.source.read(object_name, cursor)]
        return pages, [one for page in pages for one in self.translator.translate(object_name, page.payload)]

    async def rows(self, collection: str, **query: str) -> dict[str, Any]:
        answer = await self.api.get(f"/{collection}.json", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json().get(collection, {})
        return found

    def change(self, *changes: Change) -> None:
        for one in changes:
            self.simulator.apply_change(one)

    async def entry_id(self, notes: str) -> str:
        entries = await self.rows("time_entries", per_page="200", from_archived_workspaces="true")
        return next(row_id for row_id, row in entries.items() if row["notes"] == notes)


def one_of(found: Iterable[Translated], **fields: object) -> ReportedRecord:
    """The only record with these fields."""
    (record,) = [
        one
        for one in found
        if isinstance(one, ReportedRecord) and all(one.fields.get(name) == value for name, value in fields.items())
    ]
    return record


OpenAccount = Callable[[list[SeedTimeEntry]], Awaitable[Account]]
