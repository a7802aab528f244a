"""The proofs beside the identity: every row of every later step agrees with the row it was made of.

Each proof is one statement that selects what disagrees; nothing selected means proven. They run on the same snapshot as
the lines; ``booking_proofs`` has those of assignments and absences, ``payroll_proofs`` those of hours for payrolls.
``storage.control_totals`` adds the proof that no row of any table was touched by hand.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from psycopg import Connection

from tieout.ledger import control_totals as totals
from tieout.reconciliation import booking_proofs, payroll_proofs
from tieout.storage.control_totals import verify_control_totals

_SHOWN = 20


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """One disagreement: which proof, of what, in words."""

    proof: str
    subject: str
    message: str


class _Proof(NamedTuple):
    name: str
    statement: str
    words: str


_PROOFS = (
    _Proof(
        "lost",
        """
        select 'entry ' || t.source_id, 'message ' || t.message_id || ' item ' || t.item_no
          from latest t left join standing s on s.source_id = t.source_id and s.system_id = t.system_id
         where t.unread is null and s.version is distinct from t.version
        """,
        "{0} was received ({1}) and no step has a trace of it.",
    ),
    _Proof(
        "unreadable_lost",
        """
        select 'message ' || u.message_id, coalesce('item ' || u.item_no, 'whole')
          from unreadable u
         where not exists (select 1 from message_pending p where p.message_id = u.message_id)
           and not exists (select 1 from unreadable_on_desk i
                            where i.message_id = u.message_id and i.item_no = coalesce(u.item_no, -1)
                              and i.state in ('open', 'released', 'excluded'))
        """,
        "{0} ({1}) cannot be read and is not on the desk.",
    ),
    _Proof(
        "reading_without_item",
        """
        select 'entry ' || e.source_id, 'version ' || e.version
          from time_entry e
         where not exists (select 1 from taken_item t
                            where t.readable and t.source_id = e.source_id and t.system_id = e.system_id
                              and t.version = e.version)
        """,
        "{0} ({1}) is recorded and no stored message says so.",
    ),
    _Proof(
        "reading_altered",
        """
        select 'entry ' || t.source_id, t.hours || ' h on ' || t.work_date,
               coalesce(s.hours::text, 'none') || ' h on ' || coalesce(s.work_date::text, 'no day')
          from latest t join standing s on s.source_id = t.source_id and s.system_id = t.system_id
                                       and s.version = t.version
         where t.unread is null
           and (s.hours, s.work_date, s.state, s.billable) is distinct from (t.hours, t.work_date, t.state, t.billable)
        """,
        "{0}: the message says {1}, the record {2}.",
    ),
    _Proof(
        "actual_missing",
        """
        select 'entry ' || source_id, case when has_cost then 'sales' else 'cost' end
          from accepted where not has_cost or (billable and not has_sale)
        """,
        "{0} is accepted and has no {1} actual.",
    ),
    _Proof(
        "actual_amount",
        """
        select 'entry ' || l.source_id, l.amount_minor::text, coalesce(a.amount_minor, 0)::text
          from line l join accepted a on a.entry_id = l.entry_id and not a.changed
         where l.side = 'taken_in' and l.amount_minor <> coalesce(a.amount_minor, 0)
        """,
        "{0}: hours times rate make {1} minor units, the actual says {2}.",
    ),
    _Proof(
        "reversal",
        """
        select 'entry ' || a.actual_id / 8, sum(a.functional_minor)::text
          from posting_link l join actual a on a.actual_id between l.entry_id * 8 and l.entry_id * 8 + 7
         where l.delivery_id = 0
         group by a.actual_id / 8, a.actual_id & 1
        having sum(a.functional_minor) <> 0 or sum(a.hours) <> 0
        """,
        "{0} was taken back and its actuals still add up to {1} minor units.",
    ),
    _Proof(
        "batch_total",
        """
        with told as (
            select entity_id, currency, sum(entry_count) as entries, sum(hours) as hours, sum(amount_minor) as amount,
                   sum(cost_minor) as cost
              from batch_total group by entity_id, currency
        ), found as (
            select c.entity_id, coalesce(s.currency, c.functional_currency) as currency,
                   sum(case when (c.actual_id & 4) = 0 then 1 else -1 end) as entries, sum(c.hours) as hours,
                   coalesce(sum(s.amount_minor), 0) as amount, sum(c.functional_minor) as cost
              from actual c left join actual s on s.actual_id = c.actual_id + 1
             where (c.actual_id & 3) = 0
             group by 1, 2
        )
        select coalesce(e.code, 'entity ' || coalesce(told.entity_id, found.entity_id)),
               concat_ws(', ', told.entries, told.hours, told.amount, told.cost),
               concat_ws(', ', found.entries, found.hours, found.amount, found.cost)
          from told full join found using (entity_id, currency)
          left join golden_record e on e.record_id = entity_id
         where (coalesce(told.entries, 0), coalesce(told.hours, 0), coalesce(told.amount, 0), coalesce(told.cost, 0))
               is distinct from (coalesce(found.entries, 0), coalesce(found.hours, 0), coalesce(found.amount, 0),
                                 coalesce(found.cost, 0))
        """,
        "{0}: the batches say {1} (entries, hours, billable, cost), the actuals add up to {2}.",
    ),
    _Proof(
        "held_without_item",
        "select 'entry ' || source_id, 'reading ' || reading_id from held where not on_desk",
        "{0} ({1}) is held and not on the desk.",
    ),
    _Proof(
        "accepted_forgotten",
        """
        select 'entry ' || a.source_id, 'reading ' || a.entry_id
          from accepted a
         where a.bucket = 'in_progress' and a.delivery_id is null
           and not exists (select 1 from posting_pending p
                            where a.entry_id between p.first_entry_id and p.last_entry_id)
        """,
        "{0} ({1}) is accepted, in no journal, and nothing waits to put it into one.",
    ),
    _Proof(
        "link_without_delivery",
        """
        select 'entry ' || l.entry_id, 'delivery ' || l.delivery_id
          from posting_link l left join delivery d using (delivery_id)
         where l.delivery_id <> 0 and (d.delivery_id is null or d.state in ('split', 'recut'))
        """,
        "{0} is linked to {1}, which does not stand.",
    ),
    _Proof(
        "delivery_totals",
        """
        select 'delivery ' || d.reference,
               d.entry_count || ' entries, ' || d.hours || ' h, ' || d.amount_minor || ' and ' || d.cost_minor,
               coalesce(own.entries, 0) || ' entries, ' || coalesce(own.hours, 0) || ' h, '
                   || coalesce(own.amount_minor, 0) || ' and ' || coalesce(own.cost_minor, 0)
          from delivery d
          left join behind own using (delivery_id)
         where d.state not in ('split', 'recut') and d.command_kind = 'post_journal'
           and (d.entry_count, d.hours, d.amount_minor, d.cost_minor)
               is distinct from (own.entries, own.hours, own.amount_minor, own.cost_minor)
        """,
        "{0} says {1} (minor units billable and cost), its entries add up to {2}.",
    ),
    _Proof(
        "command_totals",
        """
        select 'delivery ' || d.reference
          from delivery d
          left join delivery_command c using (delivery_id)
          left join behind own using (delivery_id)
          left join lateral (
              select sum((line ->> 'debit_minor')::bigint) as debit
                from jsonb_array_elements(convert_from(c.command, 'UTF8')::jsonb -> 'lines') as line) as sent on true
         where d.command_kind = 'post_journal' and d.state not in ('split', 'recut')
           and sent.debit is distinct from own.functional_minor
        """,
        "{0}: the journal that was sent does not add up to the actuals of its entries.",
    ),
)


# The entries behind each delivery, added up from their readings and actuals.
_BEHIND = """
create temporary table behind on commit drop as
select l.delivery_id, count(*) as entries, sum(e.hours) as hours, coalesce(sum(s.amount_minor), 0) as amount_minor,
       sum(c.functional_minor) as cost_minor,
       coalesce(sum(c.functional_minor), 0) + coalesce(sum(s.functional_minor), 0) as functional_minor
  from posting_link l
  join time_entry e using (entry_id)
  left join actual c on c.actual_id = l.entry_id * 8
  left join actual s on s.actual_id = l.entry_id * 8 + 1
 where l.delivery_id <> 0
 group by l.delivery_id
