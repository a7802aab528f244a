"""What the plan knows of people, holidays, skills, demand and budgets at one version of the reference. Pure.

The reference book has what every step needs; this adds what only the plan asks for, and tells by a digest of each
person and project whether anything that capacity, prices or findings follow from has changed. Neighbours: ``reader``
reads the records, ``step`` compares the digests.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Final, NamedTuple

import msgspec

from tieout.errors import ContractError
from tieout.ledger.rate_lines import FOR_EVER, RateContext, RateKey
from tieout.ledger.rating import HOUR_E4, RateBook
from tieout.model.firm import FirmConfig
from tieout.model.identity import content_hash
from tieout.model.money import to_minor
from tieout.model.reported import FieldValue, RecordType
from tieout.model.stream_policy import PlanToAllocate
from tieout.records.fact_building import StoredRecord
from tieout.records.facts import ProjectFacts, ResourceFacts
from tieout.records.mapping import ANY
from tieout.records.reference_book import ReferenceBook
from tieout.streams.plan_to_allocate.calendar import DAYS, WHOLE_E4, Person, day_of, even_pattern
from tieout.streams.plan_to_allocate.demand import Demand, by_project
from tieout.streams.plan_to_allocate.public_holidays import LIBRARY, PublicHolidays, country_of

LOCATIONS: Final = "locations"
PUBLISH: Final = "publish_demand"
_DAY: Final = Decimal(24)
_MAX_WEEK: Final = _DAY * DAYS
_GENERIC: Final = "generic"
READ_TYPES: Final = (
    RecordType.RESOURCE,
    RecordType.HOLIDAY,
    RecordType.SKILL,
    RecordType.RESOURCE_SKILL,
    RecordType.DEMAND,
    RecordType.PROJECT,
)
"""The records that a plan book is made of, beside the reference book."""


class _Whereabouts(NamedTuple):
    """What holidays depend on."""

    entity_id: int | None
    country: str | None
    location: str | None


class DayOff(NamedTuple):
    """One holiday of a person: told by a golden record (``record_id``), or by law of ``place``."""

    day: int
    name: str
    share_e4: int
    record_id: int | None
    place: str | None


class Budget(msgspec.Struct, frozen=True, gc=False):
    """What a project may use: hours, and money in minor units of the project's currency; None where not told."""

    hours_e4: int | None = None
    amount_minor: int | None = None


