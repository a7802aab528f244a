"""One golden record out of what all systems say of it: field by field, by ownership, with the reason kept. Pure.

``golden_record`` reads and writes the rows around it. Fields and references share one namespace; the pseudo-field
``deleted`` is owned and explained like any other.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

import msgspec

from tieout.errors import ContractError
from tieout.governance.ownership import DELETED, Decision, Said, decide, owner_of
from tieout.model.finding import Finding, finding
from tieout.model.firm import OwnershipRule
from tieout.model.identity import content_hash
from tieout.model.money import exponent
from tieout.model.reported import FieldValue, RecordType

REFERENCE_TYPE: Final = {
    "client": RecordType.CLIENT,
    "contract": RecordType.CONTRACT,
    "deal": RecordType.DEAL,
    "legal_entity": RecordType.LEGAL_ENTITY,
    "org_unit": RecordType.ORG_UNIT,
    "parent": RecordType.TASK,
    "parent_client": RecordType.CLIENT,
    "parent_unit": RecordType.ORG_UNIT,
    "project": RecordType.PROJECT,
    "rate_card": RecordType.RATE_CARD,
    "resource": RecordType.RESOURCE,
    "role": RecordType.ROLE,
    "skill": RecordType.SKILL,
}
Ref: TypeAlias = tuple[str, str]
RefIdentity: TypeAlias = Callable[[str, str, str], int | str | None]
"""Of a reference's name, a system and its key: what the key means, equal for equal records; None while unknown."""

_DATES: Final = frozenset(
    {
        "starts", "ends", "employment_from", "employment_to", "valid_from", "valid_to", "rate_date", "close_date",
        "day",
    }
)  # fmt: skip
_DECIMALS: Final = frozenset(
    {
        "price", "rate", "hours_per_day", "amount", "hours", "budget_hours", "budget_amount", "signed_value",
        "nte_limit", "value", "planned_hours", "fte", "weekly_hours", "probability", "fraction",
    }
)  # fmt: skip
CURRENCY_FIELDS: Final = frozenset({"currency", "functional_currency", "base", "quote"})
_FLAGS: Final = frozenset({"open_for_time", "billable", "complimentary", "is_won", "is_closed"})
_EARLIEST_MICROS: Final = 1_000_000_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Why a field has its value: who said so, in which message, since when, and by which rule that counts.

    ``since`` is the instant from which the source says so: the effective time of this one field.
    """

    system: str
    source_id: str
    message_id: int
    since: datetime
    rule: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one system says of one record now (``reported_record``)."""

    system: str
    type: str
    source_id: str
    version: int
    fields: dict[str, FieldValue]
    refs: dict[str, str]
    deleted: bool
    message_id: int
    recorded_at: datetime


class MergeRules(msgspec.Struct, frozen=True, kw_only=True):
    """By what a record is merged: ownership on a day, and what references mean.

    ``entity`` is the code of the legal entity that the record belongs to, None where it belongs to none.
    """

    rules: tuple[OwnershipRule, ...]
    on: date
    entity: str | None
    identity: RefIdentity


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a golden record at one version; ``refs`` in the words of the system that owns each."""

    code: str | None
    version: int
    fields: dict[str, FieldValue]
    refs: dict[str, Ref | None]
    provenance: dict[str, Provenance]
    tombstone: bool

    def hash(self) -> bytes:
        """Equal for equal content, whoever said it and whenever."""
        refs = {name: None if ref is None else list(ref) for name, ref in self.refs.items()}
        return content_hash({"code": self.code, "fields": self.fields, "refs": refs, "deleted": self.tombstone})


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """A finding about what one system says of a record."""

    system: str
    source_id: str
    finding: Finding


def effective_instant(version: int, recorded_at: datetime) -> datetime:
    """Since when a source says what it says.

    Its version, where that is an instant of the past in microseconds since 1970 (as an update time is); else when we
    heard of it.
    """
    known = (recorded_at - _EPOCH) // timedelta(microseconds=1)
    return _EPOCH + timedelta(microseconds=version) if _EARLIEST_MICROS <= version <= known else recorded_at


def bad_value(name: str, value: FieldValue) -> str | None:
    """What is wrong with a canonical field's value, or None."""
    if value is None:
        return None
    if name in _FLAGS:
        return None if isinstance(value, bool) else "is neither true nor false"
    if name in _DATES:
        return _unless(date.fromisoformat, value, "is not an ISO date")
    if name in _DECIMALS:
        return _unless(_finite, value, "is not a decimal number from zero on")
    if name in CURRENCY_FIELDS:
        return _unless(exponent, value, "is not an ISO 4217 currency")
    return None


