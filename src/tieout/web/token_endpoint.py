"""``POST /v1/oauth/token``: a program's id and secret for an access token (OAuth 2, client credentials).

Refusals have the form that OAuth clients read (RFC 6749, 5.2).
Neighbours: ``governance.api_clients`` knows the secrets, ``tokens`` signs.
"""

import asyncio
import base64
import binascii
from typing import Any, Final
from urllib.parse import unquote

import msgspec
import structlog
from litestar import MediaType, Request, Response, post
from litestar.datastructures import State
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST, HTTP_401_UNAUTHORIZED

from tieout.governance import access, api_clients
from tieout.model.access import Scope
from tieout.web.database import DoorDatabase
from tieout.web.guards import PROVES_ITSELF, count
from tieout.web.tokens import TOKEN_LASTS, TokenKeys

log = structlog.get_logger(__name__)

_FORM: Final = "application/x-www-form-urlencoded"
_MAX_BYTES: Final = 16 * 1024
_NEVER_STORED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class IssuedToken(msgspec.Struct, frozen=True, kw_only=True):
    """An access token, for how many seconds it holds and for which scopes."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class OAuthRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no token."""

    error: str
    error_description: str


class _RefusedError(Exception):
    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = OAuthRefusal(error=error, error_description=description)


@post(
    "/v1/oauth/token",
    status_code=HTTP_200_OK,
    request_max_body_size=_MAX_BYTES,
    opt={PROVES_ITSELF: True},
    operation_id="issue_token",
    summary="An access token for a program's id and secret",
    tags=["access"],
)
async def issue_token(request: Request[Any, Any, State], state: State) -> Response[bytes]:
    """Issue a token for all scopes of the program, or for those of them that it asks for."""
    count(request, state.guesses, "unknown" if request.client is None else request.client.host)
    try:
        form = await _form(request)
        credentials = _credentials(request.headers.get("authorization"), form)
        issued = await asyncio.to_thread(_issue, state, credentials, form.get("scope", ""))
    except _RefusedError as refused:
        known = refused.body.error != "invalid_client"
        log.warning("token.refused", why=refused.body.error, address=request.client and request.client.host)
        answer = _answer(refused.body, HTTP_400_BAD_REQUEST if known else HTTP_401_UNAUTHORIZED)
        if not known:
            answer.headers["WWW-Authenticate"] = 'Basic realm="tieout"'
        return answer
    return _answer(issued, HTTP_200_OK)


async def _form(request: Request[Any, Any, State]) -> dict[str, str]:
    if request.content_type[0] != _FORM:
        raise _RefusedError("invalid_request", f"Send the request as {_FORM}.")
    form = {str(name): str(value) for name, value in (await request.form()).items()}
    if form.get("grant_type") != "client_credentials":
        raise _RefusedError("unsupported_grant_type", "Only client_credentials is supported.")
    return form


def _credentials(header: str | None, form: dict[str, str]) -> tuple[str, str]:
    """Id and secret, by the header (each form-encoded there) or by the form, never by both."""
    if header is None:
        return form.get("client_id", ""), form.get("client_secret", "")
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or "client_secret" in form:
        raise _not_known()
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError) as error:
        raise _not_known() from error
    return unquote(client_id), unquote(secret)


def _issue(state: State, credentials: tuple[str, str], asked_for: str) -> IssuedToken:
    database: DoorDatabase = state.database
    keys: TokenKeys = state.token_keys
    if any("\0" in one for one in credentials):
        raise _not_known()
    now = state.clock.now()
    with database.as_nobody() as conn:
        principal_id = api_clients.principal_id_of(conn, *credentials)
        who = None if principal_id is None else access.principal_by_id(conn, principal_id, now=now)
    if who is None:
        raise _not_known()
    asked = frozenset(asked_for.split())
    if not asked <= frozenset(who.rights):
        raise _RefusedError("invalid_scope", "Scopes are asked for that this program does not hold.")
    scopes = frozenset(Scope(one) for one in asked) or frozenset(who.rights)
    return IssuedToken(
        access_token=keys.issue(principal_id=who.principal_id, client_id=credentials[0], scopes=scopes, now=now),
        token_type="Bearer",  # noqa: S106 - the kind of the token, not the token
        expires_in=int(TOKEN_LASTS.total_seconds()),
        scope=" ".join(sorted(scopes)),
    )


def _not_known() -> _RefusedError:
    return _RefusedError("invalid_client", "Client id and secret do not belong together, or were revoked.")


def _answer(body: msgspec.Struct, status: int) -> Response[bytes]:
    return Response(
        msgspec.json.encode(body), status_code=status, media_type=MediaType.JSON, headers=dict(_NEVER_STORED)
    )
