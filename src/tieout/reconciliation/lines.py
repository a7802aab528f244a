"""Lays what was taken in and what became of it side by side as signed lines, set-based.

A line says: so many entries, hours, minor units of billable value and cost, of this legal entity, period and currency,
on this side. Sides are ``taken_in`` (from messages) and the buckets ``posted``, ``in_exception``, ``in_doubt``,
``excluded``, ``in_progress`` (from the state tables). A change of a posted entry leaves the posted version in its
bucket and puts the difference into the exception, so that the identity holds in every row. So does a version that no
step has read yet: the difference to the one that stands is in progress.

Count, hours and day of ``taken_in`` come from the message; its value is made again of the hours in the message and the
rate line that the actual names, or, where no trace is left, of the rates as they are now (``rerating``). Legal entity
and currency are those that the entry was accepted by, since golden records may have moved on since.
"""

from collections.abc import Mapping

from psycopg import Connection

from tieout.connect.source import Translator
from tieout.model.money import RoundingMode, known_currencies
from tieout.reconciliation.rerating import load_rerated
from tieout.records.reference_book import ReferenceBook
from tieout.storage.copying import copy_rows

SIDES = ("taken_in", "posted", "in_exception", "in_doubt", "excluded", "in_progress")

# What each version of a source entry says, at its first arrival. Several changes within one version number count in
# the order they arrived; the last one stands.
_LATEST = """
create temporary table latest on commit drop as
select distinct on (source_id, system_id) system_id, source_id, version, content, state, hours, work_date, billable,
       entity_id, currency, message_id, item_no, null::text as unread
  from (select distinct on (source_id, system_id, version, content) *
          from taken_item where readable
         order by source_id, system_id, version, content, message_id, item_no) as said
 order by source_id, system_id, version desc, message_id desc, item_no desc
"""

# The reading that stands for each source entry. entry_id: whose actuals and posting stand for it (disposition 5: those
# of an earlier reading that says the same).
_STANDING = """
create temporary table standing on commit drop as
select distinct on (source_id, system_id) system_id, source_id, version, state, disposition,
       case when disposition = 5 then previous_entry_id else entry_id end as entry_id, entry_id as reading_id,
       entity_id, project_id, work_date, hours, billable, message_id, item_no
  from time_entry
 order by source_id, system_id, version desc, revision desc
"""

# What the desk says last of each message (item_no -1) and each item that could not be read.
_UNREADABLE_ON_DESK = """
create temporary table unreadable_on_desk on commit drop as
select distinct on (message_id, item_no) message_id, coalesce(item_no, -1) as item_no, state
  from desk_item
 where subject_kind in ('message', 'message_item')
 order by message_id, item_no, item_id desc
"""

# What nobody has read yet: it waits in the queue, or in a message or item on the desk that could not be read before.
_UNREAD = """
update latest t set unread = waits.side
  from (select o.source_id, o.system_id,
               case when p.message_id is not null then 'in_progress'
                    when coalesce(i.state, m.state) = 'excluded' then 'excluded'
                    when coalesce(i.state, m.state) in ('open', 'released') then 'in_exception' end as side
          from latest o
          left join standing s on s.source_id = o.source_id and s.system_id = o.system_id
          left join message_pending p on p.message_id = o.message_id
          left join unreadable_on_desk i on i.message_id = o.message_id and i.item_no = o.item_no
          left join unreadable_on_desk m on m.message_id = o.message_id and m.item_no = -1
         where p.message_id is not null or s.version is distinct from o.version) as waits
 where waits.source_id = t.source_id and waits.system_id = t.system_id and waits.side is not null
"""

# The accepted reading of an older version that may be with a target: what a later change is measured against.
# said_hours and worth are what its own version says in the messages.
_ANCHOR = """
create temporary table anchor on commit drop as
select distinct on (e.source_id, e.system_id)
       e.entry_id, e.system_id, e.source_id, e.entity_id, e.project_id, e.work_date, e.hours, e.billable,
       l.delivery_id, coalesce(v.hours, e.hours) as said_hours, coalesce(v.billable, e.billable) as worth
  from standing s
  join time_entry e on e.source_id = s.source_id and e.system_id = s.system_id and e.entry_id <> s.reading_id
  join posting_link l on l.entry_id = e.entry_id and l.delivery_id <> 0
  left join lateral (
      select t.hours, t.billable from taken_item t
       where t.source_id = e.source_id and t.system_id = e.system_id and t.version = e.version and t.readable
       order by (t.hours, t.work_date) = (e.hours, e.work_date) desc, t.message_id, t.item_no
       limit 1) as v on true
 where s.disposition in (2, 3) and e.disposition = 1
 order by e.source_id, e.system_id, e.version desc, e.revision desc
"""

