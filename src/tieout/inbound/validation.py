"""The rules that a time entry is judged by (domain model 2.5), one short pure function each.

``ENTRY_RULES`` look at the entry and the reference; ``DAY_RULES`` also at the other work of the person around that
day; ``PRICED_RULES`` also at what the entry is worth. The order of the tables is the order of importance: the first
blocking finding names the root cause on the desk. Whether a rule's subject is known at all (is there a project?) is
each rule's own first question, so that one unknown key does not raise every rule that needed it. Missing rates come as
findings from ``ledger.rating``.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeAlias

from tieout.inbound.claims import amount_tampered, entry_name, with_policy
from tieout.inbound.duplicates import Work, is_candidate, is_correction, is_natural_duplicate, likeness, overlap_us
from tieout.inbound.reading import HOUR_E4, Reading
from tieout.inbound.rule_context import RuleContext
from tieout.inbound.unknown_keys import unknown_person, unknown_project
from tieout.model.finding import Finding, finding
from tieout.records.facts import ResourceFacts
from tieout.records.mapping import LABOUR_POLICIES

EntryRule: TypeAlias = Callable[[Reading, RuleContext], Finding | None]
DayRule: TypeAlias = Callable[[Reading, Sequence[Work], RuleContext], Finding | None]

BEFORE_GO_LIVE = "BEFORE_GO_LIVE"
_OPEN_STATUSES = frozenset({None, "active"})
_DAY_E4 = 24 * HOUR_E4
_HALF_MINUTE_E4 = 83
_US_PER_E4 = 360_000


def _day(entry: Reading) -> date:
    return entry.said.work_date


def _project(entry: Reading) -> str:
    return entry.said.project if entry.project is None else entry.project.code or entry.said.project


def _hours(hours_e4: int) -> Decimal:
    return Decimal(hours_e4) / HOUR_E4


def not_owner(entry: Reading, context: RuleContext) -> Finding | None:
    """Another system than the system of record of time reports it."""
    owner = context.owner(entry.rules, entry.day)
    if owner is None or owner == entry.system:
        return None
    return finding(
        "NOT_OWNER",
        f"{entry_name(entry)} comes from {entry.system}, but time is owned by {owner}.",
        cause=f"{entry.system}:time_entry",
        context={"owner": owner},
        depends_on=("ownership",),
    )


def project_unknown(entry: Reading, _context: RuleContext) -> Finding | None:
    """No golden project stands behind the source's key."""
    if entry.project is not None:
        return None
    return unknown_project(entry_name(entry), entry.system, entry.said.project)


def person_unknown(entry: Reading, _context: RuleContext) -> Finding | None:
    """No golden resource stands behind the source's key."""
    if entry.resource is not None:
        return None
    return unknown_person(entry_name(entry), entry.system, entry.said.person)


def task_unknown(entry: Reading, _context: RuleContext) -> Finding | None:
    """The task is not known, or belongs to another project."""
    key = entry.said.task
    if key is None or entry.project is None:
        return None
    if entry.task is not None and entry.task.project_id == entry.project_id:
        return None
    return finding(
        "TASK_UNKNOWN",
        f"{entry_name(entry)} names task {key!r}, which is not known as a task of project {_project(entry)}.",
        cause=f"{entry.system}:{key}",
        context={"task": key, "project": _project(entry)},
        depends_on=(f"record:task:{entry.system}:{key}",),
    )


def legal_entity_unmapped(entry: Reading, _context: RuleContext) -> Finding | None:
    """The project's legal entity is not known here, or has no policy to post by."""
    if entry.project is None or entry.rules is not None:
        return None
    code = entry.project.entity_code
    if code is None:
        said, project = entry.project.entity_said, _project(entry)
        return finding(
            "LEGAL_ENTITY_UNMAPPED",
            f"{entry_name(entry)}: the legal entity of project {project} ({said or 'not told'}) has no mapping.",
            cause=said or project,
            context={"project": project, "legal_entity": said or ""},
            depends_on=("mapping:legal_entities", f"record:project:{project}"),
        )
    return finding(
        "LEGAL_ENTITY_UNMAPPED",
        f"{entry_name(entry)}: legal entity {code} has no policy, so nothing of it can be posted.",
        cause=f"policy:{code}",
        context={"legal_entity": code},
        depends_on=(f"policy:{code}", "mapping:legal_entities"),
    )


def resource_inactive(entry: Reading, _context: RuleContext) -> Finding | None:
    """The work date lies outside the person's employment, whose end is the first day after it."""
    person = entry.resource
    if person is None:
        return None
    if not person.deleted and _employed(person, entry.said.work_date):
        return None
    return finding(
        "RESOURCE_INACTIVE",
        f"{entry_name(entry)}: {person.name} was not employed on {_day(entry)}.",
        cause=f"{person.record_id}",
        context={"person": person.name, "work_date": str(_day(entry))},
        depends_on=(f"record:resource:{entry.system}:{entry.said.person}",),
    )


