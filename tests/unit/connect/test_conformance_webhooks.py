"""The checks of webhooks: a right door passes them, each wrong one fails the check made for it."""

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from tieout.connect.conformance import ALL_CHECKS, SimulatorHarness, Site, Verdict
from tieout.connect.conformance.score import Result
from tieout.connect.conformance.suite import SuiteRun
from tieout.connect.connector import Connector
from tieout.connect.source import Page
from tieout.connect.webhook import Webhook, WebhookRequest
from tieout.connectors.bamboohr.harness import HARNESS
from tieout.connectors.bamboohr.webhook import KEY, KEY_BEFORE, SIGNATURE_HEADER, TIMESTAMP_HEADER
from tieout.errors import AccessError, ContractError

CHECKS = {check.name: check for check in ALL_CHECKS}
RIGHT = HARNESS.connector
assert RIGHT.webhook is not None
PROVEN: Webhook = RIGHT.webhook


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with HARNESS.open() as opened:
        yield opened


def made(site: Site, check: str, connector: Connector) -> Result:
    return SuiteRun(SimulatorHarness("bamboohr", connector=connector), site).make(CHECKS[check])


def page(request: WebhookRequest) -> Page:
    return Page(object="webhook", payload=request.body, item_count=1, next_cursor="")


def refused(words: str) -> AccessError:
    return AccessError(code="TIE-TEST-001", message=words)


class TakesAll:
    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        del secrets
        return [page(request)]


class NoAge:
    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        timestamp = request.headers.get(TIMESTAMP_HEADER, "")
        at = datetime.fromtimestamp(int(timestamp), UTC) if timestamp.isdigit() else request.received_at
        now = WebhookRequest(headers=request.headers, body=request.body, received_at=at)
        return PROVEN.receive(now, secrets=secrets)


class SignsNoTime:
    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        timestamp = request.headers.get(TIMESTAMP_HEADER, "")
        signature = request.headers.get(SIGNATURE_HEADER, "")
        names = (KEY, KEY_BEFORE)
        rights = [
            hmac.new(secrets.get(name, "").encode(), request.body + f"{age}".encode(), hashlib.sha256).hexdigest()
            for name in names
            for age in range(int(request.received_at.timestamp()) - 9, int(request.received_at.timestamp()) + 9)
        ]
        if not timestamp or signature not in rights:
            raise refused("wrong")
        return [Page(object="webhook", payload=timestamp.encode(), item_count=1, next_cursor="")]


class ReadsFirst:
    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        try:
            json.loads(request.body)
        except ValueError as error:
            raise ContractError(code="TIE-TEST-002", message="no JSON") from error
        return PROVEN.receive(request, secrets=secrets)


class OneSecret:
    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        return PROVEN.receive(request, secrets={KEY: secrets.get(KEY, "")})


class AnyEmptySecret:
    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        if not all(secrets.get(name) for name in (KEY, KEY_BEFORE) if name in secrets):
            return [page(request)]
        return PROVEN.receive(request, secrets=secrets)


class TellsSecret:
    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        try:
            return PROVEN.receive(request, secrets=secrets)
        except AccessError as error:
            raise refused(f"{error.message} {secrets.get(KEY)}") from error


class CountsRequests:
    def __init__(self) -> None:
        self.count = 0

    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        self.count += 1
        return [
            Page(object=one.object, payload=one.payload, item_count=self.count, next_cursor=one.next_cursor)
            for one in PROVEN.receive(request, secrets=secrets)
        ]


class MovesCursor:
    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        return [
            Page(object=one.object, payload=one.payload, item_count=1, next_cursor="7")
            for one in PROVEN.receive(request, secrets=secrets)
        ]


class Alters:
    """Says another thing than was read: ``right`` of the body becomes ``wrong``."""

    def __init__(self, right: bytes, wrong: bytes) -> None:
        self.right, self.wrong = right, wrong

    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        return [
            Page(object=one.object, payload=one.payload.replace(self.right, self.wrong), item_count=1, next_cursor="")
            for one in PROVEN.receive(request, secrets=secrets)
        ]


WRONG = [
    (TakesAll(), "an_unsigned_webhook_is_refused", "without any header is taken"),
    (TakesAll(), "an_old_webhook_is_refused", "after it was signed is taken"),
    (TakesAll(), "a_webhook_with_a_flipped_bit_is_refused", "of its body flipped is taken"),
    (TakesAll(), "a_webhook_signed_with_another_secret_is_refused", "under another secret is taken"),
    (NoAge(), "an_old_webhook_is_refused", "after it was signed is taken"),
    (SignsNoTime(), "a_webhook_with_a_flipped_bit_is_refused", "of header x-bamboohr-timestamp flipped is taken"),
    (ReadsFirst(), "a_webhook_with_a_flipped_bit_is_refused", "is read before it is proven"),
    (OneSecret(), "two_secrets_count_while_one_replaces_the_other", "is not taken"),
    (AnyEmptySecret(), "a_webhook_signed_with_another_secret_is_refused", "under an empty secret is taken"),
    (AnyEmptySecret(), "two_secrets_count_while_one_replaces_the_other", "under an empty second secret is taken"),
    (TellsSecret(), "an_old_webhook_is_refused", "the refusal tells secret"),
    (CountsRequests(), "a_repeated_webhook_says_the_same_again", "gives different pages"),
    (MovesCursor(), "a_repeated_webhook_says_the_same_again", "moves a cursor"),
    (Alters(b"noel@", b"leon@"), "a_webhook_says_what_a_read_says", "what a read does not"),
    (Alters(b'"Deleted"', b'"Updated"'), "a_webhook_says_what_a_read_says", ""),
]


@pytest.mark.parametrize(
    ("door", "check", "words"), WRONG, ids=[f"{check}-{type(door).__name__}" for door, check, _ in WRONG]
)
def test_a_door_that_is_wrong_in_one_thing_fails_the_check_for_it(
    site: Site, door: Webhook, check: str, words: str
) -> None:
    result = made(site, check, dataclasses.replace(RIGHT, webhook=door))
    assert result.verdict is Verdict.FAILED, result
    assert words in result.words


def test_the_right_door_passes_every_check_of_webhooks(site: Site) -> None:
    results = [made(site, check, RIGHT) for check in CHECKS if "webhook" in check or "two_secrets" in check]
    assert len(results) == 7
    assert {one.verdict for one in results} == {Verdict.PASSED}


def test_a_connector_without_webhooks_is_not_asked_for_any(site: Site) -> None:
    result = made(site, "an_old_webhook_is_refused", dataclasses.replace(RIGHT, webhook=None))
    assert result.verdict is Verdict.NOT_APPLICABLE
