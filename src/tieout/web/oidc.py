"""Sign-on with the firm's identity provider: OpenID Connect, authorization code with PKCE, state and nonce.

Whoever the provider names must have been entered by an administrator with just the e-mail address that the provider
has verified: nobody gets in by having an account there alone. What the browser carries between the two steps is a token
that we signed, in a cookie of ten minutes. Neighbours: ``site`` names the provider, ``sign_in`` begins the session.
"""

import asyncio
import base64
import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from litestar import Request, Response, get
from litestar.datastructures import Cookie, State
from litestar.response import Redirect
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_303_SEE_OTHER,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_502_BAD_GATEWAY,
)

from tieout.governance import access, sign_in
from tieout.web import sign_in as pages
from tieout.web.database import DoorDatabase
from tieout.web.guards import count
from tieout.web.headers import is_secure
from tieout.web.site import Provider, Site, is_safe_address
from tieout.web.tokens import TokenKeys

log = structlog.get_logger(__name__)

Asked = Request[Any, Any, State]
COOKIE: Final = "tieout_sign_on"
CALLBACK: Final = "/oidc/callback"
_KIND: Final = "sign-on+jwt"
_AUDIENCE: Final = "tieout sign-on"
_LASTS: Final = timedelta(minutes=10)
_ALGORITHMS: Final = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")
_WITHIN_S: Final = 10.0
_ANSWER_BYTES_MAX: Final = 512 * 1024
_LEEWAY_S: Final = 60
_BYTES: Final = 32
_T = TypeVar("_T")


