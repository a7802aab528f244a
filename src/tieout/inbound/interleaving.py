"""Batches under way at the same time end as if one had come after the other, in the order of their commits.

They neither see each other nor wait for each other while they work. Before a batch commits it looks at the batches that
were committed since it began to read, once as it goes and once more under a lock that only lasts until the commit, and
starts over when it would not have done what it did had it come after them:

- one of them read another version of one of its source entries;
- one of them accepted, changed or took back work of a person's day, and an entry of that day, compared again
  (duplicates, day total, overlap), fares otherwise;
- one of them holds work of a day of which this batch took work back: it may be held for nothing now.

Two batches that share a person's day without consequence, as neighbouring pages of a source do, only cost the second
look at the entries of that day. ``pipeline`` calls this between writing and recording the batch.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, TypeAlias

import msgspec
from psycopg import Cursor, errors

from tieout.inbound.judgement import fare_the_same
from tieout.inbound.person_days import load_person_days
from tieout.inbound.reading import Disposition, Known, Reading
from tieout.inbound.rule_context import RuleContext

BATCH_LOCK: Final = 0x71E0_0301
"""The advisory lock that a batch holds from its turn to its commit."""
PersonDay: TypeAlias = tuple[int, int]


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """A batch whose rows are written and not committed.

    ``last_batch_id`` is the newest batch that was committed before this one looked at anything; ``own_batch_ids`` are
    batches that its own transaction wrote before it. Its entries have the ids from ``first_entry_id`` to
    ``last_entry_id`` (0 and 0: it wrote none). ``heads`` are what it judged, ``freed`` what it took back.
    """

    last_batch_id: int
    own_batch_ids: Sequence[int]
    first_entry_id: int
    last_entry_id: int
    heads: Sequence[Reading]
    freed: Sequence[Known]


class _Touched(msgspec.Struct, frozen=True):
    """Persons' days (golden resource, ordinal) of other batches: where work counts or counted, where some is held."""

    worked: set[PersonDay]
    held: set[PersonDay]


def last_batch_id(cur: Cursor[tuple[object, ...]]) -> int:
    """The newest committed batch; to be asked before anything else of a batch is read.

    Also keeps the planner, for this transaction, to index look-ups: a batch only asks for rows by key, and the tables
    grow so fast that their statistics are always too old.
    """
    cur.execute(
        """
        select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
               set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)
        """
    )
    cur.execute("select coalesce(max(batch_id), 0) from batch")
    row = cur.fetchone()
    return 0 if row is None else int(str(row[0]))


def take_turn(cur: Cursor[tuple[object, ...]], batch: UnderWay, rules: RuleContext) -> None:
    """Give ``batch`` its place in the order of commits; from here until the commit no other batch gets one.

    Raises SerializationFailure, to be repeated by ``storage.pool.in_transaction``, when a batch that was committed
    meanwhile would have changed what this one did.
    """
    seen = _look_at_others(cur, batch, rules, after=batch.last_batch_id)
    cur.execute("select pg_advisory_xact_lock(%s)", (BATCH_LOCK,))
    _look_at_others(cur, batch, rules, after=seen)


def _look_at_others(cur: Cursor[tuple[object, ...]], batch: UnderWay, rules: RuleContext, *, after: int) -> int:
    """Compare ``batch`` with the batches that were committed after the batch ``after``; returns the newest of them."""
    cur.execute(
        """
        select batch_id, first_entry_id, last_entry_id from batch
         where batch_id > %s and batch_id <> all (%s) order by batch_id
        """,
        (after, list(batch.own_batch_ids)),
    )
    others = [(int(str(batch_id)), int(str(first)), int(str(last))) for batch_id, first, last in cur]
    ranges = [(first, last) for _, first, last in others if last > 0]
    if ranges:
        _refuse_other_versions(cur, batch, ranges)
        _refuse_other_judgement(cur, batch, rules, ranges)
    return max((batch_id for batch_id, _, _ in others), default=after)


def _refuse_other_versions(cur: Cursor[tuple[object, ...]], batch: UnderWay, ranges: Sequence[tuple[int, int]]) -> None:
    if batch.last_entry_id == 0:
        return
    cur.execute(
        """
        select exists (
            select o.source_id, o.system_id
              from unnest(%s::bigint[], %s::bigint[]) as other (first, last)
              join time_entry o on o.entry_id between other.first and other.last
         intersect
            select source_id, system_id from time_entry where entry_id between %s and %s)
        """,
        ([first for first, _ in ranges], [last for _, last in ranges], batch.first_entry_id, batch.last_entry_id),
    )
    row = cur.fetchone()
    if row is not None and row[0]:
        raise errors.SerializationFailure("Another batch has just read another version of one of these entries.")


def _refuse_other_judgement(
    cur: Cursor[tuple[object, ...]], batch: UnderWay, rules: RuleContext, ranges: Sequence[tuple[int, int]]
) -> None:
    touched = _touched(cur, ranges)
    if any(not touched.held.isdisjoint(_around(one.resource_id, one.day)) for one in batch.freed):
        raise errors.SerializationFailure("Another batch has just held work beside an entry that was taken back.")
    near = [one for one in batch.heads if _is_near(one, touched.worked)]
    if not near:
        return
    days = load_person_days(cur, near, without=(batch.first_entry_id, batch.last_entry_id))
    if not fare_the_same(batch.heads, near, rules, days):
        raise errors.SerializationFailure("Another batch has just accepted work that entries are to be compared with.")


def _touched(cur: Cursor[tuple[object, ...]], ranges: Sequence[tuple[int, int]]) -> _Touched:
    """What the entries of ``ranges`` are about: their own days, and those of what is known of the same source entry."""
    cur.execute(
        """
        with other as materialized (
            select o.source_id, o.system_id, o.previous_entry_id, o.resource_id, o.work_date, o.disposition
              from unnest(%s::bigint[], %s::bigint[]) as given (first, last)
              join time_entry o on o.entry_id between given.first and given.last)
        select distinct resource_id, work_date, disposition = %s from other
         where disposition = any(%s) and resource_id is not null and work_date is not null
        union
        select k.resource_id, k.work_date, false
          from other o
          join time_entry k on k.source_id = o.source_id and k.system_id = o.system_id
         where o.previous_entry_id is not null and k.resource_id is not null and k.work_date is not null
        """,
        (
            [first for first, _ in ranges],
            [last for _, last in ranges],
            int(Disposition.HELD),
            [int(Disposition.ACCEPTED), int(Disposition.HELD), int(Disposition.CARRIED)],
        ),
        binary=True,
    )
    touched = _Touched(set(), set())
    for resource_id, work_date, is_held in cur:
        if isinstance(resource_id, int) and isinstance(work_date, date):
            (touched.held if is_held else touched.worked).add((resource_id, work_date.toordinal()))
    return touched


def _around(resource_id: int | None, day: int) -> tuple[PersonDay, ...]:
    return () if resource_id is None else tuple((resource_id, near) for near in (day, day - 1, day + 1))


def _is_near(reading: Reading, worked: set[PersonDay]) -> bool:
    """Whether ``reading`` is compared with a day of ``worked``: its own, or a neighbour where it tells times."""
    if (reading.resource_id, reading.day) in worked:
        return True
    return reading.started_us is not None and not worked.isdisjoint(_around(reading.resource_id, reading.day))
