"""Reading Salesforce: pages of raw answers for every object of the manifest, from a stored position on.

Four objects are walked by their time of change, deleted records among them; their deletions are also told by a window
of their own, which knows those too that were removed from the recycle bin; and change events say earlier which records
to read again. A page of deals carries what their stages mean, so that its translation needs nothing else.
Neighbours: ``client`` asks, ``paging`` keeps the position, ``mapping`` says later what the pages mean.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from tieout.connect.json_codec import JsonValue
from tieout.connect.source import Page
from tieout.connectors.salesforce import answers, soql
from tieout.connectors.salesforce.change_feed import ALL_THAT_ARE_KEPT, ChangeFeed, Changes
from tieout.connectors.salesforce.client import Answer, SalesforceClient, Subrequest, query_url
from tieout.connectors.salesforce.fields import OBJECTS, OPPORTUNITY, STAGE
from tieout.connectors.salesforce.manifest import CHANGE_EVENTS, CHANGE_OVERLAP_S, DELETED_SUFFIX
from tieout.connectors.salesforce.options import Options
from tieout.connectors.salesforce.outcome_codes import AnswerRefusedError, LocatorGoneError
from tieout.connectors.salesforce.paging import Cursor, digest, not_ours, place_of, read_cursor
from tieout.connectors.salesforce.soql import Place
from tieout.errors import ConfigurationError, ContractError
from tieout.model.clock import Clock

DELETIONS_KEPT: Final = timedelta(days=15) - timedelta(hours=1)
"""Page "sObject Get Deleted": not more than 15 days back; an hour is for clocks and for the way."""

DELETIONS_EVERY: Final = timedelta(minutes=10)
"""A window of deletions is asked for when it is this long; polls before that ask nothing."""

DELETIONS_LAG: Final = timedelta(minutes=2)
"""A window ends so far before our time, since it may not end in Salesforce's future."""


