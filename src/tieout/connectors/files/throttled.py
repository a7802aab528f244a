"""Every request to where files lie waits for its place under the account's limits, as every request of the hub does."""

from contextlib import AbstractAsyncContextManager

from tieout.connect.connector import Connection
from tieout.connectors.files.manifest import LIMITS
from tieout.connectors.files.transport import Entry, Exchange


class Throttled:
    """An exchange behind the hub's throttle."""

    def __init__(self, exchange: Exchange, connection: Connection) -> None:
        self._exchange = exchange
        self._connection = connection

    async def entries(self, folder: str) -> list[Entry]:
        """See ``transport.Exchange``."""
        async with self._place():
            return await self._exchange.entries(folder)

    async def read(self, folder: str, name: str, *, max_bytes: int) -> bytes | None:
        """See ``transport.Exchange``."""
        async with self._place():
            return await self._exchange.read(folder, name, max_bytes=max_bytes)

    async def create(self, folder: str, name: str, content: bytes) -> bool:
        """See ``transport.Exchange``."""
        async with self._place():
            return await self._exchange.create(folder, name, content)

    async def aclose(self) -> None:
        """Release connections."""
        await self._exchange.aclose()

    def _place(self) -> AbstractAsyncContextManager[None]:
        return self._connection.throttle.acquire(self._connection.account, LIMITS)
