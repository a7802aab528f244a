"""HTTP to the specimen."""

from collections.abc import Mapping

import httpx
import msgspec
import structlog
from tests.unit.connect.specimen.manifest import MANIFEST, Flaw

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict_as
from tieout.connect.token import IssuedToken, TokenKeeper
from tieout.errors import AccessError, ContractError, TransientError

log = structlog.get_logger(__name__)


class Client:
    def __init__(self, connection: Connection, flaw: Flaw | None) -> None:
        self._connection = connection
        self._flaw = flaw
        self._http = connection.open_http(MANIFEST.limits, base_url=connection.settings["base_url"])
        self._token = TokenKeeper(self._fetch, connection.clock)

    async def _fetch(self) -> IssuedToken:
        secret = self._connection.secrets["client_secret"]
        if self._flaw is Flaw.LEAKS:
            log.warning("fetching a token", secret=secret)
        body = msgspec.json.encode({"client_secret": secret})
        answer = await self._http.request("POST", "/token", content=body, read_only=True)
        if answer.status == 401:
            raise AccessError(code="TIE-TEST-001", message="the secret is refused")
        if not answer.ok:
            raise TransientError(code="TIE-TEST-002", message=f"no token: {answer.status}")
        token = decode_strict_as(answer.body, dict[str, str | int])
        self._http.redactor.learn(str(token["access_token"]))
        return IssuedToken(value=str(token["access_token"]))

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        key: str = "",
    ) -> HttpAnswer:
        token = await self._token.current()
        answer = await self._once(method, path, token, params=params, body=body, key=key)
        if answer.status == 401:
            fresh = (await self._fetch()).value if self._flaw is Flaw.TOKEN_EACH else await self._token.renew(token)
            answer = await self._once(method, path, fresh, params=params, body=body, key=key)
        return answer

    async def _once(
        self, method: str, path: str, token: str, *, params: Mapping[str, str] | None, body: bytes | None, key: str
    ) -> HttpAnswer:
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        if self._flaw is Flaw.OWN_HTTP:
            async with httpx.AsyncClient(base_url=self._connection.settings["base_url"]) as client:
                got = await client.request(method, path, headers=headers, params=params, content=body)
                return HttpAnswer(status=got.status_code, headers=got.headers, body=got.content, retry_after_s=None)
        return await self._http.request(method, path, headers=headers, params=params, content=body)

    async def read(self, path: str, **params: str) -> bytes:
        answer = await self.call("GET", path, params=params)
        if answer.status in {401, 403}:
            raise AccessError(code="TIE-TEST-001", message=f"{path} is refused with {answer.status}")
        if answer.status == 404:
            if self._flaw is Flaw.EMPTY_ON_404:
                return b'{"items": []}'
            raise ContractError(code="TIE-TEST-003", message=f"{path} is not there")
        if not answer.ok:
            wait_s = None if self._flaw is Flaw.IGNORES_RETRY_AFTER else answer.retry_after_s
            raise TransientError(code="TIE-TEST-002", message=f"{path}: {answer.status}", retry_after_s=wait_s)
        return answer.body

    async def aclose(self) -> None:
        await self._http.aclose()
