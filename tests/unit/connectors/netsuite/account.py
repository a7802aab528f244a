"""A small firm in a local NetSuite account, a sink and readers over it, and a person's hands; ``conftest`` opens it."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from tieout.connect.connector import Connection
from tieout.connect.outcome import Outcome
from tieout.connect.simulator.control import Change, ConnectionSheet
from tieout.connect.simulator.faults import Fault
from tieout.connect.simulator.seed import SeedClient, SeedEntity, SeedFirm, SeedFxRate, SeedProject
from tieout.connectors.netsuite.read import NetSuiteLedgerReader, NetSuiteSource
from tieout.connectors.netsuite.simulator.server import NetSuiteSimulator
from tieout.connectors.netsuite.write import NetSuiteSink
from tieout.model.identity import idempotency_key, reference_of
from tieout.model.journal import JournalLine, PostJournal

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
QUERY_PATH = "/services/rest/query/v1/suiteql"
RECORD_PATH = "/services/rest/record/v1"


class MachineClock:
    """The machine's clock, which the simulator has too."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def small_firm() -> SeedFirm:
    return SeedFirm(
        name="Northwind Advisory",
        entities=[
            SeedEntity(
                code=code,
                name=name,
                country=country,
                currency=currency,
                time_zone="UTC",
                periods=["2026-07", "2026-08", "2026-09"],
                closed_periods=closed,
            )
            for code, name, country, currency, closed in (
                ("US01", "Northwind US Inc", "US", "USD", ["2026-07"]),
                ("JP01", "Northwind KK", "JP", "JPY", []),
            )
        ],
        clients=[
            SeedClient(code="ACME", name="Acme Corporation", entity="US01", currency="USD"),
            SeedClient(code="OBRIEN", name="O'Brien & Sons", entity="JP01", currency="JPY"),
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
            )
        ],
        roles=[],
        people=[],
        rate_cards=[],
        fx_rates=[SeedFxRate(day="2026-08-03", base="EUR", quote="USD", rate="1.0845")],
        accounts={"unbilled_receivable": "1250", "unbilled_revenue": "4250"},
        departments={"Advisory": "100"},
    )


def journal(number: int = 1, *, amount_minor: int = 12345, **changes: Any) -> PostJournal:
    """A journal of one hour on P-US, of its own reference by ``number``."""
    key = idempotency_key(entity="US01", kind="journal", source_id=str(number), source_version="1", purpose="test")
    entity = changes.pop("entity", "US01")
    currency = {"US01": "USD", "JP01": "JPY"}.get(entity, "USD")
    line = changes.pop("line", {})
    plain: dict[str, Any] = {"currency": currency, "memo": "One hour", "project_code": "P-US", "hours": Decimal(1)}
    first = {"account": "1250", "debit_minor": amount_minor, "credit_minor": 0, "amount_minor": amount_minor}
    other = {"account": "4250", "debit_minor": 0, "credit_minor": amount_minor, "amount_minor": -amount_minor}
    return PostJournal(
        reference=reference_of(key),
        key=key,
        entity=entity,
        accounting_date=changes.pop("accounting_date", date(2026, 8, 14)),
        currency=currency,
        description=f"Time, journal {number}",
        lines=(JournalLine(**{**plain, **first, **line}), JournalLine(**{**plain, **other})),
        entry_count=1,
        hours=Decimal(1),
    )


@dataclass
class Account:
    """A running account: ``sink``, ``source`` and ``ledger`` are the connector's, ``api`` a person's."""

    simulator: NetSuiteSimulator
    sheet: ConnectionSheet
    connection: Connection
    sink: NetSuiteSink
    source: NetSuiteSource
    ledger: NetSuiteLedgerReader
    api: httpx.AsyncClient

    async def sign_in(self) -> None:
        answer = await self.api.post(TOKEN_PATH, data=token_form(self.sheet))
        self.api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def query(self, text: str, **parameters: str) -> Any:
        answer = await self.api.post(QUERY_PATH, json={"q": text}, params=parameters, headers={"Prefer": "transient"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def key(self, table: str, **where: str) -> str:
        (column, value), *_ = where.items()
        found = await self.query(f"SELECT id FROM {table} WHERE {column} = '{value}'")
        return str(found["items"][0]["id"])

    async def post(self, *commands: PostJournal) -> list[Outcome]:
        return list(await self.sink.write(commands))

    def held(self, reference: str) -> list[Any]:
        return [one for one in self.simulator.holdings() if one.reference == reference]

    def journals(self) -> list[Any]:
        return [one for one in self.simulator.holdings() if one.kind == "post_journal"]

    def master(self, kind: str, code: str) -> Any:
        """The one master of a kind with a business code, as the account really holds it."""
        (found,) = [one for one in self.simulator.holdings() if (one.kind, one.code) == (kind, code)]
        return found

    def force(self, fault: Fault) -> None:
        self.simulator.plan.force(fault)

    def change(self, change: Change) -> None:
        self.simulator.apply_change(change)


def token_form(sheet: ConnectionSheet, **claims: Any) -> dict[str, str]:
    now = int(time.time())
    plain = {
        "iss": sheet.settings["client_id"],
        "aud": sheet.settings["base_url"] + TOKEN_PATH,
        "scope": "rest_webservices",
        "iat": now,
        "exp": now + 300,
    }
    header = {"alg": "ES256", "typ": "JWT", "kid": sheet.settings["certificate_id"]}
    key = ECKey.import_key(sheet.secrets["private_key"])
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(header, {**plain, **claims}, key, algorithms=["ES256"]),
    }


OpenAccount = Callable[..., Awaitable[Account]]
Settings = Mapping[str, str]
