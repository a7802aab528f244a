"""How a reported record finds its golden record: the business codes that are equal in all systems. Pure.

A record is known again by its cross-reference; a code decides only for a key that was never seen. Names are never used
to merge people, projects or clients: a code or an e-mail address is.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from tieout.model.reported import FieldValue, RecordType
from tieout.records.mapping import ANY, LEGAL_ENTITIES, ROLES, MappingTables

MERGED_BY_MAPPING: Final = frozenset({RecordType.LEGAL_ENTITY, RecordType.ROLE})
"""Types of which several records of one system may be one golden record, because the firm's mapping says so."""


def business_code(
    record_type: str,
    *,
    system: str,
    source_id: str,
    fields: Mapping[str, FieldValue],
    mappings: MappingTables,
    on: date,
) -> str | None:
    """The code under which all systems mean the same record; None where there is none, or no mapping of it yet.

    Client and project: their code. Person: the e-mail address without regard to case. Role: what ``mappings/roles.csv``
    makes of its name, else the name. Legal entity: what ``mappings/legal_entities.csv`` makes of its key, code or name.
    """
    if record_type in {RecordType.CLIENT, RecordType.PROJECT}:
        return _text(fields.get("code"))
    if record_type == RecordType.RESOURCE:
        email = _text(fields.get("email"))
        return None if email is None else email.casefold()
    if record_type == RecordType.ROLE:
        name = _text(fields.get("name"))
        return None if name is None else mappings.map_value(ROLES, system, ANY, name, on) or name
    if record_type == RecordType.LEGAL_ENTITY:
        words = (source_id, _text(fields.get("code")), _text(fields.get("name")))
        mapped = (mappings.map_value(LEGAL_ENTITIES, system, ANY, word, on) for word in words if word is not None)
        return next((code for code in mapped if code is not None), None)
    return None


def _text(value: FieldValue) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