class _Discovery(msgspec.Struct, frozen=True):
    """Where the provider does what (OpenID Connect Discovery)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Answer(msgspec.Struct, frozen=True):
    id_token: str


class SignOnError(Exception):
    """The provider did not do what it must, or what came back is not ours; the words go to the log."""


@get("/oidc/begin", include_in_schema=False)
async def begin(request: Asked, state: State) -> Response[Any]:
    """On to the provider."""
    site: Site = state.site
    if site.provider is None:
        return _not_configured(request)
    try:
        found = await _discover(site.provider)
    except SignOnError as error:
        return _failed(request, error)
    secret, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(3))
    carried = {
        "aud": _AUDIENCE,
        "state": secret,
        "nonce": nonce,
        "verifier": verifier,
        "next": pages.local_path(request.query_params.get("next")),
    }
    keys: TokenKeys = state.token_keys
    token = await asyncio.to_thread(keys.sign, carried, kind=_KIND, now=state.clock.now(), lasts=_LASTS)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": site.provider.client_id,
        "redirect_uri": _callback(request, site),
        "scope": "openid email",
        "state": secret,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(found.authorization_endpoint).query else "?"
    answer = Redirect(f"{found.authorization_endpoint}{joint}{urlencode(query)}", status_code=HTTP_303_SEE_OTHER)
    answer.set_cookie(_cookie(request, token, max_age=int(_LASTS.total_seconds())))
    return answer


@get(CALLBACK, include_in_schema=False)
async def callback(request: Asked, state: State) -> Response[Any]:
    """Back from the provider: prove what it says, find the person, begin a session."""
    count(request, state.guesses, "unknown" if request.client is None else request.client.host)
    site: Site = state.site
    if site.provider is None:
        return _not_configured(request)
    now: datetime = state.clock.now()
    try:
        carried = await asyncio.to_thread(_carried, request, now)
        claims = await _claims(request, site, carried, now)
    except SignOnError as error:
        return _failed(request, error)
    session = await asyncio.to_thread(_begin_session, state, claims, now)
    if session is None:
        return _not_entered(request)
    answer = pages.signed_in(request, session, pages.local_path(str(carried["next"])))
    answer.set_cookie(_cookie(request, "", max_age=0))
    return answer


async def _claims(request: Asked, site: Site, carried: dict[str, Any], now: datetime) -> dict[str, Any]:
    provider = site.provider
    code = request.query_params.get("code")
    if provider is None or not code:
        raise SignOnError(f"the provider answered {request.query_params.get('error', 'without a code')[:80]}")
    found = await _discover(provider)
    if request.query_params.get("iss", found.issuer) != found.issuer:
        raise SignOnError("the answer names another issuer")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": _callback(request, site),
        "code_verifier": str(carried["verifier"]),
    }
    basic = "client_secret_basic" in found.token_endpoint_auth_methods_supported
    if not basic:
        form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    auth = httpx.BasicAuth(provider.client_id, provider.client_secret) if basic else None
    token = (await _fetch(found.token_endpoint, _Answer, form=form, auth=auth)).id_token
    keys = await _fetch(found.jwks_uri, dict[str, Any])
    return prove_id_token(token, keys, provider=provider, nonce=str(carried["nonce"]), now=now)


def prove_id_token(
    token: str, keys: dict[str, Any], *, provider: Provider, nonce: str, now: datetime
) -> dict[str, Any]:
    """What an ID token says that the provider issued to us, for this sign-on and lately. Raises SignOnError."""
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=_LEEWAY_S,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        found = jwt.decode(token, KeySet.import_key_set({"keys": keys["keys"]}), algorithms=list(_ALGORITHMS))
        registry.validate(found.claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise SignOnError(f"the ID token proves nothing: {str(error)[:80]}") from error
    audience = found.claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and found.claims.get("azp") != provider.client_id:
        raise SignOnError("the ID token was issued to somebody else too")
    return found.claims


def _begin_session(state: State, claims: dict[str, Any], now: datetime) -> str | None:
    """A session for the person with the e-mail address that the provider has verified; None where there is none."""
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return None
    database: DoorDatabase = state.database
    with database.as_nobody() as conn, conn.cursor() as cur:
        known = access.person_by_email(conn, email)
        if known is None:
            return None
        return sign_in.begin_session(cur, principal_id=known.principal_id, means=sign_in.Means.OIDC, now=now)


def _carried(request: Asked, now: datetime) -> dict[str, Any]:
    keys: TokenKeys = request.app.state.token_keys
    carried = keys.prove(request.cookies.get(COOKIE, ""), kind=_KIND, audience=_AUDIENCE, now=now)
    given = request.query_params.get("state", "")
    if carried is None or not secrets.compare_digest(given.encode(), str(carried["state"]).encode()):
        raise SignOnError("the answer does not belong to a sign-on that this browser began")
    return carried


async def _discover(provider: Provider) -> _Discovery:
    address = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
    found = await _fetch(address, _Discovery)
    if found.issuer != provider.issuer:
        raise SignOnError(f"the provider calls itself {found.issuer[:80]}")
    return found


async def _fetch(
    address: str, kind: type[_T], *, form: dict[str, str] | None = None, auth: httpx.BasicAuth | None = None
) -> _T:
    """What the provider answers to a form or without one, at once and not too much of it. Raises SignOnError."""
    if not is_safe_address(address):
        raise SignOnError(f"{urlsplit(address).netloc[:80]} is not reached by https")
    try:
        async with (
            httpx.AsyncClient(timeout=_WITHIN_S, follow_redirects=False) as client,
            client.stream(
                "GET" if form is None else "POST",
                address,
                headers={"Accept": "application/json"},
                data=form,
                auth=auth,
            ) as answer,
        ):
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _ANSWER_BYTES_MAX:
                    raise SignOnError("the provider answers with more than it can mean")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SignOnError(f"the provider cannot be reached: {type(error).__name__}") from error
    if answer.status_code != HTTP_200_OK:
        raise SignOnError(f"the provider answered {answer.status_code}")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise SignOnError("the provider's answer cannot be read") from error


def _callback(request: Asked, site: Site) -> str:
    base = site.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    return base.rstrip("/") + CALLBACK


def _cookie(request: Asked, value: str, *, max_age: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        max_age=max_age,
        path="/oidc",
        httponly=True,
        samesite="lax",
        secure=is_secure(request.scope),
    )


def _not_configured(request: Asked) -> Response[str]:
    return pages.page(
        request,
        status_code=HTTP_404_NOT_FOUND,
        title="There is no identity provider",
        what="This hub was not told of your firm's identity provider.",
        next_step="Use a link that signs you in once.",
    )


def _not_entered(request: Asked) -> Response[str]:
    return pages.page(
        request,
        status_code=HTTP_403_FORBIDDEN,
        title="You are not known here yet",
        what="Your firm's account is in order, but nobody has entered your e-mail address here.",
        next_step="Ask whoever gives rights in your firm.",
    )


def _failed(request: Asked, error: SignOnError) -> Response[str]:
    log.warning("sign_on.failed", why=str(error))
    return pages.page(
        request,
        status_code=HTTP_502_BAD_GATEWAY,
        title="Signing in did not work",
        what="Your firm's identity provider and this hub did not understand each other.",
        next_step="Try again; if it happens again, the hub's log says why.",
    )
