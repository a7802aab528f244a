"""The reference that steps judge by, whole and in memory: golden records as facts, periods, mappings, the firm.

An immutable snapshot of one reference version. Every look-up is a dictionary's; ``refresh`` costs one tiny query while
nothing has changed. Neighbours: ``golden_record`` changes what is read here, ``fact_building`` types it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, TypeVar

import msgspec
import psycopg

from tieout.errors import ContractError, InvariantError
from tieout.governance import firm_version
from tieout.model.firm import FirmConfig
from tieout.model.labour_policy import LabourPolicy
from tieout.model.period import AccountingPeriod, PeriodCalendar
from tieout.model.reported import FieldValue, RecordType
from tieout.records import fact_building as build
from tieout.records.fact_building import MERGED_INTO, Resolver, StoredRecord
from tieout.records.facts import (
    ClientFacts,
    EntityFacts,
    ProjectFacts,
    RateCardFacts,
    ResourceFacts,
    RoleFacts,
    TaskFacts,
)
from tieout.records.field_filling import wanted_fields
from tieout.records.labour import labour_policy
from tieout.records.mapping import MappingTables

__all__ = [
    "BookCache",
    "ClientFacts",
    "EntityFacts",
    "ProjectFacts",
    "RateCardFacts",
    "ReferenceBook",
    "ResourceFacts",
    "RoleFacts",
    "TaskFacts",
    "load",
    "refresh",
]

_Facts = TypeVar("_Facts")
_NOT_HERE: Final = (
    RecordType.RATE_LINE,
    RecordType.COST_RATE,
    RecordType.FX_RATE,
    RecordType.DEAL,
    RecordType.DEAL_LINE,
    RecordType.CONTRACT,
    RecordType.CONTRACT_LINE,
)
"""Rates are the ledger's; deals are many and change often, and only one stream asks for them, by name."""
_fields = msgspec.json.Decoder(dict[str, FieldValue])
_refs = msgspec.json.Decoder(dict[str, tuple[str, str] | None])


