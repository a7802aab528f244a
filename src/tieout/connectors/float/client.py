"""The HTTP of Float: authenticated requests with the vendor's limits and errors; nothing else.

Page "Authentication and limits": a bearer token of the account owner, and a User-Agent that names the application and
an e-mail address. ``PUT`` would do for ``PATCH``; there is no key that makes a repeated request harmless.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
from tieout.connect.manifest import Limits
from tieout.connectors.float.options import Options
from tieout.connectors.float.outcome_codes import WAIT_AFTER_429_S, body_of

Verb: TypeAlias = Literal["POST", "PATCH", "DELETE"]

_TOO_MANY: Final = 429
_PAGES: Final = "x-pagination-page-count"


class Listed:
    """One page of a list: its body, and how many pages the list has (None where the answer does not tell)."""

    def __init__(self, body: bytes, page_count: int | None) -> None:
        self.body = body
        self.page_count = page_count


class FloatClient:
    """One account, with the owner's token."""

    def __init__(self, connection: Connection, options: Options, limits: Limits) -> None:
        self._http = connection.open_http(limits, base_url=options.base_url)
        self._headers = {
            "Authorization": f"Bearer {options.access_token}",
            "Accept": "application/json",
            "User-Agent": f"Tieout ({options.contact})",
        }

    async def page(self, path: str, parameters: Mapping[str, str]) -> Listed:
        """One page of the list at ``path``.

        Raises as ``outcome_codes.body_of`` does, and TransientError where no answer came: a read can be repeated.
        """
        answer = await self._http.request("GET", path, headers=self._headers, params=parameters)
        await self._slow_down(answer)
        told = answer.headers.get(_PAGES, "")
        return Listed(body_of(answer, f"GET {path}"), int(told) if told.isdecimal() else None)

    async def row(self, path: str, parameters: Mapping[str, str]) -> bytes:
        """The body of one row; raises as ``page`` does."""
        return (await self.page(path, parameters)).body

    async def send(
        self, verb: Verb, path: str, content: bytes | None = None, parameters: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """One write, whatever its answer; raises UnknownOutcomeError or TransientError where none came."""
        headers = self._headers if content is None else {**self._headers, "Content-Type": "application/json"}
        answer = await self._http.request(verb, path, headers=headers, params=parameters, content=content)
        await self._slow_down(answer)
        return answer

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _slow_down(self, answer: HttpAnswer) -> None:
        if answer.status == _TOO_MANY and answer.retry_after_s is None:
            await self._http.penalise(WAIT_AFTER_429_S)
