"""The HTTP of BambooHR: authenticated reads with the vendor's errors; nothing else.

The API key is the user of HTTP Basic; the password may be anything. Every limited answer (429, and 503 of old) carries
Retry-After, which the hub's client hands to the account's throttle.
"""

import base64
from collections.abc import Mapping
from typing import Final

import msgspec

from tieout.connect.connector import Connection
from tieout.connectors.bamboohr.manifest import MANIFEST
from tieout.connectors.bamboohr.outcome_codes import body_of

_PASSWORD: Final = "x"  # noqa: S105 - the vendor asks for any text in its place


class BambooClient:
    """One company, with the key of one user."""

    def __init__(self, connection: Connection) -> None:
        self._http = connection.open_http(MANIFEST.limits, base_url=connection.settings["base_url"].rstrip("/"))
        credentials = base64.b64encode(f"{connection.secrets['api_key']}:{_PASSWORD}".encode()).decode()
        self._http.redactor.learn(credentials)
        self._headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}

    async def get(self, path: str, parameters: Mapping[str, str]) -> bytes:
        """The body of a GET; raises as ``outcome_codes.body_of`` does, and TransientError where no answer came."""
        answer = await self._http.request("GET", path, headers=self._headers, params=parameters)
        return body_of(answer, f"GET {path}")

    async def ask(self, path: str, question: object) -> bytes:
        """The body of a POST that only asks; raises as ``get`` does."""
        answer = await self._http.request(
            "POST",
            path,
            headers={**self._headers, "Content-Type": "application/json"},
            content=msgspec.json.encode(question),
            read_only=True,
        )
        return body_of(answer, f"POST {path}")

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
