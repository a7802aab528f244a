"""Golden records and rates in a real database: reports taken in, firms applied, books read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import msgspec
from psycopg import Connection
from tests.worlds.inbound_firm import NOW, firm

from tieout.governance import firm_version
from tieout.ledger.publication import Applied, Published, apply_firm, publish
from tieout.model.clock import FixedClock
from tieout.model.firm import FirmConfig, FirmRateLine
from tieout.model.identity import content_hash
from tieout.model.reported import FieldValue, RecordType, ReportedRecord
from tieout.records import reference_book
from tieout.records.golden_record import RecordsResult, apply_reports
from tieout.records.reference_book import ReferenceBook
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import in_transaction


def said(
    kind: RecordType, source_id: str, version: int = 1, *, refs: dict[str, str] | None = None, **fields: FieldValue
) -> ReportedRecord:
    """One record as a system reports it."""
    return ReportedRecord(type=kind, source_id=source_id, version=version, fields=fields, references=refs or {})


def bill_rate(price: str, **fields: object) -> FirmRateLine:
    """A bill rate of the firm's own file, in USD, global, from 2026 on."""
    line = FirmRateLine(
        context="bill", line=2, scope="global", price=Decimal(price), currency="USD", valid_from=date(2026, 1, 1)
    )
    return msgspec.structs.replace(line, **fields)


ENTITIES = [
    said(RecordType.LEGAL_ENTITY, "1", name="Acme US", functional_currency="USD"),
    said(RecordType.LEGAL_ENTITY, "2", name="Acme DE", functional_currency="EUR"),
]


@dataclass
class Records:
    """One connection (autocommit) and a clock; every step is a transaction of its own."""

    conn: Connection[tuple[object, ...]]
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    message_id: int = 0

    def apply(self, config: FirmConfig | None = None) -> Applied:
        """Apply a configuration under a hash of its content; the test firm without rates by default."""
        config = config or msgspec.structs.replace(firm(), rates=(), fx_rates=())
        hashed = msgspec.structs.replace(config, content_hash=content_hash(msgspec.to_builtins(config)).hex())
        return in_transaction(
            self.conn, lambda cur: apply_firm(cur, hashed, applied_by="test", now=self.clock.now(), ids=SystemIds())
        )

    def report(self, *records: ReportedRecord, system: str = "psa") -> RecordsResult:
        """Take in one message of ``system``, a minute after the one before, and publish what it changes."""
        self.message_id += 1
        self.clock.advance(timedelta(minutes=1).total_seconds())
        return in_transaction(
            self.conn,
            lambda cur: apply_reports(
                cur,
                system=system,
                reports=records,
                firm=firm_version.current(self.conn),
                message_id=self.message_id,
                now=self.clock.now(),
                ids=SystemIds(),
            ),
        )

    def publish(self, result: RecordsResult | None = None) -> Published:
        """Put rates in force, after ``result`` or afresh."""
        return in_transaction(
            self.conn,
            lambda cur: publish(
                cur,
                firm=firm_version.current(self.conn),
                now=self.clock.now(),
                changed=None if result is None else result.changed,
            ),
        )

    def book(self) -> ReferenceBook:
        """The reference as it is."""
        return reference_book.load(self.conn)

    def rows(self, query: str, *values: object) -> Sequence[tuple[object, ...]]:
        """The rows of a query."""
        return self.conn.execute(query, values).fetchall()
