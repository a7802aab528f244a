"""How values of BambooHR are read: empty and restricted ones, dates, decimals, versions; and the frame of answers.

Pure; ``people`` and ``absence`` are written with it.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from tieout.connect.json_codec import JsonValue
from tieout.connect.source import Translated, Unreadable
from tieout.connectors.bamboohr.records import Number
from tieout.errors import ContractError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NO_DATE: Final = "0000-00-00"


class UnmappableError(Exception):
    """An item can be read but does not say what it must; its text becomes the words of an Unreadable."""


def unreadable_answer(why: str) -> ContractError:
    """The error for an answer that cannot be read as a whole."""
    return ContractError(code="TIE-BAMBOOHR-001", message=f"An answer of BambooHR cannot be read: {why}.")


def rows_of(answer: JsonValue) -> list[JsonValue]:
    """The rows of an answer that has them in ``data``; raises ContractError where it has none."""
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise unreadable_answer("it has no list 'data'")
    return rows


def changes_of(answer: JsonValue) -> dict[str, JsonValue]:
    """The changes of an answer, by employee; an empty list stands for none, as PHP writes an empty map."""
    employees = answer.get("employees") if isinstance(answer, dict) else None
    if employees == []:
        return {}
    if not isinstance(employees, dict):
        raise unreadable_answer("it has no map 'employees'")
    return employees


def version_of(changed_at: datetime) -> int:
    """An instant as a version: microseconds since 1970."""
    return (changed_at - _EPOCH) // _MICROSECOND


def text_of(value: str | None) -> str | None:
    """A text, or None where it is empty."""
    return value.strip() or None if value is not None else None


def day_of(name: str, value: str | None) -> date | None:
    """A date, or None where it is empty (``0000-00-00`` included); raises UnmappableError where it is none."""
    text = text_of(value)
    if text is None or text == _NO_DATE:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UnmappableError(f"{name} is no date: {text!r}") from error


def decimal_of(name: str, value: Number) -> Decimal | None:
    """A number from zero on, or None where it is empty; raises UnmappableError where it is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise UnmappableError(f"{name} is neither a number nor a text")
    text = text_of(str(value))
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise UnmappableError(f"{name} is no number: {text!r}") from error
    if not number.is_finite() or number < 0:
        raise UnmappableError(f"{name} is below zero or no number: {text!r}")
    return number


def guarded(what: str, source_id: str | None, translate: Callable[[], Translated]) -> Translated:
    """What ``translate`` returns, or an Unreadable where the item is not of its shape or does not say what it must."""
    try:
        return translate()
    except UnmappableError as error:
        return Unreadable(problem=f"{what} {source_id or '?'}: {error}.", source_id=source_id)
    except ContractError as error:
        return Unreadable(problem=f"{what} {source_id or '?'}: {error.message}", source_id=source_id)


def id_of(row: JsonValue, name: str = "id") -> str | None:
    """The id in a row that may not be readable otherwise."""
    found = row.get(name) if isinstance(row, dict) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None
