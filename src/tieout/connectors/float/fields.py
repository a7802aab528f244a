"""How rows of Float become what is reported: items of a page, versions, days, and what a row fails to say.

Pure; ``mapping`` and ``masters`` are written with it. Nothing is coerced: an item that does not say what it must is
Unreadable, and the rest of its page goes on.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from tieout.connect.json_codec import JsonValue, decode_strict, shape_strict
from tieout.connect.source import Translated, Unreadable
from tieout.connectors.float.paging import INSTANT
from tieout.errors import ContractError
from tieout.model.working_time import has_hour_decimals

Row = TypeVar("Row")

UNCHANGING = 1
"""The version of what Float keeps no time of change of: its content can change under it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UnmappableError(Exception):
    """A row can be read but does not say what it must; its text becomes the words of an Unreadable."""


def rows_of(payload: bytes) -> list[JsonValue]:
    """The items of a page; raises ContractError where it is no list."""
    value = decode_strict(payload)
    if not isinstance(value, list):
        raise ContractError(code="TIE-FLOAT-001", message="An answer of Float cannot be read: it is no list.")
    return value


def read_row(
    what: str, value: JsonValue, id_member: str, row_type: type[Row], translate: Callable[[Row], Iterable[Translated]]
) -> list[Translated]:
    """What one row says, or one Unreadable where it does not say what it must."""
    key = value.get(id_member) if isinstance(value, dict) else None
    source_id = str(key) if isinstance(key, int) and not isinstance(key, bool) else None
    try:
        return list(translate(shape_strict(value, row_type)))
    except ContractError as error:
        problem = error.message
    except UnmappableError as error:
        problem = f"{error}."
    return [Unreadable(problem=f"{what} {source_id or 'without id'}: {problem}", source_id=source_id)]


def version_of(modified: str | None, created: str | None) -> int:
    """When a row last changed as a version, in microseconds since 1970 as if Float told UTC.

    Raises UnmappableError where it tells neither.
    """
    told = modified or created
    if told is None:
        raise UnmappableError("it tells neither when it was made nor when it changed")
    try:
        at = datetime.strptime(told, INSTANT).replace(tzinfo=UTC)
    except ValueError as error:
        raise UnmappableError(f"{told!r} is no instant") from error
    return (at - _EPOCH) // _MICROSECOND


def version_or_unchanging(modified: str | None, created: str | None) -> int:
    """As ``version_of``, and ``UNCHANGING`` where a row tells no time."""
    return UNCHANGING if modified is None and created is None else version_of(modified, created)


def day_after(day: date) -> date:
    """The first day after a span that ``day`` is the last one of; raises UnmappableError where there is none."""
    try:
        return day + timedelta(days=1)
    except OverflowError as error:
        raise UnmappableError(f"there is no day after {day}") from error


def iso_text(day: date | None) -> str | None:
    """A day as ISO text, or None."""
    return None if day is None else day.isoformat()


def iso_day_after(day: date | None) -> str | None:
    """The day after as ISO text, or None."""
    return None if day is None else day_after(day).isoformat()


def hours_of(hours: Decimal) -> Decimal:
    """Hours that can be kept; raises UnmappableError for others."""
    if not has_hour_decimals(hours) or hours < 0:
        raise UnmappableError(f"{hours} hours are impossible")
    return hours


def references_to(**references: int | None) -> dict[str, str]:
    """Only the references that are set, as text."""
    return {name: str(value) for name, value in references.items() if value}


def phase_key(phase_id: int) -> str:
    """The source id of a phase: phases and project tasks are counted apart."""
    return f"phase-{phase_id}"
