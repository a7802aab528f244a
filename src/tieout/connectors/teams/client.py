"""The HTTP of a workflow: one post. Its address is a secret as a whole, of which the signature proves who asks."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
from tieout.connectors.teams.manifest import LIMITS
from tieout.errors import ConfigurationError

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_SECRET_CHARS: Final = 12
_TRACKED_BY: Final = "x-ms-client-tracking-id"


class TeamsClient:
    """One workflow.

    Raises ConfigurationError (TIE-TEAMS-001) where its address is none that a secret may be sent to.
    """

    def __init__(self, connection: Connection) -> None:
        parts = urlsplit(connection.secrets["webhook_url"])
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not safe or not parts.hostname or parts.username:
            raise ConfigurationError(
                code="TIE-TEAMS-001", message="The secret webhook_url of Teams is no https address."
            )
        self._path = parts.path or "/"
        self._parameters = dict(parse_qsl(parts.query))
        self._http = connection.open_http(LIMITS, base_url=f"{parts.scheme}://{parts.netloc}")
        for value in self._parameters.values():
            if len(value) >= _SECRET_CHARS:
                self._http.redactor.learn(value)

    async def post(self, content: bytes, *, reference: str) -> HttpAnswer:
        """One card, tracked by its reference in the history of runs.

        Raises UnknownOutcomeError or TransientError where no answer came.
        """
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Accept": "application/json",
            _TRACKED_BY: reference,
        }
        return await self._http.request("POST", self._path, headers=headers, params=self._parameters, content=content)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
