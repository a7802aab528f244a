"""The rows of the simulated org, durable, with their times of change, the log of deletions and the change events.

A change is one transaction with its event. Times have seconds and nothing finer, as Salesforce shows them. Numbers are
kept as decimal text. Neighbours: ``schema`` says what a row can have; ``rows``, ``seeding``, ``soql`` and ``streaming``
use them.
"""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec

from tieout.connect.simulator.state import State
from tieout.connectors.salesforce.simulator.errors import Json
from tieout.connectors.salesforce.simulator.schema import CHANGE_EVENTS_OF, OBJECTS, ObjectSchema

Kept: TypeAlias = str | bool | int | None
Fields: TypeAlias = dict[str, Kept]

SCHEMA: Final = """
create table if not exists sobject (
    id text primary key,
    type text not null,
    created integer not null,
    changed integer not null,
    deleted integer not null default 0,
    body blob not null
) without rowid;
create index if not exists sobject_changed on sobject (type, changed, id);
create table if not exists delete_log (type text not null, id text not null, at integer not null);
create table if not exists change_event (replay_id integer primary key, at integer not null, body blob not null);
create table if not exists query_locator (id text primary key, question text not null, ids blob not null);
create table if not exists session (token text primary key) without rowid;
"""
TABLES: Final = ("sobject", "delete_log", "change_event", "query_locator")

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_EVENT_OF_CHANGE: Final = {"create": "CREATE", "update": "UPDATE", "delete": "DELETE"}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One row: times in seconds since 1970."""

    id: str
    type: str
    created: int
    changed: int
    deleted: bool
    fields: Fields

    def value(self, name: str) -> Kept:
        """A field by its right name; times as seconds since 1970."""
        match name:
            case "Id":
                return self.id
            case "IsDeleted":
                return self.deleted
            case "CreatedDate":
                return self.created
            case "LastModifiedDate" | "SystemModstamp":
                return self.changed
        return self.fields.get(name)


class Store:
    """All rows of one org; ``clock`` is the org's."""

    def __init__(self, state: State, clock: Callable[[], datetime]) -> None:
        self.state = state
        self._clock = clock

    def now(self) -> int:
        """The org's time in whole seconds."""
        return int(self._clock().timestamp())

    def forget(self) -> None:
        """Remove every row; events that were not read are gone, and their numbers are not used again."""
        self.state.put("events_lost_to", self.last_event())
        for table in TABLES:
            self.state.run(f"delete from {table}")  # noqa: S608 - names of our own tables

    def schema(self, name: str) -> ObjectSchema | None:
        """The object ``name`` as this org has it now: fields can be taken away, currencies can be one or several."""
        found = next((one for key, one in OBJECTS.items() if key.lower() == name.lower()), None)
        if found is None:
            return None
        gone = set(self.state.get("removed_fields", list[str]()))
        if not self.state.get("multi_currency", default=True):
            gone.add(f"{found.name}.CurrencyIsoCode")
        fields = {key: one for key, one in found.fields.items() if f"{found.name}.{key}" not in gone}
        return ObjectSchema(name=found.name, prefix=found.prefix, fields=fields, writable=found.writable)

    def create(self, name: str, fields: Mapping[str, Kept], *, at: int | None = None) -> str:
        """A new row; returns its id."""
        moment = self.now() if at is None else at
        with self.state.transaction():
            key = record_id(OBJECTS[name].prefix, self.state.bump("record_ids"))
            self.state.run(
                "insert into sobject (id, type, created, changed, body) values (?, ?, ?, ?, ?)",
                (key, name, moment, moment, msgspec.json.encode(dict(fields))),
            )
            self._tell(name, key, "create", fields)
        return key

    def update(self, key: str, changes: Mapping[str, Kept]) -> None:
        """Change fields of a row; its time of change moves on even where nothing is different."""
        with self.state.transaction():
            held = self.get(key)
            if held is None:
                return
            self.state.run(
                "update sobject set changed = ?, body = ? where id = ?",
                (self.now(), msgspec.json.encode({**held.fields, **changes}), key),
            )
            self._tell(held.type, key, "update", changes)

    def delete(self, key: str) -> None:
        """Put a row into the recycle bin."""
        with self.state.transaction():
            held = self.get(key)
            if held is None or held.deleted:
                return
            self.state.run("update sobject set changed = ?, deleted = 1 where id = ?", (self.now(), key))
            self.state.run("insert into delete_log (type, id, at) values (?, ?, ?)", (held.type, key, self.now()))
            self._tell(held.type, key, "delete", {})

    def purge(self, key: str) -> None:
        """Empty the recycle bin of one row: only the log of deletions knows of it then."""
        self.state.run("delete from sobject where id = ? and deleted = 1", (key,))

    def get(self, key: str) -> Record | None:
        """A row by its id, deleted ones too."""
        row = self.state.row("select * from sobject where id = ?", (key,))
        return None if row is None else _record(row)

    def records(self, name: str) -> list[Record]:
        """All rows of an object, deleted ones too."""
        rows = self.state.rows("select * from sobject where type = ? order by id", (name,))
        return [_record(row) for row in rows]

    def find(self, name: str, field: str, value: str) -> list[Record]:
        """Living rows of an object whose text field has a value, whatever its case."""
        wanted = value.lower()
        return [
            one for one in self.records(name) if not one.deleted and str(one.fields.get(field) or "").lower() == wanted
        ]

    def deletions(self, name: str, *, starts: int, ends: int) -> list[tuple[str, int]]:
        """Id and time of the rows of an object that were deleted in a window."""
        rows = self.state.rows(
            "select id, at from delete_log where type = ? and at >= ? and at < ? order by at, id", (name, starts, ends)
        )
        return [(str(row["id"]), int(row["at"])) for row in rows]

    def last_event(self) -> int:
        """The number of the newest change event that there ever was."""
        return self.state.counters().get("replay_ids", 0)

    def events_after(self, replay_id: int) -> list[tuple[int, bytes]]:
        """Number and payload of the change events after one."""
        rows = self.state.rows(
            "select replay_id, body from change_event where replay_id > ? order by replay_id", (replay_id,)
        )
        return [(int(row["replay_id"]), bytes(row["body"])) for row in rows]

    def expire_events(self, older_than_s: int) -> int:
        """Forget events that are too old; returns the number up to which they are lost."""
        lost = self.state.row("select max(replay_id) as n from change_event where at < ?", (self.now() - older_than_s,))
        if lost is not None and lost["n"] is not None:
            self.state.put("events_lost_to", int(lost["n"]))
            self.state.run("delete from change_event where replay_id <= ?", (int(lost["n"]),))
        return self.state.get("events_lost_to", 0)

    def overflow(self, name: str) -> None:
        """More changed at once than events can tell: one event says so, and names no record."""
        self._event(name, [], "GAP_OVERFLOW", {})

    def gap(self, name: str, key: str) -> None:
        """A change that cannot be told: its event names the record and no field."""
        self._event(name, [key], "GAP_UPDATE", {})

    def _tell(self, name: str, key: str, what: str, changes: Mapping[str, Kept]) -> None:
        if name in CHANGE_EVENTS_OF and self.state.get("events_on", default=True):
            self._event(name, [key], _EVENT_OF_CHANGE[what], changes)

    def _event(self, name: str, keys: list[str], change_type: str, changes: Mapping[str, Kept]) -> None:
        replay_id = self.state.bump("replay_ids")
        header: dict[str, Json] = {
            "entityName": name,
            "recordIds": list(keys),
            "changeType": change_type,
            "changeOrigin": "com/salesforce/api/rest/60.0",
            "transactionKey": f"0000-{replay_id:08d}",
            "sequenceNumber": 1,
            "commitTimestamp": self.now() * 1000,
            "commitUser": "0055g00000AAAAAAAA",
            "commitNumber": replay_id,
            "nulledFields": [],
            "diffFields": [],
            "changedFields": [*sorted(changes)],
        }
        payload: dict[str, Json] = {"ChangeEventHeader": header, **changes}
        self.state.run(
            "insert into change_event (replay_id, at, body) values (?, ?, ?)",
            (replay_id, self.now(), msgspec.json.encode(payload)),
        )


def record_id(prefix: str, number: int) -> str:
    """The id of 18 characters: 15, and three that tell upper from lower case of those before."""
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    short = f"{prefix}5g0000{digits}"
    checks = (_check("".join(chunk)) for chunk in zip(*[iter(short)] * 5, strict=True))
    return short + "".join(checks)


def _check(chunk: str) -> str:
    return _CHECKS[sum(1 << place for place, one in enumerate(chunk) if one.isupper())]


def full_id(key: str) -> str:
    """An id of 15 characters in its form of 18; any other text as it is."""
    if len(key) != 15 or not key.isalnum():  # noqa: PLR2004 - the length of the short form
        return key
    return key + "".join(_check("".join(chunk)) for chunk in zip(*[iter(key)] * 5, strict=True))


def shown_instant(seconds: int) -> str:
    """A time as Salesforce writes it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def _record(row: sqlite3.Row) -> Record:
    return Record(
        id=row["id"],
        type=row["type"],
        created=int(row["created"]),
        changed=int(row["changed"]),
        deleted=bool(row["deleted"]),
        fields=msgspec.json.decode(row["body"], type=Fields),
    )