_PROJECT_CURRENCY = """
create temporary table project_currency on commit drop as
select p.record_id as project_id, k.number as currency
  from golden_record p join currency_code k on k.alpha = p.fields ->> 'currency'
 where p.type = 'project'
"""

# What the desk says last of each entry, and what it is worth there, where that is known.
_AT_STAKE = """
create temporary table at_stake on commit drop as
select distinct on (subject_id) subject_id as entry_id, state, amount_minor, hours, currency, new_currency,
       new_amount_minor
  from desk_item
 where subject_kind = 'time_entry' and state <> 'resolved'
 order by subject_id, item_id desc
"""

_BUCKET = """
    case when d.state = 'posted' then 'posted'
         when d.state in ('intent', 'sent', 'in_doubt') then 'in_doubt'
         when d.state in ('rejected', 'dead', 'held') then 'in_exception'
         when d.state = 'excluded' then 'excluded'
         when i.state in ('open', 'released') then 'in_exception'
         when i.state = 'excluded' then 'excluded'
         else 'in_progress' end
"""

# Everything that was accepted and stands: the newest reading of an entry, or the posted one that it would change.
# value_minor is made again of the hours in the message and the rate line; where the price is not the line's own (it was
# converted, or a day's hours came from a policy), it is what the actual says. It is empty where that is gone.
_ACCEPTED = f"""
create temporary table accepted on commit drop as
select e.*, {_BUCKET} as bucket, d.accounting_date, s.amount_minor, coalesce(s.currency, n.currency) as currency,
       c.functional_minor as cost_minor, c.actual_id is not null as has_cost, s.actual_id is not null as has_sale,
       case when not e.worth then 0
            when s.price_fx_rate_id is not null or b.currency is distinct from k.alpha then s.amount_minor
            when b.unit = 'hour' then pg_temp.round_minor(h.hours * b.price, k.exponent, o.half_even)
            when b.hours_per_day is not null
                 then pg_temp.round_minor(h.hours * b.price / b.hours_per_day, k.exponent, o.half_even)
            else s.amount_minor end as value_minor
  from (select st.entry_id, st.reading_id, st.system_id, st.source_id, st.entity_id, st.project_id, st.work_date,
               st.hours, st.billable, st.message_id, st.item_no, l.delivery_id, false as changed,
               coalesce(t.hours, st.hours) as said_hours, coalesce(t.billable, st.billable) as worth
          from standing st
          left join posting_link l on l.entry_id = st.entry_id and l.delivery_id <> 0
          left join latest t on t.source_id = st.source_id and t.system_id = st.system_id
         where st.disposition in (1, 5)
        union all
        select entry_id, entry_id, system_id, source_id, entity_id, project_id, work_date, hours, billable, null, null,
               delivery_id, true, said_hours, worth
          from anchor) as e
  left join delivery d using (delivery_id)
  left join actual c on c.actual_id = e.entry_id * 8
  left join actual s on s.actual_id = e.entry_id * 8 + 1
  left join rate_line b on b.rate_line_id = s.rate_line_id
  left join currency_code k on k.number = s.currency
  left join entity_terms o on o.entity_id = e.entity_id
  left join at_stake i on i.entry_id = e.entry_id
  left join project_currency n on n.project_id = e.project_id
 cross join lateral (
      select case when o.round_hours_first then round(e.said_hours, 2) else e.said_hours end as hours) as h
"""  # noqa: S608 - constants of this module

