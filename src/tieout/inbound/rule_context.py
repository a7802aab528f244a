"""What the validation rules judge by: the firm's policies and periods, made ready for thousands of entries.

Built once per batch from the reference book; pure. Neighbours: ``validation`` and ``judgement`` read it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tieout.governance.ownership import owner_of, rules_of
from tieout.inbound.source_keys import SourceKeys, source_keys
from tieout.model.firm import ClosedPeriodRule, EntityPolicy
from tieout.model.period import AccountingPeriod, PeriodCalendar
from tieout.model.working_time import hours_from_minutes
from tieout.records.facts import EntityFacts, ProjectFacts, ResourceFacts
from tieout.records.field_filling import Asked, Filled, fill_dimensions
from tieout.records.reference_book import ReferenceBook

HOUR_E4 = 10_000
_DAY_MINUTES = 24 * 60
_MAX = 50_000


class DayFacts(msgspec.Struct, frozen=True, gc=False):
    """One work date in one legal entity: its period, whether time of it can be posted, and when it counts as late."""

    period: AccountingPeriod | None
    postable: bool
    late_after: datetime | None


class EntityRules(msgspec.Struct, frozen=True):
    """The policy of one legal entity, computed out for checking.

    ``increments_e4`` are all hours of a day, in ten-thousandths, that are a multiple of the increment; ``last_day`` is
    the last work date (ordinal) that does not lie in the future where the entity is.
    """

    facts: EntityFacts
    policy: EntityPolicy
    zone: tzinfo
    increments_e4: frozenset[int]
    max_day_e4: int
    last_day: int
    days: dict[int, DayFacts]


class MissingDimension(msgspec.Struct, frozen=True, gc=False):
    """A dimension that has to have a value and has none; ``depends_on`` are the tokens of what may give it one."""

    name: str
    depends_on: tuple[str, ...]


class RuleContext:
    """The reference as the rules ask for it. ``passed``: parts of entries that ``judgement`` found good under it."""

    def __init__(self, book: ReferenceBook, now: datetime) -> None:
        self.book = book
        self.now = now
        self.passed: set[tuple[object, ...]] = set()
        self._ownership = rules_of(book.firm)
        self._keys: dict[str, SourceKeys] = {}
        self._entities: dict[int, EntityRules | None] = {}
        self._owners: dict[tuple[str | None, int], str | None] = {}
        self._labour_days: dict[tuple[int, int], int | None] = {}
        self._missing_dimensions: dict[tuple[int, int], tuple[MissingDimension, ...]] = {}
        self._fills_required = {
            entity
            for system in book.firm.systems
            if any(one.required for one in system.fields)
            for entity in system.posts_for
        }

    @property
    def is_full(self) -> bool:
        """Whether it remembers so much that a new one is better."""
        return max(len(self.passed), len(self._labour_days)) > _MAX

    def keys(self, system: str) -> SourceKeys:
        """How ``system`` names golden records."""
        try:
            return self._keys[system]
        except KeyError:
            found = self._keys[system] = source_keys(self.book, system)
            return found

    def rules_for(self, entity: EntityFacts | None) -> EntityRules | None:
        """The rules of a legal entity, or None where it is not known or has no policy."""
        if entity is None:
            return None
        try:
            return self._entities[entity.record_id]
        except KeyError:
            found = self._entities[entity.record_id] = entity_rules(entity, self.now)
            return found

    def day_of(self, rules: EntityRules, day: int) -> DayFacts:
        """What the entity's periods say of a work date (ordinal)."""
        try:
            return rules.days[day]
        except KeyError:
            found = rules.days[day] = day_facts(self.book.periods, rules.policy, rules.facts.code, day)
            return found

    def owner(self, rules: EntityRules | None, day: int) -> str | None:
        """The system that owns time entries of the entity on the day, or None where nobody is named."""
        entity = None if rules is None else rules.facts.code
        try:
            return self._owners[entity, day]
        except KeyError:
            rule = owner_of(self._ownership, "time_entry", "hours", entity, date.fromordinal(day))
            found = self._owners[entity, day] = None if rule is None else rule.system
            return found

    def max_day_e4(self, rules: EntityRules, person: ResourceFacts | None, day: int) -> int:
        """The most hours of one day (ordinal) of ``person``: by the labour policy, else by the entity's policy."""
        if person is None or not self.book.firm.labour:
            return rules.max_day_e4
        key = (person.record_id, day)
        try:
            most = self._labour_days[key]
        except KeyError:
            policy = self.book.labour_policy(person, date.fromordinal(day))
            hours = None if policy is None else policy.max_day_hours
            most = self._labour_days[key] = None if hours is None else int(hours * HOUR_E4)
        return rules.max_day_e4 if most is None else most

    def requires_dimensions(self, rules: EntityRules) -> bool:
        """Whether anything posted for the entity has to carry dimensions."""
        return bool(rules.policy.required_dimensions) or rules.facts.code in self._fills_required

    def missing_dimensions(self, rules: EntityRules, project: ProjectFacts, day: int) -> tuple[MissingDimension, ...]:
        """The dimensions that the policy or the ledger's field mappings require and that have no value on the day."""
        key = (project.record_id, day)
        try:
            return self._missing_dimensions[key]
        except KeyError:
            found = self._missing_dimensions[key] = tuple(self._missing(rules, project, date.fromordinal(day)))
            return found

    def _missing(self, rules: EntityRules, project: ProjectFacts, on: date) -> Iterator[MissingDimension]:
        book, entity = self.book, rules.facts.code
        poster = book.firm.poster_of(entity, on)
        client = None if project.client_id is None else book.client_by_id.get(project.client_id)
        filled = Filled(values={})
        if poster is not None:
            filled = fill_dimensions(Asked(system=poster, entity=entity, on=on), project, client, book.mappings)
            for one in filled.missing:
                tokens = (*(f"mapping:{table}" for table in one.tables), f"system:{poster.name}")
                yield MissingDimension(
                    one.field, tokens if client is None else (*tokens, f"record:client:{client.code}")
                )
        for name in rules.policy.required_dimensions:
            source = project.service_line or ""
            if name not in filled.values and book.map_value(name, "*", entity, source, on) is None:
                yield MissingDimension(name, (f"mapping:{name}",))


