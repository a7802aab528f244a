"""Who asks, and whether he may: for both doors, by bearer token or by the cookie of a session.

A handler names what it needs: ``guards=[requires(Scope.X)]`` refuses whoever lacks the scope, the dependency
``principal`` brings whoever asks. ``Gate`` refuses before that what another site made a browser send: every unsafe
request of a session carries the session's CSRF token, in the header ``X-CSRF-Token`` or the field ``_csrf`` of a form.
Neighbours: ``sign_in`` and ``tokens`` give the credentials, ``limits`` counts, ``problems`` words the refusals.
"""

import asyncio
import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException
from litestar.handlers.base import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Guard, Receive, Send
from litestar.types import Scope as AsgiScope

from tieout.governance import access, api_clients, sign_in
from tieout.model.access import Principal, Scope
from tieout.web.database import DoorDatabase
from tieout.web.headers import STANDING, is_secure
from tieout.web.limits import RateLimiter
from tieout.web.site import Site
from tieout.web.tokens import TokenKeys

PRINCIPAL: Final = "tieout_principal"
CSRF: Final = "tieout_csrf"
CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "_csrf"
COOKIE: Final = "tieout_session"
SECURE_COOKIE: Final = "__Host-tieout_session"
PROVES_ITSELF: Final = "proves_itself"
"""Key in a handler's ``opt`` where each request carries its own proof (signed webhooks): no browser sends it."""
IS_NO_ACT_OF_A_SESSION: Final = "is_no_act_of_a_session"
"""Key in a handler's ``opt`` for what a browser sends before it has a session, whatever old cookie it still has."""
KEY_PREFIX: Final = "tieout_"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE: Final = frozenset({"", "same-origin", "none"})

SCOPE_OF: Final[dict[Guard, Scope]] = {}
"""The scope that each guard of ``requires`` asks for, for whoever describes the doors."""

Connected = ASGIConnection[Any, Any, Any, State]
Asking: TypeAlias = NamedDependency[Principal]
"""The type of a handler's parameter ``principal``."""


class Gate(ASGIMiddleware):
    """Refuses what a browser was made to send by another site, before any handler sees it."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: AsgiScope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Check one request."""
        request: Request[Any, Any, State] = Request(scope, receive, send)
        secret = session_secret(request)
        _kept(scope)[CSRF] = "" if secret is None else csrf_token_of(secret)
        if (
            request.method not in _SAFE
            and not request.route_handler.opt.get(PROVES_ITSELF)
            and _bearer(request) is None
        ):
            await _check_where_it_comes_from(request, secret)
        await next_app(scope, receive, send)


async def principal(request: Request[Any, Any, State]) -> Principal:
    """The dependency ``principal``: whoever asks. Raises NotAuthorizedException (401) where nobody is known."""
    return await authenticate(request)


def requires(scope: Scope) -> Guard:
    """A guard that lets in whoever holds ``scope`` for any legal entity; what he sees are the rows of these.

    Raises 401 without credentials, 403 without the scope. A record of another entity is not found: rows that are not
    seen do not exist (404).
    """

    async def guard(connection: Connected, _: BaseRouteHandler) -> None:
        who = await authenticate(connection)
        if not who.may(scope):
            raise PermissionDeniedException(f"{who.name} does not hold {scope.value}.")
        await asyncio.to_thread(connection.app.state.database.note_use, who.principal_id, scope)

    SCOPE_OF[guard] = scope
    return guard


async def authenticate(connection: Connected) -> Principal:
    """Whoever asks, found out once per request and counted against his quota.

    Raises NotAuthorizedException (401), TooManyRequestsException (429).
    """
    kept = _kept(connection.scope)
    known = kept.get(PRINCIPAL)
    if isinstance(known, Principal):
        return known
    now: datetime = connection.app.state.clock.now()
    found = await asyncio.to_thread(_find, connection, now)
    if found is None:
        raise NotAuthorizedException
    count(connection, connection.app.state.limits, str(found.principal_id))
    kept[PRINCIPAL] = found
    return found


