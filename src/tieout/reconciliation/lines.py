"""Lays what was taken in and what became of it side by side as signed lines, set-based.

A line says: so many entries, hours, minor units of billable value and cost, of this legal entity, period and currency,
on this side. Sides are ``taken_in`` (from messages) and the buckets ``posted``, ``in_exception``, ``in_doubt``,
``excluded``, ``in_progress`` (from the state tables). A change of a posted entry leaves the posted version in its
bucket and puts the difference into the exception, so that the identity holds in every row.
"""

from psycopg import Connection

from tieout.model.money import known_currencies
from tieout.records.reference_book import ReferenceBook
from tieout.storage.copying import copy_rows

SIDES = ("taken_in", "posted", "in_exception", "in_doubt", "excluded", "in_progress")

_LATEST = """
create temporary table latest on commit drop as
select distinct on (t.system, t.source_id)
       t.system, s.system_id, t.source_id, t.version, t.state, t.hours, t.work_date, t.message_id, t.item_no
  from taken_item t left join system_name s on s.name = t.system
 where t.readable
 order by t.system, t.source_id, t.version desc, t.message_id, t.item_no
"""

# The reading that stands for each source entry: of the newest version, its newest revision.
_CURRENT = """
create temporary table current_reading on commit drop as
select distinct on (e.system_id, e.source_id)
       e.entry_id, e.system_id, e.source_id, e.version, e.disposition, e.entity_id, e.project_id, e.work_date,
       e.hours, e.message_id, e.item_no
  from time_entry e
 where e.disposition <> 4
 order by e.system_id, e.source_id, e.version desc, e.revision desc
"""

# The accepted reading of an older version that may be with a target: what a later change is measured against.
_ANCHOR = """
create temporary table anchor on commit drop as
select distinct on (e.system_id, e.source_id)
       e.entry_id, e.system_id, e.source_id, e.version, e.entity_id, e.work_date, e.hours, l.delivery_id
  from time_entry e
  join posting_link l on l.entry_id = e.entry_id and l.delivery_id <> 0
  join current_reading c on c.system_id = e.system_id and c.source_id = e.source_id and c.entry_id <> e.entry_id
 where e.disposition = 1 and c.disposition <> 1
 order by e.system_id, e.source_id, e.version desc, e.revision desc
"""

_MONEY = """
create temporary table entry_money on commit drop as
select e.entry_id, s.amount_minor, coalesce(s.currency, n.currency) as currency, c.functional_minor as cost_minor,
       c.functional_currency
  from (select entry_id, project_id from current_reading where disposition = 1
        union select a.entry_id, e.project_id from anchor a join time_entry e using (entry_id)) e
  left join actual c on c.actual_id = e.entry_id * 8
  left join actual s on s.actual_id = e.entry_id * 8 + 1
  left join project_currency n on n.project_id = e.project_id
"""

_PROJECT_CURRENCY = """
create temporary table project_currency on commit drop as
select p.record_id as project_id, k.number as currency
  from golden_record p join currency_code k on k.alpha = p.fields ->> 'currency'
 where p.type = 'project'
"""

# Billable value and cost once more: hours from the message, price from the rate line that the actual names. Where a
# rate was converted or stated per day, the price of the actual stands in; its own proof is in ``proofs``.
_RECOMPUTED = """
create temporary table recomputed on commit drop as
select r.entry_id,
       case when s.actual_id is null then 0 else pg_temp.round_minor(
           t.hours * case when b.unit = 'hour' and b.currency = k.alpha then b.price else s.price end,
           k.exponent, o.rounding) end as amount_minor,
       c.functional_minor as cost_minor
  from current_reading r
  join latest t on t.system_id = r.system_id and t.source_id = r.source_id
  join actual c on c.actual_id = r.entry_id * 8
  left join actual s on s.actual_id = r.entry_id * 8 + 1
  left join rate_line b on b.rate_line_id = s.rate_line_id
  left join currency_code k on k.number = s.currency
  left join entity_rounding o on o.entity_id = r.entity_id
 where r.disposition = 1
"""

_ROUND_MINOR = """
create function pg_temp.round_minor(amount numeric, exponent integer, rounding text) returns bigint
language sql immutable as $$
    select case when rounding = 'half_even' and abs(x - trunc(x)) = 0.5 then 2 * round(x / 2) else round(x) end::bigint
      from (select amount * power(10::numeric, exponent) as x) as scaled
$$
"""

