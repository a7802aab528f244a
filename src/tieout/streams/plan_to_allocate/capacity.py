"""Capacity as people and programs read it: what everybody can work and is booked for, by week, person, role or entity.

Reads what ``step`` keeps. A team's figures are sums, and its utilization the ratio of the sums, never a mean of ratios
(domain model 4); without capacity there is none.
"""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

import msgspec
from psycopg import Connection

from tieout.errors import ConfigurationError
from tieout.streams.plan_to_allocate.calendar import DAYS, WHOLE_E4, week_name
from tieout.streams.plan_to_allocate.forecast import BookedPart, Selection, booked_parts_of, check_codes
from tieout.streams.plan_to_allocate.plan_book import PlanBook

_TENTH: Final = Decimal("0.1")


class By(StrEnum):
    """What capacity is added up by."""

    PERSON = "person"
    ROLE = "role"
    ENTITY = "entity"


class CapacityWeek(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of a week: ``capacity`` is ``calendar`` less ``holiday`` and ``time_off``.

    ``bench`` is what firm bookings leave of it, ``free`` what neither firm nor soft ones take, and ``over`` what is
    firmly booked beyond the hours of single days. ``utilization`` is firmly booked over capacity, in percent.
    ``is_assumed``: of somebody, no system tells the weekly hours.
    """

    group: str
    week: str
    starts: date
    people: int
    calendar: Decimal
    holiday: Decimal
    time_off: Decimal
    capacity: Decimal
    hard: Decimal
    soft: Decimal
    free: Decimal
    bench: Decimal
    over: Decimal
    utilization: Decimal | None
    is_assumed: bool


class AbsenceShown(msgspec.Struct, frozen=True, kw_only=True):
    """Time off that takes capacity, from ``starts`` until before ``ends``; without hours whole days."""

    person: str
    starts: date
    ends: date
    kind: str
    state: str
    hours_per_day: Decimal | None = None


class HolidayShown(msgspec.Struct, frozen=True, kw_only=True):
    """A holiday that takes capacity: ``share`` of the day, and who tells it (systems, or the law of a place)."""

    person: str
    day: date
    name: str
    share: Decimal
    told_by: str


class CapacityTrace(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures are made of."""

    bookings: list[BookedPart]
    absences: list[AbsenceShown]
    holidays: list[HolidayShown]


_GROUPS: Final = {
    By.PERSON: "p.name",
    By.ROLE: "coalesce(k.code, k.fields ->> 'name', 'no role')",
    By.ENTITY: "coalesce(e.code, 'no legal entity')",
}
_NAMES: Final = """
          join golden_record g on g.record_id = p.person_id
          left join golden_record k on k.record_id = p.role_id
          left join golden_record e on e.record_id = p.entity_id
"""
_CHOSEN: Final = """
           (%(person)s::text is null
                or lower(%(person)s) in (lower(g.code), lower(g.fields ->> 'email'), lower(p.name)))
           and (%(role)s::text is null or lower(%(role)s) in (lower(k.code), lower(k.fields ->> 'name')))
           and (%(entity)s::text is null or e.code = %(entity)s)
"""


def capacity(
    conn: Connection[tuple[object, ...]], chosen: Selection, by: By, *, person: str | None, role: str | None
) -> list[CapacityWeek]:
    """The weeks of whom the selection names. Raises ConfigurationError for words that nobody knows."""
    people = people_of(conn, chosen, person=person, role=role)
    rows = conn.execute(
        f"""
        select {_GROUPS[by]}, w.week, count(distinct w.person_id), sum(w.calendar), sum(w.holiday), sum(w.time_off),
               sum(w.hard), sum(w.soft), sum(greatest(0, w.calendar - w.holiday - w.time_off - w.hard - w.soft)),
               sum(greatest(0, w.calendar - w.holiday - w.time_off - w.hard)), sum(w.over),
               bool_or(p.is_assumed)
          from person_week w join plan_person p using (person_id) {_NAMES}
         where w.person_id = any(%(people)s) and w.week >= %(starts)s and w.week < %(ends)s
         group by 1, 2 order by 1, 2
        """,  # noqa: S608 - constants of this module
        {**chosen.values, "people": people},
    )
    return [_week(row) for row in rows]


def _week(row: tuple[object, ...]) -> CapacityWeek:
    group, week, people, *figures, is_assumed = row
    calendar, holiday, time_off, hard, soft, free, bench, over = (Decimal(str(one)) for one in figures)
    starts = week if isinstance(week, date) else date.fromisoformat(str(week))
    can = calendar - holiday - time_off
    return CapacityWeek(
        group=str(group),
        week=week_name(starts.toordinal()),
        starts=starts,
        people=int(str(people)),
        calendar=calendar,
        holiday=holiday,
        time_off=time_off,
        capacity=can,
        hard=hard,
        soft=soft,
        free=free,
        bench=bench,
        over=over,
        utilization=utilization(hard, can),
        is_assumed=bool(is_assumed),
    )


def utilization(booked: Decimal, can: Decimal) -> Decimal | None:
    """Percent with one decimal; None where nothing can be worked."""
    return (booked * 100 / can).quantize(_TENTH, rounding=ROUND_HALF_UP) if can else None


def trace(
    conn: Connection[tuple[object, ...]], plan: PlanBook, chosen: Selection, *, person: str | None, role: str | None
) -> CapacityTrace:
    """The bookings, absences and holidays that the figures of the selection are made of."""
    people = people_of(conn, chosen, person=person, role=role)
    rows = conn.execute(
        """
        select p.name, a.starts, a.ends, a.kind, a.state, a.hours_per_day
          from absence a join plan_person p on p.person_id = a.resource_id
         where a.resource_id = any(%(people)s) and a.starts < %(ends)s and a.ends > %(starts)s
         order by a.starts, p.name
        """,
        {**chosen.values, "people": people},
    )
    names = ("person", "starts", "ends", "kind", "state", "hours_per_day")
    absences = [msgspec.convert(dict(zip(names, row, strict=True)), AbsenceShown) for row in rows]
    free = _holidays(conn, plan, people, chosen)
    return CapacityTrace(bookings=booked_parts_of(conn, people, chosen), absences=absences, holidays=free)


def _holidays(
    conn: Connection[tuple[object, ...]], plan: PlanBook, people: Sequence[int], chosen: Selection
) -> list[HolidayShown]:
    first = chosen.starts.toordinal()
    days = range(first, first + DAYS * chosen.weeks)
    known = [plan.people[one] for one in people if one in plan.people]
    found = [(person.name, one) for person in known for one in plan.holidays_of(person, days)]
    records = sorted({one.record_id for _, one in found if one.record_id is not None})
    rows = conn.execute(
        "select record_id, string_agg(distinct system, ', ') from cross_reference where record_id = any(%s) group by 1",
        (records,),
    )
    systems = {int(str(record_id)): f"record of {names}" for record_id, names in rows}
    shown = [
        HolidayShown(
            person=name,
            day=date.fromordinal(one.day),
            name=one.name,
            share=Decimal(one.share_e4) / WHOLE_E4,
            told_by=f"public holidays of {one.place}" if one.record_id is None else systems[one.record_id],
        )
        for name, one in found
    ]
    return sorted(shown, key=lambda one: (one.day, one.person))


def people_of(
    conn: Connection[tuple[object, ...]], chosen: Selection, *, person: str | None, role: str | None
) -> list[int]:
    """The people of a selection. Raises ConfigurationError (TIE-PLAN-001) where a word is nobody's."""
    check_codes(conn, chosen)
    rows = conn.execute(
        f"select p.person_id from plan_person p {_NAMES} where {_CHOSEN} and not p.is_placeholder order by 1",  # noqa: S608 - constants of this module
        {"person": person, "role": role, "entity": chosen.entity},
    ).fetchall()
    if not rows and (person or role):
        raise ConfigurationError(
            code="TIE-PLAN-001",
            message=f"The plan knows nobody as {' or '.join(one for one in (person, role) if one)}.",
        )
    return [int(str(row[0])) for row in rows]
