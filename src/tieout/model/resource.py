"""Resources: the people (and placeholders) who do the work, what they can, and when they work.

HCM owns workers, employment, calendars and time off; the PSA owns roles and targets.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tieout.model.rule import refuse
from tieout.model.span import DateSpan
from tieout.model.working_time import elapsed_hours, round_hours

_SUNDAY = 7
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
_MAX_LEVEL = 5


class ResourceKind(StrEnum):
    """Whether the firm employs the person, buys the time, or has no person yet."""

    EMPLOYEE = "employee"
    CONTRACTOR = "contractor"
    GENERIC = "generic"


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody does on a project; a dimension of rates and of staffing."""

    code: str
    name: str


class Skill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that people can; ``esco_uri`` names it in the European classification of skills."""

    code: str
    name: str
    esco_uri: str | None = None


class ResourceSkill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well a person can something: level 1 (beginner) to 5 (expert), who says so and on what evidence."""

    resource: str
    skill: str
    level: int
    source: str
    last_used: date | None = None
    evidence: str | None = None

    def __post_init__(self) -> None:
        """Refuse levels outside 1 to 5."""
        _check_level(f"Skill {self.skill} of {self.resource}", self.level)


class RoleRequirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a role asks for; ``weight`` says how much it counts among the role's requirements."""

    role: str
    skill: str
    min_level: int
    weight: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Refuse levels outside 1 to 5 and weights that do not count."""
        name = f"Requirement {self.skill} of role {self.role}"
        _check_level(name, self.min_level)
        if not self.weight.is_finite() or self.weight <= 0:
            refuse(name, f"weight {self.weight} is not above zero")


class Resource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One worker or placeholder. ``fte`` is 1 for full time; ``target_utilization`` is a share between 0 and 1."""

    code: str
    name: str
    kind: ResourceKind
    legal_entity: str
    employment: DateSpan
    worker_id: str | None = None
    email: str | None = None
    org_unit: str | None = None
    home_role: str | None = None
    calendar: str | None = None
    fte: Decimal = Decimal(1)
    target_utilization: Decimal | None = None
    labour_policy: str | None = None
    vendor: str | None = None

    def __post_init__(self) -> None:
        """Refuse a worker without a worker id, a contractor without a vendor, an impossible share of full time."""
        name = f"Resource {self.code or self.name!r}"
        if not self.code:
            refuse(name, "it has no code")
        if self.kind is ResourceKind.CONTRACTOR and self.vendor is None:
            refuse(name, "a contractor comes from a vendor, and none is named")
        if self.kind is ResourceKind.EMPLOYEE and (self.worker_id is None or self.employment.starts is None):
            refuse(name, "an employee has a worker id and a first day of employment")
        if not self.fte.is_finite() or not 0 < self.fte <= 1:
            refuse(name, f"{self.fte} is no share of full time")
        if self.target_utilization is not None and not 0 <= self.target_utilization <= 1:
            refuse(name, f"target utilization {self.target_utilization} is not between 0 and 1")

    def employed_on(self, day: date) -> bool:
        """Whether work on ``day`` lies inside the employment."""
        return self.employment.holds(day)


class WorkInterval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stretch of a weekly pattern in local time: ``weekday`` 1 (Monday) to 7.

    An end at or before the start is on the next day.
    """

    weekday: int
    starts: time
    ends: time

    def __post_init__(self) -> None:
        """Refuse impossible weekdays and readings with a zone: the zone is the calendar's."""
        if not 1 <= self.weekday <= _SUNDAY:
            refuse("Working interval", f"weekday {self.weekday} is not between 1 and 7")
        if self.starts.tzinfo is not None or self.ends.tzinfo is not None:
            refuse("Working interval", "its times carry a zone; the zone belongs to the calendar")


class Calendar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A weekly pattern of local working intervals in ``time_zone``."""

    code: str
    time_zone: str
    pattern: tuple[WorkInterval, ...]

    def __post_init__(self) -> None:
        """Refuse unknown zones and intervals of one day that overlap."""
        name = f"Calendar {self.code}"
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            refuse(name, f"{self.time_zone!r} is not a time zone")
        spans = sorted(_minutes_of_week(one) for one in self.pattern)
        next_week = [(starts + _WEEK_MINUTES, ends + _WEEK_MINUTES) for starts, ends in spans[:1]]
        if any(after[0] < before[1] for before, after in pairwise(spans + next_week)):
            refuse(name, "two of its working intervals overlap")

    def hours_on(self, day: date) -> Decimal:
        """The hours of the pattern that begin on ``day``, as they really pass in its zone (domain model 2.4)."""
        zone = ZoneInfo(self.time_zone)
        hours = Decimal(0)
        for one in self.pattern:
            if one.weekday == day.isoweekday():
                end_day = day + timedelta(days=1) if one.ends <= one.starts else day
                started_at = datetime.combine(day, one.starts, tzinfo=zone).astimezone(UTC)
                hours += elapsed_hours(started_at, datetime.combine(end_day, one.ends, tzinfo=zone).astimezone(UTC))
        return hours


class Holiday(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day on which a calendar does not work; ``fraction`` is the share of the day that is off."""

    calendar: str
    day: date
    fraction: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Refuse shares outside (0, 1]."""
        if not self.fraction.is_finite() or not 0 < self.fraction <= 1:
            refuse(f"Holiday {self.day} of {self.calendar}", f"{self.fraction} is no share of a day")


class TimeOffState(StrEnum):
    """Where a request for time off stands; only APPROVED takes capacity away."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class TimeOff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days on which a person is away; ``fraction`` of each day."""

    resource: str
    days: DateSpan
    kind: str
    state: TimeOffState
    fraction: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Refuse open spans and shares outside (0, 1]."""
        name = f"Time off of {self.resource}"
        if self.days.starts is None or self.days.ends is None:
            refuse(name, "it has no first or no last day")
        if not self.fraction.is_finite() or not 0 < self.fraction <= 1:
            refuse(name, f"{self.fraction} is no share of a day")


def capacity_hours(
    resource: Resource,
    calendar: Calendar,
    day: date,
    *,
    holidays: Iterable[Holiday] = (),
    time_off: Iterable[TimeOff] = (),
) -> Decimal:
    """Hours that a person can work on ``day`` (domain model 2.4), four decimals.

    The pattern's hours within employment, less the part of the day that holidays and approved time off take (never
    more than the day), times the share of full time.
    """
    if not resource.employed_on(day):
        return Decimal(0)
    off = sum((one.fraction for one in holidays if one.calendar == calendar.code and one.day == day), Decimal(0))
    off += sum(
        (
            one.fraction
            for one in time_off
            if one.resource == resource.code and one.state is TimeOffState.APPROVED and one.days.holds(day)
        ),
        Decimal(0),
    )
    return round_hours(calendar.hours_on(day) * max(Decimal(0), 1 - off) * resource.fte)


def _check_level(name: str, level: int) -> None:
    if not 1 <= level <= _MAX_LEVEL:
        refuse(name, f"level {level} is not between 1 and 5")


def _minutes_of_week(one: WorkInterval) -> tuple[int, int]:
    """Start and end in minutes from Monday 00:00; an end in the next week is counted on."""
    starts = (one.weekday - 1) * _DAY_MINUTES + one.starts.hour * 60 + one.starts.minute
    ends = (one.weekday - 1) * _DAY_MINUTES + one.ends.hour * 60 + one.ends.minute
    return starts, ends if ends > starts else ends + _DAY_MINUTES
