"""Reads Kantata: pages of raw answers for every object of the manifest, from a stored cursor on.

Neighbours: ``client`` makes the requests, ``paging`` decides where a walk goes on, ``mapping`` says later what the
pages mean. Holds nothing between two reads but the open client.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sized
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tieout.connect.source import Page
from tieout.connectors.kantata import rates
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.envelope import Envelope, decode
from tieout.connectors.kantata.manifest import EVENT_RETENTION_S, MANIFEST, PAGE_SIZE
from tieout.connectors.kantata.mapping import EVENT_TYPES
from tieout.connectors.kantata.paging import Cursor, Listed, advance, finish, read_cursor, start
from tieout.connectors.kantata.records import KantataReference
from tieout.errors import ContractError
from tieout.model.clock import Clock

SEEN_ANSWERS: Final = 512
SEEN_CHANGES: Final = 64
STORE_FINISHED_EVERY: Final = timedelta(days=1)


class _Index(msgspec.Struct, frozen=True, kw_only=True):
    """How one object is asked for: the collection, its fixed parameters, and the time that orders it (None: all).

    ``items`` counts what an answer holds where that is not the rows it lists.
    """

    collection: str
    parameters: Mapping[str, str] = {}
    changed: str | None = None
    filter: str = "updated_after"
    items: Callable[[bytes], Sized] | None = None


_INDEXES: Final[dict[str, _Index]] = {
    "roles": _Index(collection="roles"),
    "workspace_groups": _Index(collection="workspace_groups", parameters={"include": "custom_field_values"}),
    "rate_cards": _Index(collection="rate_cards", parameters={"include": "external_references"}),
    "rate_card_versions": _Index(
        collection="rate_card_versions",
        parameters={"include": "rate_card,rate_card_roles,rate_card_set_version"},
        items=rates.rate_card_versions,
    ),
    "users": _Index(
        collection="users",
        parameters={"include": "account_membership,role,custom_field_values", "on_my_account": "true"},
    ),
    "cost_rates": _Index(
        collection="account_memberships", parameters={"include": "user,cost_rates"}, items=rates.cost_rates
    ),
    "financial_periods": _Index(collection="financial_periods"),
    "workspaces": _Index(
        collection="workspaces",
        parameters={
            "include": "primary_workspace_group,workspace_groups,custom_field_values,external_references",
            "include_archived": "true",
        },
    ),
    "stories": _Index(
        collection="stories",
        parameters={
            "include": "workspace,parent,custom_field_values",
            "show_archived": "true",
            "show_deleted": "true",
            "show_from_archived_workspaces": "true",
        },
        changed="updated_at",
    ),
    "time_entries": _Index(
        collection="time_entries",
        parameters={"include": "active_submission,recent_submission", "from_archived_workspaces": "true"},
        changed="updated_at",
    ),
    "subscribed_events": _Index(
        collection="subscribed_events",
        parameters={"event_types": ",".join(EVENT_TYPES), "optional_fields": "previous_payload"},
        changed="created_at",
        filter="created_after",
    ),
}


class _Row(msgspec.Struct, frozen=True):
    """All that paging needs of a row."""

    updated_at: datetime | None = None
    created_at: datetime | None = None


class _Rows(msgspec.Struct, frozen=True):
    """All that paging needs of an answer with changes."""

    results: list[KantataReference]
    stories: dict[str, _Row] = {}
    time_entries: dict[str, _Row] = {}
    subscribed_events: dict[str, _Row] = {}


class KantataSource:
    """The Source over one account."""

    def __init__(self, client: KantataClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        """Pages of ``object_name``; an answer that is byte for byte as in the last walk is held back."""
        index = _INDEXES.get(object_name)
        if index is None:
            raise ContractError(
                code="TIE-KANTATA-001", message=f"Kantata has no object {object_name!r} that the hub can read."
            )
        stored = read_cursor(cursor)
        held = _Held(object_name, resumed=stored.started is not None)
        at = start(stored, self._clock.now())
        if object_name == "rate_card_versions":
            pages = self._rate_card_versions(index, at, held)
        elif index.changed is None:
            pages = self._everything(index, at, held)
        else:
            pages = self._changes(index, at, held)
        async for page in pages:
            yield page

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _changes(self, index: _Index, cursor: Cursor, held: "_Held") -> AsyncIterator[Page]:
        capability = MANIFEST.read(index.collection)
        overlap = timedelta(seconds=capability.overlap_s if capability is not None else 0.0)
        if index.collection == "subscribed_events":
            _refuse_lost_events(cursor)
        before = cursor
        while True:
            payload = await self._client.get(index.collection, _parameters_since(index, cursor))
            listed = _listed(payload, index)
            if listed is None:
                for page in held.unreadable(payload, cursor):
                    yield page
                return
            moved = advance(_walked(cursor, payload, SEEN_CHANGES), listed, page_size=PAGE_SIZE)
            is_news = bool(listed.ids) and _digest(payload) not in cursor.seen
            if moved is None:
                following = finish(_walked(_newest(cursor, listed), payload, SEEN_CHANGES), overlap=overlap)
                is_news = is_news or held.must_carry(moved=_must_be_stored(before, following))
            else:
                following = moved
            for page in held.turn(payload, len(listed.ids), following, is_news=is_news):
                yield page
            if moved is None:
                return
            cursor = moved

    async def _everything(self, index: _Index, cursor: Cursor, held: "_Held") -> AsyncIterator[Page]:
        while True:
            number = cursor.offset // PAGE_SIZE + 1
            payload = await self._client.get(
                index.collection,
                {**index.parameters, "order": "created_at:asc", "page": str(number), "per_page": str(PAGE_SIZE)},
            )
            listed = _listed(payload, index)
            if listed is None:
                for page in held.unreadable(payload, cursor):
                    yield page
                return
            is_last = len(listed.ids) < PAGE_SIZE
            walked = _walked(cursor, payload)
            moved = msgspec.structs.replace(walked, offset=cursor.offset + PAGE_SIZE)
            following = Cursor(seen=walked.walked) if is_last else moved
            is_news = bool(listed.ids) and _digest(payload) not in cursor.seen
            is_news = is_news or (is_last and held.must_carry())
            for page in held.turn(payload, _count(payload, listed, index), following, is_news=is_news, is_last=is_last):
                yield page
            if is_last:
                return
            cursor = moved

    async def _rate_card_versions(self, index: _Index, cursor: Cursor, held: "_Held") -> AsyncIterator[Page]:
        """All versions of one card in one answer each, so that every answer tells when its prices end."""
        cards = [one async for one in self._rate_card_ids()]
        done = next((place + 1 for place, one in enumerate(cards) if one in cursor.witnesses), 0)
        done = done if done < len(cards) else 0
        for place, card_id in enumerate(cards[done:], start=done):
            parameters = {**index.parameters, "rate_card_id": card_id, "per_page": str(PAGE_SIZE)}
            payload = await self._client.get(index.collection, parameters)
            listed = _listed(payload, index)
            if listed is None:
                for page in held.unreadable(payload, cursor):
                    yield page
                return
            if len(listed.ids) >= PAGE_SIZE:
                raise ContractError(
                    code="TIE-KANTATA-001",
                    message=f"Rate card {card_id} of Kantata has {PAGE_SIZE} versions or more; they come in several "
                    "answers, and then no answer tells when its prices end.",
                )
            walked = msgspec.structs.replace(_walked(cursor, payload), witnesses=(card_id,))
            is_last = place + 1 == len(cards)
            following = Cursor(seen=walked.walked) if is_last else walked
            is_news = bool(listed.ids) and _digest(payload) not in cursor.seen
            is_news = is_news or (is_last and held.must_carry())
            for page in held.turn(payload, _count(payload, listed, index), following, is_news=is_news, is_last=is_last):
                yield page
            cursor = walked

    async def _rate_card_ids(self) -> AsyncIterator[str]:
        number = 0
        while True:
            number += 1
            parameters = {"order": "created_at:asc", "page": str(number), "per_page": str(PAGE_SIZE)}
            ids = Envelope(await self._client.get("rate_cards", parameters)).references("rate_cards")
            for one in ids:
                yield one
            if len(ids) < PAGE_SIZE:
                return


class _Held:
    """The last page of news, held back until its cursor is known to be the last that this walk has to store."""

    def __init__(self, object_name: str, *, resumed: bool) -> None:
        self._object_name = object_name
        self._resumed = resumed
        self._page: Page | None = None
        self._is_empty = True

    def must_carry(self, *, moved: bool = False) -> bool:
        """Whether the last answer must go out without news, so that the end of this walk is stored at all.

        That is where nothing went out and the position moved, or a walk was resumed that must not be resumed again.
        """
        return self._is_empty and (moved or self._resumed)

    def turn(
        self, payload: bytes, item_count: int | None, following: Cursor, *, is_news: bool, is_last: bool = False
    ) -> list[Page]:
        """The pages that can go out now that ``payload`` was read; an answer without news only moves the cursor."""
        ready: list[Page] = []
        if is_news:
            if self._page is not None:
                ready.append(self._page)
            self._page = Page(
                object=self._object_name, payload=payload, item_count=item_count, next_cursor=following.text()
            )
            self._is_empty = False
        elif self._page is not None:
            self._page = msgspec.structs.replace(self._page, next_cursor=following.text())
        if self._page is not None and (is_last or following.started is None):
            ready.append(self._page)
            self._page = None
        return ready

    def unreadable(self, payload: bytes, cursor: Cursor) -> list[Page]:
        """An answer that cannot be read goes out as it is, after what is held; it is asked for again another time."""
        held = [] if self._page is None else [self._page]
        self._page = None
        return [
            *held,
            Page(object=self._object_name, payload=payload, item_count=None, next_cursor=cursor.text()),
        ]


def _parameters_since(index: _Index, cursor: Cursor) -> dict[str, str]:
    parameters = {**index.parameters, "order": f"{index.changed}:asc"}
    if cursor.after is not None:
        parameters[index.filter] = cursor.after.isoformat().replace("+00:00", "Z")
    if cursor.offset:
        return parameters | {"limit": str(PAGE_SIZE), "offset": str(cursor.offset)}
    return parameters | {"page": "1", "per_page": str(PAGE_SIZE)}


def _listed(payload: bytes, index: _Index) -> Listed | None:
    """Ids and times of the rows of an answer, or None where it cannot be read at all."""
    try:
        found = decode(payload, _Rows)
        ids = [one.id for one in found.results]
        rows: Mapping[str, _Row] = getattr(found, index.collection, {})
        return Listed(ids, [_time_of(rows.get(one), index) for one in ids] if index.changed else [])
    except ContractError:
        return _listed_row_by_row(payload, index)


def _listed_row_by_row(payload: bytes, index: _Index) -> Listed | None:
    try:
        envelope = Envelope(payload)
        ids = envelope.references(index.collection)
        rows = envelope.rows(index.collection, _Row).rows
    except ContractError:
        return None
    return Listed(ids, [_time_of(rows.get(one), index) for one in ids] if index.changed else [])


def _count(payload: bytes, listed: Listed, index: _Index) -> int | None:
    """How many items the translator finds in an answer; None where it refuses the answer."""
    if index.items is None:
        return len(listed.ids)
    try:
        return len(index.items(payload))
    except ContractError:
        return None


def _time_of(row: _Row | None, index: _Index) -> datetime | None:
    """When a row changed, in UTC; None where that cannot be told."""
    found = None if row is None else row.created_at if index.changed == "created_at" else row.updated_at
    return None if found is None or found.tzinfo is None else found.astimezone(UTC)


def _newest(cursor: Cursor, listed: Listed) -> Cursor:
    times = [one for one in (*listed.changed_at, cursor.newest) if one is not None]
    return msgspec.structs.replace(cursor, newest=max(times, default=None))


def _walked(cursor: Cursor, payload: bytes, most: int = SEEN_ANSWERS) -> Cursor:
    return msgspec.structs.replace(cursor, walked=(*cursor.walked, _digest(payload))[-most:])


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()[:16]


def _must_be_stored(before: Cursor, after: Cursor) -> bool:
    """Whether a walk without news still moved the position: an answer then goes out again to carry it."""
    was, now = before.finished, after.finished
    if was is None or now is None or after.settled != before.settled:
        return True
    return now - was > STORE_FINISHED_EVERY


def _refuse_lost_events(cursor: Cursor) -> None:
    """Deletions that nobody asked for within nine days are gone from the feed; that must not pass unseen."""
    if cursor.finished is None or cursor.started is None:
        return
    if cursor.started - cursor.finished > timedelta(seconds=EVENT_RETENTION_S):
        raise ContractError(
            code="TIE-KANTATA-003",
            message=f"Events of Kantata were last read on {cursor.finished.isoformat()}; older ones than nine days "
            "are gone, so deletions between may be missing.",
        )
