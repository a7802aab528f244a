"""What an ID token must say, and be signed by, before anybody is believed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tieout.web.oidc import SignOnError, prove_id_token
from tieout.web.site import Provider

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
PROVIDER = Provider(issuer="https://id.example", client_id="tieout", client_secret="secret of the hub")
KEY = RSAKey.generate_key(2048, auto_kid=True)
OTHER = RSAKey.generate_key(2048, auto_kid=True)
KEYS: dict[str, Any] = dict(KeySet([KEY]).as_dict(private=False))


def claims(**changes: object) -> dict[str, Any]:
    made: dict[str, Any] = {
        "iss": "https://id.example",
        "aud": "tieout",
        "sub": "ada",
        "exp": SECONDS + 300,
        "iat": SECONDS,
        "nonce": "n",
        "email": "ada@example.com",
        "email_verified": True,
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def token(said: dict[str, Any], key: RSAKey = KEY, **header: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": str(KEY.kid), **header}, said, key)


def test_a_token_of_the_provider_for_this_sign_on_is_believed() -> None:
    assert prove_id_token(token(claims()), KEYS, provider=PROVIDER, nonce="n", now=NOW)["sub"] == "ada"
    several = claims(aud=["tieout", "other"], azp="tieout")
    assert prove_id_token(token(several), KEYS, provider=PROVIDER, nonce="n", now=NOW)["sub"] == "ada"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": "https://id.example/"},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["tieout", "other"]},
        {"aud": ["tieout", "other"], "azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": SECONDS - 61},
        {"exp": None},
        {"iat": SECONDS + 3600},
        {"sub": None},
    ],
)
def test_a_token_for_others_of_others_or_of_another_time_is_not_believed(changes: dict[str, object]) -> None:
    with pytest.raises(SignOnError):
        prove_id_token(token(claims(**changes)), KEYS, provider=PROVIDER, nonce="n", now=NOW)


@pytest.mark.parametrize("forged", ["", "a.b.c", token(claims(), OTHER), token(claims())[:-8] + "AAAAAAAA"])
def test_a_token_that_the_provider_did_not_sign_is_not_believed(forged: str) -> None:
    with pytest.raises(SignOnError):
        prove_id_token(forged, KEYS, provider=PROVIDER, nonce="n", now=NOW)


@pytest.mark.parametrize("keys", [{}, {"keys": []}, {"keys": "none"}, {"keys": [{"kty": "RSA"}]}])
def test_keys_that_are_none_prove_nothing(keys: dict[str, Any]) -> None:
    with pytest.raises(SignOnError):
        prove_id_token(token(claims()), keys, provider=PROVIDER, nonce="n", now=NOW)