def _employed(person: ResourceFacts, day: date) -> bool:
    starts, ends = person.employment_from, person.employment_to
    return (starts is None or starts <= day) and (ends is None or day < ends)


def project_closed(entry: Reading, _context: RuleContext) -> Finding | None:
    """The project's status takes no time; a source that tells no status is not checked."""
    project = entry.project
    if project is None or (project.status in _OPEN_STATUSES and not project.deleted):
        return None
    code, status = _project(entry), "deleted" if project.deleted else project.status
    return finding(
        "PROJECT_CLOSED",
        f"{entry_name(entry)}: project {code} is {status} and takes no time.",
        cause=code,
        context={"project": code, "status": status or ""},
        depends_on=(f"record:project:{code}",),
    )


def task_not_open(entry: Reading, _context: RuleContext) -> Finding | None:
    """The task takes no time."""
    if entry.task is None or (entry.task.open_for_time is not False and not entry.task.deleted):
        return None
    return finding(
        "TASK_NOT_OPEN",
        f"{entry_name(entry)}: task {entry.task.name!r} takes no time.",
        cause=f"{entry.task.record_id}",
        context={"task": entry.task.name},
        depends_on=(f"record:task:{entry.system}:{entry.said.task}",),
    )


def role_unmapped(entry: Reading, _context: RuleContext) -> Finding | None:
    """The entry names a role that stands for none of ours."""
    if entry.said.role is None or entry.role_id is not None:
        return None
    return finding(
        "DIMENSION_MISSING",
        f"{entry_name(entry)} names role {entry.said.role!r}, which is not known.",
        cause=f"role:{entry.system}:{entry.said.role}",
        context={"dimension": "role", "value": entry.said.role},
        depends_on=("mapping:roles", f"record:role:{entry.system}:{entry.said.role}"),
    )


def dimension_missing(entry: Reading, context: RuleContext) -> Finding | None:
    """A dimension that the entity's policy or a field mapping of its ledger requires has no value for the project."""
    rules = entry.rules
    if rules is None or entry.project is None or not context.requires_dimensions(rules):
        return None
    missing = context.missing_dimensions(rules, entry.project, entry.day)
    if not missing:
        return None
    return finding(
        "DIMENSION_MISSING",
        f"{entry_name(entry)}: project {_project(entry)} has no {missing[0].name} on {_day(entry)}.",
        cause=f"{missing[0].name}:{rules.facts.code}:{entry.project.service_line or _project(entry)}",
        context={"dimension": missing[0].name, "project": _project(entry)},
        depends_on=(*(token for one in missing for token in one.depends_on), f"record:project:{_project(entry)}"),
    )


def approval_missing(entry: Reading, _context: RuleContext) -> Finding | None:
    """Approved by nobody."""
    if entry.said.approved_by:
        return None
    return finding("APPROVAL_MISSING", f"{entry_name(entry)} is approved, but names no approver.", cause=entry.system)


def approver_is_submitter(entry: Reading, _context: RuleContext) -> Finding | None:
    """The approver is the person who worked."""
    if entry.said.approved_by != entry.said.person:
        return None
    return finding(
        "APPROVER_IS_SUBMITTER",
        f"{entry_name(entry)} was approved by {entry.said.person!r}, who did the work.",
        cause=f"{entry.system}:{entry.said.person}",
        context={"person": entry.said.person},
    )


def hours_range(entry: Reading, _context: RuleContext) -> Finding | None:
    """Hours above 0, 24 at most."""
    if 0 < entry.hours_e4 <= _DAY_E4:
        return None
    return finding(
        "HOURS_RANGE",
        f"{entry_name(entry)} has {_hours(entry.hours_e4)} hours; a day has more than 0 and at most 24.",
        cause=entry.system,
        context={"hours": str(_hours(entry.hours_e4))},
    )


def increment(entry: Reading, _context: RuleContext) -> Finding | None:
    """Hours are a multiple of the entity's increment."""
    rules = entry.rules
    if rules is None or entry.hours_e4 in rules.increments_e4 or not 0 < entry.hours_e4 <= _DAY_E4:
        return None
    return finding(
        "INCREMENT",
        f"{entry_name(entry)} has {_hours(entry.hours_e4)} hours, not a multiple of "
        f"{rules.policy.increment_minutes} minutes.",
        cause=rules.facts.code,
        context={"hours": str(_hours(entry.hours_e4)), "increment_minutes": str(rules.policy.increment_minutes)},
        depends_on=(f"policy:{rules.facts.code}",),
    )


