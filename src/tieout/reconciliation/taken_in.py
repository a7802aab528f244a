"""Counts what was taken in from the stored messages alone, and lays it beside what the steps made of it.

Every time-entry message is translated again and its items are copied into a temporary table; nothing here reads what
the steps wrote. ``lines`` compares, ``tie_out`` adds up.
"""

from collections.abc import Iterator, Mapping

from psycopg import Connection, Cursor

from tieout.connect.source import Translator, Unreadable
from tieout.errors import ContractError
from tieout.model.reported import ReportedRecord, ReportedState, ReportedTime
from tieout.storage.copying import CopyValue, copy_rows

STATE_NUMBER = {
    ReportedState.DRAFT: 1,
    ReportedState.SUBMITTED: 2,
    ReportedState.APPROVED: 3,
    ReportedState.REJECTED: 4,
    ReportedState.RECALLED: 5,
    ReportedState.DELETED: 6,
}
_COLUMNS = (
    "message_id", "item_no", "system", "source_id", "version", "state", "hours", "work_date", "billable", "readable",
)  # fmt: skip
_PAGE = 100
_HOURS_MAX = 99_999


def load_taken_in(conn: Connection[tuple[object, ...]], translators: Mapping[str, Translator]) -> None:
    """Fill the temporary table ``taken_item`` with every item of every stored time-entry message."""
    with conn.cursor() as cur:
        cur.execute(
            """
            create temporary table taken_item (
                message_id bigint not null, item_no integer, system text not null, source_id text, version bigint,
                state smallint, hours numeric(9, 4), work_date date, billable boolean, readable boolean not null
            ) on commit drop
            """
        )
        with conn.cursor(name="messages") as messages:
            messages.itersize = _PAGE
            messages.execute("select message_id, system, object, payload from message order by message_id")
            while page := messages.fetchmany(_PAGE):
                rows = [row for message in page for row in _items(message, translators)]
                copy_rows(cur, "taken_item", _COLUMNS, rows)
        cur.execute("create index on taken_item (source_id, version, system)")
        cur.execute("create index on taken_item (message_id, item_no)")
        cur.execute("analyze taken_item")


def _items(message: tuple[object, ...], translators: Mapping[str, Translator]) -> Iterator[tuple[CopyValue, ...]]:
    message_id, system, object_name, payload = int(str(message[0])), str(message[1]), str(message[2]), message[3]
    translator = translators.get(system)
    unreadable = (message_id, None, system, None, None, None, None, None, None, False)
    if translator is None or not isinstance(payload, bytes):
        yield unreadable
        return
    try:
        items = translator.translate(object_name, payload)
    except ContractError:
        yield unreadable
        return
    for number, item in enumerate(items):
        match item:
            case ReportedTime():
                hours = item.hours if abs(item.hours) <= _HOURS_MAX else None
                yield (
                    message_id, number, system, item.source_id, item.version, STATE_NUMBER[item.state], hours,
                    item.work_date, item.billable, True,
                )  # fmt: skip
            case Unreadable():
                yield (message_id, number, system, item.source_id, None, None, None, None, None, False)
            case ReportedRecord():
                continue


def drop_unread_masters(cur: Cursor[tuple[object, ...]]) -> None:
    """Leave out unreadable master messages: they are the desk's business, not time that was taken in."""
    cur.execute(
        """
        delete from taken_item t using message m
         where not t.readable and m.message_id = t.message_id
           and not exists (select 1 from taken_item r join message o on o.message_id = r.message_id
                            where r.readable and o.system = m.system and o.object = m.object)
           and m.object not like 'time%'
        """
    )
