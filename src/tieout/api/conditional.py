"""ETag, If-None-Match and If-Match (RFC 9110, 13): a reader that has it already is told 304, a late writer 412.

The tag is of the body's bytes, so that it changes exactly when what is told changes. Streams pass as they are.
"""

import hashlib
from typing import Final

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from tieout.errors import ConfigurationError

_OK: Final = 200
_NOT_MODIFIED: Final = 304


class Conditional(ASGIMiddleware):
    """Adds the tag and answers 304 where the caller names it."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Hold the answer back until its body is known, where it is JSON."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
            await next_app(scope, receive, send)
            return
        started: Message | None = None
        body = bytearray()

        async def hold(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                held = message["status"] == _OK and "json" in headers.get("content-type", "")
                if held:
                    started = message
                    return
            elif message["type"] == "http.response.body" and started is not None:
                body.extend(message["body"])
                if not message["more_body"]:
                    await _answer(started, bytes(body), _named(scope), send)
                return
            await send(message)

        await next_app(scope, receive, hold)


def etag_of(body: bytes) -> str:
    """The strong tag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def check_unchanged(if_match: str | None, told: object) -> None:
    """Raise ConfigurationError (TIE-API-016) where what the caller has read is not what would be ``told`` now."""
    if if_match is None:
        return
    named = {one.strip() for one in if_match.split(",")}
    if not named & {"*", etag_of(msgspec.json.encode(told))}:
        raise ConfigurationError(code="TIE-API-016", message="It is not any more as it was read.")


async def _answer(started: Message, body: bytes, named: frozenset[str], send: Send) -> None:
    tag = etag_of(body)
    headers = MutableScopeHeaders.from_message(started)
    headers["etag"] = tag
    headers["cache-control"] = "private, no-cache"
    if tag in named or "*" in named:
        started["status"] = _NOT_MODIFIED  # type: ignore[typeddict-unknown-key]  # the message is of a started answer
        headers["content-length"] = "0"
        body = b""
    await send(started)
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _named(scope: Scope) -> frozenset[str]:
    """The tags that the caller has; a weak one counts as the strong one here."""
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"]
    return frozenset(one.strip().removeprefix("W/") for value in given for one in value.split(","))
