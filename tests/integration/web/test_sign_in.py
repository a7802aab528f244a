"""People get in by a link that works once, stay by a cookie, and act only from pages of their own session."""

from datetime import timedelta

import httpx
import pytest
from tests.integration.web.conftest import Entrance, Opener

from tieout.governance.sign_in import LINK_LASTS, SESSION_IDLES, SESSION_LASTS
from tieout.model.access import Role
from tieout.storage.pool import connect
from tieout.web.headers import CONTENT_SECURITY_POLICY
from tieout.web.limits import BY_ADDRESS, BY_PRINCIPAL
from tieout.web.site import Provider, Site


def csrf(door: Entrance) -> str:
    return str(door.client.get("/").json()["csrf"])


def location(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("location", "")


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back(door: Entrance) -> None:
    assert location(door.client.get("/?a=b&c=%2F", follow_redirects=False)) == (
        303,
        "/sign-in?next=%2F%3Fa%3Db%26c%3D%252F",
    )
    assert location(door.client.post("/act", follow_redirects=False)) == (303, "/sign-in")
    assert "signs you in once" in door.client.get("/sign-in").text


def test_a_link_signs_in_once_by_its_button_and_not_by_being_opened(door: Entrance) -> None:
    link = door.link(door.person("ada", (Role.READER, "DE01")))
    for _ in range(3):
        assert door.client.get(f"/sign-in/{link}").status_code == 200
    assert location(door.client.post(f"/sign-in/{link}", follow_redirects=False)) == (303, "/")
    assert door.client.get("/").json()["name"] == "ada"
    door.client.cookies.clear()
    assert door.client.get(f"/sign-in/{link}").status_code == 410
    assert door.client.post(f"/sign-in/{link}").status_code == 410
    assert door.client.get("/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("link", ["x", "%00", "%F0%9F%8E%B2", "a" * 5000, "..%2F..%2Fetc"])
def test_a_link_that_nobody_made_lets_nobody_in(door: Entrance, link: str) -> None:
    assert door.client.get(f"/sign-in/{link}").status_code in {404, 410}
    assert door.client.post(f"/sign-in/{link}").status_code in {404, 405, 410}


def test_a_link_ends_after_a_day(door: Entrance) -> None:
    link = door.link(door.person("ada"))
    door.clock.advance(LINK_LASTS.total_seconds())
    assert door.client.post(f"/sign-in/{link}").status_code == 410


def test_the_cookie_of_a_session_is_kept_from_scripts_other_sites_and_plain_http(open_entrance: Opener) -> None:
    plain = open_entrance(Site())
    answer = plain.client.post(f"/sign-in/{plain.link(plain.person('ada'))}", follow_redirects=False)
    said = answer.headers["set-cookie"].lower()
    assert said.startswith("tieout_session=")
    assert "httponly" in said
    assert "samesite=lax" in said
    assert "secure" not in said
    behind_tls = open_entrance(Site(public_url="https://tieout.example"))
    answer = behind_tls.client.post(f"/sign-in/{behind_tls.link(behind_tls.person('bob'))}", follow_redirects=False)
    said = answer.headers["set-cookie"].lower()
    assert said.startswith("__host-tieout_session=")
    assert "secure" in said
    assert "path=/" in said
    assert "domain" not in said
    assert "max-age" in answer.headers["strict-transport-security"]


def test_a_session_ends_idle_and_at_the_latest_after_a_working_day(door: Entrance) -> None:
    ada = door.person("ada")
    door.sign_in(ada)
    door.clock.advance(SESSION_IDLES.total_seconds())
    assert door.client.get("/", follow_redirects=False).status_code == 303
    door.sign_in(ada)
    step = timedelta(minutes=45)
    for _ in range(SESSION_LASTS // step - 1):
        door.clock.advance(step.total_seconds())
        assert door.client.get("/", follow_redirects=False).status_code == 200
    door.clock.advance(step.total_seconds())
    assert door.client.get("/", follow_redirects=False).status_code == 303


def test_signing_out_ends_the_session_everywhere_and_not_only_its_cookie(door: Entrance) -> None:
    door.sign_in(door.person("ada"))
    cookie = door.client.cookies["tieout_session"]
    assert location(door.client.post("/sign-out", data={"_csrf": csrf(door)}, follow_redirects=False)) == (
        303,
        "/sign-in",
    )
    assert "tieout_session" not in door.client.cookies
    door.client.cookies["tieout_session"] = cookie
    assert door.client.get("/", follow_redirects=False).status_code == 303


def test_whoever_is_disabled_is_out_at_once(door: Entrance) -> None:
    ada = door.person("ada", (Role.READER, None))
    door.sign_in(ada)
    assert door.client.get("/v1/projects").json() == ["P100", "P200"]
    door.disable(ada)
    assert door.client.get("/v1/projects").status_code == 401


def test_a_session_acts_only_with_the_token_of_its_own_pages(door: Entrance) -> None:
    door.sign_in(door.person("ada"))
    token = csrf(door)
    assert door.client.post("/act", data={"_csrf": token}).json() == {"by": "ada"}
    assert door.client.post("/act", headers={"x-csrf-token": token}).json() == {"by": "ada"}
    refused = [
        door.client.post("/act"),
        door.client.post("/act", data={"_csrf": token[:-1]}),
        door.client.post("/act", headers={"x-csrf-token": ""}, data={"_csrf": token}),
        door.client.post("/act", json={"_csrf": token}),
        door.client.post("/sign-out"),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (403, "TIE-API-010")
    door.sign_in(door.person("bob"))
    assert door.client.post("/act", data={"_csrf": token}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_what_another_site_makes_a_browser_send_is_refused_even_with_the_token(
    door: Entrance, headers: dict[str, str]
) -> None:
    ada = door.person("ada")
    door.sign_in(ada)
    assert door.client.post("/act", data={"_csrf": csrf(door)}, headers=headers).status_code == 403
    assert door.client.post(f"/sign-in/{door.link(ada)}", headers=headers).status_code == 403


def test_a_page_of_ones_own_may_act(door: Entrance) -> None:
    door.sign_in(door.person("ada"))
    own = {"origin": "http://testserver.local", "sec-fetch-site": "same-origin"}
    assert door.client.post("/act", data={"_csrf": csrf(door)}, headers=own).status_code == 201


@pytest.mark.parametrize(
    "to", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)", "a", ""]
)
def test_nobody_is_sent_to_another_site_after_signing_in(open_entrance: Opener, to: str) -> None:
    from tieout.web.sign_in import local_path  # noqa: PLC0415 - beside what it is about

    assert open_entrance(Site()).client.get("/sign-in", params={"next": to}).status_code == 200
    assert local_path(to) == "/"


def test_the_way_to_the_identity_provider_keeps_where_one_wanted_to_go(open_entrance: Opener) -> None:
    provider = Provider(issuer="https://id.example", client_id="tieout", client_secret="x")
    page = open_entrance(Site(provider=provider)).client.get("/sign-in", params={"next": '/a?b=c&d="e'}).text
    assert 'href="/oidc/begin?next=/a%3Fb%3Dc%26d%3D%22e"' in page


def test_every_answer_keeps_browsers_from_harm_also_where_there_is_no_page(door: Entrance) -> None:
    for path in ("/sign-in", "/nowhere", "/v1/projects", "/v1/open"):
        headers = door.client.get(path).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
    page = door.client.get("/sign-in").text
    assert "style=" not in page
    assert "<script" not in page


def test_guesses_are_counted_by_address(door: Entrance) -> None:
    answers = [door.client.get("/sign-in/guess") for _ in range(BY_ADDRESS.requests + 1)]
    assert {one.status_code for one in answers[:-1]} == {410}
    assert (answers[-1].status_code, answers[-1].headers["retry-after"]) == (429, "60")
    assert "guess" not in answers[-1].text
    door.clock.advance(BY_ADDRESS.window_s)
    assert door.client.get("/sign-in/guess").status_code == 410


def test_a_quota_is_told_in_every_answer_and_kept(door: Entrance) -> None:
    door.sign_in(door.person("ada", (Role.READER, None)))
    first = door.client.get("/v1/projects")
    assert first.headers["ratelimit-policy"] == '"principal";q=1200;w=60'
    assert first.headers["ratelimit"] == '"principal";r=1199;t=60'
    limiter = door.app.state.limits
    ada = next(iter(limiter._windows))
    for _ in range(BY_PRINCIPAL.requests - 1):
        limiter.count(ada, door.clock.now())
    answer = door.client.get("/v1/projects")
    assert (answer.status_code, answer.json()["code"]) == (429, "TIE-API-011")
    assert answer.headers["ratelimit"] == '"principal";r=0;t=60'


def test_the_last_use_of_a_right_is_kept(door: Entrance) -> None:
    door.sign_in(door.person("ada", (Role.READER, None)))
    door.client.get("/v1/projects")
    with connect(door.owner_url) as conn:
        rows = conn.execute("select scope, last_used_at from access_use").fetchall()
    assert rows == [("projects:read", door.clock.now())]