# A change of a posted entry is worth what is posted and the delta; one that moved to another currency, what it is worth
# there.
_HELD = """
create temporary table held on commit drop as
select s.system_id, s.source_id, s.reading_id, s.entity_id, s.state = 3 as counts, s.work_date, s.hours,
       case when i.state = 'excluded' then 'excluded' else 'in_exception' end as bucket, i.state is not null as on_desk,
       s.message_id, s.item_no, a.entry_id as anchor_id,
       coalesce(i.new_amount_minor, coalesce(a.amount_minor, 0) + i.amount_minor) as amount_minor,
       coalesce(i.new_amount_minor, coalesce(a.value_minor, 0) + i.amount_minor) as value_minor,
       case when i.new_currency is not null then i.new_currency
            when coalesce(a.amount_minor, 0) = 0 and i.amount_minor <> 0 then i.currency
            when a.entry_id is not null and i.amount_minor is not null then a.currency
            else n.currency end as currency,
       case when a.work_date = s.work_date then a.accounting_date end as accounting_date
  from standing s
  left join at_stake i on i.entry_id = s.reading_id
  left join accepted a on a.source_id = s.source_id and a.system_id = s.system_id and a.changed
  left join project_currency n on n.project_id = s.project_id
 where s.disposition = 2
"""

_ROUND_MINOR = """
create or replace function pg_temp.round_minor(amount numeric, exponent integer, half_even boolean) returns bigint
language sql immutable as $$
    select case when half_even and abs(x - trunc(x)) = 0.5 then 2 * round(x / 2) else round(x) end::bigint
      from (select amount * power(10::numeric, exponent) as x) as scaled
$$
"""

_LINES = """
create temporary table line (
    side text not null, entity_id integer, day date, currency smallint, entry_count integer not null,
    hours numeric not null, amount_minor bigint, cost_minor bigint, priced boolean not null, system_id smallint,
    source_id text, entry_id bigint, message_id bigint, item_no integer, delivery_id bigint
) on commit drop
"""

_TAKEN_ACCEPTED = """
insert into line
select 'taken_in', a.entity_id, coalesce(a.accounting_date, t.work_date), a.currency, 1, t.hours, v.amount_minor,
       a.cost_minor, v.amount_minor is not null, t.system_id, t.source_id, a.entry_id, t.message_id, t.item_no,
       a.delivery_id
  from latest t
  join accepted a on a.source_id = t.source_id and a.system_id = t.system_id and not a.changed
  left join rerated g on g.source_id = t.source_id and g.system_id = t.system_id
 cross join lateral (select coalesce(a.value_minor, g.amount_minor) as amount_minor) as v
 where t.state = 3 and t.unread is null
"""

_TAKEN_OTHER = """
insert into line
select 'taken_in', case when h.reading_id is null then t.entity_id else h.entity_id end,
       coalesce(h.accounting_date, t.work_date), case when h.reading_id is null then t.currency else h.currency end,
       1, t.hours, coalesce(h.value_minor, g.amount_minor), null,
       coalesce(h.value_minor, g.amount_minor) is not null, t.system_id, t.source_id, h.reading_id, t.message_id,
       t.item_no, null
  from latest t
  left join held h on h.source_id = t.source_id and h.system_id = t.system_id and t.unread is null
  left join rerated g on g.source_id = t.source_id and g.system_id = t.system_id
 where t.state = 3
   and (t.unread is not null
        or not exists (select 1 from accepted a where a.source_id = t.source_id and a.system_id = t.system_id
                          and not a.changed))
"""

_STANDS_ACCEPTED = """
insert into line
select bucket, entity_id, coalesce(accounting_date, work_date), currency, 1, hours, coalesce(amount_minor, 0),
       cost_minor, true, system_id, source_id, entry_id, message_id, item_no, delivery_id
  from accepted
"""

_STANDS_HELD = """
insert into line
select bucket, entity_id, coalesce(accounting_date, work_date), currency, 1, hours, amount_minor, null,
       amount_minor is not null, system_id, source_id, reading_id, message_id, item_no, null
  from held where counts
"""

# A change of a posted entry: its posted version stays in its bucket and is taken out of the exception.
_CHANGED = """
insert into line
select h.bucket, a.entity_id, a.accounting_date, a.currency, -1, -a.hours, -coalesce(a.amount_minor, 0), -a.cost_minor,
       true, a.system_id, a.source_id, a.entry_id, null, null, null
  from accepted a join held h on h.anchor_id = a.entry_id
 where a.changed
"""

