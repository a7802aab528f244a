"""The door for vendors: ``POST /v1/webhooks/{system}`` takes what a system tells of itself, proven to be its own.

The connector's ``webhook`` proves the request and cuts it into pages; they are stored as they came and the answer is
given when that is durable. A webhook only makes changes arrive sooner: what is refused here, or never came, is brought
by polling. Neighbours: ``app`` serves this beside the door for programs, ``problems`` words the refusals.
"""

import asyncio
import math
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from litestar import MediaType, Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.status_codes import HTTP_202_ACCEPTED, HTTP_413_REQUEST_ENTITY_TOO_LARGE
from psycopg import Cursor

from tieout.api import problems
from tieout.connect.connector import connector_for
from tieout.connect.source import Page
from tieout.connect.webhook import Webhook, WebhookRequest
from tieout.errors import AccessError, ConfigurationError, ContractError
from tieout.governance import firm_version
from tieout.inbound import message_store, refusals_store
from tieout.model.clock import Clock
from tieout.model.firm import FirmConfig, SystemConfig
from tieout.runtime.firm.directory import API_CONNECTOR
from tieout.runtime.secrets import resolve_secret
from tieout.storage.pool import Pool, patiently, run_in_transaction
from tieout.web.guards import PROVES_ITSELF

log = structlog.get_logger(__name__)

MAX_WEBHOOK_BYTES: Final = 1024 * 1024
"""Anybody may send a request here, and it is read before it is proven: large changes are polled, not told."""
CHANNEL: Final = "webhook"
_PATIENCE_S: Final = 10.0
_MINUTE: Final = timedelta(minutes=1)


class WebhookReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: pages that were stored, and pages that the same system had told in the same words before."""

    stored: int
    repeated: int


class WebhookRates:
    """How many requests of each system this door lets in: so many in a minute, and as many at once.

    Counted before anything is proven, so that proving costs no more than that. Each door counts for itself.
    """

    def __init__(self) -> None:
        self._free_at: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def wait_s(self, system: str, *, per_minute: int, now: datetime) -> int:
        """0 where one more request of ``system`` is let in, else the whole seconds until one is."""
        each = _MINUTE / per_minute
        with self._lock:
            free_at = max(self._free_at.get(system, now), now)
            early = free_at + each - now - _MINUTE
            if early > timedelta(0):
                return max(1, math.ceil(early.total_seconds()))
            self._free_at[system] = free_at + each
        return 0


@post(
    "/v1/webhooks/{system:str}",
    status_code=HTTP_202_ACCEPTED,
    request_max_body_size=MAX_WEBHOOK_BYTES,
    opt={PROVES_ITSELF: True},
    operation_id="receive_webhook",
    summary="Take a webhook of a vendor",
    tags=["webhooks"],
)
async def receive_webhook(request: Request[None, None, State], state: State, system: FromPath[str]) -> Response[bytes]:
    """Store what one request of a vendor says."""
    pool: Pool = state.pool
    told = await asyncio.to_thread(_teller, pool, system)
    if told is None:
        return problems.no_webhooks(system)
    wait_s = state.rates.wait_s(system, per_minute=told.per_minute, now=state.clock.now())
    if wait_s:
        log.warning("webhook.too_many", system=system, per_minute=told.per_minute)
        return problems.too_many_webhooks(system, told.per_minute, wait_s)
    try:
        body = await request.body()
    except HTTPException as error:
        if error.status_code != HTTP_413_REQUEST_ENTITY_TOO_LARGE:
            raise
        return problems.webhook_too_large(MAX_WEBHOOK_BYTES)
    arrived = WebhookRequest(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        received_at=state.clock.now(),
    )
    return await asyncio.to_thread(_receive, state, told, arrived)


class _Teller(msgspec.Struct, frozen=True, kw_only=True):
    """A system that sends webhooks, what proves them, and how many of them are let in."""

    system: SystemConfig
    webhook: Webhook
    per_minute: int


def _teller(pool: Pool, name: str) -> _Teller | None:
    """The configured system of this name with what proves its webhooks; None where it sends none."""

    def work() -> FirmConfig | None:
        with pool.connection() as conn:
            return firm_version.newest(conn)

    firm = patiently(work, within_s=_PATIENCE_S)
    system = None if firm is None else firm.system(name)
    if firm is None or system is None or system.connector == API_CONNECTOR:
        return None
    webhook = connector_for(system.connector, system.settings).webhook
    if webhook is None:
        return None
    return _Teller(system=system, webhook=webhook, per_minute=firm.oversight.webhooks.per_minute)


def _receive(state: State, teller: _Teller, request: WebhookRequest) -> Response[bytes]:
    system = teller.system
    try:
        secrets = {
            name: resolve_secret(reference, system=system.name, setting=name)
            for name, reference in system.secrets.items()
        }
    except ConfigurationError as error:
        log.warning("webhook.secret_missing", system=system.name, error=str(error))
        return problems.webhook_unprovable(system.name)
    try:
        pages = teller.webhook.receive(request, secrets=secrets)
    except AccessError as error:
        _count_refusal(state.pool, state.clock, system.name, error.message)
        return problems.webhook_not_proven(system.name)
    except ContractError as error:
        _count_refusal(state.pool, state.clock, system.name, error.message)
        return problems.webhook_unreadable(system.name)
    receipt = _store(state.pool, state.clock, system.name, pages)
    return Response(content=msgspec.json.encode(receipt), status_code=HTTP_202_ACCEPTED, media_type=MediaType.JSON)


def _count_refusal(pool: Pool, clock: Clock, system: str, why: str) -> None:
    """Count one more request that was refused in the name of ``system``, and say it in the log."""
    log.warning("webhook.refused", system=system, why=why)
    patiently(
        lambda: run_in_transaction(
            pool, lambda cur: refusals_store.count(cur, system=system, why=why, now=clock.now())
        ),
        within_s=_PATIENCE_S,
    )


def _store(pool: Pool, clock: Clock, system: str, pages: Sequence[Page]) -> WebhookReceipt:
    """Store the pages in one transaction, which wakes the step that reads them; empty pages say nothing."""
    messages = [
        message_store.NewMessage(
            system=system, object=page.object, channel=CHANNEL, payload=page.payload, item_count=page.item_count
        )
        for page in pages
        if page.item_count != 0
    ]
    if not messages:
        return WebhookReceipt(stored=0, repeated=0)

    def work(cur: Cursor[tuple[object, ...]]) -> list[message_store.StoredMessage]:
        return message_store.store(cur, messages, now=clock.now())

    results = patiently(lambda: run_in_transaction(pool, work), within_s=_PATIENCE_S)
    repeated = sum(one.repeated for one in results)
    return WebhookReceipt(stored=len(results) - repeated, repeated=repeated)
