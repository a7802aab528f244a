"""Puts faults between a connector and a real system: a proxy that the same admin API steers as a simulator.

It passes every request on and every answer back unless a fault is due; ``commit_then_drop`` swallows an answer that
the system gave, ``drop`` resets before the system sees anything. Run it with ``SimulatorProcess(FAULT_PROXY, ...,
upstream=URL)``; a harness that must tell reads from writes subclasses it and overrides ``request_class``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import aiohttp
from aiohttp import web

from tieout.connect.simulator.base import Simulator
from tieout.connect.simulator.control import ConnectionSheet
from tieout.connect.simulator.faults import Fault, FaultKind

FAULT_PROXY: Final = "tieout.connect.simulator.fault_proxy:FaultProxy"

_NOT_PASSED_ON: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host", "date", "server"}
)
_STATUS: Final = {
    FaultKind.HTTP_429: 429,
    FaultKind.HTTP_503: 503,
    FaultKind.TOKEN_EXPIRED: 401,
    FaultKind.FORBIDDEN: 403,
    FaultKind.NOT_FOUND: 404,
    FaultKind.OK_WITH_ERROR_BODY: 200,
}


class FaultProxy(Simulator):
    """Passes requests on to ``options.upstream``; what only a vendor's handler could play is not supported."""

    name = "fault_proxy"
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset(
        {
            FaultKind.PARTIAL_BATCH,
            FaultKind.ALTER_AMOUNT,
            FaultKind.ALTER_CURRENCY,
            FaultKind.CONFLICT,
            FaultKind.UNPROCESSABLE,
        }
    )

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Everything goes to the real system."""
        return [web.route("*", "/{rest:.*}", self._pass_on)]

    def seed(self, firm_dir: Path) -> None:
        """Nothing is held here."""
        del firm_dir

    def fault_response(self, fault: Fault) -> web.Response:
        """What a gateway before the system would say."""
        return web.json_response({"error": {"kind": str(fault.kind)}}, status=_STATUS.get(fault.kind, 500))

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """Only the address: the harness knows the rest."""
        return ConnectionSheet(settings={"base_url": base_url}, secrets={})

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
        try:
            return await self._exchange(request, body, headers)
        except aiohttp.ClientConnectionError:
            return web.json_response({"error": {"kind": "bad_gateway"}}, status=502)

    async def _exchange(self, request: web.Request, body: bytes, headers: dict[str, str]) -> web.Response:
        async with (
            aiohttp.ClientSession(auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                request.method,
                f"{self.options.upstream}{request.rel_url}",
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as answer,
        ):
            passed = await answer.read()
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON]
            return web.Response(body=passed, status=answer.status, headers=kept)
