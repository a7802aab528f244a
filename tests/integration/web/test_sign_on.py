"""People sign on with the firm's identity provider, a real one in a process of its own, reached over HTTP."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.integration.web.conftest import NOW, Entrance, Opener

from tieout.model.access import Role
from tieout.web.site import Provider, Site

PACKAGE = "canaille[front,oidc]==0.3.6"
PROGRAM = Path(__file__).with_name("identity_provider.py")
PASSWORD = "correct horse battery staple"
HUB = "http://127.0.0.1:8470"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def provider(session_directory: Path) -> Iterator[Provider]:
    environment = session_directory / "identity-provider"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", PACKAGE], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [str(python), str(PROGRAM), str(port), f"{HUB}/oidc/callback"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=session_directory,
    )
    issuer = f"http://127.0.0.1:{port}"
    try:
        until_it_answers(process, issuer)
        yield Provider(issuer=issuer, client_id="tieout", client_secret="secret of the hub")
    finally:
        process.terminate()
        process.wait()


def until_it_answers(process: "subprocess.Popen[bytes]", issuer: str) -> None:
    for _ in range(300):
        assert process.poll() is None
        try:
            httpx.get(f"{issuer}/.well-known/openid-configuration")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the identity provider does not answer")


@pytest.fixture
def hub(open_entrance: Opener, provider: Provider) -> Entrance:
    opened = open_entrance(Site(public_url=HUB, provider=provider))
    opened.clock.advance((datetime.now(UTC) - NOW).total_seconds())
    return opened


def begin(hub: Entrance, to: str = "/") -> str:
    """Where the hub sends the browser."""
    answer = hub.client.get("/oidc/begin", params={"next": to}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def consent(address: str, person: str) -> str:
    """What the provider sends the browser back to, after ``person`` has proved who he is there."""
    answers = iter(({"login": person}, {"password": PASSWORD}, {"answer": "accept"}))
    with httpx.Client() as browser:
        page = browser.get(address)
        while True:
            if page.next_request is None:
                page = browser.post(page.url, data={**next(answers), "csrf_token": token_in(page.text)})
            elif str(page.next_request.url).startswith(HUB):
                return str(page.next_request.url)
            else:
                page = browser.send(page.next_request)


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None, page[:500]
    return found.group(1)


def arrive(hub: Entrance, address: str) -> httpx.Response:
    parts = urlsplit(address)
    return hub.client.get(f"{parts.path}?{parts.query}", follow_redirects=False)


def test_a_person_whom_an_administrator_has_entered_signs_on(hub: Entrance) -> None:
    hub.person("ada", (Role.READER, None))
    answer = arrive(hub, consent(begin(hub, "/v1/projects?a=b"), "ada"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/v1/projects?a=b")
    assert hub.client.get("/").json()["name"] == "ada"


def test_an_account_alone_and_an_address_that_nobody_verified_let_nobody_in(hub: Entrance) -> None:
    hub.person("eve", (Role.READER, None))
    for name in ("bob", "eve"):
        answer = arrive(hub, consent(begin(hub), name))
        assert answer.status_code == 403, name
        assert "not known here" in answer.text
        assert hub.client.get("/", follow_redirects=False).status_code == 303


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(hub: Entrance) -> None:
    hub.person("ada", (Role.READER, None))
    back = consent(begin(hub), "ada")
    asked = dict(hub.client.cookies)
    hub.client.cookies.clear()
    assert arrive(hub, back).status_code == 502
    hub.client.cookies.update(asked)
    assert arrive(hub, back).status_code == 303
    hub.client.cookies.clear()
    hub.client.cookies.update(asked)
    assert arrive(hub, back).status_code == 502


def test_an_answer_to_another_request_another_issuers_answer_and_a_refusal_let_nobody_in(hub: Entrance) -> None:
    hub.person("ada", (Role.READER, None))
    back = consent(begin(hub), "ada")
    begin(hub)
    assert arrive(hub, back).status_code == 502
    state = parse_qs(urlsplit(begin(hub)).query)["state"][0]
    for query in (
        f"state={state}&error=access_denied",
        f"state={state}",
        f"state={state}&code=made-up",
        f"state={state}&code=x&iss=https://elsewhere.example",
        "code=x",
        f"state={state}%00&code=x",
    ):
        answer = hub.client.get(f"/oidc/callback?{query}", follow_redirects=False)
        assert answer.status_code == 502, query
    assert hub.client.get("/", follow_redirects=False).status_code == 303


def test_a_code_that_was_asked_for_with_another_verifier_is_not_exchanged(hub: Entrance) -> None:
    hub.person("ada", (Role.READER, None))
    address = begin(hub)
    challenge = parse_qs(urlsplit(address).query)["code_challenge"][0]
    back = consent(address.replace(challenge, "A" * len(challenge)), "ada")
    assert arrive(hub, back).status_code == 502


def test_a_provider_that_calls_itself_otherwise_or_does_not_answer_is_not_believed(
    open_entrance: Opener, provider: Provider
) -> None:
    for issuer in (provider.issuer.replace("127.0.0.1", "localhost"), "http://127.0.0.1:9"):
        other = Provider(issuer=issuer, client_id="tieout", client_secret="secret of the hub")
        hub = open_entrance(Site(public_url=HUB, provider=other))
        answer = hub.client.get("/oidc/begin", follow_redirects=False)
        assert answer.status_code == 502
        assert issuer not in answer.text
