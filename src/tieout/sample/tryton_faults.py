"""Faults between our connector and the real Tryton: a proxy that answers as Tryton does when it fails.

Run by ``tieout.sample.tryton_harness`` as a process of its own; the conformance suite steers it. A request's class is
told by the method inside its body, because every call of JSON-RPC goes to the same address.
"""

from typing import ClassVar, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.fault_proxy import FaultProxy
from tieout.connect.simulator.faults import Fault, FaultKind, RequestClass

FAULTS: Final = "tieout.sample.tryton_faults:TrytonFaults"

_READS: Final = frozenset({"read", "search", "search_count", "search_read", "get_preferences"})
_LOGIN: Final = "common.db.login"
_CLASSES: Final[dict[str, RequestClass]] = {"read": "read", "write": "write", "token": "token"}
_CLASS: Final = web.RequestKey("class", str)
_PAGES: Final = {
    FaultKind.HTTP_429: (429, "Too Many Requests"),
    FaultKind.HTTP_500: (500, "Internal Server Error"),
    FaultKind.HTTP_503: (503, 'could not obtain lock on row in relation "ir_sequence_strict"'),
    FaultKind.TOKEN_EXPIRED: (401, ""),
    FaultKind.FORBIDDEN: (403, "Forbidden"),
    FaultKind.NOT_FOUND: (404, "Not Found"),
}
_ERRORS: Final[dict[FaultKind, list[object]]] = {
    FaultKind.CONFLICT: ["ConcurrencyException", "Records were modified in the meanwhile"],
    FaultKind.UNPROCESSABLE: [
        "UserError",
        ['A value is required for field "Account" in "Account Move Line".', "", None],
    ],
    FaultKind.OK_WITH_ERROR_BODY: ["list index out of range", ""],
}


class _Call(msgspec.Struct):
    method: str = ""


class TrytonFaults(FaultProxy):
    """The proxy with Tryton's own words."""

    name = "tryton_faults"
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset(
        {FaultKind.PARTIAL_BATCH, FaultKind.ALTER_AMOUNT, FaultKind.ALTER_CURRENCY}
    )
    drift = Drift(
        enums=("state",),
        required=("code", "name", "rate", "_timestamp", "start_date"),
        retyped=("code", "name", "rate", "_timestamp", "state", "start_date"),
    )

    def application(self) -> web.Application:
        """The proxy, which looks into a request before anything is decided about it."""
        app = super().application()
        app.middlewares.insert(0, self._look_inside)
        return app

    def request_class(self, request: web.Request) -> RequestClass:
        """By the method that is called."""
        return _CLASSES[request.get(_CLASS, "write")]

    def fault_response(self, fault: Fault) -> web.Response:
        """What Tryton itself answers."""
        error = _ERRORS.get(fault.kind)
        if error is not None:
            return web.json_response({"id": 1, "error": error})
        status, words = _PAGES.get(fault.kind, (500, "Internal Server Error"))
        return web.Response(
            status=status, text=f"<!doctype html><h1>{words}</h1><p>{words}</p>", content_type="text/html"
        )

    @web.middleware
    async def _look_inside(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            method = msgspec.json.decode(await request.read(), type=_Call).method
        except msgspec.MsgspecError:
            method = ""
        kind = "read" if method.rpartition(".")[2] in _READS else "write"
        request[_CLASS] = "token" if method == _LOGIN else kind
        return await handler(request)
