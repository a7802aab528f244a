"""Fills the fields of a target by the firm's field mappings, from what is known of project, client and the rest.

Pure. ``streams`` fills commands and journal lines with it, ``inbound`` asks before it accepts whether a required
dimension will have a value. Neighbours: ``model.field_mapping`` has the mappings, ``reference_book`` the facts.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import msgspec

from tieout.model.field_mapping import JOURNAL, FilledField, transformed
from tieout.model.firm import FirmConfig, SystemConfig
from tieout.model.reported import FieldValue
from tieout.records.facts import ClientFacts, ProjectFacts
from tieout.records.mapping import MappingTables

ENTITY_CODE: Final = "entity.code"


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """The values by the target's own names, and the required fields that have none."""

    values: dict[str, str]
    missing: tuple[FilledField, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """For whom and when fields are filled: mapping tables answer by system, legal entity and day."""

    system: SystemConfig
    entity: str
    on: date


def fill(command: str, asked: Asked, known: Mapping[str, str], mappings: MappingTables) -> Filled:
    """The fields that ``asked.system`` has filled of what ``command`` writes; ``known`` is by ``project.NAME`` etc."""

    def look_up(table: str, word: str) -> str | None:
        return mappings.map_value(table, asked.system.name, asked.entity, word, asked.on)

    values: dict[str, str] = {}
    missing: list[FilledField] = []
    for one in asked.system.fields:
        if one.command != command or one.entity not in {None, asked.entity}:
            continue
        raw = one.constant if one.source is None else known.get(one.source)
        value = transformed(raw, one.transform, look_up)
        if value is not None:
            values[one.field] = value
        elif one.required:
            missing.append(one)
    return Filled(values=values, missing=tuple(missing))


def fill_dimensions(asked: Asked, project: ProjectFacts, client: ClientFacts | None, mappings: MappingTables) -> Filled:
    """The dimensions of the journal lines of a project."""
    if not asked.system.fields:
        return Filled(values={})
    return fill(
        JOURNAL,
        asked,
        known_of(asked.entity, project=project.told, client=None if client is None else client.told),
        mappings,
    )


def known_of(entity: str, **told: Mapping[str, str] | None) -> dict[str, str]:
    """What ``fill`` may ask for: fields of each object by ``object.field``, and the legal entity."""
    known = {f"{name}.{field}": value for name, fields in told.items() for field, value in (fields or {}).items()}
    return {**known, ENTITY_CODE: entity}


def wanted_fields(firm: FirmConfig) -> dict[str, frozenset[str]]:
    """By object (project, client, contract, deal): the fields that some mapping of the firm asks for."""
    wanted: dict[str, set[str]] = {}
    for system in firm.systems:
        for one in system.fields:
            name, _, field = (one.source or "").partition(".")
            if field and name != "entity":
                wanted.setdefault(name, set()).add(field)
    return {name: frozenset(fields) for name, fields in wanted.items()}


def told(fields: Mapping[str, FieldValue], code: str | None, wanted: Iterable[str]) -> dict[str, str]:
    """Those of a record's ``fields`` that are wanted and have a value, as text."""
    every = fields if code is None else {**fields, "code": code}
    return {name: _text(value) for name in wanted if (value := every.get(name)) not in {None, ""}}


def _text(value: FieldValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
