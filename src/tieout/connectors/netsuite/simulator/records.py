"""The record service of a simulated account: create, read, update, upsert by external id, delete, for four types.

"Working with Records" and "Using the Upsert Operation" of the NetSuite help for SuiteTalk REST. Neighbours:
``journals`` and ``masters`` hold the rules per type, ``jobs`` runs the same operations asynchronously, ``server``
speaks HTTP. An upsert of an existing journal changes it; a create with an external id in use is refused.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from tieout.connectors.netsuite.simulator import journals
from tieout.connectors.netsuite.simulator.errors import RefusedError
from tieout.connectors.netsuite.simulator.journals import JournalBody, JournalWriter
from tieout.connectors.netsuite.simulator.masters import (
    CustomerBody,
    EntityWriter,
    JobBody,
    Masters,
    Reference,
    TaskBody,
    masters_of,
)
from tieout.connectors.netsuite.simulator.store import AccountStore

TABLES: Final = {
    "customer": "customer",
    "job": "job",
    "projectTask": "projecttask",
    "journalEntry": '"transaction"',
}
BODIES: Final[dict[str, type[CustomerBody | JobBody | TaskBody | JournalBody]]] = {
    "customer": CustomerBody,
    "job": JobBody,
    "projectTask": TaskBody,
    "journalEntry": JournalBody,
}

Body: TypeAlias = CustomerBody | JobBody | TaskBody | JournalBody


class RecordRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One operation on one record. ``key`` is an internal id, ``external_id`` the ``eid:`` of an upsert.

    ``alteration`` makes the account go wrong: it records another ``amount`` or ``currency``, or fails (``refuse``).
    """

    method: str
    record: str
    body: msgspec.Raw
    key: str | None = None
    external_id: str | None = None
    replace_lines: bool = False
    strict_names: bool = False
    alteration: str | None = None


@dataclass
class Account:
    """One simulated account: its rows, its clock, and whether external ids are kept unique."""

    store: AccountStore
    clock: Callable[[], datetime]
    keeps_external_ids_unique: Callable[[], bool]
    _masters: Masters | None = None

    @property
    def masters(self) -> Masters:
        """The masters, read again after a change."""
        if self._masters is None:
            self._masters = masters_of(self.store)
        return self._masters

    def masters_changed(self) -> None:
        """Read the masters again before they are next used."""
        self._masters = None

    def local_time(self) -> str:
        """Now, in the account's time zone."""
        zone = ZoneInfo(self.store.setting("time_zone", "America/Los_Angeles"))
        return f"{self.clock().astimezone(zone):%Y-%m-%d %H:%M:%S}"

    async def write(self, request: RecordRequest) -> int:
        """Do one operation, durably; returns the record's id. Raises RefusedError."""
        key = await self.store.write(lambda rows: self.apply(rows, request))
        if request.record != "journalEntry":
            self.masters_changed()
        return key

    def apply(self, rows: sqlite3.Connection, request: RecordRequest) -> int:
        """Do one operation inside a transaction; returns the record's id. Raises RefusedError."""
        if request.record not in TABLES:
            raise RefusedError("NONEXISTENT_ID", f"Record type '{request.record}' does not exist.", status=404)
        if request.alteration == "refuse":
            raise RefusedError("UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: simulated", status=500)
        key = self._target(rows, request)
        if request.method == "DELETE":
            return self._delete(rows, request, key)
        body = _decoded(request)
        if request.external_id is not None:
            body.externalId = request.external_id
        if isinstance(body, JournalBody):
            return self._write_journal(rows, body, key, request)
        writer = EntityWriter(self.masters, self.local_time(), self.clock().timestamp())
        if isinstance(body, CustomerBody):
            return writer.write_customer(rows, body, key)
        if isinstance(body, TaskBody):
            return writer.write_task(rows, body, key)
        return writer.write_job(rows, body, key)

    def _target(self, rows: sqlite3.Connection, request: RecordRequest) -> int | None:
        """The id of the record that the operation is on; None to create one."""
        if request.key is not None:
            if not request.key.isdecimal() or not _exists(rows, request.record, int(request.key)):
                raise _missing(request.key)
            return int(request.key)
        if request.external_id is None or (request.record == "journalEntry" and not self.keeps_external_ids_unique()):
            return None
        return find_by_external_id(rows, request.record, request.external_id)

    def _delete(self, rows: sqlite3.Connection, request: RecordRequest, key: int | None) -> int:
        if key is None or request.record != "journalEntry":
            raise RefusedError("USER_ERROR", "This record cannot be deleted.", status=400)
        journals.delete(rows, key)
        return key

    def _write_journal(
        self, rows: sqlite3.Connection, body: JournalBody, key: int | None, request: RecordRequest
    ) -> int:
        local_time = self.local_time()
        posting = journals.checked(self.masters, _altered(self.masters, body, request), today=local_time[:10])
        writer = JournalWriter(local_time, self.clock().timestamp())
        if key is not None:
            writer.update(rows, key, posting, replace_lines=request.replace_lines)
            return key
        taken = body.externalId and find_by_external_id(rows, "journalEntry", body.externalId)
        if taken and self.keeps_external_ids_unique():
            words = "A journalEntry record with this external ID already exists."
            raise RefusedError("DUP_RCRD", words, path="externalId")
        return writer.create(rows, posting)


