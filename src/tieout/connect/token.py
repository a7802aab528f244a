"""One access token for all requests of an account, fetched and renewed once however many requests need it.

Neighbours: a connector's client gives ``fetch``; ``http`` carries it. A refused renewal raises AccessError once and is
not repeated by the requests that waited for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tieout.model.clock import Clock

_MARGIN = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """A token and the instant it expires (None: not told)."""

    value: str
    expires_at: datetime | None = None


class TokenKeeper:
    """Holds the token of one open connection; nothing of it outlives the process."""

    def __init__(self, fetch: Callable[[], Awaitable[IssuedToken]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token: IssuedToken | None = None
        self._renewal: asyncio.Future[IssuedToken] | None = None

    async def current(self) -> str:
        """A token that is believed to be good; fetched when there is none or it is about to expire."""
        token = self._token
        if token is not None and not self._expires_soon(token):
            return token.value
        return await self.renew("" if token is None else token.value)

    async def renew(self, refused: str) -> str:
        """A token other than ``refused``: of many that saw the same refusal, one fetches and all get its answer."""
        token = self._token
        if token is not None and token.value != refused and not self._expires_soon(token):
            return token.value
        if self._renewal is None:
            self._renewal = asyncio.ensure_future(self._fetch_and_keep())
        return (await asyncio.shield(self._renewal)).value

    async def _fetch_and_keep(self) -> IssuedToken:
        try:
            self._token = await self._fetch()
        finally:
            self._renewal = None
        return self._token

    def _expires_soon(self, token: IssuedToken) -> bool:
        return token.expires_at is not None and self._clock.now() >= token.expires_at - _MARGIN