def duration_mismatch(entry: Reading, _context: RuleContext) -> Finding | None:
    """Hours agree with end minus start, to half a minute; instants, so a night of a clock change is right."""
    if entry.started_us is None or entry.ended_us is None:
        return None
    elapsed_e4 = (entry.ended_us - entry.started_us) // _US_PER_E4
    if abs(elapsed_e4 - entry.hours_e4) <= _HALF_MINUTE_E4:
        return None
    return finding(
        "DURATION_MISMATCH",
        f"{entry_name(entry)} has {_hours(entry.hours_e4)} hours, but end minus start is {_hours(elapsed_e4)}.",
        cause=entry.system,
        context={"hours": str(_hours(entry.hours_e4)), "elapsed_hours": str(_hours(elapsed_e4))},
    )


def narrative_missing(entry: Reading, _context: RuleContext) -> Finding | None:
    """The entity requires a narrative and there is none."""
    if entry.narrative and not entry.narrative.isspace():
        return None
    rules = entry.rules
    if rules is None or not rules.policy.narrative_required:
        return None
    return finding(
        "NARRATIVE_MISSING",
        f"{entry_name(entry)} says nothing about the work; {rules.facts.code} requires a narrative.",
        cause=rules.facts.code,
        depends_on=(f"policy:{rules.facts.code}",),
    )


def is_before_go_live(entry: Reading) -> bool:
    """Whether the work lies before the day from which Tieout posts for the legal entity."""
    rules = entry.rules
    return rules is not None and rules.policy.go_live is not None and _day(entry) < rules.policy.go_live


def before_go_live(entry: Reading, _context: RuleContext) -> Finding | None:
    """An earlier integration has posted the work, or somebody by hand."""
    rules = entry.rules
    if rules is None or not is_before_go_live(entry):
        return None
    return finding(
        BEFORE_GO_LIVE,
        f"{entry_name(entry)} is dated {_day(entry)}, before {rules.facts.code} went live on {rules.policy.go_live}.",
        cause=rules.facts.code,
        depends_on=(f"policy:{rules.facts.code}",),
    )


def future_dated(entry: Reading, _context: RuleContext) -> Finding | None:
    """The work date lies after today, where the legal entity is."""
    rules = entry.rules
    if rules is None or entry.day <= rules.last_day:
        return None
    due = date.fromordinal(entry.day - rules.policy.future_days)
    begins = datetime.combine(due, time(), tzinfo=rules.zone)
    return finding(
        "FUTURE_DATED",
        f"{entry_name(entry)} is dated {_day(entry)}, which is still to come.",
        cause=str(due),
        context={"work_date": str(_day(entry)), "not_before": begins.isoformat()},
        depends_on=(f"policy:{rules.facts.code}",),
    )


def period_unknown(entry: Reading, context: RuleContext) -> Finding | None:
    """No period of the entity covers the work date."""
    rules = entry.rules
    if rules is None or context.day_of(rules, entry.day).period is not None:
        return None
    entity = rules.facts.code
    return finding(
        "PERIOD_UNKNOWN",
        f"{entry_name(entry)}: no accounting period of {entity} covers {_day(entry)}.",
        cause=f"{entity}:{_day(entry):%Y-%m}",
        context={"legal_entity": entity, "work_date": str(_day(entry))},
        depends_on=(f"periods:{entity}",),
    )


def period_closed(entry: Reading, context: RuleContext) -> Finding | None:
    """The period takes no time, and by the entity's policy there is no open one to post it in."""
    rules = entry.rules
    if rules is None:
        return None
    day = context.day_of(rules, entry.day)
    if day.postable or day.period is None:
        return None
    entity, code = rules.facts.code, day.period.code
    return finding(
        "PERIOD_CLOSED",
        f"{entry_name(entry)}: period {code} of {entity} is {day.period.state.value} for {_day(entry)}.",
        cause=f"{entity}:{code}",
        context={"legal_entity": entity, "period": code},
        depends_on=(f"periods:{entity}", f"policy:{entity}"),
    )


def late(entry: Reading, context: RuleContext) -> Finding | None:
    """Approved after the cut-off of its period (domain model 2.7); a note, not a hold."""
    rules = entry.rules
    approved_at = entry.said.approved_at
    if rules is None or approved_at is None:
        return None
    cut_off = context.day_of(rules, entry.day).late_after
    if cut_off is None or approved_at <= cut_off:
        return None
    return finding(
        "LATE",
        f"{entry_name(entry)} was approved at {approved_at:%Y-%m-%d}, after the cut-off {cut_off:%Y-%m-%d}.",
        cause=rules.facts.code,
        context={"cut_off": f"{cut_off:%Y-%m-%d}"},
    )


