"""The local account keeps what it answered, holds to its own rules, and shows what a repeat does without protection."""

import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from tests.unit.connectors.netsuite.account import RECORD_PATH, TOKEN_PATH, Account, small_firm, token_form

from tieout.connect.simulator.base import UnsupportedChangeError
from tieout.connect.simulator.control import ConnectionSheet, DeleteHolding, DeleteTimeEntry, PutClient, SetPeriod
from tieout.connect.simulator.seed import SeedClient, write_firm

SERVE = """
import asyncio, sys
from pathlib import Path
from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.server import serve_until_stopped
from tieout.connectors.netsuite.simulator.server import NetSuiteSimulator
simulator = NetSuiteSimulator(SimulatorOptions(state_dir=Path(sys.argv[1]) / "state"))
if sys.argv[2] == "seed":
    simulator.seed(Path(sys.argv[1]))
asyncio.run(serve_until_stopped(simulator, port=0, with_parent=True))
"""


class Process:
    """The account in a process of its own, to be killed."""

    def __init__(self, directory: Path, *, seed: bool) -> None:
        command = [sys.executable, "-c", SERVE, str(directory), "seed" if seed else "keep"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        ready = msgspec.json.decode(self.process.stdout.readline())
        admin = httpx.Client(base_url=ready["admin_url"], trust_env=False)
        self.sheet = msgspec.json.decode(admin.get("/connection").content, type=ConnectionSheet)
        self.admin = admin
        self.api = httpx.Client(base_url=ready["base_url"], trust_env=False)
        answer = self.api.post(TOKEN_PATH, data=token_form(self.sheet))
        self.api.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for one in (self.process.stdin, self.process.stdout, self.api, self.admin):
            assert one is not None
            one.close()

    def journals(self) -> list[Any]:
        return [one for one in self.admin.get("/holdings").json() if one["kind"] == "post_journal"]


def body(reference: str, debit: float = 1.0) -> dict[str, Any]:
    # Ids of a freshly seeded account: subsidiary 1, accounts 100 and 101.
    lines = [{"account": {"id": "100"}, "debit": debit}, {"account": {"id": "101"}, "credit": debit}]
    return {
        "externalId": reference,
        "subsidiary": {"id": "1"},
        "tranDate": "2026-08-14",
        "line": {"items": lines},
    }


def test_a_kill_loses_nothing_that_was_answered_and_async_work_goes_on(tmp_path: Path) -> None:
    write_firm(tmp_path, small_firm())
    first = Process(tmp_path, seed=True)
    for number in range(5):
        assert first.api.post(f"{RECORD_PATH}/journalEntry", json=body(f"TIE-{number}")).status_code == 204
    headers = {"Prefer": "respond-async", "Content-Type": "application/vnd.oracle.resource+json; type=collection"}
    batch = msgspec.json.encode({"items": [body(f"TIE-{number}") for number in range(5, 45)]})
    assert first.api.post(f"{RECORD_PATH}/journalEntry", content=batch, headers=headers).status_code == 202
    first.kill()
    second = Process(tmp_path, seed=False)
    try:
        until = time.monotonic() + 10
        while len(second.journals()) < 45 and time.monotonic() < until:
            time.sleep(0.05)
        assert sorted(one["reference"] for one in second.journals()) == sorted(f"TIE-{number}" for number in range(45))
    finally:
        second.kill()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"line": {"items": []}}, "USER_ERROR"),
        ({"subsidiary": None}, "FIELD_PARAM_REQD"),
        ({"currency": {"id": "77"}}, "INVALID_KEY_OR_REF"),
        ({"tranDate": "2020-01-01"}, "USER_ERROR"),
        ({"tranDate": "yesterday"}, "INVALID_CONTENT"),
        ({"postingPeriod": {"id": "202"}}, "USER_ERROR"),
        ({"line": {"items": [{"account": {"id": "100"}, "debit": 1.0, "credit": 1.0}]}}, "USER_ERROR"),
        ({"line": {"items": [{"debit": 1.0}, {"account": {"id": "100"}, "credit": 1.0}]}}, "FIELD_PARAM_REQD"),
        ({"line": {"items": [{"account": {"id": "100"}, "debit": 0.001}]}}, "INVALID_CONTENT"),
        ({"line": "nothing"}, "INVALID_CONTENT"),
    ],
)
async def test_the_rules_of_a_journal(account: Account, change: dict[str, Any], code: str) -> None:
    answer = await account.api.post(f"{RECORD_PATH}/journalEntry", json={**body("TIE-1"), **change})
    assert answer.status_code == 400
    assert answer.json()["o:errorDetails"][0]["o:errorCode"] == code
    assert account.held("TIE-1") == []


