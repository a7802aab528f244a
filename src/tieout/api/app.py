"""The HTTP application: what programs hand in and read, the webhooks of vendors, the pages for people, and health.

``runtime.hub`` serves it beside intake and delivery. Neighbours: ``time_entries`` and ``webhooks`` take in,
``resources`` tells and acts, ``web.entrance`` lets in.
"""

import asyncio
import os
from typing import Final

from litestar import Litestar, MediaType, Response, get
from litestar.datastructures import State
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE
from psycopg import DataError, OperationalError
from psycopg_pool import PoolTimeout

from tieout.api.conditional import Conditional
from tieout.api.idempotency import IdempotencyKeys
from tieout.api.inventory import CountUse, Uses, write_down
from tieout.api.refusals import refused, unstorable
from tieout.api.resources.events import SharedHorizon
from tieout.api.resources.routes import openapi_config, routes
from tieout.api.time_entries import MAX_BODY_BYTES, hand_in_time
from tieout.api.versions import RETIRING, Versions
from tieout.api.webhooks import WebhookRates, receive_webhook
from tieout.errors import ConfigurationError
from tieout.governance.master_key import MasterKeys
from tieout.model.clock import Clock
from tieout.storage.pool import Pool
from tieout.web import entrance as doors
from tieout.web.entrance import Entrance
from tieout.web.problems import handlers

_DATABASE_WAIT_S: Final = 2.0


@get(
    "/health",
    media_type=MediaType.JSON,
    sync_to_thread=False,
    operation_id="read_health",
    summary="The process answers",
    tags=["health"],
)
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get(
    "/ready",
    media_type=MediaType.JSON,
    operation_id="read_readiness",
    summary="The database answers too",
    tags=["health"],
)
async def ready(state: State) -> Response[dict[str, str]]:
    """The database answers too."""
    pool: Pool = state.pool
    try:
        await asyncio.to_thread(_ask, pool)
    except (OperationalError, PoolTimeout):
        return Response({"status": "database unreachable"}, status_code=HTTP_503_SERVICE_UNAVAILABLE)
    return Response({"status": "ready"}, status_code=HTTP_200_OK)


def application(pool: Pool, clock: Clock, entrance: Entrance) -> Litestar:
    """The application: ``pool`` takes in what is handed in, ``entrance`` lets in whoever asks for something."""
    state = {
        "pool": pool,
        "rates": WebhookRates(),
        "horizon": SharedHorizon(),
        "api_uses": Uses(),
        "master_keys": MasterKeys(entrance.home, os.environ),
        **doors.state(entrance, clock),
    }
    return Litestar(
        route_handlers=[health, ready, hand_in_time, receive_webhook, *routes(), *doors.routes(), *entrance.pages],
        state=State(state),
        middleware=(
            CountUse(),
            Versions(RETIRING),
            *doors.MIDDLEWARE,
            IdempotencyKeys(MAX_BODY_BYTES),
            Conditional(),
        ),
        dependencies=doors.dependencies(),
        before_send=doors.BEFORE_SEND,
        openapi_config=openapi_config(),
        logging_config=None,
        exception_handlers={**handlers(MAX_BODY_BYTES), ConfigurationError: refused, DataError: unstorable},
        on_shutdown=[write_down],
        request_max_body_size=MAX_BODY_BYTES,
    )


def _ask(pool: Pool) -> None:
    with pool.connection(timeout=_DATABASE_WAIT_S) as conn:
        conn.execute("select 1")
