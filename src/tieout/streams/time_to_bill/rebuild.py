"""Answers delivery: smaller journals for one that was refused, and another accounting date for a closed period."""

from datetime import date

import msgspec
from psycopg import Cursor

from tieout.errors import InvariantError
from tieout.outbound.outbox import NewDelivery
from tieout.records.reference_book import BookCache
from tieout.storage.copying import take_ids
from tieout.streams.time_to_bill import entries as reader
from tieout.streams.time_to_bill.accounting_date import place
from tieout.streams.time_to_bill.journals import JournalGroup
from tieout.streams.time_to_bill.step import delivery_of, policy_of


class JournalRebuilder:
    """The command builder of time-to-bill (``outbound.ports.CommandBuilder``)."""

    def __init__(self, books: BookCache) -> None:
        self._books = books

    def halves(self, cur: Cursor[tuple[object, ...]], delivery_id: int) -> list[NewDelivery]:
        """Two deliveries of half the entries each; empty for one entry."""
        entries = reader.read_delivery(cur, delivery_id)
        if len(entries) <= 1:
            return []
        place_ = _place_of(cur, delivery_id)
        book = self._books.get(cur.connection)
        first_id = take_ids(cur, "delivery_id_seq")
        middle = len(entries) // 2
        return [
            delivery_of(
                JournalGroup(
                    accounting_date=place_.accounting_date,
                    late=place_.late,
                    project_id=place_.project_id,
                    entries=tuple(part),
                ),
                book=book,
                entity_id=place_.entity_id,
                delivery_id=first_id + at,
                parent_id=delivery_id,
            )
            for at, part in enumerate((entries[:middle], entries[middle:]))
        ]

    def elsewhere(self, cur: Cursor[tuple[object, ...]], delivery_id: int, *, day: date) -> list[NewDelivery]:
        """One delivery for the system that posts on ``day``; empty where that is the delivery's own system."""
        was = _place_of(cur, delivery_id)
        book = self._books.get(cur.connection)
        poster = book.firm.poster_of(book.entity_by_id[was.entity_id].code, day)
        if poster is None or poster.name == was.system:
            return []
        group = JournalGroup(
            accounting_date=day,
            late=True,
            project_id=was.project_id,
            entries=tuple(reader.read_delivery(cur, delivery_id)),
        )
        new_id = take_ids(cur, "delivery_id_seq")
        return [delivery_of(group, book=book, entity_id=was.entity_id, delivery_id=new_id, parent_id=delivery_id)]

    def accounting_date(
        self, cur: Cursor[tuple[object, ...]], *, entity_id: int, planned: date, refused: bool
    ) -> date | None:
        """The day to post on instead of ``planned`` by the entity's policy and the newest periods."""
        book = self._books.get(cur.connection)
        entity = book.entity_by_id[entity_id].code
        rule = policy_of(book, entity).closed_period
        placed = place(book.periods, entity=entity, day=planned, rule=rule, refused=refused)
        return None if placed is None else placed.day


class _Place(msgspec.Struct, frozen=True):
    """Where and when a delivery posts."""

    system: str
    entity_id: int
    project_id: int | None
    accounting_date: date
    late: bool


def _place_of(cur: Cursor[tuple[object, ...]], delivery_id: int) -> _Place:
    cur.execute(
        "select system, entity_id, project_id, accounting_date, late from delivery where delivery_id = %s",
        (delivery_id,),
    )
    row = cur.fetchone()
    if row is None or not isinstance(row[3], date):
        raise InvariantError(code="TIE-BILLING-004", message=f"Delivery {delivery_id} is not there to be split.")
    project_id = None if row[2] is None else int(str(row[2]))
    return _Place(str(row[0]), int(str(row[1])), project_id, row[3], bool(row[4]))
