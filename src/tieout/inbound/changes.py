"""Newer readings of entries that are in the ledger already: freed, carried, or held with the delta.

An accepted entry that is not posted yet is freed: it gets posting link 0 (so that it can never be put into a journal)
and reversal actuals, and its newer version is judged on its own. One that waits in a delivery is taken out of it by
``recut``. One that may be with the target stays as it is: the newer version is held, its item says what the posting is
off by (new minus posted; a deletion, recall or withdrawn approval is minus everything), and a later version updates
that item: SOURCE_CHANGED where the source says something else, RATE_CHANGED where rates or mappings do.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec
from psycopg import Cursor

from tieout.desk import intake
from tieout.inbound.reading import APPROVED, HOUR_E4, Disposition, Known, Posted, Reading
from tieout.ledger import actuals
from tieout.model.finding import Finding, finding
from tieout.model.money import alpha_code, from_minor

Recut: TypeAlias = Callable[[Cursor[tuple[object, ...]], int], Literal["free", "recut", "too_late"]]

CHANGED_CODES = frozenset({"SOURCE_CHANGED", "RATE_CHANGED"})
PEER_CODES = ("DUPLICATE_NATURAL", "DUPLICATE_FUZZY", "DAY_TOTAL", "OVERLAP")


class Delta(msgspec.Struct, frozen=True):
    """New minus posted, in hours and in minor units by ISO 4217 number.

    Two currencies where the change moved the entry from one to the other: first what is posted and no longer right,
    then what is right and not posted; nothing is converted (domain model 2.7: reversal and new row). None while the new
    version has no price.
    """

    hours: Decimal
    amounts: tuple[tuple[int, int], ...] | None

    @property
    def money(self) -> str:
        """The amounts in words, each with its currency."""
        if self.amounts is None:
            return "an amount that cannot be told yet"
        said = [(alpha_code(currency), minor) for currency, minor in self.amounts]
        return " and ".join(f"{from_minor(minor, currency)} {currency}" for currency, minor in said)


class Reversal(msgspec.Struct, frozen=True):
    """What the reversal of accepted entries took from one entity and currency, as positive numbers."""

    entity_id: int
    currency: int
    functional_currency: int
    entry_count: int
    hours_e4: int
    amount_minor: int
    cost_minor: int


def anchor_of(reading: Reading) -> Known | None:
    """The newest accepted reading of the same source entry: the one whose actuals stand unless they were reversed."""
    return next((one for one in reversed(reading.known) if one.disposition == Disposition.ACCEPTED), None)


def says_the_same(reading: Reading, anchor: Known) -> bool:
    """Whether ``reading`` is approved and agrees with ``anchor`` in everything that touches money."""
    return reading.state == APPROVED and (
        reading.resource_id,
        reading.project_id,
        reading.task_id,
        reading.role_id,
        reading.entity_id,
        reading.day,
        reading.hours_e4,
        reading.said.billable,
        reading.work_type,
    ) == (
        anchor.resource_id,
        anchor.project_id,
        anchor.task_id,
        anchor.role_id,
        anchor.entity_id,
        anchor.day,
        anchor.hours_e4,
        anchor.billable,
        anchor.work_type,
    )


def settle_changes(cur: Cursor[tuple[object, ...]], heads: Iterable[Reading], recut: Recut) -> list[Known]:
    """Decide what each head with an accepted predecessor does to it.

    Marks carried heads, sets ``posted`` on heads whose predecessor can no longer be freed, and returns the predecessors
    that were freed; ``reverse`` writes their reversals.
    """
    anchored = {anchor.entry_id: (head, anchor) for head in heads if (anchor := anchor_of(head)) is not None}
    if not anchored:
        return []
    links = _links(cur, sorted(anchored))
    standing = {entry_id: pair for entry_id, pair in anchored.items() if links.get(entry_id) != 0}
    to_free: dict[int, tuple[Reading, Known]] = {}
    for entry_id, (head, anchor) in standing.items():
        if says_the_same(head, anchor) and not head.is_revaluation:
            head.disposition = Disposition.CARRIED
            head.previous_entry_id = anchor.entry_id
        else:
            to_free[entry_id] = (head, anchor)
    freed = _claim(cur, sorted(to_free))
    too_late: dict[int, Reading] = {}
    for entry_id, (head, _) in to_free.items():
        if entry_id not in freed:
            if recut(cur, entry_id) == "too_late":
                too_late[entry_id] = head
            else:
                freed.add(entry_id)
    if too_late:
        _attach_posted(cur, too_late)
    return [anchor for entry_id, (_, anchor) in to_free.items() if entry_id in freed]


def _links(cur: Cursor[tuple[object, ...]], entry_ids: Sequence[int]) -> dict[int, int]:
    cur.execute("select entry_id, delivery_id from posting_link where entry_id = any(%s)", (list(entry_ids),))
    return {int(str(entry_id)): int(str(delivery_id)) for entry_id, delivery_id in cur}


def _claim(cur: Cursor[tuple[object, ...]], entry_ids: Sequence[int]) -> set[int]:
    if not entry_ids:
        return set()
    cur.execute(
        """
        insert into posting_link (entry_id, delivery_id)
        select entry_id, 0 from unnest(%s::bigint[]) as given (entry_id) order by entry_id
        on conflict (entry_id) do nothing
        returning entry_id
        """,
        (list(entry_ids),),
    )
    return {int(str(row[0])) for row in cur}


def _attach_posted(cur: Cursor[tuple[object, ...]], heads: dict[int, Reading]) -> None:
    cur.execute(
        """
        select cost.actual_id / 8, l.delivery_id, (cost.hours * 10000)::bigint, coalesce(sales.amount_minor, 0),
               coalesce(sales.currency, cost.functional_currency)
          from actual cost
          join posting_link l on l.entry_id = cost.actual_id / 8
          left join actual sales on sales.actual_id = cost.actual_id + 1
         where cost.actual_id = any(%s)
        """,
        ([entry_id * 8 for entry_id in heads],),
    )
    for row in cur.fetchall():
        posted = Posted(*row)  # type: ignore[arg-type]  # untyped rows
        heads[posted.entry_id].posted = posted


def reverse(cur: Cursor[tuple[object, ...]], freed: Sequence[Known]) -> list[Reversal]:
    """Write the reversal actuals of ``freed`` and tell what they took back, in sums."""
    if not freed:
        return []
    entry_ids = [one.entry_id for one in freed]
    actuals.reverse(cur, entry_ids)
    cur.execute(
        """
        select cost.entity_id, coalesce(sales.currency, cost.functional_currency), cost.functional_currency,
               count(*)::int, sum(cost.hours * 10000)::bigint, coalesce(sum(sales.amount_minor), 0)::bigint,
               sum(cost.functional_minor)::bigint
          from actual cost left join actual sales on sales.actual_id = cost.actual_id + 1
         where cost.actual_id = any(%s)
         group by 1, 2, 3
        """,
        ([entry_id * 8 for entry_id in entry_ids],),
    )
    return [Reversal(*row) for row in cur.fetchall()]  # type: ignore[arg-type]  # untyped rows


def changed_after_posting(reading: Reading) -> Finding | None:
    """SOURCE_CHANGED or RATE_CHANGED for a reading whose predecessor is posted, with the deltas; None for others."""
    posted = reading.posted
    if posted is None:
        return None
    delta = delta_of(reading, posted)
    context = {
        "posted_entry_id": str(posted.entry_id),
        "delivery_id": str(posted.delivery_id),
        "delta_hours": str(delta.hours),
    }
    if delta.amounts is not None:
        context["delta_amount"] = delta.money
    if reading.is_revaluation:
        entity = "" if reading.rules is None else reading.rules.facts.code
        return finding(
            "RATE_CHANGED",
            f"Time entry {reading.source_id} of {reading.system} is posted, and by the rates, mappings and policies "
            f"that were applied since, the ledger is off by {delta.money}.",
            cause=f"{reading.system}:{entity}",
            context=context,
            depends_on=("rates", "fx", "mapping:legal_entities", "mapping:roles", f"policy:{entity}"),
        )
    return finding(
        "SOURCE_CHANGED",
        f"Time entry {reading.source_id} of {reading.system} is now {reading.said.state.value} in version "
        f"{reading.version}, but an earlier version is posted: the ledger is off by {delta.hours} h and {delta.money}.",
        cause=reading.system,
        context=context,
    )


def delta_of(reading: Reading, posted: Posted) -> Delta:
    """What the ledger is off by: ``reading`` as it would be posted now, minus ``posted``."""
    taken_back = ((posted.currency, -posted.amount_minor),)
    if reading.state != APPROVED:
        return Delta(Decimal(-posted.hours_e4) / HOUR_E4, taken_back)
    hours = Decimal(reading.hours_e4 - posted.hours_e4) / HOUR_E4
    if reading.rated is None:
        return Delta(hours, None)
    sales = reading.rated.sales
    if sales is None:
        return Delta(hours, taken_back)
    if sales.currency == posted.currency:
        return Delta(hours, ((sales.currency, sales.amount_minor - posted.amount_minor),))
    moved = (*taken_back, (sales.currency, sales.amount_minor))
    return Delta(hours, tuple(one for one in moved if one[1]) or taken_back)


def release_peers(cur: Cursor[tuple[object, ...]], freed: Sequence[Known], *, now: datetime) -> int:
    """Let held entries of the same person and day be judged again whose finding was about one of ``freed``."""
    days = sorted({(one.resource_id, one.day) for one in freed if one.resource_id is not None})
    if not days:
        return 0
    cur.execute(
        """
        select e.entry_id
          from unnest(%s::int[], %s::date[]) as given (resource_id, work_date)
          join time_entry e on e.resource_id = given.resource_id
                           and e.work_date between given.work_date - 1 and given.work_date + 1
         where e.disposition = %s
        """,
        ([one[0] for one in days], [date.fromordinal(one[1]) for one in days], int(Disposition.HELD)),
    )
    return intake.release_peers(
        cur,
        sorted({int(str(row[0])) for row in cur}),
        codes=PEER_CODES,
        now=now,
        reason="An entry that it was compared with has changed in its source.",
    )
