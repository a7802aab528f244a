"""What a change of rates, mappings or policies makes of entries that are accepted already.

Reads the messages of standing entries again under the reference as it is now and compares who they belong to and what
they are worth with their actuals. ``runtime.plan`` asks in a transaction that is rolled back; after ``tieout apply``
the step ``process_revaluation`` takes the same entries on: what is not posted is reversed and rated anew, what is
posted stays and becomes RATE_CHANGED with its delta. ``time_to_bill`` waits until the step is done.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec
from psycopg import Connection, Cursor

from tieout.connect.fault_point import fault_point
from tieout.connect.source import Translator
from tieout.inbound.context import InboundContext
from tieout.inbound.message_store import read_messages
from tieout.inbound.normalizer import Arrival, normalize
from tieout.inbound.pipeline import open_step, take_in
from tieout.inbound.reading import Reading
from tieout.inbound.rule_context import RuleContext
from tieout.inbound.translation import UnreadableMessage, items_of
from tieout.inbound.validation import is_before_go_live
from tieout.ledger.rating import RateBook, Rated, RatingRequest, rate
from tieout.model.reported import ReportedTime
from tieout.storage.pool import in_transaction
from tieout.storage.wake import notify

CODE: Final = "RATE_CHANGED"
BLOCK: Final = 4096
"""Ids of entries that are read at a time: bounds memory, whatever the size of the ledger."""

_COLUMNS = """
    e.message_id, e.item_no, a.entry_id, stated.entity_id, stated.project_id, (stated.hours * 10000)::bigint,
    cost.functional_minor, cost.functional_currency, sales.amount_minor, sales.currency, sales.functional_minor,
    l.delivery_id is not null and (d.state in ('ready', 'rejected') and d.attempts = 0) is not true
"""
_ACTUALS = """
      join time_entry stated on stated.entry_id = a.entry_id
      join actual cost on cost.actual_id = a.entry_id * 8
      left join actual sales on sales.actual_id = a.entry_id * 8 + 1
      left join posting_link l on l.entry_id = a.entry_id
      left join delivery d on d.delivery_id = l.delivery_id
"""
_STANDING = f"""
    select {_COLUMNS}
      from time_entry e
      cross join lateral (select case when e.disposition = 5 then e.previous_entry_id else e.entry_id end) a (entry_id)
      {_ACTUALS}
     where e.entry_id between %(first)s and %(last)s and e.disposition in (1, 5)
       and (%(only)s::bigint[] is null or e.entry_id = any(%(only)s))
       and l.delivery_id is distinct from 0
       and not exists (select from actual gone where gone.actual_id = a.entry_id * 8 + 4)
       and not exists (select from time_entry newer
                        where newer.source_id = e.source_id and newer.system_id = e.system_id
                          and (newer.version, newer.revision) > (e.version, e.revision))
     order by e.message_id, e.item_no
"""  # noqa: S608 - constants of this module
_POSTED_BEFORE = f"""
    select {_COLUMNS}
      from time_entry e
      cross join lateral (select accepted.entry_id from time_entry accepted
                           where accepted.source_id = e.source_id and accepted.system_id = e.system_id
                             and accepted.disposition = 1
                           order by accepted.version desc, accepted.revision desc limit 1) a
      {_ACTUALS}
     where e.entry_id = any(%s)
"""  # noqa: S608 - constants of this module
"""What is posted of entries that are held since."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """An entry whose actuals stand: what they say. ``is_sent``: it is or may be with the target."""

    message_id: int
    item_no: int
    entry_id: int
    entity_id: int
    project_id: int
    hours_e4: int
    cost_minor: int
    functional_currency: int
    sales_minor: int | None
    sales_currency: int | None
    sales_functional_minor: int | None
    is_sent: bool

    @property
    def currency(self) -> int:
        """The ISO 4217 number of its currency: the sale's, else the functional one."""
        return self.functional_currency if self.sales_currency is None else self.sales_currency


class Revaluation(msgspec.Struct, frozen=True):
    """A standing entry that would be something else now. ``reading`` has no price where nothing prices it any more."""

    standing: Standing
    arrival: Arrival
    reading: Reading

    @property
    def after_minor(self) -> int | None:
        """What it is worth now in ``standing.currency``; None without a price, or with one in another currency."""
        rated = self.reading.rated
        if rated is None:
            return None
        if rated.sales is None:
            return 0
        return rated.sales.amount_minor if rated.sales.currency == self.standing.currency else None

    @property
    def is_barred(self) -> bool:
        """Whether it lies before the go-live by now, and is not with the target."""
        return not self.standing.is_sent and is_before_go_live(self.reading)

    @property
    def after_cost_minor(self) -> int | None:
        """What it costs now, in the functional currency."""
        rated = self.reading.rated
        return None if rated is None else rated.cost.functional_minor


def blocks(cur: Cursor[tuple[object, ...]]) -> Iterator[tuple[int, int]]:
    """The ranges of ids that hold all entries."""
    row = cur.execute("select coalesce(min(entry_id), 0), coalesce(max(entry_id), -1) from time_entry").fetchone()
    first, last = (0, -1) if row is None else (int(str(row[0])), int(str(row[1])))
    return ((start, min(start + BLOCK - 1, last)) for start in range(first, last + 1, BLOCK))


