"""Answers delivery: smaller journals for one that was refused, and another accounting date for a closed period."""

from datetime import date

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
        cur.execute(
            "select entity_id, project_id, accounting_date, late from delivery where delivery_id = %s", (delivery_id,)
        )
        row = cur.fetchone()
        if row is None or not isinstance(row[2], date):
            raise InvariantError(code="TIE-BILLING-004", message=f"Delivery {delivery_id} is not there to be split.")
        book = self._books.get(cur.connection)
        first_id = take_ids(cur, "delivery_id_seq")
        middle = len(entries) // 2
        return [
            delivery_of(
                JournalGroup(
                    accounting_date=row[2],
                    late=bool(row[3]),
                    project_id=None if row[1] is None else int(str(row[1])),
                    entries=tuple(part),
                ),
                book=book,
                entity_id=int(str(row[0])),
                delivery_id=first_id + at,
                parent_id=delivery_id,
            )
            for at, part in enumerate((entries[:middle], entries[middle:]))
        ]

    def accounting_date(
        self, cur: Cursor[tuple[object, ...]], *, entity_id: int, planned: date, refused: bool
    ) -> date | None:
        """The day to post on instead of ``planned`` by the entity's policy and the newest periods."""
        book = self._books.get(cur.connection)
        entity = book.entity_by_id[entity_id].code
        rule = policy_of(book, entity).closed_period
        placed = place(book.periods, entity=entity, day=planned, rule=rule, refused=refused)
        return None if placed is None else placed.day
