"""Assignments: who is booked on what, how firmly and for how much. The resource tool owns them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tieout.model.finding import Finding, finding
from tieout.model.resource import Resource
from tieout.model.rule import refuse
from tieout.model.span import DateSpan
from tieout.model.working_time import has_hour_decimals, round_hours


class AssignmentState(StrEnum):
    """The states of ``lifecycle.ASSIGNMENT``."""

    REQUESTED = "requested"
    PROPOSED = "proposed"
    SOFT = "soft"
    HARD = "hard"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def binds_capacity(self) -> bool:
        """Whether the person's hours are firmly taken."""
        return self in {AssignmentState.HARD, AssignmentState.IN_PROGRESS}


class HoursPerDay(msgspec.Struct, frozen=True, kw_only=True, tag="hours_per_day", forbid_unknown_fields=True):
    """The same hours on each day that the person works."""

    hours: Decimal


class PercentOfCapacity(msgspec.Struct, frozen=True, kw_only=True, tag="percent", forbid_unknown_fields=True):
    """A share of the person's capacity of each day; 100 is all of it, more is overbooked and said so."""

    percent: Decimal


class Contour(msgspec.Struct, frozen=True, kw_only=True, tag="contour", forbid_unknown_fields=True):
    """Hours named day by day."""

    hours_by_day: dict[date, Decimal]


Allocation: TypeAlias = HoursPerDay | PercentOfCapacity | Contour


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One booking of a person, or of a role that no person fills yet, on a project (and task) for a span of days."""

    code: str
    project: str
    days: DateSpan
    allocation: Allocation
    state: AssignmentState
    task: str | None = None
    resource: str | None = None
    role: str | None = None
    bill_rate_override: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse open spans, bookings of nobody, firm bookings without a person, and negative hours or rates."""
        name = f"Assignment {self.code}"
        if self.days.starts is None or self.days.ends is None:
            refuse(name, "it has no first or no last day")
        if self.resource is None and self.role is None:
            refuse(name, "it names neither a person nor a role")
        if self.state.binds_capacity and self.resource is None:
            refuse(name, f"it is {self.state} but names no person")
        if self.bill_rate_override is not None and not (
            self.bill_rate_override.is_finite() and self.bill_rate_override >= 0
        ):
            refuse(name, f"a bill rate of {self.bill_rate_override} is impossible")
        self._check_allocation(name)

    def _check_allocation(self, name: str) -> None:
        stated: list[Decimal] = []
        match self.allocation:
            case HoursPerDay(hours=hours):
                stated.append(hours)
            case PercentOfCapacity(percent=percent):
                if not percent.is_finite() or percent < 0:
                    refuse(name, f"{percent} percent of the capacity is impossible")
            case Contour(hours_by_day=by_day):
                stated.extend(by_day.values())
                if not all(self.days.holds(day) for day in by_day):
                    refuse(name, "its contour names days outside its span")
        for hours in stated:
            if not has_hour_decimals(hours) or hours < 0:
                refuse(name, f"{hours} hours a day are below zero or have more than four decimals")

    def hours_on(self, day: date, capacity_hours: Decimal) -> Decimal:
        """The hours that it takes on ``day``, of which the person has ``capacity_hours``."""
        if not self.days.holds(day):
            return Decimal(0)
        match self.allocation:
            case HoursPerDay(hours=hours):
                return hours if capacity_hours else Decimal(0)
            case PercentOfCapacity(percent=percent):
                return round_hours(capacity_hours * percent / 100)
            case Contour(hours_by_day=by_day):
                return by_day.get(day, Decimal(0))


def outside_employment(assignments: Iterable[Assignment], resources: Mapping[str, Resource]) -> list[Finding]:
    """One finding for each booking that is not wholly inside the employment of its person."""
    return [
        finding(
            "RESOURCE_INACTIVE",
            f"Assignment {one.code} books {one.resource} outside the employment.",
            cause=one.resource,
            subject=f"assignment:{one.code}",
        )
        for one in assignments
        if one.resource is not None
        and one.resource in resources
        and one.state is not AssignmentState.CANCELLED
        and not resources[one.resource].employment.covers(one.days)
    ]


def overbooked_days(assignments: Iterable[Assignment], capacity: Mapping[tuple[str, date], Decimal]) -> list[Finding]:
    """One finding for each person whose firm bookings exceed the capacity, naming the first such day.

    ``capacity`` holds hours by (resource, day); a day that it does not hold has none. Soft bookings do not count.
    """
    booked: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for one in assignments:
        if one.resource is None or not one.state.binds_capacity:
            continue
        for day in _days(one.days):
            key = (one.resource, day)
            booked[key] += one.hours_on(day, capacity.get(key, Decimal(0)))
    found: dict[str, Finding] = {}
    for (resource, day), hours in sorted(booked.items()):
        available = capacity.get((resource, day), Decimal(0))
        if hours > available and resource not in found:
            found[resource] = finding(
                "OVERBOOKED",
                f"{resource} is firmly booked for {hours} hours on {day} and has {available}.",
                cause=resource,
                subject=f"resource:{resource}",
            )
    return list(found.values())


def _days(span: DateSpan) -> list[date]:
    if span.starts is None or span.ends is None:
        return []
    return [span.starts + timedelta(days=n) for n in range((span.ends - span.starts).days)]
