"""Writes the rows of the plan that differ from what was, and nothing else. In the transaction of the step."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from psycopg import Cursor

from tieout.ledger.actuals import SLOTS
from tieout.storage.copying import CopyValue, copy_rows
from tieout.streams.plan_to_allocate import project_week
from tieout.streams.plan_to_allocate.person_week import PersonWeek
from tieout.streams.plan_to_allocate.plan_book import Budget, PlanBook
from tieout.streams.plan_to_allocate.project_week import ProjectCell, Sums
from tieout.streams.plan_to_allocate.store import BookingWeek, Cell, hours_text

_BOOKING_WEEK: Final = (
    "booking_id", "week", "part", "person_id", "project_id", "role_id", "commitment", "from_day", "until_day", "hours",
    "bill_line_id", "revenue_minor", "revenue_currency", "revenue_gap", "cost_line_id", "cost_minor", "cost_currency",
    "cost_gap",
)  # fmt: skip
_PERSON_WEEK: Final = (
    "person_id", "week", "calendar", "holiday", "time_off", "hard", "soft", "over", "over_from", "over_until",
)  # fmt: skip


def write_booking_weeks(
    cur: Cursor[tuple[object, ...]], before: Iterable[BookingWeek], after: Iterable[BookingWeek]
) -> set[int]:
    """Let the plan have the rows ``after`` in the place of ``before``; returns the projects that this changed."""
    old = {one.key: one for one in before}
    new = {one.key: one for one in after}
    gone = [one for key, one in old.items() if new.get(key) != one]
    come = [one for key, one in new.items() if old.get(key) != one]
    if gone:
        cur.execute(
            """
            delete from booking_week w
             using unnest(%s::bigint[], %s::date[], %s::smallint[]) as gone (booking_id, week, part)
             where w.booking_id = gone.booking_id and w.week = gone.week and w.part = gone.part
            """,
            ([one.booking_id for one in gone], [_date(one.week) for one in gone], [one.part for one in gone]),
        )
    copy_rows(cur, "booking_week", _BOOKING_WEEK, (_booking_week(one) for one in sorted(come, key=lambda o: o.key)))
    _add_to_projects(cur, project_week.changes(gone, come))
    return {one.project_id for one in (*gone, *come)}


def _booking_week(one: BookingWeek) -> tuple[CopyValue, ...]:
    return (
        one.booking_id,
        _date(one.week),
        one.part,
        one.person_id,
        one.project_id,
        one.role_id,
        one.commitment,
        _date(one.from_day),
        _date(one.until_day),
        hours_text(one.hours_e4),
        one.bill_line_id,
        one.revenue_minor,
        one.revenue_currency,
        one.revenue_gap,
        one.cost_line_id,
        one.cost_minor,
        one.cost_currency,
        one.cost_gap,
    )


def _add_to_projects(cur: Cursor[tuple[object, ...]], changes: Mapping[ProjectCell, Sums]) -> None:
    if not changes:
        return
    cells = sorted(changes)
    sums = [changes[cell] for cell in cells]
    keys: list[list[object]] = [list(column) for column in zip(*cells, strict=True)]
    keys[1] = [_date(cell[1]) for cell in cells]
    cur.execute(
        """
        insert into project_week as w (project_id, week, commitment, revenue_currency, cost_currency, parts, hours,
                                       revenue_minor, cost_minor, unpriced, uncosted, not_billable)
        select * from unnest(%s::int[], %s::date[], %s::smallint[], %s::smallint[], %s::smallint[], %s::int[],
                             %s::numeric[], %s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[])
        on conflict (project_id, week, commitment, revenue_currency, cost_currency) do update
           set parts = w.parts + excluded.parts, hours = w.hours + excluded.hours,
               revenue_minor = w.revenue_minor + excluded.revenue_minor,
               cost_minor = w.cost_minor + excluded.cost_minor, unpriced = w.unpriced + excluded.unpriced,
               uncosted = w.uncosted + excluded.uncosted, not_billable = w.not_billable + excluded.not_billable
        """,
        (
            *keys,
            [one.parts for one in sums],
            [hours_text(one.hours_e4) for one in sums],
            [one.revenue_minor for one in sums],
            [one.cost_minor for one in sums],
            [hours_text(one.unpriced_e4) for one in sums],
            [hours_text(one.uncosted_e4) for one in sums],
            [hours_text(one.not_billable_e4) for one in sums],
        ),
    )
    cur.execute(
        """
        delete from project_week w
         using unnest(%s::int[], %s::date[], %s::smallint[], %s::smallint[], %s::smallint[])
               as touched (project_id, week, commitment, revenue_currency, cost_currency)
         where w.project_id = touched.project_id and w.week = touched.week and w.commitment = touched.commitment
           and w.revenue_currency = touched.revenue_currency and w.cost_currency = touched.cost_currency
           and w.parts = 0
        """,
        keys,
    )


def write_person_weeks(
    cur: Cursor[tuple[object, ...]], before: Mapping[Cell, PersonWeek], after: Mapping[Cell, PersonWeek]
) -> None:
    """Let the plan have the weeks ``after`` in the place of ``before``."""
    gone = [cell for cell in sorted(before) if after.get(cell) != before[cell]]
    come = [after[cell] for cell in sorted(after) if before.get(cell) != after[cell]]
    if gone:
        cur.execute(
            """
            delete from person_week w using unnest(%s::int[], %s::date[]) as gone (person_id, week)
             where w.person_id = gone.person_id and w.week = gone.week
            """,
            ([cell[0] for cell in gone], [_date(cell[1]) for cell in gone]),
        )
    copy_rows(cur, "person_week", _PERSON_WEEK, (_person_week(one) for one in come))


def _person_week(one: PersonWeek) -> tuple[CopyValue, ...]:
    return (
        one.person_id,
        _date(one.week),
        hours_text(one.calendar_e4),
        hours_text(one.holiday_e4),
        hours_text(one.time_off_e4),
        hours_text(one.hard_e4),
        hours_text(one.soft_e4),
        hours_text(one.over_e4),
        None if one.over_from is None else _date(one.over_from),
        None if one.over_until is None else _date(one.over_until),
    )


def write_people(cur: Cursor[tuple[object, ...]], plan: PlanBook, person_ids: Collection[int]) -> None:
    """Remember by what ``person_ids`` were computed; those that are no people any more are forgotten."""
    ids = sorted(person_ids)
    cur.execute("delete from plan_person where person_id = any(%s)", (ids,))
    columns = ("person_id", "digest", "entity_id", "role_id", "name", "is_assumed", "is_placeholder")
    people = [plan.people[one] for one in ids if one in plan.people]
    rows = (
        (
            one.record_id,
            plan.person_digests[one.record_id],
            one.entity_id,
            one.role_id,
            one.name,
            one.is_assumed,
            one.is_placeholder,
        )
        for one in people
    )
    copy_rows(cur, "plan_person", columns, rows)


def write_projects(cur: Cursor[tuple[object, ...]], plan: PlanBook, project_ids: Collection[int]) -> None:
    """Remember by what ``project_ids`` were computed, and what their budgets are."""
    ids = sorted(project_ids)
    cur.execute("delete from plan_project where project_id = any(%s)", (ids,))
    columns = ("project_id", "digest", "entity_id", "client_id", "budget_hours", "budget_minor", "currency")
    copy_rows(cur, "plan_project", columns, _projects(plan, ids))


def _projects(plan: PlanBook, ids: Sequence[int]) -> Iterable[tuple[CopyValue, ...]]:
    for project_id in ids:
        project = plan.book.project_by_id.get(project_id)
        if project is None:
            continue
        budget = plan.budgets.get(project_id, Budget())
        yield (
            project_id,
            plan.project_digests[project_id],
            project.entity_id,
            project.client_id,
            None if budget.hours_e4 is None else hours_text(budget.hours_e4),
            budget.amount_minor,
            project.currency_number or None,
        )


def add_actuals(cur: Cursor[tuple[object, ...]], ranges: Sequence[tuple[int, int]], *, reversals: bool) -> set[int]:
    """Add what the ledger made of the entries in ``ranges``, or took back of them; returns the projects touched."""
    if not ranges:
        return set()
    cur.execute(
        """
        with added as (
            select a.project_id, date_trunc('week', a.document_date)::date as week,
                   (a.actual_id %% 4)::smallint as side, a.currency, sum(a.hours) as hours,
                   sum(a.amount_minor)::bigint as amount_minor
              from unnest(%(first)s::bigint[], %(last)s::bigint[]) as given (first_id, last_id)
              join actual a on a.actual_id between given.first_id * %(slots)s and given.last_id * %(slots)s + 7
             where (a.actual_id %% %(slots)s >= 4) = %(reversals)s
             group by 1, 2, 3, 4
        )
        insert into project_actual as p (project_id, week, side, currency, hours, amount_minor)
        select project_id, week, side, currency, hours, amount_minor from added order by 1, 2, 3, 4
        on conflict (project_id, week, side, currency) do update
           set hours = p.hours + excluded.hours, amount_minor = p.amount_minor + excluded.amount_minor
        returning project_id
        """,
        {
            "first": [one[0] for one in ranges],
            "last": [one[1] for one in ranges],
            "slots": SLOTS,
            "reversals": reversals,
        },
    )
    return {int(str(row[0])) for row in cur.fetchall()}


def _date(day: int) -> date:
    return date.fromordinal(day)
