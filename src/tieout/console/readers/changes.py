"""What changed within a span: on the desk, in deliveries, in projects, in the firm's configuration."""

from datetime import datetime

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of change: how many, when last, and the path of its list; the instant is added after ``since=``."""

    words: str
    count: int
    last_at: datetime
    path: str


def since(conn: Connection[tuple[object, ...]], start: datetime) -> list[Change]:
    """Every kind of change since ``start``, the newest first."""
    with conn.cursor(row_factory=class_row(Change)) as cur:
        cur.execute(
            """
            with found (words, count, last_at, path) as (
                select 'new exceptions', count(*), max(opened_at), '/exceptions' from desk_item
                 where opened_at >= %(start)s
                union all
                select 'exceptions resolved', count(*), max(closed_at), '/exceptions/items?state=closed' from desk_item
                 where closed_at >= %(start)s and state = 'resolved'
                union all
                select 'exceptions excluded', count(*), max(closed_at), '/exceptions/items?state=closed' from desk_item
                 where closed_at >= %(start)s and state = 'excluded'
                union all
                select case command_kind when 'post_journal' then 'journals posted' else 'masters delivered' end,
                       count(*), max(updated_at),
                       case command_kind when 'post_journal' then '/deliveries?kind=post_journal&state=posted&since='
                                         else '/deliveries?kind=masters&state=posted&since=' end
                  from delivery where state = 'posted' and updated_at >= %(start)s
                 group by 1, 4
                union all
                select 'projects active in every system', count(*), max(activated_at), '/projects?stage=active'
                  from provisioning where activated_at >= %(start)s
                union all
                select 'versions of the firm applied', count(*), max(applied_at), '/mappings' from firm_version
                 where applied_at >= %(start)s
            )
            select words, sum(count)::integer as count, max(last_at) as last_at, path
              from found where count > 0 group by words, path order by last_at desc
            """,
            {"start": start},
        )
        return cur.fetchall()