class PlanBook:
    """One version of what plans are made by. Lives as long as its reference book and rate book are the newest."""

    def __init__(
        self, book: ReferenceBook, rates: RateBook, records: Iterable[StoredRecord], sold: Iterable[Demand]
    ) -> None:
        """``records`` are of ``READ_TYPES``, ``sold`` the demand of deals. The firm has a policy of this stream."""
        self.book = book
        self.rates = rates
        self.policy: PlanToAllocate = book.firm.streams.plan_to_allocate or PlanToAllocate()
        kinds: dict[str, list[StoredRecord]] = defaultdict(list)
        for record in records:
            kinds[record.type].append(record)
        self._holidays = [one for one in kinds[RecordType.HOLIDAY] if not one.tombstone]
        self._free: dict[_Whereabouts, dict[int, int]] = {}
        self._public = {place: PublicHolidays(place) for place in self.policy.public_holidays}
        self._default_pattern = even_pattern(_e4(self.policy.weekly_hours))
        skills = self._skills(kinds[RecordType.SKILL], kinds[RecordType.RESOURCE_SKILL])
        self.people = {one.record_id: self._person(one, skills) for one in kinds[RecordType.RESOURCE]}
        self.budgets = {one.record_id: _budget(one, book.project_by_id) for one in kinds[RecordType.PROJECT]}
        planned = (found for one in kinds[RecordType.DEMAND] if (found := self._demand(one)) is not None)
        self.demand = by_project(planned, sold)
        self._stand_ins: dict[int | None, Person] = {}

    def person(self, person_id: int | None, project: ProjectFacts | None) -> Person:
        """A person, or who stands for a role of the project that nobody fills (record id 0)."""
        known = None if person_id is None else self.people.get(person_id)
        if known is not None:
            return known
        entity = None if project is None else project.entity
        entity_id = None if entity is None else entity.record_id
        made = self._stand_ins.get(entity_id)
        if made is None:
            where = _Whereabouts(entity_id, None if entity is None else entity.country, None)
            made = self._stand_ins[entity_id] = Person(
                record_id=0,
                name="nobody",
                pattern=self._default_pattern,
                free=self._days_off(where),
                public=self._by_law(where),
                entity_id=entity_id,
                is_assumed=True,
                is_placeholder=True,
            )
        return made

    def resource(self, person_id: int | None) -> ResourceFacts:
        """The person as rates know it; record id 0 while nobody fills the role."""
        known = None if person_id is None else self.book.resource_by_id.get(person_id)
        return known or ResourceFacts(record_id=0, name="nobody")

    def place(self, word: str | None, system: str = ANY) -> str | None:
        """A location by the firm's own word for it (mapping table ``locations``), else as told."""
        if not word:
            return None
        return self.book.map_value(LOCATIONS, system, ANY, word, self.book.on) or word

    def holidays_of(self, person: Person, days: range) -> list[DayOff]:
        """The holidays that take hours of ``days`` from the person, each with what tells it."""
        where = self._whereabouts(person)
        told = [
            DayOff(day, _text(one.fields.get("name")) or "", _share(one.fields.get("fraction")), one.record_id, None)
            for one in self._holidays
            if (day := _ordinal(one.fields.get("day"))) is not None and day in days and self._is_for(one, where)
        ]
        by_law = [
            DayOff(day, name, WHOLE_E4, None, person.public.place)
            for day in days
            if person.public is not None and day not in person.free and (name := person.public.name_of(day)) is not None
        ]
        worked = (one for one in (*told, *by_law) if day_of(person, one.day).calendar_e4)
        return sorted(worked, key=lambda one: (one.day, one.record_id or 0))

    @cached_property
    def person_digests(self) -> dict[int, bytes]:
        """A digest of each person over everything that capacity, cost and findings follow from."""
        rules = self._rules
        return {
            person_id: content_hash(
                [
                    rules,
                    msgspec.structs.replace(one, name="", free={}, public=None),
                    sorted(one.free.items()),
                    self._own_lines(one),
                    *([] if one.public is None else [LIBRARY, one.public.place]),
                ]
            )
            for person_id, one in self.people.items()
        }

    @cached_property
    def project_digests(self) -> dict[int, bytes]:
        """A digest of each project over everything that prices and findings follow from."""
        unbillable: dict[int | None, list[int]] = defaultdict(list)
        for task in self.book.task_by_id.values():
            if task.billable is False:
                unbillable[task.project_id].append(task.record_id)
        return {
            project_id: content_hash(
                [
                    self._rules,
                    _terms_of(project),
                    sorted(unbillable[project_id]),
                    self._lines(project),
                    self.budgets.get(project_id, Budget()),
                    list(self.demand.get(project_id, ())),
                    self._audience(project),
                ]
            )
            for project_id, project in self.book.project_by_id.items()
        }

    @property
    def _rules(self) -> list[object]:
        return [msgspec.to_builtins(self.policy, builtin_types=(Decimal,)), _places(self.book.firm)]

    def _audience(self, project: ProjectFacts) -> list[object]:
        """Whom demand is published to, and the customer's name that is published with it."""
        client = None if project.client_id is None else self.book.client_by_id.get(project.client_id)
        systems = [[one.name, *one.posts_for] for one in self.book.firm.systems if PUBLISH in one.takes]
        return [None if client is None else client.name, *systems]

    def _own_lines(self, person: Person) -> list[int]:
        """The ids of the rate lines that name the person and no project."""
        return sorted(
            line.rate_line_id
            for context in RateContext
            for line in self.rates.lines.related(_key(context, resource_id=person.record_id))
            if line.resource_id == person.record_id
        )

    def _lines(self, project: ProjectFacts) -> list[int]:
        """The ids of the rate lines that may price the project, whoever works on it."""
        return sorted(
            line.rate_line_id
            for context in RateContext
            for line in self.rates.lines.related(_key(context, project=project))
        )

    def _person(self, record: StoredRecord, skills: Mapping[int, frozenset[str]]) -> Person:
        facts = self.book.resource_by_id.get(record.record_id)
        entity = None if facts is None else facts.entity
        where = _Whereabouts(
            None if entity is None else entity.record_id,
            None if entity is None else entity.country,
            self.place(_text(record.fields.get("location"))),
        )
        pattern = _pattern(record.fields, self._weekly_hours(facts))
        return Person(
            record_id=record.record_id,
            name=str(record.record_id) if facts is None else facts.name,
            pattern=pattern or self._default_pattern,
            free=self._days_off(where),
            public=self._by_law(where),
            employed_from=_ordinal(record.fields.get("employment_from")) or 0,
            employed_to=0 if record.tombstone else _ordinal(record.fields.get("employment_to")) or FOR_EVER,
            entity_id=where.entity_id,
            role_id=None if facts is None else facts.role_id,
            location=where.location,
            skills=skills.get(record.record_id, frozenset()) if skills else None,
            is_assumed=pattern is None,
            is_placeholder=record.fields.get("kind") == _GENERIC,
        )

    def _weekly_hours(self, facts: ResourceFacts | None) -> Decimal | None:
        """The week of the person's labour policy of today."""
        policy = None if facts is None else self.book.labour_policy(facts, self.book.on)
        return None if policy is None else policy.weekly_hours

    def _days_off(self, where: _Whereabouts) -> dict[int, int]:
        """The holidays of whoever is there: those that name nothing else than the entity, country and location."""
        known = self._free.get(where)
        if known is None:
            known = self._free[where] = {}
            for one in self._holidays:
                day = _ordinal(one.fields.get("day"))
                if day is not None and self._is_for(one, where):
                    known[day] = min(WHOLE_E4, known.get(day, 0) + _share(one.fields.get("fraction")))
        return known

    def _by_law(self, where: _Whereabouts) -> PublicHolidays | None:
        """The holidays by law of whoever is there: those of the part of the country, else of the country."""
        part = self._public.get(where.location or "")
        if part is not None and part.place != where.country and country_of(part.place) == where.country:
            return part
        return self._public.get(where.country or "")

    def _whereabouts(self, person: Person) -> _Whereabouts:
        entity = None if person.entity_id is None else self.book.entity_by_id.get(person.entity_id)
        return _Whereabouts(person.entity_id, None if entity is None else entity.country, person.location)

    def _is_for(self, holiday: StoredRecord, where: _Whereabouts) -> bool:
        country = _text(holiday.fields.get("country"))
        location = self.place(_text(holiday.fields.get("location")))
        entity = holiday.refs.get("legal_entity")
        return (
            (country is None or country == where.country)
            and (location is None or location == where.location)
            and (entity is None or self.book.resolver.entity(entity) == where.entity_id)
        )

    def _skills(self, skills: Iterable[StoredRecord], abilities: Iterable[StoredRecord]) -> dict[int, frozenset[str]]:
        """By person: the names and codes of what the person can, in lower case."""
        words = {
            one.record_id: {word.casefold() for word in (one.code, _text(one.fields.get("name"))) if word}
            for one in skills
            if not one.tombstone
        }
        found: dict[int, set[str]] = defaultdict(set)
        for one in abilities:
            person = self.book.resolver.record(RecordType.RESOURCE, one.refs.get("resource"))
            skill = self.book.resolver.record(RecordType.SKILL, one.refs.get("skill"))
            if person is not None and skill is not None and not one.tombstone:
                found[person] |= words.get(skill, set())
        return {person: frozenset(own) for person, own in found.items()}

    def _demand(self, record: StoredRecord) -> Demand | None:
        project_id = self.book.resolver.record(RecordType.PROJECT, record.refs.get("project"))
        if project_id is None or record.tombstone:
            return None
        role_id = self.book.resolver.record(RecordType.ROLE, record.refs.get("role"))
        role = None if role_id is None else self.book.role_by_id.get(role_id)
        number = _text(record.fields.get("number")) or str(record.record_id)
        return demand_line(project_id, number, role_id, "" if role is None else role.code or role.name, record.fields)


