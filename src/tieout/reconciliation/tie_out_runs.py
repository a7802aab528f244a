"""Tie-outs that are kept: each run with its figures, and the entries behind the figures of the newest one.

``tie_out`` computes the statement from all that was ever taken in; whoever only looks at it reads the newest run, which
says when it was made. A run is asked for (``request``) or due because something has changed since the last one; the
process that makes it calls ``run``. Neighbours: ``tie_out``, ``proofs``; ``runtime.tie_out_runner`` runs it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.connect.source import Translator
from tieout.model.clock import Clock
from tieout.reconciliation.proofs import run_proofs
from tieout.reconciliation.tie_out import (
    NAMED,
    UNASSIGNED,
    Bucket,
    TieOut,
    TieOutRow,
    counted_apart,
    prepare,
    rows_of_lines,
)

_FIRST_AFTER: Final = timedelta(minutes=1)
"""How long after the first entries the first run is made: until then everything is under way."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One tie-out as it was made. ``started_at`` is the instant as of which its figures hold."""

    run_id: int
    requested_by: str
    started_at: datetime
    finished_at: datetime
    holds: bool
    firm_version: int
    exact_repeats: int
    not_approved: int
    superseded: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line behind a figure: down to the entry, the message and the posting. Signed; lines add up to the figure."""

    line_no: int
    system: str | None
    source_id: str | None
    entry_id: int | None
    message_id: int | None
    item_no: int | None
    day: str | None
    entry_count: int
    hours: str
    amount_minor: int | None
    delivery_id: int | None
    reference: str | None


def request(cur: Cursor[tuple[object, ...]], *, requested_by: str, now: datetime) -> None:
    """Ask for a run; it begins within seconds where a hub is running."""
    cur.execute(
        "insert into tie_out_request (requested_by, requested_at) values (%s, %s)",
        (requested_by, now),
    )


def requested_at(conn: Connection[tuple[object, ...]]) -> datetime | None:
    """Since when a run is asked for that has not ended; None: none is."""
    row = conn.execute("select min(requested_at) from tie_out_request").fetchone()
    return row[0] if row is not None and isinstance(row[0], datetime) else None


def is_due(conn: Connection[tuple[object, ...]], *, now: datetime, every: timedelta) -> bool:
    """Whether a run is asked for, or the last one is older than ``every`` and something has changed since."""
    if requested_at(conn) is not None:
        return True
    row = conn.execute(
        """
        select r.finished_at,
               r.control_total_id is distinct from (select max(control_total_id) from control_total) as changed
          from tie_out_run r order by r.run_id desc limit 1
        """
    ).fetchone()
    if row is None:
        first = conn.execute("select recorded_at from batch order by batch_id limit 1").fetchone()
        return first is not None and isinstance(first[0], datetime) and now - first[0] >= _FIRST_AFTER
    finished_at, changed = row
    return bool(changed) and isinstance(finished_at, datetime) and now - finished_at >= every


def run(
    conn: Connection[tuple[object, ...]], *, translators: Mapping[str, Translator], requested_by: str, clock: Clock
) -> TieOut:
    """Compute the statement and keep it, with its entries. ``conn`` is in autocommit.

    Who asked for it, where somebody did, takes the place of ``requested_by``.
    """
    started_at = clock.now()
    with conn.transaction():
        prepare(conn, translators)
        rows = rows_of_lines(conn)
        statement = TieOut(rows=tuple(rows), apart=counted_apart(conn), breaks=tuple(run_proofs(conn)))
        asked = conn.execute(
            """
            select coalesce(max(request_id), 0), (array_agg(requested_by order by request_id))[1]
              from tie_out_request
            """
        ).fetchone()
        last_request, who = (0, None) if asked is None else asked
        run_id = _insert_run(conn, statement, who=str(who or requested_by), started_at=started_at, clock=clock)
        _insert_figures(conn, run_id, rows)
        _insert_lines(conn, run_id)
        conn.execute("delete from tie_out_request where request_id <= %s", (last_request,))
    conn.execute("delete from tie_out_line where run_id < %s", (run_id,))
    conn.execute("analyze tie_out_line")
    return statement


def _insert_run(
    conn: Connection[tuple[object, ...]], statement: TieOut, *, who: str, started_at: datetime, clock: Clock
) -> int:
    row = conn.execute(
        """
        insert into tie_out_run (requested_by, started_at, finished_at, holds, firm_version, control_total_id,
                                 exact_repeats, not_approved, superseded)
        values (%s, %s, %s, %s, (select coalesce(max(version), 0) from firm_version),
                (select coalesce(max(control_total_id), 0) from control_total), %s, %s, %s)
        returning run_id
        """,
        (
            who,
            started_at,
            clock.now(),
            statement.holds,
            statement.apart.exact_repeats,
            statement.apart.not_approved,
            statement.apart.superseded,
        ),
    ).fetchone()
    if row is None:
        raise AssertionError
    run_id = int(str(row[0]))
    with conn.cursor() as cur:
        cur.executemany(
            "insert into tie_out_break (run_id, break_no, message) values (%s, %s, %s)",
            [(run_id, number, one.message) for number, one in enumerate(statement.breaks)],
        )
    return run_id


def _insert_figures(conn: Connection[tuple[object, ...]], run_id: int, rows: list[TieOutRow]) -> None:
    values = [
        (
            run_id,
            None if row.entity == UNASSIGNED else row.entity,
            row.entity,
            row.period,
            row.currency,
            side,
            bucket.count,
            bucket.hours,
            bucket.amount_minor,
            bucket.cost_minor,
            bucket.unpriced_count,
            bucket.unpriced_hours,
        )
        for row in rows
        for side, bucket in row.buckets.items()
    ]
    with conn.cursor() as cur:
        cur.executemany(
            """
            insert into tie_out_figure (run_id, entity_id, entity, period, currency, side, entry_count, hours,
                                        amount_minor, cost_minor, unpriced_count, unpriced_hours)
            values (%s, (select record_id from golden_record where type = 'legal_entity' and code = %s), %s, %s, %s,
                    %s, %s, %s, %s, %s, %s, %s)
            """,
            values,
        )


def _insert_lines(conn: Connection[tuple[object, ...]], run_id: int) -> None:
    conn.execute(
        f"""
        insert into tie_out_line (figure_id, line_no, run_id, entity_id, system_id, source_id, entry_id, message_id,
                                  item_no, day, entry_count, hours, amount_minor, delivery_id)
        {NAMED.format(source="line")}
        select f.figure_id,
               row_number() over (partition by f.figure_id order by n.day, n.source_id, n.entry_id, n.entry_count),
               f.run_id, n.entity_id, n.system_id, n.source_id, n.entry_id, n.message_id, n.item_no, n.day,
               n.entry_count, n.hours, n.amount_minor, n.delivery_id
          from named n
          join tie_out_figure f on f.run_id = %s and f.entity = n.entity and f.period = n.period
                               and f.currency = n.currency_code and f.side = n.side
        """,  # noqa: S608 - a constant
        (run_id,),
    )


_RUN = "run_id, requested_by, started_at, finished_at, holds, firm_version, exact_repeats, not_approved, superseded"


def newest(conn: Connection[tuple[object, ...]]) -> Run | None:
    """The newest run; None where none was ever made."""
    with conn.cursor(row_factory=class_row(Run)) as cur:
        cur.execute(f"select {_RUN} from tie_out_run order by run_id desc limit 1")  # noqa: S608 - a constant
        return cur.fetchone()


def history(conn: Connection[tuple[object, ...]], *, limit: int) -> list[Run]:
    """Runs, the newest first."""
    with conn.cursor(row_factory=class_row(Run)) as cur:
        cur.execute(f"select {_RUN} from tie_out_run order by run_id desc limit %s", (limit,))  # noqa: S608 - as above
        return cur.fetchall()


def breaks(conn: Connection[tuple[object, ...]], run_id: int) -> list[str]:
    """What the proofs of a run found, in words; seen by whoever sees every legal entity."""
    rows = conn.execute("select message from tie_out_break where run_id = %s order by break_no", (run_id,))
    return [str(row[0]) for row in rows]


def rows_of_run(
    conn: Connection[tuple[object, ...]], run_id: int, *, entity: str | None = None, period: str | None = None
) -> list[TieOutRow]:
    """The statement of a run, of one legal entity or period where named; what has none is in every one of them."""
    found: dict[tuple[str, str, str], dict[str, Bucket]] = {}
    for row in conn.execute(
        """
        select entity, period, currency, side, entry_count, hours::text, amount_minor, cost_minor, unpriced_count,
               unpriced_hours::text
          from tie_out_figure
         where run_id = %(run)s and (%(entity)s::text is null or entity in (%(entity)s, %(none)s))
           and (%(period)s::text is null or period in (%(period)s, %(none)s))
         order by entity = %(none)s, entity, period, currency
        """,
        {"run": run_id, "entity": entity, "period": period, "none": UNASSIGNED},
    ):
        entity_code, period_code, currency, side, *figures = row
        found.setdefault((str(entity_code), str(period_code), str(currency)), {})[str(side)] = msgspec.convert(
            dict(zip(Bucket.__struct_fields__, figures, strict=True)), Bucket, strict=False
        )
    return [TieOutRow(entity=key[0], period=key[1], currency=key[2], buckets=buckets) for key, buckets in found.items()]


def lines_behind(  # noqa: PLR0913 - a figure has four names
    conn: Connection[tuple[object, ...]],
    run_id: int,
    *,
    entity: str,
    period: str,
    currency: str,
    side: str,
    after_line: int,
    limit: int,
) -> list[Line]:
    """The lines behind one figure of the newest run, from the one after ``after_line`` on."""
    with conn.cursor(row_factory=class_row(Line)) as cur:
        cur.execute(
            """
            select l.line_no, s.name as system, l.source_id, l.entry_id, l.message_id, l.item_no, l.day::text,
                   l.entry_count, l.hours::text, l.amount_minor, l.delivery_id, d.reference
              from tie_out_figure f
              join tie_out_line l on l.figure_id = f.figure_id and l.line_no > %s
              left join system_name s on s.system_id = l.system_id
              left join delivery d on d.delivery_id = l.delivery_id
             where f.run_id = %s and f.entity = %s and f.period = %s and f.currency = %s and f.side = %s
             order by l.line_no limit %s
            """,
            (after_line, run_id, entity, period, currency, side, limit),
        )
        return cur.fetchall()
