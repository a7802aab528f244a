"""Checks of webhooks: those of the vendor are taken and say what a read says, all others are refused.

The requests are those that the system itself signed after somebody worked in it by hand. Neighbours: ``hand_work``
does the work, ``survey`` reads what it came to.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.check import Catalogue
from tieout.connect.conformance.hand_work import HAND_WORK
from tieout.connect.conformance.harness import Site, TellsWebhooks
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.conformance.survey import Reading, is_deleted, read_kind, read_on
from tieout.connect.connector import Connector
from tieout.connect.simulator.control import Change, SentWebhook
from tieout.connect.source import Page, Readable, Unreadable, kind_of
from tieout.connect.webhook import WebhookRequest
from tieout.errors import AccessError, TieoutError
from tieout.model.reported import ReportedRecord

CHECKS: Final = Catalogue()
_TOO_OLD: Final = timedelta(hours=1)
_BITS: Final = 8
_ALL_BITS_BELOW: Final = 4_096
"""Of larger bodies one bit of each byte is flipped, for speed."""


def _receives_webhooks(connector: Connector, site: Site) -> bool:
    del site
    return connector.webhook is not None


@CHECKS.check(_receives_webhooks, fresh=True)
async def a_webhook_says_what_a_read_says(bench: Bench) -> None:
    """What is added, changed and deleted by hand is told by a webhook as a read tells it, under one id and version."""
    told, door = 0, _Door(bench)
    for kind in await _kinds_with_work(bench):
        work = HAND_WORK[kind](bench.site.firm)
        reading = await read_kind(bench, kind)
        for change in (work.adds, work.changes, work.deletes):
            if change is None:
                continue
            sent = _sent_after(bench, change)
            reading = await read_on(bench, reading)
            for one in sent:
                _expect_as_read(bench, door.takes(one), reading)
            told += len(sent)
    if not told:
        raise NotApplicableError("the system sends no webhook about what people do by hand")


@CHECKS.check(_receives_webhooks)
async def a_repeated_webhook_says_the_same_again(bench: Bench) -> None:
    """One request received twice gives the same pages, so that its repeat is known; none of them moves a cursor."""
    door = _Door(bench)
    for one in await _some_webhooks(bench):
        first, second = door.takes(one), door.takes(one)
        expect(first, "a rightly signed webhook gives no page")
        expect(first == second, "the same webhook, received twice, gives different pages")
        expect(not any(page.next_cursor for page in first), "a webhook's page moves a cursor")


@CHECKS.check(_receives_webhooks)
async def an_old_webhook_is_refused(bench: Bench) -> None:
    """A webhook signed an hour ago, or an hour from now, is refused however right its signature is."""
    door = _Door(bench)
    for one in await _some_webhooks(bench):
        for shift in (_TOO_OLD, -_TOO_OLD):
            door.refuses(_request(one, shift=shift), f"received {shift} after it was signed")


@CHECKS.check(_receives_webhooks)
async def an_unsigned_webhook_is_refused(bench: Bench) -> None:
    """A webhook without its headers, or with empty ones in their place, is refused."""
    door = _Door(bench)
    for one in await _some_webhooks(bench):
        right = door.takes(one)
        door.refuses(_request(one, headers={}), "without any header")
        empty = dict.fromkeys(one.headers, "")
        door.refuses(_request(one, headers=empty), "with empty headers")
        for name in one.headers:
            left = {key: value for key, value in one.headers.items() if key != name}
            door.refuses_or_same(_request(one, headers=left), right, f"without header {name}")


@CHECKS.check(_receives_webhooks)
async def a_webhook_with_a_flipped_bit_is_refused(bench: Bench) -> None:
    """A webhook with any one bit of its body flipped is refused; of a header, too, where the bit says anything."""
    door, one = _Door(bench), (await _some_webhooks(bench))[0]
    right = door.takes(one)
    for place, body in _flipped(one.body.encode()):
        door.refuses(_request(one, body=body), f"with bit {place} of its body flipped")
    for name, value in one.headers.items():
        for place, flipped in _flipped(value.encode()):
            headers = {**one.headers, name: flipped.decode("latin-1")}
            words = f"with bit {place} of header {name} flipped"
            door.refuses_or_same(_request(one, headers=headers), right, words)
    for other in (b"", one.body.encode() + b" ", one.body.encode()[:-1]):
        door.refuses(_request(one, body=other), f"with {len(other)} bytes of another body")


@CHECKS.check(_receives_webhooks)
async def a_webhook_signed_with_another_secret_is_refused(bench: Bench) -> None:
    """A webhook that another secret signed is refused, and so is every webhook while no secret is configured."""
    right = bench.site.sheet().secrets
    for one in await _some_webhooks(bench):
        _Door(bench, bench.wrong_secrets()).refuses(_request(one), "under another secret")
        _Door(bench, {}).refuses(_request(one), "without a secret")
        _Door(bench, dict.fromkeys(right, "")).refuses(_request(one), "under an empty secret")


@CHECKS.check(_receives_webhooks)
async def two_secrets_count_while_one_replaces_the_other(bench: Bench) -> None:
    """While a secret is being replaced a webhook signed with either is taken; with neither it is refused."""
    pairs = [(one.beside, one.name) for one in bench.manifest.settings if one.beside is not None]
    if not pairs:
        raise NotApplicableError("the connector declares no second secret that counts beside the first")
    right, wrong = bench.site.sheet().secrets, bench.wrong_secrets()
    for first, second in pairs:
        if first not in right:
            raise NotApplicableError(f"the system is reached without {first}")
        for one in await _some_webhooks(bench):
            begun = {**right, first: wrong[first], second: right[first]}
            ended = {**right, second: wrong[first]}
            for secrets in (begun, ended):
                expect(_Door(bench, secrets).takes(one), "one of two secrets does not count")
            neither = {**begun, second: f"{wrong[first]}-2"}
            _Door(bench, neither).refuses(_request(one), "under neither of two secrets")
            _Door(bench, {**begun, second: ""}).refuses(_request(one), "under an empty second secret")


async def _kinds_with_work(bench: Bench) -> list[str]:
    found = []
    for kind in HAND_WORK:
        try:
            await read_kind(bench, kind)
        except NotApplicableError:
            continue
        found.append(kind)
    return found


async def _some_webhooks(bench: Bench) -> list[SentWebhook]:
    """What the system signs when somebody works in it; not applicable where it signs nothing."""
    for kind in HAND_WORK:
        sent = _sent_after(bench, HAND_WORK[kind](bench.site.firm).adds)
        if sent:
            return sent
    raise NotApplicableError("the system sends no webhook about what people do by hand")


def _sent_after(bench: Bench, change: Change) -> list[SentWebhook]:
    site = bench.site
    if not isinstance(site, TellsWebhooks):
        raise NotApplicableError("the system does not show the webhooks that it sends")
    before = len(site.webhooks())
    try:
        site.change(change)
    except NotApplicableError:
        return []
    return list(site.webhooks()[before:])


def _request(
    sent: SentWebhook,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    shift: timedelta = timedelta(0),
) -> WebhookRequest:
    return WebhookRequest(
        headers=sent.headers if headers is None else headers,
        body=sent.body.encode() if body is None else body,
        received_at=datetime.fromisoformat(sent.sent_at) + shift,
    )


class _Door:
    """The connector's webhook with secrets of the system: what it takes and what it refuses."""

    def __init__(self, bench: Bench, secrets: Mapping[str, str] | None = None) -> None:
        if bench.connector.webhook is None:
            raise NotApplicableError("the connector receives no webhooks")
        self._webhook = bench.connector.webhook
        self._secrets = bench.site.sheet().secrets if secrets is None else secrets

    def takes(self, sent: SentWebhook) -> Sequence[Page]:
        """The pages of a request as it was sent."""
        try:
            return self._webhook.receive(_request(sent), secrets=self._secrets)
        except TieoutError as error:
            expect(condition=False, words=f"a webhook that the system signed is not taken: {error}")
            return []

    def refuses(self, request: WebhookRequest, words: str) -> None:
        """Refused as no request of the vendor's."""
        pages = self._pages(request, words)
        expect(pages is None, f"a webhook {words} is taken, with {len(pages or ())} pages")

    def refuses_or_same(self, request: WebhookRequest, right: Sequence[Page], words: str) -> None:
        """Refused, or the header says nothing that matters: then the pages are those of the right request."""
        expect(self._pages(request, words) in (None, right), f"a webhook {words} is taken and says something else")

    def _pages(self, request: WebhookRequest, words: str) -> Sequence[Page] | None:
        """What is taken, None where it is refused; fails where it is read before it is proven, or a secret is told."""
        try:
            return self._webhook.receive(request, secrets=self._secrets)
        except AccessError as refusal:
            leaks = [name for name, secret in self._secrets.items() if secret and secret in str(refusal)]
            expect(not leaks, f"the refusal tells secret {', '.join(leaks)}")
        except TieoutError as error:
            expect(condition=False, words=f"a webhook {words} is read before it is proven: {error}")
        return None