def demand_line(
    project_id: int, number: str, role_id: int | None, role: str, fields: Mapping[str, FieldValue]
) -> Demand:
    """A line of demand by the fields of its record; ``skills`` are names with commas between."""
    hours = decimal(fields.get("hours"))
    return Demand(
        project_id=project_id,
        number=number,
        role_id=role_id,
        role=role,
        hours_e4=0 if hours is None else _e4(hours),
        starts=_ordinal(fields.get("starts")) or 0,
        ends=_ordinal(fields.get("ends")) or FOR_EVER,
        location=_text(fields.get("location")),
        skills=tuple(word.strip() for word in (_text(fields.get("skills")) or "").split(",") if word.strip()),
    )


def _pattern(fields: Mapping[str, FieldValue], policy_hours: Decimal | None) -> tuple[int, ...] | None:
    """Hours by weekday as worked, else weekly hours times the share of full time; None where nobody tells any.

    ``policy_hours`` are the weekly hours of the labour policy, for those of whom no system tells any.
    """
    words = (_text(fields.get("working_hours")) or "").split()
    by_weekday = [hours for word in words if (hours := decimal(word)) is not None and 0 <= hours <= _DAY]
    if len(by_weekday) == DAYS == len(words):
        return tuple(_e4(hours) for hours in by_weekday)
    weekly = decimal(fields.get("weekly_hours"))
    if weekly is None or not 0 <= weekly <= _MAX_WEEK:
        weekly = policy_hours
    if weekly is None:
        return None
    fte = decimal(fields.get("fte"))
    return even_pattern(_e4(weekly * (Decimal(1) if fte is None or not 0 < fte <= 1 else fte)))


