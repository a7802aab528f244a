"""Prices entries again of which no trace of a price is left, from their message and the rates as they are now.

Such an entry was taken in and a row of a later table is gone: the statement breaks, and what was taken in must still be
told in money. Where nothing is missing there is nothing to do here.
"""

from collections.abc import Mapping

from psycopg import Connection

from tieout.connect.source import Translator
from tieout.desk import corrections
from tieout.ledger import rate_book
from tieout.ledger.rating import RateBook, Rated, RatingRequest, rate
from tieout.model.reported import ReportedTime
from tieout.reconciliation.taken_in import WORK_TYPE_NUMBER, Message, items_of
from tieout.records.reference_book import ReferenceBook
from tieout.storage.copying import copy_rows

_PAGE = 16
_HOUR_E4 = 10_000
_WITHOUT_TRACE = """
    select t.message_id, array_agg(t.item_no order by t.item_no)
      from latest t
      left join standing s on s.source_id = t.source_id and s.system_id = t.system_id
      left join accepted a on a.source_id = t.source_id and a.system_id = t.system_id and not a.changed
      left join held h on h.source_id = t.source_id and h.system_id = t.system_id
     where t.state = 3 and t.unread is null
       and (s.source_id is null or (t.billable and a.entry_id is not null and not a.has_sale)
            or (h.reading_id is not null and not h.on_desk))
     group by t.message_id
     order by t.message_id
"""


def load_rerated(
    conn: Connection[tuple[object, ...]], book: ReferenceBook, translators: Mapping[str, Translator]
) -> None:
    """Fill the temporary table ``rerated`` (system, source id, billable value) for entries without a trace."""
    conn.execute(
        "create temporary table rerated (system_id smallint, source_id text, amount_minor bigint) on commit drop"
    )
    wanted = conn.execute(_WITHOUT_TRACE).fetchall()
    if not wanted:
        return
    rates = rate_book.load(conn)
    for start in range(0, len(wanted), _PAGE):
        numbers = {int(str(row[0])): row[1] for row in wanted[start : start + _PAGE]}
        messages = conn.execute(
            "select message_id, system, object, payload from message where message_id = any(%s)",
            (list(numbers),),
            binary=True,
        ).fetchall()
        with conn.cursor() as cur:
            corrected = corrections.load(cur, list(numbers))
        rows = []
        for row in messages:
            message = Message(*row)  # type: ignore[arg-type]  # untyped rows
            items = items_of(message, translators, corrected)
            picked = numbers[message.message_id]
            for item_no in picked if isinstance(picked, list) and items is not None else ():
                item = items[item_no] if items is not None else None
                if isinstance(item, ReportedTime):
                    value = _value_minor(item, message.system, book, rates)
                    rows.append((book.system_ids[message.system], item.source_id, value))
        with conn.cursor() as cur:
            copy_rows(cur, "rerated", ("system_id", "source_id", "amount_minor"), rows)


def _value_minor(said: ReportedTime, system: str, book: ReferenceBook, rates: RateBook) -> int | None:
    """Billable value in minor units of the project's currency; None where the reference or the rates do not tell."""
    projects = (one for one in book.project_by_id.values() if one.code == said.project)
    project = book.project(system, said.project) or next(projects, None)
    people = (one for one in book.resource_by_id.values() if one.email == said.person)
    resource = book.resource(system, said.person) or next(people, None)
    if project is None or resource is None:
        return None
    task = None if said.task is None else book.task(system, said.task)
    if task is None and said.task is not None:
        named = (
            one for one in book.task_by_id.values() if one.project_id == project.record_id and one.name == said.task
        )
        task = next(named, None)
    role_id = resource.role_id
    if said.role is not None:
        roles = (one for one in book.role_by_id.values() if said.role in {one.code, one.name})
        role = book.role(system, said.role) or next(roles, None)
        role_id = None if role is None else role.record_id
    rated = rate(
        rates,
        RatingRequest(
            project=project,
            resource=resource,
            role_id=role_id,
            task_id=None if task is None else task.record_id,
            work_type=WORK_TYPE_NUMBER[said.work_type],
            day=said.work_date.toordinal(),
            hours_e4=int(said.hours * _HOUR_E4),
            billable=said.billable,
        ),
    )
    if not isinstance(rated, Rated):
        return None
    return 0 if rated.sales is None else rated.sales.amount_minor
