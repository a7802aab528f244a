"""The proofs beside the identity: every row of every later step agrees with the row it was made of.

Each proof is one statement that selects what disagrees; nothing selected means proven. They run on the same snapshot as
the lines. ``storage.control_totals`` adds the proof that no row of any table was touched by hand.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from psycopg import Connection

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
        select t.system || ' entry ' || t.source_id, 'message ' || t.message_id || ' item ' || t.item_no
          from latest t
         where not exists (select 1 from current_reading r
                            where r.system_id = t.system_id and r.source_id = t.source_id and r.version >= t.version)
           and not exists (select 1 from message_pending p where p.message_id = t.message_id)
        """,
        "{0} was received ({1}) and no step has a trace of it.",
    ),
    _Proof(
        "unreadable_lost",
        """
        select 'message ' || t.message_id, coalesce('item ' || t.item_no, 'whole')
          from taken_item t
         where not t.readable
           and not exists (select 1 from desk_item i where i.message_id = t.message_id or i.subject_id = t.message_id)
           and not exists (select 1 from message_pending p where p.message_id = t.message_id)
        """,
        "{0} ({1}) cannot be read and is not on the desk.",
    ),
    _Proof(
        "reading_without_item",
        """
        select 'entry ' || e.source_id, 'version ' || e.version
          from time_entry e join system_name s using (system_id)
         where not exists (select 1 from taken_item t where t.system = s.name and t.source_id = e.source_id
                              and t.version = e.version)
        """,
        "{0} ({1}) is recorded and no stored message says so.",
    ),
    _Proof(
        "reading_altered",
        """
        select 'entry ' || t.source_id, t.hours || ' h on ' || t.work_date,
               coalesce(r.hours::text, 'none') || ' h on ' || coalesce(r.work_date::text, 'no day')
          from latest t join current_reading r on r.system_id = t.system_id and r.source_id = t.source_id
                         and r.version = t.version
         where (r.hours, r.work_date) is distinct from (t.hours, t.work_date) and r.disposition <> 2
        """,
        "{0}: the message says {1}, the record {2}.",
    ),
    _Proof(
        "actual_missing",
        """
        select 'entry ' || e.source_id, case when c.actual_id is null then 'cost' else 'sales' end
          from current_reading r join time_entry e on e.entry_id = r.entry_id
          left join actual c on c.actual_id = e.entry_id * 8
          left join actual s on s.actual_id = e.entry_id * 8 + 1
         where r.disposition = 1 and (c.actual_id is null or (e.billable and s.actual_id is null))
        """,
        "{0} is accepted and has no {1} actual.",
    ),
    _Proof(
        "actual_amount",
        """
        select 'entry ' || r.source_id, x.amount_minor::text, coalesce(s.amount_minor, 0)::text
          from recomputed x join current_reading r using (entry_id)
          left join actual s on s.actual_id = x.entry_id * 8 + 1
         where x.amount_minor <> coalesce(s.amount_minor, 0)
        """,
        "{0}: hours times rate make {1} minor units, the actual says {2}.",
    ),
    _Proof(
        "held_without_item",
        """
        select 'entry ' || r.source_id, 'reading ' || r.entry_id
          from current_reading r
         where r.disposition = 2
           and not exists (select 1 from desk_item i where i.subject_kind = 'time_entry' and i.subject_id = r.entry_id
                              and i.state in ('open', 'released', 'excluded'))
        """,
        "{0} ({1}) is held and not on the desk.",
    ),
    _Proof(
        "accepted_forgotten",
        """
        select 'entry ' || r.source_id, 'reading ' || r.entry_id
          from current_reading r
         where r.disposition = 1
           and not exists (select 1 from posting_link l where l.entry_id = r.entry_id)
           and not exists (select 1 from posting_pending p
                            where r.entry_id between p.first_entry_id and p.last_entry_id)
           and not exists (select 1 from desk_item i where i.subject_kind = 'time_entry' and i.subject_id = r.entry_id
                              and i.state in ('open', 'released', 'excluded'))
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
               coalesce(sum.entries, 0) || ' entries, ' || coalesce(sum.hours, 0) || ' h, '
                   || coalesce(sum.amount_minor, 0) || ' and ' || coalesce(sum.cost_minor, 0)
          from delivery d
          left join (select l.delivery_id, count(*) as entries, sum(e.hours) as hours,
                            coalesce(sum(s.amount_minor), 0) as amount_minor, sum(c.functional_minor) as cost_minor
                       from posting_link l join time_entry e using (entry_id)
                       left join actual c on c.actual_id = l.entry_id * 8
                       left join actual s on s.actual_id = l.entry_id * 8 + 1
                      where l.delivery_id <> 0 group by l.delivery_id) as sum using (delivery_id)
         where d.state not in ('split', 'recut')
           and (d.entry_count, d.hours, d.amount_minor, d.cost_minor)
               is distinct from (sum.entries, sum.hours, sum.amount_minor, sum.cost_minor)
        """,
        "{0} says {1} (minor units billable and cost), its entries add up to {2}.",
    ),
    _Proof(
        "command_totals",
        """
        select 'delivery ' || d.reference
          from delivery d left join delivery_command c using (delivery_id)
          left join lateral (
              select sum((line ->> 'debit_minor')::bigint) as debit
                from jsonb_array_elements(convert_from(c.command, 'UTF8')::jsonb -> 'lines') as line) as sent on true
          left join lateral (
              select coalesce(sum(s.functional_minor), 0) + coalesce(sum(a.functional_minor), 0) as functional
                from posting_link l
                left join actual a on a.actual_id = l.entry_id * 8
                left join actual s on s.actual_id = l.entry_id * 8 + 1
               where l.delivery_id = d.delivery_id) as meant on true
         where d.command_kind = 'post_journal' and d.state not in ('split', 'recut')
           and sent.debit is distinct from meant.functional
        """,
        "{0}: the journal that was sent does not add up to the actuals of its entries.",
    ),
)


def run_proofs(conn: Connection[tuple[object, ...]]) -> list[Break]:
    """Every disagreement; of each proof the first few and then how many more."""
    breaks = [one for proof in _PROOFS for one in _run(conn, proof)]
    breaks += [
        Break(proof="control_totals", subject=one.table, message=one.describe()) for one in verify_control_totals(conn)
    ]
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
