"""What a walk through a target showed, so that records are found by the target's key or by their code. Pure.

A field that the target shows of no record at all cannot be compared; one that it shows of others is empty where it is
absent. Neighbours: ``runtime.drift_sweep`` walks, ``comparison`` asks.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from tieout.connect.source import Readable, Unreadable
from tieout.model.reported import RecordType, ReportedRecord
from tieout.outbound.drift.said import CODE, PRICE, Reference, Said, price_field, text_of

_CARD: Final = str(RecordType.RATE_CARD)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One record as the target shows it: its key there, values as text, keys of the records that it refers to."""

    source_id: str
    values: dict[str, str]
    references: dict[str, str] = {}
    deleted: bool = False


class Shown:
    """Everything that a walk showed. ``add`` what was read, then ``finish`` once."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, ReportedRecord]] = {}
        self._held: dict[str, dict[str, Held]] = {}
        self._fields: dict[str, set[str]] = {}
        self._unreadable: set[tuple[str, str]] = set()

    def add(self, items: Iterable[Readable | Unreadable], kinds: Collection[str]) -> bool:
        """Take in the items of an answer that speaks of ``kinds``.

        False where one cannot be read and does not say which it is: then nothing can be said to be missing.
        """
        for item in items:
            if isinstance(item, Unreadable):
                if item.source_id is None:
                    return False
                self._unreadable.update((kind, item.source_id) for kind in kinds)
            elif isinstance(item, ReportedRecord):
                known = self._records.setdefault(item.type.value, {})
                before = known.get(item.source_id)
                if before is None or before.version <= item.version:
                    known[item.source_id] = item
        return True

    def finish(self) -> None:
        """Make what was read comparable; the prices of a rate card become fields of it."""
        prices = self._prices()
        for kind, records in self._records.items():
            held = {key: _held(one, prices.get(key, {}) if kind == _CARD else {}) for key, one in records.items()}
            self._held[kind] = held
            self._fields[kind] = {name for one in held.values() for name in (*one.values, *one.references)}

    def shows(self, kind: str, field: str) -> bool:
        """Whether the target shows this field of any record of a kind; of prices, whether it shows any."""
        fields = self._fields.get(kind, set())
        return field in fields or (field.startswith(PRICE) and any(one.startswith(PRICE) for one in fields))

    def is_unreadable(self, kind: str, keys: Iterable[str]) -> bool:
        """Whether a record with one of ``keys`` is there and could not be read."""
        return any((kind, key) in self._unreadable for key in keys)

    def find(self, said: Said, refs: Iterable[str], within: Collection[str]) -> Held | None:
        """The record that ``said`` speaks of: by the keys that the target gave it, else by its code.

        ``within`` are the target's keys of what it is a part of. A record that is there goes before a deleted one.
        """
        records = self._held.get(said.record, {})
        by_key = [records[ref] for ref in refs if ref in records]
        by_code = [] if said.code is None else self._coded(said, within)
        found = [*by_key, *by_code]
        return next((one for one in found if not one.deleted), found[0] if found else None)

    def keys_of(self, reference: Reference) -> list[str]:
        """The target's keys of the records that have the code of ``reference``; of a rate card its name counts too."""
        names = (CODE, "name") if reference.record == _CARD else (CODE,)
        records = self._held.get(reference.record, {})
        return [key for key, one in records.items() if any(one.values.get(name) == reference.code for name in names)]

    def code_of(self, kind: str, key: str) -> str:
        """What people know a record by: its code where it is shown, else the target's key."""
        held = self._held.get(kind, {}).get(key)
        return key if held is None else held.values.get(CODE, key)

    def _coded(self, said: Said, within: Collection[str]) -> list[Held]:
        coded = [one for one in self._held.get(said.record, {}).values() if one.values.get(CODE) == said.code]
        if said.within is None:
            return coded
        return [one for one in coded if one.references.get(said.within.record) in within]

    def _prices(self) -> dict[str, dict[str, str]]:
        roles = self._records.get(RecordType.ROLE.value, {})
        found: dict[str, dict[str, str]] = {}
        for line in self._records.get(RecordType.RATE_LINE.value, {}).values():
            card, role_key = line.references.get("rate_card"), line.references.get("role")
            starts, price = line.fields.get("valid_from"), line.fields.get("price")
            if line.deleted or card is None or role_key is None or "project" in line.references:
                continue
            role = roles.get(role_key)
            name = price_field(role_key if role is None else str(role.fields.get("name", role_key)), str(starts))
            text = text_of(name, price)
            if text is not None:
                found.setdefault(card, {})[name] = text
        return found


def _held(record: ReportedRecord, prices: Mapping[str, str]) -> Held:
    values = {name: text for name, value in record.fields.items() if (text := text_of(name, value)) is not None}
    return Held(
        source_id=record.source_id,
        values={**values, **prices},
        references=dict(record.references),
        deleted=record.deleted,
    )
