"""The ids that a command needs, looked up by business code: Tryton's records refer to each other by number only.

Neighbours: ``client`` asks, ``journals`` and ``masters`` use the answers. Companies, currencies, accounts and the
journal are remembered while the sink is open and asked again when a code is not among them; whether a period is open
is asked every time.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

import msgspec

from tieout.connectors.tryton.client import TrytonClient, rows_of
from tieout.connectors.tryton.mapping import Company, Known
from tieout.connectors.tryton.options import Options
from tieout.connectors.tryton.records import (
    TrytonAccountRow,
    TrytonCode,
    TrytonNamed,
    TrytonPartyRow,
    TrytonPeriodRow,
    date_value,
)
from tieout.errors import ConfigurationError

_ALL: Final = (0, None, None)
"""Offset, limit and order of a search for everything."""
PERIOD_FIELDS: Final = [
    *("name", "start_date", "end_date", "state", "company", "_timestamp"),
    *(f"journals.{name}" for name in ("state", "journal.code", "_timestamp")),
]


class _CompanyRow(msgspec.Struct, frozen=True, rename={"party": "party.", "currency": "currency."}):
    id: int
    party: TrytonCode
    currency: TrytonCode


class Directory:
    """Looks up what one account of Tryton holds."""

    def __init__(self, client: TrytonClient, options: Options) -> None:
        self._client = client
        self._options = options
        self._companies: dict[str, Company] = {}
        self._currencies: dict[str, int] = {}
        self._accounts: dict[int, dict[str, TrytonAccountRow]] = {}
        self._journal: int | None = None

    def forget(self) -> None:
        """Ask everything again: a refusal may mean that what was remembered is no longer so."""
        self._companies.clear()
        self._currencies.clear()
        self._accounts.clear()
        self._journal = None

    async def company_of(self, entity: str) -> Company | None:
        """The company whose party has the code of the legal entity, or None."""
        if entity not in self._companies:
            fields = ["party.code", "currency.code"]
            found = await self._client.ask("model.company.company.search_read", [], *_ALL, fields)
            rows = rows_of(found, _CompanyRow)
            self._companies = {
                row.party.code: Company(id=row.id, code=row.party.code, currency=row.currency.code) for row in rows
            }
        return self._companies.get(entity)

    async def known(
        self, company: Company, *, accounts: Iterable[str], customers: Iterable[str], days: Sequence[date]
    ) -> Known:
        """Everything that journals on these accounts, customers and days need."""
        return Known(
            company=company,
            journal=await self._journal_id(),
            journal_code=self._options.journal,
            accounts=await self._accounts_of(company, set(accounts)),
            parties={code: row.id for code, row in (await self.parties(customers)).items()},
            currencies=await self._all_currencies(),
            periods=await self._periods(company, min(days), max(days)),
        )

    async def parties(self, codes: Iterable[str]) -> dict[str, TrytonPartyRow]:
        """The active parties with these codes."""
        wanted = sorted(set(codes))
        if not wanted:
            return {}
        fields = ["code", "name", "active", "_timestamp"]
        found = await self._client.ask("model.party.party.search_read", [["code", "in", wanted]], *_ALL, fields)
        return {row.code: row for row in rows_of(found, TrytonPartyRow)}

    async def category(self) -> int | None:
        """The category that marks customers, or None where it does not exist."""
        domain = [["name", "=", self._options.customer_category]]
        found = await self._client.ask("model.party.category.search_read", domain, *_ALL, ["name"])
        return next((row.id for row in rows_of(found, TrytonNamed)), None)

    async def _journal_id(self) -> int:
        if self._journal is None:
            domain = [["code", "=", self._options.journal]]
            found = rows_of(
                await self._client.ask("model.account.journal.search_read", domain, *_ALL, ["name"]), TrytonNamed
            )
            if len(found) != 1:
                raise ConfigurationError(
                    code="TIE-TRYTON-001",
                    message=f"Tryton has {len(found)} journals with the code {self._options.journal!r}.",
                )
            self._journal = found[0].id
        return self._journal

    async def _accounts_of(self, company: Company, codes: set[str]) -> dict[str, TrytonAccountRow]:
        remembered = self._accounts.setdefault(company.id, {})
        missing = codes - set(remembered)
        if missing:
            domain = [["company", "=", company.id], ["code", "in", sorted(missing)], ["closed", "!=", True]]
            fields = ["code", "party_required"]
            found = await self._client.ask("model.account.account.search_read", domain, *_ALL, fields)
            remembered.update((row.code, row) for row in rows_of(found, TrytonAccountRow))
        return remembered

    async def _all_currencies(self) -> dict[str, int]:
        if not self._currencies:
            found = await self._client.ask("model.currency.currency.search_read", [], *_ALL, ["code"])
            self._currencies = {row.code: row.id for row in rows_of(found, TrytonCode)}
        return self._currencies

    async def _periods(self, company: Company, first: date, last: date) -> list[TrytonPeriodRow]:
        domain = [
            ["company", "=", company.id],
            ["type", "=", "standard"],
            ["start_date", "<=", date_value(last)],
            ["end_date", ">=", date_value(first)],
        ]
        found = await self._client.ask("model.account.period.search_read", domain, *_ALL, PERIOD_FIELDS)
        return rows_of(found, TrytonPeriodRow)
