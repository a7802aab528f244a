"""The SQL that the plan is computed by: what changed, bookings and absences, and the derived rows as they stand.

Set-based, in the transaction of the step; hours cross this border as whole ten-thousandths, days as ordinals.
Neighbours: ``step`` decides what is read, ``writing`` writes what differs, ``plan_book`` has the reference.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
from psycopg import Cursor

from tieout.ledger.rating import HOUR_E4
from tieout.model.stream_policy import PlanToAllocate
from tieout.streams.plan_to_allocate.booked_hours import Booking, Commitment
from tieout.streams.plan_to_allocate.calendar import Absence
from tieout.streams.plan_to_allocate.person_week import PersonWeek

Cell: TypeAlias = tuple[int, int]
"""A person (or booking) and the ordinal of a Monday."""
BOOKING: Final = "booking"
PERSON: Final = "person"
ACCEPTED: Final = "accepted"
REVERSED: Final = "reversed"
_by_day = msgspec.json.Decoder(dict[date, Decimal])


class Pending(msgspec.Struct, frozen=True, gc=False):
    """What changed since the plan was computed (``plan_pending``)."""

    kind: str
    first_id: int
    last_id: int
    from_day: date | None
    until_day: date | None


class Position(msgspec.Struct, frozen=True, gc=False):
    """How far the plan is computed; ``day`` is the ordinal of the day that was the present one, None at first."""

    reference_version: int
    day: int | None


class BookingWeek(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of ``booking_week``; commitment as in ``Commitment``."""

    booking_id: int
    week: int
    part: int
    person_id: int | None
    project_id: int
    role_id: int | None
    commitment: int
    from_day: int
    until_day: int
    hours_e4: int
    bill_line_id: int | None
    revenue_minor: int | None
    revenue_currency: int | None
    revenue_gap: str | None
    cost_line_id: int | None
    cost_minor: int | None
    cost_currency: int | None
    cost_gap: str | None

    @property
    def key(self) -> tuple[int, int, int]:
        """What tells it from the other rows."""
        return self.booking_id, self.week, self.part


def take_position(cur: Cursor[tuple[object, ...]]) -> Position | None:
    """The plan's position, locked: one worker computes at a time. None while another one does."""
    row = cur.execute("select reference_version, day from plan_position for update skip locked").fetchone()
    if row is None:
        return None
    return Position(int(str(row[0])), None if row[1] is None else _day(row[1]))


def move_position(cur: Cursor[tuple[object, ...]], position: Position) -> None:
    """Remember how far the plan is computed."""
    day = None if position.day is None else date.fromordinal(position.day)
    cur.execute("update plan_position set reference_version = %s, day = %s", (position.reference_version, day))


def claim_pending(cur: Cursor[tuple[object, ...]], *, limit: int) -> list[Pending]:
    """Take away the oldest changes, at most ``limit``."""
    cur.execute(
        """
        delete from plan_pending p
         using (select pending_id from plan_pending order by pending_id limit %s) as oldest
         where p.pending_id = oldest.pending_id
        returning p.kind, p.first_id, p.last_id, p.from_day, p.until_day
        """,
        (limit,),
    )
    return [
        Pending(str(kind), int(str(first)), int(str(last)), _optional_day(starts), _optional_day(ends))
        for kind, first, last, starts, ends in cur.fetchall()
    ]


_BOOKING: Final = """
    b.booking_id, b.system_id, b.source_id, b.state, b.project_id, b.starts, b.ends, b.resource_id, b.task_id,
    b.role_id, (b.hours_per_day * 10000)::bigint, (b.percent * 10000)::bigint, b.hours_by_day::text, b.location
"""


def bookings(
    cur: Cursor[tuple[object, ...]], booking_ids: Collection[int], policy: PlanToAllocate
) -> dict[int, Booking]:
    """The bookings of ``booking_ids`` that count in the plan."""
    return _bookings(cur, "where b.booking_id = any(%s)", (sorted(booking_ids),), policy)


def bookings_of_projects(
    cur: Cursor[tuple[object, ...]], project_ids: Collection[int], policy: PlanToAllocate
) -> dict[int, Booking]:
    """All bookings on ``project_ids`` that count in the plan."""
    return _bookings(cur, "where b.project_id = any(%s)", (sorted(project_ids),), policy)


def bookings_of_people(
    cur: Cursor[tuple[object, ...]], spans: Mapping[int, tuple[int, int]] | Collection[int], policy: PlanToAllocate
) -> dict[int, Booking]:
    """The bookings of people that count in the plan: all, or those that touch the days named for each."""
    if not isinstance(spans, Mapping):
        return _bookings(cur, "where b.resource_id = any(%s)", (sorted(spans),), policy)
    where = """
        join unnest(%s::int[], %s::date[], %s::date[]) as given (person_id, starts, ends)
          on b.resource_id = given.person_id and b.starts < given.ends and given.starts < b.ends
    """
    return _bookings(cur, where, _spans(spans), policy)


