"""Programs hand in time: answered when durable, once and only once, whatever they send and whatever dies."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from tests.acceptance.conftest import running, systems
from tests.acceptance.hub import Hub, Running, batch, time_entry, wait_for

from tieout.connect.simulator.process import SimulatorAdmin
from tieout.connect.simulator.seed import read_firm
from tieout.sample.masters import UNMAPPED_SERVICE_LINE

pytestmark = pytest.mark.timeout(500)

MIB = 1024 * 1024


class Program:
    """A program with a key, and people and projects that it can hand in time for."""

    def __init__(self, hub: Hub, up: Running, erp: SimulatorAdmin, key: str) -> None:
        self.hub = hub
        self.erp = erp
        self.up = up
        self.key = key
        firm = read_firm(hub.home / "sample")
        self._people = [one.email for one in firm.people if one.entity == "US01" and one.employed_to is None]
        self._project = next(
            one.code
            for one in firm.projects
            if one.entity == "US01"
            and one.status == "active"
            and one.service_line != UNMAPPED_SERVICE_LINE
            and one.rate_card.endswith("2026")
        )

    def entry(self, number: int, **changes: object) -> dict[str, object]:
        person = self._people[number % len(self._people)]
        return time_entry(number, person=person, project=self._project, **changes)

    def send(self, body: bytes, **headers: str) -> httpx.Response:
        authorization = {"Authorization": f"Bearer {self.key}", **headers}
        return self.up.client.post("/v1/time-entries", content=body, headers=authorization)

    def outcomes(self, body: bytes) -> list[dict[str, Any]]:
        answer = self.send(body)
        assert answer.status_code == 202, answer.text
        items: list[dict[str, Any]] = json.loads(answer.content)["items"]
        return items

    def posted(self, *others: str) -> list[str]:
        """Source ids of everything posted of the program (or in ``others``), each as often as it is."""
        found: list[str] = []
        for row in self.hub.statement("--entity", "US01", "--period", "2026-11").tie_out:
            if row.entity == "US01":
                for side in ("posted", *others):
                    found += [one.source_id or "" for one in self.hub.entries(row, side)]
        return sorted(found)


@pytest.fixture
def program(hub: Hub) -> Iterator[Program]:
    hub.write("systems/timeapp.toml", 'connector = "api"', 'account = "timeapp"', 'environment = "sandbox"')
    owners = hub.home / "firm" / "ownership.toml"
    owners.write_text(owners.read_text().replace('system = "psa"', 'system = "timeapp"', 1))
    with systems(hub) as (_, erp):
        key = hub.does("key", "create", "--system", "timeapp", "--name", "time app").strip()
        with running(hub) as up:
            yield Program(hub, up, erp, key)


def test_every_request_gets_an_answer_that_says_what_became_of_it(program: Program) -> None:
    single = msgspec.json.encode(program.entry(1))
    assert [one["outcome"] for one in program.outcomes(single)] == ["stored"]
    assert [one["outcome"] for one in program.outcomes(single)] == ["repeat"]
    mixed = batch([program.entry(2), {"source_id": "A3", "hours": "many"}, program.entry(4)])
    assert [one["outcome"] for one in program.outcomes(mixed)] == ["stored", "unreadable", "stored"]
    broken = {
        "no JSON": b"{",
        "NaN": single.replace(b'"0.25"', b"NaN"),
        "a number that is infinite": single.replace(b'"0.25"', b"1e999"),
        "a key twice": b'{"source_id": "A1", ' + single[1:],
        "deep nesting": b"[" * 50_000 + b"]" * 50_000,
        "another shape": b'{"entries": []}',
        "bad UTF-8": single.replace(b"Work item", b"\xff\xfe"),
        "a field nobody knows": msgspec.json.encode(program.entry(5, colour="red")),
    }
    for what, body in broken.items():
        outcomes = program.outcomes(body)
        assert [one["outcome"] for one in outcomes] == ["unreadable"], what
        assert outcomes[0]["problem"], what
    for answer, status, code in (
        (program.send(single, Authorization="Bearer tieout_wrong"), 401, "TIE-API-002"),
        (program.up.client.post("/v1/time-entries", content=single), 401, "TIE-API-002"),
        (program.send(b"  "), 400, "TIE-API-004"),
        (program.send(b" " * (8 * MIB + 1)), 413, "TIE-API-003"),
    ):
        assert answer.status_code == status, answer.text
        assert json.loads(answer.content)["code"] == code
    full = single[:-1] + b" " * (8 * MIB - len(single)) + b"}"
    assert [one["outcome"] for one in program.outcomes(full)] == ["stored"]
    wait_for(lambda: program.posted() == ["A1", "A2", "A4"], "the three good entries are posted")
    wait_for(lambda: program.hub.statement().total("in_progress") == 0, "the hub is quiet")
    statement = program.hub.statement()
    assert statement.holds
    unreadable = {item.source_id for one in program.hub.causes("SCHEMA_INVALID") for item in hub_items(program, one)}
    assert {"A3", "A5"} <= unreadable


def hub_items(program: Program, cause: Any) -> list[Any]:
    return list(program.hub.items(cause.cause_id))


def test_sixteen_senders_with_duplicates_among_them_post_everything_once(program: Program) -> None:
    threads = [threading.Thread(target=_send_all, args=(program, offset)) for offset in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = sorted(f"A{number}" for number in range(100, 140))
    wait_for(lambda: program.posted() == expected, "every entry is posted once", within_s=90)
    assert program.hub.statement("--verify").holds


def _send_all(program: Program, offset: int) -> None:
    numbers = [100 + (offset * 5 + step) % 40 for step in range(40)]
    for at in range(0, 40, 4):
        program.outcomes(batch([program.entry(number) for number in numbers[at : at + 4]]))


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_when_everything_is_killed_and_started_again(program: Program) -> None:
    held_before = {(one.code, one.count) for one in program.hub.causes()}
    answered: list[str] = []
    for number in range(200, 230):
        if number in {208, 216, 224}:
            program.up.kill_everything()
            program.up.start()
        program.outcomes(msgspec.json.encode(program.entry(number)))
        answered.append(f"A{number}")
    wait_for(lambda: program.posted("in_doubt") == sorted(answered), "all that was answered is sent once")
    statement = program.hub.statement()
    assert statement.holds
    assert {(one.code, one.count) for one in program.hub.causes()} == held_before
    references = [one.reference for one in program.erp.holdings() if one.kind == "post_journal"]
    assert len(references) == len(set(references))


def test_the_hub_outlives_a_kill_of_its_database(program: Program) -> None:
    program.outcomes(msgspec.json.encode(program.entry(300)))
    program.up.kill_postgres()
    wait_for(lambda: program.up.client.get("/ready").status_code == 200, "the database is back")
    program.outcomes(msgspec.json.encode(program.entry(301)))
    wait_for(lambda: program.posted() == ["A300", "A301"], "both entries are posted")
    assert program.hub.statement("--verify").holds
