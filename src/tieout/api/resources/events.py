"""``/v1/events``: what happened, as CloudEvents, from any cursor on: page by page, or as a stream that stays open.

The cursor is the id of the last event that was read. Nothing is passed: the feed ends where a transaction that is still
running could add something earlier (``records.event_feed``), and reading again from a cursor gives the same events.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage
from psycopg import Connection

from tieout.api.resources.reading import DEFAULT_LIMIT, Limit
from tieout.model.access import Principal, Scope
from tieout.model.event_catalogue import EVENTS
from tieout.records.event_feed import FeedEvent, Horizon, events_after
from tieout.storage.pool import Row
from tieout.web.guards import Asking, requires

_TAGS: Final = ["events"]
_SPEC: Final = "1.0"
SOURCE: Final = "/tieout"
_POLL_S: Final = 0.5
_STREAM_PAGE: Final = 200
_LONGEST_S: Final = 3_600.0
"""A stream ends after an hour at most: rights may have changed, and the reader comes back with its cursor."""
_PING_S: Final = 15.0

Cursor = Annotated[int, QueryParameter(ge=0, le=2**62, description="The id of the last event that was read.")]
Types = Annotated[
    list[str] | None, QueryParameter(name="type", max_items=100, description="Only events of these names.")
]


class SharedHorizon:
    """The horizon of one process: kept between requests, as on a busy hub something runs always."""

    def __init__(self) -> None:
        self._horizon = Horizon()
        self._lock = threading.Lock()

    def advance(self, conn: Connection[Row]) -> int:
        """Up to which event the feed may be read now."""
        with self._lock:
            return self._horizon.advance(conn)


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event in the JSON format of CloudEvents 1.0; ``data`` is by the schema that ``dataschema`` names."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    dataschema: str
    data: dict[str, Any]
    datacontenttype: str = "application/json"
    correlationid: str | None = None


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Events in their order; ``cursor`` is where to go on, also where no event came."""

    events: list[CloudEvent]
    cursor: int


def as_cloud_event(event: FeedEvent) -> CloudEvent:
    """The event as programs read it; its type carries the version of its schema."""
    version = EVENTS[event.type].version
    return CloudEvent(
        specversion=_SPEC,
        id=str(event.event_id),
        source=SOURCE,
        type=f"tieout.{event.type}.v{version}",
        subject=event.subject,
        time=event.recorded_at.isoformat(),
        dataschema=f"/schema/event/{event.type}?version={version}",
        data=event.payload,
        correlationid=None if event.correlation_id is None else str(event.correlation_id),
    )


@get(
    "/v1/events",
    guards=[requires(Scope.EVENTS_READ)],
    sync_to_thread=True,
    operation_id="list_events",
    summary="What happened after a cursor",
    tags=_TAGS,
)
def events(
    principal: Asking, state: State, after: Cursor = 0, type_: Types = None, limit: Limit = DEFAULT_LIMIT
) -> EventPage:
    """Of the legal entities that whoever asks may see."""
    found, settled = _read(state, principal, after, _known(type_), limit)
    return EventPage(events=[as_cloud_event(one) for one in found], cursor=_cursor(found, after, settled, limit))


@get(
    "/v1/events/stream",
    guards=[requires(Scope.EVENTS_READ)],
    sync_to_thread=False,
    operation_id="stream_events",
    summary="The same as a stream of server-sent events",
    tags=_TAGS,
)
def stream(
    request: Request[Any, Any, State], principal: Asking, state: State, after: Cursor = 0, type_: Types = None
) -> ServerSentEvent:
    """A browser or a program that lost the connection goes on by ``Last-Event-ID``."""
    last = request.headers.get("last-event-id", "")
    start = int(last) if last.isdigit() else after
    return ServerSentEvent(messages(state, principal, start, _known(type_)))


async def messages(
    state: State, principal: Principal, after: int, types: list[str]
) -> AsyncIterator[ServerSentEventMessage]:
    """The messages of a stream from ``after`` on, until it has been idle for an hour in all."""
    waited_s, open_s = 0.0, 0.0
    while open_s < _LONGEST_S:
        found, settled = await asyncio.to_thread(_read, state, principal, after, types, _STREAM_PAGE)
        for one in found:
            yield ServerSentEventMessage(
                data=msgspec.json.encode(as_cloud_event(one)).decode(), event=one.type, id=str(one.event_id)
            )
        after = _cursor(found, after, settled, _STREAM_PAGE)
        if found:
            waited_s = 0.0
            continue
        await asyncio.sleep(_POLL_S)
        waited_s, open_s = waited_s + _POLL_S, open_s + _POLL_S
        if waited_s >= _PING_S:
            waited_s = 0.0
            yield ServerSentEventMessage(comment="nothing yet")


def _read(state: State, principal: Principal, after: int, types: list[str], limit: int) -> tuple[list[FeedEvent], int]:
    horizon: SharedHorizon = state.horizon
    with state.database.as_principal(principal, Scope.EVENTS_READ) as conn:
        settled = horizon.advance(conn)
        return events_after(conn, after=after, until=settled, types=types, limit=limit), settled


def _cursor(found: list[FeedEvent], after: int, settled: int, limit: int) -> int:
    """Where to go on: past what was passed over because it is of another type or of nobody's that is seen."""
    return found[-1].event_id if len(found) == limit else max(after, settled)


def _known(types: list[str] | None) -> list[str]:
    unknown = sorted(set(types or ()) - EVENTS.keys())
    if unknown:
        raise ValidationException(f"There are no events {', '.join(unknown)[:200]}; see /v1/event-types.")
    return types or []


def handlers() -> list[HTTPRouteHandler]:
    """Every handler of this resource."""
    return [events, stream]