class RuleContextCache:
    """The rule context of one process, kept while the reference and the day stay the same everywhere.

    Local days begin at a quarter of an hour of UTC in every time zone. What a context remembers is bounded: it is made
    anew when that grows too large.
    """

    def __init__(self) -> None:
        self._context: RuleContext | None = None

    def get(self, book: ReferenceBook, now: datetime) -> RuleContext:
        """The context of ``book`` at ``now``."""
        known = self._context
        if known is None or known.book is not book or _quarter(known.now) != _quarter(now) or known.is_full:
            known = self._context = RuleContext(book, now)
        return known


def _quarter(instant: datetime) -> int:
    return int(instant.timestamp()) // 900


def entity_rules(facts: EntityFacts, now: datetime) -> EntityRules | None:
    """The rules of one entity at the instant ``now``; None without a policy."""
    policy = facts.policy
    if policy is None:
        return None
    zone = zone_of(facts)
    return EntityRules(
        facts=facts,
        policy=policy,
        zone=zone,
        increments_e4=increments(policy.increment_minutes),
        max_day_e4=int(policy.max_day_hours * HOUR_E4),
        last_day=now.astimezone(zone).date().toordinal() + policy.future_days,
        days={},
    )


def zone_of(facts: EntityFacts) -> tzinfo:
    """The time zone of an entity; UTC where it tells none or one that does not exist."""
    try:
        return ZoneInfo(facts.time_zone) if facts.time_zone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


@cache
def increments(minutes: int) -> frozenset[int]:
    """All multiples of ``minutes`` up to a day as ten-thousandths of an hour (20 minutes are 3333)."""
    step = max(1, minutes)
    return frozenset(int(hours_from_minutes(one) * HOUR_E4) for one in range(step, _DAY_MINUTES + 1, step))


def day_facts(periods: PeriodCalendar, policy: EntityPolicy, entity: str, day: int) -> DayFacts:
    """The period of a work date; postable: by the policy there is an open period that its time can go into."""
    work_date = date.fromordinal(day)
    period = periods.period_of(entity, work_date)
    if period is None:
        return DayFacts(None, postable=False, late_after=None)
    if policy.closed_period is ClosedPeriodRule.DESK:
        postable = period.takes_time
    else:
        postable = periods.first_open_from(entity, work_date) is not None
    cut_off = datetime(period.ends.year, period.ends.month, period.ends.day, tzinfo=UTC)
    return DayFacts(period, postable=postable, late_after=cut_off + timedelta(days=policy.late_after_days))
