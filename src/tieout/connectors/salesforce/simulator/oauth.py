"""The token endpoint of the simulated org, and the sessions it opens.

"OAuth 2.0 Client Credentials Flow" and "OAuth 2.0 JWT Bearer Flow" of Salesforce Help. A session has no told end: here
it lasts until somebody ends it. Neighbour: ``server`` carries it and keeps the rest of the org.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tieout.connect.simulator.state import State
from tieout.connectors.salesforce.simulator.errors import Json, session_refused

TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 - a path
CLIENT_ID: Final = "3MVG9.simulated-consumer-key-7c1e40b2d95f"
CLIENT_SECRET: Final = "simulated-consumer-secret-5d0e8a41c7"  # noqa: S105 - made up, for a program that plays an org
USERNAME: Final = "tieout@northwind.example"
LOGIN: Final = "https://login.salesforce.com"
_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_ASSERTION_S: Final = 300
_KEY_BITS: Final = 2048


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    aud: str
    exp: int


class InvalidGrantError(Exception):
    """The endpoint refuses; ``error`` is the code, the text its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class TokenDesk:
    """Opens, checks and ends sessions of one org."""

    def __init__(self, state: State) -> None:
        self._state = state

    def private_key(self) -> str:
        """The key whose certificate the connected app has, in PEM; made when it is first asked for."""
        held: str = self._state.get("jwt_private_key", "")
        if not held:
            held = RSAKey.generate_key(_KEY_BITS).as_pem(private=True).decode()
            self._state.put("jwt_private_key", held)
        return held

    def issue(self, form: Mapping[str, str], *, base_url: str, now_s: float) -> Json:
        """The answer to a token request; raises InvalidGrantError."""
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            if form.get("client_id") != CLIENT_ID:
                raise InvalidGrantError("invalid_client_id", "client identifier invalid")
            if form.get("client_secret") != CLIENT_SECRET:
                raise InvalidGrantError("invalid_client", "invalid client credentials")
        elif grant == _JWT_GRANT:
            self._check_assertion(form.get("assertion", ""), base_url=base_url, now_s=now_s)
        else:
            raise InvalidGrantError("unsupported_grant_type", "grant type not supported")
        token = f"00D5g0000000001!{secrets.token_urlsafe(48)}"
        self._state.run("insert into session (token) values (?)", (_digest(token),))
        identity, issued_at = f"{LOGIN}/id/00D5g0000000001EAA/0055g000000001AAA", str(int(now_s * 1000))
        signed = hmac.new(CLIENT_SECRET.encode(), (identity + issued_at).encode(), hashlib.sha256).digest()
        return {
            "access_token": token,
            "signature": base64.b64encode(signed).decode(),
            "scope": "api",
            "instance_url": base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
        }

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise RefusedError (401) unless the request carries a session that is still open."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        held = self._state.row("select 1 from session where token = ?", (_digest(token),))
        if scheme.lower() not in {"bearer", "oauth"} or held is None:
            raise session_refused()

    def end_all(self) -> None:
        """End every session."""
        self._state.run("delete from session")

    def _check_assertion(self, assertion: str, *, base_url: str, now_s: float) -> None:
        try:
            key = RSAKey.import_key(self.private_key())
            claims = msgspec.convert(jwt.decode(assertion, key, algorithms=["RS256"]).claims, _Claims)
        except (JoseError, ValueError, TypeError, msgspec.ValidationError) as error:
            raise InvalidGrantError("invalid_grant", "invalid assertion") from error
        if claims.iss != CLIENT_ID:
            raise InvalidGrantError("invalid_client_id", "client identifier invalid")
        if claims.sub != USERNAME:
            raise InvalidGrantError("invalid_grant", "user hasn't approved this consumer")
        if claims.aud not in {LOGIN, base_url}:
            raise InvalidGrantError("invalid_grant", "audience is invalid")
        if not now_s < claims.exp <= now_s + _LONGEST_ASSERTION_S:
            raise InvalidGrantError("invalid_grant", "assertion is expired or lives too long")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
