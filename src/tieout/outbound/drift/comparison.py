"""Whether a target still holds what it acknowledged, field by field, by the ownership register. Pure.

A difference is drift where the target does not own the field, the owner does not say the same as the target, and the
target keeps it as it was told at all: what it keeps in other words (fewer statuses, a text cut to its length) is not.
Neighbours: ``said`` and ``shown`` are the two sides, ``store`` keeps what is found, ``release`` sends again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from tieout.errors import ContractError
from tieout.governance.ownership import DELETED, owner_of
from tieout.model.firm import OwnershipRule
from tieout.model.identity import content_hash
from tieout.model.money import to_minor
from tieout.model.reported import RecordType
from tieout.outbound.drift.said import (
    CODE,
    DEMAND_DAYS,
    DEMAND_HOURS,
    MONEY,
    PRICE,
    STATUS,
    RecordKey,
    Reference,
    Said,
)
from tieout.outbound.drift.shown import Held, Shown

_SHORTEST_CUT_CHARS: Final = 30
"""A text that is cut to fewer characters was shortened by somebody, not by a field's length."""

_FINEST_DEMAND_HOURS: Final = Decimal("0.01")
"""Resource tools keep hours to the hundredth."""

_BEFORE_WORK, _OVER = "before", "over"
_STATUS_GROUPS: Final = {
    "proposed": _BEFORE_WORK,
    "approved": _BEFORE_WORK,
    "provisioning": _BEFORE_WORK,
    "delivery_complete": _OVER,
    "financially_closed": _OVER,
    "archived": _OVER,
}
"""Statuses that some systems cannot tell apart."""

_ALWAYS_BELIEVED: Final = 5
_PERCENT: Final = 100


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """The ownership register on a day; ``rules`` as ``governance.ownership.rules_of`` gives them."""

    rules: Sequence[OwnershipRule]
    on: date

    def owner(self, record: str, field: str, entity: str) -> str | None:
        """The system that owns a field, or None."""
        rule = owner_of(self.rules, record, field, entity, self.on)
        return None if rule is None else rule.system


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """The golden record of one, as text; ``source_ids`` are the target's keys of it, ``gone``: its owner deleted it."""

    values: dict[str, str] = {}
    source_ids: tuple[str, ...] = ()
    gone: bool = False


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """What a target acknowledged of one record, all commands put together.

    ``kinds`` says which command told each field last, ``deliveries`` by which delivery each command was acknowledged,
    and ``refs`` are the target's keys that the acknowledgements named, the newest first.
    """

    system: str
    said: Said
    kinds: dict[str, str]
    deliveries: dict[str, int]
    refs: tuple[str, ...]
    entity_id: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One field that is otherwise. ``owner_says``: what its owner says where that is not what was acknowledged."""

    field: str
    wanted: str | None
    held: str | None
    command_kind: str
    owner: str | None = None
    owner_says: str | None = None


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One record that a target holds otherwise than it acknowledged, or no longer (``is_missing``).

    ``kept`` are the fields in which the target may differ, because it owns them, with what it says there: sending
    again leaves them alone. ``amount_minor`` is what it holds too much or too little, in ``currency``. ``owned_there``:
    whether the record exists at all is the target's to say.
    """

    system: str
    record: str
    key: str
    code: str
    entity: str
    entity_id: int
    deliveries: dict[str, int]
    differences: tuple[Difference, ...] = ()
    kept: dict[str, str | None] = {}
    is_missing: bool = False
    owned_there: bool = False
    amount_minor: int | None = None
    currency: str | None = None

    @property
    def fingerprint(self) -> str:
        """The same for as long as the target holds the same, whoever owns what."""
        said = [[one.field, one.wanted, one.held] for one in self.differences]
        return content_hash([self.is_missing, said]).hex()[:32]

    def described(self) -> str:
        """What is otherwise, in words, with both values and who owns the field."""
        what = f"{self.record.replace('_', ' ')} {self.code}"
        if self.is_missing:
            return f"MISSING_IN_TARGET: {self.system} no longer holds the {what}, which it acknowledged."
        parts = "; ".join(_described(one) for one in self.differences)
        return f"{self.system} holds the {what} otherwise than it acknowledged: {parts}."


