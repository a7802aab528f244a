"""Golden records as stored, turned into the facts that rules use: references resolved, text typed. Pure.

``reference_book`` reads the rows and keeps what is made here. References are kept by golden records in the words of the
system that owns them (system and its key) and resolved here, so that a record or mapping that comes later heals them.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from tieout.errors import ContractError
from tieout.model.firm import FirmConfig
from tieout.model.money import exponent, numeric_code
from tieout.model.period import AccountingPeriod, PeriodState
from tieout.model.reported import FieldValue, RecordType
from tieout.records.facts import (
    ClientFacts,
    EntityFacts,
    ProjectFacts,
    RateCardFacts,
    ResourceFacts,
    RoleFacts,
    TaskFacts,
)
from tieout.records.field_filling import told
from tieout.records.mapping import ANY, CLIENTS, LEGAL_ENTITIES, MappingTables

MERGED_INTO: Final = "merged_into"
"""The reference of a tombstone to the record that it was merged into, by one of that record's keys."""


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A golden record as its row has it. ``refs`` maps a reference to the system and its key of the other record."""

    record_id: int
    type: str
    code: str | None
    fields: dict[str, FieldValue]
    refs: dict[str, tuple[str, str] | None]
    tombstone: bool


class Resolver:
    """Finds the record that a system's key means."""

    def __init__(
        self,
        *,
        cross_references: Mapping[str, Mapping[tuple[str, str], int]],
        codes: Mapping[tuple[str, str], int],
        mappings: MappingTables,
        on: date,
    ) -> None:
        """``cross_references``: type to (system, key) to record id; ``codes``: (type, code) to record id."""
        self._cross_references = cross_references
        self._codes = codes
        self._code_by_id = {found: code for (kind, code), found in codes.items() if kind == RecordType.CLIENT}
        self._mappings = mappings
        self._on = on

    def record(self, record_type: str, ref: tuple[str, str] | None) -> int | None:
        """The id of the record of ``record_type`` that a system knows by a key; None while it is not known."""
        if ref is None:
            return None
        if record_type == RecordType.LEGAL_ENTITY:
            return self.entity(ref)
        found = self._cross_references.get(record_type, {}).get(ref)
        return self._client(ref, found) if record_type == RecordType.CLIENT else found

    def _client(self, ref: tuple[str, str], found: int | None) -> int | None:
        """The customer by the firm's alias of the key, or of the code of what is known by it; else what is known."""
        system, key = ref
        words = (key,) if found is None else (key, self._code_by_id.get(found, key))
        mapped = (self._mappings.map_value(CLIENTS, system, ANY, word, self._on) for word in words)
        code = next((one for one in mapped if one is not None), None)
        return found if code is None else self.by_code(RecordType.CLIENT, code)

    def by_code(self, record_type: str, code: str) -> int | None:
        """The id of the record of ``record_type`` whose business code is ``code``; None while there is none."""
        return self._codes.get((record_type, code))

    def known_to(self, system: str, record_type: str, record_id: int) -> bool:
        """Whether ``system`` has reported the record under a key of its own."""
        keys = self._cross_references.get(record_type, {})
        return any(key[0] == system and known == record_id for key, known in keys.items())

    def entity(self, ref: tuple[str, str]) -> int | None:
        """A legal entity: by the firm's mapping of the system's word, else by the key that its own record has."""
        system, word = ref
        code = self._mappings.map_value(LEGAL_ENTITIES, system, ANY, word, self._on)
        if code is not None:
            return self._codes.get((RecordType.LEGAL_ENTITY, code))
        return self._cross_references.get(RecordType.LEGAL_ENTITY, {}).get(ref)


def entity_facts(record: StoredRecord, firm: FirmConfig) -> EntityFacts | None:
    """A legal entity that has a code and a functional currency; None otherwise."""
    if record.code is None or record.tombstone:
        return None
    policy = firm.policy(record.code)
    currency = _currency(record.fields.get("functional_currency")) or (policy.functional_currency if policy else None)
    if currency is None:
        return None
    poster = firm.poster_of(record.code)
    return EntityFacts(
        record_id=record.record_id,
        code=record.code,
        name=_text(record.fields.get("name")) or record.code,
        functional_currency=currency,
        functional_number=numeric_code(currency),
        country=_text(record.fields.get("country")),
        time_zone=_text(record.fields.get("time_zone")),
        policy=policy,
        poster=None if poster is None else poster.name,
    )


def client_facts(
    record: StoredRecord,
    resolver: Resolver,
    entities: Mapping[int, EntityFacts],
    wanted: frozenset[str] = frozenset(),
) -> ClientFacts:
    """A client with the legal entity that bills it resolved as far as it is known, and its ``wanted`` fields."""
    return ClientFacts(
        record_id=record.record_id,
        code=record.code,
        name=_name(record),
        currency=_currency(record.fields.get("currency")),
        tax_id=_text(record.fields.get("tax_id")),
        country=_text(record.fields.get("country")),
        entity=_entity(record.refs.get("legal_entity"), resolver, entities),
        told=told(record.fields, record.code, wanted),
        deleted=record.tombstone,
    )


