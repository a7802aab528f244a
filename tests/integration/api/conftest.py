"""The whole application over a real database as the doors' role, with people and programs who ask."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.worlds.inbound_database import Hub

from tieout.api.app import application
from tieout.governance import access, api_clients, sign_in
from tieout.governance.access import Act, Right
from tieout.model.access import Role, Scope
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import connect, sync_pool
from tieout.web.entrance import Entrance
from tieout.web.guards import COOKIE, CSRF_HEADER, csrf_token_of
from tieout.web.site import Site

ids = SystemIds()


class Api:
    """The application of the firm of ``inbound_database``; ``token_of`` lets a program in."""

    def __init__(self, hub: Hub, url: str, client: TestClient[Litestar]) -> None:
        self.hub = hub
        self.url = url
        self.client = client

    def token_of(self, *grants: tuple[Scope, str | None]) -> dict[str, str]:
        """The header of a new program with these rights."""
        program_id: UUID = ids.new_id()
        act = Act(by="admin", now=self.hub.clock.now())
        with connect(self.url) as conn, conn.cursor() as cur:
            client_id, secret = api_clients.add_client(cur, name=f"p-{program_id}", program_id=program_id, act=act)
            for scope, entity in grants:
                right = Right(what=scope, entity=entity)
                access.grant(cur, principal_id=program_id, right=right, grant_id=ids.new_id(), act=act)
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer = self.client.post("/v1/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    def person(self, name: str, *grants: tuple[Role, str | None]) -> dict[str, str]:
        """A new person who has signed in: the cookie and the token of the session, as headers."""
        person_id = ids.new_id()
        act = Act(by="admin", now=self.hub.clock.now())
        with connect(self.url) as conn, conn.cursor() as cur:
            access.add_person(cur, name=name, email=f"{name}@example.com", person_id=person_id, act=act)
            for role, entity in grants:
                right = Right(what=role, entity=entity)
                access.grant(cur, principal_id=person_id, right=right, grant_id=ids.new_id(), act=act)
            link = sign_in.new_link(cur, principal_id=person_id, act=act)
        answer = self.client.post(f"/sign-in/{link}", follow_redirects=False)
        secret = answer.cookies[COOKIE]
        self.client.cookies.clear()
        return {"cookie": f"{COOKIE}={secret}", CSRF_HEADER: csrf_token_of(secret)}


@pytest.fixture
def api(database_url: str, door_url: str, tmp_path: Path) -> Iterator[Api]:
    own, doors = sync_pool(database_url, application="test", size=4), sync_pool(door_url, application="test", size=4)
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn)
        hub.open_firm()
        app = application(own, hub.clock, Entrance(pool=doors, home=tmp_path, site=Site()))
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Api(hub, database_url, client)
    own.close()
    doors.close()