class ReferenceBook:
    """One version of the reference. ``problems`` lists what in it contradicts itself, for ``tieout check``.

    The ``..._of`` methods give the dictionary of one system, for loops; the singular ones answer once. All ids are
    golden record ids.
    """

    def __init__(
        self,
        *,
        version: int,
        on: date,
        firm: FirmConfig,
        system_ids: Mapping[str, int],
        records: Iterable[StoredRecord],
        cross_references: Iterable[tuple[str, str, str, int]],
    ) -> None:
        """``cross_references`` are rows of type, system, the system's key, record id."""
        self.version = version
        self.on = on
        self.firm = firm
        self.system_ids = dict(system_ids)
        self.system_names = {number: name for name, number in self.system_ids.items()}
        self.mappings = MappingTables(firm.mappings)
        self.problems: list[str] = self.mappings.problems()
        by_type: dict[str, list[StoredRecord]] = defaultdict(list)
        for record in records:
            by_type[record.type].append(record)
        found: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        for record_type, system, source_id, record_id in cross_references:
            found[record_type][system, source_id] = record_id
        self.resolver = Resolver(
            cross_references=found,
            codes={
                (one.type, one.code): one.record_id for kind in by_type.values() for one in kind if one.code is not None
            },
            mappings=self.mappings,
            on=on,
        )
        self._fill(by_type)
        self._index(found)

    def _fill(self, by_type: Mapping[str, list[StoredRecord]]) -> None:
        def of(record_type: RecordType) -> list[StoredRecord]:
            return by_type.get(record_type, [])

        entities = [build.entity_facts(one, self.firm) for one in of(RecordType.LEGAL_ENTITY)]
        self.entity_by_id: dict[int, EntityFacts] = {one.record_id: one for one in entities if one is not None}
        self.entity_by_code = {one.code: one for one in self.entity_by_id.values()}
        known, resolver, wanted = self.entity_by_id, self.resolver, wanted_fields(self.firm)
        asked = wanted.get(RecordType.CLIENT, frozenset())
        self.client_by_id = {
            one.record_id: build.client_facts(one, resolver, known, asked) for one in of(RecordType.CLIENT)
        }
        self.role_by_id = {one.record_id: build.role_facts(one) for one in of(RecordType.ROLE)}
        self.rate_card_by_id = {one.record_id: build.rate_card_facts(one) for one in of(RecordType.RATE_CARD)}
        asked = wanted.get(RecordType.PROJECT, frozenset())
        self.project_by_id = {
            one.record_id: build.project_facts(one, resolver, known, asked) for one in of(RecordType.PROJECT)
        }
        self.task_by_id = {one.record_id: build.task_facts(one, resolver) for one in of(RecordType.TASK)}
        self.resource_by_id = {
            one.record_id: build.resource_facts(one, resolver, known) for one in of(RecordType.RESOURCE)
        }
        self._follow_merged(by_type)
        periods = [build.accounting_period(one, resolver, known) for one in of(RecordType.PERIOD)]
        self.periods = self._calendar(one for one in periods if one is not None)
        self.problems += [
            f"Legal entity {one.code} keeps its books in {one.functional_currency}, its policy says "
            f"{one.policy.functional_currency}."
            for one in self.entity_by_id.values()
            if one.policy is not None and one.policy.functional_currency != one.functional_currency
        ]

    def _follow_merged(self, by_type: Mapping[str, list[StoredRecord]]) -> None:
        """Under the id of a record that was merged stand the facts of the one that it was merged into."""
        facts: dict[str, dict[int, Any]] = {
            RecordType.CLIENT: self.client_by_id,
            RecordType.PROJECT: self.project_by_id,
            RecordType.TASK: self.task_by_id,
            RecordType.ROLE: self.role_by_id,
            RecordType.RESOURCE: self.resource_by_id,
            RecordType.RATE_CARD: self.rate_card_by_id,
        }
        for record_type, known in facts.items():
            for one in by_type.get(record_type, ()):
                kept = self.resolver.record(record_type, one.refs.get(MERGED_INTO)) if one.tombstone else None
                if kept is not None and kept in known:
                    known[one.record_id] = known[kept]

    def _calendar(self, periods: Iterable[AccountingPeriod]) -> PeriodCalendar:
        """The periods that do not contradict each other: those of an entity that do are left out and reported."""
        sound: list[AccountingPeriod] = []
        by_entity: dict[str, list[AccountingPeriod]] = defaultdict(list)
        for period in periods:
            by_entity[period.entity].append(period)
        for own in by_entity.values():
            try:
                PeriodCalendar(own)
            except ContractError as error:
                self.problems.append(error.message)
            else:
                sound += own
        return PeriodCalendar(sound)

    def _index(self, found: Mapping[str, Mapping[tuple[str, str], int]]) -> None:
        self._projects = _by_system(found.get(RecordType.PROJECT, {}), self.project_by_id)
        self._tasks = _by_system(found.get(RecordType.TASK, {}), self.task_by_id)
        self._resources = _by_system(found.get(RecordType.RESOURCE, {}), self.resource_by_id)
        self._roles = _by_system(found.get(RecordType.ROLE, {}), self.role_by_id)

    def projects_of(self, system: str) -> Mapping[str, ProjectFacts]:
        """The projects that ``system`` knows, by its own key."""
        return self._projects.get(system, {})

    def tasks_of(self, system: str) -> Mapping[str, TaskFacts]:
        """The tasks that ``system`` knows, by its own key."""
        return self._tasks.get(system, {})

    def resources_of(self, system: str) -> Mapping[str, ResourceFacts]:
        """The people that ``system`` knows, by its own key."""
        return self._resources.get(system, {})

    def roles_of(self, system: str) -> Mapping[str, RoleFacts]:
        """The roles that ``system`` knows, by its own key."""
        return self._roles.get(system, {})

    def project(self, system: str, key: str) -> ProjectFacts | None:
        """The project that ``system`` calls ``key``."""
        return self.projects_of(system).get(key)

    def task(self, system: str, key: str) -> TaskFacts | None:
        """The task that ``system`` calls ``key``."""
        return self.tasks_of(system).get(key)

    def resource(self, system: str, key: str) -> ResourceFacts | None:
        """The person that ``system`` calls ``key``."""
        return self.resources_of(system).get(key)

    def role(self, system: str, key: str) -> RoleFacts | None:
        """The role that ``system`` calls ``key``."""
        return self.roles_of(system).get(key)

    def surviving_client(self, client_id: int) -> int:
        """The id of the customer that ``client_id`` was merged into, or itself."""
        facts = self.client_by_id.get(client_id)
        return client_id if facts is None else facts.record_id

    def by_code(self, record_type: str, code: str) -> int | None:
        """The id of the record of ``record_type`` whose business code is ``code``."""
        return self.resolver.by_code(record_type, code)

    def knows_entity(self, system: str, entity: str) -> bool:
        """Whether ``system`` itself has reported the legal entity with code ``entity``."""
        facts = self.entity_by_code.get(entity)
        return facts is not None and self.resolver.known_to(system, RecordType.LEGAL_ENTITY, facts.record_id)

    def entity(self, system: str, word: str) -> EntityFacts | None:
        """The legal entity that ``system`` calls ``word``."""
        record_id = self.resolver.entity((system, word))
        return None if record_id is None else self.entity_by_id.get(record_id)

    def labour_policy(self, person: ResourceFacts, on: date) -> LabourPolicy | None:
        """The labour policy of ``person`` on day ``on`` (``records.labour.labour_policy``)."""
        return labour_policy(self.mappings, self.firm.labour, person, on)

    def map_value(self, table: str, system: str, entity: str, source: str, on: date) -> str | None:
        """What ``source`` means by mapping table ``table`` (``records.mapping.MappingTables.map_value``)."""
        return self.mappings.map_value(table, system, entity, source, on)