def project_facts(
    record: StoredRecord,
    resolver: Resolver,
    entities: Mapping[int, EntityFacts],
    wanted: frozenset[str] = frozenset(),
) -> ProjectFacts:
    """A project with client, legal entity and rate card resolved as far as they are known, and ``wanted`` fields."""
    said = record.refs.get("legal_entity")
    currency = _currency(record.fields.get("currency"))
    return ProjectFacts(
        record_id=record.record_id,
        code=record.code,
        name=_name(record),
        status=_text(record.fields.get("status")),
        entity=_entity(said, resolver, entities),
        entity_said=None if said is None else said[1],
        client_id=resolver.record(RecordType.CLIENT, record.refs.get("client")),
        currency=currency,
        currency_number=0 if currency is None else numeric_code(currency),
        rate_card_id=resolver.record(RecordType.RATE_CARD, record.refs.get("rate_card")),
        starts=_date(record.fields.get("starts")),
        ends=_date(record.fields.get("ends")),
        service_line=_text(record.fields.get("service_line")),
        told=told(record.fields, record.code, wanted),
        deleted=record.tombstone,
    )


def task_facts(record: StoredRecord, resolver: Resolver) -> TaskFacts:
    """A task of a project."""
    return TaskFacts(
        record_id=record.record_id,
        name=_name(record),
        project_id=resolver.record(RecordType.PROJECT, record.refs.get("project")),
        parent_id=resolver.record(RecordType.TASK, record.refs.get("parent")),
        open_for_time=_flag(record.fields.get("open_for_time")),
        billable=_flag(record.fields.get("billable")),
        deleted=record.tombstone,
    )


def role_facts(record: StoredRecord) -> RoleFacts:
    """A role."""
    return RoleFacts(record_id=record.record_id, code=record.code, name=_name(record), deleted=record.tombstone)


def resource_facts(record: StoredRecord, resolver: Resolver, entities: Mapping[int, EntityFacts]) -> ResourceFacts:
    """A person with the employing legal entity resolved as far as it is known."""
    said = record.refs.get("legal_entity")
    return ResourceFacts(
        record_id=record.record_id,
        name=_name(record),
        email=_text(record.fields.get("email")),
        kind=_text(record.fields.get("kind")),
        grade=_text(record.fields.get("grade")),
        employment_type=_text(record.fields.get("employment_type")),
        entity=_entity(said, resolver, entities),
        entity_said=None if said is None else said[1],
        role_id=resolver.record(RecordType.ROLE, record.refs.get("role")),
        employment_from=_date(record.fields.get("employment_from")),
        employment_to=_date(record.fields.get("employment_to")),
        deleted=record.tombstone,
    )


def rate_card_facts(record: StoredRecord) -> RateCardFacts:
    """A rate card; its code is what its system calls it, since cards of two systems are never one by that alone."""
    return RateCardFacts(
        record_id=record.record_id,
        code=record.code or _text(record.fields.get("code")),
        name=_name(record),
        currency=_currency(record.fields.get("currency")),
        deleted=record.tombstone,
    )


def accounting_period(
    record: StoredRecord, resolver: Resolver, entities: Mapping[int, EntityFacts]
) -> AccountingPeriod | None:
    """A period of a known legal entity; None while something of it is not told (its system does not own periods)."""
    entity = _entity(record.refs.get("legal_entity"), resolver, entities)
    starts, ends = _date(record.fields.get("starts")), _date(record.fields.get("ends"))
    state = _text(record.fields.get("state"))
    if record.tombstone or entity is None or starts is None or ends is None or state not in set(PeriodState):
        return None
    try:
        return AccountingPeriod(
            entity=entity.code,
            code=_text(record.fields.get("code")) or starts.isoformat(),
            starts=starts,
            ends=ends,
            state=PeriodState(state),
        )
    except ContractError:
        return None


def _entity(
    said: tuple[str, str] | None, resolver: Resolver, entities: Mapping[int, EntityFacts]
) -> EntityFacts | None:
    record_id = None if said is None else resolver.entity(said)
    return None if record_id is None else entities.get(record_id)


def _name(record: StoredRecord) -> str:
    return _text(record.fields.get("name")) or record.code or f"{record.type} {record.record_id}"


def _text(value: FieldValue) -> str | None:
    return value if isinstance(value, str) and value else None


def _flag(value: FieldValue) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: FieldValue) -> date | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _currency(value: FieldValue) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        exponent(value)
    except ContractError:
        return None
    return value
