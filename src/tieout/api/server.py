"""Serves the application on the hub's event loop with granian.

The web framework is loaded beside the hub: after a restart the first posting does not wait for it.
"""

import asyncio
import socket
from typing import TYPE_CHECKING

from tieout.errors import ConfigurationError
from tieout.model.clock import Clock
from tieout.storage.pool import Pool

if TYPE_CHECKING:
    from granian.server.embed import Server


class Door:
    """The HTTP server of one hub."""

    def __init__(self, *, address: str, port: int, clock: Clock) -> None:
        self._address = address
        self._port = port
        self._clock = clock

    def check(self) -> None:
        """Raise ConfigurationError (TIE-API-005) when the address cannot be listened on."""
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(
                self._address, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
                probe.listen(1)
        except OSError as error:
            raise ConfigurationError(
                code="TIE-API-005",
                message=f"The API cannot listen on {self._address} port {self._port}: {error.strerror or error}.",
            ) from error

    async def __call__(self, pool: Pool, stopping: asyncio.Event) -> None:
        """Serve until ``stopping``."""
        server = await asyncio.to_thread(self._server, pool)
        serving = asyncio.create_task(server.serve())
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            server.stop()  # type: ignore[no-untyped-call]  # granian leaves it untyped
        await serving
        stopped.cancel()

    def _server(self, pool: Pool) -> "Server":
        from granian.constants import Interfaces  # noqa: PLC0415 - loaded beside the hub
        from granian.server.embed import Server  # noqa: PLC0415 - as above

        from tieout.api.app import application  # noqa: PLC0415 - as above

        return Server(
            application(pool, self._clock),
            address=self._address,
            port=self._port,
            interface=Interfaces.ASGI,
            log_access=False,
            log_enabled=False,
        )
