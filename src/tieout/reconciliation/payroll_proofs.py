"""The proofs of what payrolls are told: hours in their files are the hours that the ledger accepted, each told once.

``proofs`` runs them with the others. Both sides are added up here from their own tables, by another way than the files
were made. What is due or not looked at yet is no disagreement: it waits.
"""

from typing import Final, NamedTuple

from psycopg import Connection


class PayrollProof(NamedTuple):
    """A statement that selects what disagrees, and the words for a row of it."""

    name: str
    statement: str
    words: str


# Days of people that wait to be told: whoever looks at them next compares both sides. Where no payroll is told
# anything, nothing is looked for.
_WAITING: Final = """
create temporary table payroll_waiting on commit drop as
select resource_id, work_date from payroll_due
 union
select e.resource_id, e.work_date
  from payroll_pending p join time_entry e on e.entry_id between p.first_id and p.last_id
 where e.disposition = 1 and exists (select from payroll_position where first_day is not null)
"""

PAYROLL_PROOFS: Final = (
    PayrollProof(
        "payroll_hours",
        """
        with accepted as (
            select e.resource_id, e.work_date, e.work_type, sum(a.hours) as hours
              from payroll_position p join time_entry e on e.work_date >= p.first_day
              join actual a on a.actual_id in (e.entry_id * 8, e.entry_id * 8 + 4)
             where e.disposition = 1 and p.first_day is not null
             group by 1, 2, 3
        ), told as (
            select l.resource_id, l.work_date, l.work_type, sum(l.hours) as hours
              from payroll_position p join payroll_line l on l.work_date >= p.first_day
              join payroll_file f using (delivery_id)
             where f.state <> 'taken_back'
             group by 1, 2, 3
        )
        select coalesce(g.fields ->> 'name', 'person ' || resource_id) || ' on ' || work_date,
               coalesce(accepted.hours, 0), coalesce(told.hours, 0)
          from accepted full join told using (resource_id, work_date, work_type)
          left join golden_record g on g.record_id = resource_id
         where coalesce(accepted.hours, 0) <> coalesce(told.hours, 0)
           and not exists (select from payroll_waiting w
                            where w.resource_id = coalesce(accepted.resource_id, told.resource_id)
                              and w.work_date = coalesce(accepted.work_date, told.work_date))
         order by 1
        """,
        "{0}: the ledger accepted {1} hours of a kind of work, the payroll was told {2}.",
    ),
    PayrollProof(
        "payroll_file_totals",
        """
        select 'file ' || f.sequence || ' for ' || f.system, f.line_count || ' lines, ' || f.hours || ' h',
               coalesce(own.lines, 0) || ' lines, ' || coalesce(own.hours, 0) || ' h',
               coalesce(sent.lines, 0) || ' lines, ' || coalesce(sent.hours, 0) || ' h'
          from payroll_file f
          left join delivery d using (delivery_id)
          left join lateral (
              select count(*) as lines, sum(l.hours) as hours from payroll_line l
               where l.delivery_id = f.delivery_id) as own on true
          left join lateral (
              select count(*) as lines, sum((line ->> 'hours')::numeric) as hours
                from delivery_command c,
                     jsonb_array_elements(convert_from(c.command, 'UTF8')::jsonb -> 'lines') as line
               where c.delivery_id = f.delivery_id) as sent on true
         where (f.line_count, f.hours) is distinct from (own.lines, own.hours)
            or (f.line_count, f.hours) is distinct from (sent.lines, sent.hours)
            or d.hours is distinct from f.hours or d.system is distinct from f.system
        """,
        "{0} says {1}; what is kept of it adds up to {2}, what was sent to {3}.",
    ),
    PayrollProof(
        "payroll_sequence",
        """
        select system || ' of ' || coalesce(e.code, 'entity ' || entity_id), count(*), max(sequence)
          from payroll_file left join golden_record e on e.record_id = entity_id
         group by system, entity_id, e.code
        having count(*) <> max(sequence) or min(sequence) <> 1
        """,
        "{0} was told {1} files, and the last one has number {2}.",
    ),
    PayrollProof(
        "payroll_file_state",
        """
        select 'file ' || f.sequence || ' for ' || f.system, f.state, coalesce(d.state, 'not there')
          from payroll_file f left join delivery d using (delivery_id)
         where d.state is null or (f.state <> 'open' and d.state not in ('posted', 'excluded'))
            or (f.state = 'taken_back' and d.state <> 'excluded')
        """,
        "{0} counts as {1}, and its delivery is {2}.",
    ),
)


def prepare(conn: Connection[tuple[object, ...]]) -> None:
    """Gather what waits, in the transaction of the statement."""
    conn.execute(_WAITING)
