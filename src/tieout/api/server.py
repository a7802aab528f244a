"""Serves the application on the hub's event loop with granian, over connections of the doors' own role.

The web framework is loaded beside the hub: after a restart the first posting does not wait for it. What programs and
vendors hand in is taken in for the whole firm; what people and programs read goes by the rights of whoever asks.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tieout.errors import ConfigurationError, InvariantError
from tieout.governance.master_key import MasterKeys
from tieout.model.clock import Clock
from tieout.storage.pool import Pool, sync_pool
from tieout.web.site import Site

if TYPE_CHECKING:
    from granian.server.embed import Server
    from litestar.types import ControllerRouterHandler

    from tieout.api.subscription_sender import Sender
    from tieout.web.entrance import Entrance

    Pages = Callable[[], Sequence[ControllerRouterHandler]]

ALL_ENTITIES: Final = "*"
_TAKING_IN: Final = 6
_ASKING: Final = 8


class Door:
    """The HTTP server of one hub."""

    def __init__(self, *, address: str, port: int, clock: Clock, pages: "Pages | None" = None) -> None:
        """``pages`` makes the routes for people; it is called beside the hub."""
        self._address = address
        self._port = port
        self._clock = clock
        self._pages = pages
        self._database: tuple[str, Path, Site] | None = None

    def open(self, url: str, *, home: Path, site: Site) -> None:
        """Serve on the database that ``url`` names, as the doors' role; keys that sign tokens are below ``home``."""
        self._database = (url, home, site)

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

    async def __call__(self, _: Pool, stopping: asyncio.Event) -> None:
        """Serve until ``stopping``, not on the hub's own connections; raises InvariantError before ``open``."""
        if self._database is None:
            raise InvariantError(code="TIE-STORE-010", message="The door was not opened.")
        from tieout.web.entrance import Entrance  # noqa: PLC0415 - the web framework is loaded beside the hub

        url, home, site = self._database
        pages = () if self._pages is None else await asyncio.to_thread(self._pages)
        taking_in = sync_pool(url, application="tieout-intake", size=_TAKING_IN, entities=ALL_ENTITIES)
        asking = sync_pool(url, application="tieout-door", size=_ASKING)
        try:
            await self._serve(taking_in, Entrance(pool=asking, home=home, site=site, pages=pages), stopping)
        finally:
            taking_in.close()
            asking.close()

    async def _serve(self, taking_in: Pool, entrance: "Entrance", stopping: asyncio.Event) -> None:
        server = await asyncio.to_thread(self._server, taking_in, entrance)
        serving = asyncio.create_task(server.serve())
        telling = asyncio.create_task(self._sender(entrance).run(stopping))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({serving, stopped, telling}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            server.stop()  # type: ignore[no-untyped-call]  # granian leaves it untyped
        try:
            await serving
        finally:
            stopped.cancel()
            if not stopping.is_set():
                telling.cancel()
            await asyncio.wait({telling})
        if not telling.cancelled():
            telling.result()

    def _sender(self, entrance: "Entrance") -> "Sender":
        """Events by webhook are sent beside the server, with the rights of those who subscribed."""
        from tieout.api.subscription_sender import Sender  # noqa: PLC0415 - loaded beside the hub
        from tieout.web.database import DoorDatabase  # noqa: PLC0415 - as above

        keys = MasterKeys(entrance.home, os.environ)
        return Sender(DoorDatabase(entrance.pool, self._clock), keys, self._clock)

    def _server(self, taking_in: Pool, entrance: "Entrance") -> "Server":
        from granian.constants import Interfaces  # noqa: PLC0415 - loaded beside the hub
        from granian.server.embed import Server  # noqa: PLC0415 - as above

        from tieout.api.app import application  # noqa: PLC0415 - as above

        return Server(
            application(taking_in, self._clock, entrance),
            address=self._address,
            port=self._port,
            interface=Interfaces.ASGI,
            log_access=False,
            log_enabled=False,
        )
