"""``/v1/subscriptions``: a program asks to be told events by webhook, sees how that goes, and has them told again.

The secret that signs is told once, when it is made or replaced, so that no answer of these is kept under an
Idempotency-Key. Neighbours: ``governance.subscriptions`` keeps them, ``api.subscription_sender`` sends.
"""

import re
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec
from litestar import delete, get, post
from litestar.datastructures import State as AppState
from litestar.exceptions import PermissionDeniedException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from psycopg import Connection

from tieout.api.resources.reading import DEFAULT_LIMIT, Limit, found, read
from tieout.connect.addresses import Reach, refusal
from tieout.errors import ConfigurationError
from tieout.governance import firm_version, subscriptions
from tieout.governance.access import Act
from tieout.governance.subscription_state import State
from tieout.governance.subscriptions import Attempt, NewSubscription, Subscription
from tieout.model.access import Principal, Scope
from tieout.model.event_catalogue import EVENTS
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import Row
from tieout.web.guards import Asking, requires

_TAGS: Final = ["subscriptions"]
_WRITE: Final = Scope.SUBSCRIPTIONS_WRITE
_IDS: Final = SystemIds()
_SEEN_URL_CHARS: Final = 80
_HOST_CHARS: Final = 253
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*")

Before = Annotated[
    int | None, QueryParameter(ge=1, le=2**62, description="The number of the last attempt of the page before.")
]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Url = Annotated[str, msgspec.Meta(min_length=8, max_length=2_000)]
EventId = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Subscribing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``types`` are names of events, none for all; ``after`` begins after that event, null with the next one."""

    name: Name
    url: Url
    types: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()
    after: EventId | None = None


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The event after which everything is told again."""

    after: EventId


class Pausing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``active`` also takes up one that the hub disabled, from where it stands."""

    paused: bool


class ShownSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription: ``cursor`` is the last event that was told; what fails is tried again at ``next_try_at``."""

    subscription_id: UUID
    name: str
    url: str
    types: list[str]
    state: State
    why: str | None
    cursor: int
    failed_attempts: int
    failing_since: datetime | None
    next_try_at: datetime | None
    made_at: datetime


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription with its newest secret (Standard Webhooks, ``whsec_...``), which is not told again."""

    subscription: ShownSubscription
    secret: str


class SubscriptionList(msgspec.Struct, frozen=True, kw_only=True):
    """All that whoever asks may see."""

    subscriptions: list[ShownSubscription]


class AttemptPage(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts, the newest first; ``next`` goes on, null at the end."""

    attempts: list[Attempt]
    next: int | None


@post(
    "/v1/subscriptions",
    guards=[requires(_WRITE)],
    sync_to_thread=True,
    operation_id="subscribe",
    summary="Be told events by webhook",
    tags=_TAGS,
)
def subscribe(principal: Asking, state: AppState, data: JSONBody[Subscribing]) -> Signing:
    """Events are those that its maker may read; the answer holds the secret, which is told once."""
    if not principal.may(Scope.EVENTS_READ):
        raise PermissionDeniedException("Whoever subscribes to events needs events:read.")
    unknown = sorted(set(data.types) - EVENTS.keys())
    if unknown:
        raise ValidationException(f"There are no events {', '.join(unknown)[:200]}; see /v1/event-types.")
    with state.database.as_principal(principal, _WRITE) as conn, conn.cursor() as cur:
        check_address(data.url, own_networks=firm_version.current(conn).oversight.subscriptions.own_networks)
        settled = state.horizon.advance(conn)
        new = NewSubscription(
            subscription_id=_IDS.new_id(),
            principal_id=principal.principal_id,
            name=data.name,
            url=data.url,
            types=data.types,
            cursor=settled if data.after is None else data.after,
        )
        secret = subscriptions.add(cur, state.master_keys, new, _act(principal, state))
        made = found(subscriptions.find(conn, new.subscription_id), "subscription")
    return Signing(subscription=_shown(made), secret=secret)


@get(
    "/v1/subscriptions",
    guards=[requires(_WRITE)],
    sync_to_thread=True,
    operation_id="list_subscriptions",
    summary="Subscriptions of whoever asks",
    tags=_TAGS,
)
def list_subscriptions(principal: Asking, state: AppState) -> SubscriptionList:
    """And those of others, for whoever sees the whole firm."""
    return SubscriptionList(subscriptions=[_shown(one) for one in read(state, principal, _WRITE, subscriptions.listed)])


@get(
    "/v1/subscriptions/{subscription_id:uuid}",
    guards=[requires(_WRITE)],
    sync_to_thread=True,
    operation_id="read_subscription",
    summary="One subscription",
    tags=_TAGS,
)
def subscription(principal: Asking, state: AppState, subscription_id: FromPath[UUID]) -> ShownSubscription:
    """How far it was told, and since when it fails."""
    return _shown(read(state, principal, _WRITE, lambda conn: _one(conn, subscription_id)))


@get(
    "/v1/subscriptions/{subscription_id:uuid}/attempts",
    guards=[requires(_WRITE)],
    sync_to_thread=True,
    operation_id="list_attempts",
    summary="What was tried in the last days, in pages",
    tags=_TAGS,
)
def list_attempts(
    principal: Asking,
    state: AppState,
    subscription_id: FromPath[UUID],
    before: Before = None,
    limit: Limit = DEFAULT_LIMIT,
) -> AttemptPage:
    """Each with the status that was answered, or why nothing was."""

    def attempts(conn: Connection[Row]) -> list[Attempt]:
        _one(conn, subscription_id)
        return list(subscriptions.attempts(conn, subscription_id, before=before, limit=limit))

    page = read(state, principal, _WRITE, attempts)
    return AttemptPage(attempts=page, next=page[-1].attempt_id if len(page) == limit else None)


