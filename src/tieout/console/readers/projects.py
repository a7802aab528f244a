"""Projects and people: one project with what each system says of it side by side, one person, their weeks."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.model.money import alpha_code
from tieout.records import record_explanation
from tieout.records.history import FieldExplanation


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project of the golden records: money in minor units of ``currency`` (ISO 4217 numeric)."""

    record_id: int
    code: str
    name: str
    entity: str | None
    client: str | None
    status: str | None
    starts: str | None
    ends: str | None
    currency: int | None
    budget_hours: Decimal | None
    budget_minor: int | None
    recorded_hours: Decimal
    planned_hours: Decimal
    billed_minor: int
    is_mixed: bool

    @property
    def share_used(self) -> int | None:
        """Recorded and planned hours of the budget, in percent; None without a budget."""
        if not self.budget_hours:
            return None
        return int((self.recorded_hours + self.planned_hours) * 100 / self.budget_hours)


_PROJECT = """
    select g.record_id, coalesce(g.code, g.fields ->> 'name', g.record_id::text) as code,
           coalesce(g.fields ->> 'name', '') as name, e.code as entity, c.fields ->> 'name' as client,
           g.fields ->> 'status' as status, g.fields ->> 'starts' as starts, g.fields ->> 'ends' as ends,
           p.currency::integer as currency, p.budget_hours, p.budget_minor,
           coalesce(a.hours, 0) as recorded_hours, coalesce(w.hours, 0) as planned_hours,
           coalesce(a.minor, 0)::bigint as billed_minor, coalesce(a.is_mixed, false) as is_mixed
      from golden_record g
      left join plan_project p on p.project_id = g.record_id
      left join golden_record e on e.record_id = p.entity_id
      left join golden_record c on c.record_id = p.client_id
      left join (select project_id, sum(hours) filter (where side = 0) as hours,
                        sum(amount_minor) filter (where side = 1) as minor,
                        count(distinct currency) filter (where side = 1) > 1 as is_mixed
                   from project_actual group by project_id) a on a.project_id = g.record_id
      left join (select project_id, sum(hours) as hours from project_week where week >= %(week)s
                  group by project_id) w on w.project_id = g.record_id
     where g.type = 'project' and not g.tombstone
"""


def projects(
    conn: Connection[tuple[object, ...]], *, week: date, entity: str | None, text: str | None
) -> list[Project]:
    """Every project, by code."""
    with conn.cursor(row_factory=class_row(Project)) as cur:
        cur.execute(
            f"""
            {_PROJECT}
               and (%(entity)s::text is null or e.code = %(entity)s)
               and (%(text)s::text is null or g.code ilike '%%' || %(text)s || '%%'
                    or g.fields ->> 'name' ilike '%%' || %(text)s || '%%')
             order by 2
            """,
            {"week": week, "entity": entity, "text": text},
        )
        return cur.fetchall()


def project(conn: Connection[tuple[object, ...]], code: str, *, week: date) -> Project | None:
    """One project by its code."""
    with conn.cursor(row_factory=class_row(Project)) as cur:
        cur.execute(f"{_PROJECT} and g.code = %(code)s order by g.record_id limit 1", {"week": week, "code": code})
        return cur.fetchone()


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a record as each system says it. ``by`` is the system whose word holds, ``rule`` why."""

    field: str
    value: str
    by: str | None
    rule: str | None
    said: Mapping[str, str]
    differs: frozenset[str]


def facts(conn: Connection[tuple[object, ...]], record_type: str, code: str) -> tuple[list[str], list[Fact]]:
    """The systems that know a record, and its fields side by side."""
    explained = record_explanation.explain_record(conn, record_type, code)
    said = _said(conn, record_type, explained.systems)
    return sorted(explained.systems), [_fact(one, said) for one in explained.fields]


def _fact(one: FieldExplanation, said: Mapping[str, Mapping[str, str]]) -> Fact:
    value = _words(one.value)
    theirs = {system: fields[one.field] for system, fields in said.items() if fields.get(one.field)}
    is_reference = isinstance(one.value, tuple)
    return Fact(
        field=one.field,
        value=value,
        by=None if one.provenance is None else one.provenance.system,
        rule=None if one.provenance is None else one.provenance.rule,
        said=theirs,
        differs=frozenset()
        if is_reference
        else frozenset(system for system, other in theirs.items() if other != value),
    )


def _said(
    conn: Connection[tuple[object, ...]], record_type: str, systems: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """What each system says now of the record that it knows by its key, references by the other record's key."""
    rows = conn.execute(
        """
        select r.system, r.fields::text, r.refs::text
          from reported_record r join unnest(%s::text[], %s::text[]) as known (system, source_id)
               on known.system = r.system and known.source_id = r.source_id
         where r.type = %s and not r.deleted
        """,
        (list(systems), list(systems.values()), record_type),
    )
    found = {}
    for system, fields, refs in rows:
        told = msgspec.json.decode(str(fields), type=dict[str, object])
        named = msgspec.json.decode(str(refs), type=dict[str, object])
        found[str(system)] = {name: _words(value) for name, value in (told | named).items()}
    return found


