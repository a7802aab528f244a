"""JSON-RPC to one Tryton database: signing in, reading, writing. HTTP only; nothing is interpreted beyond success.

Pages of the Tryton server documentation: "Remote Procedure Call", "Configuration (session)". A session is made by
``common.db.login`` and sent as ``Authorization: Session``; after five minutes without a request (``[session] timeout``)
Tryton answers 401 before it does anything, so that signing in again and repeating is safe. The members ``id``,
``method`` and ``params`` must be there and no others: otherwise errors come back as pages of HTML.
"""

import base64
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import JsonValue, decode_strict, shape_strict
from tieout.connect.outcome import NoAccess, RetryLater, Unknown
from tieout.connect.token import IssuedToken, TokenKeeper
from tieout.connectors.tryton.manifest import MANIFEST
from tieout.connectors.tryton.options import Options
from tieout.connectors.tryton.outcome_codes import Told, told_by, words_of
from tieout.errors import AccessError, ContractError, TransientError, UnknownOutcomeError

Row = TypeVar("Row", bound=msgspec.Struct)

_REQUEST_ID: Final = 1
_OK: Final = 200
_UNAUTHORISED: Final = 401
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_REFUSALS: Final = frozenset({401, 403, 404})


class TrytonClient:
    """One account's way in. Close it with ``aclose``."""

    def __init__(self, connection: Connection, options: Options) -> None:
        self._options = options
        self._http = connection.open_http(MANIFEST.limits, base_url=options.base_url)
        self._path = f"/{options.database}/rpc/"
        self._sessions = TokenKeeper(self._sign_in, connection.clock)

    async def aclose(self) -> None:
        """Close all connections; the session is left to expire, because others of this user may share nothing of it."""
        await self._http.aclose()

    async def ask(
        self, method: str, *parameters: object, company: int | None = None, inactive: bool = False
    ) -> JsonValue:
        """The result of a method that only reads; ``inactive`` also among what Tryton no longer shows.

        Raises TransientError, AccessError, or ContractError for an answer that is none.
        """
        return result_of(await self.ask_bytes(method, *parameters, company=company, inactive=inactive))

    async def ask_bytes(
        self, method: str, *parameters: object, company: int | None = None, inactive: bool = False
    ) -> bytes:
        """As ``ask``, but the answer as it was received; only its status has been looked at."""
        context: dict[str, object] = {"company": company} if company is not None else {}
        if inactive:
            context["active_test"] = False
        answer = await self._send(method, parameters, context=context, read_only=True)
        if answer.status == _OK:
            return answer.body
        words = f"Tryton answered {method} with HTTP {answer.status}: {words_of(answer)}"
        if answer.status in _REFUSALS:
            raise AccessError(code="TIE-TRYTON-003", message=words)
        if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
            raise TransientError(code="TIE-TRYTON-004", message=words, retry_after_s=answer.retry_after_s)
        raise ContractError(code="TIE-TRYTON-002", message=words)

    async def tell(self, method: str, *parameters: object, company: int | None = None) -> Told:
        """Have something done; whatever comes of it is told, nothing is raised but ConfigurationError."""
        try:
            context: dict[str, object] = {"company": company} if company is not None else {}
            answer = await self._send(method, parameters, context=context, read_only=False)
        except UnknownOutcomeError as error:
            return Unknown(reason=error.message)
        except TransientError as error:
            return RetryLater(reason=error.message, after_s=error.retry_after_s)
        except AccessError as error:
            return NoAccess(words=error.message)
        except ContractError as error:
            return RetryLater(reason=f"Signing in failed: {error.message}")
        return told_by(answer)

    async def _send(
        self, method: str, parameters: tuple[object, ...], *, context: Mapping[str, object], read_only: bool
    ) -> HttpAnswer:
        told = {"language": "en", **context}
        body = msgspec.json.encode({"id": _REQUEST_ID, "method": method, "params": [*parameters, told]})
        session = await self._sessions.current()
        answer = await self._post(body, session=session, read_only=read_only)
        if answer.status == _UNAUTHORISED:
            session = await self._sessions.renew(session)
            answer = await self._post(body, session=session, read_only=read_only)
        return answer

    async def _post(self, body: bytes, *, session: str | None, read_only: bool) -> HttpAnswer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if session is not None:
            headers["Authorization"] = f"Session {session}"
        return await self._http.request("POST", self._path, headers=headers, content=body, read_only=read_only)

    async def _sign_in(self) -> IssuedToken:
        """A session by ``common.db.login``; raises AccessError where Tryton does not let us in."""
        options = self._options
        parameters = [options.user, {"password": options.password}, "en"]
        body = msgspec.json.encode({"id": _REQUEST_ID, "method": "common.db.login", "params": parameters})
        answer = await self._post(body, session=None, read_only=True)
        if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
            raise TransientError(
                code="TIE-TRYTON-004",
                message=f"Tryton does not take a sign-in of {options.user} now (HTTP {answer.status}).",
                retry_after_s=answer.retry_after_s,
            )
        if answer.status != _OK:
            raise AccessError(
                code="TIE-TRYTON-003",
                message=f"Tryton refused the sign-in of {options.user} to {options.database} (HTTP {answer.status}).",
            )
        match result_of(answer.body):
            case [int(user), str(token), *_]:
                self._http.redactor.learn(token)
                session = base64.b64encode(f"{options.user}:{user}:{token}".encode()).decode("ascii")
                self._http.redactor.learn(session)
                return IssuedToken(value=session)
        raise ContractError(code="TIE-TRYTON-002", message="Tryton's answer to the sign-in is not as documented.")


def result_of(body: bytes) -> JsonValue:
    """The result in an answer; raises AccessError for a refusal and ContractError for whatever else is no result."""
    document = decode_strict(body)
    if isinstance(document, dict) and "result" in document and "error" not in document:
        return document["result"]
    match document.get("error") if isinstance(document, dict) else None:
        case ["UserError", [str(words), *_]] | ["LoginException", [*_, str(words), _]]:
            raise AccessError(code="TIE-TRYTON-003", message=f"Tryton refused to read: {words}")
    raise ContractError(code="TIE-TRYTON-002", message=f"Tryton answered without a result: {body[:200]!r}")


def rows_of(value: JsonValue, row: type[Row]) -> list[Row]:
    """A result of ``search_read`` or ``read`` as ``row``s; raises ContractError where it is none."""
    if not isinstance(value, list):
        raise ContractError(code="TIE-TRYTON-002", message="Tryton answered a search with something else than a list.")
    return [shape_strict(one, row) for one in value]
