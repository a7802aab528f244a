"""What a walk through everything that a system holds found gone, or back again, as a message like any other.

Some systems tell nobody what was deleted. ``runtime.sweep`` walks through them and stores what it found under the
object ``SWEPT``; every reader of messages understands it by ``SweptTranslator``, so that it is judged, held, released
and proven as what the system itself tells. Pure.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from tieout.connect.source import Readable, Translated, Translator
from tieout.errors import ContractError
from tieout.model.reported import (
    ReportedAssignment,
    ReportedBooking,
    ReportedLeave,
    ReportedRecord,
    ReportedTimeOff,
)

SWEPT: Final = "tieout:swept"
"""No vendor calls an object that."""

Sweepable: TypeAlias = ReportedRecord | ReportedAssignment | ReportedTimeOff
ItemKey: TypeAlias = tuple[str, str]
"""What an item speaks of (``connect.source.kind_of``) and the source's key of it."""

_ALWAYS_BELIEVED: Final = 5
_PERCENT: Final = 100


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of one such message: what each thing says from now on."""

    swept_at: datetime
    records: list[ReportedRecord] = []
    assignments: list[ReportedAssignment] = []
    absences: list[ReportedTimeOff] = []

    def items(self) -> list[Translated]:
        """All items in the order of their numbers."""
        return [*self.records, *self.assignments, *self.absences]


class SweptTranslator:
    """A system's translator that understands what sweeps of the system found, too."""

    def __init__(self, inner: Translator) -> None:
        self._inner = inner

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """As ``Translator.translate``."""
        if object_name != SWEPT:
            return self._inner.translate(object_name, payload)
        try:
            return msgspec.json.decode(payload, type=Swept).items()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ContractError(code="TIE-PAYLOAD-001", message=f"{SWEPT}: {error}") from error


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub holds of one thing. ``is_swept``: it is gone, and a sweep has found that, not the system told it."""

    said: Sweepable
    is_gone: bool = False
    is_swept: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk came to for one kind: how many the hub held, and which of them are gone or back."""

    kind: str
    known_count: int
    gone: tuple[Sweepable, ...]
    returned: tuple[Sweepable, ...]


def compare(kind: str, standing: Mapping[ItemKey, Standing], seen: Mapping[ItemKey, Readable | None]) -> Found:
    """What of ``kind`` stands and was not seen by a whole walk, and what was seen though a sweep had found it gone.

    ``seen`` has None for an item whose key could be read, though nothing else.
    """
    of_kind = {key: one for key, one in standing.items() if key[0] == kind}
    there = {key: one for key, one in of_kind.items() if not one.is_gone}
    returned = [
        _returned(one.said, said)
        for key, one in of_kind.items()
        if one.is_swept and isinstance(said := seen.get(key), Sweepable)
    ]
    return Found(
        kind=kind,
        known_count=len(there),
        gone=tuple(_gone(one.said) for key, one in sorted(there.items()) if key not in seen),
        returned=tuple(returned),
    )


def is_believed(found: Found, *, limit_percent: int) -> bool:
    """Whether so much can be gone: a walk that sees nothing or much less was rather not allowed to see the rest."""
    gone_count = len(found.gone)
    if limit_percent >= _PERCENT:
        return True
    if gone_count == found.known_count and gone_count > 1:
        return False
    return gone_count <= _ALWAYS_BELIEVED or gone_count * _PERCENT <= limit_percent * found.known_count


def payload_of(found: Collection[Found], *, swept_at: datetime) -> bytes:
    """The message that says all that is gone and all that is back."""
    items = [item for one in found for item in (*one.gone, *one.returned)]
    return msgspec.json.encode(
        Swept(
            swept_at=swept_at,
            records=[one for one in items if isinstance(one, ReportedRecord)],
            assignments=[one for one in items if isinstance(one, ReportedAssignment)],
            absences=[one for one in items if isinstance(one, ReportedTimeOff)],
        )
    )


def _gone(said: Sweepable) -> Sweepable:
    """Deleted, in the version that was known: whatever the system tells of it later is news."""
    match said:
        case ReportedRecord():
            return msgspec.structs.replace(said, fields={}, references={}, deleted=True)
        case ReportedAssignment():
            return msgspec.structs.replace(said, state=ReportedBooking.DELETED)
        case ReportedTimeOff():
            return msgspec.structs.replace(said, state=ReportedLeave.DELETED)


def _returned(before: Sweepable, said: Sweepable) -> Sweepable:
    """As the system says it. Readings of bookings are kept by version, and this one was seen before: one more."""
    if isinstance(said, ReportedAssignment | ReportedTimeOff):
        return msgspec.structs.replace(said, version=max(said.version, before.version) + 1)
    return said
