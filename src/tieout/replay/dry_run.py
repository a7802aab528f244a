"""What a replay would change in the ledger and on the desk, found by doing it in a transaction that is rolled back."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Connection, Cursor

from tieout.governance import firm_version
from tieout.inbound.context import InboundContext
from tieout.model.money import alpha_code, from_minor
from tieout.replay.judging import judge_again, under
from tieout.replay.selection import Chosen, ChosenEntry, Selection, choose, digest

CHUNK: Final = 500
"""Entries that are judged in one transaction, so that live traffic waits for no replay."""


class LedgerDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger would hold more (or less) of a legal entity and currency; ``amount`` is billable value."""

    entity: str
    currency: str
    functional_currency: str
    entries: int
    hours: Decimal
    amount: Decimal
    cost: Decimal


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay would do. ``posted_count`` entries are posted and stay as they are.

    ``held_before`` and ``held_after`` count the chosen entries on the desk by code.
    """

    firm_version: int
    entry_count: int
    changed_count: int
    posted_count: int
    digest: str
    ledger: tuple[LedgerDifference, ...]
    held_before: dict[str, int]
    held_after: dict[str, int]


def dry_run(
    conn: Connection[tuple[object, ...]], context: InboundContext, selection: Selection, *, version: int
) -> DryRun:
    """What replaying ``selection`` under firm version ``version`` would change; changes nothing.

    Raises ConfigurationError: TIE-REPLAY-001 for a selection that names nothing, TIE-FIRM-002 for an unknown version.
    """
    firm_version.at_version(conn, version)
    with conn.transaction(force_rollback=True), conn.cursor() as cur:
        return _run(cur, under(context, version), choose(cur, selection), version)


def _run(cur: Cursor[tuple[object, ...]], context: InboundContext, chosen: Chosen, version: int) -> DryRun:
    cur.execute("select coalesce(max(batch_id), 0) from batch")
    row = cur.fetchone()
    last_batch = 0 if row is None else int(str(row[0]))
    sources = _sources(cur, chosen.entries)
    before = _held(cur, sources)
    changed = sum(
        judge_again(cur, context, chosen.entries[start : start + CHUNK])
        for start in range(0, len(chosen.entries), CHUNK)
    )
    return DryRun(
        firm_version=version,
        entry_count=len(chosen.entries),
        changed_count=changed,
        posted_count=chosen.posted_count,
        digest=digest(chosen.entries),
        ledger=tuple(_ledger(cur, last_batch)),
        held_before=before,
        held_after=_held(cur, sources),
    )


def _ledger(cur: Cursor[tuple[object, ...]], after_batch: int) -> list[LedgerDifference]:
    """The control totals of the batches that were written since: what came in less what was reversed."""
    cur.execute(
        """
        select e.code, b.currency, b.functional_currency, sum(b.entry_count), sum(b.hours), sum(b.amount_minor),
               sum(b.cost_minor)
          from batch_total b join golden_record e on e.record_id = b.entity_id
         where b.batch_id > %s
         group by e.code, b.currency, b.functional_currency
        having (sum(b.entry_count), sum(b.hours), sum(b.amount_minor), sum(b.cost_minor)) <> (0, 0, 0, 0)
         order by e.code, b.currency
        """,
        (after_batch,),
    )
    found = []
    for entity, number, functional_number, count, hours, amount_minor, cost_minor in cur.fetchall():
        currency, functional = alpha_code(int(str(number))), alpha_code(int(str(functional_number)))
        found.append(
            LedgerDifference(
                entity=str(entity),
                currency=currency,
                functional_currency=functional,
                entries=int(str(count)),
                hours=Decimal(str(hours)),
                amount=from_minor(int(str(amount_minor)), currency),
                cost=from_minor(int(str(cost_minor)), functional),
            )
        )
    return found


def _sources(cur: Cursor[tuple[object, ...]], entries: Sequence[ChosenEntry]) -> list[tuple[str, int]]:
    cur.execute(
        "select source_id, system_id from time_entry where entry_id = any(%s)", ([one.entry_id for one in entries],)
    )
    return [(str(source_id), int(str(system_id))) for source_id, system_id in cur.fetchall()]


def _held(cur: Cursor[tuple[object, ...]], sources: Sequence[tuple[str, int]]) -> dict[str, int]:
    """How many of the chosen entries are on the desk, by code."""
    cur.execute(
        """
        select c.code from unnest(%s::text[], %s::smallint[]) as given (source_id, system_id)
          join desk_item i using (source_id, system_id) join root_cause c using (cause_id)
         where i.subject_kind = 'time_entry' and i.state in ('open', 'released')
        """,
        ([one[0] for one in sources], [one[1] for one in sources]),
    )
    return dict(sorted(Counter(str(row[0]) for row in cur.fetchall()).items()))
