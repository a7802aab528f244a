"""HTTP to systems we do not own: deadlines, size caps, limits, redaction, and the one distinction money needs.

A request that failed *before* it can have reached the target is a ``TransientError``; one that failed *after* it may
have been sent is an ``UnknownOutcomeError``, unless it only reads. What an answer means is the connector's matter.
Neighbours: connectors' ``client`` modules call it; ``throttle`` keeps limits, ``redaction`` hides secrets.
"""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpcore
import httpx
import msgspec
import structlog

from tieout.connect.addresses import Reach, refusal
from tieout.connect.manifest import Limits
from tieout.connect.redaction import Redactor
from tieout.connect.throttle import Throttle
from tieout.errors import ConfigurationError, ContractError, TieoutError, TransientError, UnknownOutcomeError
from tieout.model.clock import Clock

log = structlog.get_logger(__name__)

_SENDING: Final = "send_request_headers.started"
_CONNECTED: Final = "connection.connect_tcp.complete"
_READ_METHODS: Final = frozenset({"GET", "HEAD"})
_RETRY_AFTER_STATUSES: Final = frozenset({429, 503})
_TAPPED_BODY_CHARS: Final = 65_536
_OK_END: Final = 400
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

for _name in ("httpx", "httpcore"):
    # Their log lines show URLs and headers as they are; ours are redacted.
    logging.getLogger(_name).setLevel(logging.WARNING)


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and what came of it, without secrets; bodies are cut after 65,536 characters.

    ``status`` is None where no answer came, then ``failure`` says why.
    """

    at: datetime
    method: str
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int | None
    response_headers: dict[str, str]
    response_body: str
    duration_ms: int
    failure: str | None = None


WireTap = Callable[[Exchange], None]


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """How to talk HTTP on one connection.

    ``timeout_s`` is the total time of one request, body included. ``ca_file`` adds an authority to trust,
    ``proxy`` is a URL; whoever runs it decides what it reaches. ``wire_tap`` is given every exchange.
    """

    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0
    max_response_bytes: int = 32 * 1024 * 1024
    max_retry_after_s: float = 3600.0
    max_connections: int = 100
    ca_file: str | None = None
    proxy: str | None = None
    wire_tap: WireTap | None = None
    reach: Reach = Reach.CONFIGURED


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """A complete answer. Header names are lower-case; ``retry_after_s`` is sane, or None where none was told."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    retry_after_s: float | None

    @property
    def ok(self) -> bool:
        """Whether the status claims success; the body may still say otherwise."""
        return self.status < _OK_END

    @property
    def is_json(self) -> bool:
        """Whether the content type claims JSON (a sign-in page in HTML does not)."""
        return "json" in self.headers.get("content-type", "")


def parse_retry_after(value: str | None, *, now: datetime, cap_s: float) -> float | None:
    """Seconds that a Retry-After header (RFC 9110, 10.2.3) asks to wait, 0 to ``cap_s``; None if unreadable."""
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    if seconds != seconds:  # noqa: PLR0124 - NaN is the only number that differs from itself
        return None
    return min(max(seconds, 0.0), cap_s)