# What is not read yet: the new version, less what stands for its entry until then.
_NOT_READ = """
insert into line
select t.unread, l.entity_id, l.day, l.currency, l.entry_count * f.sign, l.hours * f.sign, l.amount_minor * f.sign,
       l.cost_minor * f.sign, l.priced, l.system_id, l.source_id, l.entry_id, l.message_id, l.item_no, null
  from latest t
  join line l on l.source_id = t.source_id and l.system_id = t.system_id
 cross join lateral (select case when l.side = 'taken_in' then 1 else -1 end as sign) as f
 where t.unread is not null
"""

# What cannot be read counts once per source entry, until a version of the entry that is news can be read.
_UNREADABLE = """
create temporary table unreadable on commit drop as
select u.message_id, u.item_no, u.system_id, u.source_id
  from taken_item u
 where not u.readable
   and (u.source_id is null
        or not exists (
            select 1 from taken_item o
             where o.source_id = u.source_id and o.system_id = u.system_id
               and (o.message_id, o.item_no) > (u.message_id, u.item_no)
               and (not o.readable
                    or not exists (
                        select 1 from taken_item b
                         where b.source_id = o.source_id and b.system_id = o.system_id and b.readable
                           and (b.message_id, b.item_no) < (o.message_id, o.item_no)
                           and (b.version > o.version or (b.version, b.content) = (o.version, o.content))))))
"""

_STANDS_UNREADABLE = """
insert into line
select side.name, null, null, null, 1, 0, null, null, false, u.system_id, u.source_id, null, u.message_id, u.item_no,
       null
  from unreadable u
  left join unreadable_on_desk i on i.message_id = u.message_id and i.item_no = coalesce(u.item_no, -1)
  left join message_pending p on p.message_id = u.message_id
 cross join lateral (
      values ('taken_in'),
             (case when p.message_id is not null then 'in_progress'
                   when i.state in ('open', 'released') then 'in_exception'
                   when i.state = 'excluded' then 'excluded' end)) as side (name)
 where side.name is not null
"""

_STEPS = (
    _ROUND_MINOR,
    "create index on taken_item (source_id, system_id)",
    _LATEST,
    "analyze latest",
    _STANDING,
    "analyze standing",
    _UNREADABLE_ON_DESK,
    "analyze unreadable_on_desk",
    _UNREAD,
    "create index on latest (unread) where unread is not null",
    _ANCHOR,
    "analyze anchor",
    _PROJECT_CURRENCY,
    _AT_STAKE,
    "analyze at_stake",
    _ACCEPTED,
    "analyze accepted",
    _HELD,
    "analyze held",
    _UNREADABLE,
)
_INSERTS = (
    _LINES,
    _TAKEN_ACCEPTED,
    _TAKEN_OTHER,
    _STANDS_ACCEPTED,
    _STANDS_HELD,
    _CHANGED,
    _NOT_READ,
    _STANDS_UNREADABLE,
    "analyze line",
)


def build_lines(
    conn: Connection[tuple[object, ...]], book: ReferenceBook, translators: Mapping[str, Translator]
) -> None:
    """Fill the temporary table ``line`` from ``taken_item`` and the state tables of this transaction's snapshot."""
    with conn.cursor() as cur:
        cur.execute(
            "create temporary table currency_code (alpha text, number smallint, exponent integer) on commit drop"
        )
        copy_rows(cur, "currency_code", ("alpha", "number", "exponent"), known_currencies())
        cur.execute(
            """
            create temporary table entity_terms (entity_id integer, half_even boolean, round_hours_first boolean)
                on commit drop
            """
        )
        cur.execute(
            "create temporary table entity_period (entity_id integer, code text, starts date, ends date) on commit drop"
        )
        for entity in book.entity_by_id.values():
            if entity.policy is not None:
                copy_rows(
                    cur,
                    "entity_terms",
                    ("entity_id", "half_even", "round_hours_first"),
                    [
                        (
                            entity.record_id,
                            entity.policy.rounding is RoundingMode.HALF_EVEN,
                            entity.policy.round_hours_first,
                        )
                    ],
                )
            copy_rows(
                cur,
                "entity_period",
                ("entity_id", "code", "starts", "ends"),
                [(entity.record_id, one.code, one.starts, one.ends) for one in book.periods.of(entity.code)],
            )
        for statement in _STEPS:
            cur.execute(statement)
    load_rerated(conn, book, translators)
    with conn.cursor() as cur:
        for statement in _INSERTS:
            cur.execute(statement)