def load(
    conn: psycopg.Connection[tuple[object, ...]], *, on: date | None = None, firm: FirmConfig | None = None
) -> ReferenceBook:
    """Read the whole reference. ``on`` decides which mapping lines hold for masters; the database's day by default.

    ``firm`` takes the place of the configuration that holds, to see what another one would make of the same records.

    The version is read first: what changes while reading is read again by the next ``refresh``. Raises
    ConfigurationError (TIE-FIRM-001) when no firm configuration was applied.
    """
    version, today = _state(conn)
    with conn.cursor() as cur:
        cur.execute(
            """
            select record_id, type, code, fields::text, refs::text, tombstone from golden_record
             where type <> all (%s) order by record_id
            """,
            ([str(one) for one in _NOT_HERE],),
            binary=True,
        )
        records = [_stored(row) for row in cur]
        cur.execute(
            "select type, system, source_id, record_id from cross_reference where type <> all (%s)",
            ([str(one) for one in _NOT_HERE],),
            binary=True,
        )
        cross_references: list[tuple[str, str, str, int]] = cur.fetchall()  # type: ignore[assignment]  # untyped rows
        systems = cur.execute("select name, system_id from system_name").fetchall()
    return ReferenceBook(
        version=version,
        on=on or today,
        firm=firm or firm_version.current(conn),
        system_ids={str(name): int(str(number)) for name, number in systems},
        records=records,
        cross_references=cross_references,
    )


def refresh(
    conn: psycopg.Connection[tuple[object, ...]], book: ReferenceBook, *, on: date | None = None
) -> ReferenceBook:
    """The reference as it is now: ``book`` itself while nothing has changed and the day is the same."""
    version, today = _state(conn)
    if book.version == version and book.on == (on or today):
        return book
    return load(conn, on=on)


class BookCache:
    """The newest book of one process: read again only when something changed."""

    def __init__(self) -> None:
        self._book: ReferenceBook | None = None

    def get(self, conn: psycopg.Connection[tuple[object, ...]]) -> ReferenceBook:
        """The reference as it is now; costs one tiny query while nothing has changed."""
        self._book = load(conn) if self._book is None else refresh(conn, self._book)
        return self._book


def _state(conn: psycopg.Connection[tuple[object, ...]]) -> tuple[int, date]:
    row = conn.execute("select version, current_date from reference_state").fetchone()
    if row is None or not isinstance(row[0], int) or not isinstance(row[1], date):
        raise InvariantError(code="TIE-RECORD-001", message="The table reference_state has lost its only row.")
    return row[0], row[1]


def _stored(row: tuple[object, ...]) -> StoredRecord:
    record_id, record_type, code, fields, refs, tombstone = row
    return StoredRecord(record_id, record_type, code, _fields.decode(fields), _refs.decode(refs), tombstone)  # type: ignore[arg-type]  # untyped rows


def _by_system(found: Mapping[tuple[str, str], int], facts: Mapping[int, _Facts]) -> dict[str, dict[str, _Facts]]:
    result: dict[str, dict[str, _Facts]] = defaultdict(dict)
    for (system, key), record_id in found.items():
        known = facts.get(record_id)
        if known is not None:
            result[system][key] = known
    return dict(result)
