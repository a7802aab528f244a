"""Judges entries again under the mappings and policies of a version that somebody chose, by the way of all time.

Everything else (masters, rates, ownership) is as it is now. ``inbound`` does the work: held entries are read again as
the desk releases them, accepted ones as a changed rate or mapping takes them on. Neighbours: ``dry_run`` rolls it back,
``running`` keeps it.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import class_row

from tieout.connect.source import Translator
from tieout.desk.intake import OpenItem
from tieout.governance import firm_version
from tieout.inbound.context import InboundContext
from tieout.inbound.message_store import read_messages
from tieout.inbound.normalizer import Arrival
from tieout.inbound.pipeline import open_step, take_in
from tieout.inbound.release import released_of
from tieout.inbound.revaluation import asked_again, revaluations
from tieout.inbound.translation import UnreadableMessage, items_of
from tieout.model.firm import FirmConfig
from tieout.model.reported import ReportedTime
from tieout.records import reference_book
from tieout.records.reference_book import BookCache, ReferenceBook
from tieout.replay.selection import ChosenEntry


class PinnedBooks(BookCache):
    """The reference as it is now, with mappings and policies of firm version ``version``."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self._version = version
        self._pinned: tuple[ReferenceBook, ReferenceBook] | None = None

    def get(self, conn: Connection[tuple[object, ...]]) -> ReferenceBook:
        """As ``BookCache.get``; the pinned book is made anew when the reference changes."""
        now = super().get(conn)
        if now.firm.version == self._version:
            return now
        if self._pinned is None or self._pinned[0] is not now:
            firm = pinned(now.firm, firm_version.at_version(conn, self._version))
            self._pinned = (now, reference_book.load(conn, firm=firm))
        return self._pinned[1]


def pinned(now: FirmConfig, chosen: FirmConfig) -> FirmConfig:
    """``now`` with mappings, policies and number of ``chosen``: entries name what they were judged by."""
    return msgspec.structs.replace(now, mappings=chosen.mappings, policies=chosen.policies, version=chosen.version)


def under(context: InboundContext, version: int) -> InboundContext:
    """``context`` with the mappings and policies of firm version ``version``, and caches of its own."""
    return InboundContext(
        clock=context.clock,
        ids=context.ids,
        translators=context.translators,
        books=PinnedBooks(version),
        recut=context.recut,
        time_objects=context.time_objects,
        unreadable_percent=context.unreadable_percent,
    )


def judge_again(cur: Cursor[tuple[object, ...]], context: InboundContext, entries: Sequence[ChosenEntry]) -> int:
    """Judge ``entries`` in the transaction of ``cur``; returns how many of them were something else than before."""
    if not entries:
        return 0
    step = open_step(cur, context, context.clock.now())
    held = _held(cur, [one.item_id for one in entries if one.item_id is not None], context.translators)
    accepted = sorted(one.entry_id for one in entries if one.item_id is None)
    changed = (
        [
            one.arrival
            for one in revaluations(
                cur,
                (accepted[0], accepted[-1]),
                only=accepted,
                translators=context.translators,
                rules=step.rules,
                rates=step.rates,
            )
            if not one.standing.is_sent
        ]
        if accepted
        else []
    )
    arrivals = [*asked_again(cur, held, rules=step.rules, rates=step.rates), *changed]
    if arrivals:
        take_in(cur, step, arrivals)
    return len(changed) + _solved(cur, [one.released.item_id for one in held if one.released is not None])


def _solved(cur: Cursor[tuple[object, ...]], item_ids: Sequence[int]) -> int:
    cur.execute("select count(*) from desk_item where item_id = any(%s) and state = 'resolved'", (list(item_ids),))
    row = cur.fetchone()
    return 0 if row is None else int(str(row[0]))


def _held(
    cur: Cursor[tuple[object, ...]], item_ids: Sequence[int], translators: Mapping[str, Translator]
) -> list[Arrival]:
    """The held entries of ``item_ids``, released to us alone; one whose message cannot be read any more is left out."""
    with cur.connection.cursor(row_factory=class_row(OpenItem)) as rows:
        rows.execute(
            """
            with released as (
                update desk_item set state = 'released'
                 where item_id = any(%s) and state in ('open', 'released') and subject_kind = 'time_entry'
                returning item_id, subject_kind, subject_id, message_id, item_no, state, cause_id, context
            )
            select i.item_id, i.subject_kind, i.subject_id, i.message_id, i.item_no, i.state, c.code, c.cause_key,
                   i.context
              from released i join root_cause c using (cause_id) order by i.message_id, i.item_no
            """,
            (list(item_ids),),
        )
        items = rows.fetchall()
    messages = {one.message_id: one for one in read_messages(cur, sorted({one.message_id or 0 for one in items}))}
    arrivals = []
    for message_id, own in groupby(items, key=lambda one: one.message_id or 0):
        message = messages[message_id]
        said = items_of(message, translators)
        for item in own:
            one = None if isinstance(said, UnreadableMessage) else said[item.item_no or 0]
            if isinstance(one, ReportedTime):
                item_no = item.item_no or 0
                arrivals.append(Arrival(message_id, item_no, message.system, message.object, one, released_of(item)))
    return arrivals
