"""What the items of a system say in canonical words, by rules. Pure.

An item that a rule does not fit is Unreadable, and the rest of its page goes on. A deleted item is a tombstone; what it
still tells is kept, what it does not is left out.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.by_rule.rule import (
    ASSIGNMENT,
    FACTS,
    TIME,
    TIME_OFF,
    Deleted,
    Fields,
    ItemRules,
    Version,
)
from tieout.connect.by_rule.values import (
    Absent,
    Canonical,
    UnfitError,
    at,
    canonical,
    key_text,
    read_instant,
    text,
    whole,
)
from tieout.connect.json_codec import JsonValue
from tieout.connect.source import Readable, Translated, Unreadable
from tieout.model.reported import RecordType, ReportedRecord, ReportedTime
from tieout.model.working_time import has_hour_decimals

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ONLY_VERSION: Final = 1
"""Of items without a version; what they say counts whenever it is another."""

_DELETED: Final = "deleted"


def key_of(row: JsonValue, part: ItemRules) -> tuple[str, int | None]:
    """Id and version of an item; an id that cannot be read is empty, a version None."""
    try:
        source_id = text("id", part.id, row, row)
    except UnfitError:
        source_id = ""
    try:
        return source_id, _version(row, part.version)
    except UnfitError:
        return source_id, None


def translated(row: JsonValue, part: ItemRules) -> Translated:
    """What one item says, or why it cannot be understood."""
    source_id: str | None = None
    try:
        source_id = text("id", part.id, row, row)
        return _fact(row, part, source_id) if part.kind in FACTS else _record(row, part, source_id)
    except UnfitError as error:
        return Unreadable(problem=f"{part.object} {source_id or '?'}: {error}.", source_id=source_id)


def _version(row: JsonValue, version: Version | None) -> int:
    if version is None:
        return _ONLY_VERSION
    found = at(version.path, row, row)
    if version.format == "integer":
        number = whole("version", found)
    else:
        number = (read_instant("version", found, version.format) - _EPOCH) // _MICROSECOND
    if number <= 0:
        raise UnfitError(f"version {number} is not above zero")
    return number


def _is_deleted(row: JsonValue, deleted: Deleted | None) -> bool:
    if deleted is None:
        return False
    if deleted.always:
        return True
    found = at(deleted.path or "", row, row)
    if isinstance(found, Absent):
        if deleted.equals:
            raise UnfitError(f"{deleted.path} is missing, which tells whether it is deleted")
        return False
    if deleted.equals:
        return any(found == one and isinstance(found, bool) == isinstance(one, bool) for one in deleted.equals)
    if isinstance(found, dict | list):
        raise UnfitError(f"{deleted.path} is no single value, so it does not tell whether it is deleted")
    return bool(found)


def _record(row: JsonValue, part: ItemRules, source_id: str) -> ReportedRecord:
    is_deleted = _is_deleted(row, part.deleted)
    fields = _values(part.fields, row, is_deleted=is_deleted)
    references = _values(part.references, row, is_deleted=is_deleted)
    return ReportedRecord(
        type=RecordType(part.kind),
        source_id=source_id,
        version=_version(row, part.version),
        fields={name: f"{one:f}" if isinstance(one, Decimal) else one for name, one in fields.items()},
        references={name: key_text(name, one) for name, one in references.items() if one is not None},
        deleted=is_deleted,
    )


def _values(rules: Fields, row: JsonValue, *, is_deleted: bool) -> dict[str, Canonical]:
    """The values that an item tells; what a deleted item does not tell any more is left out."""
    values: dict[str, Canonical] = {}
    for name, rule in rules.items():
        try:
            found = canonical(name, rule, row, row)
        except UnfitError:
            if is_deleted:
                continue
            raise
        if not isinstance(found, Absent):
            values[name] = found
    return values


_KEYS: Final[Mapping[str, frozenset[str]]] = {
    TIME: frozenset({"person", "project", "task", "role", "approved_by", "replaces"}),
    ASSIGNMENT: frozenset({"person", "project", "task", "role"}),
    TIME_OFF: frozenset({"person"}),
}
"""Fields of facts that are keys of other records: a number is as good as a text."""


def _fact(row: JsonValue, part: ItemRules, source_id: str) -> Readable:
    is_deleted = _is_deleted(row, part.deleted)
    version = _version(row, part.version)
    told = {name: one for name, one in _values(part.fields, row, is_deleted=is_deleted).items() if one is not None}
    keys = {name: key_text(name, told[name]) for name in _KEYS[part.kind] & told.keys()}
    gone = {**_blank(part, version), **told, **keys, "state": _DELETED} if is_deleted else {}
    try:
        fact: Readable = msgspec.convert(
            {**told, **keys, **gone, "source_id": source_id, "version": version}, FACTS[part.kind]
        )
    except msgspec.ValidationError as error:
        raise UnfitError(str(error)) from error
    if isinstance(fact, ReportedTime) and not has_hour_decimals(fact.hours):
        raise UnfitError(f"{fact.hours} hours have more than four decimals")
    return fact


def _blank(part: ItemRules, version: int) -> dict[str, Canonical]:
    """What a tombstone says where the item is gone: its id, version and state are what counts."""
    is_instant = part.version is not None and part.version.format != "integer"
    day = (_EPOCH + timedelta(microseconds=version)).date() if is_instant else date(1970, 1, 1)
    following = (day + timedelta(days=1)).isoformat()
    blanks: dict[str, dict[str, Canonical]] = {
        TIME: {"person": "", "project": "", "work_date": day.isoformat(), "hours": Decimal(0), "billable": False},
        ASSIGNMENT: {"project": "", "starts": day.isoformat(), "ends": following, "hours_per_day": Decimal(0)},
        TIME_OFF: {"person": "", "starts": day.isoformat(), "ends": following},
    }
    return blanks[part.kind]