def _bookings(
    cur: Cursor[tuple[object, ...]], where: str, values: Sequence[object], policy: PlanToAllocate
) -> dict[int, Booking]:
    cur.execute(f"select {_BOOKING} from booking b {where}", values)  # noqa: S608 - constants of this module
    counted = dict.fromkeys(policy.soft_states, Commitment.SOFT)
    counted |= dict.fromkeys(policy.hard_states, Commitment.HARD)
    return {int(str(row[0])): _booking(row, counted[str(row[3])]) for row in cur.fetchall() if str(row[3]) in counted}


def _booking(row: tuple[object, ...], commitment: Commitment) -> Booking:
    booking_id, system_id, source_id, state, project_id, starts, ends, person, task, role, hours, percent, days, at = (
        row
    )
    return Booking(
        booking_id=int(str(booking_id)),
        system_id=int(str(system_id)),
        source_id=str(source_id),
        state=str(state),
        commitment=commitment,
        project_id=int(str(project_id)),
        starts=_day(starts),
        ends=_day(ends),
        person_id=_optional(person),
        task_id=_optional(task),
        role_id=_optional(role),
        per_day_e4=_optional(hours),
        percent_e4=_optional(percent),
        by_day=_hours_by_day(days),
        location=None if at is None else str(at),
    )


def absences(cur: Cursor[tuple[object, ...]], spans: Mapping[int, tuple[int, int]]) -> dict[int, list[Absence]]:
    """The approved absences of people that touch the days named for each; what is only requested takes nothing."""
    cur.execute(
        """
        select a.resource_id, a.starts, a.ends, (a.hours_per_day * 10000)::bigint, a.hours_by_day::text
          from absence a join unnest(%s::int[], %s::date[], %s::date[]) as given (person_id, starts, ends)
            on a.resource_id = given.person_id and a.starts < given.ends and given.starts < a.ends
         where a.state = 'approved'
         order by a.absence_id
        """,
        _spans(spans),
    )
    found: dict[int, list[Absence]] = {}
    for person_id, starts, ends, hours, days in cur.fetchall():
        one = Absence(starts=_day(starts), ends=_day(ends), per_day_e4=_optional(hours), by_day=_hours_by_day(days))
        found.setdefault(int(str(person_id)), []).append(one)
    return found


def moved_bookings(cur: Cursor[tuple[object, ...]], booking_ids: Collection[int]) -> set[int]:
    """Those of ``booking_ids`` that the plan has with another person than who is booked now."""
    cur.execute(
        """
        select distinct w.booking_id from booking_week w join booking b using (booking_id)
         where w.booking_id = any(%s) and w.person_id is distinct from b.resource_id
        """,
        (sorted(booking_ids),),
    )
    return {int(str(row[0])) for row in cur.fetchall()}


_WEEK: Final = """
    w.booking_id, w.week, w.part, w.person_id, w.project_id, w.role_id, w.commitment, w.from_day, w.until_day,
    (w.hours * 10000)::bigint, w.bill_line_id, w.revenue_minor, w.revenue_currency, w.revenue_gap, w.cost_line_id,
    w.cost_minor, w.cost_currency, w.cost_gap
"""


def weeks_of_bookings(cur: Cursor[tuple[object, ...]], booking_ids: Collection[int]) -> list[BookingWeek]:
    """Where the plan has ``booking_ids`` now."""
    cur.execute(
        f"select {_WEEK} from booking_week w where w.booking_id = any(%s)",  # noqa: S608 - constants of this module
        (sorted(booking_ids),),
    )
    return [_booking_week(row) for row in cur.fetchall()]


def weeks_of_cells(cur: Cursor[tuple[object, ...]], cells: Collection[Cell]) -> list[BookingWeek]:
    """What the plan has of people in weeks now."""
    cur.execute(
        f"""
        select {_WEEK}
          from unnest(%s::int[], %s::date[]) as given (person_id, week)
          join booking_week w on w.person_id = given.person_id and w.week = given.week
        """,  # noqa: S608 - constants of this module
        _cells(cells),
    )
    return [_booking_week(row) for row in cur.fetchall()]


