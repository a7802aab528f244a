"""What every simulator is: a vendor's routes over durable state, with faults between the request and its answer.

A vendor's simulator subclasses ``Simulator``, keeps its rows in ``self.state`` and answers as the public documentation
says. Neighbours: ``server`` runs it, ``admin_api`` steers it, ``faults`` decides what goes wrong. A simulator imports
neither our model nor any mapping: it must not share the hub's mistakes.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from tieout.connect.simulator.control import Change, ConnectionSheet, Holding, SentWebhook, SimulatorStatus
from tieout.connect.simulator.drift import Drift, drifted
from tieout.connect.simulator.faults import ANSWERED_INSTEAD, Fault, FaultKind, FaultPlan, RequestClass
from tieout.connect.simulator.state import State
from tieout.connect.simulator.traffic import Traffic

FAULT: web.RequestKey[Fault | None] = web.RequestKey("fault", Fault)
"""Where a handler finds the fault that it must play itself: ``request.get(FAULT)``; see ``fault_for``."""

_HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>"


class SimulatorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one simulator is started: where its state lies, how often things go wrong, what a proxy stands before.

    ``longest_in_flight_s``: a request that was not acted on so many seconds after it came is not acted on at all (None:
    it is, however late).
    """

    state_dir: Path
    seed: int = 0
    fault_rate: float = 0.0
    dedup: bool | None = None
    upstream: str = ""
    longest_in_flight_s: float | None = None


class UnsupportedChangeError(Exception):
    """The vendor has nothing like this change: the admin API answers 422."""


