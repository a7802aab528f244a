"""Bookings and absences that stand are judged again when what they were judged by has changed.

A booking counts although its task or role is not known, and while its source is the owner. Once the record is reported,
or ``tieout apply`` changes ownership or mappings, whoever stands is read again from its message: what would be judged
otherwise gets a new reading, the rest stays as it is. What is held is on the desk and comes back by ``release``.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import msgspec
from psycopg import Connection, Cursor

from tieout.connect.fault_point import fault_point
from tieout.inbound.bookings import take_in_facts
from tieout.inbound.bookings_reading import ASSIGNMENT, TIME_OFF, FactArrival
from tieout.inbound.context import InboundContext
from tieout.inbound.message_store import WAKES, read_messages
from tieout.inbound.translation import UnreadableMessage, items_of
from tieout.model.reported import ReportedAssignment, ReportedTimeOff
from tieout.storage.pool import in_transaction
from tieout.storage.wake import notify

BLOCK: Final = 4096
"""Readings that are judged again in one transaction: keeps those who change the reference waiting for a moment only."""

_STANDING: Final = {ASSIGNMENT: ("booking", "assignment_version"), TIME_OFF: ("absence", "time_off_version")}
_TASK: Final = "record:task:"
_ROLE: Final = "record:role:"
_DECIDES: Final = ("ownership", "mapping:")


class _Request(msgspec.Struct, frozen=True):
    kind: str
    first_reading_id: int
    last_reading_id: int


def decides_bookings(tokens: Iterable[str]) -> bool:
    """Whether what changed (by its tokens) decides who may tell a booking or what its keys mean."""
    return any(one.startswith(_DECIDES) for one in tokens)


def request_all(cur: Cursor[tuple[object, ...]]) -> None:
    """Let everything that stands be judged by the reference as the caller's transaction leaves it."""
    for kind, (table, _) in _STANDING.items():
        cur.execute(
            f"""
            insert into booking_review (kind, first_reading_id, last_reading_id)
            select %s, min(reading_id), max(reading_id)
              from (select reading_id, (row_number() over (order by reading_id) - 1) / %s as block from {table}) as b
             group by block order by block
            """,  # noqa: S608 - names of this module
            (kind, BLOCK),
        )
    notify(cur, WAKES)


def request_noted(cur: Cursor[tuple[object, ...]], tokens: Iterable[str]) -> None:
    """Let the bookings be judged again whose task or role was not known and is now, by the ``tokens`` of what came."""
    given = list(tokens)
    causes = [f"TASK_UNKNOWN:{one.removeprefix(_TASK)}" for one in given if one.startswith(_TASK)]
    causes += [f"DIMENSION_MISSING:role:{one.removeprefix(_ROLE)}" for one in given if one.startswith(_ROLE)]
    if not causes:
        return
    cur.execute(
        """
        insert into booking_review (kind, first_reading_id, last_reading_id)
        select distinct 'assignment', b.reading_id, b.reading_id
          from finding f
          join assignment_version v on v.message_id = f.message_id and v.item_no = f.item_no
          join booking b using (reading_id)
         where f.entry_id is null and f.cause_key = any(%s)
        """,
        (causes,),
    )
    if cur.rowcount:
        notify(cur, WAKES)


def request_merged(cur: Cursor[tuple[object, ...]]) -> None:
    """Let everything be judged again that stands for a record which was merged into another one."""
    cur.execute(
        """
        with merged as (select record_id from golden_record where tombstone and refs ? 'merged_into')
        insert into booking_review (kind, first_reading_id, last_reading_id)
        select 'assignment', reading_id, reading_id from booking
         where resource_id in (table merged) or project_id in (table merged) or task_id in (table merged)
            or role_id in (table merged)
        union all
        select 'time_off', reading_id, reading_id from absence where resource_id in (table merged)
        """
    )
    if cur.rowcount:
        notify(cur, WAKES)


def process_review(conn: Connection[tuple[object, ...]], context: InboundContext) -> int:
    """Judge one range of what stands again; returns how many ranges were done (0 or 1)."""
    done = in_transaction(conn, lambda cur: _process(cur, context))
    if done:
        fault_point("inbound.revaluation.after_commit")
    return done


def _process(cur: Cursor[tuple[object, ...]], context: InboundContext) -> int:
    cur.execute(
        """
        delete from booking_review where review_id in (
            select review_id from booking_review order by review_id limit 1 for update skip locked)
        returning kind, first_reading_id, last_reading_id
        """
    )
    row = cur.fetchone()
    if row is None:
        return 0
    request = _Request(*row)  # type: ignore[arg-type]  # untyped rows
    take_in_facts(cur, context, _arrivals(cur, context, request), now=context.clock.now())
    fault_point("inbound.revaluation.before_commit")
    return 1


def _arrivals(cur: Cursor[tuple[object, ...]], context: InboundContext, request: _Request) -> list[FactArrival]:
    """What stands in the range of ``request``, as its messages say it."""
    table, versions = _STANDING[request.kind]
    cur.execute(
        f"""
        select v.message_id, v.item_no from {table} b join {versions} v using (reading_id)
         where b.reading_id between %s and %s order by v.message_id, v.item_no
        """,  # noqa: S608 - names of this module
        (request.first_reading_id, request.last_reading_id),
    )
    places = [(int(str(message_id)), int(str(item_no))) for message_id, item_no in cur]
    return list(_read(cur, context, places))


def _read(
    cur: Cursor[tuple[object, ...]], context: InboundContext, places: Sequence[tuple[int, int]]
) -> Iterable[FactArrival]:
    messages = {one.message_id: one for one in read_messages(cur, sorted({place[0] for place in places}))}
    for message_id, own in groupby(places, key=lambda place: place[0]):
        message = messages[message_id]
        said = items_of(message, context.translators)
        for _, item_no in own:
            item = None if isinstance(said, UnreadableMessage) else said[item_no]
            if isinstance(item, ReportedAssignment | ReportedTimeOff):
                yield FactArrival(message_id, item_no, message.system, message.object, item, is_revaluation=True)
