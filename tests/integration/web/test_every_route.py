"""No address of either door is open by accident: each refuses whoever is not known, and acts of sessions need proof."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from tests.integration.web.conftest import NOW, ids

from tieout.api.app import application
from tieout.console.routes import console_routes
from tieout.governance import access, sign_in
from tieout.governance.access import Act
from tieout.model.clock import FixedClock
from tieout.storage.pool import connect, sync_pool
from tieout.web.entrance import Entrance
from tieout.web.guards import IS_NO_ACT_OF_A_SESSION, PROVES_ITSELF
from tieout.web.site import Site

pytestmark = pytest.mark.filterwarnings("ignore:.*:litestar.exceptions.base_exceptions.LitestarDeprecationWarning")
SAFE = {"GET", "HEAD", "OPTIONS"}
OPEN = {
    "/health",
    "/ready",
    "/sign-in",
    "/sign-in/x",
    "/sign-in-style.css",
    "/oidc/begin",
    "/oidc/callback",
    "/assets/x",
    "/v1/event-types",
    "/v1/schemas",
}
"""What answers whoever asks: nothing of it tells of the firm, but how the hub is and what its documents look like."""
DESCRIBED = "/schema"
KINDS = {int: "1", UUID: "01234567-89ab-7def-8123-456789abcdef", date: "2026-11-25"}


class Doors:
    """Both doors as the hub serves them, and a person without any right who has signed in."""

    def __init__(self, app: Litestar, session: str) -> None:
        self.app = app
        self.client = TestClient(app, raise_server_exceptions=False)
        self.session = session

    def addresses(self) -> Iterator[tuple[str, str, dict[str, object]]]:
        """Method, an address and the options of every handler."""
        for route in self.app.routes:
            if isinstance(route, HTTPRoute):
                parts = [one if isinstance(one, str) else KINDS.get(one.type, "x") for one in route.path_components]
                path = "/" + "/".join(parts)
                for handler in route.route_handlers:
                    yield from (
                        (method, path, dict(handler.opt)) for method in sorted(handler.http_methods - {"OPTIONS"})
                    )

    def ask(self, method: str, path: str, *, known: bool) -> httpx.Response:
        headers = {"cookie": f"tieout_session={self.session}"} if known else {}
        return self.client.request(method, path, headers=headers, follow_redirects=False)


@pytest.fixture
def doors(database_url: str, door_url: str, tmp_path: Path) -> Iterator[Doors]:
    pool = sync_pool(door_url, application="test-routes", size=4)
    clock = FixedClock(NOW)
    with connect(database_url) as conn, conn.cursor() as cur:
        person_id = ids.new_id()
        access.add_person(cur, name="ada", email="ada@example.com", person_id=person_id, act=Act(by="x", now=NOW))
        session = sign_in.begin_session(cur, principal_id=person_id, means=sign_in.Means.LINK, now=NOW)
    entrance = Entrance(pool=pool, home=tmp_path, site=Site(), pages=console_routes())
    yield Doors(application(pool, clock, entrance), session)
    pool.close()


def is_open(path: str) -> bool:
    return path in OPEN or path.startswith(DESCRIBED)


def test_whoever_is_not_known_gets_nothing_but_the_way_in(doors: Doors) -> None:
    answers = {
        f"{method} {path}": doors.ask(method, path, known=False)
        for method, path, options in doors.addresses()
        if not is_open(path) and not options.get(PROVES_ITSELF) and not options.get(IS_NO_ACT_OF_A_SESSION)
    }
    assert len(answers) > 10
    wrong = {
        asked: answer.status_code
        for asked, answer in answers.items()
        if not (
            answer.status_code == 401
            or (answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"))
        )
    }
    assert wrong == {}


def test_whoever_has_no_right_gets_no_answer_of_the_api(doors: Doors) -> None:
    answers = {
        path: doors.ask(method, path, known=True).status_code
        for method, path, _ in doors.addresses()
        if method == "GET" and path.startswith("/v1/") and path not in OPEN
    }
    assert {path: status for path, status in answers.items() if status not in {403, 404}} == {}


def test_a_session_acts_nowhere_without_the_token_of_its_pages(doors: Doors) -> None:
    answers = {
        f"{method} {path}": doors.ask(method, path, known=True).status_code
        for method, path, options in doors.addresses()
        if method not in SAFE and not options.get(PROVES_ITSELF) and not options.get(IS_NO_ACT_OF_A_SESSION)
    }
    assert answers
    assert {asked: status for asked, status in answers.items() if status != 403} == {}
