"""``POST /v1/time-entries``: programs hand in time, one entry or a batch, and are told what became of each item.

The body is stored as it came, and the answer comes when that is durable; reading, checking and posting happen behind
it. What cannot be understood is stored too and stands on the desk; what is refused (``problems``) was not stored, and
the caller still has it.
"""

import asyncio
from typing import Final

import msgspec
from litestar import MediaType, Request, Response, post
from litestar.datastructures import Headers, State
from litestar.status_codes import HTTP_202_ACCEPTED
from psycopg import Cursor

from tieout.api import problems
from tieout.api.inventory import name_caller
from tieout.api.keys import Principal, principal_of
from tieout.connect.source import Unreadable
from tieout.errors import ContractError
from tieout.inbound import message_store
from tieout.inbound.canonical_translator import CanonicalTranslator
from tieout.model.clock import Clock
from tieout.model.reported import ReportedTime
from tieout.storage.pool import Pool, patiently, run_in_transaction
from tieout.web.problems import not_authorised, too_large

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
MAX_ITEMS: Final = 25_000
"""As many entries as fit into a body; only junk has more items than that."""
TIME_ENTRIES: Final = "time_entries"
_SMALLEST_ITEM_BYTES: Final = 2
_UNNAMED: Final = frozenset({"", "application/x-www-form-urlencoded", "application/octet-stream", "text/plain"})
"""What programs send as content type when nobody told them: says nothing about the body."""
_MISSHAPEN: Final = "TIE-PAYLOAD-007"
_PATIENCE_S: Final = 10.0


class ItemOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one item: ``stored``, ``repeat`` (the same request was stored before) or ``unreadable``.

    An unreadable item is stored too and stands on the desk; ``problem`` says what is wrong with it, ``code`` (of the
    reference of errors) is the same for ever.
    """

    item: int
    outcome: str
    source_id: str | None = None
    problem: str | None = None
    code: str | None = None


class _Batch(msgspec.Struct, frozen=True):
    time_entries: list[msgspec.Raw]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: where the request is stored, and one outcome per item in its order."""

    message_id: int
    items: list[ItemOutcome]


@post(
    "/v1/time-entries",
    status_code=HTTP_202_ACCEPTED,
    operation_id="submit_time",
    summary="Hand in one time entry or a batch",
    tags=["time"],
)
async def hand_in_time(request: Request[None, None, State], state: State) -> Response[bytes]:
    """Store one time entry or a batch of them."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        return too_large(MAX_BODY_BYTES)
    pool: Pool = state.pool
    principal = await asyncio.to_thread(_principal, state, request.headers.get("authorization", ""))
    if principal is None:
        return not_authorised()
    name_caller(request.scope, principal.key_id)
    if not _may_be_json(request.headers):
        return problems.not_json(request.headers)
    body = await request.body()
    if not body.strip():
        return problems.empty()
    return await asyncio.to_thread(_receive, pool, state.clock, principal, body)


def _may_be_json(headers: Headers) -> bool:
    """False where the caller says that the body is something else, or packed."""
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = headers.get("content-encoding", "identity").strip().lower()
    named = content_type == "application/json" or content_type.endswith("+json")
    return (named or content_type in _UNNAMED) and encoding == "identity"


def _principal(state: State, header: str) -> Principal | None:
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key:
        return None

    def work() -> Principal | None:
        with state.pool.connection() as conn:
            return principal_of(conn, key.strip(), now=state.clock.now())

    return patiently(work, within_s=_PATIENCE_S)


def _receive(pool: Pool, clock: Clock, principal: Principal, body: bytes) -> Response[bytes]:
    if _item_count(body) > MAX_ITEMS:
        return problems.too_many_items(MAX_ITEMS)
    outcomes = _outcomes(body)
    if not outcomes:
        return problems.empty()
    receipt = _store(pool, clock, principal, body, outcomes)
    return Response(content=msgspec.json.encode(receipt), status_code=HTTP_202_ACCEPTED, media_type=MediaType.JSON)


def _item_count(body: bytes) -> int:
    """Items of a batch, for a body that is large enough to have too many; 0 for one that is no batch."""
    if len(body) <= _SMALLEST_ITEM_BYTES * MAX_ITEMS:
        return 0
    try:
        return len(msgspec.json.decode(body, type=_Batch).time_entries)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0


def _store(pool: Pool, clock: Clock, principal: Principal, body: bytes, outcomes: list[ItemOutcome]) -> Receipt:
    message = message_store.NewMessage(
        system=principal.system,
        object=TIME_ENTRIES,
        channel="api",
        payload=body,
        item_count=len(outcomes),
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
        return [ItemOutcome(item=0, outcome="unreadable", problem=error.message, code=error.code)]
    outcomes = []
    for number, item in enumerate(items):
        match item:
            case ReportedTime():
                outcomes.append(ItemOutcome(item=number, outcome="stored", source_id=item.source_id))
            case Unreadable():
                outcomes.append(
                    ItemOutcome(
                        item=number,
                        outcome="unreadable",
                        source_id=item.source_id,
                        problem=item.problem,
                        code=_MISSHAPEN,
                    )
                )
            case _:
                outcomes.append(ItemOutcome(item=number, outcome="stored", source_id=item.source_id))
    return outcomes