async def test_an_update_adds_its_lines_unless_they_replace(account: Account) -> None:
    path = f"{RECORD_PATH}/journalEntry/eid:TIE-1"
    await account.api.put(path, json=body("TIE-1"))
    await account.api.put(path, json=body("TIE-1"))
    assert account.held("TIE-1")[0].debit_minor == 200
    await account.api.put(path + "?replace=line", json=body("TIE-1", debit=3.0))
    assert account.held("TIE-1")[0].debit_minor == 300


async def test_without_protection_every_repeat_is_another_journal(account: Account) -> None:
    account.simulator.state.put("dedup", value=False)
    for _ in range(2):
        await account.api.post(f"{RECORD_PATH}/journalEntry", json=body("TIE-1"))
        await account.api.put(f"{RECORD_PATH}/journalEntry/eid:TIE-1", json=body("TIE-1"))
    assert len(account.held("TIE-1")) == 4


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"},
        {"aud": "https://elsewhere.example/token"},
        {"exp": int(time.time()) - 10},
        {"iat": int(time.time()) - 4000, "exp": int(time.time()) + 300},
        {"iat": int(time.time()) + 4000, "exp": int(time.time()) + 4300},
        {"scope": "restlets"},
        {"scope": "everything"},
    ],
)
async def test_an_assertion_with_wrong_claims_gets_no_token(account: Account, claims: dict[str, Any]) -> None:
    answer = await account.api.post(TOKEN_PATH, data=token_form(account.sheet, **claims))
    assert answer.status_code == 400
    assert "access_token" not in answer.json()


async def test_an_assertion_signed_by_another_key_gets_no_token(account: Account) -> None:
    form = token_form(account.sheet)
    head, claims, signature = form["client_assertion"].split(".")
    form["client_assertion"] = ".".join([head, claims, signature[::-1]])
    assert (await account.api.post(TOKEN_PATH, data=form)).status_code == 400


async def test_a_token_ends_after_an_hour(account: Account) -> None:
    account.simulator.set_clock_offset(3601.0)
    assert (await account.api.get(f"{RECORD_PATH}/customer/1")).status_code == 401


async def test_change_times_are_in_the_time_zone_of_the_account(account: Account) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    before = account.simulator.now().astimezone(zone)
    account.change(PutClient(client=SeedClient(code="NEW", name="New", entity="JP01", currency="JPY")))
    shown = await account.query(
        "SELECT TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS t FROM customer WHERE entityid = 'NEW'"
    )
    told = datetime.fromisoformat(shown["items"][0]["t"]).replace(tzinfo=zone)
    assert timedelta(seconds=-1) < told - before < timedelta(seconds=10)


async def test_people_change_it_by_hand(account: Account) -> None:
    await account.api.post(f"{RECORD_PATH}/journalEntry", json=body("TIE-1"))
    account.change(DeleteHolding(reference="TIE-1"))
    assert account.held("TIE-1") == []
    account.change(PutClient(client=SeedClient(code="NEW", name="New", entity="JP01", currency="JPY")))
    assert await account.key("customer", entityid="NEW")
    for change in (
        DeleteHolding(reference="TIE-1"),
        SetPeriod(entity="US01", period="1999-01", closed=True),
        PutClient(client=SeedClient(code="X", name="X", entity="XX", currency="USD")),
        DeleteTimeEntry(key="a"),
    ):
        with pytest.raises(UnsupportedChangeError):
            account.change(change)


async def test_seeding_again_replaces_everything(account: Account, tmp_path: Path) -> None:
    await account.api.post(f"{RECORD_PATH}/journalEntry", json=body("TIE-1"))
    account.simulator.seed(tmp_path)
    assert account.simulator.object_counts()["journalEntry"] == 0
    assert account.simulator.object_counts()["customer"] == 2