@post(
    "/v1/subscriptions/{subscription_id:uuid}/secret",
    guards=[requires(_WRITE)],
    sync_to_thread=True,
    operation_id="replace_subscription_secret",
    summary="Replace the secret that signs",
    tags=_TAGS,
)
def replace_secret(principal: Asking, state: AppState, subscription_id: FromPath[UUID]) -> Signing:
    """For a day both sign; the answer holds the new one, which is told once."""
    with state.database.as_principal(principal, _WRITE) as conn, conn.cursor() as cur:
        one = _one(conn, subscription_id)
        secret = subscriptions.rotate(cur, state.master_keys, subscription_id, _act(principal, state))
    return Signing(subscription=_shown(one), secret=secret)


@post(
    "/v1/subscriptions/{subscription_id:uuid}/replay",
    guards=[requires(_WRITE)],
    status_code=200,
    sync_to_thread=True,
    operation_id="replay_subscription",
    summary="Have events told again",
    tags=_TAGS,
)
def replay(
    principal: Asking, state: AppState, subscription_id: FromPath[UUID], data: JSONBody[Replay]
) -> ShownSubscription:
    """Everything after a cursor, under the same ids as before."""
    with state.database.as_principal(principal, _WRITE) as conn, conn.cursor() as cur:
        _one(conn, subscription_id)
        subscriptions.replay(cur, subscription_id, data.after, _act(principal, state))
        return _shown(_one(conn, subscription_id))


@post(
    "/v1/subscriptions/{subscription_id:uuid}/state",
    guards=[requires(_WRITE)],
    status_code=200,
    sync_to_thread=True,
    operation_id="pause_subscription",
    summary="Pause a subscription or take it up again",
    tags=_TAGS,
)
def pause(
    principal: Asking, state: AppState, subscription_id: FromPath[UUID], data: JSONBody[Pausing]
) -> ShownSubscription:
    """It goes on from where it stands."""
    wanted = State.PAUSED if data.paused else State.ACTIVE
    with state.database.as_principal(principal, _WRITE) as conn, conn.cursor() as cur:
        _one(conn, subscription_id)
        subscriptions.set_state(cur, subscription_id, wanted, _act(principal, state))
        return _shown(_one(conn, subscription_id))


@delete(
    "/v1/subscriptions/{subscription_id:uuid}",
    guards=[requires(_WRITE)],
    sync_to_thread=True,
    operation_id="unsubscribe",
    summary="Be told nothing more",
    tags=_TAGS,
)
def unsubscribe(principal: Asking, state: AppState, subscription_id: FromPath[UUID]) -> None:
    """With its secrets and attempts; the audit log keeps that it was."""
    with state.database.as_principal(principal, _WRITE) as conn, conn.cursor() as cur:
        _one(conn, subscription_id)
        subscriptions.remove(cur, subscription_id, _act(principal, state))


def check_address(url: str, *, own_networks: bool) -> None:
    """Raise ConfigurationError (TIE-SUBSCRIPTION-001) for an address that events must not be sent to.

    A name is looked up when something is sent: what it leads to then is judged before a byte goes out.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        _ = httpx.URL(url).host
    except (ValueError, httpx.InvalidURL) as error:
        raise _unusable(url, "it is no address") from error
    if parts.scheme != "https" and not (own_networks and parts.scheme == "http"):
        raise _unusable(url, "it must begin with https://")
    is_literal = ":" in host or host.replace(".", "").isdigit()
    if not is_literal and (len(host) > _HOST_CHARS or _HOST.fullmatch(host) is None):
        raise _unusable(url, "it names no host")
    if port == 0 or parts.username is not None or parts.fragment or not url.isascii():
        raise _unusable(url, "it must be https://HOST/PATH without user and fragment")
    why = refusal(host, Reach.CONFIGURED if own_networks else Reach.PUBLIC) if is_literal else None
    if why is not None:
        raise _unusable(url, why)


def _unusable(url: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-SUBSCRIPTION-001", message=f"Events cannot be sent to {url[:_SEEN_URL_CHARS]!r}: {why}."
    )


def _one(conn: Connection[Row], subscription_id: UUID) -> Subscription:
    return found(subscriptions.find(conn, subscription_id), "subscription")


def _act(principal: Principal, state: AppState) -> Act:
    return Act(by=principal.name, now=state.clock.now())


def _shown(one: Subscription) -> ShownSubscription:
    return ShownSubscription(
        subscription_id=one.subscription_id,
        name=one.name,
        url=one.url,
        types=one.types,
        state=one.state,
        why=one.why,
        cursor=one.cursor,
        failed_attempts=one.attempts,
        failing_since=one.failing_since,
        next_try_at=one.next_try_at,
        made_at=one.made_at,
    )


def handlers() -> list[HTTPRouteHandler]:
    """Every handler of this resource."""
    return [
        subscribe,
        list_subscriptions,
        subscription,
        list_attempts,
        replace_secret,
        replay,
        pause,
        unsubscribe,
    ]
