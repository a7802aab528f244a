"""The small firm of ``inbound_firm`` in a real database: masters and time as messages, and the steps run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec
from psycopg import Connection, Cursor
from tests.worlds import inbound_firm as world

from tieout.connect.source import Translated, Unreadable
from tieout.desk import intake
from tieout.errors import ContractError
from tieout.inbound import bookings_review, message_store, pipeline, release
from tieout.inbound.canonical_translator import CanonicalTranslator
from tieout.inbound.context import InboundContext
from tieout.inbound.message_store import NewMessage, StoredMessage
from tieout.inbound.record_acceptance import settle_matched, settle_records
from tieout.ledger.publication import apply_firm
from tieout.model.clock import FixedClock
from tieout.model.firm import FirmConfig
from tieout.model.identity import content_hash
from tieout.model.reported import (
    FieldValue,
    RecordType,
    ReportedAssignment,
    ReportedRecord,
    ReportedTime,
    ReportedTimeOff,
)
from tieout.records.reference_book import BookCache
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import in_transaction

Rows: TypeAlias = list[tuple[object, ...]]


class _Wire(msgspec.Struct):
    times: list[ReportedTime] = []
    records: list[ReportedRecord] = []
    assignments: list[ReportedAssignment] = []
    absences: list[ReportedTimeOff] = []
    bad: list[str] = []


class PlainTranslator:
    """Payloads of these tests: canonical values as JSON; ``bad`` are unreadable items by source id."""

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """Times, records, assignments, absences, unreadable items."""
        try:
            wire = msgspec.json.decode(payload, type=_Wire)
        except msgspec.DecodeError as error:
            raise ContractError(code="TIE-PAYLOAD-001", message=f"{object_name}: {error}") from error
        bad = [Unreadable(problem="hours are words", source_id=one) for one in wire.bad]
        return [*wire.times, *wire.records, *wire.assignments, *wire.absences, *bad]


def master(
    kind: RecordType, source_id: str, fields: dict[str, FieldValue], version: int = 1, **refs: str
) -> ReportedRecord:
    """One reported master."""
    return ReportedRecord(type=kind, source_id=source_id, version=version, fields=fields, references=refs)


def masters() -> dict[str, list[ReportedRecord]]:
    """What the systems report of the firm's masters, by system."""
    erp = [
        master(RecordType.LEGAL_ENTITY, "1", {"code": "US01", "name": "Acme US", "functional_currency": "USD"}),
        master(RecordType.LEGAL_ENTITY, "2", {"code": "DE01", "name": "Acme DE", "functional_currency": "EUR"}),
    ]
    erp += [
        master(
            RecordType.PERIOD,
            f"{entity}-{month}",
            {
                "code": f"2026-{month:02d}",
                "starts": f"2026-{month:02d}-01",
                "ends": f"2026-{month + 1:02d}-01",
                "state": "closed" if month == 5 else "open",
            },
            legal_entity=entity,
        )
        for entity in ("Acme US", "Acme DE")
        for month in range(1, 12)
    ]
    psa = [
        master(RecordType.CLIENT, "c1", {"code": "ACME", "name": "Acme", "currency": "USD"}),
        master(
            RecordType.PROJECT,
            "p100",
            {"code": "P100", "name": "One", "status": "active", "currency": "USD"},
            legal_entity="Acme US",
            client="c1",
        ),
        master(
            RecordType.PROJECT,
            "p200",
            {"code": "P200", "name": "Two", "status": "active", "currency": "EUR"},
            legal_entity="Acme DE",
        ),
        master(RecordType.TASK, "design", {"name": "Design", "open_for_time": True}, project="p100"),
        master(RecordType.ROLE, "r1", {"name": "Senior"}),
        *(
            master(
                RecordType.RESOURCE,
                name.lower(),
                {"name": name, "email": f"{name.lower()}@example.com", "employment_from": "2020-01-01"},
                legal_entity="Acme US",
                role="r1",
            )
            for name in ("Ada", "Bob", "Cyd")
        ),
    ]
    return {"erp": erp, "psa": psa}


