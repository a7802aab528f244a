"""How rows of Kantata become reported records: what is told, what it refers to, and what a row fails to say.

Pure; ``masters`` and ``rates`` are written with it.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from tieout.connect.json_codec import decode_strict_as
from tieout.connect.source import Translated, Unreadable
from tieout.connectors.kantata.envelope import Envelope, Keyed
from tieout.connectors.kantata.records import Id, KantataCustomFieldValue
from tieout.errors import ContractError
from tieout.model.field_mapping import CUSTOM
from tieout.model.identity import match_key
from tieout.model.reported import FieldValue, ReportedRecord

Row = TypeVar("Row")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UnmappableError(Exception):
    """A row can be read but does not say what it must; its text becomes the words of an Unreadable."""


def version_of(*changed_at: datetime | None) -> int:
    """The latest of several times of change as a version, in microseconds since 1970; 0 where none is told."""
    told_times = [one for one in changed_at if one is not None]
    return (max(told_times) - _EPOCH) // _MICROSECOND if told_times else 0


def iso_text(value: date | None) -> str | None:
    """A date as ISO text, or None."""
    return None if value is None else value.isoformat()


def told(**fields: FieldValue) -> dict[str, FieldValue]:
    """Only the fields that have a value: Kantata does not tell "empty" from "not kept here"."""
    return {name: value for name, value in fields.items() if value is not None}


def decimal_text(text: str, what: str) -> str:
    """A number of the vendor as plain decimal text; raises UnmappableError where it is none."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise UnmappableError(f"{what} is not a number: {text!r}") from error
    if not number.is_finite():
        raise UnmappableError(f"{what} is not a number: {text!r}")
    return f"{number:f}"


def references_to(**references: Id | None) -> dict[str, str]:
    """Only the references that are set, as text."""
    return {name: str(value) for name, value in references.items() if value is not None}


def guarded(what: str, row_id: str, translate: Callable[[], ReportedRecord]) -> Translated:
    """What ``translate`` returns, or an Unreadable where the row does not say what it must."""
    try:
        return translate()
    except UnmappableError as error:
        return Unreadable(problem=f"{what} {row_id}: {error}.", source_id=row_id)


def missing(what: str, row_id: str, rows: Keyed[Row]) -> Unreadable:
    """The Unreadable for a row that is listed but could not be read."""
    return Unreadable(problem=f"{what} {row_id}: {rows.problem(row_id)}.", source_id=row_id)


def required(what: str, row_id: Id, rows: Keyed[Row]) -> Row:
    """A row that another one needs; raises UnmappableError where it could not be read."""
    found = rows.rows.get(str(row_id))
    if found is None:
        raise UnmappableError(f"{what} {row_id}: {rows.problem(str(row_id))}")
    return found


def each(
    what: str,
    envelope: Envelope,
    collection: str,
    row_type: type[Row],
    translate: Callable[[Row], ReportedRecord],
) -> list[Translated]:
    """One result per listed row of ``collection``, in order."""
    rows = envelope.rows(collection, row_type)
    translated: list[Translated] = []
    for row_id in envelope.references(collection):
        row = rows.rows.get(row_id)
        if row is None:
            translated.append(missing(what, row_id, rows))
            continue
        try:
            translated.append(translate(row))
        except UnmappableError as error:
            translated.append(Unreadable(problem=f"{what} {row_id}: {error}.", source_id=row_id))
    return translated


class CustomFields:
    """The custom field values of one subject, found by name whatever its case."""

    def __init__(self, ids: Iterable[Id], values: Keyed[KantataCustomFieldValue]) -> None:
        self._values = dict[str, KantataCustomFieldValue]()
        for one in ids:
            value = required("custom field value", one, values)
            if value.custom_field_name is not None:
                self._values[match_key(value.custom_field_name)] = value

    def text(self, name: str) -> str | None:
        """The value as people see it, or None where it is not set."""
        found = self._values.get(match_key(name))
        return None if found is None or not found.display_value else found.display_value.strip() or None

    def day(self, name: str) -> str | None:
        """A date as ISO text, or None; raises UnmappableError where the value is none."""
        found = self._values.get(match_key(name))
        if found is None or bytes(found.value) == b"null":
            return None
        try:
            return decode_strict_as(bytes(found.value), date).isoformat()
        except ContractError as error:
            raise UnmappableError(f"custom field {name!r} is not a date: {error.message}") from error

    def day_after(self, name: str) -> str | None:
        """The day after a date, as ISO text; for a last day where an end is the first day after."""
        last = self.day(name)
        return None if last is None else (date.fromisoformat(last) + timedelta(days=1)).isoformat()

    def number(self, name: str) -> str | None:
        """A plain decimal as text, or None; raises UnmappableError where the value is none."""
        text = self.text(name)
        return None if text is None else decimal_text(text, f"custom field {name!r}")

    def own(self, *known: str) -> dict[str, FieldValue]:
        """What the account's other fields say, as ``custom:NAME``; one that is not set has no value to tell."""
        read = {match_key(name) for name in known}
        shown = {one.custom_field_name: self.text(key) for key, one in self._values.items() if key not in read}
        return {f"{CUSTOM}{name}": text for name, text in shown.items() if text is not None}

    def changed_at(self) -> list[datetime]:
        """When the values were changed."""
        return [one.updated_at for one in self._values.values()]