def _booking_week(row: tuple[object, ...]) -> BookingWeek:
    return BookingWeek(
        booking_id=int(str(row[0])),
        week=_day(row[1]),
        part=int(str(row[2])),
        person_id=_optional(row[3]),
        project_id=int(str(row[4])),
        role_id=_optional(row[5]),
        commitment=int(str(row[6])),
        from_day=_day(row[7]),
        until_day=_day(row[8]),
        hours_e4=int(str(row[9])),
        bill_line_id=_optional(row[10]),
        revenue_minor=_optional(row[11]),
        revenue_currency=_optional(row[12]),
        revenue_gap=_optional_text(row[13]),
        cost_line_id=_optional(row[14]),
        cost_minor=_optional(row[15]),
        cost_currency=_optional(row[16]),
        cost_gap=_optional_text(row[17]),
    )


_PERSON_WEEK: Final = """
    w.person_id, w.week, (w.calendar * 10000)::bigint, (w.holiday * 10000)::bigint, (w.time_off * 10000)::bigint,
    (w.hard * 10000)::bigint, (w.soft * 10000)::bigint, (w.over * 10000)::bigint, w.over_from, w.over_until
"""


def person_weeks(cur: Cursor[tuple[object, ...]], cells: Collection[Cell]) -> dict[Cell, PersonWeek]:
    """The weeks of people as the plan has them now."""
    cur.execute(
        f"""
        select {_PERSON_WEEK}
          from unnest(%s::int[], %s::date[]) as given (person_id, week) join person_week w using (person_id, week)
        """,  # noqa: S608 - constants of this module
        _cells(cells),
    )
    found = [_person_week(row) for row in cur.fetchall()]
    return {(one.person_id, one.week): one for one in found}


def overbooked_weeks(cur: Cursor[tuple[object, ...]], person_ids: Collection[int], since: int) -> list[PersonWeek]:
    """The weeks of ``person_ids`` from ``since`` on in which firm bookings exceed what can be worked, in order."""
    cur.execute(
        f"""
        select {_PERSON_WEEK} from person_week w where w.person_id = any(%s) and w.over > 0 and w.week >= %s
         order by w.person_id, w.week
        """,  # noqa: S608 - constants of this module
        (sorted(person_ids), date.fromordinal(since)),
    )
    return [_person_week(row) for row in cur.fetchall()]


def stored_weeks(cur: Cursor[tuple[object, ...]], person_ids: Collection[int]) -> set[Cell]:
    """All weeks that the plan has of ``person_ids``."""
    cur.execute("select person_id, week from person_week where person_id = any(%s)", (sorted(person_ids),))
    return {(int(str(person_id)), _day(week)) for person_id, week in cur.fetchall()}


def _person_week(row: tuple[object, ...]) -> PersonWeek:
    return PersonWeek(
        person_id=int(str(row[0])),
        week=_day(row[1]),
        calendar_e4=int(str(row[2])),
        holiday_e4=int(str(row[3])),
        time_off_e4=int(str(row[4])),
        hard_e4=int(str(row[5])),
        soft_e4=int(str(row[6])),
        over_e4=int(str(row[7])),
        over_from=None if row[8] is None else _day(row[8]),
        over_until=None if row[9] is None else _day(row[9]),
    )


def digests(cur: Cursor[tuple[object, ...]], table: str, key: str) -> dict[int, bytes]:
    """The digests by which people (``plan_person``) or projects (``plan_project``) were computed last."""
    cur.execute(f"select {key}, digest from {table}")  # noqa: S608 - names of this package
    return {int(str(found)): _bytes(digest) for found, digest in cur.fetchall()}


def hours_text(hours_e4: int) -> Decimal:
    """Ten-thousandths of an hour as an exact decimal."""
    return Decimal(hours_e4) / HOUR_E4


def _cells(cells: Iterable[Cell]) -> tuple[list[int], list[date]]:
    ordered = sorted(cells)
    return [one[0] for one in ordered], [date.fromordinal(one[1]) for one in ordered]


def _spans(spans: Mapping[int, tuple[int, int]]) -> tuple[list[int], list[date], list[date]]:
    return (
        list(spans),
        [date.fromordinal(one[0]) for one in spans.values()],
        [date.fromordinal(one[1]) for one in spans.values()],
    )


def _hours_by_day(value: object) -> dict[int, int] | None:
    if value is None:
        return None
    return {day.toordinal(): int(hours * HOUR_E4) for day, hours in _by_day.decode(str(value)).items()}


def _day(value: object) -> int:
    return value.toordinal() if isinstance(value, date) else date.fromisoformat(str(value)).toordinal()


def _optional_day(value: object) -> date | None:
    return value if isinstance(value, date) else None


def _optional(value: object) -> int | None:
    return None if value is None else int(str(value))


def _optional_text(value: object) -> str | None:
    return None if value is None else str(value)


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else b""