class Simulator(ABC):
    """A faithful local server of one vendor's public API.

    Class attributes: ``name``; ``schema`` SQL that creates its tables (``if not exists``); ``unsupported_faults`` kinds
    that this vendor cannot show; ``drift`` the member names that schema drift spoils.
    """

    name: ClassVar[str]
    schema: ClassVar[str] = ""
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset()
    drift: ClassVar[Drift] = Drift()

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.state = State(options.state_dir / f"{self.name}.sqlite", self.schema)
        self.plan = FaultPlan(
            self.state,
            seed=options.seed,
            rate=options.fault_rate,
            supported=frozenset(FaultKind) - self.unsupported_faults,
        )
        self.traffic = Traffic()
        self.answers_503 = False
        if options.dedup is not None:
            self.state.put("dedup", options.dedup)
        self._offset_s: float = self.state.get("clock_offset_s", 0.0)

    @abstractmethod
    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The vendor's routes; handlers answer only after what they recorded is committed."""

    @abstractmethod
    def seed(self, firm_dir: Path) -> None:
        """Replace everything held by the seed firm in ``firm_dir`` (``simulator.seed`` reads it)."""

    @abstractmethod
    def fault_response(self, fault: Fault) -> web.Response:
        """The vendor's own answer for a kind of ``ANSWERED_INSTEAD`` (HTML_PAGE is not asked)."""

    @abstractmethod
    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """Settings and secrets with which the vendor's connector reaches this simulator."""

    def apply_change(self, change: Change) -> None:
        """Let somebody change this system by hand, past the API; committed when it returns."""
        raise UnsupportedChangeError(f"{self.name} cannot {type(change).__name__}")

    def holdings(self) -> Iterable[Holding]:
        """Everything held under a reference of the hub, drafts included."""
        return ()

    def webhooks(self) -> Sequence[SentWebhook]:
        """Every webhook that this system has signed, whether or not it had an address to post it to; oldest first."""
        return ()

    async def go_dark(self, *, dark: bool) -> None:
        """Refuse connections at doors of its own beside HTTP, or open them again; most systems have none."""
        del dark

    def object_counts(self) -> dict[str, int]:
        """How many rows of each vendor object there are, for people and tests."""
        return {}

    def expire_tokens(self) -> bool:
        """Make every token that was issued invalid; False where tokens of this vendor never expire."""
        return False

    def request_class(self, request: web.Request) -> RequestClass:
        """Whether a request reads, writes or fetches a token; override where the method does not tell."""
        return "read" if request.method in {"GET", "HEAD"} else "write"

    def now(self) -> datetime:
        """This system's clock: the machine's, shifted as a test ordered. In UTC."""
        machine = datetime.now(UTC)  # noqa: TID251 - a simulator plays the outside world, which has its own clock
        return machine + timedelta(seconds=self._offset_s)

    def set_clock_offset(self, offset_s: float) -> None:
        """Let this system's clock go wrong by ``offset_s`` seconds, durably."""
        self._offset_s = offset_s
        self.state.put("clock_offset_s", offset_s)

    @property
    def clock_offset_s(self) -> float:
        """How wrong this system's clock goes, in seconds."""
        return self._offset_s

    @property
    def dedup(self) -> bool:
        """Whether the vendor's own protection against repeats works (True unless switched off)."""
        return self.state.get("dedup", default=True)

    @property
    def read_lag_s(self) -> float:
        """For how many seconds searches do not yet see what was written (eventual reads)."""
        return self.state.get("read_lag_s", 0.0)

    def visible_until(self) -> datetime:
        """Searches see what was written up to this instant."""
        return self.now() - timedelta(seconds=self.read_lag_s)

    def fault_for(self, request: web.Request, kind: FaultKind) -> Fault | None:
        """The fault that this handler has to play itself, if it is of ``kind``."""
        fault = request.get(FAULT)
        return fault if fault is not None and fault.kind is kind else None

    def status(self, window_s: float = 1.0) -> SimulatorStatus:
        """What happened so far."""
        traffic = self.traffic
        return SimulatorStatus(
            name=self.name,
            requests=traffic.total,
            writes=traffic.by_class["write"],
            reads=traffic.by_class["read"],
            token_requests=traffic.by_class["token"],
            concurrency=traffic.concurrency,
            max_concurrency=traffic.max_concurrency,
            max_in_window=traffic.max_in_window(window_s),
            faults_played=dict(self.plan.played),
            faults_pending=self.plan.pending,
            faults_supported=sorted(self.plan.supported),
            counters=self.state.counters(),
            objects=self.object_counts(),
            dedup=self.dedup,
            clock_offset_s=self._offset_s,
            read_lag_s=self.read_lag_s,
        )

    def application(self) -> web.Application:
        """The vendor's API as an aiohttp application."""
        app = web.Application(middlewares=[self._play], client_max_size=128 * 1024 * 1024)
        app.add_routes(self.routes())
        return app

    @web.middleware
    async def _play(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        kind_of_request = self.request_class(request)
        self.traffic.begin(kind_of_request)
        try:
            if self.answers_503:
                return self.fault_response(Fault(kind=FaultKind.HTTP_503))
            fault = self.plan.pick(method=request.method, path=request.path_qs, kind_of_request=kind_of_request)
            request[FAULT] = fault
            if fault is None:
                return await handler(request)
            return await self._play_fault(request, handler, fault)
        finally:
            self.traffic.end()

    async def _play_fault(self, request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
        if fault.kind in ANSWERED_INSTEAD:
            return self._answer_instead(fault)
        if fault.kind is FaultKind.DROP:
            return _abort(request, web.Response())
        if fault.kind is FaultKind.DELAY:
            came = time.monotonic()
            await request.read()
            await asyncio.sleep(fault.seconds)
            longest_s = self.options.longest_in_flight_s
            if longest_s is not None and time.monotonic() - came > longest_s:
                return self.fault_response(Fault(kind=FaultKind.HTTP_503))
        response = await handler(request)
        return await self._spoil(request, response, fault)

    async def _spoil(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
        """What is done is done; only its answer goes wrong."""
        match fault.kind:
            case FaultKind.COMMIT_THEN_DELAY:
                await asyncio.sleep(fault.seconds)
            case FaultKind.COMMIT_THEN_DROP:
                _abort(request, response)
            case FaultKind.COMMIT_THEN_5XX:
                return self.fault_response(Fault(kind=FaultKind.HTTP_500))
            case FaultKind.CUT_BODY:
                return await _cut(request, response)
            case FaultKind.SCHEMA_DRIFT if isinstance(response, web.Response):
                return _with_body(response, drifted(_body_of(response), self.drift, fault.variant))
        return response

    def _answer_instead(self, fault: Fault) -> web.Response:
        if fault.kind is FaultKind.HTML_PAGE:
            return web.Response(text=_HTML, content_type="text/html")
        response = self.fault_response(fault)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = fault.retry_after
        return response


def _body_of(response: web.Response) -> bytes:
    body = response.body
    return body if isinstance(body, bytes) else b""


def _with_body(response: web.Response, body: bytes) -> web.Response:
    return web.Response(body=body, status=response.status, content_type=response.content_type)


def _abort(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Reset the connection; what the handler did stays done."""
    if request.transport is not None:
        request.transport.abort()
    return response


async def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Announce the whole body, send half of it, reset the connection; an empty body cannot be cut, so only reset."""
    body = _body_of(response) if isinstance(response, web.Response) else b""
    if not body:
        return _abort(request, response)
    cut = web.StreamResponse(status=response.status)
    cut.content_type = response.content_type
    cut.content_length = len(body)
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    await asyncio.sleep(0.01)
    return _abort(request, cut)
