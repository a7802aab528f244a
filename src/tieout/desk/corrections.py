"""Corrections that a person puts beside a stored message: another value of a field, the message untouched.

Whoever translates stored messages again (``inbound``, ``reconciliation``) asks here for the corrections of a message
and lays them over what its translator said, so that every reading of it is the same. A newer version of the entry comes
in a message of its own, which has none: the source is right again by itself.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias, TypeVar

import msgspec
from psycopg import Cursor

from tieout.errors import ConfigurationError
from tieout.model.reported import ReportedTime

Corrections: TypeAlias = Mapping[int, Mapping[int, Mapping[str, str]]]
"""Corrected values as text, by message, by item number, by field."""

NONE: Final[Mapping[int, Mapping[str, str]]] = {}
"""What a message has whose items nobody corrected."""

FIELDS: Final = ("person", "project", "task", "role", "work_date", "hours", "billable", "work_type", "narrative")
"""Fields of a time entry that can be corrected, as ``model.reported.ReportedTime`` names them."""

WITHOUT_MONEY: Final = frozenset({"narrative"})
"""Fields that decide neither whose an entry is nor what it is worth: one person is enough for them."""

_EMPTY_IS_NONE: Final = frozenset({"task", "role"})
_MAY_BE_EMPTY: Final = _EMPTY_IS_NONE | WITHOUT_MONEY
_TEXT_LIMIT: Final = 2_000
_HOURS_BELOW: Final = 100_000
_HOURS_DECIMALS: Final = 4
_Item = TypeVar("_Item")


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """Another value of a field as text, and what the item says there by now."""

    field: str
    value: str
    was: str


def load(cur: Cursor[tuple[object, ...]], message_ids: Sequence[int] | None = None) -> Corrections:
    """The corrections of ``message_ids`` that hold (None: of all messages); messages without any are left out."""
    cur.execute(
        """
        select distinct on (message_id, item_no, field) message_id, item_no, field, value from message_correction
         where %(ids)s::bigint[] is null or message_id = any(%(ids)s)
         order by message_id, item_no, field, correction_id desc
        """,
        {"ids": None if message_ids is None else list(message_ids)},
        binary=False,
    )
    found: dict[int, dict[int, dict[str, str]]] = {}
    for message_id, item_no, field, value in cur.fetchall():
        own = found.setdefault(int(str(message_id)), {}).setdefault(int(str(item_no)), {})
        own[str(field)] = str(value)
    return found


def apply(items: Sequence[_Item], corrections: Mapping[int, Mapping[str, str]]) -> Sequence[_Item]:
    """``items`` of one message with its ``corrections`` (by item number) laid over them."""
    if not corrections:
        return items
    return [_corrected(item, corrections.get(number)) for number, item in enumerate(items)]


def _corrected(item: _Item, values: Mapping[str, str] | None) -> _Item:
    if not values or not isinstance(item, ReportedTime):
        return item
    return msgspec.structs.replace(item, **{field: value_of(field, text) for field, text in values.items()})


def value_of(field: str, text: str) -> str | bool | date | Decimal | None:
    """The value of ``field`` that ``text`` names; raises ConfigurationError (TIE-DESK-007) for what it cannot be."""
    try:
        return _value(field, text)
    except (ValueError, InvalidOperation) as error:
        raise ConfigurationError(code="TIE-DESK-007", message=f"{field} cannot be {text!r}: {error}.") from error


def _value(field: str, text: str) -> str | bool | date | Decimal | None:
    if field not in FIELDS:
        raise ValueError(f"only {', '.join(FIELDS)} can be corrected")
    if not text and field not in _MAY_BE_EMPTY:
        raise ValueError("it must not be empty")
    if field == "work_date":
        return date.fromisoformat(text)
    if field == "hours":
        return _hours(text)
    if field == "billable":
        if text not in {"true", "false"}:
            raise ValueError("it is true or false")
        return text == "true"
    if len(text) > _TEXT_LIMIT or not text.isprintable():
        raise ValueError(f"a text has at most {_TEXT_LIMIT} printable characters")
    return None if field in _EMPTY_IS_NONE and not text else text


def _hours(text: str) -> Decimal:
    hours = Decimal(text)
    exponent = hours.as_tuple().exponent
    if not isinstance(exponent, int) or abs(hours) >= _HOURS_BELOW or exponent < -_HOURS_DECIMALS:
        raise ValueError(f"it is a number below {_HOURS_BELOW} with at most {_HOURS_DECIMALS} decimals")
    return hours


def text_of(item: ReportedTime, field: str) -> str:
    """The value of ``field`` as text, as it is written in a correction; empty for none."""
    value = getattr(item, field)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def store(  # noqa: PLR0913 - one of each thing that a correction names
    cur: Cursor[tuple[object, ...]],
    corrections: Sequence[Correction],
    *,
    place: tuple[int, int],
    item_id: int,
    proposal_id: int | None,
    actor: str,
    now: datetime,
) -> None:
    """Put ``corrections`` beside item ``place`` (message, item number); they hold from the commit on."""
    cur.executemany(
        """
        insert into message_correction (message_id, item_no, field, value, was, item_id, proposal_id, actor,
                                        corrected_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [(*place, one.field, one.value, one.was, item_id, proposal_id, actor, now) for one in corrections],
    )
