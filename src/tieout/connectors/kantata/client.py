"""The HTTP of Kantata OX: authenticated requests with the vendor's limits and errors; nothing else.

Page "Rate Limits": too many requests are answered with 429 and no Retry-After; "retry your request after a small
delay".
"""

from collections.abc import Mapping
from typing import Final

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer, HttpClient
from tieout.connect.redaction import Redactor
from tieout.connectors.kantata.manifest import MANIFEST
from tieout.connectors.kantata.outcome_codes import body_of

DELAY_AFTER_429_S: Final = 5.0
_TOO_MANY: Final = 429


class KantataClient:
    """One account, with an administrator's token."""

    def __init__(self, connection: Connection) -> None:
        default = next(one.default for one in MANIFEST.settings if one.name == "base_url")
        token = connection.secrets["access_token"]
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._http = HttpClient(
            connection.http,
            base_url=connection.settings.get("base_url") or default or "",
            account=connection.account,
            limits=MANIFEST.limits,
            throttle=connection.throttle,
            clock=connection.clock,
            redactor=Redactor([token]),
        )

    async def get(self, collection: str, parameters: Mapping[str, str]) -> bytes:
        """The body of an index request (page "Response Format").

        Raises as ``outcome_codes.body_of`` does, and TransientError where no answer came: a read can be repeated.
        """
        path = f"/{collection}.json"
        answer = await self._http.request("GET", path, headers=self._headers, params=parameters)
        if answer.status == _TOO_MANY and answer.retry_after_s is None:
            await self._http.penalise(DELAY_AFTER_429_S)
        return body_of(answer, f"GET {path}")

    async def send(
        self, method: str, path: str, content: bytes, parameters: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """The answer to a write, whatever it is; raises as ``HttpClient.request`` does where none came."""
        headers = {**self._headers, "Content-Type": "application/json"}
        answer = await self._http.request(
            method, f"/{path}.json", headers=headers, params=parameters or {}, content=content
        )
        if answer.status == _TOO_MANY and answer.retry_after_s is None:
            await self._http.penalise(DELAY_AFTER_429_S)
        return answer

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
