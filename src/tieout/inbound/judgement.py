"""Judging the newest readings: rules, price, and the person's other work; decides accepted, held or not approved.

In the order of arrival, since the later of two equal entries is the duplicate. Pure apart from filling the readings and
adding accepted work to the person's days. ``validation`` holds the rules, ``ledger.rating`` the prices.
"""

from collections.abc import Iterable, Sequence

import msgspec

from tieout.errors import InvariantError
from tieout.inbound.changes import PEER_CODES, changed_after_posting
from tieout.inbound.duplicates import MOST_ACROSS_PROJECTS, Work
from tieout.inbound.person_days import PersonDays, compared
from tieout.inbound.reading import APPROVED, Disposition, Reading
from tieout.inbound.rule_context import RuleContext
from tieout.inbound.validation import DAY_RULES, ENTRY_RULES, OWN_RULES, PRICED_RULES, SHARED_RULES, EntryRule
from tieout.ledger.rating import RateBook, Rated, RatingRequest, rate
from tieout.model.finding import Finding, Severity


def judge(heads: Iterable[Reading], context: RuleContext, rates: RateBook, days: PersonDays) -> None:
    """Give every head that has no disposition yet one, with its findings and its price."""
    for reading in heads:
        if reading.disposition:
            continue
        if reading.state != APPROVED:
            _judge_unapproved(reading)
            continue
        findings = _check(reading, context)
        _price(reading, context, rates, findings)
        if reading.posted is None:
            findings += _compare(reading, context, days)
        if _decide(reading, findings) is Disposition.ACCEPTED and reading.resource_id is not None:
            days.add(reading.resource_id, reading)


def _check(reading: Reading, context: RuleContext) -> list[Finding]:
    """The findings of the entry rules, in their order; rules of parts that passed before are not asked again."""
    said, system, day = reading.said, reading.system_id, reading.day
    parts = (
        (system, said.project, day),
        (system, said.project, said.task, said.role, ""),
        (reading.entity_id, reading.hours_e4),
    )
    passed = context.passed
    if passed.issuperset(parts):
        return [found for rule in OWN_RULES if (found := rule(reading, context)) is not None]
    findings: list[Finding] = []
    failed: set[EntryRule] = set()
    for rule in ENTRY_RULES:
        found = rule(reading, context)
        if found is not None:
            findings.append(found)
            failed.add(rule)
    if failed:
        passed.update(part for part, rules in zip(parts, SHARED_RULES.values(), strict=True) if not failed & rules)
    else:
        passed.update(parts)
    return findings


def _judge_unapproved(reading: Reading) -> None:
    changed = changed_after_posting(reading)
    if changed is None:
        reading.disposition = Disposition.NOT_APPROVED
    else:
        reading.disposition = Disposition.HELD
        reading.findings = (*reading.findings, changed)


def _price(reading: Reading, context: RuleContext, rates: RateBook, findings: list[Finding]) -> None:
    project, resource = reading.project, reading.resource
    if project is None or resource is None or reading.rules is None:
        return
    rated = rate(
        rates,
        RatingRequest(
            project=project,
            resource=resource,
            role_id=reading.role_id,
            task_id=reading.task_id,
            work_type=reading.work_type,
            day=reading.day,
            hours_e4=reading.hours_e4,
            billable=reading.said.billable,
        ),
    )
    if isinstance(rated, Rated):
        reading.rated = rated
    else:
        findings.extend(rated)
    for rule in PRICED_RULES:
        found = rule(reading, context)
        if found is not None:
            findings.append(found)


def _compare(reading: Reading, context: RuleContext, days: PersonDays) -> list[Finding]:
    resource_id = reading.resource_id
    if resource_id is None or _stands_alone(reading, days.on_day(resource_id, reading.day), context):
        return []
    others: Sequence[Work] = list(days.near(reading, resource_id))
    return [found for rule in DAY_RULES if (found := rule(reading, others, context)) is not None]


def fare_the_same(heads: Iterable[Reading], near: Sequence[Reading], context: RuleContext, days: PersonDays) -> bool:
    """Whether those of the judged ``heads`` that are ``near`` other work fare beside ``days`` as they did before.

    ``days`` is what others have accepted; the accepted heads are added to it in their order.
    """
    again = {id(one) for one in near}
    persons = {one.resource_id for one in near}
    for reading in compared(heads):
        resource_id = reading.resource_id
        if resource_id is None or resource_id not in persons:
            continue
        if id(reading) in again:
            found = [_overridden(one, _overrides(reading)) for one in _compare(reading, context, days)]
            if found != [one for one in reading.findings if one.code in PEER_CODES]:
                return False
        if reading.disposition == Disposition.ACCEPTED:
            days.add(resource_id, reading)
    return True


def _stands_alone(reading: Reading, on_day: Sequence[Work], context: RuleContext) -> bool:
    """Whether no rule of the day can find anything: no times told, no likely twin, and the day not full."""
    rules, hours_e4, project_id = reading.rules, reading.hours_e4, reading.project_id
    if rules is None or reading.started_us is not None:
        return False
    total_e4 = hours_e4
    across_projects = rules.policy.fuzzy_threshold <= MOST_ACROSS_PROJECTS
    for other in on_day:
        if other.hours_e4 == hours_e4 and (other.project_id == project_id or across_projects):
            return False
        total_e4 += other.hours_e4
    return total_e4 <= context.max_day_e4(rules, reading.resource, reading.day)


def _decide(reading: Reading, findings: list[Finding]) -> Disposition:
    changed = changed_after_posting(reading)
    if changed is not None:
        findings.insert(0, changed)
    if findings:
        overrides = _overrides(reading)
        if overrides:
            findings = [_overridden(one, overrides) for one in findings]
        reading.findings = (*reading.findings, *findings)
        if any(one.severity is Severity.BLOCK for one in findings):
            reading.disposition = Disposition.HELD
            return Disposition.HELD
    if reading.rated is None:
        raise InvariantError(
            code="TIE-INBOUND-001",
            message=f"Time entry {reading.source_id} of {reading.system} has neither a price nor a finding.",
        )
    reading.disposition = Disposition.ACCEPTED
    return Disposition.ACCEPTED


def _overrides(reading: Reading) -> frozenset[str]:
    return frozenset() if reading.released is None else reading.released.overrides


def _overridden(found: Finding, overrides: frozenset[str]) -> Finding:
    """What a person decided shall not block stays as a note; only comparisons with other work can be decided so."""
    if found.code in overrides and found.code in PEER_CODES:
        return msgspec.structs.replace(found, severity=Severity.WARN)
    return found
