"""Who is booked where in the sample's quarter, when people are away, and the public holidays: the resource tool's rows.

Pure: everything follows from the firm and the seed. Plans as they look in any firm: firm work first and soft work
behind it, a booking that was split over two projects, people in part time, one person with more work than hours, and
one who is still booked after their last day. Nobody else is booked beyond what they can do. Neighbours:
``surroundings`` seeds the resource tool with these, ``masters`` makes the firm.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final

import msgspec

from tieout.connect.simulator.seed import (
    SeedAssignment,
    SeedFirm,
    SeedHoliday,
    SeedPerson,
    SeedProject,
    SeedTimeOff,
)

QUARTER_ENDS: Final = date(2027, 1, 1)
_TOLD_AT: Final = "2026-09-28T08:00:00Z"
_FIRST_MONDAY: Final = date(2026, 10, 5)
_FULL_DAY_MINUTES: Final = 480
_HALF: Final = 2
_FIRM_WEEKS: Final = 6
_QUIET_WEEK: Final = 6
_SOFT_FROM_WEEK: Final = 7
_SOFT_WEEKS: Final = 4
_ONE_IN_SPLIT: Final = 10
_SPLIT_AT: Final = 3
_PEAK_WEEKS: Final = (8, 9)
_PEAK_MINUTES: Final = 300
_HOLIDAYS: Final = (
    ("US", "2026-10-12", "Columbus Day"),
    ("US", "2026-11-11", "Veterans Day"),
    ("US", "2026-11-26", "Thanksgiving Day"),
    ("US", "2026-12-25", "Christmas Day"),
    ("GB", "2026-12-25", "Christmas Day"),
    ("GB", "2026-12-28", "Boxing Day (substitute day)"),
    ("DE", "2026-10-03", "Tag der Deutschen Einheit"),
    ("DE", "2026-12-25", "Erster Weihnachtstag"),
    ("DE", "2026-12-26", "Zweiter Weihnachtstag"),
    ("JP", "2026-10-12", "スポーツの日"),
    ("JP", "2026-11-03", "文化の日"),
    ("JP", "2026-11-23", "勤労感謝の日"),
)


class Plans(msgspec.Struct, frozen=True, kw_only=True):
    """What a resource tool holds of a quarter. ``overbooked`` and ``outlasting`` are keys of the two odd bookings."""

    assignments: list[SeedAssignment]
    time_off: list[SeedTimeOff]
    holidays: list[SeedHoliday]
    overbooked: str
    outlasting: str


def sample_plans(firm: SeedFirm, seed: int) -> Plans:
    """The plans of ``firm`` for the quarter that ends before ``QUARTER_ENDS``; equal seeds, equal plans."""
    random = Random(seed)  # noqa: S311 - a reproducible sample, not a secret
    by_entity: dict[str, list[SeedProject]] = {}
    for project in sorted(firm.projects, key=lambda one: one.code):
        if project.status == "active":
            by_entity.setdefault(project.entity, []).append(project)
    staying = [one for one in firm.people if one.employed_to is None]
    leaver = next(one for one in firm.people if one.employed_to is not None)
    assignments = [
        booking
        for number, person in enumerate(staying)
        for booking in _bookings(number, person, by_entity[person.entity], random)
    ]
    busiest = next(one for one in staying if Decimal(one.fte) == 1)
    overbooked = _booking(
        f"B-{busiest.key}-peak",
        busiest,
        by_entity[busiest.entity][-1],
        (_monday(_PEAK_WEEKS[0]), _friday(_PEAK_WEEKS[1])),
        minutes=_PEAK_MINUTES,
        notes="Peak before year end",
    )
    outlasting = _booking(
        f"B-{leaver.key}-late",
        leaver,
        by_entity[leaver.entity][0],
        (_FIRST_MONDAY, _friday(_SOFT_FROM_WEEK + _SOFT_WEEKS - 1)),
        minutes=_FULL_DAY_MINUTES,
        notes="Delivery, not moved to anybody yet",
    )
    return Plans(
        assignments=[*assignments, overbooked, outlasting],
        time_off=[absence for number, person in enumerate(staying) for absence in _absences(number, person)],
        holidays=[SeedHoliday(country=country, day=day, name=name) for country, day, name in _HOLIDAYS],
        overbooked=overbooked.key,
        outlasting=outlasting.key,
    )


def _bookings(number: int, person: SeedPerson, projects: list[SeedProject], random: Random) -> Iterator[SeedAssignment]:
    """Six weeks of firm work, a week without any, then four weeks of soft work; together never beyond a day."""
    day = int(_FULL_DAY_MINUTES * Decimal(person.fte))
    first, second = random.choice(projects), random.choice(projects)
    if number % _ONE_IN_SPLIT == _SPLIT_AT:
        yield _booking(f"B-{person.key}-1", person, first, (_monday(0), _friday(2)), minutes=day, notes="Delivery")
        rest = (_monday(3), _friday(_FIRM_WEEKS - 1))
        half = day // _HALF
        yield _booking(f"B-{person.key}-1a", person, first, rest, minutes=half, notes="Delivery, first half")
        yield _booking(f"B-{person.key}-1b", person, second, rest, minutes=half, notes="Delivery, second half")
    else:
        whole = (_monday(0), _friday(_FIRM_WEEKS - 1))
        yield _booking(f"B-{person.key}-1", person, first, whole, minutes=day, notes="Delivery")
    ahead = (_monday(_SOFT_FROM_WEEK), _friday(_SOFT_FROM_WEEK + _SOFT_WEEKS - 1))
    minutes = day * random.choice((2, 3, 4)) // 4
    third = random.choice(projects)
    following = _booking(f"B-{person.key}-2", person, third, ahead, minutes=minutes, notes="Next phase")
    yield msgspec.structs.replace(following, status="hard" if number % _HALF == 0 else "soft")


def _absences(number: int, person: SeedPerson) -> Iterator[SeedTimeOff]:
    """A week away between two bookings for one in three, half a day of the quiet week for one in seven."""
    starts, ends = _monday(_QUIET_WEEK), _friday(_QUIET_WEEK)
    if number % 3 == 0:
        yield _absence(f"O-{person.key}-1", person, (starts, ends), kind="Vacation")
    elif number % 7 == 1:
        yield _absence(f"O-{person.key}-2", person, (starts, starts), kind="Medical appointment", minutes=240)
    if number % 5 == 0:
        year_end = (date(2026, 12, 21), date(2026, 12, 31))
        status = "requested" if number % _HALF else "approved"
        yield _absence(f"O-{person.key}-3", person, year_end, kind="Vacation", status=status)


def _booking(
    key: str,
    person: SeedPerson,
    project: SeedProject,
    span: tuple[date, date],
    *,
    minutes: int,
    notes: str,
) -> SeedAssignment:
    return SeedAssignment(
        key=key,
        person=person.key,
        project=project.code,
        role=person.role,
        starts=span[0].isoformat(),
        ends=span[1].isoformat(),
        minutes_per_day=minutes,
        notes=notes,
        updated_at=_TOLD_AT,
    )


def _absence(
    key: str,
    person: SeedPerson,
    span: tuple[date, date],
    *,
    kind: str,
    minutes: int | None = None,
    status: str = "approved",
) -> SeedTimeOff:
    return SeedTimeOff(
        key=key,
        person=person.key,
        starts=span[0].isoformat(),
        ends=span[1].isoformat(),
        kind=kind,
        minutes_per_day=minutes,
        status=status,
        updated_at=_TOLD_AT,
    )


def _monday(week: int) -> date:
    return _FIRST_MONDAY + timedelta(weeks=week)


def _friday(week: int) -> date:
    return _monday(week) + timedelta(days=4)
