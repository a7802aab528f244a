"""Tells programs events by webhook: in order per subscription, at least once, signed as Standard Webhooks says.

Each event is a CloudEvent in JSON; ``webhook-id`` is the event's id, the same over all attempts. What is not answered
with 2xx within ten seconds is tried again, later and later, for a day; then the subscription is disabled, and people
are told. Events are read with the rights that the subscription's program has at that moment. Any number of processes
may send: leases keep them apart (``governance.subscription_state``).
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec
import structlog
from psycopg import OperationalError
from standardwebhooks.webhooks import Webhook

from tieout.api.resources.events import SharedHorizon, as_cloud_event
from tieout.connect.addresses import Reach
from tieout.connect.http import HttpAnswer, HttpClient, HttpSettings
from tieout.connect.manifest import Limits
from tieout.connect.redaction import Redactor
from tieout.connect.throttle import NoThrottle
from tieout.desk import notices
from tieout.desk.notices import Notice
from tieout.errors import TieoutError, TransientError
from tieout.governance import access, firm_version, subscription_state, subscriptions
from tieout.governance.master_key import MasterKeys
from tieout.governance.subscription_state import Lease, Tried
from tieout.governance.subscriptions import Subscription
from tieout.model.access import Principal, PrincipalKind, Scope
from tieout.model.clock import Clock
from tieout.records.event_feed import FeedEvent, events_after
from tieout.web.database import DoorDatabase

log = structlog.get_logger(__name__)

ANSWER_WITHIN_S: Final = 10.0
GIVEN_UP_AFTER: Final = timedelta(days=1)
_LEASE: Final = timedelta(seconds=60)
_LEASE_USED_S: Final = 40.0
"""A request that begins later could still be under way when the lease has ended."""
_POLL_S: Final = 0.5
_AT_ONCE: Final = 16
_PAGE: Final = 50
_FIRST_WAIT_S: Final = 5
_LONGEST_WAIT_S: Final = 4 * 3600
_MOST_BYTES: Final = 64 * 1024
_MOST_WORDS: Final = 300
_OK, _REDIRECT, _GONE = 200, 300, 410


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What one lease gives to do: events to send, or up to where there are none of interest."""

    principal: Principal
    subscription: Subscription
    secrets: tuple[str, ...]
    events: list[FeedEvent]
    settled: int
    reach: Reach


