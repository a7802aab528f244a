"""Programs are told events by webhook: signed, in order, at least once, of what they may see, until they say stop."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.integration.api.conftest import Api
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import master

from tieout.api import subscription_sender
from tieout.api.resources.subscriptions import check_address
from tieout.api.subscription_sender import Sender, signed_headers, wait_after
from tieout.errors import ConfigurationError
from tieout.governance import audit, secret_store, subscriptions
from tieout.governance.master_key import MasterKeys
from tieout.model.access import Scope
from tieout.model.oversight import Oversight, SubscriptionDoor
from tieout.model.reported import FieldValue, RecordType
from tieout.storage.pool import in_transaction, sync_pool
from tieout.web.database import DoorDatabase

ALL = ((Scope.SUBSCRIPTIONS_WRITE, None), (Scope.EVENTS_READ, None))
DAY_S = 24 * 3600


class Receiver:
    """A program's web server; ``answers`` are statuses to give one after the other, then 204."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?tenant=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


class Subscribed:
    """The API with a sender beside it, as ``Door`` runs one."""

    def __init__(self, api: Api, sender: Sender, receiver: Receiver) -> None:
        self.api = api
        self.sender = sender
        self.receiver = receiver
        self.header = api.token_of(*ALL)

    def post(self, path: str, body: object, *, header: dict[str, str] | None = None) -> Any:
        return self.api.client.post(f"/v1/subscriptions{path}", json=body, headers=header or self.header)

    def subscribe(self, **changes: object) -> tuple[str, str]:
        """Id and secret of a new subscription to the receiver."""
        answer = self.post("", {"name": "warehouse", "url": self.receiver.url, **changes})
        assert answer.status_code == 201, answer.text
        return answer.json()["subscription"]["subscription_id"], answer.json()["secret"]

    def shown(self, subscription_id: str) -> dict[str, Any]:
        answer = self.api.client.get(f"/v1/subscriptions/{subscription_id}", headers=self.header)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def events(self, *codes: str) -> None:
        """Clients that are told by a system, one event each."""
        for code in codes:
            fields: dict[str, FieldValue] = {"code": code, "name": f"Client {code}", "currency": "USD"}
            self.api.hub.report(master(RecordType.CLIENT, f"id-{code}", fields))

    def send(self) -> int:
        return asyncio.run(self.sender.send_due())

    def wait(self, seconds: float) -> None:
        self.api.hub.clock.advance(seconds)


@pytest.fixture
def subscribed(api: Api, door_url: str, tmp_path: Path) -> Iterator[Subscribed]:
    own = Oversight(subscriptions=SubscriptionDoor(own_networks=True))
    api.hub.apply(msgspec.structs.replace(world.firm(), oversight=own, content_hash="own networks"))
    pool = sync_pool(door_url, application="test", size=4)
    receiver = Receiver()
    clock = api.hub.clock
    yield Subscribed(api, Sender(DoorDatabase(pool, clock), MasterKeys(tmp_path, {}), clock), receiver)
    receiver.server.shutdown()
    receiver.server.server_close()
    pool.close()


def test_events_are_told_in_order_signed_and_once(subscribed: Subscribed) -> None:
    one, secret = subscribed.subscribe(types=["record.created"])
    subscribed.events("S1", "S2", "S3")
    assert subscribed.send() == 3
    assert subscribed.send() == 0
    ids = [int(one) for one in subscribed.receiver.ids]
    assert ids == sorted(set(ids))
    for headers, body in subscribed.receiver.got:
        event = json.loads(body)
        assert headers["content-type"] == "application/cloudevents+json"
        assert (event["id"], event["type"]) == (headers["webhook-id"], "tieout.record.created.v1")
        signature = headers["webhook-signature"]
        now = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        assert signature == Webhook(secret).sign(headers["webhook-id"], now, body.decode())
    assert subscribed.shown(one)["cursor"] >= ids[-1]


