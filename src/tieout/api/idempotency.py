"""The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST sent again is answered as before.

The key is the caller's, per principal. The first request under it is carried out and its answer is kept for a day; the
same request again gets that answer; another one under it is refused (422), and one while the first is under way (409).
Requests without the header are as they are: what takes in facts repeats without harm by itself. Neighbour: ``app``.
"""

import asyncio
import hashlib
import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders, State
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send
from psycopg import Connection

from tieout.model.access import Principal
from tieout.storage.pool import Row
from tieout.web.database import DoorDatabase
from tieout.web.guards import authenticate
from tieout.web.problems import API_PATH, problem

HEADER: Final = "idempotency-key"
REPLAYED: Final = "idempotency-replayed"
KEPT: Final = timedelta(days=1)
ABANDONED_AFTER: Final = timedelta(minutes=2)
"""No request takes so long: its process is gone, and the caller may try again."""
_QUOTED: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')
"""A string of RFC 8941, which the draft asks for."""
_NO_KEYS: Final = re.compile(rf"{API_PATH}/(?:oauth/token|subscriptions|subscriptions/[^/]+/secret)/?")
"""Their answers hold secrets that are told once and kept nowhere."""
_SERVER_ERROR: Final = 500


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that was given; ``status`` None: not yet."""

    fingerprint: bytes
    begun_at: datetime
    status: int | None
    content_type: str | None
    body: bytes | None


class IdempotencyKeys(ASGIMiddleware):
    """Keeps answers by key, before any handler sees the request."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer from what is kept, or carry the request out and keep its answer."""
        request: Request[Any, Any, State] = Request(scope, receive, send)
        given = request.headers.getall(HEADER, [])
        if not given or request.method != "POST" or not _is_keyed(request.url.path):
            await next_app(scope, receive, send)
            return
        key = _QUOTED.fullmatch(given[0].strip()) if len(given) == 1 else None
        if key is None:
            words = 'Send Idempotency-Key once, as a string in quotes: Idempotency-Key: "8e03978e-40d5".'
            await _refuse(problem(400, "TIE-API-012", words), scope, receive, send)
            return
        try:
            principal = await authenticate(request)
        except HTTPException:
            await next_app(scope, receive, send)
            return
        body = await _body(receive, self._max_body_bytes)
        call = _Call(request, principal, key.group(1), _fingerprint(request, body))
        known = await asyncio.to_thread(call.begin)
        if known is None:
            await _carry_out(call, scope, _again(body), send, next_app)
        else:
            await _answer(call, known, scope, receive, send)


class _Call:
    """One request under a key."""

    def __init__(self, request: Request[Any, Any, State], principal: Principal, key: str, fingerprint: bytes) -> None:
        self._database: DoorDatabase = request.app.state.database
        self._now: datetime = request.app.state.clock.now()
        self._principal = principal
        self.key = key
        self.fingerprint = fingerprint

    def begin(self) -> Kept | None:
        """Take the key; what is kept under it where somebody has."""
        with self._database.as_caller(self._principal) as conn:
            conn.execute(
                "delete from idempotency_key where begun_at < %s or (status is null and begun_at < %s)",
                (self._now - KEPT, self._now - ABANDONED_AFTER),
            )
            taken = conn.execute(
                """
                insert into idempotency_key (principal_id, key, fingerprint, begun_at) values (%s, %s, %s, %s)
                on conflict do nothing returning key
                """,
                (self._principal.principal_id, self.key, self.fingerprint, self._now),
            ).fetchone()
            return None if taken is not None else self._kept(conn)

    def finish(self, status: int, content_type: str, body: bytes) -> None:
        """Keep the answer; one of a defect of ours is not kept, so that the caller can try again."""
        with self._database.as_caller(self._principal) as conn:
            if status >= _SERVER_ERROR:
                conn.execute("delete from idempotency_key where key = %s", (self.key,))
                return
            conn.execute(
                "update idempotency_key set status = %s, content_type = %s, body = %s where key = %s",
                (status, content_type, body, self.key),
            )

    def _kept(self, conn: Connection[Row]) -> Kept | None:
        row = conn.execute(
            "select fingerprint, begun_at, status, content_type, body from idempotency_key where key = %s", (self.key,)
        ).fetchone()
        if row is None:
            return None
        return msgspec.convert(dict(zip(Kept.__struct_fields__, row, strict=True)), Kept)


def _is_keyed(path: str) -> bool:
    return path.startswith(f"{API_PATH}/") and _NO_KEYS.fullmatch(path) is None


async def _carry_out(call: _Call, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
    status, content_type, answered = _SERVER_ERROR, "", bytearray()

    async def keep(message: Message) -> None:
        nonlocal status, content_type
        if message["type"] == "http.response.start":
            status = message["status"]
            content_type = MutableScopeHeaders.from_message(message).get("content-type", "")
        elif message["type"] == "http.response.body":
            answered.extend(message["body"])
            if not message["more_body"]:
                # Before the caller knows: whoever has the answer finds it kept.
                await asyncio.to_thread(call.finish, status, content_type, bytes(answered))
        await send(message)

    await next_app(scope, receive, keep)


async def _answer(call: _Call, known: Kept, scope: Scope, receive: Receive, send: Send) -> None:
    if known.fingerprint != call.fingerprint:
        words = "This Idempotency-Key was used for another request; use a new key for a new request."
        await _refuse(problem(422, "TIE-API-013", words), scope, receive, send)
    elif known.status is None:
        words = "The request under this Idempotency-Key is still under way; send it again in a moment."
        await _refuse(problem(409, "TIE-API-014", words), scope, receive, send)
    else:
        headers = [(b"content-type", (known.content_type or "").encode()), (REPLAYED.encode(), b"true")]
        await send({"type": "http.response.start", "status": known.status, "headers": headers})
        await send({"type": "http.response.body", "body": known.body or b"", "more_body": False})


async def _refuse(answer: Response[bytes], scope: Scope, receive: Receive, send: Send) -> None:
    request: Request[Any, Any, State] = Request(scope, receive, send)
    await answer.to_asgi_response(None, request)(scope, receive, send)


def _fingerprint(request: Request[Any, Any, State], body: bytes) -> bytes:
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + body).digest()


async def _body(receive: Receive, limit_bytes: int) -> bytes:
    """The whole body; of one that is too long only so much that whoever reads it refuses it."""
    body = bytearray()
    while len(body) <= limit_bytes:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message["body"]
        if not message["more_body"]:
            break
    return bytes(body)


def _again(body: bytes) -> Receive:
    """The body as the handler receives it."""
    sent = False

    async def receive() -> HTTPReceiveMessage:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
