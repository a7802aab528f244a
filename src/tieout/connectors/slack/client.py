"""The HTTP of Slack's Web API: two methods, a bearer token, JSON."""

from typing import Final

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
from tieout.connectors.slack.manifest import LIMITS

_PAGE: Final = "200"


class SlackClient:
    """One workspace, with the app's bot token."""

    def __init__(self, connection: Connection) -> None:
        self._http = connection.open_http(LIMITS, base_url=connection.settings["base_url"])
        self._headers = {"Authorization": f"Bearer {connection.secrets['bot_token']}", "Accept": "application/json"}

    async def post_message(self, content: bytes) -> HttpAnswer:
        """One message; raises UnknownOutcomeError or TransientError where no answer came."""
        headers = {**self._headers, "Content-Type": "application/json; charset=utf-8"}
        return await self._http.request("POST", "/chat.postMessage", headers=headers, content=content)

    async def history(self, channel: str, *, oldest: int, cursor: str) -> HttpAnswer:
        """A page of a channel's messages since ``oldest`` (Unix seconds), the newest first, with their metadata."""
        parameters = {"channel": channel, "oldest": str(oldest), "limit": _PAGE, "include_all_metadata": "true"}
        if cursor:
            parameters["cursor"] = cursor
        return await self._http.request("GET", "/conversations.history", headers=self._headers, params=parameters)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
