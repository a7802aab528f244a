"""Reading from a system: pages of raw payload, and their translation into canonical words.

``Source`` does I/O and knows the vendor's protocol; ``Translator`` is pure and knows the vendor's types. ``inbound``
stores a page as it was received and translates it later, so that translation can always be repeated.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeAlias

import msgspec

from tieout.model.reported import ReportedAssignment, ReportedRecord, ReportedTime, ReportedTimeOff


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that keeps an object from being read on, and is not an error of the read: a file that is missing.

    ``code`` is one of the catalogue of findings; ``subject`` tells it from others of its code in the same object.
    """

    code: str
    subject: str
    message: str


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the source, byte for byte, and the cursor to go on from once it is stored.

    ``next_cursor`` is opaque text of the connector. ``item_count`` is None when the payload cannot be read; a page of 0
    items is not stored and only moves the cursor. ``notices`` are all that stand of the object now, for the desk; those
    that stood before and are not among them are settled. None: the page says nothing of them.
    """

    object: str
    payload: bytes
    item_count: int | None
    next_cursor: str
    notices: tuple[Notice, ...] | None = None


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """An item that cannot be understood: becomes SCHEMA_INVALID with ``problem`` as its words; nothing is coerced.

    ``source_id`` is given where it could still be read.
    """

    problem: str
    source_id: str | None = None


Readable: TypeAlias = ReportedTime | ReportedAssignment | ReportedTimeOff | ReportedRecord
Translated: TypeAlias = Readable | Unreadable


def kind_of(item: Readable) -> str:
    """What an item speaks of: ``time``, ``assignment``, ``time_off`` or the type of its record."""
    match item:
        case ReportedTime():
            return "time"
        case ReportedAssignment():
            return "assignment"
        case ReportedTimeOff():
            return "time_off"
    return item.type.value


class Source(Protocol):
    """Reads one object of one account from a cursor on."""

    def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        """Pages of ``object_name`` changed since ``cursor`` (None: from the beginning), until there is no more.

        May repeat items, must skip none: what cannot be told yet is kept for later, and said in ``notices``. Raises
        TransientError, AccessError or ContractError of ``tieout.errors``.
        """
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


class Translator(Protocol):
    """Pure: what the items of one stored payload say in canonical words."""

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """One result per item, in the order of the payload; the position is the item's number for ever.

        Raises ContractError when the payload as a whole cannot be read (it stays stored and becomes a finding).
        """
        ...
