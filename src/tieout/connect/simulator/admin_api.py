"""The admin API of a simulator, on a port of its own so that it answers while the vendor's API is down.

    GET    /_simulator/status?window_s=1   what happened so far (``SimulatorStatus``)
    GET    /_simulator/connection          settings and secrets for a connector (``ConnectionSheet``)
    GET    /_simulator/holdings            what is really held under references of the hub (list of ``Holding``)
    GET    /_simulator/webhooks            every webhook that was signed (list of ``SentWebhook``)
    POST   /_simulator/seed                {"directory": ...}: fill from a seed firm
    POST   /_simulator/changes             [Change, ...]: somebody works in the system by hand
    PUT    /_simulator/faults              [Fault, ...]: force faults on the next matching requests
    DELETE /_simulator/faults              forget forced faults
    PUT    /_simulator/switches            ``Switches``: dedup, clock offset, read lag, fault rate and seed
    POST   /_simulator/down                {"seconds": ..., "how": "refuse" | "answer_503"}; 0 ends it
    POST   /_simulator/tokens/expire       every issued token becomes invalid
    POST   /_simulator/traffic/reset       count afresh

Also reachable as ``PUT dedup {"on"}`` and ``PUT clock {"offset_s"}`` for hands on a keyboard.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from aiohttp import web

from tieout.connect.simulator.base import Simulator, UnsupportedChangeError
from tieout.connect.simulator.control import Change, DownOrder, SeedOrder, Switches
from tieout.connect.simulator.faults import Fault, FaultPlan

Body = TypeVar("Body")
GoDown = Callable[[DownOrder], Awaitable[None]]


class _DedupSwitch(msgspec.Struct, frozen=True):
    on: bool


class _ClockSwitch(msgspec.Struct, frozen=True):
    offset_s: float


class AdminApi:
    """Handlers of the admin API of one simulator; ``go_down`` is the server's."""

    def __init__(self, simulator: Simulator, base_url: Callable[[], str], go_down: GoDown) -> None:
        self._simulator = simulator
        self._base_url = base_url
        self._go_down = go_down

    def application(self) -> web.Application:
        """The admin API as an aiohttp application."""
        app = web.Application(middlewares=[_explain_refusals])
        app.add_routes(
            [
                web.get("/_simulator/status", self._status),
                web.get("/_simulator/state", self._status),
                web.get("/_simulator/connection", self._connection),
                web.get("/_simulator/holdings", self._holdings),
                web.get("/_simulator/webhooks", self._webhooks),
                web.post("/_simulator/seed", self._seed),
                web.post("/_simulator/changes", self._changes),
                web.put("/_simulator/faults", self._force),
                web.delete("/_simulator/faults", self._clear),
                web.put("/_simulator/switches", self._switches),
                web.put("/_simulator/dedup", self._dedup),
                web.put("/_simulator/clock", self._clock),
                web.post("/_simulator/down", self._down),
                web.post("/_simulator/tokens/expire", self._expire),
                web.post("/_simulator/traffic/reset", self._reset),
            ]
        )
        return app

    async def _status(self, request: web.Request) -> web.Response:
        return _json(self._simulator.status(float(request.query.get("window_s", "1"))))

    async def _connection(self, _: web.Request) -> web.Response:
        return _json(self._simulator.connection_sheet(self._base_url()))

    async def _holdings(self, _: web.Request) -> web.Response:
        return _json(list(self._simulator.holdings()))

    async def _webhooks(self, _: web.Request) -> web.Response:
        return _json(list(self._simulator.webhooks()))

    async def _seed(self, request: web.Request) -> web.Response:
        order = await _body(request, SeedOrder)
        self._simulator.seed(Path(order.directory))
        return _json(self._simulator.object_counts())

    async def _changes(self, request: web.Request) -> web.Response:
        for change in await _body(request, list[Change]):
            self._simulator.apply_change(change)
        return _json({})

    async def _force(self, request: web.Request) -> web.Response:
        faults = await _body(request, list[Fault])
        for fault in faults:
            if fault.kind not in self._simulator.plan.supported:
                return _json({"error": f"{self._simulator.name} cannot show {fault.kind}"}, status=422)
        for fault in faults:
            self._simulator.plan.force(fault)
        return _json({})

    async def _clear(self, _: web.Request) -> web.Response:
        self._simulator.plan.clear()
        return _json({})

    async def _switches(self, request: web.Request) -> web.Response:
        self._switch(await _body(request, Switches))
        return _json({})

    async def _dedup(self, request: web.Request) -> web.Response:
        self._switch(Switches(dedup=(await _body(request, _DedupSwitch)).on))
        return _json({})

    async def _clock(self, request: web.Request) -> web.Response:
        self._switch(Switches(clock_offset_s=(await _body(request, _ClockSwitch)).offset_s))
        return _json({})

    def _switch(self, switches: Switches) -> None:
        simulator = self._simulator
        if switches.dedup is not None:
            simulator.state.put("dedup", switches.dedup)
        if switches.clock_offset_s is not None:
            simulator.set_clock_offset(switches.clock_offset_s)
        if switches.read_lag_s is not None:
            simulator.state.put("read_lag_s", switches.read_lag_s)
        if switches.fault_rate is not None or switches.fault_seed is not None:
            rate = simulator.plan.rate if switches.fault_rate is None else switches.fault_rate
            seed = simulator.options.seed if switches.fault_seed is None else switches.fault_seed
            simulator.plan = FaultPlan(simulator.state, seed=seed, rate=rate, supported=simulator.plan.supported)

    async def _down(self, request: web.Request) -> web.Response:
        await self._go_down(await _body(request, DownOrder))
        return _json({})

    async def _expire(self, _: web.Request) -> web.Response:
        return _json({"expired": self._simulator.expire_tokens()})

    async def _reset(self, _: web.Request) -> web.Response:
        self._simulator.traffic.reset()
        return _json({})


@web.middleware
async def _explain_refusals(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except (UnsupportedChangeError, msgspec.ValidationError, msgspec.DecodeError) as refusal:
        return _json({"error": str(refusal)}, status=422)


async def _body(request: web.Request, body_type: type[Body]) -> Body:
    return msgspec.json.decode(await request.read(), type=body_type)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
