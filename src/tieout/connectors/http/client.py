"""The HTTP of a REST system: requests signed as its definition says; a token that is refused is renewed once.

Credentials go to the configured address only: a link that leads to another host is refused.
"""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict_as
from tieout.connect.manifest import Limits
from tieout.connect.token import IssuedToken, TokenKeeper
from tieout.connectors.http.definition import Definition
from tieout.connectors.http.outcome_codes import read_failure
from tieout.errors import AccessError, ContractError

_UNAUTHORIZED: Final = 401
_BAD_REQUEST: Final = 400
_REFUSED_CLIENT: Final = frozenset({_BAD_REQUEST, _UNAUTHORIZED, 403})


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749, 5.1: the answer of a token endpoint."""

    access_token: str
    expires_in: int | None = None


class RestClient:
    """One account of one system."""

    def __init__(self, connection: Connection, definition: Definition) -> None:
        self._connection = connection
        self._definition = definition
        self._base_url = connection.settings["base_url"].rstrip("/")
        limits = Limits(
            requests_per_window=definition.requests_per_window,
            window_s=definition.window_s,
            concurrency=definition.concurrency,
        )
        self._http = connection.open_http(limits, base_url=self._base_url)
        self._tokens = TokenKeeper(self._fetch_token, connection.clock)

    async def get(self, path: str, params: Mapping[str, str], *, absent: tuple[int, ...] = ()) -> HttpAnswer:
        """A good answer to a GET, or one with a status of ``absent``.

        Raises TransientError, AccessError or ContractError as ``outcome_codes.read_failure`` says.
        """
        answer = await self.send("GET", path, params=params)
        failure = None if answer.status in absent else read_failure(answer, f"GET {path}", self._definition)
        if failure is not None:
            raise failure
        return answer

    async def follow(self, link: str, *, after: str) -> HttpAnswer:
        """A good answer from a link that the answer for path ``after`` gave.

        Raises as ``get`` does, and ContractError for a link to another host.
        """
        target = urljoin(f"{self._base_url}{after}", link)
        home, named = urlsplit(self._base_url), urlsplit(target)
        if (named.scheme, named.netloc) != (home.scheme, home.netloc):
            raise ContractError(
                code="TIE-REST-001",
                message=f"{self._definition.title} links to {named.netloc} for the next page; credentials go to "
                f"{home.netloc} only.",
            )
        return await self.get(target, {})

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Any answer, after one renewal of a token that is refused; raises as ``HttpClient.request`` does."""
        signature = await self._signature()
        answer = await self._once(method, path, signature, params=params, content=content, headers=headers)
        if answer.status != _UNAUTHORIZED or self._definition.auth.kind != "oauth2":
            return answer
        renewed = await self._tokens.renew(signature["Authorization"].removeprefix("Bearer "))
        fresh = {"Authorization": f"Bearer {renewed}"}
        return await self._once(method, path, fresh, params=params, content=content, headers=headers)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _once(
        self,
        method: str,
        path: str,
        signature: Mapping[str, str],
        *,
        params: Mapping[str, str] | None,
        content: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> HttpAnswer:
        kind = {} if content is None else {"Content-Type": "application/json"}
        sent = {"Accept": "application/json", **self._definition.headers, **kind, **(headers or {}), **signature}
        return await self._http.request(method, path, headers=sent, params=params or None, content=content)

    async def _signature(self) -> dict[str, str]:
        auth, secrets = self._definition.auth, self._connection.secrets
        match auth.kind:
            case "bearer":
                return {"Authorization": f"Bearer {secrets['token']}"}
            case "basic":
                return {"Authorization": self._basic(auth.user or "", secrets["password"])}
            case "header":
                return {auth.header or "": secrets["api_key"]}
            case "oauth2":
                return {"Authorization": f"Bearer {await self._tokens.current()}"}
        return {}

    def _basic(self, user: str, password: str) -> str:
        credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._http.redactor.learn(credentials)
        return f"Basic {credentials}"

    async def _fetch_token(self) -> IssuedToken:
        auth = self._definition.auth
        secret, client_id = self._connection.secrets["client_secret"], auth.client_id or ""
        form = {"grant_type": "client_credentials"} | ({} if auth.scope is None else {"scope": auth.scope})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if auth.client_in == "body":
            form |= {"client_id": client_id, "client_secret": secret}
        else:
            headers["Authorization"] = self._basic(client_id, secret)
        path = auth.token_path or ""
        answer = await self._http.request(
            "POST", path, headers=headers, content=urlencode(form).encode(), read_only=True
        )
        if answer.status in _REFUSED_CLIENT:
            raise AccessError(
                code="TIE-REST-004",
                message=f"{self._definition.title} gave no token for the client: status {answer.status}.",
            )
        failure = read_failure(answer, f"POST {path}", self._definition)
        if failure is not None:
            raise failure
        told = decode_strict_as(answer.body, TokenAnswer)
        self._http.redactor.learn(told.access_token)
        now = self._connection.clock.now()
        expires_at = None if told.expires_in is None else now + timedelta(seconds=told.expires_in)
        return IssuedToken(value=told.access_token, expires_at=expires_at)
