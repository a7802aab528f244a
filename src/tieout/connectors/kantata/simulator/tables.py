"""What the simulator remembers: time entries in columns, everything that is few as documents.

Instants are whole seconds since 1970, as the API tells them. ``key`` columns hold the names that the seed firm uses.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from tieout.connect.simulator.state import State

Plain: TypeAlias = str | int | bool | None
Json: TypeAlias = dict[str, Plain] | list[str] | Plain

SCHEMA = """
create table if not exists time_entry (
    id integer primary key,
    key text unique,
    workspace_id integer not null,
    story_id integer,
    user_id integer not null,
    role_id integer,
    date_performed text not null,
    time_in_minutes integer not null,
    billable integer not null,
    notes text,
    rate_in_cents integer,
    cost_rate_in_cents integer,
    currency text not null,
    currency_base_unit integer not null,
    approved integer not null,
    is_invoiced integer not null,
    active_submission_id integer,
    recent_submission_id integer,
    created_at integer not null,
    updated_at integer not null,
    spoiled text
);
create index if not exists time_entry_changed on time_entry (updated_at, id);
create index if not exists time_entry_submission on time_entry (recent_submission_id);

create table if not exists time_entry_count (slot integer primary key, entries integer not null);

create table if not exists timesheet_submission (
    id integer primary key,
    workspace_id integer not null,
    user_id integer not null,
    title text not null,
    comment text,
    start_date text not null,
    end_date text not null,
    status text not null,
    resolution_creator_id integer,
    resolution_created_at integer,
    resolution_description text,
    created_at integer not null,
    updated_at integer not null
);

create table if not exists subscribed_event (
    id integer primary key,
    event_type text not null,
    subject_type text not null,
    subject_id integer not null,
    subject_changed_at integer not null,
    created_at integer not null,
    previous_payload text,
    current_payload text
);
create index if not exists subscribed_event_created on subscribed_event (created_at, id);

create table if not exists document (
    collection text not null,
    id integer not null,
    body blob not null,
    primary key (collection, id)
) without rowid;

create table if not exists name (
    kind text not null,
    key text not null,
    id integer not null,
    primary key (kind, key)
) without rowid;

create table if not exists closed_period (
    entity text not null,
    period text not null,
    closed integer not null,
    primary key (entity, period)
) without rowid;
"""

COUNT_TRIGGERS = """
create trigger if not exists time_entry_added after insert on time_entry begin
    insert into time_entry_count (slot, entries) values (new.updated_at >> 12, 1)
    on conflict (slot) do update set entries = entries + 1;
end;
create trigger if not exists time_entry_gone after delete on time_entry begin
    update time_entry_count set entries = entries - 1 where slot = old.updated_at >> 12;
end;
create trigger if not exists time_entry_moved after update of updated_at on time_entry begin
    update time_entry_count set entries = entries - 1 where slot = old.updated_at >> 12;
    insert into time_entry_count (slot, entries) values (new.updated_at >> 12, 1)
    on conflict (slot) do update set entries = entries + 1;
end;
"""
"""Keep, per 4,096 seconds of change, how many entries there are: every page tells how many follow it."""

DROP_COUNT_TRIGGERS = (
    "drop trigger if exists time_entry_added",
    "drop trigger if exists time_entry_gone",
    "drop trigger if exists time_entry_moved",
)
RECOUNT = "insert into time_entry_count (slot, entries) select updated_at >> 12, count(*) from time_entry group by 1"
COUNT_CHANGED_AFTER = """
select (select coalesce(sum(entries), 0) from time_entry_count where slot > cast(? as integer) >> 12)
     + (select count(*) from time_entry
        where updated_at > ? and updated_at < ((cast(? as integer) >> 12) + 1) << 12) as n
"""

ALL_TABLES = (
    "time_entry",
    "time_entry_count",
    "timesheet_submission",
    "subscribed_event",
    "document",
    "name",
    "closed_period",
)


def _insert(table: str, columns: Sequence[str]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"insert into {table} ({', '.join(columns)}) values ({marks})"  # noqa: S608 - names of our own tables


ENTRY_COLUMNS = (
    "id",
    "key",
    "workspace_id",
    "story_id",
    "user_id",
    "role_id",
    "date_performed",
    "time_in_minutes",
    "billable",
    "notes",
    "rate_in_cents",
    "cost_rate_in_cents",
    "currency",
    "currency_base_unit",
    "approved",
    "is_invoiced",
    "active_submission_id",
    "recent_submission_id",
    "created_at",
    "updated_at",
    "spoiled",
)
INSERT_ENTRY = _insert("time_entry", ENTRY_COLUMNS)

SUBMISSION_COLUMNS = (
    "id",
    "workspace_id",
    "user_id",
    "title",
    "comment",
    "start_date",
    "end_date",
    "status",
    "resolution_creator_id",
    "resolution_created_at",
    "resolution_description",
    "created_at",
    "updated_at",
)
INSERT_SUBMISSION = _insert("timesheet_submission", SUBMISSION_COLUMNS)


class Document(msgspec.Struct, kw_only=True):
    """One row of a small collection: ``fields`` as the API shows them, ``links`` the ids of its associations."""

    id: int
    updated_at: int
    fields: dict[str, Json]
    links: dict[str, list[int]] = {}


class Documents:
    """The small collections, in memory and on disk."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._by_collection: dict[str, dict[int, Document]] = {}
        decoder = msgspec.json.Decoder(Document)
        for row in state.rows("select collection, body from document order by collection, id"):
            found = decoder.decode(row["body"])
            self._by_collection.setdefault(row["collection"], {})[found.id] = found

    def of(self, collection: str) -> dict[int, Document]:
        """All rows of a collection by id."""
        return self._by_collection.get(collection, {})

    def get(self, collection: str, row_id: int | None) -> Document | None:
        """One row, or None."""
        return None if row_id is None else self.of(collection).get(row_id)

    def put(self, collection: str, document: Document) -> None:
        """Store a new or changed row."""
        self.put_all(collection, [document])

    def put_all(self, collection: str, documents: Iterable[Document]) -> None:
        """Store rows of one collection in one transaction."""
        held = self._by_collection.setdefault(collection, {})
        self._state.run_many(
            "insert into document (collection, id, body) values (?, ?, ?) "
            "on conflict (collection, id) do update set body = excluded.body",
            ((collection, one.id, msgspec.json.encode(one)) for one in _remembered(documents, held)),
        )

    def remove(self, collection: str, row_id: int) -> None:
        """Delete a row; one that is not there stays away. Its id is not given again."""
        self.of(collection).pop(row_id, None)
        self._state.put(f"last_id_{collection}", max(row_id, self._state.get(f"last_id_{collection}", 0)))
        self._state.run("delete from document where collection = ? and id = ?", (collection, row_id))

    def clear(self) -> None:
        """Forget what is in memory and which ids there were; the tables are emptied by the caller."""
        for collection in self._by_collection:
            self._state.put(f"last_id_{collection}", 0)
        self._by_collection.clear()

    def next_id(self, collection: str, first: int) -> int:
        """An id that no row of the collection has had."""
        return max(first, max(self.of(collection), default=first), self._state.get(f"last_id_{collection}", 0)) + 1

    def counts(self) -> dict[str, int]:
        """Rows by collection."""
        return {collection: len(rows) for collection, rows in self._by_collection.items()}


def _remembered(documents: Iterable[Document], held: dict[int, Document]) -> Iterator[Document]:
    for one in documents:
        held[one.id] = one
        yield one