# What a held entry is worth to the desk, where that is known.
_AT_STAKE = """
create temporary table at_stake on commit drop as
select distinct on (i.subject_id) i.subject_id as entry_id, i.state, i.amount_minor, i.currency
  from desk_item i
 where i.subject_kind = 'time_entry' and i.state <> 'resolved'
 order by i.subject_id, i.state = 'excluded' desc, i.item_id desc
"""

_BUCKET = """
    case when d.state = 'posted' then 'posted'
         when d.state in ('intent', 'in_doubt') then 'in_doubt'
         when d.state in ('rejected', 'dead', 'held') then 'in_exception'
         when d.state = 'excluded' then 'excluded'
         when i.state in ('open', 'released') then 'in_exception'
         when i.state = 'excluded' then 'excluded'
         else 'in_progress' end
"""

_LINES = """
create temporary table line (
    side text not null, entity_id integer, day date, currency smallint, entry_count integer not null,
    hours numeric not null, amount_minor bigint, cost_minor bigint, priced boolean not null, system_id smallint,
    source_id text, entry_id bigint, message_id bigint, item_no integer, delivery_id bigint
) on commit drop
"""

_TAKEN = """
insert into line
select 'taken_in', r.entity_id, coalesce(d.accounting_date, t.work_date),
       coalesce(m.currency, am.currency, n.currency), 1, coalesce(t.hours, 0),
       case when r.disposition = 1 then x.amount_minor
            when a.entry_id is not null then coalesce(am.amount_minor, 0) + i.amount_minor
            else i.amount_minor end,
       x.cost_minor, r.disposition = 1 or i.amount_minor is not null, t.system_id, t.source_id, r.entry_id,
       t.message_id, t.item_no, l.delivery_id
  from latest t
  left join current_reading r on r.system_id = t.system_id and r.source_id = t.source_id
  left join anchor a on a.system_id = t.system_id and a.source_id = t.source_id
  left join entry_money m on m.entry_id = r.entry_id
  left join entry_money am on am.entry_id = a.entry_id
  left join project_currency n on n.project_id = r.project_id
  left join posting_link l on l.entry_id = r.entry_id and l.delivery_id <> 0
  left join delivery d on d.delivery_id = l.delivery_id
  left join recomputed x on x.entry_id = r.entry_id
  left join at_stake i on i.entry_id = r.entry_id
 where t.state = 3
"""

_STANDING = f"""
insert into line
select {_BUCKET}, r.entity_id, coalesce(d.accounting_date, r.work_date), coalesce(m.currency, n.currency),
       1, coalesce(r.hours, 0),
       case when r.disposition = 1 then coalesce(m.amount_minor, 0) else i.amount_minor end, m.cost_minor,
       r.disposition = 1 or i.amount_minor is not null, r.system_id, r.source_id, r.entry_id, r.message_id, r.item_no,
       l.delivery_id
  from current_reading r
  left join anchor a on a.system_id = r.system_id and a.source_id = r.source_id
  left join entry_money m on m.entry_id = r.entry_id
  left join project_currency n on n.project_id = r.project_id
  left join posting_link l on l.entry_id = r.entry_id and l.delivery_id <> 0
  left join delivery d on d.delivery_id = l.delivery_id
  left join at_stake i on i.entry_id = r.entry_id
 where r.disposition in (1, 2) and a.entry_id is null
"""  # noqa: S608 - constants of this module

# An older version that may be posted: itself in its bucket, and the difference to what the source says now.
_CHANGED = f"""
insert into line
select {_BUCKET}, a.entity_id, d.accounting_date, m.currency, 1, a.hours, coalesce(m.amount_minor, 0), m.cost_minor,
       true, a.system_id, a.source_id, a.entry_id, null, null, a.delivery_id
  from anchor a
  join delivery d on d.delivery_id = a.delivery_id
  left join entry_money m on m.entry_id = a.entry_id
  left join lateral (select null::text as state) i on true
"""  # noqa: S608 - constants of this module

_DELTA_SIDE = "case when i.state = 'excluded' then 'excluded' else 'in_exception' end"

_DELTA_OUT = f"""
insert into line
select {_DELTA_SIDE}, a.entity_id, d.accounting_date, m.currency, -1, -a.hours, -coalesce(m.amount_minor, 0),
       -m.cost_minor, true, a.system_id, a.source_id, a.entry_id, null, null, null
  from anchor a
  join current_reading r on r.system_id = a.system_id and r.source_id = a.source_id
  join delivery d on d.delivery_id = a.delivery_id
  left join entry_money m on m.entry_id = a.entry_id
  left join at_stake i on i.entry_id = r.entry_id
"""  # noqa: S608 - constants of this module

