"""The door for vendors: ``POST /v1/webhooks/{system}`` takes what a system tells of itself, proven to be its own.

The connector's ``webhook`` proves the request and cuts it into pages; they are stored as they came and the answer is
given when that is durable. A webhook only makes changes arrive sooner: what is refused here, or never came, is brought
by polling. Neighbours: ``app`` serves this beside the door for programs, ``problems`` words the refusals.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
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
from tieout.inbound import message_store
from tieout.model.clock import Clock
from tieout.model.firm import SystemConfig
from tieout.runtime.firm.directory import API_CONNECTOR
from tieout.runtime.secrets import resolve_secret
from tieout.storage.pool import Pool, patiently, run_in_transaction

log = structlog.get_logger(__name__)

MAX_WEBHOOK_BYTES: Final = 1024 * 1024
"""Anybody may send a request here, and it is read before it is proven: large changes are polled, not told."""
CHANNEL: Final = "webhook"
_PATIENCE_S: Final = 10.0


class WebhookReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: pages that were stored, and pages that the same system had told in the same words before."""

    stored: int
    repeated: int


class RefusalCounter:
    """Requests that a door refused since it was opened, by system: one that grows tells of a wrong or replaced key."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, system: str, why: str) -> None:
        """Count one more, and say it in the log."""
        with self._lock:
            self._counts[system] += 1
            refused_count = self._counts[system]
        log.warning("webhook.refused", system=system, why=why, refused_count=refused_count)

    def of(self, system: str) -> int:
        """How many requests in the name of ``system`` were refused."""
        return self._counts[system]


@post("/v1/webhooks/{system:str}", status_code=HTTP_202_ACCEPTED, request_max_body_size=MAX_WEBHOOK_BYTES)
async def receive_webhook(request: Request[None, None, State], state: State, system: FromPath[str]) -> Response[bytes]:
    """Store what one request of a vendor says."""
    pool: Pool = state.pool
    told = await asyncio.to_thread(_teller, pool, system)
    if told is None:
        return problems.no_webhooks(system)
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


def _teller(pool: Pool, name: str) -> tuple[SystemConfig, Webhook] | None:
    """The configured system of this name with what proves its webhooks; None where it sends none."""

    def work() -> SystemConfig | None:
        with pool.connection() as conn:
            firm = firm_version.newest(conn)
        return None if firm is None else firm.system(name)

    system = patiently(work, within_s=_PATIENCE_S)
    if system is None or system.connector == API_CONNECTOR:
        return None
    webhook = connector_for(system.connector, system.settings).webhook
    return None if webhook is None else (system, webhook)


def _receive(state: State, teller: tuple[SystemConfig, Webhook], request: WebhookRequest) -> Response[bytes]:
    system, webhook = teller
    refusals: RefusalCounter = state.refusals
    try:
        secrets = {
            name: resolve_secret(reference, system=system.name, setting=name)
            for name, reference in system.secrets.items()
        }
    except ConfigurationError as error:
        log.warning("webhook.secret_missing", system=system.name, error=str(error))
        return problems.webhook_unprovable(system.name)
    try:
        pages = webhook.receive(request, secrets=secrets)
    except AccessError as error:
        refusals.count(system.name, error.message)
        return problems.webhook_not_proven(system.name)
    except ContractError as error:
        refusals.count(system.name, error.message)
        return problems.webhook_unreadable(system.name)
    receipt = _store(state.pool, state.clock, system.name, pages)
    return Response(content=msgspec.json.encode(receipt), status_code=HTTP_202_ACCEPTED, media_type=MediaType.JSON)


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
