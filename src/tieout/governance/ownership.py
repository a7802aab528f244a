"""Who owns which field, and what a field's value is when several systems speak of it (domain model 1.5).

Pure. ``records`` merges by these decisions and keeps their reasons with each field. A value of a system that does not
own the field is never written: where it differs from the owner's it is an objection, which becomes NOT_OWNER.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from tieout.model.firm import ConflictPolicy, FirmConfig, OwnershipRule
from tieout.model.reported import FieldValue, RecordType

ALL_FIELDS: Final = "*"
DELETED: Final = "deleted"
"""The pseudo-field that says whether the record still exists; owned like a field."""

DEFAULT_STEWARD: Final = "default"
"""Marks a rule as one of ours and not of the firm's ``ownership.toml``."""

_ERP_OBJECTS: Final = (RecordType.LEGAL_ENTITY, RecordType.PERIOD, RecordType.FX_RATE)
_ERP_FIELDS: Final = {RecordType.CLIENT: ("currency", "tax_id")}
_USUAL_OWNERS: Final[dict[str, tuple[str, ...]]] = {
    RecordType.CLIENT: ("crm", "psa"),
    RecordType.DEAL: ("crm",),
    RecordType.DEAL_LINE: ("crm",),
    RecordType.CONTRACT: ("crm", "psa"),
    RecordType.CONTRACT_LINE: ("crm", "psa"),
    RecordType.PROJECT: ("psa",),
    RecordType.TASK: ("psa",),
    RecordType.DEMAND: ("psa", "crm"),
    RecordType.ROLE: ("psa", "hcm"),
    RecordType.RESOURCE: ("hcm", "psa"),
    RecordType.ORG_UNIT: ("hcm",),
    RecordType.HOLIDAY: ("hcm", "resource"),
    RecordType.SKILL: ("resource", "hcm"),
    RecordType.RESOURCE_SKILL: ("resource", "hcm"),
    "assignment": ("resource", "psa"),
    "time_off": ("hcm", "resource"),
}
"""The roles whose system owns an object by default, the first that the firm has (domain model 1.5)."""

_TELLER_OBJECTS: Final = (
    RecordType.CLIENT,
    RecordType.PROJECT,
    RecordType.TASK,
    RecordType.ROLE,
    RecordType.RESOURCE,
)
"""What the only system that is read and posts for nobody owns, whatever its role."""


