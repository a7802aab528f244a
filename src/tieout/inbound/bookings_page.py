"""The assignments that stand, as programs read them: in pages, by project, person or system. Reads only.

``bookings_store`` writes them; ``bookings_explanation`` says how one of them came about.
"""

from datetime import date
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class AssignmentView(msgspec.Struct, frozen=True, kw_only=True):
    """One assignment. ``person`` is None where it is for a role that nobody fills yet, or who it is may not be seen.

    ``ends`` is the first day after it. It says how much by ``hours_per_day``, ``percent`` or, day by day,
    ``hours_by_day``. ``bill_rate`` is per hour, where the assignment states one of its own.
    """

    id: int
    system: str
    key: str
    state: str
    project: UUID
    project_code: str | None
    person: UUID | None
    person_name: str | None
    task: str | None
    role: str | None
    starts: date
    ends: date
    hours_per_day: Decimal | None
    percent: Decimal | None
    hours_by_day: dict[str, str] | None
    bill_rate: Decimal | None
    location: str | None


class AssignmentsWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which assignments: by a project's code, a person's public id, a system, a state, and a day that they touch."""

    project: str | None = None
    person: UUID | None = None
    system: str | None = None
    state: str | None = None
    day: date | None = None


class AssignmentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Assignments in the order in which they became known; ``next`` is the mark of the following page."""

    assignments: list[AssignmentView]
    next: int | None


_VIEW: Final[LiteralString] = """
    select b.booking_id as id, s.name as system, b.source_id as key, b.state, p.public_id as project,
           p.code as project_code, g.public_id as person, g.fields ->> 'name' as person_name,
           coalesce(t.fields ->> 'name', t.code) as task, coalesce(r.fields ->> 'name', r.code) as role, b.starts,
           b.ends, b.hours_per_day, b.percent,
           (select jsonb_object_agg(day, hours #>> '{}') from jsonb_each(b.hours_by_day) as said (day, hours))
               as hours_by_day,
           b.bill_rate, b.location
      from booking b
      join system_name s using (system_id)
      join golden_record p on p.record_id = b.project_id
      left join golden_record g on g.record_id = b.resource_id
      left join golden_record t on t.record_id = b.task_id
      left join golden_record r on r.record_id = b.role_id
"""


def page(
    conn: Connection[tuple[object, ...]], wanted: AssignmentsWanted, *, after: int | None, limit: int
) -> AssignmentPage:
    """The ``wanted`` assignments that are seen, from the mark ``after`` on, at most ``limit``."""
    rows = _rows(
        conn,
        """
         where b.booking_id > %(after)s
           and (%(project)s::text is null or p.code = %(project)s)
           and (%(person)s::uuid is null or g.public_id = %(person)s)
           and (%(system)s::text is null or s.name = %(system)s)
           and (%(state)s::text is null or b.state = %(state)s)
           and (%(day)s::date is null or (b.starts <= %(day)s and %(day)s < b.ends))
         order by b.booking_id limit %(limit)s
        """,
        msgspec.structs.asdict(wanted) | {"after": after or 0, "limit": limit + 1},
    )
    kept = rows[:limit]
    return AssignmentPage(assignments=kept, next=kept[-1].id if len(rows) > limit else None)


def one(conn: Connection[tuple[object, ...]], booking_id: int) -> AssignmentView | None:
    """The assignment of this number; None where there is none that is seen."""
    rows = _rows(conn, "where b.booking_id = %(id)s", {"id": booking_id})
    return rows[0] if rows else None


def _rows(
    conn: Connection[tuple[object, ...]], where: LiteralString, values: dict[str, object]
) -> list[AssignmentView]:
    with conn.cursor(row_factory=class_row(AssignmentView)) as cur:
        cur.execute(_VIEW + where, values)
        return cur.fetchall()
