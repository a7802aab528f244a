"""The tie-out: taken in = posted + in exception + in doubt + excluded, per legal entity, period and currency.

One repeatable-read transaction: items from messages (``taken_in``), lines (``lines``), proofs (``proofs``). While work
is under way a further bucket, in progress, keeps the identity whole; at quiet it is empty.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec
from psycopg import Connection

from tieout.connect.source import Translator
from tieout.model.money import from_minor
from tieout.reconciliation.lines import SIDES, build_lines
from tieout.reconciliation.proofs import Break, run_proofs
from tieout.reconciliation.taken_in import load_taken_in
from tieout.records import reference_book

UNASSIGNED = "unassigned"


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one side of one row.

    ``amount_minor`` is billable value in the row's currency, ``cost_minor`` cost in the entity's functional currency.
    What has no rate yet is counted in ``unpriced_count`` and ``unpriced_hours`` and has no amount.
    """

    count: int = 0
    hours: Decimal = Decimal(0)
    amount_minor: int = 0
    cost_minor: int = 0
    unpriced_count: int = 0
    unpriced_hours: Decimal = Decimal(0)


class TieOutRow(msgspec.Struct, frozen=True, kw_only=True):
    """One legal entity, period and currency; each may be ``unassigned``."""

    entity: str
    period: str
    currency: str
    buckets: dict[str, Bucket]

    @property
    def identity_holds(self) -> bool:
        """Whether the buckets add up to what was taken in, in count, hours and amount."""
        taken = self.buckets.get("taken_in", Bucket())
        others = [bucket for side, bucket in self.buckets.items() if side != "taken_in"]
        return (taken.count, taken.hours, taken.amount_minor, taken.unpriced_count, taken.unpriced_hours) == (
            sum(one.count for one in others),
            sum((one.hours for one in others), Decimal(0)),
            sum(one.amount_minor for one in others),
            sum(one.unpriced_count for one in others),
            sum((one.unpriced_hours for one in others), Decimal(0)),
        )

    def bucket(self, side: str) -> Bucket:
        """The figures of ``side``; zeros where it has none."""
        return self.buckets.get(side, Bucket())

    def amount(self, side: str) -> Decimal:
        """The billable value of ``side`` as a decimal with the currency's decimals."""
        minor = self.bucket(side).amount_minor
        return Decimal(minor) if self.currency == UNASSIGNED else from_minor(minor, self.currency)


class Apart(msgspec.Struct, frozen=True, kw_only=True):
    """Counted apart from what was taken in: exact repeats, entries not approved, versions that newer ones replaced."""

    exact_repeats: int
    not_approved: int
    superseded: int


class TieOut(msgspec.Struct, frozen=True, kw_only=True):
    """The whole statement. ``holds``: the identity in every row and every proof."""

    rows: tuple[TieOutRow, ...]
    apart: Apart
    breaks: tuple[Break, ...]

    @property
    def holds(self) -> bool:
        """Whether the books tie out."""
        return not self.breaks and all(row.identity_holds for row in self.rows)


class BucketEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line behind a figure: down to the message and item it came from.

    ``actual_ids`` are the entry's rows in the ledger, reversals included; an entry without a rate has none.
    """

    side: str
    source_id: str | None
    entry_id: int | None
    message_id: int | None
    item_no: int | None
    count: int
    hours: Decimal
    amount_minor: int | None
    day: date | None
    reference: str | None
    actual_ids: list[int]


def tie_out(
    conn: Connection[tuple[object, ...]],
    *,
    translators: Mapping[str, Translator],
    entity: str | None = None,
    period: str | None = None,
) -> TieOut:
    """The statement of ``entity`` and ``period`` (None: all). ``conn`` is in autocommit; nothing is left behind."""
    with conn.transaction():
        prepare(conn, translators)
        rows = [
            row
            for row in rows_of_lines(conn)
            if (entity is None or row.entity in {entity, UNASSIGNED})
            and (period is None or row.period in {period, UNASSIGNED})
        ]
        return TieOut(rows=tuple(rows), apart=counted_apart(conn), breaks=tuple(run_proofs(conn)))


def entries_behind(
    conn: Connection[tuple[object, ...]],
    *,
    translators: Mapping[str, Translator],
    entity: str,
    period: str,
    currency: str,
    side: str,
) -> list[BucketEntry]:
    """The entries behind one figure of the statement, in the order of their source."""
    with conn.transaction():
        prepare(conn, translators)
        rows = conn.execute(
            f"""
            {NAMED.format(source="line")}
            select n.side, n.source_id, n.entry_id, n.message_id, n.item_no, n.entry_count, n.hours, n.amount_minor,
                   n.day, d.reference,
                   array(select a.actual_id from actual a
                          where a.actual_id between n.entry_id * 8 and n.entry_id * 8 + 7 order by a.actual_id)
              from named n left join delivery d using (delivery_id)
             where n.entity = %s and n.period = %s and n.currency_code = %s and n.side = %s
             order by n.source_id, n.entry_id
            """,  # noqa: S608 - a constant
            (entity, period, currency, side),
        ).fetchall()
    return [
        msgspec.convert(dict(zip(BucketEntry.__struct_fields__, row, strict=True)), BucketEntry, strict=False)
        for row in rows
    ]


# Added up per day first, so that only some thousand rows are looked up in the periods.
_PER_DAY = """(
        select side, entity_id, day, currency, sum(entry_count) as entries, sum(hours) as hours,
               coalesce(sum(amount_minor), 0) as amount_minor, coalesce(sum(cost_minor), 0) as cost_minor,
               coalesce(sum(entry_count) filter (where not priced), 0) as unpriced_count,
               coalesce(sum(hours) filter (where not priced), 0) as unpriced_hours
          from line group by side, entity_id, day, currency)"""
NAMED = f"""
    with named as (
        select l.*, coalesce(e.code, '{UNASSIGNED}') as entity, coalesce(p.code, '{UNASSIGNED}') as period,
               coalesce(k.alpha, '{UNASSIGNED}') as currency_code
          from {{source}} as l
          left join golden_record e on e.record_id = l.entity_id
          left join currency_code k on k.number = l.currency
          left join lateral (select code from entity_period p
                              where p.entity_id = l.entity_id and l.day >= p.starts and l.day < p.ends
                              limit 1) p on true
    )
