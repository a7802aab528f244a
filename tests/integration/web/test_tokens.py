"""Programs get a token by id and secret; what is forged, confused, expired or meant for others proves nothing."""

import base64
import hashlib
import hmac
import json
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from structlog.testing import capture_logs
from tests.integration.web.conftest import NOW, Entrance

from tieout.model.access import Scope
from tieout.web.tokens import AUDIENCE, ISSUER, TOKEN_LASTS, TokenKeys


def status(door: Entrance, token: str) -> int:
    answer = door.client.get("/v1/projects", headers={"authorization": f"Bearer {token}"})
    if answer.status_code == 401:
        assert answer.json()["code"] == "TIE-API-002"
        assert answer.headers["www-authenticate"] == "Bearer"
    return answer.status_code


def claims(door: Entrance, subject: object, **changes: object) -> dict[str, Any]:
    now = int(door.clock.now().timestamp())
    made: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(subject),
        "scope": "projects:read",
        "client_id": "client",
        "iat": now,
        "exp": now + 60,
        "jti": "one",
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def by_shared_secret(header: dict[str, Any], body: dict[str, Any], secret: bytes) -> str:
    """A token by HMAC, as a library makes it that takes any key for any algorithm."""
    said = f"{part({**header, 'alg': 'HS256'})}.{part(body)}"
    digest = hmac.new(secret, said.encode(), hashlib.sha256).digest()
    return f"{said}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def own_key(home: Path) -> ECKey:
    return ECKey.import_key(TokenKeys(home)._keys(NOW)[-1].key)


def test_a_program_sees_what_its_scopes_and_entities_let_it_see(door: Entrance) -> None:
    _, client_id, secret = door.program("warehouse", (Scope.PROJECTS_READ, "DE01"), (Scope.EVENTS_READ, None))
    token = door.token(client_id, secret)
    answer = door.client.get("/v1/projects", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()) == (200, ["P200"])
    assert status(door, door.token(client_id, secret, scope="projects:read")) == 200
    assert status(door, door.token(client_id, secret, scope="events:read")) == 403


def test_a_token_is_given_by_the_form_or_by_basic_and_never_stored(door: Entrance) -> None:
    _, client_id, secret = door.program("warehouse", (Scope.PROJECTS_READ, None))
    answer = door.client.post("/v1/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, "projects:read")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"grant_type": "client_credentials"}, (401, "invalid_client")),
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, (401, "invalid_client")),
        ({"grant_type": "client_credentials", "client_id": "\0", "client_secret": "\0"}, (401, "invalid_client")),
        ({"grant_type": "password", "username": "a", "password": "b"}, (400, "unsupported_grant_type")),
        ({}, (400, "unsupported_grant_type")),
    ],
)
def test_what_is_no_request_of_a_known_program_gets_no_token(
    door: Entrance, form: dict[str, str], expected: tuple[int, str]
) -> None:
    answer = door.client.post("/v1/oauth/token", data=form)
    if not form:
        answer = door.client.post(
            "/v1/oauth/token", content=b"a=b", headers={"content-type": "application/x-www-form-urlencoded"}
        )
    assert (answer.status_code, answer.json()["error"]) == expected


