"""The translator of the hub's own JSON: what callers send to ``POST /v1/time-entries``.

For systems whose connector is ``api``. One entry is an object, a batch ``{"time_entries": [...]}``; an object without
``time_entries`` is a batch of one. An entry has the fields of ``tieout.model.reported.ReportedTime``::

    {"source_id": "ts-4711", "version": 3, "state": "approved", "person": "ada@example.com", "project": "P-100",
     "task": "Design", "role": "Senior consultant", "work_date": "2026-07-01", "hours": "7.5", "billable": true,
     "work_type": "regular", "narrative": "Interface design", "started_at": "2026-07-01T09:00:00+02:00",
     "ended_at": "2026-07-01T16:30:00+02:00", "time_zone": "Europe/Berlin", "approved_by": "bob@example.com",
     "approved_at": "2026-07-03T10:00:00Z", "claimed_rate": "200", "claimed_amount": "1500.00",
     "claimed_currency": "EUR", "replaces": "ts-4700"}

Required are source_id, version, state, person, project, work_date, hours and billable. ``version`` grows with every
change of the entry; ``state`` is draft, submitted, approved, rejected, recalled or deleted. Decimals are strings or
JSON numbers and are read exactly. ``replaces`` says that the entry corrects another one and is not its duplicate;
the caller recalls or deletes that other one itself. A field that is not listed is refused, so that a misspelt one is
not lost. Where the system reports no masters of its own, person is an e-mail address, project a project code, task a
task's name within the project, and role a role's name.
"""

from collections.abc import Sequence

import msgspec

from tieout.connect.json_codec import JsonValue, decode_strict, shape_strict
from tieout.connect.source import Translated, Unreadable
from tieout.errors import ContractError
from tieout.model.reported import ReportedTime

OBJECT = "time_entries"
MAX_PAYLOAD_BYTES = 32 * 1024 * 1024
_MAX_DEPTH = 8


class CanonicalTimeEntry(ReportedTime, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A reported time entry that refuses fields it does not know."""


class _Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    time_entries: list[CanonicalTimeEntry]


_SPACED_COLONS = (b" :", b"\t:", b"\n:", b"\r:")
_Keyed = dict[str, list[dict[str, msgspec.Raw]]]


class CanonicalTranslator:
    """Pure: see the module's docstring."""

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """One result per entry, in order; raises ContractError when the payload is no entry and no batch."""
        if object_name != OBJECT:
            raise ContractError(
                code="TIE-INBOUND-002", message=f"{object_name!r} is not an object that can be handed in."
            )
        plain = _plain(payload)
        return [_item(one) for one in _items(payload)] if plain is None else plain


def _plain(payload: bytes) -> list[CanonicalTimeEntry] | None:
    """The entries of a batch in which everything is as it should be; None where that has to be looked at more closely.

    The shape leaves no room for depth or unknown values, so that equal keys are all that could slip through. An object
    keeps one of two equal keys; so a batch has none if its objects have as many keys as its text has quotes before a
    colon, with no space in between (inside a string such a quote has a backslash: text like that counts too many).
    """
    if len(payload) > MAX_PAYLOAD_BYTES or any(spaced in payload for spaced in _SPACED_COLONS):
        return None
    try:
        objects = msgspec.json.decode(payload, type=_Keyed)
        batch = msgspec.json.decode(payload, type=_Batch)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        return None
    keys = len(objects) + sum(map(len, objects["time_entries"]))
    return batch.time_entries if keys == payload.count(b'":') else None


def _items(payload: bytes) -> list[JsonValue]:
    """The items of a payload in which at least one is not as it should be, or of a single entry."""
    match decode_strict(payload, max_bytes=MAX_PAYLOAD_BYTES, max_depth=_MAX_DEPTH):
        case {"time_entries": list(items), **others} if not others:
            return items
        case dict(single) if "time_entries" not in single:
            return [single]
        case _:
            raise ContractError(
                code="TIE-INBOUND-002",
                message='The payload is neither a time entry nor {"time_entries": [...]}.',
            )


def _item(item: JsonValue) -> Translated:
    try:
        return shape_strict(item, CanonicalTimeEntry)
    except ContractError as error:
        source_id = item.get("source_id") if isinstance(item, dict) else None
        return Unreadable(problem=error.message, source_id=source_id if isinstance(source_id, str) else None)
