"""Field mappings of ``systems/NAME.toml`` and financial controls of ``ownership.toml``, checked against each other.

``directory`` reads the files; what is wrong is told as its other mistakes are. Neighbours: ``model.field_mapping`` says
what a mapping may be, ``governance.financial_control`` what no mapping may do.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tieout.connect.connector import connector_for, installed_connectors
from tieout.governance.financial_control import CONTROLLED_FIELDS, contradictions, is_home
from tieout.model.command import (
    UpsertContract,
    UpsertCustomer,
    UpsertProject,
    UpsertTask,
)
from tieout.model.field_mapping import CUSTOM, JOURNAL, FilledField, transform_problems
from tieout.model.firm import FinancialControl, FirmConfig, SystemConfig
from tieout.model.reported import RecordType
from tieout.records.field_filling import ENTITY_CODE
from tieout.runtime.firm.problems import FirmProblem

_SOURCES: Final = {
    JOURNAL: ("project", "client"),
    str(UpsertCustomer.__struct_config__.tag): ("client",),
    str(UpsertContract.__struct_config__.tag): ("contract", "client", "deal"),
    str(UpsertProject.__struct_config__.tag): ("project", "client", "contract", "deal"),
    str(UpsertTask.__struct_config__.tag): ("project", "client", "contract", "deal"),
}
"""The commands with fields that can be filled, and what each can be filled from."""


def field_problems(config: FirmConfig) -> list[FirmProblem]:
    """What in field mappings and controls cannot be meant."""
    found = [
        FirmProblem(file="ownership.toml", message=f"{one}.", next_step="Let one system decide.")
        for one in contradictions(config)
    ]
    for system in config.systems:
        file = f"systems/{system.name}.toml"
        for words, step in (*_kept(system), *_filled(config, system)):
            found.append(FirmProblem(file=file, message=f"{words}.", next_step=step))
    return found


def _kept(system: SystemConfig) -> Iterator[tuple[str, str]]:
    known = set(RecordType)
    for one in system.custom_fields:
        name = f"custom_field {one.field!r} of {one.object}"
        if one.object not in known:
            yield f"{name}: there is no such object", f"Use one of {', '.join(sorted(known))}."
        if not one.name.isidentifier() or one.field.startswith(CUSTOM):
            yield f"{name} cannot be kept as {one.name!r}", "Use a name of letters, digits and underscores."
        for wrong in transform_problems(one.transform, tables=False):
            yield f"{name}: {wrong}", "Correct the transform."
    names = Counter((one.object, one.name) for one in system.custom_fields)
    for (record_type, kept), count in names.items():
        if count > 1:
            yield f"Two custom fields of {record_type} are kept as {kept}", "Keep one of them."


def _filled(config: FirmConfig, system: SystemConfig) -> Iterator[tuple[str, str]]:
    for one in system.fields:
        name = f"field {one.field!r} of {one.command}"
        if one.command not in _SOURCES:
            yield f"{name}: that command has no fields to fill", f"Use one of {', '.join(_SOURCES)}."
            continue
        if not (system.posts_for if one.command == JOURNAL else one.command in system.takes):
            yield f"{name}: {system.name} is not sent that", "Add it to takes, or legal entities to posts_for."
        yield from _source_problems(name, one)
        yield from _transform_problems(config, name, one)
        if one.entity is not None and config.policy(one.entity) is None:
            yield f"{name} is for {one.entity}, which has no policy", f"Add policies/{one.entity}.toml."
        control = _control_of(system, one)
        if control is not None and is_home(config, control, system.name, one.entity):
            yield (
                f"{name} would decide the {control} control, whose home is {system.name} itself",
                "Remove the mapping: the hub enacts no system's financial control.",
            )
    twice = Counter((one.command, one.field, one.entity) for one in system.fields)
    for (command, field, entity), count in twice.items():
        if count > 1:
            yield f"field {field!r} of {command} is filled twice for {entity or 'all'}", "Remove one of them."


def _transform_problems(config: FirmConfig, name: str, one: FilledField) -> Iterator[tuple[str, str]]:
    known = {line.table for line in config.mappings}
    for wrong in transform_problems(one.transform, tables=True):
        yield f"{name}: {wrong}", "Correct the transform."
    for table in one.tables:
        if table and table not in known:
            yield f"{name} asks mapping table {table}, which has no line", f"Add mappings/{table}.csv."


def _source_problems(name: str, one: FilledField) -> Iterator[tuple[str, str]]:
    if (one.source is None) == (one.constant is None):
        yield f"{name} needs either from or constant", "State one of the two."
        return
    if one.source is None or one.source == ENTITY_CODE:
        return
    origin, _, field = one.source.partition(".")
    if origin not in _SOURCES[one.command] or not field:
        known = ", ".join(f"{each}.NAME" for each in _SOURCES[one.command])
        yield f"{name} is filled from {one.source!r}", f"Use {known} or {ENTITY_CODE}."


def _control_of(system: SystemConfig, one: FilledField) -> FinancialControl | None:
    """The control that a filled field would speak in: by where the value comes from, or by the vendor's own field."""
    told = CONTROLLED_FIELDS.get(one.source or "")
    if told is not None or system.connector not in installed_connectors():
        return told
    deciding = connector_for(system.connector, system.settings).manifest.control_fields
    return next((FinancialControl(name) for name, fields in deciding.items() if one.field in fields), None)
