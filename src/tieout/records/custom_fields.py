"""The fields of a vendor's account that are not the vendor's own: kept under canonical names where the firm says so.

Pure. What a system reports is stored whole; ``golden_record`` merges what is kept, so that a field that is configured
later is there at once. Neighbour: ``model.field_mapping``.
"""

from collections.abc import Mapping
from typing import TypeAlias

from tieout.model.field_mapping import CUSTOM, CustomField, transformed
from tieout.model.firm import FirmConfig
from tieout.model.reported import FieldValue

KeptFields: TypeAlias = Mapping[tuple[str, str], tuple[CustomField, ...]]
"""By system and type of record."""


def kept_of(firm: FirmConfig) -> KeptFields:
    """The custom fields that the firm keeps."""
    found: dict[tuple[str, str], tuple[CustomField, ...]] = {}
    for system in firm.systems:
        for one in system.custom_fields:
            key = (system.name, one.object)
            found[key] = (*found.get(key, ()), one)
    return found


def keep(fields: Mapping[str, FieldValue], system: str, record_type: str, kept: KeptFields) -> dict[str, FieldValue]:
    """``fields`` as they are merged: without the account's own but those that are kept, by their canonical names.

    A field that the system tells to be empty is told to be empty. One that its system does not tell is not told.
    """
    found = {name: value for name, value in fields.items() if not name.startswith(CUSTOM)}
    for one in kept.get((system, record_type), ()):
        said = f"{CUSTOM}{one.field}"
        if said in fields:
            value = fields[said]
            found[one.name] = transformed(None if value is None else _text(value), one.transform, _no_table)
    return found


def _text(value: FieldValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _no_table(_table: str, _word: str) -> None:
    """Mapping tables are not asked here: ``tieout check`` refuses such a transform."""