def count(connection: Connected, limiter: RateLimiter, who: str) -> None:
    """Count a request of ``who``; raises TooManyRequestsException (429) above the quota."""
    standing = limiter.count(who, connection.app.state.clock.now())
    _kept(connection.scope)[STANDING] = standing
    if standing.exceeded:
        raise TooManyRequestsException(
            f"At most {standing.quota.requests} requests in {standing.quota.window_s} seconds; "
            f"send it again in {standing.resets_in_s}.",
            headers=standing.headers(),
        )


def csrf_token(request: Request[Any, Any, State]) -> str:
    """What forms of this session carry in ``_csrf``; empty without a session."""
    return str(_kept(request.scope).get(CSRF, ""))


def csrf_token_of(secret: str) -> str:
    """Bound to the session, told to its pages only, of no use without the cookie."""
    digest = hmac.new(secret.encode("utf-8", "surrogatepass"), b"tieout csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def cookie_name(scope: AsgiScope) -> str:
    """By https a name that a neighbouring host cannot set."""
    return SECURE_COOKIE if is_secure(scope) else COOKIE


def session_secret(connection: Connected) -> str | None:
    """The secret of the session that the request names; whether it holds is not asked."""
    return connection.cookies.get(cookie_name(connection.scope)) or None


def _kept(scope: AsgiScope) -> dict[str, Any]:
    """The request's own dictionary; the framework types the keys it knows itself only."""
    kept: Any = scope
    found: dict[str, Any] = kept
    return found


def _find(connection: Connected, now: datetime) -> Principal | None:
    database: DoorDatabase = connection.app.state.database
    bearer, secret = _bearer(connection), session_secret(connection)
    if bearer is None:
        if secret is None:
            return None
        with database.as_nobody() as conn:
            return sign_in.principal_of_session(conn, secret, now=now)
    if bearer.startswith(KEY_PREFIX):
        with database.as_nobody() as conn:
            principal_id = api_clients.principal_id_of_key(conn, bearer)
            return None if principal_id is None else access.principal_by_id(conn, principal_id, now=now)
    keys: TokenKeys | None = connection.app.state.get("token_keys")
    claims = None if keys is None else keys.read(bearer, now=now)
    if claims is None:
        return None
    with database.as_nobody() as conn:
        found = access.principal_by_id(conn, claims.principal_id, now=now)
        if found is None or api_clients.client_of(conn, claims.principal_id) is None:
            return None
    rights = {scope: where for scope, where in found.rights.items() if scope in claims.scopes}
    return msgspec.structs.replace(found, rights=rights)


def _bearer(connection: Connected) -> str | None:
    """The credentials in the header; None where there is none. Another scheme counts as wrong credentials."""
    header = connection.headers.get("authorization")
    if header is None:
        return None
    scheme, _, credentials = header.partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


async def _check_where_it_comes_from(request: Request[Any, Any, State], secret: str | None) -> None:
    if not _is_of_own_site(request):
        raise PermissionDeniedException("It was sent from another site.")
    if secret is None or request.route_handler.opt.get(IS_NO_ACT_OF_A_SESSION):
        return
    if not await _carries(request, csrf_token(request)):
        raise PermissionDeniedException("It lacks the token of this session: load the page again, then repeat.")


def _is_of_own_site(request: Request[Any, Any, State]) -> bool:
    """Whether a browser, which always tells, says that a page of ours sent it; programs tell nothing."""
    if request.headers.get("sec-fetch-site", "") not in _OWN_SITE:
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    site = request.app.state.get("site")
    hosts = {request.headers.get("host"), site.host if isinstance(site, Site) else None}
    return urlsplit(origin).netloc in hosts - {None}


async def _carries(request: Request[Any, Any, State], token: str) -> bool:
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.content_type[0] in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        field = (await request.form()).get(CSRF_FIELD)
        given = field if isinstance(field, str) else None
    return given is not None and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())