def _words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return " ".join(str(one) for one in value)
    return str(value)


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """A week of a project: hours recorded, firmly and softly booked."""

    week: date
    recorded: Decimal
    hard: Decimal
    soft: Decimal


def weeks(conn: Connection[tuple[object, ...]], project_id: int) -> list[Week]:
    """The weeks of a project that have anything, in order."""
    with conn.cursor(row_factory=class_row(Week)) as cur:
        cur.execute(
            """
            select week, sum(recorded) as recorded, sum(hard) as hard, sum(soft) as soft from (
                select week, hours as recorded, 0 as hard, 0 as soft from project_actual
                 where project_id = %(id)s and side = 0
                union all
                select week, 0, case commitment when 2 then hours else 0 end,
                       case commitment when 1 then hours else 0 end
                  from project_week where project_id = %(id)s) one
             group by week order by week
            """,
            {"id": project_id},
        )
        return cur.fetchall()


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """Actuals or plan of a project in one currency, minor units."""

    what: str
    currency: str
    minor: int


def money(conn: Connection[tuple[object, ...]], project_id: int, *, costs: bool, week: date) -> list[Sum]:
    """What is recorded and what is booked from ``week`` on; costs only for whoever may see them."""
    rows = conn.execute(
        """
        select case side when 1 then 'sold so far' else 'cost so far' end, currency, sum(amount_minor)::bigint
          from project_actual where project_id = %(id)s and (side = 1 or %(costs)s) group by 1, 2
        union all
        select 'booked revenue', revenue_currency, sum(revenue_minor)::bigint from project_week
         where project_id = %(id)s and revenue_currency <> 0 and week >= %(week)s group by 1, 2
        union all
        select 'booked cost', cost_currency, sum(cost_minor)::bigint from project_week
         where project_id = %(id)s and cost_currency <> 0 and week >= %(week)s and %(costs)s group by 1, 2
         order by 1, 2
        """,
        {"id": project_id, "costs": costs, "week": week},
    )
    return [
        Sum(what=str(what), currency=alpha_code(int(str(number))), minor=int(str(minor)))
        for what, number, minor in rows
    ]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person of the plan."""

    person_id: int
    name: str
    email: str | None
    code: str | None
    entity: str | None
    role: str | None
    location: str | None
    employed_from: str | None
    employed_to: str | None


def person(conn: Connection[tuple[object, ...]], person_id: int) -> Person | None:
    """One person; None where there is none that the reader may see."""
    with conn.cursor(row_factory=class_row(Person)) as cur:
        cur.execute(
            """
            select p.person_id, p.name, g.fields ->> 'email' as email, g.code, e.code as entity,
                   coalesce(r.fields ->> 'name', r.code) as role, g.fields ->> 'location' as location,
                   g.fields ->> 'employment_from' as employed_from, g.fields ->> 'employment_to' as employed_to
              from plan_person p join golden_record g on g.record_id = p.person_id
              left join golden_record e on e.record_id = p.entity_id
              left join golden_record r on r.record_id = p.role_id
             where p.person_id = %s
            """,
            (person_id,),
        )
        return cur.fetchone()


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One booking of a person."""

    project: str
    role: str | None
    state: str
    starts: date
    ends: date
    hours_per_day: Decimal | None
    percent: Decimal | None
    hours: Decimal | None


