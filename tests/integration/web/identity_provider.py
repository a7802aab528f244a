"""A Canaille with two people and this hub as its client: ``python identity_provider.py PORT CALLBACK``.

Runs in an environment of its own, which has no Tieout. Canaille keeps no mark of verified addresses, so the directory
behind it is played here: it has verified ada's and not eve's.
"""

import sys

from canaille import create_app  # type: ignore[import-not-found]
from canaille.app import models  # type: ignore[import-not-found]
from canaille.backends import Backend  # type: ignore[import-not-found]
from canaille.oidc import provider  # type: ignore[import-not-found]
from joserfc.jwk import RSAKey

PORT, CALLBACK = int(sys.argv[1]), sys.argv[2]
PASSWORD = "correct horse battery staple"
claims_of = provider.generate_user_claims


def with_verification(user: models.User, *given: object) -> dict[str, object]:
    """The claims of ``user`` with the mark."""
    claims: dict[str, object] = claims_of(user, *given)
    return claims | {"email_verified": user.user_name != "eve"}


provider.generate_user_claims = with_verification
app = create_app(
    {
        "SECRET_KEY": "of a test",
        "SERVER_NAME": f"127.0.0.1:{PORT}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)]},
        "CANAILLE": {"DATABASE": "memory", "SMTP": None},
    }
)
with app.app_context():
    for name in ("ada", "bob", "eve"):
        person = models.User(
            user_name=name, family_name=name, formatted_name=name, emails=[f"{name}@example.com"], password=PASSWORD
        )
        Backend.instance.save(person)
    hub = models.Client(
        client_id="tieout",
        client_name="Tieout",
        client_secret="secret of the hub",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code"],
        response_types=["code"],
        scope=["openid", "email"],
        token_endpoint_auth_method="client_secret_basic",
        id_token_signed_response_alg="RS256",
    )
    Backend.instance.save(hub)
    Backend.instance.update(hub, audience=[hub])
    Backend.instance.save(hub)
app.run("127.0.0.1", PORT)