def find_by_external_id(rows: sqlite3.Connection, record: str, external_id: str) -> int | None:
    """The id of the first record of a type with an external id, or None."""
    statement = f"select min(id) from {TABLES[record]} where externalid = ?"  # noqa: S608 - a table of this module
    found = rows.execute(statement, (external_id,)).fetchone()[0]
    return None if found is None else int(found)


def _exists(rows: sqlite3.Connection, record: str, key: int) -> bool:
    statement = f"select 1 from {TABLES[record]} where id = ?"  # noqa: S608 - a table of this module
    return rows.execute(statement, (key,)).fetchone() is not None


def _missing(key: str) -> RefusedError:
    return RefusedError("NONEXISTENT_ID", f"The record instance does not exist. Provide a valid id: {key}.", status=404)


def _decoded(request: RecordRequest) -> Body:
    try:
        if request.strict_names:
            _refuse_unknown_names(request)
        body: Body = msgspec.json.decode(request.body, type=BODIES[request.record])
    except msgspec.MsgspecError as error:
        raise RefusedError("INVALID_CONTENT", f"Invalid content in the request body: {error}.") from error
    return body


def _refuse_unknown_names(request: RecordRequest) -> None:
    members = msgspec.json.decode(request.body, type=dict[str, msgspec.Raw])
    known = BODIES[request.record].__struct_encode_fields__
    unknown = [name for name in members if name not in known]
    if request.record == "journalEntry" and "line" in members:
        lines = msgspec.json.decode(members["line"], type=dict[str, list[dict[str, msgspec.Raw]]])
        unknown += [name for line in lines.get("items", []) for name in line if name not in journals.LINE_MEMBERS]
    if unknown:
        raise RefusedError("INVALID_CONTENT", f"Unknown reference or field: {unknown[0]}.", path=unknown[0])


def _altered(masters: Masters, body: JournalBody, request: RecordRequest) -> JournalBody:
    """The journal as a careless account records it, when a fault asks for that."""
    if request.alteration == "currency" and body.currency is not None:
        told = str(body.currency.id)
        other = next((key for key in masters.currencies if str(key) != told), body.currency.id)
        body.currency = Reference(id=other)
    if request.alteration == "amount":
        sides = [next((one for one in body.line.items if getattr(one, side)), None) for side in ("debit", "credit")]
        if sides[0] is not None and sides[1] is not None:
            sides[0].debit = (sides[0].debit or Decimal(0)) + 1
            sides[1].credit = (sides[1].credit or Decimal(0)) + 1
    return body