_NOTHING: Final = b'{"compositeResponse":[]}'
"""Stands for the answer where events name no record of ours and nothing was asked; it only moves the position."""


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer of a walk holds, and how it goes on: by an address, or after a record."""

    rows: Sequence[JsonValue]
    more: str | None = None
    place: Place | None = None

    @property
    def is_last(self) -> bool:
        return self.more is None and self.place is None


class _WindowCursor(msgspec.Struct, frozen=True, kw_only=True):
    """From when on deletions are not known yet."""

    covered_to: datetime


class _EventCursor(msgspec.Struct, frozen=True, kw_only=True):
    """The last change event of which the records were read."""

    replay_id: int


_Position = TypeVar("_Position", _WindowCursor, _EventCursor)


class SalesforceSource:
    """The Source over one org."""

    def __init__(self, client: SalesforceClient, options: Options, clock: Clock) -> None:
        self._client = client
        self._options = options
        self._clock = clock
        self._feed = ChangeFeed(client, channel=options.change_channel, wait_s=options.event_wait_s)
        self._knows_currencies = options.currency is None

    async def read(self, object_name: str, cursor: str | None) -> AsyncIterator[Page]:
        """Pages of ``object_name``; see ``Source``. An answer that is just as in the last walk is held back."""
        vendor_object = object_name.removesuffix(DELETED_SUFFIX)
        if object_name in OBJECTS:
            pages = self._changed(object_name, cursor)
        elif object_name == CHANGE_EVENTS:
            pages = self._events(cursor)
        elif vendor_object in OBJECTS:
            pages = self._deletions(object_name, vendor_object, cursor)
        else:
            raise ConfigurationError(
                code="TIE-SALESFORCE-001", message=f"The Salesforce connector does not read {object_name!r}."
            )
        await self._check_currencies()
        async for page in pages:
            yield page

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def _check_currencies(self) -> None:
        """Refuse to call every amount one currency where the org has several."""
        if self._knows_currencies:
            return
        described = await self._client.describe(OPPORTUNITY)
        if any(one.name == "CurrencyIsoCode" for one in described.fields):
            raise ContractError(
                code="TIE-SALESFORCE-009",
                message=f"The setting currency says that the org has only {self._options.currency}, but its records "
                "name a currency each.",
            )
        self._knows_currencies = True

    async def _changed(self, name: str, text: str | None) -> AsyncIterator[Page]:
        stored = read_cursor(text)
        at, is_under_way = stored, stored.started is not None
        while True:
            try:
                answer = await self._ask(name, at)
            except LocatorGoneError:
                at = msgspec.structs.replace(at, more=None)
                continue
            except AnswerRefusedError as refusal:
                yield _unreadable(name, refusal.payload, at, refusal)
                return
            try:
                found = self._found(name, answer.body)
            except ContractError as problem:
                yield _unreadable(name, answer.body, at, problem)
                return
            following = (
                at.finished(answer.body, at=answer.at)
                if found.is_last
                else at.walked_on(answer.body, at=answer.at, more=found.more, place=found.place)
            )
            is_news = bool(found.rows) and not stored.knows(answer.body)
            if is_news or (found.is_last and is_under_way):
                is_under_way = True
                yield Page(object=name, payload=answer.body, item_count=len(found.rows), next_cursor=following.text())
            if found.is_last:
                return
            at = following

    async def _ask(self, name: str, at: Cursor) -> Answer:
        if name == OPPORTUNITY:
            return await self._composite(
                {name: soql.changed_since(name, self._options, since=at.since, after=at.place, limit=self._limit)}
            )
        if at.more is not None:
            return await self._client.query_more(at.more)
        return await self._client.query_all(soql.changed_since(name, self._options, since=at.since))

    @property
    def _limit(self) -> int:
        return self._options.page_size

    def _found(self, name: str, payload: bytes) -> _Found:
        if name != OPPORTUNITY:
            rows = answers.rows_of(payload)
            return _Found(rows=rows.rows, more=rows.next_url)
        # The rest of an answer cannot be asked for together with the stages: a fresh question goes on.
        rows = answers.rows_in_parts(payload, (STAGE, name), what="a composite question")[name]
        is_last = rows.next_url is None and len(rows.rows) < self._limit
        return _Found(rows=rows.rows, place=None if is_last else place_of(rows.rows))

    async def _composite(self, questions: Mapping[str, str]) -> Answer:
        """The answers to ``questions`` in one, with the meaning of stages where deals are among them."""
        asked = {STAGE: soql.STAGES, **questions} if OPPORTUNITY in questions else questions
        return await self._client.composite(
            [Subrequest(url=query_url(question), reference_id=name) for name, question in asked.items()]
        )

    async def _deletions(self, name: str, vendor_object: str, text: str | None) -> AsyncIterator[Page]:
        now = self._clock.now()
        starts, ends = now - DELETIONS_KEPT, now - DELETIONS_LAG
        if text is not None:
            since = _stored(text, _WindowCursor).covered_to
            if since < starts:
                raise _deletions_missed(name, since)
            starts = since
        if ends - starts < DELETIONS_EVERY:
            return
        answer = await self._client.deleted(vendor_object, starts=starts, ends=ends)
        window = answers.window_of(answer.body)
        if text is not None and window.known_from > starts:
            raise _deletions_missed(name, starts)
        yield Page(
            object=name,
            payload=answer.body,
            item_count=len(answers.deletions_of(answer.body)),
            next_cursor=_text(_WindowCursor(covered_to=max(window.covered_to, starts))),
        )

    async def _events(self, text: str | None) -> AsyncIterator[Page]:
        after = ALL_THAT_ARE_KEPT if text is None else _stored(text, _EventCursor).replay_id
        async for changes in self._feed.since(after):
            held: Page | None = None
            async for page in self._changed_records(changes, after):
                if held is not None:
                    yield held
                held = page
            last = held or Page(object=CHANGE_EVENTS, payload=_NOTHING, item_count=0, next_cursor="")
            yield msgspec.structs.replace(last, next_cursor=_text(_EventCursor(replay_id=changes.replay_id)))
            after = changes.replay_id

    async def _changed_records(self, changes: Changes, after: int) -> AsyncIterator[Page]:
        """Pages with the records that events name; their position stays before those events."""
        position = _text(_EventCursor(replay_id=after))
        waiting = {name: list(ids) for name, ids in changes.records.items()}
        while any(waiting.values()):
            asked = {name: ids[: soql.MAX_NAMES] for name, ids in waiting.items() if ids}
            answer = await self._composite({name: soql.by_ids(name, self._options, ids) for name, ids in asked.items()})
            told = answers.rows_in_parts(answer.body, tuple(asked), what="a composite question")
            yield _page_of_parts(answer.body, told, position)
            for name, ids in asked.items():
                waiting[name] = [*_left_out(ids, told[name]), *waiting[name][len(ids) :]]
        for name, at in changes.overflowed.items():
            async for page in self._everything_since(name, at, position):
                yield page

    async def _everything_since(self, name: str, at: datetime, position: str) -> AsyncIterator[Page]:
        """After an overflow: all records of an object that may have changed since an instant."""
        since, place = at - timedelta(seconds=CHANGE_OVERLAP_S), None
        while True:
            question = soql.changed_since(name, self._options, since=since, after=place, limit=self._limit)
            answer = await self._composite({name: question})
            told = answers.rows_in_parts(answer.body, (name,), what="a composite question")
            yield _page_of_parts(answer.body, told, position)
            if told[name].next_url is None and len(told[name].rows) < self._limit:
                return
            place = place_of(told[name].rows)


def _unreadable(name: str, payload: bytes, at: Cursor, problem: ContractError) -> Page:
    """An answer that cannot be read goes out once, to be kept and put on the desk; after that it only raises."""
    if at.refused == digest(payload):
        raise problem
    following = msgspec.structs.replace(at, refused=digest(payload))
    return Page(object=name, payload=payload, item_count=None, next_cursor=following.text())


def _page_of_parts(payload: bytes, told: Mapping[str, answers.Rows], position: str) -> Page:
    count = sum(len(rows.rows) for name, rows in told.items() if name != STAGE)
    return Page(object=CHANGE_EVENTS, payload=payload, item_count=count, next_cursor=position)


def _left_out(ids: Sequence[str], told: answers.Rows) -> list[str]:
    """The ids that an incomplete answer does not have yet; raises ContractError where it has none at all."""
    if told.next_url is None:
        return []
    have = {row.get("Id") for row in told.rows if isinstance(row, dict)}
    left = [one for one in ids if one not in have]
    if len(left) == len(ids):
        raise answers.unreadable("an incomplete answer has none of the records that were asked for")
    return left


def _deletions_missed(name: str, since: datetime) -> ContractError:
    return ContractError(
        code="TIE-SALESFORCE-008",
        message=f"Deletions of {name.removesuffix(DELETED_SUFFIX)} in Salesforce are known until {since.isoformat()}; "
        "what was deleted soon after is not told any more.",
    )


def _stored(text: str, shape: type[_Position]) -> _Position:
    try:
        return msgspec.json.decode(text, type=shape)
    except msgspec.MsgspecError as error:
        raise not_ours(text) from error


def _text(cursor: msgspec.Struct) -> str:
    return msgspec.json.encode(cursor).decode()
