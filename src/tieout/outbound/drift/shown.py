"""What a walk through a target showed, so that records are found by the target's key or by their code. Pure.

A field that the target shows of no record at all cannot be compared; one that it shows of others is empty where it is
absent. Neighbours: ``runtime.drift_sweep`` walks, ``comparison`` asks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.sink import HeldDemandLine
from tieout.connect.source import Readable, Unreadable
from tieout.model.reported import RecordType, ReportedRecord
from tieout.outbound.drift.said import (
    CODE,
    DEMAND_DAYS,
    DEMAND_HOURS,
    PRICE,
    Reference,
    Said,
    demand_fields,
    number_of,
    price_fields,
    text_of,
)

_CARD: Final = str(RecordType.RATE_CARD)
_PROJECT: Final = str(RecordType.PROJECT)
_NAME: Final = "name"
_NAMES: Final = frozenset({CODE, _NAME})


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One record as the target shows it: its key there, values as text, keys of the records that it refers to.

    ``taken_over`` are fields that somebody there has made his own, so that they are not compared any more.
    """

    source_id: str
    values: dict[str, str]
    references: dict[str, str] = {}
    deleted: bool = False
    taken_over: frozenset[str] = frozenset()


class Shown:
    """Everything that a walk showed. ``add`` what was read, then ``finish`` once."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, ReportedRecord]] = {}
        self._held: dict[str, dict[str, Held]] = {}
        self._named: dict[tuple[str, str, str], list[Held]] = {}
        self._fields: dict[str, set[str]] = {}
        self._unreadable: set[tuple[str, str]] = set()
        self._demand: Mapping[str, Sequence[HeldDemandLine]] | None = None

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

    def add_further(self, records: Iterable[ReportedRecord]) -> None:
        """Take in records that are not told as others are, or fields more of records that are."""
        for one in records:
            known = self._records.setdefault(one.type.value, {})
            before = known.get(one.source_id)
            known[one.source_id] = (
                one
                if before is None
                else msgspec.structs.replace(
                    before, fields={**one.fields, **before.fields}, references={**one.references, **before.references}
                )
            )

    def add_demand(self, demand: Mapping[str, Sequence[HeldDemandLine]]) -> None:
        """Take in all lines of published demand that the target holds, by its keys of the projects."""
        self._demand = demand

    def finish(self) -> None:
        """Make what was read comparable; prices become fields of their rate card, lines of demand of their project."""
        parts = {_CARD: self._prices(), _PROJECT: self._lines()}
        taken_over = self._taken_over()
        for kind, records in self._records.items():
            of_kind, theirs = parts.get(kind, {}), taken_over if kind == _PROJECT else {}
            held = {key: _held(one, of_kind.get(key, {}), theirs.get(key, frozenset())) for key, one in records.items()}
            self._held[kind] = held
            for one in held.values():
                for name in _NAMES & one.values.keys():
                    self._named.setdefault((kind, name, one.values[name]), []).append(one)
            self._fields[kind] = {name for one in held.values() for name in (*one.values, *one.references)}

    def shows(self, kind: str, field: str) -> bool:
        """Whether the target shows this field of any record of a kind; of prices and demand, whether it shows any."""
        if field.startswith((DEMAND_HOURS, DEMAND_DAYS)):
            return self._demand is not None
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
        names = (CODE, _NAME) if reference.record == _CARD else (CODE,)
        return [
            one.source_id for name in names for one in self._named.get((reference.record, name, reference.code), ())
        ]

    def code_of(self, kind: str, key: str) -> str:
        """What people know a record by: its code where it is shown, else the target's key."""
        held = self._held.get(kind, {}).get(key)
        return key if held is None else held.values.get(CODE, key)

    def _coded(self, said: Said, within: Collection[str]) -> list[Held]:
        coded = self._named.get((said.record, CODE, said.code or ""), [])
        if said.within is None:
            return coded
        return [one for one in coded if one.references.get(said.within.record) in within]

    def _lines(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for project, lines in (self._demand or {}).items():
            for one in lines:
                if not one.staffed:
                    fields = demand_fields(one.number, one.hours, one.starts, one.ends)
                    found.setdefault(project, {}).update(fields)
        return found

    def _taken_over(self) -> dict[str, frozenset[str]]:
        return {
            project: frozenset(
                name + one.number for one in lines if one.staffed for name in (DEMAND_HOURS, DEMAND_DAYS)
            )
            for project, lines in (self._demand or {}).items()
        }

    def _prices(self) -> dict[str, dict[str, str]]:
        roles = self._records.get(RecordType.ROLE.value, {})
        lines: dict[str, list[tuple[str, str, Decimal]]] = {}
        for line in self._records.get(RecordType.RATE_LINE.value, {}).values():
            card, role_key = line.references.get("rate_card"), line.references.get("role")
            price = number_of(str(line.fields.get("price")))
            if line.deleted or card is None or role_key is None or price is None or "project" in line.references:
                continue
            role = roles.get(role_key)
            name = role_key if role is None else str(role.fields.get(_NAME, role_key))
            lines.setdefault(card, []).append((name, str(line.fields.get("valid_from")), price))
        return {card: price_fields(prices) for card, prices in lines.items()}


def _held(record: ReportedRecord, parts: Mapping[str, str], taken_over: frozenset[str]) -> Held:
    values = {name: text for name, value in record.fields.items() if (text := text_of(name, value)) is not None}
    return Held(
        source_id=record.source_id,
        values={**values, **parts},
        references=dict(record.references),
        deleted=record.deleted,
        taken_over=taken_over,
    )
