"""What is wrong with a plan: too much booked, the wrong person, a closed project, a budget that ends. Pure.

None of it holds anything up: it is told to whoever can change it, and goes away with its cause. Neighbours: ``desk``
opens, updates and resolves the items.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from tieout.ledger.rate_lines import FOR_EVER
from tieout.ledger.rating import HOUR_E4
from tieout.model.finding import Finding, finding
from tieout.model.money import alpha_code, figure, from_minor
from tieout.model.project import ProjectState
from tieout.model.stream_policy import PlanToAllocate
from tieout.records.facts import ProjectFacts
from tieout.streams.plan_to_allocate.booked_hours import Booking
from tieout.streams.plan_to_allocate.burn import Burn, percent_of, reaches
from tieout.streams.plan_to_allocate.calendar import DAYS, Person
from tieout.streams.plan_to_allocate.demand import Demand
from tieout.streams.plan_to_allocate.person_week import PersonWeek
from tieout.streams.plan_to_allocate.plan_book import Budget

_CLOSED: Final = frozenset({ProjectState.DELIVERY_COMPLETE, ProjectState.FINANCIALLY_CLOSED, ProjectState.ARCHIVED})


class Overbooking(msgspec.Struct, frozen=True, kw_only=True):
    """Weeks in a row in which firm bookings of a person exceed what the days have."""

    person_id: int
    first_week: int
    last_week: int
    from_day: int
    until_day: int
    over_e4: int


def overbookings(weeks: Iterable[PersonWeek]) -> list[Overbooking]:
    """The spans of overbooked weeks; ``weeks`` are those with hours beyond capacity, by person and week."""
    found: list[Overbooking] = []
    for week in weeks:
        if week.over_from is None or week.over_until is None:
            continue
        last = found[-1] if found else None
        if last is not None and last.person_id == week.person_id and last.last_week + DAYS == week.week:
            found[-1] = msgspec.structs.replace(
                last, last_week=week.week, until_day=week.over_until, over_e4=last.over_e4 + week.over_e4
            )
            continue
        found.append(
            Overbooking(
                person_id=week.person_id,
                first_week=week.week,
                last_week=week.week,
                from_day=week.over_from,
                until_day=week.over_until,
                over_e4=week.over_e4,
            )
        )
    return found


def overbooked(one: Overbooking, person: Person) -> Finding:
    """Too much is firmly booked on a person."""
    return finding(
        "OVERBOOKED",
        f"{person.name} is firmly booked for {hours_words(one.over_e4)} hours more than can be worked, from "
        f"{_day(one.from_day)} to {_day(one.until_day - 1)}.",
        cause=f"{one.person_id}:{_day(one.first_week)}",
        context={"person": person.name, "from": _day(one.from_day), "until": _day(one.until_day)},
    )


def days_outside_employment(booking: Booking, person: Person, since: int) -> list[int]:
    """The days of a booking, from ``since`` on, that are working days, or named, and lie outside the employment."""
    if person.is_placeholder:
        return []
    starts = max(booking.starts, since)
    early = range(starts, min(booking.ends, person.employed_from))
    late = range(max(starts, person.employed_to), booking.ends)
    return sorted(
        day for day in {*early, *late} if person.pattern[(day - 1) % DAYS] or (booking.by_day or {}).get(day, 0)
    )


def inactive(booking: Booking, person: Person, days: Sequence[int]) -> Finding:
    """A person is booked while not employed."""
    until = "" if person.employed_to == FOR_EVER else f", employed until {_day(max(1, person.employed_to - 1))}"
    return _of_booking(
        "RESOURCE_INACTIVE",
        f"{person.name} is booked outside the employment from {_day(days[0])} to {_day(days[-1])}{until}.",
        booking,
        {"person": person.name, "from": _day(days[0]), "until": _day(days[-1] + 1)},
    )


def is_over(project: ProjectFacts) -> bool:
    """Whether nothing more is done on the project."""
    return project.deleted or project.status in _CLOSED


def closed_project(booking: Booking, project: ProjectFacts, today: int) -> Finding | None:
    """Work is booked on a project that is over."""
    if not is_over(project) or booking.ends <= today:
        return None
    code = project.code or project.name
    state = "deleted" if project.deleted else str(project.status).replace("_", " ")
    return _of_booking(
        "PROJECT_CLOSED",
        f"Project {code} is {state}, and work is booked on it until {_day(booking.ends - 1)}.",
        booking,
        {"project": code, "until": _day(booking.ends)},
    )


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What a booking lacks of the demand that it comes nearest to: its place, its skills, or nothing."""

    demand: Demand
    place: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is lacking."""
        return self.place is None and not self.missing


def nearest_fit(
    lines: Iterable[Demand], person: Person, at: str | None, place: Callable[[str | None], str | None]
) -> Fit | None:
    """The line of demand that the booking lacks least of; None where there is no demand for it.

    ``at`` is where the work is booked, None where nobody tells; ``place`` gives the firm's word for a location.
    """
    fits = [_fit(one, person, at, place) for one in lines]
    return min(fits, key=lambda one: (one.place is not None) + len(one.missing), default=None)


def _fit(demand: Demand, person: Person, at: str | None, place: Callable[[str | None], str | None]) -> Fit:
    wanted = place(demand.location)
    elsewhere = wanted is not None and at is not None and wanted.casefold() != at.casefold()
    known = None if person.is_placeholder else person.skills
    missing = () if known is None else tuple(one for one in demand.skills if one.casefold() not in known)
    return Fit(demand=demand, place=at if elsewhere else None, missing=missing)


def misfits(booking: Booking, person: Person, project: ProjectFacts, fit: Fit) -> Iterator[Finding]:
    """Work is booked elsewhere than it is needed, or on somebody who lacks a skill."""
    code = project.code or project.name
    line = f"{fit.demand.role or 'a role'} on project {code} (line {fit.demand.number})"
    if fit.place is not None:
        yield _of_booking(
            "LOCATION_MISMATCH",
            f"{line} is needed in {fit.demand.location}, and {person.name} is booked in {fit.place}.",
            booking,
            {"project": code, "needed": fit.demand.location or "", "booked": fit.place},
        )
    if fit.missing:
        yield _of_booking(
            "SKILL_MISSING",
            f"{line} needs {', '.join(fit.missing)}, which nobody says of {person.name}.",
            booking,
            {"project": code, "person": person.name, "skills": ", ".join(fit.missing)},
        )


def budget_finding(project: ProjectFacts, budget: Budget, burn: Burn, policy: PlanToAllocate) -> Finding | None:
    """A budget of hours or money is near its end, or used up."""
    sides = ((burn.hours_e4, budget.hours_e4), (burn.amount_minor, budget.amount_minor))
    full = any(reaches(used, of, policy.budget_full_percent) for used, of in sides)
    if not full and not any(reaches(used, of, policy.budget_near_percent) for used, of in sides):
        return None
    code = project.code or project.name
    parts = []
    if budget.hours_e4:
        share = percent_of(burn.hours_e4, budget.hours_e4)
        parts.append(f"{hours_words(burn.hours_e4)} of {hours_words(budget.hours_e4)} hours ({share} %)")
    if budget.amount_minor and project.currency is not None:
        share = percent_of(burn.amount_minor, budget.amount_minor)
        used, of = (from_minor(one, project.currency) for one in (burn.amount_minor, budget.amount_minor))
        parts.append(f"{used:,} of {of:,} {project.currency} ({share} %)")
    without = ", ".join(alpha_code(one) for one in burn.left_out)
    more = f" Bookings in {without} are left out: there is no exchange rate." if without else ""
    more += f" {hours_words(burn.unpriced_e4)} booked hours have no price." if burn.unpriced_e4 else ""
    return finding(
        "BUDGET_USED_UP" if full else "BUDGET_NEAR",
        f"Project {code}: {' and '.join(parts)} are used or booked.{more}",
        cause=f"{project.record_id}:{budget.hours_e4 or '-'}:{budget.amount_minor or '-'}",
        context={"project": code, "hours": hours_words(burn.hours_e4)},
    )


def hours_words(hours_e4: int) -> str:
    """Hours as people write them."""
    return figure(Decimal(hours_e4) / HOUR_E4, decimals=0)


def _of_booking(code: str, message: str, booking: Booking, context: dict[str, str]) -> Finding:
    return finding(
        code, message, cause=f"booking={booking.booking_id}", context={"booking": booking.source_id, **context}
    )


def _day(day: int) -> str:
    return date.fromordinal(day).isoformat()