class Sender:
    """Sends for every subscription of the hub."""

    def __init__(self, database: DoorDatabase, keys: MasterKeys, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._horizon = SharedHorizon()
        self._stopping = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until ``stopping``; a lost database is waited for, and a slow receiver keeps nobody else waiting."""
        self._stopping = stopping
        running: set[asyncio.Task[int]] = set()
        try:
            while not stopping.is_set():
                running |= {asyncio.create_task(self._serve_alone(one)) for one in await self._due(len(running))}
                if not running:
                    await _wait(stopping, _POLL_S)
                    continue
                done, running = await asyncio.wait(running, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    one.result()
        finally:
            await asyncio.gather(*running)

    async def send_due(self) -> int:
        """One round over what is due; returns how many events were taken."""
        return sum(await asyncio.gather(*(self._serve_alone(one) for one in await self._due(0))))

    async def _due(self, running: int) -> list[Lease]:
        if running >= _AT_ONCE:
            return []
        try:
            return await asyncio.to_thread(self._claim, _AT_ONCE - running)
        except (TransientError, OperationalError) as error:
            log.warning("subscriptions.interrupted", error=str(error))
            return []

    async def _serve_alone(self, lease: Lease) -> int:
        """What goes wrong with one subscription keeps no other from being sent; its lease ends by itself."""
        try:
            return await self._serve(lease)
        except (TieoutError, OperationalError) as error:
            log.warning("subscription.interrupted", subscription=str(lease.subscription_id), error=str(error))
            return 0

    def _claim(self, most: int) -> list[Lease]:
        now = self._clock.now()
        with self._database.as_nobody() as conn:
            return subscription_state.claim(conn, now=now, until=now + _LEASE, most=most)

    async def _serve(self, lease: Lease) -> int:
        work = await asyncio.to_thread(self._read, lease)
        if work is None:
            return 0
        if not work.events:
            await asyncio.to_thread(self._give_back, work.principal, lease, work.settled)
            return 0
        client = self._client(work)
        taken = 0
        held, leased_at = lease, time.monotonic()
        try:
            for event in work.events:
                if time.monotonic() - leased_at > _LEASE_USED_S:
                    # This process was paused: others may send by now.
                    return taken
                if self._stopping.is_set():
                    break
                tried, retry_after_s = await self._try(client, work, event)
                kept = await asyncio.to_thread(self._keep, work, held, tried, retry_after_s)
                if kept is None:
                    return taken
                held, leased_at = kept, time.monotonic()
                taken += 1
        finally:
            await client.aclose()
        await asyncio.to_thread(self._give_back, work.principal, held, None)
        return taken

    def _read(self, lease: Lease) -> Work | None:
        """What is to be sent; None where the program may not be told any more, which disables the subscription."""
        now = self._clock.now()
        with self._database.as_nobody() as conn:
            principal = access.principal_by_id(conn, lease.principal_id, now=now)
        scopes = (Scope.SUBSCRIPTIONS_WRITE, Scope.EVENTS_READ)
        if principal is None or not all(principal.may(one) for one in scopes):
            self._end_rights(lease, principal, now)
            return None
        with self._database.as_principal(principal, Scope.EVENTS_READ) as conn:
            found = subscriptions.find(conn, lease.subscription_id)
            if found is None:
                return None
            settled = self._horizon.advance(conn)
            own_networks = firm_version.current(conn).oversight.subscriptions.own_networks
            return Work(
                principal=principal,
                subscription=found,
                secrets=subscriptions.signing_secrets(conn, self._keys, found.subscription_id, now=now),
                events=events_after(conn, after=found.cursor, until=settled, types=found.types, limit=_PAGE),
                settled=settled,
                reach=Reach.CONFIGURED if own_networks else Reach.PUBLIC,
            )

    def _end_rights(self, lease: Lease, principal: Principal | None, now: datetime) -> None:
        asking = principal or Principal(principal_id=lease.principal_id, kind=PrincipalKind.PROGRAM, name="", rights={})
        with self._database.as_caller(asking) as conn, conn.cursor() as cur:
            why = "Its program may not read events or keep subscriptions any more."
            subscription_state.disable(cur, lease.subscription_id, why, now=now)

    def _client(self, work: Work) -> HttpClient:
        parts = urlsplit(work.subscription.url)
        return HttpClient(
            HttpSettings(timeout_s=ANSWER_WITHIN_S, max_response_bytes=_MOST_BYTES, reach=work.reach),
            base_url=f"{parts.scheme}://{parts.netloc}",
            account=f"subscription:{work.subscription.subscription_id}",
            limits=Limits(),
            throttle=NoThrottle(),
            clock=self._clock,
            redactor=Redactor(work.secrets),
        )

    async def _try(self, client: HttpClient, work: Work, event: FeedEvent) -> tuple[Tried, float]:
        """One attempt, and how long the receiver asks to be left alone."""
        now, began = self._clock.now(), time.monotonic()
        body = msgspec.json.encode(as_cloud_event(event))
        parts = urlsplit(work.subscription.url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        answer: HttpAnswer | None = None
        words: str | None = None
        try:
            answer = await client.request(
                "POST",
                target,
                headers=signed_headers(work.secrets, str(event.event_id), body, now),
                content=body,
                read_only=True,
            )
        except TieoutError as error:
            words = f"{error.code}: {error.message}"[:_MOST_WORDS]
        tried = Tried(
            event_id=event.event_id,
            event_type=event.type,
            tried_at=now,
            duration_ms=int((time.monotonic() - began) * 1000),
            ok=answer is not None and _OK <= answer.status < _REDIRECT,
            status=None if answer is None else answer.status,
            words=words,
        )
        return tried, 0.0 if answer is None else answer.retry_after_s or 0.0

    def _keep(self, work: Work, lease: Lease, tried: Tried, retry_after_s: float) -> Lease | None:
        """Write down what came of an attempt; the lease to go on with, None where it ends here."""
        now = self._clock.now()
        with (
            self._database.as_principal(work.principal, Scope.EVENTS_READ) as conn,
            conn.cursor() as cur,
        ):
            if tried.ok:
                return subscription_state.told(cur, lease, tried, until=now + _LEASE)
            wait_s = max(wait_after(work.subscription.attempts), retry_after_s)
            since = subscription_state.failed(cur, lease, tried, next_try_at=now + timedelta(seconds=wait_s))
            if since is None:
                return None
            subscription_state.forget_attempts(cur, lease, before=now - subscriptions.ATTEMPTS_KEPT)
            if tried.status == _GONE or now - since >= GIVEN_UP_AFTER:
                why = "The address says that it is gone (410)." if tried.status == _GONE else "It failed for a day."
                subscription_state.disable(cur, lease.subscription_id, why, now=now)
                notices.write(cur, _notice(work.subscription, since, why), now=now)
            return None

    def _give_back(self, principal: Principal, lease: Lease, cursor: int | None) -> None:
        with self._database.as_principal(principal, Scope.EVENTS_READ) as conn, conn.cursor() as cur:
            subscription_state.give_back(cur, lease, cursor=cursor)


def signed_headers(secrets: Sequence[str], message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, with a signature by every secret that signs now."""
    signatures = (Webhook(secret).sign(message_id, now, body.decode()) for secret in secrets)
    return {
        "content-type": "application/cloudevents+json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def wait_after(attempts: int) -> int:
    """Seconds to the next try after ``attempts`` that failed before this one: 5, 20, 80 ... up to four hours."""
    return min(_FIRST_WAIT_S << 2 * min(attempts, 10), _LONGEST_WAIT_S)


def _notice(one: Subscription, since: datetime, why: str) -> Notice:
    return Notice(
        key=f"subscription:{one.subscription_id}:{since.isoformat()}",
        kind="subscription_disabled",
        subject=f"Events are not told to {one.name} any more",
        entity=None,
        recipients=("queue:integration",),
        body=f"The subscription {one.name} was disabled: {why} It is told from where it stood once it is active again.",
        facts={"subscription_id": str(one.subscription_id), "severity": "warning"},
    )


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