"""  # noqa: S608 - a constant


def prepare(conn: Connection[tuple[object, ...]], translators: Mapping[str, Translator]) -> None:
    """Fill the temporary table ``line`` (``lines``) in the transaction that ``conn`` has just begun."""
    conn.execute("set transaction isolation level repeatable read")
    conn.execute("set local work_mem = '64MB'")
    book = reference_book.load(conn)
    load_taken_in(conn, translators, book)
    build_lines(conn, book, translators)


def rows_of_lines(conn: Connection[tuple[object, ...]]) -> list[TieOutRow]:
    """The rows that the table ``line`` adds up to."""
    found: dict[tuple[str, str, str], dict[str, Bucket]] = {}
    for row in conn.execute(
        f"""
        {NAMED.format(source=_PER_DAY)}
        select entity, period, currency_code, side, sum(entries), sum(hours), sum(amount_minor), sum(cost_minor),
               sum(unpriced_count), sum(unpriced_hours)
          from named group by entity, period, currency_code, side
         order by entity = '{UNASSIGNED}', entity, period, currency_code
        """  # noqa: S608 - constants
    ):
        entity, period, currency, side, *figures = map(str, row)
        found.setdefault((entity, period, currency), {})[side] = Bucket(
            count=int(figures[0]),
            hours=Decimal(figures[1]),
            amount_minor=int(figures[2]),
            cost_minor=int(figures[3]),
            unpriced_count=int(figures[4]),
            unpriced_hours=Decimal(figures[5]),
        )
    return [
        TieOutRow(entity=entity, period=period, currency=currency, buckets=buckets)
        for (entity, period, currency), buckets in found.items()
    ]


def counted_apart(conn: Connection[tuple[object, ...]]) -> Apart:
    """What was taken in and is in no row, of the tables that ``prepare`` made."""
    row = conn.execute(
        """
        select said.items - said.facts
                   + coalesce((select sum(i.items)
                                 from message_repeat r
                                 join (select message_id, count(*) as items from taken_item group by message_id) as i
                                using (message_id)), 0),
               newest.not_approved, said.facts - newest.entries
          from (select coalesce(sum(n), 0) as items, count(*) as facts
                  from (select count(*) as n from taken_item where readable
                         group by source_id, system_id, version, content) as one) as said,
               (select count(*) filter (where state <> 3) as not_approved, count(*) as entries from latest) as newest
        """
    ).fetchone()
    repeats, waiting, superseded = (int(str(value)) for value in row or (0, 0, 0))
    return Apart(exact_repeats=repeats, not_approved=waiting, superseded=superseded)


def as_json(rows: Sequence[TieOutRow], *, holds: bool) -> list[dict[str, object]]:
    """The rows for programs: decimals as text. ``holds`` of a row is false when the whole does not hold."""
    return [
        {
            "entity": row.entity,
            "period": row.period,
            "currency": row.currency,
            **{side: _bucket_json(row, side) for side in SIDES},
            "holds": holds and row.identity_holds,
        }
        for row in rows
    ]


def _bucket_json(row: TieOutRow, side: str) -> dict[str, object]:
    bucket = row.bucket(side)
    return {
        "count": bucket.count,
        "hours": str(bucket.hours),
        "amount": str(row.amount(side)),
        "unpriced_count": bucket.unpriced_count,
        "unpriced_hours": str(bucket.unpriced_hours),
    }