"""


def run_proofs(conn: Connection[tuple[object, ...]]) -> list[Break]:
    """Every disagreement; of each proof the first few and then how many more."""
    conn.execute(_BEHIND)
    booking_proofs.prepare(conn)
    payroll_proofs.prepare(conn)
    more = (*booking_proofs.BOOKING_PROOFS, *payroll_proofs.PAYROLL_PROOFS)
    proofs = (*_PROOFS, *(_Proof(*one) for one in more))
    breaks = [one for proof in proofs for one in _run(conn, proof)]
    breaks += [
        Break(proof="control_totals", subject=one.table, message=one.describe()) for one in verify_control_totals(conn)
    ]
    breaks += [Break(proof="ledger_totals", subject=one.subject, message=one.message) for one in totals.verify(conn)]
    return breaks


def _run(conn: Connection[tuple[object, ...]], proof: _Proof) -> Iterator[Break]:
    rows = conn.execute(proof.statement).fetchall()
    for row in rows[:_SHOWN]:
        words = [str(value) for value in row]
        yield Break(proof=proof.name, subject=words[0], message=proof.words.format(*words))
    if len(rows) > _SHOWN:
        yield Break(
            proof=proof.name, subject="more", message=f"{len(rows) - _SHOWN} more of the same kind ({proof.name})."
        )
