"""Until when what belongs into a period is to be posted: so many hours after the period ends where its entity is."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from psycopg import Cursor

from tieout.records.reference_book import ReferenceBook

_Row = tuple[int, str, object, object, datetime]


def refresh(cur: Cursor[tuple[object, ...]], book: ReferenceBook, *, after_period_h: Decimal) -> None:
    """Let ``posting_cut_off`` say what follows from the periods of ``book``; what is said already is left alone."""
    wanted = list(_rows(book, after_period_h))
    cur.execute(
        """
        with wanted as (
            select * from unnest(%s::integer[], %s::text[], %s::date[], %s::date[], %s::timestamptz[])
                     as given (entity_id, code, starts, ends, cut_off)
        ), gone as (
            delete from posting_cut_off p
             where not exists (select from wanted w where w.entity_id = p.entity_id and w.starts = p.starts)
        )
        insert into posting_cut_off as known (entity_id, code, starts, ends, cut_off)
        select entity_id, code, starts, ends, cut_off from wanted
        on conflict (entity_id, starts) do update
           set code = excluded.code, ends = excluded.ends, cut_off = excluded.cut_off
         where (known.code, known.ends, known.cut_off) is distinct from (excluded.code, excluded.ends, excluded.cut_off)
        """,
        tuple([row[at] for row in wanted] for at in range(5)),
    )


def _rows(book: ReferenceBook, after_period_h: Decimal) -> Iterator[_Row]:
    wait = timedelta(seconds=int(after_period_h * 3600))
    for entity in book.entity_by_id.values():
        zone = _zone(entity.time_zone)
        for one in book.periods.of(entity.code):
            ends = datetime.combine(one.ends, time(), tzinfo=zone)
            yield entity.record_id, one.code, one.starts, one.ends, ends.astimezone(UTC) + wait


def _zone(name: str | None) -> ZoneInfo:
    """The zone of an entity; UTC where none is told or it is none that is known."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
