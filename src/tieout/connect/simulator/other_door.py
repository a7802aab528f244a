"""What simulators share whose vendor is reached by another protocol than HTTP: a door that opens with the process.

Only the admin API is served by HTTP then. Neighbour: ``base`` is what every simulator is.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from aiohttp import web

from tieout.connect.simulator.base import Simulator
from tieout.connect.simulator.faults import Fault


class Door(Protocol):
    """A server of the vendor's protocol; ``port`` is the one that it listens on."""

    @property
    def port(self) -> int:
        """Known once it is open, and kept for the next start."""
        ...

    async def open(self) -> None:
        """Let requests in."""
        ...

    async def close(self) -> None:
        """Let none in, and end what is under way."""
        ...


class OtherDoorSimulator(Simulator):
    """A simulator behind ``door``, which a subclass sets when it is made."""

    door: Door

    def application(self) -> web.Application:
        """Nothing of the vendor is served by HTTP; its door opens and closes with the process."""
        app = super().application()
        app.cleanup_ctx.append(self._open_door)
        return app

    async def _open_door(self, _: web.Application) -> AsyncIterator[None]:
        await self.door.open()
        self.state.put("port", self.door.port)
        yield
        await self.door.close()

    async def go_dark(self, *, dark: bool) -> None:
        """The door closes and opens with the rest."""
        await (self.door.close() if dark else self.door.open())

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """None."""
        return ()

    def fault_response(self, fault: Fault) -> web.Response:
        """HTTP is not spoken."""
        del fault
        return web.Response(status=503)