def revaluations(
    cur: Cursor[tuple[object, ...]],
    entries: tuple[int, int],
    *,
    translators: Mapping[str, Translator],
    rules: RuleContext,
    rates: RateBook,
    only: Sequence[int] | None = None,
) -> list[Revaluation]:
    """The standing entries in the range of ids ``entries`` that belong elsewhere or are worth something else now.

    ``only``: of the range, these alone.
    """
    cur.execute(_STANDING, {"first": entries[0], "last": entries[1], "only": None if only is None else list(only)})
    standing = [Standing(*row) for row in cur]  # type: ignore[arg-type]  # untyped rows
    if not standing:
        return []
    messages = {one.message_id: one for one in read_messages(cur, sorted({one.message_id for one in standing}))}
    arrivals: list[Arrival] = []
    kept: list[Standing] = []
    for message_id, own in groupby(standing, key=lambda one: one.message_id):
        message = messages[message_id]
        said = items_of(message, translators)
        for one in own:
            item = None if isinstance(said, UnreadableMessage) else said[one.item_no]
            if isinstance(item, ReportedTime):
                arrivals.append(
                    Arrival(message_id, one.item_no, message.system, message.object, item, is_revaluation=True)
                )
                kept.append(one)
    readings, _ = normalize(arrivals, rules)
    by_item = {(one.message_id, one.item_no): one for one in readings}
    found = []
    for one, arrival in zip(kept, arrivals, strict=True):
        reading = by_item.get((one.message_id, one.item_no))
        if reading is not None and _differs(one, _rated(reading, rates)):
            found.append(Revaluation(one, arrival, reading))
    return found


def asked_again(
    cur: Cursor[tuple[object, ...]], arrivals: Sequence[Arrival], *, rules: RuleContext, rates: RateBook
) -> list[Arrival]:
    """``arrivals`` that are read again, those of RATE_CHANGED marked while they are still worth something else.

    One that is worth what is posted says the same as the posting, which then stands for it.
    """
    held = [one.released.subject_id for one in arrivals if one.released is not None and one.released.code == CODE]
    if not held:
        return list(arrivals)
    cur.execute(_POSTED_BEFORE, (held,))
    posted = {(one.message_id, one.item_no): one for one in (Standing(*row) for row in cur)}  # type: ignore[arg-type]  # untyped rows
    marked = []
    for arrival in arrivals:
        standing = posted.get((arrival.message_id, arrival.item_no))
        if standing is not None:
            readings, _ = normalize([arrival], rules)
            changed = not readings or _differs(standing, _rated(readings[0], rates))
            marked.append(msgspec.structs.replace(arrival, is_revaluation=changed))
        else:
            marked.append(arrival)
    return marked


def _rated(reading: Reading, rates: RateBook) -> Reading:
    """``reading`` with its price, where it has one."""
    if reading.project is None or reading.resource is None or reading.rules is None:
        return reading
    rated = rate(
        rates,
        RatingRequest(
            project=reading.project,
            resource=reading.resource,
            role_id=reading.role_id,
            task_id=reading.task_id,
            work_type=reading.work_type,
            day=reading.day,
            hours_e4=reading.hours_e4,
            billable=reading.said.billable,
        ),
    )
    if isinstance(rated, Rated):
        reading.rated = rated
    return reading


def _differs(one: Standing, reading: Reading) -> bool:
    if not one.is_sent and is_before_go_live(reading):
        return True
    rated = reading.rated
    if rated is None or (reading.entity_id, reading.project_id) != (one.entity_id, one.project_id):
        return True
    sales = rated.sales
    now = (None, None, None) if sales is None else (sales.amount_minor, sales.currency, sales.functional_minor)
    return (rated.cost.functional_minor, rated.cost.functional_currency, *now) != (
        one.cost_minor,
        one.functional_currency,
        one.sales_minor,
        one.sales_currency,
        one.sales_functional_minor,
    )


def request(cur: Cursor[tuple[object, ...]]) -> None:
    """Let every standing entry be compared with the reference as the caller's transaction leaves it."""
    ranges = list(blocks(cur))
    cur.execute(
        """
        insert into revaluation_pending (first_entry_id, last_entry_id)
        select * from unnest(%s::bigint[], %s::bigint[])
        """,
        ([one[0] for one in ranges], [one[1] for one in ranges]),
    )
    notify(cur, "inbound")


def process_revaluation(conn: Connection[tuple[object, ...]], context: InboundContext) -> int:
    """Take on one range of entries that may be worth something else; returns how many ranges were done (0 or 1)."""
    done = in_transaction(conn, lambda cur: _process(cur, context))
    if done:
        fault_point("inbound.revaluation.after_commit")
    return done


def _process(cur: Cursor[tuple[object, ...]], context: InboundContext) -> int:
    cur.execute(
        """
        delete from revaluation_pending where pending_id in (
            select pending_id from revaluation_pending order by pending_id limit 1 for update skip locked)
        returning first_entry_id, last_entry_id
        """
    )
    row = cur.fetchone()
    if row is None:
        return 0
    step = open_step(cur, context, context.clock.now())
    found = revaluations(
        cur,
        (int(str(row[0])), int(str(row[1]))),
        translators=context.translators,
        rules=step.rules,
        rates=step.rates,
    )
    if found:
        take_in(cur, step, [one.arrival for one in found])
    notify(cur, "time_to_bill")
    fault_point("inbound.revaluation.before_commit")
    return 1