class Said(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one system says of one field of one record, and since when where that is known."""

    system: str
    source_id: str
    value: FieldValue
    since: datetime | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The value of one field: whose it is, by which rule, and who says otherwise without owning it.

    ``winner`` is None while the owner has not told the field: it then has no value, whatever the others say.
    ``proposes``: the steward is asked about what the others say, which is else refused.
    """

    winner: Said | None
    rule: str
    steward: str
    proposes: bool = False
    objections: tuple[Said, ...] = ()


def owner_of(
    rules: Sequence[OwnershipRule], record_type: str, field: str, entity: str | None, on: date
) -> OwnershipRule | None:
    """The rule that decides ``field`` of ``record_type`` for ``entity`` on day ``on``, or None.

    A rule for the legal entity goes before one for all, one that names the field before ``*``, a later start before an
    earlier, and the first of the file before the others. ``rules`` is ``rules_of(firm)``: the firm's own rules before
    the defaults.
    """
    fitting = [
        (rule.entity is not None, field in rule.fields, rule.valid_from or date.min, -at, rule)
        for at, rule in enumerate(rules)
        if rule.object == record_type
        and (field in rule.fields or ALL_FIELDS in rule.fields)
        and rule.entity in {None, entity}
        and (rule.valid_from is None or rule.valid_from <= on)
    ]
    stated = [one for one in fitting if one[-1].steward != DEFAULT_STEWARD]
    return max(stated or fitting, key=lambda one: one[:-1])[-1] if fitting else None


def rules_of(firm: FirmConfig) -> tuple[OwnershipRule, ...]:
    """The firm's ownership rules, then the defaults of domain model 1.5 for its systems.

    By default the ERP that posts for a legal entity owns the entity, its periods, exchange rates and clients' currency
    and tax id, from the day on which it begins to; everything else belongs to the system whose role it is, or to the
    one system that is read and posts for nobody. Where two systems play the same part there is no default: the firm has
    to say. Rates belong to whoever states them.
    """
    posters = [one for one in firm.systems if one.posts_for]
    tellers = [one for one in firm.systems if not one.posts_for and one.reads]
    defaults: list[OwnershipRule] = []
    for poster in posters:
        for entity in poster.posts_for:
            since = poster.posts_from.get(entity)
            defaults += [_default(kind, (ALL_FIELDS,), poster.name, entity, since) for kind in _ERP_OBJECTS]
            defaults += [_default(kind, fields, poster.name, entity, since) for kind, fields in _ERP_FIELDS.items()]
    if len(posters) == 1:
        defaults += [_default(kind, (ALL_FIELDS,), posters[0].name) for kind in _ERP_OBJECTS]
        defaults += [_default(kind, fields, posters[0].name) for kind, fields in _ERP_FIELDS.items()]
    if len(tellers) == 1:
        defaults += [_default(kind, (ALL_FIELDS,), tellers[0].name) for kind in _TELLER_OBJECTS]
    for kind, roles in _USUAL_OWNERS.items():
        playing = ([one for one in tellers if one.role == role] for role in roles)
        first = next((found for found in playing if found), [])
        if len(first) == 1 and (len(tellers) > 1 or kind not in _TELLER_OBJECTS):
            defaults.append(_default(kind, (ALL_FIELDS,), first[0].name))
    return (*firm.ownership, *defaults)


def decide(rule: OwnershipRule | None, said: Iterable[Said], *, incumbent: tuple[str, str] | None = None) -> Decision:
    """The value of one field.

    ``incumbent`` is the system and key whose value stands now: among several records of the owner (merged by a mapping)
    it stays, else the first key wins. By a rule for the newest, whoever said its value last wins and nobody objects.
    Without a rule the incumbent stays, else the first system by name; whoever differs objects, so that nothing is
    decided in silence.
    """
    statements = sorted(said, key=lambda one: ((one.system, one.source_id) != incumbent, one.system, one.source_id))
    if rule is None:
        winner = statements[0] if statements else None
        return _decision(winner, statements, rule="no rule: first told", steward="data_steward")
    if rule.conflict is ConflictPolicy.NEWEST:
        newest = max(statements, key=lambda one: (_since(one), one.system == rule.system), default=None)
        return Decision(winner=newest, rule=f"ownership.toml: the newest {rule.object} wins", steward=rule.steward)
    own = [one for one in statements if one.system == rule.system]
    words = f"{'default' if rule.steward == DEFAULT_STEWARD else 'ownership.toml'}: {rule.system} owns {rule.object}"
    steward = "data_steward" if rule.steward == DEFAULT_STEWARD else rule.steward
    decision = _decision(own[0] if own else None, statements, rule=words, steward=steward)
    return msgspec.structs.replace(decision, proposes=rule.conflict is ConflictPolicy.PROPOSE)


def _since(said: Said) -> datetime:
    return said.since or datetime.min.replace(tzinfo=UTC)


def _decision(winner: Said | None, statements: Sequence[Said], *, rule: str, steward: str) -> Decision:
    objections = (
        ()
        if winner is None
        else tuple(one for one in statements if one.system != winner.system and one.value != winner.value)
    )
    return Decision(winner=winner, rule=rule, steward=steward, objections=objections)


def _default(
    record_type: str, fields: tuple[str, ...], system: str, entity: str | None = None, since: date | None = None
) -> OwnershipRule:
    return OwnershipRule(
        object=str(record_type), fields=fields, system=system, entity=entity, valid_from=since, steward=DEFAULT_STEWARD
    )
