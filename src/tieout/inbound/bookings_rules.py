"""What assignments and absences are judged by before they count in the plan, one short pure function each.

Only what makes one unusable by itself is judged here: who may tell it, whom and what it is about, and whether its
dates and hours can be. Whether the person has the time, is employed, or the project is open, is for the plan to say.
The order of the tables is the order of importance: the first blocking finding names the root cause on the desk.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tieout.governance.ownership import owner_of, rules_of
from tieout.inbound.bookings_reading import (
    AbsenceReading,
    AssignmentReading,
    Fact,
    FactReading,
    Outcome,
    Reported,
)
from tieout.inbound.reading import Released
from tieout.inbound.unknown_keys import unknown_person, unknown_project
from tieout.model.finding import Finding, Severity, finding
from tieout.model.firm import ConflictPolicy, FirmConfig, OwnershipRule
from tieout.model.reported import ReportedAssignment

INVALID: Final = "BOOKING_INVALID"
_LONGEST_DAYS: Final = 3_700
_YEARS: Final = range(1970, 2200)
_DAY_HOURS: Final = 24
_MAX_PERCENT: Final = 1000
_SECONDS_PER_HOUR: Final = 3600
_NAMES: Final = {"assignment": "Assignment", "time_off": "Absence"}


class Owners:
    """Which system may tell assignments and absences, by the firm's register of ownership."""

    def __init__(self, firm: FirmConfig) -> None:
        self._rules = rules_of(firm)
        self._known: dict[tuple[str, str | None, date], OwnershipRule | None] = {}

    def rule(self, noun: str, entity: str | None, on: date) -> OwnershipRule | None:
        """The rule for ``noun`` of the entity on day ``on``; None where nobody is named, or whoever tells is heard."""
        key = (noun, entity, on)
        if key not in self._known:
            rule = owner_of(self._rules, noun, "hours", entity, on)
            self._known[key] = None if rule is None or rule.conflict is ConflictPolicy.NEWEST else rule
        return self._known[key]


AbsenceRule: TypeAlias = Callable[[AbsenceReading, Owners], Finding | None]
AssignmentRule: TypeAlias = Callable[[AssignmentReading, Owners], Finding | None]


def fact_name(one: FactReading) -> str:
    """How findings name an assignment or an absence."""
    return f"{_NAMES[one.noun]} {one.source_id} of {one.system}"


def not_owner(one: Fact, owners: Owners) -> Finding | None:
    """Another system than the system of record tells it: refused, or proposed to the steward, as the rule says."""
    if isinstance(one, AssignmentReading):
        entity = None if one.project is None else one.project.entity_code
    else:
        entity = None if one.resource is None or one.resource.entity is None else one.resource.entity.code
    rule = owners.rule(one.noun, entity, one.said.starts)
    if rule is None or rule.system == one.system:
        return None
    words = "assignments are" if isinstance(one, AssignmentReading) else "time off is"
    proposes = rule.conflict is ConflictPolicy.PROPOSE
    return finding(
        "CHANGE_PROPOSED" if proposes else "NOT_OWNER",
        f"{fact_name(one)} {'is proposed by' if proposes else 'comes from'} {one.system}, but {words} owned by "
        f"{rule.system}.",
        cause=f"{one.system}:{one.noun}",
        context={"owner": rule.system, "steward": rule.steward},
        depends_on=("ownership",),
    )


def project_unknown(one: AssignmentReading, _owners: Owners) -> Finding | None:
    """No golden project stands behind the source's key."""
    if one.project is not None:
        return None
    return unknown_project(fact_name(one), one.system, one.said.project)


def person_unknown(one: Fact, _owners: Owners) -> Finding | None:
    """No golden resource stands behind the source's key; an assignment without a person waits for one."""
    key = one.said.person
    if key is None or one.resource is not None:
        return None
    return unknown_person(fact_name(one), one.system, key)


def terms_invalid(one: Fact, _owners: Owners) -> Finding | None:
    """Its days, hours and time zone cannot be, or contradict each other."""
    problem = next(_problems(one.said), None)
    if problem is None:
        return None
    return finding(
        INVALID,
        f"{fact_name(one)} {problem}.",
        cause=f"{one.system}:{one.noun}",
        context={"starts": str(one.said.starts), "ends": str(one.said.ends)},
    )


def task_unknown(one: AssignmentReading, _owners: Owners) -> Finding | None:
    """The task is not known as one of the project: a note, the hours are planned on the project."""
    key = one.said.task
    if key is None or one.project is None or one.task is not None:
        return None
    project = one.project.code or one.said.project
    return _note(
        finding(
            "TASK_UNKNOWN",
            f"{fact_name(one)} names task {key!r}, which is not known as a task of project {project}.",
            cause=f"{one.system}:{key}",
            context={"task": key, "project": project},
        )
    )