def _described(one: Difference) -> str:
    owner = "nobody owns it" if one.owner is None else f"{one.owner} owns it"
    says = "" if one.owner_says is None else f" and says {one.owner_says!r}"
    return f"{one.field} is {one.held!r}, acknowledged {one.wanted!r} ({owner}{says})"


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison stands on: what is shown, who owns what, what owners say, the target's keys of every record."""

    shown: Shown
    register: Register
    golden: Mapping[RecordKey, Golden]
    refs: Mapping[RecordKey, tuple[str, ...]]


def compare(one: Acknowledged, ground: Ground) -> Drift | None:
    """What is otherwise at the target, or None where it holds what it should."""
    said, golden = one.said, ground.golden.get(one.said.place, Golden())
    held = ground.shown.find(said, keys_of(one, ground), _within(said, ground))
    if golden.gone:
        return None
    drift = Drift(
        system=one.system,
        record=said.record,
        key=said.key,
        code=said.code or said.key.rsplit("|", 1)[-1],
        entity=said.entity,
        entity_id=one.entity_id,
        deliveries=one.deliveries,
        currency=said.currency,
    )
    if held is None or held.deleted:
        owner = ground.register.owner(said.record, DELETED, said.entity)
        amounts = [_excess(None, said.values[name], said.currency) for name in MONEY if name in said.values]
        return msgspec.structs.replace(
            drift, is_missing=True, owned_there=owner == one.system, amount_minor=_sum(amounts)
        )
    found = [*_values(one, held, golden, ground), *_references(one, held, ground)]
    theirs = [diff for diff in found if diff.owner == one.system]
    ours = tuple(diff for diff in found if diff.owner != one.system)
    if not ours:
        return None
    return msgspec.structs.replace(
        drift, differences=ours, kept={diff.field: diff.held for diff in theirs}, amount_minor=_at_stake(ours, said)
    )


def keys_of(one: Acknowledged, ground: Ground) -> tuple[str, ...]:
    """The keys under which the target should have a record: those it acknowledged, then those it is known by."""
    golden = ground.golden.get(one.said.place)
    return (*one.refs, *(() if golden is None else golden.source_ids))


def believed(missing_count: int, compared_count: int, *, limit_percent: int) -> bool:
    """Whether so many of one kind can be missing: a walk that sees nothing was rather not allowed to see it."""
    if limit_percent >= _PERCENT or missing_count <= 1:
        return True
    if missing_count == compared_count:
        return False
    return missing_count <= _ALWAYS_BELIEVED or missing_count * _PERCENT <= limit_percent * compared_count


def _within(said: Said, ground: Ground) -> Collection[str]:
    return () if said.within is None else _acceptable(said.within, ground)


def _acceptable(reference: Reference, ground: Ground) -> list[str]:
    """The target's keys of the record that is referred to."""
    acknowledged = ground.refs.get((reference.record, reference.key), ())
    golden = ground.golden.get((reference.record, reference.key), Golden())
    return [*acknowledged, *golden.source_ids, *ground.shown.keys_of(reference)]


def _values(one: Acknowledged, held: Held, golden: Golden, ground: Ground) -> Iterator[Difference]:
    said = one.said
    for field in _fields(said, held):
        wanted, is_held = said.values.get(field), held.values.get(field)
        if (
            field in held.taken_over
            or _is_same(field, wanted, is_held)
            or not _can_tell(said, field, is_held, ground.shown)
        ):
            continue
        owner = ground.register.owner(*_owned_as(said.record, field), said.entity)
        says = golden.values.get(field)
        if says is not None and _is_same(field, says, is_held):
            continue
        yield Difference(
            field=field,
            wanted=wanted,
            held=is_held,
            command_kind=one.kinds.get(field) or _kind_beside(field, said),
            owner=owner,
            owner_says=None if owner is None or says is None or _is_same(field, wanted, says) else says,
        )


