"""Finds the account's internal ids of what commands name: legal entities, currencies, accounts, customers, projects.

Neighbours: ``write`` and ``master_writer`` ask it before they send, ``read`` for the subsidiary of a legal entity.
What was found is remembered as long as the sink is open, what was not found is asked again each time, so that a
customer created a moment ago is found.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from tieout.connectors.netsuite import queries
from tieout.connectors.netsuite.client import NetSuiteClient
from tieout.connectors.netsuite.mapping import Known, has_values
from tieout.connectors.netsuite.masters import TASK_COMPLETED, HeldTask
from tieout.connectors.netsuite.records import NetSuiteSchema
from tieout.model.journal import PostJournal


class _Named(msgspec.Struct, frozen=True):
    id: str
    name: str
    code: str | None = None


class _Task(msgspec.Struct, frozen=True):
    id: str
    project: str
    code: str
    status: str | None = None


class _Subsidiary(msgspec.Struct, frozen=True):
    id: str
    name: str
    code: str | None = None
    currency: str | None = None


class Directory:
    """Ids of one account, by our names."""

    def __init__(
        self, client: NetSuiteClient, *, subsidiaries: Mapping[str, str], dimension_fields: Mapping[str, str]
    ) -> None:
        self._client = client
        self._set_subsidiaries = subsidiaries
        self._dimension_fields = dimension_fields
        self._subsidiaries: dict[str, str] = {}
        self._currencies: dict[str, str] = {}
        self._segments: dict[tuple[str, str], str] = {}
        self._statuses: dict[str, str] = {}
        self._tasks: dict[tuple[str, str], HeldTask] = {}
        self._schemas: dict[str, NetSuiteSchema] = {}
        self._named: dict[str, dict[str, str]] = {"account": {}, "customer": {}, "job": {}}

    async def subsidiary_of(self, entity: str) -> str | None:
        """The subsidiary's id of a legal entity: as set, else by external id, else by name; None when there is none."""
        if entity in self._set_subsidiaries:
            return self._set_subsidiaries[entity]
        if entity not in self._subsidiaries:
            rows = await self._client.rows(queries.SUBSIDIARIES, _Subsidiary)
            by_name = {row.name: row.id for row in rows}
            self._subsidiaries = by_name | {row.code: row.id for row in rows if row.code}
        return self._subsidiaries.get(entity)

    async def currencies(self, wanted: Collection[str]) -> Mapping[str, str]:
        """Ids of currencies by ISO code."""
        if any(one not in self._currencies for one in wanted):
            rows = await self._client.rows(queries.CURRENCIES, _Named)
            self._currencies = {row.name: row.id for row in rows}
        return self._currencies

    async def currency_symbol(self, key: str) -> str | None:
        """The ISO code of a currency's id; None when there is none."""
        symbols = {found: symbol for symbol, found in (await self.currencies(())).items()}
        if key not in symbols:
            self._currencies = {}
            symbols = {found: symbol for symbol, found in (await self.currencies(("",))).items()}
        return symbols.get(key)

    async def customers(self, codes: Iterable[str]) -> Mapping[str, str]:
        """Ids of customers by code."""
        return await self._learn("customer", codes)

    async def projects(self, codes: Iterable[str]) -> Mapping[str, str]:
        """Ids of projects by code."""
        return await self._learn("job", codes)

    async def project_statuses(self, names: Collection[str]) -> Mapping[str, str]:
        """Ids of project statuses by name."""
        if any(one not in self._statuses for one in names):
            rows = await self._client.rows(queries.PROJECT_STATUSES, _Named)
            self._statuses = {row.name: row.id for row in rows}
        return self._statuses

    async def learn_tasks(self, wanted: Collection[tuple[str, str]]) -> None:
        """Ask for tasks by their project's id and their WBS code: each time, for people complete them."""
        asked = sorted(wanted)
        for start in range(0, len(asked), queries.MAX_NAMES):
            chunk = asked[start : start + queries.MAX_NAMES]
            query = queries.tasks(sorted({project for project, _ in chunk}), sorted({code for _, code in chunk}))
            for row in await self._client.rows(query, _Task):
                self._tasks[row.project, row.code] = HeldTask(row.id, completed=row.status == TASK_COMPLETED)

    def task(self, project: str, code: str) -> HeldTask | None:
        """A task that was learned or remembered; None when there is none."""
        return self._tasks.get((project, code))

    async def schema(self, record: str, fields: Collection[str]) -> NetSuiteSchema:
        """The schema of a record type, asked again where one of ``fields`` was not in it."""
        known = self._schemas.get(record)
        if known is None or not known.properties.keys() >= set(fields):
            known = self._schemas[record] = await self._client.schema(record)
        return known

    async def known(self, commands: Collection[PostJournal]) -> dict[str, Known | None]:
        """What the commands name, by legal entity; None for a legal entity without subsidiary."""
        lines = [line for command in commands for line in command.lines]
        accounts = await self._learn("account", {line.account for line in lines})
        projects = await self._learn("job", {line.project_code for line in lines if line.project_code is not None})
        customers = await self._learn(
            "customer",
            {line.customer_code for line in lines if line.customer_code is not None and line.project_code is None},
        )
        currencies = await self.currencies({command.currency for command in commands})
        segments = await self._learn_segments({pair for line in lines for pair in line.dimensions.items()})
        found: dict[str, Known | None] = {}
        for entity in {command.entity for command in commands}:
            subsidiary = await self.subsidiary_of(entity)
            found[entity] = (
                None
                if subsidiary is None
                else Known(
                    subsidiary=subsidiary,
                    currencies=currencies,
                    accounts=accounts,
                    customers=customers,
                    projects=projects,
                    segments=segments,
                )
            )
        return found

    def remember(self, table: str, code: str, key: str) -> None:
        """A customer or project that was just written; SuiteQL may not see it yet."""
        self._named[table][code] = key

    def remember_task(self, project: str, code: str, held: HeldTask) -> None:
        """A task that was just written; as ``remember``."""
        self._tasks[project, code] = held

    def forget(self) -> None:
        """Ask everything again: something remembered is no longer there."""
        self._subsidiaries, self._currencies, self._segments = {}, {}, {}
        self._statuses, self._tasks, self._schemas = {}, {}, {}
        self._named = {table: {} for table in self._named}

    async def _learn(self, table: str, names: Iterable[str]) -> Mapping[str, str]:
        known = self._named[table]
        missing = sorted({name for name in names if name not in known})
        for start in range(0, len(missing), queries.MAX_NAMES):
            chunk = missing[start : start + queries.MAX_NAMES]
            rows = await self._client.rows(queries.by_names(table, chunk), _Named)
            known.update({row.name: row.id for row in rows})
        return known

    async def _learn_segments(self, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        needed = {
            (self._dimension_fields[dimension], value)
            for dimension, value in wanted
            if dimension in self._dimension_fields and has_values(self._dimension_fields[dimension])
        }
        for field in sorted({field for field, value in needed if (field, value) not in self._segments}):
            rows = await self._client.rows(queries.segment_values(field), _Named)
            self._segments.update({(field, row.name): row.id for row in rows})
            self._segments.update({(field, row.code): row.id for row in rows if row.code})
        return self._segments