ENTRY_RULES: tuple[EntryRule, ...] = (
    before_go_live,
    not_owner,
    project_unknown,
    person_unknown,
    legal_entity_unmapped,
    task_unknown,
    role_unmapped,
    resource_inactive,
    project_closed,
    task_not_open,
    hours_range,
    increment,
    duration_mismatch,
    future_dated,
    period_unknown,
    period_closed,
    dimension_missing,
    approval_missing,
    approver_is_submitter,
    narrative_missing,
    late,
)
SHARED_RULES: dict[str, frozenset[EntryRule]] = {
    "project_day": frozenset(
        {
            before_go_live,
            not_owner,
            project_unknown,
            legal_entity_unmapped,
            project_closed,
            future_dated,
            period_unknown,
            period_closed,
            dimension_missing,
        }
    ),
    "task": frozenset({task_unknown, role_unmapped, task_not_open}),
    "hours": frozenset({hours_range, increment}),
}
"""Rules that only look at a part of the entry which many entries share (``judgement`` remembers the parts that passed):
system, project and day; system, project, task and role; legal entity and hours."""

OWN_RULES: tuple[EntryRule, ...] = tuple(
    rule for rule in ENTRY_RULES if not any(rule in shared for shared in SHARED_RULES.values())
)
"""The rules that look at the entry itself and are asked for each."""


def duplicate_natural(entry: Reading, others: Sequence[Work], context: RuleContext) -> Finding | None:
    """Another accepted entry says the same work."""
    for other in others:
        if is_natural_duplicate(entry, other) and not is_correction(entry, other):
            return _duplicate("DUPLICATE_NATURAL", entry, other, context, "100")
    return None


def duplicate_fuzzy(entry: Reading, others: Sequence[Work], context: RuleContext) -> Finding | None:
    """Another accepted entry says nearly the same work, by the threshold of the entity."""
    rules = entry.rules
    if rules is None:
        return None
    for other in others:
        if not is_candidate(entry, other) or is_natural_duplicate(entry, other) or is_correction(entry, other):
            continue
        score = likeness(entry, other)
        if score >= rules.policy.fuzzy_threshold:
            return _duplicate("DUPLICATE_FUZZY", entry, other, context, f"{score:.0f}")
    return None


def _duplicate(code: str, entry: Reading, other: Work, context: RuleContext, score: str) -> Finding:
    system = context.book.system_names[other.system_id]
    found = finding(
        code,
        f"{entry_name(entry)} says {'the' if score == '100' else 'nearly the'} same work as {other.source_id} of "
        f"{system} on {date.fromordinal(other.day)} ({_hours(other.hours_e4)} h).",
        cause=f"{entry.system}:{system}",
        context={"other_system": system, "other_source_id": other.source_id, "score": score},
        depends_on=(),
    )
    rules = entry.rules
    if rules is None:
        return found
    natural = code == "DUPLICATE_NATURAL"
    policy = rules.policy.natural_duplicate if natural else rules.policy.fuzzy_duplicate
    return with_policy(found, policy)


def overlap(entry: Reading, others: Sequence[Work], _context: RuleContext) -> Finding | None:
    """The person's times overlap with another entry's; spans are half-open, so touching is no overlap."""
    if entry.started_us is None:
        return None
    for other in others:
        if overlap_us(entry, other) and not is_correction(entry, other):
            return finding(
                "OVERLAP",
                f"{entry_name(entry)} overlaps in time with {other.source_id} on {date.fromordinal(other.day)}.",
                cause=entry.system,
                context={"other_source_id": other.source_id},
            )
    return None


def day_total(entry: Reading, others: Sequence[Work], context: RuleContext) -> Finding | None:
    """The person's accepted hours of the day and these are more than the labour policy or the entity allows."""
    rules = entry.rules
    if rules is None:
        return None
    total_e4 = entry.hours_e4
    for other in others:
        if other.day == entry.day:
            total_e4 += other.hours_e4
    most_e4 = context.max_day_e4(rules, entry.resource, entry.day)
    if total_e4 <= most_e4:
        return None
    return finding(
        "DAY_TOTAL",
        f"{entry_name(entry)} brings the day {_day(entry)} to {_hours(total_e4)} hours; {_hours(most_e4)} are allowed.",
        cause=rules.facts.code,
        context={"day_hours": str(_hours(total_e4)), "work_date": str(_day(entry))},
        depends_on=(
            f"policy:{rules.facts.code}",
            f"mapping:{LABOUR_POLICIES}",
            f"record:resource:{entry.system}:{entry.said.person}",
        ),
    )


DAY_RULES: tuple[DayRule, ...] = (duplicate_natural, duplicate_fuzzy, overlap, day_total)


PRICED_RULES: tuple[EntryRule, ...] = (amount_tampered,)
