"""The HTTP application: health, and time entries handed in by programs.

``POST /v1/time-entries`` stores the body as it came and answers when that is durable, one outcome per item; reading,
checking and posting happen behind it. ``runtime.hub`` serves it beside intake and delivery.
"""

import asyncio
from typing import Final

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_202_ACCEPTED,
    HTTP_400_BAD_REQUEST,
    HTTP_401_UNAUTHORIZED,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_503_SERVICE_UNAVAILABLE,
)
from psycopg import Cursor, OperationalError
from psycopg_pool import PoolTimeout

from tieout.api.keys import Principal, principal_of
from tieout.connect.source import Unreadable
from tieout.errors import ContractError, TransientError
from tieout.inbound import message_store
from tieout.inbound.canonical_translator import CanonicalTranslator
from tieout.model.clock import Clock
from tieout.model.reported import ReportedTime
from tieout.storage.pool import Pool, patiently, run_in_transaction

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
TIME_ENTRIES: Final = "time_entries"
PROBLEM_TYPE: Final = "application/problem+json"
_DATABASE_WAIT_S: Final = 2.0
_PATIENCE_S: Final = 10.0


class ItemOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one item: ``stored``, ``repeat`` (the same request was stored before) or ``unreadable``.

    An unreadable item is stored too and stands on the desk; ``problem`` says what is wrong with it.
    """

    item: int
    outcome: str
    source_id: str | None = None
    problem: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: where the request is stored, and one outcome per item in its order."""

    message_id: int
    items: list[ItemOutcome]


def problem(status: int, title: str, detail: str, code: str) -> Response[bytes]:
    """An answer by RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    return Response(content=msgspec.json.encode(body), status_code=status, media_type=PROBLEM_TYPE)


@get("/health", media_type=MediaType.JSON, sync_to_thread=False)
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/ready", media_type=MediaType.JSON)
async def ready(state: State) -> Response[dict[str, str]]:
    """The database answers too."""
    pool: Pool = state.pool
    try:
        await asyncio.to_thread(_ask, pool)
    except (OperationalError, PoolTimeout):
        return Response({"status": "database unreachable"}, status_code=HTTP_503_SERVICE_UNAVAILABLE)
    return Response({"status": "ready"}, status_code=HTTP_200_OK)


@post("/v1/time-entries", status_code=HTTP_202_ACCEPTED)
async def hand_in_time(request: Request[None, None, State], state: State) -> Response[bytes]:
    """Store one time entry or a batch of them."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        return _too_large()
    pool: Pool = state.pool
    principal = await asyncio.to_thread(_principal, pool, request.headers.get("authorization", ""))
    if principal is None:
        return problem(
            HTTP_401_UNAUTHORIZED, "Not authorised", "Send a valid key as Authorization: Bearer KEY.", "TIE-API-002"
        )
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        return _too_large()
    if not body.strip():
        return problem(HTTP_400_BAD_REQUEST, "Empty request", "The body holds no time entry.", "TIE-API-004")
    receipt = await asyncio.to_thread(_receive, pool, state.clock, principal, body)
    return Response(content=msgspec.json.encode(receipt), status_code=HTTP_202_ACCEPTED, media_type=MediaType.JSON)


def application(pool: Pool, clock: Clock) -> Litestar:
    """The application over an open pool."""
    return Litestar(
        route_handlers=[health, ready, hand_in_time],
        state=State({"pool": pool, "clock": clock}),
        openapi_config=None,
        exception_handlers={TransientError: _unavailable},
        request_max_body_size=MAX_BODY_BYTES,
    )


def _unavailable(_: Request[None, None, State], error: TransientError) -> Response[bytes]:
    """Nothing was accepted: the caller sends it again."""
    return problem(HTTP_503_SERVICE_UNAVAILABLE, "Not available", error.message, error.code)


def _too_large() -> Response[bytes]:
    return problem(
        HTTP_413_REQUEST_ENTITY_TOO_LARGE,
        "Request too large",
        f"A request may have {MAX_BODY_BYTES} bytes; send it in parts.",
        "TIE-API-003",
    )


def _ask(pool: Pool) -> None:
    with pool.connection(timeout=_DATABASE_WAIT_S) as conn:
        conn.execute("select 1")


def _principal(pool: Pool, header: str) -> Principal | None:
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key:
        return None

    def work() -> Principal | None:
        with pool.connection() as conn:
            return principal_of(conn, key.strip())

    return patiently(work, within_s=_PATIENCE_S)


def _receive(pool: Pool, clock: Clock, principal: Principal, body: bytes) -> Receipt:
    outcomes = _outcomes(body)
    message = message_store.NewMessage(
        system=principal.system,
        object=TIME_ENTRIES,
        channel="api",
        payload=body,
        item_count=len(outcomes) or None,
        principal=principal.name,
    )

    def work(cur: Cursor[tuple[object, ...]]) -> message_store.StoredMessage:
        return message_store.store(cur, [message], now=clock.now())[0]

    stored = patiently(lambda: run_in_transaction(pool, work), within_s=_PATIENCE_S)
    if stored.repeated:
        outcomes = [msgspec.structs.replace(one, outcome="repeat") for one in outcomes]
    return Receipt(message_id=stored.message_id, items=outcomes)


def _outcomes(body: bytes) -> list[ItemOutcome]:
    try:
        items = CanonicalTranslator().translate(TIME_ENTRIES, body)
    except ContractError as error:
        return [ItemOutcome(item=0, outcome="unreadable", problem=error.message)]
    outcomes = []
    for number, item in enumerate(items):
        match item:
            case ReportedTime():
                outcomes.append(ItemOutcome(item=number, outcome="stored", source_id=item.source_id))
            case Unreadable():
                outcomes.append(
                    ItemOutcome(item=number, outcome="unreadable", source_id=item.source_id, problem=item.problem)
                )
            case _:
                outcomes.append(ItemOutcome(item=number, outcome="stored", source_id=item.source_id))
    return outcomes
