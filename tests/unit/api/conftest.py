"""The door on a real database with the small firm of ``tests.worlds``, and what became of what it was handed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.api.app import application
from tieout.api.keys import create_key
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import connect, sync_pool
from tieout.web.entrance import Entrance
from tieout.web.site import Site

ADDRESS = "/v1/time-entries"


def entry(number: int = 1, **changes: object) -> dict[str, object]:
    """A good approved time entry."""
    return {
        "source_id": f"A{number}",
        "version": 1,
        "state": "approved",
        "person": "ada@example.com",
        "project": "P100",
        "task": "Design",
        "work_date": "2026-07-01",
        "hours": "7.5",
        "billable": True,
        "narrative": f"Interface design {number}",
        "approved_by": "bob@example.com",
        "approved_at": "2026-07-03T10:00:00Z",
        **changes,
    }


class Door:
    """A program with a key, before the door of a hub that works when it is told to."""

    def __init__(self, hub: Hub, client: TestClient[Litestar], key: str) -> None:
        self.hub = hub
        self.client = client
        self.key = key

    def send(self, body: bytes, **headers: str) -> httpx.Response:
        """Hand in ``body``; headers by name, with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(ADDRESS, content=body, headers={"authorization": f"Bearer {self.key}", **named})

    def outcomes(self, body: bytes) -> list[dict[str, Any]]:
        """Outcomes of a request that is stored."""
        answer = self.send(body)
        assert answer.status_code == 202, answer.text
        assert answer.headers["content-type"] == "application/json"
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def stored(self) -> list[bytes]:
        """Payloads of the messages that were handed in, in order."""
        rows = self.hub.rows("select payload from message where channel = 'api' order by message_id")
        return [bytes(row[0]) for row in rows]  # type: ignore[call-overload]  # untyped rows


@pytest.fixture
def door(database_url: str, door_url: str, tmp_path: Path) -> Iterator[Door]:
    pool = sync_pool(door_url, application="test-door", size=4, entities="*")
    entrance = Entrance(pool=pool, home=tmp_path, site=Site())
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn)
        hub.open_firm()
        key = create_key(conn, name="time app", system="timeapp", key_id=SystemIds().new_id(), now=world.NOW)
        with TestClient(application(pool, hub.clock, entrance), raise_server_exceptions=False) as client:
            yield Door(hub, client, key)
    pool.close()


def refusal_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, which has the form of RFC 9457."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = msgspec.json.decode(answer.content, type=dict[str, str | int])
    assert body.keys() == {"type", "title", "status", "detail", "code"}
    assert body["status"] == answer.status_code
    assert all(body.values())
    return answer.status_code, str(body["code"])