class HttpClient:
    """One account's way out. Close it with ``aclose``."""

    def __init__(  # noqa: PLR0913 - what a request must be kept to; all by name
        self,
        settings: HttpSettings,
        *,
        base_url: str,
        account: str,
        limits: Limits,
        throttle: Throttle,
        clock: Clock,
        redactor: Redactor,
    ) -> None:
        self._settings = settings
        self._account = account
        self._limits = limits
        self._throttle = throttle
        self._clock = clock
        self.redactor = redactor
        timeout = httpx.Timeout(settings.timeout_s, connect=min(settings.connect_timeout_s, settings.timeout_s))
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            proxy=settings.proxy,
            verify=_trust(settings.ca_file),
            limits=httpx.Limits(max_connections=settings.max_connections, max_keepalive_connections=20),
        )

    async def request(  # noqa: PLR0913 - the parts of an HTTP request; all but two by name
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        read_only: bool | None = None,
        timeout_s: float | None = None,
    ) -> HttpAnswer:
        """Send one request and read its whole answer, whatever its status.

        ``read_only`` says that repeating does no harm (default: GET and HEAD). Raises TransientError (did not reach the
        target, or only reads), UnknownOutcomeError (may have been sent), ContractError (a read answered with more bytes
        than allowed) or ConfigurationError (the address cannot be used).
        """
        harmless = method in _READ_METHODS if read_only is None else read_only
        try:
            request = self._client.build_request(method, path, headers=headers, params=params, content=content)
        except httpx.InvalidURL as error:
            raise self._unusable(method, path, str(error)) from None
        if any(_CONTROL.search(value) for value in request.headers.values()):
            raise self._unusable(method, path, "a header has a control character; is there one in a secret?")
        reach = None if self._settings.proxy else self._settings.reach
        call = _Call(request=request, harmless=harmless, started_at=self._clock.now(), reach=reach)
        async with self._throttle.acquire(self._account, self._limits):
            answer = await self._send(call, self._settings.timeout_s if timeout_s is None else timeout_s)
        if answer.status in _RETRY_AFTER_STATUSES and answer.retry_after_s:
            await self._throttle.penalise(self._account, answer.retry_after_s)
        return answer

    async def penalise(self, seconds: float) -> None:
        """Slow this account down where the vendor asks for it by other means than Retry-After."""
        await self._throttle.penalise(self._account, min(seconds, self._settings.max_retry_after_s))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _send(self, call: "_Call", timeout_s: float) -> HttpAnswer:
        began = time.monotonic()
        call.request.extensions["trace"] = call.trace
        call.request.extensions["timeout"] = {
            "connect": min(self._settings.connect_timeout_s, timeout_s),
            "read": timeout_s,
            "write": timeout_s,
            "pool": timeout_s,
        }
        failure: TieoutError
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._exchange(call)
        except TimeoutError:
            failure = self._failed(call, f"no complete answer within {timeout_s:g} s")
        except _TooLargeError:
            failure = self._too_large(call)
        except _ForbiddenAddressError as error:
            failure = self._unusable(call.request.method, call.request.url.path, str(error))
        except httpx.UnsupportedProtocol as error:
            failure = self._unusable(call.request.method, call.request.url.path, str(error))
        except httpx.HTTPError as error:
            failure = self._failed(call, _reason(error))
        else:
            self._tap(call, began, answer=answer)
            return answer
        self._tap(call, began, failure=failure)
        # Not chained: the library's exception holds the request with its credentials.
        raise failure from None

    async def _exchange(self, call: "_Call") -> HttpAnswer:
        response = await self._client.send(call.request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._settings.max_response_bytes:
                    raise _TooLargeError
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        retry_after_s = parse_retry_after(
            headers.get("retry-after"), now=self._clock.now(), cap_s=self._settings.max_retry_after_s
        )
        answer = HttpAnswer(status=response.status_code, headers=headers, body=bytes(body), retry_after_s=retry_after_s)
        return answer if answer.ok else self._without_secrets(answer)

    def _without_secrets(self, answer: HttpAnswer) -> HttpAnswer:
        """A refusal without the secrets that it repeats: its words go into errors and to people.

        Only known secrets are replaced, so that its form stays as its connector expects it.
        """
        text = answer.body.decode("utf-8", "surrogateescape")
        hidden = self.redactor.hide_known(text)
        return replace(
            answer,
            headers={name: self.redactor.hide_known(value) for name, value in answer.headers.items()},
            body=answer.body if hidden == text else hidden.encode("utf-8", "surrogateescape"),
        )

    def _failed(self, call: "_Call", reason: str) -> TransientError | UnknownOutcomeError:
        where = self._where(call.request.method, call.request.url.path)
        reason = self.redactor.hide(reason)
        if not call.may_have_been_sent:
            return TransientError(code="TIE-HTTP-001", message=f"{where} did not reach the target: {reason}.")
        if call.harmless:
            return TransientError(code="TIE-HTTP-003", message=f"{where} was not answered: {reason}.")
        return UnknownOutcomeError(
            code="TIE-HTTP-002", message=f"{where} was sent and not answered ({reason}); it may have taken effect."
        )

    def _too_large(self, call: "_Call") -> ContractError | UnknownOutcomeError:
        where = self._where(call.request.method, call.request.url.path)
        limit = self._settings.max_response_bytes
        if call.harmless:
            return ContractError(
                code="TIE-HTTP-004",
                message=f"{where} was answered with more than {limit} bytes; the rest was not read.",
            )
        return UnknownOutcomeError(
            code="TIE-HTTP-002", message=f"{where} was sent; its answer has more than {limit} bytes and was not read."
        )

    def _unusable(self, method: str, path: str, why: str) -> ConfigurationError:
        words = self.redactor.hide(why)
        return ConfigurationError(code="TIE-HTTP-005", message=f"{self._where(method, path)} cannot be sent: {words}.")

    def _where(self, method: str, path: str) -> str:
        return f"{method} {self.redactor.hide(path)} (account {self._account})"

    def _tap(
        self, call: "_Call", began: float, *, answer: HttpAnswer | None = None, failure: TieoutError | None = None
    ) -> None:
        if self._settings.wire_tap is None:
            return
        request, redactor = call.request, self.redactor
        exchange = Exchange(
            at=call.started_at,
            method=request.method,
            url=redactor.hide(str(request.url)),
            request_headers=redactor.hide_headers(request.headers),
            request_body=_shown(request.content, redactor),
            status=None if answer is None else answer.status,
            response_headers={} if answer is None else redactor.hide_headers(answer.headers),
            response_body="" if answer is None else _shown(answer.body, redactor),
            duration_ms=int((time.monotonic() - began) * 1000),
            failure=None if failure is None else failure.message,
        )
        try:
            self._settings.wire_tap(exchange)
        except Exception:  # the request is made; what watches it must not change what came of it
            log.exception("wire tap failed", account=self._account)


class _TooLargeError(Exception):
    """The body passed the cap."""


class _ForbiddenAddressError(Exception):
    """The connection leads where the hub must not speak."""


@dataclass(kw_only=True)
class _Call:
    request: httpx.Request
    harmless: bool
    started_at: datetime
    reach: Reach | None = None
    may_have_been_sent: bool = False

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Follow the request by the events of httpcore.

        Whom a new connection really leads to is judged before anything is sent on it; from when on bytes of the request
        may have left is noted.
        """
        if event == _CONNECTED and self.reach is not None:
            await _check_peer(info["return_value"], self.reach)
        if event.endswith(_SENDING):
            self.may_have_been_sent = True


async def _check_peer(stream: object, reach: Reach) -> None:
    if not isinstance(stream, httpcore.AsyncNetworkStream):
        raise TypeError(stream)
    peer = stream.get_extra_info("server_addr")
    why = refusal(str(peer[0]), reach)
    if why is not None:
        await stream.aclose()
        raise _ForbiddenAddressError(why)


def _shown(body: bytes, redactor: Redactor) -> str:
    return redactor.hide(body.decode("utf-8", errors="replace"))[:_TAPPED_BODY_CHARS]


def _reason(error: httpx.HTTPError) -> str:
    words = str(error).strip()
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _trust(ca_file: str | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context