def bookings(conn: Connection[tuple[object, ...]], person_id: int) -> list[Booking]:
    """A person's bookings, the latest first; hours are those of the weeks that are planned."""
    with conn.cursor(row_factory=class_row(Booking)) as cur:
        cur.execute(
            """
            select coalesce(p.code, p.fields ->> 'name') as project, coalesce(r.fields ->> 'name', r.code) as role,
                   b.state, b.starts, b.ends, b.hours_per_day, b.percent,
                   (select sum(w.hours) from booking_week w where w.booking_id = b.booking_id) as hours
              from booking b join golden_record p on p.record_id = b.project_id
              left join golden_record r on r.record_id = b.role_id
             where b.resource_id = %s order by b.ends desc, b.starts desc
            """,
            (person_id,),
        )
        return cur.fetchall()


class Worked(msgspec.Struct, frozen=True, kw_only=True):
    """Newest time of a person."""

    entry_id: int
    work_date: date | None
    project: str | None
    hours: Decimal | None
    narrative: str


def worked(conn: Connection[tuple[object, ...]], person_id: int, *, limit: int) -> list[Worked]:
    """The newest accepted time entries of a person, by the index of person and day."""
    with conn.cursor(row_factory=class_row(Worked)) as cur:
        cur.execute(
            """
            select t.entry_id, t.work_date, coalesce(p.code, p.fields ->> 'name') as project, t.hours, t.narrative
              from time_entry t left join golden_record p on p.record_id = t.project_id
             where t.resource_id = %s and t.disposition = 1 order by t.work_date desc limit %s
            """,
            (person_id, limit),
        )
        return cur.fetchall()


class CapacityRow(msgspec.Struct, frozen=True, kw_only=True):
    """A group of people and its weeks: hours that can be worked, firmly and softly booked, over."""

    key: str
    name: str
    people: int
    week: date
    capacity: Decimal
    hard: Decimal
    soft: Decimal
    over: Decimal


_BY = {
    "person": ("p.person_id::text", "p.name"),
    "role": ("coalesce(r.code, r.fields ->> 'name', 'none')", "coalesce(r.fields ->> 'name', r.code, 'No role')"),
    "entity": ("coalesce(e.code, 'none')", "coalesce(e.code, 'No legal entity')"),
}


def capacity(
    conn: Connection[tuple[object, ...]],
    *,
    by: str,
    starts: date,
    ends: date,
    entity: str | None,
    role: str | None,
) -> list[CapacityRow]:
    """Weeks from ``starts`` until before ``ends`` by person, role or legal entity."""
    key, name = _BY[by]
    with conn.cursor(row_factory=class_row(CapacityRow)) as cur:
        cur.execute(
            f"""
            select {key} as key, min({name}) as name, count(distinct p.person_id)::integer as people, w.week,
                   sum(w.calendar - w.holiday - w.time_off) as capacity, sum(w.hard) as hard, sum(w.soft) as soft,
                   sum(w.over) as over
              from person_week w join plan_person p using (person_id)
              left join golden_record r on r.record_id = p.role_id
              left join golden_record e on e.record_id = p.entity_id
             where w.week >= %(starts)s and w.week < %(ends)s and not p.is_placeholder
               and (%(entity)s::text is null or e.code = %(entity)s)
               and (%(role)s::text is null or %(role)s in (r.code, r.fields ->> 'name'))
             group by 1, w.week order by min({name}), w.week
            """,  # noqa: S608 - one of the constants above
            {"starts": starts, "ends": ends, "entity": entity, "role": role},
        )
        return cur.fetchall()