def test_a_token_request_of_another_form_is_refused_and_a_secret_is_not_taken_twice(door: Entrance) -> None:
    _, client_id, secret = door.program("warehouse", (Scope.PROJECTS_READ, None))
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    assert door.client.post("/v1/oauth/token", json=form).status_code == 400
    assert door.client.post("/v1/oauth/token", data=form, auth=(client_id, secret)).status_code == 401
    for header in ("Basic", "Basic !!!", "Basic w6k6", "Digest abc"):
        headers = {"authorization": header}
        answer = door.client.post("/v1/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
        assert answer.status_code == 401, header
    assert (
        door.client.post("/v1/oauth/token", data={**form, "scope": "desk:approve"}).json()["error"] == "invalid_scope"
    )


def test_a_token_ends_after_a_quarter_of_an_hour_and_with_its_program(door: Entrance) -> None:
    program, client_id, secret = door.program("warehouse", (Scope.PROJECTS_READ, None))
    token = door.token(client_id, secret)
    door.clock.advance(TOKEN_LASTS.total_seconds() - 1)
    assert status(door, token) == 200
    door.clock.advance(1)
    assert status(door, token) == 401
    again = door.token(client_id, secret)
    assert status(door, again) == 200
    door.disable(program)
    assert status(door, again) == 401


def test_a_token_that_says_anything_else_proves_nothing(door: Entrance, tmp_path: Path) -> None:
    program, client_id, secret = door.program("warehouse", (Scope.PROJECTS_READ, None))
    good = door.token(client_id, secret)
    ours = own_key(tmp_path)
    header = {"alg": "ES256", "kid": ours.thumbprint(), "typ": "at+jwt"}

    def signed(head: dict[str, Any], body: dict[str, Any], key: Any = ours, algorithm: str = "ES256") -> str:
        return jwt.encode(head, body, key, algorithms=[algorithm])

    assert status(door, signed(header, claims(door, program))) == 200
    now = int(door.clock.now().timestamp())
    public = ours.as_pem(private=False)
    others = ECKey.generate_key("P-256", private=True)
    first, _, last = good.split(".")
    wrong = {
        "expired": signed(header, claims(door, program, exp=now)),
        "never ends": signed(header, claims(door, program, exp=None)),
        "ends as text": signed(header, claims(door, program, exp="tomorrow")),
        "issued tomorrow": signed(header, claims(door, program, iat=now + 86_400)),
        "another audience": signed(header, claims(door, program, aud="elsewhere")),
        "two audiences": signed(header, claims(door, program, aud=[AUDIENCE, "elsewhere"])),
        "no audience": signed(header, claims(door, program, aud=None)),
        "another issuer": signed(header, claims(door, program, iss="elsewhere")),
        "no subject": signed(header, claims(door, program, sub=None)),
        "a subject that is none": signed(header, claims(door, "somebody")),
        "a subject that nobody knows": signed(header, claims(door, "01234567-89ab-7def-8123-456789abcdef")),
        "a scope that there is not": signed(header, claims(door, program, scope="everything")),
        "another kind of token": signed({**header, "typ": "sign-on+jwt"}, claims(door, program)),
        "no key named": signed({"alg": "ES256", "typ": "at+jwt"}, claims(door, program)),
        "another key named": signed({**header, "kid": "other"}, claims(door, program)),
        "another's key under our name": signed(header, claims(door, program), others),
        "a key that it brings itself": signed(
            {**header, "jwk": others.as_dict(private=False)}, claims(door, program), others
        ),
        "our public key as a shared secret": by_shared_secret(header, claims(door, program), public),
        "another algorithm": signed(
            {**header, "alg": "RS256"}, claims(door, program), RSAKey.generate_key(2048), "RS256"
        ),
        "no signature": f"{part({**header, 'alg': 'none'})}.{part(claims(door, program))}.",
        "no signature, written otherwise": f"{part({**header, 'alg': 'NoNe'})}.{part(claims(door, program))}.",
        "a signature taken away": good.rsplit(".", 1)[0] + ".",
        "a signature of zeros": good.rsplit(".", 1)[0] + "." + "A" * 86,
        "other content under the same signature": f"{first}.{part(claims(door, program))}.{last}",
        "empty": "",
        "no token": "a.b.c",
        "five parts": f"{good}.a.b",
        "far too long": "a" * 100_000,
    }
    assert {name: status(door, token) for name, token in wrong.items()} == dict.fromkeys(wrong, 401)


def test_no_flipped_bit_of_a_token_goes_unnoticed(door: Entrance, tmp_path: Path) -> None:
    program, client_id, secret = door.program("warehouse", (Scope.PROJECTS_READ, None))
    token = door.token(client_id, secret).encode()
    keys, now, seeded = TokenKeys(tmp_path), door.clock.now(), random.Random(7)
    assert keys.read(token.decode(), now=now) is not None
    for place in seeded.sample(range(len(token) * 8), 600):
        changed = bytearray(token)
        changed[place // 8] ^= 1 << (place % 8)
        text = changed.decode("latin-1")
        found = keys.read(text, now=now)
        # The last character of a part has bits that mean nothing: such a change says the same.
        assert found is None or found.principal_id == program, text


def test_keys_are_rotated_without_refusing_a_token_that_holds(door: Entrance, tmp_path: Path) -> None:
    _, client_id, secret = door.program("warehouse", (Scope.PROJECTS_READ, None))
    first = door.token(client_id, secret)
    rotating = TokenKeys(tmp_path)
    time.sleep(0.01)
    rotating.rotate(door.clock.now())
    second = door.token(client_id, secret)
    assert (status(door, first), status(door, second)) == (200, 200)
    time.sleep(0.01)
    rotating.rotate(door.clock.now() + timedelta(days=90))
    assert (status(door, first), status(door, second)) == (401, 200)


def test_the_keys_are_read_by_nobody_else(door: Entrance, tmp_path: Path) -> None:
    _, client_id, secret = door.program("warehouse", (Scope.PROJECTS_READ, None))
    door.token(client_id, secret)
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0
    assert (tmp_path / "keys" / "tokens.json").stat().st_mode & 0o077 == 0


def test_wrong_credentials_are_not_made_good_by_a_session(door: Entrance) -> None:
    from tieout.model.access import Role  # noqa: PLC0415 - the one use of it

    door.sign_in(door.person("ada", (Role.READER, None)))
    assert door.client.get("/v1/projects").status_code == 200
    for header in ("Bearer wrong", "Bearer", "Basic YTpi", "tieout_key", ""):
        assert door.client.get("/v1/projects", headers={"authorization": header}).status_code == 401, header


def test_a_defect_tells_secrets_neither_to_the_caller_nor_to_the_log(door: Entrance) -> None:
    with capture_logs() as logged:
        answer = door.client.post("/v1/fails", headers={"authorization": "Bearer very-secret"})
    assert (answer.status_code, answer.json()["code"]) == (500, "TIE-API-009")
    assert [one["event"] for one in logged] == ["api.defect"]
    assert "RuntimeError" in logged[0]["traceback"]
    assert "very-secret" not in answer.text + str(logged)


def test_an_open_address_answers_whoever_sends_whatever(door: Entrance) -> None:
    assert door.client.get("/v1/open", headers={"authorization": "Bearer wrong"}).status_code == 200
