"""The token endpoint: OAuth 2.0 client credentials with a signed assertion, and the tokens it issues.

"POST Request to the Token Endpoint and the Access Token Response" and "The Request Token Structure" of the NetSuite
help: a JWT signed PS256..ES512 by the private key of an uploaded certificate, ``kid`` the certificate's id, ``iss`` the
client id, ``aud`` the endpoint, lifetime below 60 minutes. Tokens live one hour and are not refreshed.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Final

import msgspec
from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from tieout.connectors.netsuite.simulator.errors import RefusedError
from tieout.connectors.netsuite.simulator.store import AccountStore

TOKEN_PATH: Final = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - a path
ALGORITHMS: Final = ("PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
TOKEN_LIFETIME_S: Final = 3600
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPES: Final = frozenset({"restlets", "rest_webservices", "suite_analytics"})
_CLOCK_TOLERANCE_S: Final = 300


class _Header(msgspec.Struct):
    alg: str
    typ: str = ""
    kid: str = ""


class _Claims(msgspec.Struct):
    iss: str
    aud: str
    iat: int
    exp: int
    scope: str | list[str]


class InvalidGrantError(Exception):
    """The assertion is refused; the text is the ``error_description``, ``error`` the code of RFC 6749."""

    def __init__(self, description: str, *, error: str = "invalid_grant") -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class TokenDesk:
    """Issues and checks access tokens of one account."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    def ensure_client(self) -> None:
        """Make the client, its certificate and its private key on first start."""
        if self._store.setting("client_id", ""):
            return
        key = ECKey.generate_key("P-256")
        client, certificate = secrets.token_hex(32), secrets.token_urlsafe(32)
        self._store.set_setting("client_id", client)
        self._store.set_setting("certificate_id", certificate)
        self._store.set_setting("client_private_key", key.as_pem(private=True).decode())
        self._store.write_now(
            lambda rows: rows.execute(
                "insert into certificate (id, client, public_key) values (?, ?, ?)",
                (certificate, client, key.as_pem(private=False).decode()),
            )
        )

    async def answer(self, request: web.Request, *, now_s: float) -> web.Response:
        """Answer one token request."""
        form = await request.post()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        audience = f"{request.scheme}://{request.host}{TOKEN_PATH}"
        try:
            client = self._client_of(fields, audience=audience, now_s=now_s)
        except InvalidGrantError as refused:
            body = {"error": refused.error, "error_description": refused.description}
            return web.json_response(body, status=400)
        token = secrets.token_urlsafe(48)
        await self._store.write(
            lambda rows: rows.execute(
                "insert into access_token (token, client, expires_at) values (?, ?, ?)",
                (_digest(token), client, now_s + TOKEN_LIFETIME_S),
            )
        )
        return web.json_response({"access_token": token, "expires_in": TOKEN_LIFETIME_S, "token_type": "bearer"})

    def check(self, headers: Mapping[str, str], *, now_s: float) -> None:
        """Raise RefusedError (401) unless the request carries a token that is still good."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        row = self._store.reader.execute(
            "select expires_at from access_token where token = ?", (_digest(token),)
        ).fetchone()
        if scheme.lower() != "bearer" or row is None or row[0] <= now_s:
            raise invalid_login()

    def expire_all(self) -> None:
        """Forget every token."""
        self._store.write_now(lambda rows: rows.execute("delete from access_token"))

    def _client_of(self, fields: Mapping[str, str], *, audience: str, now_s: float) -> str:
        if fields.get("grant_type") != "client_credentials":
            raise InvalidGrantError("Unsupported grant type.", error="unsupported_grant_type")
        if fields.get("client_assertion_type") != _ASSERTION_TYPE:
            raise InvalidGrantError("Unsupported client assertion type.", error="invalid_request")
        assertion = fields.get("client_assertion", "")
        header = _header_of(assertion)
        if header.alg not in ALGORITHMS or header.typ != "JWT":
            raise InvalidGrantError("Unsupported algorithm or type of the assertion.")
        row = self._store.reader.execute(
            "select client, public_key from certificate where id = ?", (header.kid,)
        ).fetchone()
        if row is None:
            raise InvalidGrantError("Unknown certificate.")
        claims = _verified(assertion, public_key=str(row[1]), algorithm=header.alg)
        _check_claims(claims, client=str(row[0]), audience=audience, now_s=now_s)
        return str(row[0])


def invalid_login() -> RefusedError:
    """The refusal of a missing, wrong or expired token."""
    refused = RefusedError("INVALID_LOGIN", "Invalid login attempt.", status=401)
    refused.headers["WWW-Authenticate"] = (
        'Bearer realm="SIMULATED", error="invalid_token", error_description="The token is missing, expired or revoked."'
    )
    return refused


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _header_of(assertion: str) -> _Header:
    try:
        encoded = assertion.split(".", 1)[0]
        return msgspec.json.decode(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), type=_Header)
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidGrantError("The assertion is not a JWT.") from error


def _verified(assertion: str, *, public_key: str, algorithm: str) -> _Claims:
    try:
        key = ECKey.import_key(public_key) if algorithm.startswith("ES") else RSAKey.import_key(public_key)
        claims = jwt.decode(assertion, key, algorithms=[algorithm]).claims
        return msgspec.convert(claims, _Claims)
    except (JoseError, ValueError, TypeError, msgspec.ValidationError) as error:
        raise InvalidGrantError("The signature or the claims of the assertion are wrong.") from error


def _check_claims(claims: _Claims, *, client: str, audience: str, now_s: float) -> None:
    scopes = claims.scope if isinstance(claims.scope, list) else [one.strip() for one in claims.scope.split(",")]
    if claims.iss != client or claims.aud != audience:
        raise InvalidGrantError("Wrong issuer or audience.")
    if not scopes or not _SCOPES.issuperset(scopes) or "rest_webservices" not in scopes:
        raise InvalidGrantError("The scope is not allowed.", error="invalid_scope")
    if not 0 < claims.exp - claims.iat <= TOKEN_LIFETIME_S:
        raise InvalidGrantError("The assertion lives too long.")
    if claims.exp <= now_s or claims.iat > now_s + _CLOCK_TOLERANCE_S:
        raise InvalidGrantError("The assertion is expired or not yet valid.")
