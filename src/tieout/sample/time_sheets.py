"""A month of time of the sample firm, with the usual mess: duplicates, invalid entries, late and prior-period ones.

Pure: everything follows from masters and seed. One generator of entries, so that a large firm needs no memory.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final, TypeAlias

from tieout.connect.simulator.seed import SeedFirm, SeedPerson, SeedProject, SeedTask, SeedTimeEntry
from tieout.sample.masters import MONTH

DUPLICATE_PERCENT: Final = 5
INVALID_PERCENT: Final = 2
LATE_PERCENT: Final = 1
PRIOR_PERIOD_PERCENT: Final = 1
_DAYS: Final = (
    (480,),
    (240, 240),
    (180, 180, 120),
    (120, 120, 120, 120),
    (60, 120, 60, 120, 120),
    (90, 60, 90, 60, 60, 120),
)
_Work: TypeAlias = tuple[SeedProject, SeedTask]
_VERBS: Final = ("Prepared", "Reviewed", "Built", "Tested", "Presented", "Documented", "Analysed", "Refined", "Planned")
_THINGS: Final = ("migration plan", "interface design", "cost model", "training material", "data quality report",
                  "steering deck", "test cases", "rollout checklist", "process map", "backlog", "architecture notes",
                  "vendor comparison", "risk register", "dashboard", "acceptance protocol")  # fmt: skip


def sample_time(firm: SeedFirm, seed: int) -> Iterator[SeedTimeEntry]:
    """The time of October 2026, entry by entry, day by day."""
    random = Random(seed + 1)  # noqa: S311 - a reproducible sample, not a secret
    work_of = _work_of(firm)
    managers = [person.key for person in firm.people[: max(3, len(firm.people) // 20)]]
    number = 0
    for offset in range(31):
        day = MONTH + timedelta(days=offset)
        if day.weekday() > 4:  # noqa: PLR2004 - Saturday and Sunday
            continue
        for person in firm.people:
            if person.employed_to is not None and day >= date.fromisoformat(person.employed_to):
                continue
            for entry in _day_of(person, day, work_of[person.entity], managers, random):
                for kept in _with_mess(entry, person, firm, random):
                    number += 1
                    kept.key = f"T{number:07d}"
                    yield kept


def _work_of(firm: SeedFirm) -> dict[str, list[_Work]]:
    """What people of each entity work on: the open tasks of its active projects."""
    found: dict[str, list[_Work]] = {}
    for project in firm.projects:
        if project.status == "active":
            found.setdefault(project.entity, []).extend((project, task) for task in project.tasks if task.open)
    return found


def _day_of(
    person: SeedPerson, day: date, work: list[_Work], managers: list[str], random: Random
) -> Iterator[SeedTimeEntry]:
    """A day of one person: every piece of work is another task, so that nothing is a duplicate by chance."""
    approvers = [key for key in managers if key != person.key]
    pieces = random.choice(_DAYS)
    for minutes, (project, task) in zip(pieces, random.sample(work, len(pieces)), strict=True):
        approved_on = day + timedelta(days=random.randrange(1, 5))
        yield SeedTimeEntry(
            key="",
            person=person.key,
            project=project.code,
            task=task.key,
            work_date=day.isoformat(),
            minutes=minutes,
            billable=task.billable,
            notes=_narrative(random),
            approver=random.choice(approvers),
            updated_at=_instant(approved_on, random),
        )


def _narrative(random: Random) -> str:
    return (
        f"{random.choice(_VERBS)} {random.choice(_THINGS)} and {random.choice(_VERBS).lower()} "
        f"{random.choice(_THINGS)} ({random.randrange(100, 999)})"
    )


def _instant(day: date, random: Random) -> str:
    return f"{day.isoformat()}T{random.randrange(8, 19):02d}:{random.randrange(60):02d}:{random.randrange(60):02d}Z"


def _with_mess(entry: SeedTimeEntry, person: SeedPerson, firm: SeedFirm, random: Random) -> Iterator[SeedTimeEntry]:
    """The entry as it was keyed, and now and then its copy."""
    drawn = random.randrange(100)
    if drawn < INVALID_PERCENT:
        yield _spoilt(entry, person, firm, random)
        return
    if drawn < INVALID_PERCENT + LATE_PERCENT:
        entry.updated_at = _instant(date.fromisoformat(entry.work_date) + timedelta(days=18), random)
    elif drawn < INVALID_PERCENT + LATE_PERCENT + PRIOR_PERIOD_PERCENT:
        entry.work_date = (date.fromisoformat(entry.work_date) - timedelta(days=30)).isoformat()
    yield entry
    if random.randrange(100) < DUPLICATE_PERCENT:
        yield _copy(entry, random)


def _copy(entry: SeedTimeEntry, random: Random) -> SeedTimeEntry:
    """Keyed twice: word for word, or with a slightly different narrative."""
    notes = entry.notes if random.randrange(2) else f"{entry.notes} - team"
    return SeedTimeEntry(
        key="",
        person=entry.person,
        project=entry.project,
        task=entry.task,
        work_date=entry.work_date,
        minutes=entry.minutes,
        billable=entry.billable,
        notes=notes,
        approver=entry.approver,
        updated_at=entry.updated_at,
    )


def _spoilt(entry: SeedTimeEntry, person: SeedPerson, firm: SeedFirm, random: Random) -> SeedTimeEntry:
    match random.randrange(8):
        case 0:
            entry.minutes = 0
        case 1:
            entry.minutes = 25 * 60
        case 2:
            entry.notes = ""
        case 3:
            entry.task = f"{entry.project}-T4"
        case 4:
            closed = next(project for project in firm.projects if project.status == "closed")
            entry.project, entry.task = closed.code, closed.tasks[0].key
        case 5:
            entry.approver = person.key
        case 6:
            entry.minutes = -entry.minutes
        case _:
            entry.raw = {"time_in_minutes": "about two hours"}
    return entry
