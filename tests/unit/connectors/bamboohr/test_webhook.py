"""Webhooks: nothing is taken in that BambooHR has not signed, lately, with this webhook's key."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiohttp import web
from tests.unit.connectors.bamboohr.company import BO, Company, changed, records

from tieout.connect.simulator.control import DeleteRecord, PutPerson, SentWebhook
from tieout.connect.source import Page, Unreadable
from tieout.connect.webhook import WebhookRequest
from tieout.connectors.bamboohr.simulator.webhooks import sign
from tieout.errors import AccessError, ContractError
from tieout.model.reported import ReportedRecord


def received(
    company: Company,
    sent: SentWebhook,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    after: timedelta = timedelta(),
) -> list[Page]:
    assert company.connector.webhook is not None
    request = WebhookRequest(
        headers=sent.headers if headers is None else headers,
        body=sent.body.encode() if body is None else body,
        received_at=datetime.fromisoformat(sent.sent_at) + after,
    )
    return list(company.connector.webhook.receive(request, secrets=company.connection.secrets))


@pytest.fixture
def sent(company: Company) -> SentWebhook:
    company.change(PutPerson(person=changed(BO, location="Osaka")))
    (found,) = company.simulator.webhooks()
    return found


async def test_a_webhook_says_the_same_as_the_row_that_is_read(company: Company, sent: SentWebhook) -> None:
    (page,) = received(company, sent)
    (told,) = company.translated(page)
    assert (page.item_count, page.next_cursor) == (1, "")
    _, found = await company.read("employees")
    assert isinstance(told, ReportedRecord)
    assert told == records(found)[told.source_id]


async def test_a_deletion_is_the_tombstone_that_the_feed_tells(company: Company) -> None:
    company.change(DeleteRecord(kind="person", key="bo"))
    (page,) = received(company, company.simulator.webhooks()[-1])
    (told,) = company.translated(page)
    _, found = await company.read("changed_employees")
    assert [told] == found


def test_a_request_without_signature_or_timestamp_is_refused(company: Company, sent: SentWebhook) -> None:
    for name in ("x-bamboohr-signature", "x-bamboohr-timestamp"):
        headers = {key: value for key, value in sent.headers.items() if key != name}
        with pytest.raises(AccessError) as refused:
            received(company, sent, headers=headers)
        assert "it is not signed" in refused.value.message


def test_a_body_or_signature_with_one_bit_changed_is_refused(company: Company, sent: SentWebhook) -> None:
    body = bytearray(sent.body.encode())
    body[10] ^= 1
    with pytest.raises(AccessError):
        received(company, sent, body=bytes(body))
    signature = sent.headers["x-bamboohr-signature"]
    flipped = f"{signature[:-1]}{int(signature[-1], 16) ^ 1:x}"
    with pytest.raises(AccessError) as refused:
        received(company, sent, headers={**sent.headers, "x-bamboohr-signature": flipped})
    assert "its signature is wrong" in refused.value.message


def test_a_signature_that_is_no_ascii_is_wrong_and_no_crash(company: Company, sent: SentWebhook) -> None:
    with pytest.raises(AccessError):
        received(company, sent, headers={**sent.headers, "x-bamboohr-signature": "süß"})


def test_a_signature_covers_its_timestamp(company: Company, sent: SentWebhook) -> None:
    later = str(int(sent.headers["x-bamboohr-timestamp"]) + 60)
    with pytest.raises(AccessError):
        received(company, sent, headers={**sent.headers, "x-bamboohr-timestamp": later})


@pytest.mark.parametrize("after", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_an_old_request_or_one_from_the_future_is_refused(
    company: Company, sent: SentWebhook, after: timedelta
) -> None:
    assert received(company, sent, after=after / 2)
    with pytest.raises(AccessError) as refused:
        received(company, sent, after=after)
    assert "too far from now" in refused.value.message


@pytest.mark.parametrize("timestamp", ["soon", "-5", "9" * 40, "²"])
def test_a_timestamp_that_is_none_is_refused_even_when_signed(
    company: Company, sent: SentWebhook, timestamp: str
) -> None:
    key = company.connection.secrets["webhook_private_key"]
    headers = {
        "x-bamboohr-timestamp": timestamp,
        "x-bamboohr-signature": sign(key, sent.body.encode(), timestamp),
    }
    with pytest.raises(AccessError) as refused:
        received(company, sent, headers=headers)
    assert "its timestamp is none" in refused.value.message


def test_without_a_key_nothing_is_taken_in(company: Company, sent: SentWebhook) -> None:
    assert company.connector.webhook is not None
    request = WebhookRequest(headers=sent.headers, body=sent.body.encode(), received_at=datetime.now(UTC))
    for secrets in ({}, {"webhook_private_key": ""}):
        with pytest.raises(AccessError):
            company.connector.webhook.receive(request, secrets=secrets)


def signed(company: Company, answer: object) -> SentWebhook:
    body = msgspec.json.encode(answer)
    at = datetime.now(UTC)
    timestamp = str(int(at.timestamp()))
    signature = sign(company.connection.secrets["webhook_private_key"], body, timestamp)
    return SentWebhook(
        headers={"x-bamboohr-signature": signature, "x-bamboohr-timestamp": timestamp},
        body=body.decode(),
        sent_at=at.isoformat(),
    )


def event(kind: str) -> dict[str, object]:
    return {"type": kind, "timestamp": "2026-08-01T09:00:00Z", "data": {"companyId": "1", "employeeId": "12"}}


def test_an_event_without_content_is_no_item_but_a_deletion_is(company: Company) -> None:
    for kind in ("employee.created", "employee.updated"):
        (page,) = received(company, signed(company, event(kind)))
        assert page.item_count == 0
    (page,) = received(company, signed(company, event("employee.deleted")))
    (told,) = company.translated(page)
    assert isinstance(told, ReportedRecord)
    assert (told.source_id, told.deleted) == ("12", True)
    (page,) = received(company, signed(company, event("employee.merged")))
    (unknown,) = company.translated(page)
    assert isinstance(unknown, Unreadable)
    assert "the event 'employee.merged' is unknown" in unknown.problem


def test_a_webhook_that_does_not_post_all_fields_is_told_instead_of_forgetting_some(company: Company) -> None:
    told = {"id": "12", "action": "Updated", "timestamp": "2026-08-01T09:00:00Z", "fields": {"email": {"value": "a"}}}
    (page,) = received(company, signed(company, {"employees": [told]}))
    (found,) = company.translated(page)
    assert isinstance(found, Unreadable)
    assert "the webhook does not post firstName" in found.problem


def test_a_body_that_is_no_webhook_is_a_contract_error(company: Company) -> None:
    for answer in ([1], {"page": 1}):
        with pytest.raises(ContractError):
            received(company, signed(company, answer))


async def test_a_webhook_with_an_address_is_posted_there_and_tried_again(company: Company) -> None:
    arrived: list[str] = []

    async def door(request: web.Request) -> web.Response:
        arrived.append(request.headers["x-bamboohr-signature"])
        return web.Response(status=503 if len(arrived) == 1 else 200)

    app = web.Application()
    app.add_routes([web.post("/hook", door)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made = await company.api.post(
        "/v1/webhooks",
        json={
            "name": "Hub",
            "monitorFields": ["location"],
            "postFields": {"location": "place"},
            "url": f"http://127.0.0.1:{port}/hook",
            "format": "json",
        },
    )
    company.change(PutPerson(person=changed(BO, location="Kyoto")))
    last = company.simulator.webhooks()[-1]
    await company.simulator.webhooks_posted()
    await runner.cleanup()
    assert made.status_code == 201
    assert (
        sign(made.json()["privateKey"], last.body.encode(), last.headers["x-bamboohr-timestamp"])
        == (last.headers["x-bamboohr-signature"])
    )
    assert arrived == [last.headers["x-bamboohr-signature"]] * 2