def _fields(said: Said, held: Held) -> list[str]:
    """What was said; of a record that was told as a whole, what is held beside it too."""
    beside = [name for name in held.values if name not in said.values and said.whole and name.startswith(said.whole)]
    return [*said.values, *sorted(beside)]


def _owned_as(record: str, field: str) -> tuple[str, str]:
    """The type and field under which the register knows a field: prices and demand are records of their own there."""
    if field.startswith(PRICE):
        return str(RecordType.RATE_LINE), "price"
    if field.startswith(DEMAND_HOURS):
        return str(RecordType.DEMAND), "hours"
    return (str(RecordType.DEMAND), "starts") if field.startswith(DEMAND_DAYS) else (record, field)


def _kind_beside(field: str, said: Said) -> str:
    """The command that puts right what is held beside what was said."""
    return "publish_demand" if field.startswith(DEMAND_HOURS) else said.command_kind


def _can_tell(said: Said, field: str, held: str | None, shown: Shown) -> bool:
    """Whether nothing there means that there is nothing: statuses are told only where the target has a word for one."""
    return held is not None or (field != STATUS and shown.shows(said.record, field))


def _is_same(field: str, wanted: str | None, held: str | None) -> bool:
    if wanted is None or held is None:
        return wanted == held
    if field.startswith(DEMAND_HOURS):
        return abs(Decimal(wanted) - Decimal(held)) < _FINEST_DEMAND_HOURS
    if field.startswith(DEMAND_DAYS):
        return _is_within(held, wanted)
    if field == STATUS:
        return _STATUS_GROUPS.get(wanted, wanted) == _STATUS_GROUPS.get(held, held)
    return wanted == held or (len(held) >= _SHORTEST_CUT_CHARS and wanted.startswith(held))


def _is_within(days: str, span: str) -> bool:
    """Whether days (``FIRST/END``) lie within a span: on which of them a tool puts the hours is the tool's."""
    (first, last), (starts, ends) = days.split("/"), span.split("/")
    return starts <= first and last <= ends


def _references(one: Acknowledged, held: Held, ground: Ground) -> Iterator[Difference]:
    said, shown = one.said, ground.shown
    for field, reference in said.references.items():
        acceptable = _acceptable(reference, ground)
        key = held.references.get(field)
        if not acceptable or key in acceptable or (key is None and not shown.shows(said.record, field)):
            continue
        yield Difference(
            field=field,
            wanted=reference.code,
            held=None if key is None else shown.code_of(reference.record, key),
            command_kind=one.kinds.get(field, said.command_kind),
            owner=ground.register.owner(said.record, field, said.entity),
        )


def _at_stake(differences: Sequence[Difference], said: Said) -> int | None:
    if any(one.field == "currency" for one in differences):
        return None
    return _sum([_excess(one.held, one.wanted, said.currency) for one in differences if one.field in MONEY])


def _excess(held: str | None, wanted: str | None, currency: str | None) -> int | None:
    """What is held beyond what was wanted, in minor units; None where it is no whole number of them."""
    if currency is None:
        return None
    try:
        return to_minor(Decimal(held or 0), currency) - to_minor(Decimal(wanted or 0), currency)
    except (ContractError, ArithmeticError):
        return None


def _sum(amounts: Sequence[int | None]) -> int | None:
    known = [one for one in amounts if one is not None]
    return sum(known) if known else None


def has_another_code(drift: Drift) -> bool:
    """Whether the target has the record under another code, by which a command would not find it."""
    return CODE in drift.kept or any(one.field == CODE for one in drift.differences)