def _terms_of(project: ProjectFacts) -> list[object]:
    policy = None if project.entity is None else project.entity.policy
    by = None if policy is None else [policy.rounding, policy.round_hours_first, policy.hours_per_day]
    by_rates = [project.entity_id, project.client_id, project.rate_card_id, project.currency]
    named = [project.code, project.name, project.starts, project.ends]
    return [project.status, project.deleted, *by_rates, by, *named]


def _places(firm: FirmConfig) -> list[list[str]]:
    return [[one.system, one.source, one.target] for one in firm.mappings if one.table == LOCATIONS]


def _key(context: RateContext, *, project: ProjectFacts | None = None, resource_id: int = 0) -> RateKey:
    return RateKey(
        context=context,
        entity_id=None if project is None else project.entity_id,
        client_id=None if project is None else project.client_id,
        project_id=0 if project is None else project.record_id,
        rate_card_id=None if project is None else project.rate_card_id,
        role_id=None,
        resource_id=resource_id,
        task_id=None,
        work_type=0,
    )


def _budget(record: StoredRecord, projects: Mapping[int, ProjectFacts]) -> Budget:
    hours, amount = decimal(record.fields.get("budget_hours")), decimal(record.fields.get("budget_amount"))
    project = projects.get(record.record_id)
    minor = None
    if amount is not None and amount > 0 and project is not None and project.currency is not None:
        try:
            minor = to_minor(amount, project.currency)
        except ContractError:
            minor = None
    return Budget(None if hours is None or hours <= 0 else _e4(hours), minor)


def _share(value: FieldValue) -> int:
    share = decimal(value)
    return WHOLE_E4 if share is None or not 0 < share <= 1 else int(share * WHOLE_E4)


def _e4(hours: Decimal) -> int:
    return int((hours * HOUR_E4).to_integral_value())


def _text(value: FieldValue) -> str | None:
    return value if isinstance(value, str) and value else None


def decimal(value: FieldValue) -> Decimal | None:
    """A number that a record states; None where it states none."""
    if not isinstance(value, str):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _ordinal(value: FieldValue) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value).toordinal()
    except ValueError:
        return None