def role_unknown(one: AssignmentReading, _owners: Owners) -> Finding | None:
    """The role is not known: a note, the hours have no role then."""
    key = one.said.role
    if key is None or one.role_id is not None:
        return None
    return _note(
        finding(
            "DIMENSION_MISSING",
            f"{fact_name(one)} names role {key!r}, which is not known.",
            cause=f"role:{one.system}:{key}",
            context={"dimension": "role", "value": key},
        )
    )


ABSENCE_RULES: tuple[AbsenceRule, ...] = (not_owner, person_unknown, terms_invalid)
ASSIGNMENT_RULES: tuple[AssignmentRule, ...] = (
    not_owner,
    project_unknown,
    person_unknown,
    terms_invalid,
    task_unknown,
    role_unknown,
)


def judge_facts(heads: Iterable[Fact], owners: Owners) -> None:
    """Give every head its outcome and its findings. What its source took back is not judged: it has ended."""
    for one in heads:
        if one.has_ended:
            one.disposition = Outcome.ENDED
            continue
        if isinstance(one, AbsenceReading):
            judged = [rule(one, owners) for rule in ABSENCE_RULES]
        else:
            judged = [rule(one, owners) for rule in ASSIGNMENT_RULES]
        findings = [found for found in judged if found is not None]
        one.findings = (*one.findings, *findings)
        one.disposition = Outcome.HELD if any(found.blocks for found in findings) else Outcome.ACCEPTED


def blocking(one: FactReading) -> Finding:
    """The finding that names the root cause of a held reading: its first that blocks."""
    return next(found for found in one.findings if found.blocks)


def is_unchanged(one: FactReading) -> bool:
    """Read again and judged as before with the same golden ids: no new revision, an item is open again."""
    released: Released | None = one.released
    if not one.known or (released is None and not one.is_revaluation):
        return False
    before = one.known[-1]
    same = (before.resource_id, before.project_id, before.task_id, before.role_id) == one.golden_ids
    if one.is_revaluation:
        return same and one.disposition == before.disposition
    if released is None or one.disposition != Outcome.HELD or not same:
        return False
    cause = blocking(one)
    return (released.code, released.cause_key, released.subject_id) == (
        cause.code,
        cause.cause_key,
        before.entry_id,
    )


def _note(found: Finding) -> Finding:
    return msgspec.structs.replace(found, severity=Severity.WARN)


def _problems(said: Reported) -> Iterator[str]:
    """What is wrong with the days and hours, the first thing that makes the others meaningless first."""
    if said.starts >= said.ends:
        yield f"ends before it starts: from {said.starts} until before {said.ends}"
        return
    if said.starts.year not in _YEARS or said.ends.year not in _YEARS or _days(said) > _LONGEST_DAYS:
        yield f"lasts from {said.starts} until before {said.ends}, which no plan can hold"
        return
    zone: tzinfo | None = None
    if isinstance(said, ReportedAssignment) and said.time_zone:
        zone = zone_named(said.time_zone)
        if zone is None:
            yield f"is in time zone {said.time_zone!r}, which does not exist"
    yield from _amount_problems(said)
    yield from _hour_problems(said, zone)


def _days(said: Reported) -> int:
    return (said.ends - said.starts).days


def _amount_problems(said: Reported) -> Iterator[str]:
    if isinstance(said, ReportedAssignment):
        told = [one is not None for one in (said.hours_per_day, said.percent, said.hours_by_day)]
        if sum(told) != 1:
            yield f"says in {'several ways' if any(told) else 'no way'} how much of the person it takes"
        if said.percent is not None and not 0 <= said.percent <= _MAX_PERCENT:
            yield f"takes {said.percent} percent of the person"
        if said.bill_rate is not None and said.bill_rate < 0:
            yield f"has a bill rate of {said.bill_rate}"
    elif said.hours_per_day is not None and said.hours_by_day is not None:
        yield "says in several ways how much of the day it takes"


def _hour_problems(said: Reported, zone: tzinfo | None) -> Iterator[str]:
    if said.hours_per_day is not None and not 0 <= said.hours_per_day <= _DAY_HOURS:
        yield f"has {said.hours_per_day} hours a day"
    for day, hours in sorted((said.hours_by_day or {}).items()):
        if not said.starts <= day < said.ends:
            yield f"has hours on {day}, which is not one of its days"
        elif not 0 <= hours <= day_hours(day, zone):
            yield f"has {hours} hours on {day}, a day of {day_hours(day, zone)} hours"


def day_hours(day: date, zone: tzinfo | None) -> Decimal:
    """How many hours ``day`` has in ``zone``: 23 or 25 where the clock changes; 24 without a zone."""
    if zone is None:
        return Decimal(_DAY_HOURS)
    begins, ends = (
        datetime.combine(one, time(), tzinfo=zone).astimezone(UTC) for one in (day, day + timedelta(days=1))
    )
    return Decimal((ends - begins) // timedelta(seconds=1)) / _SECONDS_PER_HOUR


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo | None:
    """The time zone of the IANA name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
