"""The proofs of the plan's ground: every assignment and absence that was told is kept, and what stands follows from it.

``proofs`` runs them with the others. ``taken_fact`` is what the stored messages say, translated again
(``taken_in``); bookings and absences are derived here once more, by another way than they were written.
"""

from typing import Final, NamedTuple

from psycopg import Connection


class BookingProof(NamedTuple):
    """A statement that selects what disagrees, and the words for a row of it."""

    name: str
    statement: str
    words: str


_BOOKING_FACTS: Final = (
    "booking_id, reading_id, state, resource_id, project_id, task_id, role_id, starts, ends, hours_per_day, percent, "
    "hours_by_day, bill_rate, location"
)
_ABSENCE_FACTS: Final = "absence_id, reading_id, state, resource_id, starts, ends, kind, hours_per_day, hours_by_day"

_DERIVED: Final = """
create temporary table derived_{table} on commit drop as
select distinct on (source_id, system_id) source_id, system_id, disposition, {facts}
  from (select *, min(reading_id) over (partition by source_id, system_id) as {table}_id from {versions}) as reading
 order by source_id, system_id, version desc, revision desc
"""


def _derivation(table: str, noun: str, facts: str) -> BookingProof:
    return BookingProof(
        f"{table}_derivation",
        f"""
        select '{noun} ' || coalesce(d.source_id, b.source_id),
               case when b.source_id is null then 'is not in the plan'
                    when d.source_id is null then 'is in the plan'
                    else 'is in the plan in another way' end
          from (select source_id, system_id, {facts} from derived_{table} where disposition = 1) as d
          full join (select source_id, system_id, {facts} from {table}) as b using (source_id, system_id)
         where to_jsonb(d) is distinct from to_jsonb(b)
        """,  # noqa: S608 - names of this module
        "{0} {1}, which is not what its readings say.",
    )


def _held(table: str, noun: str, kind: str) -> BookingProof:
    return BookingProof(
        f"{table}_held_without_item",
        f"""
        select '{noun} ' || d.source_id, 'reading ' || d.reading_id
          from derived_{table} d
         where d.disposition = 2
           and not exists (select 1 from desk_item i
                            where i.subject_kind = '{kind}' and i.subject_id = d.reading_id and i.state <> 'resolved')
        """,  # noqa: S608 - names of this module
        "{0} ({1}) is held and not on the desk.",
    )


def _lost(noun: str, kind: str, versions: str) -> BookingProof:
    """Of the newest versions: what waits in the queue, or is on the desk since it cannot be kept, is not lost."""
    return BookingProof(
        f"{kind}_lost",
        f"""
        select '{noun} ' || t.source_id, 'message ' || t.message_id || ' item ' || t.item_no
          from (select distinct on (source_id, system_id) * from taken_fact where kind = '{kind}'
                 order by source_id, system_id, version desc, message_id desc, item_no desc) as t
         where not exists (select 1 from {versions} v
                            where v.source_id = t.source_id and v.system_id = t.system_id and v.version = t.version)
           and not exists (select 1 from message_pending p where p.message_id = t.message_id)
           and not exists (select 1 from unreadable_on_desk i
                            where i.message_id = t.message_id and i.item_no in (t.item_no, -1)
                              and i.state in ('open', 'released', 'excluded'))
        """,  # noqa: S608 - names of this module
        "{0} was received ({1}) and no step has a trace of it.",
    )


def _made_up(noun: str, kind: str, versions: str) -> BookingProof:
    return BookingProof(
        f"{kind}_without_message",
        f"""
        select '{noun} ' || v.source_id, 'version ' || v.version
          from {versions} v
         where not exists (select 1 from taken_fact t
                            where t.kind = '{kind}' and t.source_id = v.source_id and t.system_id = v.system_id
                              and t.version = v.version
                              and (t.state, t.starts, t.ends) = (v.state, v.starts, v.ends))
        """,  # noqa: S608 - names of this module
        "{0} ({1}) is recorded and no stored message says so.",
    )


BOOKING_PROOFS: Final = (
    _derivation("booking", "assignment", _BOOKING_FACTS),
    _derivation("absence", "absence", _ABSENCE_FACTS),
    _held("booking", "assignment", "assignment"),
    _held("absence", "absence", "time_off"),
    _lost("assignment", "assignment", "assignment_version"),
    _lost("absence", "time_off", "time_off_version"),
    _made_up("assignment", "assignment", "assignment_version"),
    _made_up("absence", "time_off", "time_off_version"),
)


def prepare(conn: Connection[tuple[object, ...]]) -> None:
    """Derive what stands from the readings, in the transaction of the statement."""
    conn.execute(_DERIVED.format(table="booking", facts=_BOOKING_FACTS, versions="assignment_version"))
    conn.execute(_DERIVED.format(table="absence", facts=_ABSENCE_FACTS, versions="time_off_version"))