@dataclass
class Hub:
    """The way in over one connection (autocommit), at a time that stands still."""

    conn: Connection[tuple[object, ...]]
    clock: FixedClock = field(default_factory=lambda: FixedClock(world.NOW))
    recut_answer: Literal["free", "recut", "too_late"] = "too_late"

    def __post_init__(self) -> None:
        plain = PlainTranslator()
        self.context = InboundContext(
            clock=self.clock,
            ids=SystemIds(),
            translators={"psa": plain, "erp": plain, "timeapp": CanonicalTranslator()},
            books=BookCache(),
            recut=self._recut,
        )

    def _recut(self, cur: Cursor[tuple[object, ...]], entry_id: int) -> Literal["free", "recut", "too_late"]:
        if self.recut_answer == "recut":
            cur.execute("update posting_link set delivery_id = 0 where entry_id = %s", (entry_id,))
        return self.recut_answer

    def open_firm(self, config: FirmConfig | None = None) -> None:
        """Apply the configuration and take the masters in."""
        self.apply(config or world.firm())
        for system, records in masters().items():
            self.send(_Wire(records=records), system=system, object_name="masters")
        self.work()

    def apply(self, config: FirmConfig) -> None:
        """Make ``config`` the firm's configuration, under a hash of its own content."""
        config = msgspec.structs.replace(config, content_hash=content_hash(msgspec.to_builtins(config)).hex())

        def work(cur: Cursor[tuple[object, ...]]) -> None:
            applied = apply_firm(cur, config, applied_by="test", now=self.clock.now(), ids=self.context.ids)
            settle_records(cur, applied.records, now=self.clock.now())
            settle_matched(cur, now=self.clock.now())
            if bookings_review.decides_bookings(applied.depends_on):
                bookings_review.request_all(cur)
            intake.release_waiting(cur, sorted(applied.depends_on), now=self.clock.now(), reason="Applied.")

        in_transaction(self.conn, work)

    def send(self, wire: _Wire | bytes, *, system: str = "psa", object_name: str = "time_entries") -> StoredMessage:
        """Store one message."""
        payload = wire if isinstance(wire, bytes) else msgspec.json.encode(wire)
        count = None if isinstance(wire, bytes) else len(wire.times) + len(wire.records) + len(wire.bad)
        message = NewMessage(system=system, object=object_name, channel="test", payload=payload, item_count=count)
        return in_transaction(self.conn, lambda cur: message_store.store(cur, [message], now=self.clock.now()))[0]

    def send_time(self, *times: ReportedTime, bad: Iterable[str] = (), system: str = "psa") -> StoredMessage:
        """Store one message of time entries."""
        return self.send(_Wire(times=list(times), bad=list(bad)), system=system)

    def report(self, *records: ReportedRecord, system: str = "psa") -> None:
        """Store one message of masters and run the steps."""
        self.send(_Wire(records=list(records)), system=system, object_name="masters")
        self.work()

    def plan(self, *said: ReportedAssignment | ReportedTimeOff, bad: Iterable[str] = (), system: str = "psa") -> None:
        """Send assignments and absences in one message and run the steps."""
        self.send_plan(*said, bad=bad, system=system)
        self.work()

    def send_plan(
        self,
        *said: ReportedAssignment | ReportedTimeOff,
        records: Iterable[ReportedRecord] = (),
        bad: Iterable[str] = (),
        system: str = "psa",
    ) -> StoredMessage:
        """Store one message of assignments and absences, and of records beside them."""
        wire = _Wire(
            records=list(records),
            assignments=[one for one in said if isinstance(one, ReportedAssignment)],
            absences=[one for one in said if isinstance(one, ReportedTimeOff)],
            bad=list(bad),
        )
        return self.send(wire, system=system, object_name="bookings")

    def work(self) -> None:
        """Run the steps of the way in until they have nothing to do."""
        for _ in range(50):
            done = pipeline.process_pending(self.conn, self.context) + release.process_released(self.conn, self.context)
            if not done + bookings_review.process_review(self.conn, self.context):
                return
        raise AssertionError("The steps never come to rest.")

    def take(self, *times: ReportedTime, bad: Iterable[str] = (), system: str = "psa") -> None:
        """Send time and run the steps."""
        self.send_time(*times, bad=bad, system=system)
        self.work()

    def rows(self, query: str, *values: object) -> Rows:
        """The rows of a query."""
        return self.conn.execute(query, values).fetchall()

    def standing(self) -> dict[str, tuple[int, int]]:
        """The version and disposition of the reading that stands for each source entry."""
        return {
            str(source_id): (int(str(version)), int(str(disposition)))
            for source_id, version, disposition in self.rows(
                """
                select distinct on (source_id, system_id) source_id, version, disposition from time_entry
                 order by source_id, system_id, version desc, revision desc
                """
            )
        }

    def open_items(self) -> Rows:
        """Code, state and source id of what is on the desk."""
        return self.rows(
            """
            select c.code, i.state, i.source_id from desk_item i join root_cause c using (cause_id)
             where i.state in ('open', 'released') order by i.item_id
            """
        )

    def ledger(self) -> tuple[object, ...]:
        """Number of actuals, and sums of hours, sales and functional cost."""
        return self.rows(
            """
            select count(*), coalesce(sum(hours) filter (where actual_id %% 4 = 0), 0),
                   coalesce(sum(amount_minor) filter (where actual_id %% 4 = 1), 0),
                   coalesce(sum(functional_minor) filter (where actual_id %% 4 = 0), 0)
              from actual
            """
        )[0]

    def link(self, entry_ids: Iterable[int], delivery_id: int = 77) -> None:
        """Put entries into a delivery, as time to bill does."""
        self.conn.cursor().executemany(
            "insert into posting_link (entry_id, delivery_id) values (%s, %s)",
            [(entry_id, delivery_id) for entry_id in entry_ids],
        )

    def entry_ids(self, source_id: str) -> list[int]:
        """Ids of the readings of a source entry, oldest first."""
        return [
            int(str(row[0]))
            for row in self.rows("select entry_id from time_entry where source_id = %s order by entry_id", source_id)
        ]