def test_a_signature_does_not_hold_for_a_flipped_bit() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    now = datetime.now(UTC)
    headers = signed_headers([secret], "7", b'{"a": 1}', now)
    assert Webhook(secret).verify(b'{"a": 1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b'{"a": 3}', headers)


def test_while_a_secret_is_replaced_both_sign_and_then_only_the_new_one(subscribed: Subscribed) -> None:
    one, old = subscribed.subscribe(types=["record.created"])
    new = subscribed.post(f"/{one}/secret", None).json()["secret"]
    assert new != old
    subscribed.events("R1")
    subscribed.send()
    subscribed.wait(DAY_S + 1)
    subscribed.events("R2")
    subscribed.send()
    (during, body), (after, later) = subscribed.receiver.got

    def signed_by(secret: str, headers: dict[str, str], content: bytes) -> bool:
        now = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        return (
            Webhook(secret).sign(headers["webhook-id"], now, content.decode()) in headers["webhook-signature"].split()
        )

    assert signed_by(old, during, body)
    assert signed_by(new, during, body)
    assert not signed_by(old, after, later)
    assert signed_by(new, after, later)


def test_the_secret_is_told_once_and_lies_nowhere_in_the_open(subscribed: Subscribed) -> None:
    key = {**subscribed.header, "idempotency-key": '"once"'}
    answer = subscribed.post("", {"name": "w", "url": subscribed.receiver.url}, header=key)
    secret = answer.json()["secret"].removeprefix("whsec_")
    told = subscribed.api.client.get("/v1/subscriptions", headers=subscribed.header).text
    assert secret not in told
    conn = subscribed.api.hub.conn
    for table in ("subscription", "subscription_secret", "audit_entry", "idempotency_key"):
        kept = str(conn.execute(f"select t::text from {table} t").fetchall())
        assert secret not in kept, table
        assert secret.encode().hex() not in kept, table


def test_a_new_master_key_takes_over_and_the_old_one_is_destroyed(subscribed: Subscribed, tmp_path: Path) -> None:
    _, secret = subscribed.subscribe(types=["record.created"])
    keys = MasterKeys(tmp_path, {})
    before = keys.current_id()
    after = keys.add()
    conn = subscribed.api.hub.conn
    assert in_transaction(conn, lambda cur: subscriptions.seal_again(cur, keys)) == 1
    assert in_transaction(conn, lambda cur: secret_store.drop_unused_keys(cur, keys, also_used=frozenset())) == 1
    assert before != after
    assert subscribed.api.hub.rows("select master_key_id from subscription_secret") == [(after,)]
    subscribed.events("K1")
    assert subscribed.send() == 1
    headers, body = subscribed.receiver.got[0]
    now = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert headers["webhook-signature"] == Webhook(secret).sign(headers["webhook-id"], now, body.decode())


def test_what_fails_is_tried_again_later_and_later_and_nothing_overtakes_it(subscribed: Subscribed) -> None:
    one, _ = subscribed.subscribe(types=["record.created"])
    subscribed.events("F1", "F2")
    subscribed.receiver.answers = [500, 302, 204]
    assert subscribed.send() == 0
    assert subscribed.send() == 0
    assert len(subscribed.receiver.got) == 1
    subscribed.wait(5)
    assert subscribed.send() == 0
    assert subscribed.shown(one)["failed_attempts"] == 2
    subscribed.wait(20)
    assert subscribed.send() == 2
    first, second, third, fourth = subscribed.receiver.ids
    assert first == second == third
    assert int(fourth) > int(first)
    attempts = subscribed.api.client.get(f"/v1/subscriptions/{one}/attempts", headers=subscribed.header).json()
    assert [(each["status"], each["ok"]) for each in attempts["attempts"]] == [
        (204, True),
        (204, True),
        (302, False),
        (500, False),
    ]
    assert subscribed.shown(one)["failing_since"] is None


def test_waiting_grows_to_hours_and_a_receiver_may_ask_for_more(subscribed: Subscribed) -> None:
    assert [wait_after(attempts) for attempts in range(7)] == [5, 20, 80, 320, 1280, 5120, 14400]
    one, _ = subscribed.subscribe()
    subscribed.events("W1")
    subscribed.receiver.answers, subscribed.receiver.headers = [429], {"retry-after": "600"}
    subscribed.send()
    waits = datetime.fromisoformat(subscribed.shown(one)["next_try_at"]) - subscribed.api.hub.clock.now()
    assert waits.total_seconds() == 600


def test_after_a_day_it_is_disabled_people_are_told_and_it_goes_on_where_it_stood(subscribed: Subscribed) -> None:
    one, _ = subscribed.subscribe(types=["record.created"])
    subscribed.events("D1")
    subscribed.receiver.answers = [500] * 50
    for _ in range(20):
        subscribed.send()
        subscribed.wait(4 * 3600)
    subscribed.header = subscribed.api.token_of(*ALL)
    shown = subscribed.shown(one)
    assert (shown["state"], shown["why"]) == ("disabled", "It failed for a day.")
    notices = subscribed.api.hub.rows("select kind, recipients from notice")
    assert notices == [("subscription_disabled", ["queue:integration"])]
    subscribed.receiver.answers.clear()
    assert subscribed.post(f"/{one}/state", {"paused": False}).json()["state"] == "active"
    assert subscribed.send() == 1


def test_an_address_that_is_gone_is_asked_no_more(subscribed: Subscribed) -> None:
    one, _ = subscribed.subscribe(types=["record.created"])
    subscribed.events("G1")
    subscribed.receiver.answers = [410]
    subscribed.send()
    assert subscribed.shown(one)["why"] == "The address says that it is gone (410)."


def test_a_receiver_that_does_not_answer_in_time_counts_as_failed(
    subscribed: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription_sender, "ANSWER_WITHIN_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one, _ = subscribed.subscribe(url=f"http://127.0.0.1:{silent.getsockname()[1]}/", types=["record.created"])
        subscribed.events("T1")
        assert subscribed.send() == 0
    attempts = subscribed.api.client.get(f"/v1/subscriptions/{one}/attempts", headers=subscribed.header).json()
    [attempt] = attempts["attempts"]
    assert (attempt["status"], attempt["ok"]) == (None, False)
    assert "TIE-HTTP-003" in attempt["words"]


def test_from_a_cursor_everything_is_told_again_under_the_same_ids(subscribed: Subscribed) -> None:
    one, _ = subscribed.subscribe(types=["record.created"])
    begun = subscribed.shown(one)["cursor"]
    subscribed.events("C1", "C2")
    subscribed.send()
    answer = subscribed.post(f"/{one}/replay", {"after": begun})
    assert answer.json()["cursor"] == begun
    subscribed.send()
    ids = subscribed.receiver.ids
    assert len(ids) == 4
    assert ids[:2] == ids[2:]


def test_two_senders_at_once_tell_nothing_twice(subscribed: Subscribed) -> None:
    subscribed.subscribe(types=["record.created"])
    subscribed.events(*(f"P{number}" for number in range(12)))

    async def both() -> list[int]:
        return await asyncio.gather(*(subscribed.sender.send_due() for _ in range(3)))

    assert sum(asyncio.run(both())) == 12
    assert len(set(subscribed.receiver.ids)) == len(subscribed.receiver.ids) == 12


def test_a_program_is_told_only_what_its_rights_show_when_it_is_sent(subscribed: Subscribed) -> None:
    german = subscribed.api.token_of((Scope.SUBSCRIPTIONS_WRITE, "DE01"), (Scope.EVENTS_READ, "DE01"))
    answer = subscribed.post("", {"name": "de", "url": subscribed.receiver.url, "after": 0}, header=german)
    assert answer.status_code == 201, answer.text
    subscribed.send()
    seen = {json.loads(body)["id"] for _, body in subscribed.receiver.got}
    feed = subscribed.api.client.get("/v1/events?limit=500", headers=german).json()["events"]
    assert seen == {one["id"] for one in feed}
    everything = subscribed.api.client.get("/v1/events?limit=500", headers=subscribed.header).json()["events"]
    assert len(seen) < len(everything)


def test_rights_that_end_end_what_is_told(subscribed: Subscribed) -> None:
    one, _ = subscribed.subscribe(types=["record.created"])
    subscribed.events("E1")
    subscribed.api.hub.conn.execute("update principal set disabled_at = now() where name like 'p-%'")
    assert subscribed.send() == 0
    assert subscribed.receiver.got == []
    rows = subscribed.api.hub.rows("select state, why from subscription where subscription_id = %s", one)
    assert rows == [("disabled", "Its program may not read events or keep subscriptions any more.")]


def test_a_subscription_of_another_program_is_not_there(subscribed: Subscribed) -> None:
    one, _ = subscribed.subscribe()
    other = subscribed.api.token_of((Scope.SUBSCRIPTIONS_WRITE, "DE01"), (Scope.EVENTS_READ, "DE01"))
    client = subscribed.api.client
    assert client.get("/v1/subscriptions", headers=other).json() == {"subscriptions": []}
    for answer in (
        client.get(f"/v1/subscriptions/{one}", headers=other),
        client.get(f"/v1/subscriptions/{one}/attempts", headers=other),
        client.delete(f"/v1/subscriptions/{one}", headers=other),
        subscribed.post(f"/{one}/secret", None, header=other),
        subscribed.post(f"/{one}/replay", {"after": 0}, header=other),
        subscribed.post(f"/{one}/state", {"paused": True}, header=other),
    ):
        assert answer.status_code == 404, answer.text


def test_paused_it_tells_nothing_removed_it_is_gone_and_the_audit_log_has_it_all(subscribed: Subscribed) -> None:
    one, _ = subscribed.subscribe(types=["record.created"])
    subscribed.post(f"/{one}/state", {"paused": True})
    subscribed.events("Q1")
    assert subscribed.send() == 0
    assert subscribed.api.client.delete(f"/v1/subscriptions/{one}", headers=subscribed.header).status_code == 204
    assert subscribed.api.client.get(f"/v1/subscriptions/{one}", headers=subscribed.header).status_code == 404
    lines = audit.entries(subscribed.api.hub.conn, object_kind="subscription", object_id=one)
    assert [line.entry.action for line in lines] == ["subscription.removed", "subscription.paused", "subscription.made"]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://10.0.0.8/",
        "https://me:secret@hooks.example/",
        "https://hooks.example/#part",
        "ftp://hooks.example/",
        "https:///path",
        "https://hooks.example:99999/",
        "https://hooks.example/\x01",
        "https://[::1",
        "https://xn--/",
        f"https://{'a' * 64}.example/",
        "https://xn--a-ecp.ru.xn--99999999/",
        "https://hooks example/",
    ],
)
def test_an_address_that_is_no_public_https_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="TIE-SUBSCRIPTION-001"):
        check_address(url, own_networks=False)


