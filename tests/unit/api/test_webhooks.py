"""A vendor's webhook is stored, once, before it is answered; what is not proven its own is counted, not stored."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.unit.api.conftest import refusal_of
from tests.unit.connectors.bamboohr.company import BO, changed, small_firm
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.api.app import application
from tieout.api.webhooks import MAX_WEBHOOK_BYTES, WebhookRates
from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.control import DeleteRecord, PutPerson, SentWebhook
from tieout.connect.simulator.seed import write_firm
from tieout.connectors.bamboohr.connector import CONNECTOR
from tieout.connectors.bamboohr.simulator import SIMULATOR
from tieout.connectors.bamboohr.simulator.webhooks import sign
from tieout.inbound import refusals_store
from tieout.model.clock import FixedClock
from tieout.model.firm import Environment, FirmConfig, SystemConfig
from tieout.model.oversight import Oversight, WebhookDoor
from tieout.runtime.clock import SystemClock
from tieout.storage.pool import connect, in_transaction, sync_pool
from tieout.storage.wake import CHANNEL
from tieout.web.entrance import Entrance
from tieout.web.site import Site

KEY_PLACE = "TIEOUT_TEST_WEBHOOK_KEY"
ADDRESS = "/v1/webhooks/hcm"


class Vendor:
    """A BambooHR company whose webhooks somebody carries to the door of a hub."""

    def __init__(self, hub: Hub, client: TestClient[Litestar], simulator: SIMULATOR, key: str) -> None:
        self.hub = hub
        self.client = client
        self.simulator = simulator
        self.key = key

    def moves_bo_to(self, location: str) -> SentWebhook:
        """HR moves somebody; what the vendor signed about it."""
        self.simulator.apply_change(PutPerson(person=changed(BO, location=location)))
        return self.simulator.webhooks()[-1]

    def send(self, sent: SentWebhook, address: str = ADDRESS) -> httpx.Response:
        """Carry a webhook to the door."""
        return self.client.post(address, content=sent.body.encode(), headers=dict(sent.headers))

    def send_signed(self, body: bytes, *, age_s: int = 0, key: str | None = None) -> httpx.Response:
        """A request that is signed as the vendor does."""
        at = str(int(time.time()) - age_s)
        headers = {"x-bamboohr-timestamp": at, "x-bamboohr-signature": sign(key or self.key, body, at)}
        return self.client.post(ADDRESS, content=body, headers=headers)

    def refused_count(self) -> int:
        """How many requests the door has refused today."""
        [(count,)] = self.hub.rows("select coalesce(sum(refused_count), 0) from webhook_refusal where system = 'hcm'")
        return int(str(count))

    def settle(self, *, limit: int, days: int = 0) -> list[tuple[object, ...]]:
        """What stands on the desk of refused webhooks once they were looked at, ``days`` from now."""
        now = datetime.now(UTC) + timedelta(days=days)
        in_transaction(self.hub.conn, lambda cur: refusals_store.settle(cur, limit=limit, now=now))
        return self.hub.rows(
            "select state, message from desk_item where subject_kind = 'refused_webhooks' order by item_id"
        )

    def let_in(self, per_minute: int) -> None:
        """The firm lets in so many webhooks each minute."""
        [(config,)] = self.hub.rows("select config from firm_version order by version desc limit 1")
        firm = msgspec.json.decode(bytes(config), type=FirmConfig)  # type: ignore[call-overload]  # untyped rows
        policy = Oversight(webhooks=WebhookDoor(per_minute=per_minute))
        self.hub.apply(msgspec.structs.replace(firm, oversight=policy))

    def stored(self) -> list[tuple[object, ...]]:
        """What is stored of webhooks."""
        return self.hub.rows(
            "select system, object, payload from message where channel = 'webhook' order by message_id"
        )


@pytest.fixture
def vendor(database_url: str, door_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    write_firm(tmp_path, small_firm())
    simulator = SIMULATOR(SimulatorOptions(state_dir=tmp_path / "state"))
    simulator.seed(tmp_path)
    key = simulator.connection_sheet("http://localhost").secrets["webhook_private_key"]
    monkeypatch.setenv(KEY_PLACE, key)
    firm = world.firm()
    hcm = SystemConfig(
        name="hcm",
        connector="bamboohr",
        account="hr",
        environment=Environment.SANDBOX,
        secrets={"webhook_private_key": f"env:{KEY_PLACE}"},
    )
    erp = SystemConfig(name="books", connector="netsuite", account="books", environment=Environment.SANDBOX)
    pool = sync_pool(door_url, application="test-webhooks", size=4, entities="*")
    entrance = Entrance(pool=pool, home=tmp_path, site=Site())
    with connect(database_url, autocommit=True) as conn:
        hub = Hub(conn, clock=FixedClock(datetime.now(UTC) + timedelta(hours=1)))
        assert CONNECTOR.translator is not None
        hub.context = replace(hub.context, translators={**hub.context.translators, "hcm": CONNECTOR.translator})
        hub.open_firm(msgspec.structs.replace(firm, systems=(*firm.systems, hcm, erp)))
        with TestClient(application(pool, SystemClock(), entrance), raise_server_exceptions=False) as client:
            yield Vendor(hub, client, simulator, key)
    pool.close()


def test_a_webhook_is_stored_without_what_is_private_and_taken_in_as_what_was_polled(vendor: Vendor) -> None:
    sent = vendor.moves_bo_to("Osaka")
    answer = vendor.send(sent)
    assert (answer.status_code, answer.json()) == (202, {"stored": 1, "repeated": 0})
    assert '"preferredName":{' in sent.body
    [(system, kind, payload)] = vendor.stored()
    assert (system, kind) == ("hcm", "webhook")
    kept = msgspec.json.decode(bytes(payload))  # type: ignore[call-overload]  # untyped rows
    assert "employees.fields.preferredName" in kept.pop("tieoutLeftOut")
    posted = msgspec.json.decode(sent.body)["employees"][0]["fields"]
    assert kept["employees"][0]["fields"].items() <= posted.items()
    assert "preferredName" not in kept["employees"][0]["fields"]
    vendor.hub.work()
    (told,) = vendor.hub.rows(
        "select fields ->> 'email', fields ->> 'location' from reported_record where system = 'hcm'"
    )
    assert told == ("bo@northwind.example", "Osaka")


def test_a_webhook_that_comes_twice_is_stored_once(vendor: Vendor) -> None:
    sent = vendor.moves_bo_to("Osaka")
    vendor.send(sent)
    answer = vendor.send(sent)
    assert (answer.status_code, answer.json()) == (202, {"stored": 0, "repeated": 1})
    assert len(vendor.stored()) == 1


def test_a_deletion_is_taken_in_whatever_comes_after_it(vendor: Vendor) -> None:
    before = vendor.moves_bo_to("Osaka")
    time.sleep(1.1)
    vendor.simulator.apply_change(DeleteRecord(kind="person", key="bo"))
    vendor.send(vendor.simulator.webhooks()[-1])
    vendor.send(before)
    vendor.hub.work()
    assert vendor.hub.rows("select deleted from reported_record where system = 'hcm'") == [(True,)]


def test_a_request_without_a_right_and_fresh_signature_is_refused_counted_and_stored_nowhere(vendor: Vendor) -> None:
    sent = vendor.moves_bo_to("Osaka")
    body = sent.body.encode()
    refusals = [
        vendor.client.post(ADDRESS, content=body),
        vendor.client.post(ADDRESS, content=body + b" ", headers=dict(sent.headers)),
        vendor.send_signed(body, key="somebody else's"),
        vendor.send_signed(body, age_s=3600),
        vendor.send_signed(body, age_s=-3600),
    ]
    assert {refusal_of(one) for one in refusals} == {(401, "TIE-WEBHOOK-002")}
    assert vendor.refused_count() == len(refusals)
    assert not any(vendor.key in one.text or "wrong" in one.text for one in refusals)
    assert vendor.stored() == []


def test_a_request_with_any_one_bit_of_its_body_flipped_is_refused(vendor: Vendor) -> None:
    sent = vendor.moves_bo_to("Osaka")
    body = sent.body.encode()
    for bit in range(0, len(body) * 8, 61):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        answer = vendor.client.post(ADDRESS, content=bytes(flipped), headers=dict(sent.headers))
        assert refusal_of(answer) == (401, "TIE-WEBHOOK-002")
    assert vendor.stored() == []


def test_a_stored_webhook_wakes_the_step_that_reads_it(vendor: Vendor, database_url: str) -> None:
    sent = vendor.moves_bo_to("Osaka")
    with connect(database_url, autocommit=True) as listening:
        listening.execute(f"listen {CHANNEL}")
        assert vendor.send(sent).status_code == 202
        notes = [note.payload for note in listening.notifies(timeout=5, stop_after=1)]
    assert notes == ["inbound"]


def test_a_system_that_sends_no_webhooks_has_no_door(vendor: Vendor) -> None:
    sent = vendor.moves_bo_to("Osaka")
    for name in ("nobody", "books", "timeapp", "h%00cm", "x" * 500):
        assert refusal_of(vendor.send(sent, f"/v1/webhooks/{name}")) == (404, "TIE-WEBHOOK-001")
    assert refusal_of(vendor.client.get(ADDRESS)) == (405, "TIE-API-007")
    assert vendor.refused_count() == 0


def test_a_webhook_above_the_limit_is_refused_before_it_is_proven(vendor: Vendor) -> None:
    body = b"{" + b" " * MAX_WEBHOOK_BYTES + b"}"
    assert refusal_of(vendor.send_signed(body)) == (413, "TIE-WEBHOOK-003")
    assert vendor.stored() == []


def test_a_proven_request_that_is_no_webhook_is_refused(vendor: Vendor) -> None:
    for body in (b"", b"{", b"[" * 100_000, b'{"employees": "none"}', b"\xff"):
        assert refusal_of(vendor.send_signed(body)) == (400, "TIE-WEBHOOK-004")
    assert vendor.stored() == []


def test_a_secret_that_is_not_there_makes_the_vendor_try_again(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = vendor.moves_bo_to("Osaka")
    monkeypatch.delenv(KEY_PLACE)
    refused = vendor.send(sent)
    assert refusal_of(refused) == (503, "TIE-WEBHOOK-005")
    assert refused.headers["retry-after"] == "2"
    monkeypatch.setenv(KEY_PLACE, vendor.key)
    assert vendor.send(sent).status_code == 202


def test_a_webhook_about_something_unknown_is_kept_and_stands_on_the_desk(vendor: Vendor) -> None:
    body = b'{"employees": [{"id": "900", "action": "Adopted", "timestamp": "2026-08-01T00:00:00Z", "fields": {}}]}'
    assert vendor.send_signed(body).status_code == 202
    vendor.hub.work()
    assert [row[0] for row in vendor.hub.open_items()] == ["SCHEMA_INVALID"]
    assert vendor.stored() == [("hcm", "webhook", body)]


def test_many_refused_in_a_day_stand_on_the_desk_until_a_day_comes_with_fewer(vendor: Vendor) -> None:
    for _ in range(2):
        vendor.send_signed(b"{}", key="somebody else's")
    assert vendor.settle(limit=3) == []
    vendor.send_signed(b"{}", age_s=3600)
    [(state, words)] = vendor.settle(limit=3)
    assert state == "open"
    assert "3 webhooks in the name of hcm were refused" in str(words)
    vendor.send_signed(b"{}", key="somebody else's")
    [(state, words)] = vendor.settle(limit=3)
    assert "4 webhooks" in str(words)
    assert [row[0] for row in vendor.settle(limit=3, days=1)] == ["resolved"]
    assert vendor.refused_count() == 4


def test_what_a_firm_does_not_let_in_is_told_when_to_come_again_and_is_not_counted_as_refused(vendor: Vendor) -> None:
    vendor.let_in(2)
    answers = [vendor.send_signed(b"{}") for _ in range(3)]
    assert [one.status_code for one in answers[:2]] == [400, 400]
    assert refusal_of(answers[2]) == (429, "TIE-WEBHOOK-006")
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert vendor.refused_count() == 2


def test_as_many_as_a_minute_lets_in_may_come_at_once_and_then_one_after_the_other() -> None:
    rates, start = WebhookRates(), datetime(2026, 7, 1, tzinfo=UTC)
    waits = [rates.wait_s("hcm", per_minute=6, now=start) for _ in range(7)]
    assert waits == [0, 0, 0, 0, 0, 0, 10]
    assert rates.wait_s("crm", per_minute=6, now=start) == 0
    assert rates.wait_s("hcm", per_minute=6, now=start + timedelta(seconds=9)) == 1
    assert rates.wait_s("hcm", per_minute=6, now=start + timedelta(seconds=10)) == 0
    assert rates.wait_s("hcm", per_minute=6, now=start + timedelta(seconds=10)) == 10
