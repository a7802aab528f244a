"""The calendar of a person: which hours of which day can be worked, and what takes the others away. Pure.

Hours are whole ten-thousandths of an hour (``hours_e4``), days ordinals, weeks the ordinal of their Monday, so that a
plan of many years costs integer arithmetic alone. Neighbours: ``plan_book`` makes people and their holidays from golden
records, ``booked_hours`` lays bookings over the days, ``person_week`` adds days up to weeks.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from tieout.ledger.rate_lines import FOR_EVER
from tieout.model.money import RoundingMode, allocate, round_quotient
from tieout.streams.plan_to_allocate.public_holidays import PublicHolidays

DAYS: Final = 7
WHOLE_E4: Final = 10_000
"""The whole of a day, as a share."""
_WORKING_DAYS: Final = (1, 1, 1, 1, 1, 0, 0)


class Person(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody whose days can be booked, or who stands for a role that nobody fills yet (``is_placeholder``).

    ``pattern`` has the hours of Monday to Sunday; ``is_assumed`` tells that nobody told them. ``free`` maps a day to
    the share of it that is a holiday; ``public`` has the holidays by law, which a day in ``free`` comes before.
    Employed from ``employed_from`` until before ``employed_to``.
    """

    record_id: int
    name: str
    pattern: tuple[int, ...]
    free: Mapping[int, int] = {}
    public: PublicHolidays | None = None
    employed_from: int = 0
    employed_to: int = FOR_EVER
    entity_id: int | None = None
    role_id: int | None = None
    location: str | None = None
    skills: frozenset[str] | None = None
    is_assumed: bool = False
    is_placeholder: bool = False

    def is_employed(self, day: int) -> bool:
        """Whether ``day`` lies inside the employment."""
        return self.employed_from <= day < self.employed_to

    def free_share(self, day: int) -> int:
        """The share of ``day``, of ``WHOLE_E4``, that is a holiday: as told, else by law."""
        told = self.free.get(day)
        if told is not None:
            return min(told, WHOLE_E4)
        return 0 if self.public is None or self.public.name_of(day) is None else WHOLE_E4


class Absence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Approved time off from ``starts`` until before ``ends``: so many hours of each day, or of the days named.

    Neither ``per_day_e4`` nor ``by_day``: the whole of each day.
    """

    starts: int
    ends: int
    per_day_e4: int | None = None
    by_day: Mapping[int, int] | None = None

    def takes(self, day: int, workable_e4: int) -> int:
        """The hours of ``day`` that it takes of ``workable_e4``, never more than these."""
        if not self.starts <= day < self.ends:
            return 0
        if self.by_day is not None:
            return min(self.by_day.get(day, 0), workable_e4)
        return workable_e4 if self.per_day_e4 is None else min(self.per_day_e4, workable_e4)


class Day(msgspec.Struct, frozen=True, gc=False):
    """One day of a person: the calendar's hours, less ``holiday_e4`` and ``time_off_e4``, are what can be booked."""

    calendar_e4: int
    holiday_e4: int
    time_off_e4: int

    @property
    def capacity_e4(self) -> int:
        """The hours that can be booked."""
        return self.calendar_e4 - self.holiday_e4 - self.time_off_e4


NO_DAY: Final = Day(0, 0, 0)


def even_pattern(weekly_e4: int) -> tuple[int, ...]:
    """Weekly hours over Monday to Friday, to the last ten-thousandth."""
    return tuple(allocate(weekly_e4, _WORKING_DAYS))


def day_of(person: Person, day: int, absences: Iterable[Absence] = ()) -> Day:
    """What ``day`` has for ``person`` (domain model 2.4): the pattern inside employment, less holidays and time off."""
    if not person.is_employed(day):
        return NO_DAY
    calendar_e4 = person.pattern[(day - 1) % DAYS]
    if not calendar_e4:
        return NO_DAY
    holiday_e4 = round_quotient(calendar_e4 * person.free_share(day), WHOLE_E4, RoundingMode.HALF_UP)
    left = calendar_e4 - holiday_e4
    taken = 0
    for absence in absences:
        taken += absence.takes(day, left - taken)
    return Day(calendar_e4, holiday_e4, taken)


def week_of(person: Person, week: int, absences: Sequence[Absence] = ()) -> tuple[Day, ...]:
    """The seven days from Monday ``week`` on."""
    near = [one for one in absences if one.starts < week + DAYS and week < one.ends]
    return tuple(day_of(person, day, near) for day in range(week, week + DAYS))


def monday(day: int) -> int:
    """The Monday of the ISO week that ``day`` lies in."""
    return day - (day - 1) % DAYS


def weeks_between(starts: int, ends: int) -> range:
    """The Mondays of all weeks that have a day from ``starts`` until before ``ends``."""
    return range(monday(starts), ends, DAYS) if starts < ends else range(0)


def week_name(week: int) -> str:
    """The ISO name of a week by its Monday: ``2026-W31``."""
    year, number, _ = date.fromordinal(week).isocalendar()
    return f"{year}-W{number:02d}"