def test_a_name_that_leads_into_the_firms_own_network_is_never_spoken_to(subscribed: Subscribed) -> None:
    one, _ = subscribed.subscribe(types=["record.created"])
    subscribed.api.hub.apply(msgspec.structs.replace(world.firm(), content_hash="the internet only"))
    subscribed.events("N1")
    assert subscribed.send() == 0
    assert subscribed.receiver.got == []
    words = subscribed.api.hub.rows("select words from subscription_attempt where subscription_id = %s", one)
    assert "TIE-HTTP-005" in str(words)


def test_what_is_asked_wrongly_is_refused(subscribed: Subscribed) -> None:
    url = subscribed.receiver.url
    assert subscribed.post("", {"name": "w", "url": url, "types": ["no.such"]}).status_code == 400
    assert subscribed.post("", {"name": "w", "url": url, "cursor": 5}).status_code == 400
    assert subscribed.post("", {"name": "w", "url": "https://10.0.0.8:0/"}).status_code == 400
    blind = subscribed.api.token_of((Scope.SUBSCRIPTIONS_WRITE, None))
    assert subscribed.post("", {"name": "w", "url": url}, header=blind).status_code == 403
    for number in range(20):
        assert subscribed.post("", {"name": f"w{number}", "url": url}).status_code == 201
    answer = subscribed.post("", {"name": "w", "url": url})
    assert (answer.status_code, answer.json()["code"]) == (400, "TIE-SUBSCRIPTION-002")
