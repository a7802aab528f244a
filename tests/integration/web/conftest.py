"""A small application behind the entrance of the doors, on a real database as the role of the doors."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.testing import TestClient

from tieout.governance import access, api_clients, sign_in
from tieout.governance.access import Act, Right
from tieout.model.access import Role, Scope
from tieout.model.clock import FixedClock
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import Pool, connect, sync_pool
from tieout.web import entrance, problems
from tieout.web.guards import Asking, csrf_token, requires
from tieout.web.site import Site

MAX_BYTES = 100_000
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
RECORDS = [
    (1, "legal_entity", "US01", "null"),
    (2, "legal_entity", "DE01", "null"),
    (3, "project", "P100", '["erp", "US01"]'),
    (4, "project", "P200", '["erp", "DE01"]'),
]
ids = SystemIds()


@get("/", sync_to_thread=False)
def first_page(principal: Asking, request: Request[Any, Any, State]) -> dict[str, str]:
    return {"name": principal.name, "csrf": csrf_token(request)}


@post("/act", sync_to_thread=False)
def act(principal: Asking) -> dict[str, str]:
    return {"by": principal.name}


@get("/v1/projects", guards=[requires(Scope.PROJECTS_READ)], sync_to_thread=True)
def projects(principal: Asking, state: State) -> list[str]:
    with state.database.as_principal(principal, Scope.PROJECTS_READ) as conn:
        rows = conn.execute("select code from golden_record where type = 'project' order by code").fetchall()
    return [str(code) for (code,) in rows]


@get("/v1/open", sync_to_thread=False)
def nobody() -> dict[str, str]:
    return {"open": "yes"}


@post("/v1/fails", sync_to_thread=False, opt={"proves_itself": True})
def fails(request: Request[Any, Any, State]) -> None:
    secret = request.headers["authorization"]
    raise RuntimeError(len(secret))


class Entrance:
    """The application, who is known to it, and its time."""

    def __init__(self, owner_url: str, pool: Pool, home: Path, site: Site) -> None:
        self.clock = FixedClock(NOW)
        self.owner_url = owner_url
        self.app = Litestar(
            route_handlers=[first_page, act, projects, nobody, fails, *entrance.routes()],
            state=State(entrance.state(entrance.Entrance(pool=pool, home=home, site=site), self.clock)),
            middleware=entrance.MIDDLEWARE,
            dependencies=entrance.dependencies(),
            before_send=entrance.BEFORE_SEND,
            exception_handlers=problems.handlers(MAX_BYTES),
            request_max_body_size=MAX_BYTES,
            openapi_config=None,
            logging_config=None,
        )
        self.client = TestClient(self.app, raise_server_exceptions=False)

    @property
    def act(self) -> Act:
        return Act(by="admin", now=self.clock.now())

    def person(self, name: str, *grants: tuple[Role, str | None]) -> UUID:
        person_id = ids.new_id()
        with connect(self.owner_url) as conn, conn.cursor() as cur:
            access.add_person(cur, name=name, email=f"{name}@example.com", person_id=person_id, act=self.act)
            for role, entity in grants:
                right = Right(what=role, entity=entity)
                access.grant(cur, principal_id=person_id, right=right, grant_id=ids.new_id(), act=self.act)
        return person_id

    def program(self, name: str, *grants: tuple[Scope, str | None]) -> tuple[UUID, str, str]:
        program_id = ids.new_id()
        with connect(self.owner_url) as conn, conn.cursor() as cur:
            client_id, secret = api_clients.add_client(cur, name=name, program_id=program_id, act=self.act)
            for scope, entity in grants:
                right = Right(what=scope, entity=entity)
                access.grant(cur, principal_id=program_id, right=right, grant_id=ids.new_id(), act=self.act)
        return program_id, client_id, secret

    def disable(self, who: UUID) -> None:
        with connect(self.owner_url) as conn, conn.cursor() as cur:
            access.disable(cur, principal_id=who, act=self.act)

    def link(self, who: UUID) -> str:
        with connect(self.owner_url) as conn, conn.cursor() as cur:
            return sign_in.new_link(cur, principal_id=who, act=self.act)

    def sign_in(self, who: UUID) -> None:
        """Sign in as a browser does."""
        answer = self.client.post(f"/sign-in/{self.link(who)}", follow_redirects=False)
        assert answer.status_code == 303

    def token(self, client_id: str, secret: str, **more: str) -> str:
        answer = self.client.post(
            "/v1/oauth/token",
            data={"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, **more},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


Opener = Callable[[Site], Entrance]


@pytest.fixture
def open_entrance(database_url: str, door_url: str, tmp_path: Path) -> Iterator[Opener]:
    pool = sync_pool(door_url, application="test-web", size=6)
    with connect(database_url) as conn:
        for record_id, kind, code, entity in RECORDS:
            conn.execute(
                """
                insert into golden_record
                       (record_id, public_id, type, code, version, fields, refs, provenance, hash, recorded_at)
                values (%s, %s, %s, %s, 1, '{}', %s, '{}', '', %s)
                """,
                (record_id, ids.new_id(), kind, code, f'{{"legal_entity": {entity}}}', NOW),
            )
        for number, code in enumerate(("US01", "DE01"), start=1):
            conn.execute("insert into cross_reference values ('erp', 'legal_entity', %s, %s, %s)", (code, number, NOW))
    yield lambda site: Entrance(database_url, pool, tmp_path, site)
    pool.close()


@pytest.fixture
def door(open_entrance: Opener) -> Entrance:
    return open_entrance(Site())