def _flipped(text: bytes) -> Iterator[tuple[int, bytes]]:
    """The text with one bit flipped, for each bit, or for one of each byte where it is long."""
    step = 1 if len(text) <= _ALL_BITS_BELOW else _BITS + 1
    for bit in range(0, len(text) * _BITS, step):
        place, number = divmod(bit, _BITS)
        changed = bytearray(text)
        changed[place] ^= 1 << number
        yield bit, bytes(changed)


def _expect_as_read(bench: Bench, pages: Sequence[Page], reading: Reading) -> None:
    """Every item of a webhook is among what was read: the same id and version, and nothing that the read denies."""
    read: dict[tuple[str, str], Readable] = {}
    for one in reading.items:
        key = (kind_of(one), one.source_id)
        if key not in read or read[key].version <= one.version:
            read[key] = one
    for item in bench.translate(pages):
        expect(not isinstance(item, Unreadable), f"a webhook says what cannot be read: {item}")
        if isinstance(item, Unreadable):
            continue
        same = read.get((kind_of(item), item.source_id))
        name = f"{kind_of(item)} {item.source_id}"
        if same is None:
            expect(is_deleted(item), f"a webhook tells of {name}, which is not read")
            continue
        expect(is_deleted(item) == is_deleted(same), f"a webhook and a read do not agree whether {name} is deleted")
        expect(item.version == same.version, f"{name} has version {item.version} by webhook, {same.version} by reading")
        _expect_no_denial(name, item, same)


def _expect_no_denial(name: str, item: Readable, same: Readable) -> None:
    if isinstance(item, ReportedRecord) and isinstance(same, ReportedRecord):
        said = {**item.fields, **item.references}
        known = {**same.fields, **same.references}
        other = {key: value for key, value in said.items() if key in known and known[key] != value}
        expect(not other, f"a webhook says of {name} what a read does not: {other}")
    else:
        expect(item == same, f"a webhook says {item}, a read {same}")
