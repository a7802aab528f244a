"""Reads what plan books are made of: the golden records that the reference book leaves out, and what deals sold.

One statement for each; a plan book is read again only when the reference has changed, or which deals are accepted for
which projects: ``lead_to_project`` decides that some time after the records came. Neighbours: ``plan_book`` types what
is read here.
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
from psycopg import Connection

from tieout.ledger.rate_book import RateBookCache
from tieout.model.reported import FieldValue, RecordType
from tieout.records.fact_building import StoredRecord
from tieout.records.mapping import ANY, ROLES
from tieout.records.reference_book import BookCache, ReferenceBook
from tieout.streams.plan_to_allocate.demand import Demand
from tieout.streams.plan_to_allocate.plan_book import READ_TYPES, PlanBook, decimal, demand_line

_fields = msgspec.json.Decoder(dict[str, FieldValue])
_refs = msgspec.json.Decoder(dict[str, tuple[str, str] | None])


class PlanBookCache:
    """The newest plan book of one process."""

    def __init__(self, books: BookCache, rates: RateBookCache) -> None:
        """``books`` and ``rates`` are those of the process."""
        self._books = books
        self._rates = rates
        self._plan: PlanBook | None = None
        self._accepted: object = None
        self._compared: PlanBook | None = None

    def get(self, conn: Connection[tuple[object, ...]]) -> PlanBook:
        """The plan book as it is now; costs three small queries while nothing has changed."""
        book = self._books.get(conn)
        rates = self._rates.get(conn)
        accepted = _accepted(conn)
        known = self._plan
        if known is None or known.book is not book or known.rates is not rates or self._accepted != accepted:
            self._plan = known = PlanBook(book, rates, _records(conn), _sold(conn, book))
            self._accepted = accepted
        return known

    def is_compared(self, plan: PlanBook) -> bool:
        """Whether what was computed before has been compared with ``plan``."""
        return self._compared is plan

    def note_compared(self, plan: PlanBook) -> None:
        """Everything that differs from ``plan`` is computed, and the transaction that did it stands."""
        self._compared = plan


def _accepted(conn: Connection[tuple[object, ...]]) -> object:
    """A digest of which deals are accepted for which project: no record changes when one is."""
    row = conn.execute(
        """
        select md5(string_agg(d.deal_id || ' ' || p.code, ',' order by d.deal_id))
          from won_deal d join provisioning p using (provisioning_id)
         where d.state = 'accepted'
        """
    ).fetchone()
    return None if row is None else row[0]


def _records(conn: Connection[tuple[object, ...]]) -> list[StoredRecord]:
    rows = conn.execute(
        """
        select record_id, type, code, fields::text, refs::text, tombstone from golden_record
         where type = any(%s) order by record_id
        """,
        ([str(one) for one in READ_TYPES],),
    )
    return [
        StoredRecord(
            int(str(record_id)),
            str(record_type),
            None if code is None else str(code),
            _fields.decode(str(fields)),
            _refs.decode(str(refs)),
            bool(tombstone),
        )
        for record_id, record_type, code, fields, refs, tombstone in rows
    ]


def _sold(conn: Connection[tuple[object, ...]], book: ReferenceBook) -> list[Demand]:
    """The lines of the deals that became projects, as demand of these; a line without hours asks for nothing."""
    return [demand for _, demand, _ in _sold_lines(conn, book) if demand.hours_e4]


def sold_prices(
    conn: Connection[tuple[object, ...]], book: ReferenceBook
) -> list[tuple[int, Demand, Decimal, str | None]]:
    """The same lines with the price of an hour that was sold and its currency, by the record of the line."""
    found = []
    for line_id, demand, said in _sold_lines(conn, book):
        price, currency = decimal(said.get("price")), said.get("currency")
        if price is not None:
            found.append((line_id, demand, price, currency if isinstance(currency, str) else None))
    return found


def _sold_lines(
    conn: Connection[tuple[object, ...]], book: ReferenceBook
) -> Iterator[tuple[int, Demand, dict[str, FieldValue]]]:
    rows = conn.execute(
        """
        select p.code, d.number, row_number() over (partition by d.deal_id order by l.record_id), l.fields::text,
               l.refs::text, d.system, l.record_id
          from provisioning p
          join won_deal d using (provisioning_id)
          join golden_record l on l.type = 'deal_line' and not l.tombstone
                              and l.refs -> 'deal' ->> 0 = d.system and l.refs -> 'deal' ->> 1 = d.source_id
         where d.state = 'accepted'
         order by p.provisioning_id, d.deal_id, l.record_id
        """
    )
    for code, number, line_no, fields, refs, system, line_id in rows:
        project_id = book.by_code(RecordType.PROJECT, str(code))
        if project_id is None:
            continue
        said = _fields.decode(str(fields))
        role_id = _role(book, str(system), said, _refs.decode(str(refs)).get("role"))
        role = None if role_id is None else book.role_by_id.get(role_id)
        word = str(said.get("role_name") or "") if role is None else role.code or role.name
        yield int(str(line_id)), demand_line(project_id, f"{number}/{line_no}", role_id, word, said), said


def _role(book: ReferenceBook, system: str, said: dict[str, FieldValue], ref: tuple[str, str] | None) -> int | None:
    """The role that a line of a deal names: by its reference, the firm's mapping, or the word itself."""
    known = book.resolver.record(RecordType.ROLE, ref)
    word = said.get("role_name")
    if known is not None or not isinstance(word, str):
        return known
    mapped = book.map_value(ROLES, system, ANY, word, book.on)
    return book.by_code(RecordType.ROLE, mapped or word)