_DELTA_IN = f"""
insert into line
select {_DELTA_SIDE}, r.entity_id, r.work_date, coalesce(m.currency, n.currency), 1, coalesce(r.hours, 0),
       coalesce(m.amount_minor, 0) + i.amount_minor, null, i.amount_minor is not null, r.system_id, r.source_id,
       r.entry_id, r.message_id, r.item_no, null
  from anchor a
  join current_reading r on r.system_id = a.system_id and r.source_id = a.source_id
  join latest t on t.system_id = r.system_id and t.source_id = r.source_id and t.state = 3
  left join entry_money m on m.entry_id = a.entry_id
  left join project_currency n on n.project_id = r.project_id
  left join at_stake i on i.entry_id = r.entry_id
"""  # noqa: S608 - constants of this module

_UNREADABLE = """
insert into line
select side.name, null, null, null, 1, 0, null, null, false, null, t.source_id, null, t.message_id, t.item_no, null
  from taken_item t
  left join lateral (
      select state from desk_item i
       where (i.subject_kind = 'message' and t.item_no is null and i.subject_id = t.message_id)
          or (i.subject_kind = 'message_item' and i.message_id = t.message_id and i.item_no = t.item_no)
       order by i.item_id desc limit 1) i on true
  cross join lateral (
      values ('taken_in'),
             (case when i.state in ('open', 'released') then 'in_exception'
                   when i.state = 'excluded' then 'excluded'
                   when exists (select 1 from message_pending p where p.message_id = t.message_id)
                        then 'in_progress' end)) as side (name)
 where not t.readable and side.name is not null and i.state is distinct from 'resolved'
"""

_WAITING = """
insert into line
select 'in_progress', null, t.work_date, null, 1, coalesce(t.hours, 0), null, null, false, t.system_id, t.source_id,
       null, t.message_id, t.item_no, null
  from latest t
 where t.state = 3
   and not exists (select 1 from current_reading r where r.system_id = t.system_id and r.source_id = t.source_id)
   and exists (select 1 from message_pending p where p.message_id = t.message_id)
"""


_STEPS = (
    _LATEST,
    "create index on latest (source_id)",
    "analyze latest",
    _CURRENT,
    "create index on current_reading (source_id)",
    "create index on current_reading (entry_id)",
    "analyze current_reading",
    _ANCHOR,
    "create index on anchor (source_id)",
    "analyze anchor",
    _PROJECT_CURRENCY,
    _MONEY,
    "create index on entry_money (entry_id)",
    "analyze entry_money",
    _ROUND_MINOR,
    _RECOMPUTED,
    "create index on recomputed (entry_id)",
    "analyze recomputed",
    _AT_STAKE,
    "create index on at_stake (entry_id)",
    "analyze at_stake",
    _LINES,
    _TAKEN,
    _STANDING,
    _CHANGED,
    _DELTA_OUT,
    _DELTA_IN,
    _UNREADABLE,
    _WAITING,
    "analyze line",
)


def build_lines(conn: Connection[tuple[object, ...]], book: ReferenceBook) -> None:
    """Fill the temporary table ``line`` from ``taken_item`` and the state tables of this transaction's snapshot."""
    with conn.cursor() as cur:
        cur.execute(
            "create temporary table currency_code (alpha text, number smallint, exponent integer) on commit drop"
        )
        copy_rows(cur, "currency_code", ("alpha", "number", "exponent"), known_currencies())
        cur.execute("create temporary table entity_rounding (entity_id integer, rounding text) on commit drop")
        cur.execute(
            "create temporary table entity_period (entity_id integer, code text, starts date, ends date) on commit drop"
        )
        for entity in book.entity_by_id.values():
            if entity.policy is not None:
                copy_rows(
                    cur,
                    "entity_rounding",
                    ("entity_id", "rounding"),
                    [(entity.record_id, entity.policy.rounding.value)],
                )
            copy_rows(
                cur,
                "entity_period",
                ("entity_id", "code", "starts", "ends"),
                [(entity.record_id, one.code, one.starts, one.ends) for one in book.periods.of(entity.code)],
            )
        for statement in _STEPS:
            cur.execute(statement)