def merge(
    before: Golden | None,
    record_type: str,
    reports: Sequence[Report],
    *,
    by: MergeRules,
) -> tuple[Golden, list[Objection]]:
    """What ``reports`` make of a record, and what they disagree about. The code and version are the caller's to set."""
    standing = {} if before is None else before.provenance
    fields: dict[str, FieldValue] = {}
    refs: dict[str, Ref | None] = {}
    provenance: dict[str, Provenance] = {}
    objections: list[Objection] = []
    live = [one for one in reports if not one.deleted]
    by_key = {(one.system, one.source_id): one for one in reports}

    def judge(name: str, said: list[Said], same: Callable[[Said, Said], bool]) -> Said | None:
        rule = owner_of(by.rules, record_type, name, by.entity, by.on)
        held = standing.get(name)
        decision = decide(rule, said, incumbent=None if held is None else (held.system, held.source_id))
        objections.extend(_objections(record_type, name, decision, same))
        if decision.winner is not None:
            provenance[name] = _provenance(decision.winner, by_key, decision.rule)
        return decision.winner

    for name in sorted({name for one in live for name in one.fields}):
        said, wrong = _stated(record_type, name, live)
        objections += wrong
        winner = judge(name, said, lambda one, other: one.value == other.value)
        if winner is not None:
            fields[name] = winner.value
    for name in sorted({name for one in live for name in one.refs}):
        said = [_said(one, one.refs[name]) for one in live if name in one.refs]
        winner = judge(name, said, _same_reference(name, by.identity))
        if winner is not None:
            refs[name] = (winner.system, str(winner.value))
    told_live = {one.system for one in live}
    gone = [_said(one, one.deleted) for one in reports if not (one.deleted and one.system in told_live)]
    winner = judge(DELETED, gone, lambda one, other: one.value == other.value or not other.value)
    tombstone = all(one.deleted for one in reports) if winner is None else winner.value is True
    if before is not None and tombstone and not live:
        fields, refs = before.fields, before.refs
        provenance = {**before.provenance, **provenance}
    merged = Golden(
        code=None if before is None else before.code,
        version=1 if before is None else before.version,
        fields=fields,
        refs=refs,
        provenance=_kept(before, fields, refs, provenance),
        tombstone=tombstone,
    )
    return merged, objections


def changed_fields(before: Golden | None, after: Golden) -> tuple[str, ...]:
    """Names of the fields and references whose value is another."""
    if before is None:
        return tuple(sorted({*after.fields, *after.refs}))
    names = {*before.fields, *before.refs, *after.fields, *after.refs}
    differing = {name for name in names if _value(before, name) != _value(after, name)}
    if before.code != after.code:
        differing.add("code")
    if before.tombstone != after.tombstone:
        differing.add(DELETED)
    return tuple(sorted(differing))


def _said(report: Report, value: FieldValue) -> Said:
    since = effective_instant(report.version, report.recorded_at)
    return Said(system=report.system, source_id=report.source_id, value=value, since=since)


def _stated(record_type: str, name: str, live: Sequence[Report]) -> tuple[list[Said], list[Objection]]:
    """Who says what of a field; a value that cannot be one is not said but reported."""
    said, wrong = [], []
    for one in live:
        if name not in one.fields:
            continue
        problem = bad_value(name, one.fields[name])
        if problem is None:
            said.append(_said(one, one.fields[name]))
            continue
        words = f"{one.system} says {name} {one.fields[name]!r} of {record_type} {one.source_id}, which {problem}."
        cause = f"{record_type}:{one.system}:{name}"
        wrong.append(
            Objection(system=one.system, source_id=one.source_id, finding=finding("SCHEMA_INVALID", words, cause=cause))
        )
    return said, wrong


def _objections(record_type: str, name: str, decision: Decision, same: Callable[[Said, Said], bool]) -> list[Objection]:
    winner = decision.winner
    if winner is None:
        return []
    return [
        Objection(
            system=one.system,
            source_id=one.source_id,
            finding=finding(
                "CHANGE_PROPOSED" if decision.proposes else "NOT_OWNER",
                f"{one.system} says {name} {one.value!r} of {record_type} {one.source_id}, but {winner.system} owns it "
                f"and says {winner.value!r} ({decision.rule}).",
                cause=f"{record_type}:{name}:{one.system}",
                context={
                    "field": name,
                    "said": str(one.value),
                    "owner": winner.system,
                    "owner_says": str(winner.value),
                    "steward": decision.steward,
                },
                depends_on=(f"record:{record_type}:{one.system}:{one.source_id}",),
            ),
        )
        for one in decision.objections
        if not same(winner, one)
    ]


def _same_reference(name: str, identity: RefIdentity) -> Callable[[Said, Said], bool]:
    """Two systems' keys of another record agree when they mean the same one; an unknown key is not yet an objection."""

    def same(one: Said, other: Said) -> bool:
        first = identity(name, one.system, str(one.value))
        second = identity(name, other.system, str(other.value))
        return first is None or second is None or first == second

    return same


def _provenance(winner: Said, by_key: Mapping[Ref, Report], rule: str) -> Provenance:
    report = by_key[winner.system, winner.source_id]
    return Provenance(
        system=winner.system,
        source_id=winner.source_id,
        message_id=report.message_id,
        since=effective_instant(report.version, report.recorded_at),
        rule=rule,
    )


def _kept(
    before: Golden | None,
    fields: Mapping[str, FieldValue],
    refs: Mapping[str, Ref | None],
    provenance: dict[str, Provenance],
) -> dict[str, Provenance]:
    """A field that says the same as before, by the same system, keeps the message that first said so."""
    if before is None:
        return provenance
    after = {**fields, **refs}
    return {
        name: before.provenance[name]
        if name in before.provenance
        and before.provenance[name].system == one.system
        and before.provenance[name].rule == one.rule
        and name != DELETED
        and _value(before, name) == after.get(name)
        else one
        for name, one in provenance.items()
    }


def _value(golden: Golden, name: str) -> object:
    return golden.fields[name] if name in golden.fields else golden.refs.get(name)


def _finite(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or number < 0:
        raise ValueError(text)
    return number


def _unless(read: Callable[[str], object], value: FieldValue, problem: str) -> str | None:
    if not isinstance(value, str):
        return problem
    try:
        read(value)
    except (ValueError, InvalidOperation, ContractError):
        return problem
    return None
