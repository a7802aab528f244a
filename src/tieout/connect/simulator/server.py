"""Runs one simulator: the vendor's API on one port, the admin API on another, both on the loopback interface."""

import asyncio
import os
import pkgutil
import signal
import socket
import sys
import weakref
from importlib.metadata import entry_points

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from tieout.connect.simulator.admin_api import AdminApi
from tieout.connect.simulator.base import Simulator
from tieout.connect.simulator.control import DownOrder, ReadyLine
from tieout.errors import ConfigurationError

SIMULATOR_GROUP = "tieout.simulators"
_LOOPBACK = "127.0.0.1"


def installed_simulators() -> list[str]:
    """Names of the simulators that are installed, in order."""
    return sorted(entry.name for entry in entry_points(group=SIMULATOR_GROUP))


def load_simulator(name: str) -> type[Simulator]:
    """The simulator class registered as ``name``, or at ``module:attribute``; ConfigurationError where none is."""
    loaded = _resolve(name)
    if isinstance(loaded, type) and issubclass(loaded, Simulator):
        return loaded
    raise ConfigurationError(code="TIE-CONNECT-003", message=f"Simulator {name!r} is no subclass of Simulator.")


def _resolve(name: str) -> object:
    for entry in entry_points(group=SIMULATOR_GROUP):
        if entry.name == name:
            return entry.load()
    if ":" in name:
        try:
            return pkgutil.resolve_name(name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigurationError(
                code="TIE-CONNECT-002", message=f"There is no simulator at {name!r}: {error}."
            ) from error
    known = ", ".join(installed_simulators()) or "none"
    raise ConfigurationError(
        code="TIE-CONNECT-002",
        message=f"There is no simulator named {name!r}; installed are: {known}.",
    )


class SimulatorServer:
    """One simulator on its two ports; ``port`` 0 takes any free one."""

    def __init__(self, simulator: Simulator, *, port: int = 0) -> None:
        self._simulator = simulator
        self._port = port
        self._transports: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()
        self._site: web.TCPSite | None = None
        self._runner: web.AppRunner | None = None
        self._admin_runner: web.AppRunner | None = None
        self._recovery: asyncio.TimerHandle | None = None
        self._reopening: asyncio.Task[None] | None = None
        self.admin_url = ""

    @property
    def base_url(self) -> str:
        """Where the vendor's API listens."""
        return f"http://{_LOOPBACK}:{self._port}"

    async def start(self) -> None:
        """Listen on both ports."""
        app = self._simulator.application()
        app.middlewares.insert(0, self._remember_transport)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        self._port = self._port or _free_port()
        await self._open()
        admin = AdminApi(self._simulator, lambda: self.base_url, self.go_down)
        self._admin_runner = web.AppRunner(admin.application(), access_log=None, shutdown_timeout=0.2)
        await self._admin_runner.setup()
        admin_port = _free_port()
        await web.TCPSite(self._admin_runner, _LOOPBACK, admin_port).start()
        self.admin_url = f"http://{_LOOPBACK}:{admin_port}/_simulator"

    async def stop(self) -> None:
        """Close both ports and the state."""
        if self._recovery is not None:
            self._recovery.cancel()
        for runner in (self._runner, self._admin_runner):
            if runner is not None:
                await runner.cleanup()
        self._simulator.state.close()

    async def go_down(self, order: DownOrder) -> None:
        """Refuse connections, or answer 503, for ``order.seconds``; 0 comes back at once."""
        if self._recovery is not None:
            self._recovery.cancel()
            self._recovery = None
        await self._come_back()
        if order.seconds <= 0:
            return
        if order.how == "answer_503":
            self._simulator.answers_503 = True
        else:
            await self._close()
        loop = asyncio.get_running_loop()
        self._recovery = loop.call_later(order.seconds, self._schedule_come_back)

    def _schedule_come_back(self) -> None:
        self._reopening = asyncio.ensure_future(self._come_back())

    async def _come_back(self) -> None:
        self._simulator.answers_503 = False
        if self._site is None:
            await self._open()

    async def _open(self) -> None:
        if self._runner is None:
            raise RuntimeError("the simulator is not set up")
        self._site = web.TCPSite(self._runner, _LOOPBACK, self._port, reuse_address=True)
        await self._site.start()
        await self._simulator.go_dark(dark=False)

    async def _close(self) -> None:
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()
            await self._simulator.go_dark(dark=True)
        for transport in list(self._transports):
            if isinstance(transport, asyncio.Transport):
                transport.abort()

    @web.middleware
    async def _remember_transport(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.transport is not None:
            self._transports.add(request.transport)
        return await handler(request)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


async def serve_until_stopped(simulator: Simulator, *, port: int, with_parent: bool) -> None:
    """Serve until SIGTERM or SIGINT, or, ``with_parent``, until standard input closes (the parent is gone)."""
    server = SimulatorServer(simulator, port=port)
    await server.start()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end_of_input, stopped)
    ready = ReadyLine(base_url=server.base_url, admin_url=server.admin_url, pid=os.getpid())
    sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    sys.stdout.flush()
    await stopped.wait()
    await server.stop()


def _stop_at_end_of_input(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stopped.set()
