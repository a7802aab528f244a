"""One time entry from the message to the posting: what was said, what it became, by which rates, and where it went."""

from datetime import datetime
from decimal import Decimal

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of one version of a source entry. ``disposition`` as in the schema: 1 accepted to 5 carried."""

    entry_id: int
    system: str
    source_id: str
    version: int
    revision: int
    disposition: int
    message_id: int
    item_no: int
    work_date: str | None
    hours: Decimal | None
    billable: bool | None
    narrative: str
    person: str | None
    project: str | None
    entity: str | None
    task: str | None
    role: str | None
    firm_version: int
    received_at: datetime | None
    channel: str | None
    delivery_id: int | None
    reference: str | None
    delivery_state: str | None
    item_id: int | None


class Actual(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ledger: amounts in minor units, currencies as ISO 4217 numeric codes."""

    actual_id: int
    slot: int
    hours: Decimal
    price: Decimal
    amount_minor: int
    currency: int
    functional_minor: int
    functional_currency: int
    rate_line_id: int
    origin: str | None
    unit: str | None
    firm_version: int


def entry(conn: Connection[tuple[object, ...]], entry_id: int) -> Entry | None:
    """One entry; None where there is none that the reader may see."""
    with conn.cursor(row_factory=class_row(Entry)) as cur:
        cur.execute(
            """
            select t.entry_id, s.name as system, t.source_id, t.version, t.revision, t.disposition, t.message_id,
                   t.item_no, t.work_date::text as work_date, t.hours, t.billable, t.narrative,
                   r.fields ->> 'name' as person, coalesce(p.code, p.fields ->> 'name') as project, e.code as entity,
                   coalesce(k.fields ->> 'name', k.code) as task,
                   coalesce(o.fields ->> 'name', o.code) as role, t.firm_version, m.received_at, m.channel,
                   d.delivery_id, d.reference, d.state as delivery_state, i.item_id
              from time_entry t
              join system_name s using (system_id)
              left join golden_record r on r.record_id = t.resource_id
              left join golden_record p on p.record_id = t.project_id
              left join golden_record e on e.record_id = t.entity_id
              left join golden_record k on k.record_id = t.task_id
              left join golden_record o on o.record_id = t.role_id
              left join message m using (message_id)
              left join posting_link l on l.entry_id = t.entry_id and l.delivery_id <> 0
              left join delivery d using (delivery_id)
              left join desk_item i on i.subject_kind = 'time_entry' and i.subject_id = t.entry_id
                                   and i.state in ('open', 'released')
             where t.entry_id = %s
            """,
            (entry_id,),
        )
        return cur.fetchone()


def versions(conn: Connection[tuple[object, ...]], shown: Entry) -> list[Entry]:
    """Every reading of the same source entry, in order."""
    rows = conn.execute(
        """
        select t.entry_id from time_entry t join system_name s using (system_id)
         where t.source_id = %s and s.name = %s order by t.version, t.revision
        """,
        (shown.source_id, shown.system),
    ).fetchall()
    found = [entry(conn, int(str(row[0]))) for row in rows]
    return [one for one in found if one is not None]


def actuals(conn: Connection[tuple[object, ...]], entry_id: int, *, costs: bool) -> list[Actual]:
    """The rows of the ledger; those of cost only for whoever may see ``costs``."""
    with conn.cursor(row_factory=class_row(Actual)) as cur:
        cur.execute(
            """
            select a.actual_id, (a.actual_id %% 8)::integer as slot, a.hours, a.price, a.amount_minor,
                   a.currency::integer as currency, a.functional_minor,
                   a.functional_currency::integer as functional_currency, a.rate_line_id, r.origin, r.unit,
                   a.firm_version
              from actual a left join rate_line r using (rate_line_id)
             where a.actual_id between %s and %s and (%s or a.actual_id %% 2 = 1)
             order by a.actual_id
            """,
            (entry_id * 8, entry_id * 8 + 7, costs),
        )
        return cur.fetchall()


def payload(conn: Connection[tuple[object, ...]], message_id: int) -> bytes | None:
    """The message as received; None where the reader may not see messages."""
    row = conn.execute("select payload from message where message_id = %s", (message_id,)).fetchone()
    return row[0] if row is not None and isinstance(row[0], bytes) else None
