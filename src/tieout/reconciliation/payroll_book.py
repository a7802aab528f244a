"""What payrolls were told, for people: every file of hours, and how accepted, told and waiting hours come together.

Neighbours: ``payroll_proofs`` proves the same figures person by person; ``tieout payroll`` shows them.
"""

from datetime import date
from decimal import Decimal

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class FileOfHours(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its number (``sequence``), pay period from ``starts`` until before ``ends``, signed ``hours``.

    ``state`` is that of its delivery (posted: the payroll acknowledged it), ``ref`` the payroll's own number of it.
    """

    system: str
    entity: str
    sequence: int
    starts: date
    ends: date
    correction: bool
    people: int
    lines: int
    hours: Decimal
    state: str
    reference: str
    ref: str | None


class HoursTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of the days that payrolls are told of: accepted = told + waiting.

    ``acknowledged`` are those of told that payrolls have acknowledged; ``held_people`` is of how many people no payroll
    can be told for now.
    """

    accepted: Decimal
    told: Decimal
    acknowledged: Decimal
    waiting: Decimal
    held_people: int


def files_of_hours(conn: Connection[tuple[object, ...]]) -> list[FileOfHours]:
    """Every file, by payroll, legal entity and number."""
    with conn.cursor(row_factory=class_row(FileOfHours)) as cur:
        return cur.execute(
            """
            select f.system, coalesce(e.code, 'entity ' || f.entity_id) as entity, f.sequence, f.starts, f.ends,
                   f.correction, own.people, f.line_count as lines, f.hours,
                   case when f.state = 'taken_back' then 'taken_back' else d.state end as state, d.reference,
                   d.target_ref as ref
              from payroll_file f join delivery d using (delivery_id)
              left join golden_record e on e.record_id = f.entity_id
              left join lateral (select count(distinct l.resource_id) as people from payroll_line l
                                  where l.delivery_id = f.delivery_id) as own on true
             order by f.system, entity, f.sequence
            """
        ).fetchall()


def hours_totals(conn: Connection[tuple[object, ...]]) -> HoursTotals | None:
    """The control totals of both sides; None while no payroll is told anything."""
    with conn.cursor(row_factory=class_row(HoursTotals)) as cur:
        return cur.execute(
            """
            with begun as (
                select first_day from payroll_position where first_day is not null
            ), accepted as (
                select coalesce(sum(a.hours), 0) as hours
                  from begun join time_entry e on e.work_date >= begun.first_day
                  join actual a on a.actual_id in (e.entry_id * 8, e.entry_id * 8 + 4)
                 where e.disposition = 1
            ), told as (
                select coalesce(sum(l.hours), 0) as hours,
                       coalesce(sum(l.hours) filter (where d.state = 'posted'), 0) as acknowledged
                  from begun join payroll_line l on l.work_date >= begun.first_day
                  join payroll_file f using (delivery_id) join delivery d using (delivery_id)
                 where f.state <> 'taken_back'
            )
            select accepted.hours as accepted, told.hours as told, told.acknowledged,
                   accepted.hours - told.hours as waiting,
                   (select count(distinct resource_id) from payroll_due
                     where held in ('employer', 'number', 'numbers')) as held_people
              from begun, accepted, told
            """
        ).fetchone()
