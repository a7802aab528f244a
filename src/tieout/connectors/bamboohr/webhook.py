"""Webhooks of BambooHR: proves that a request is the vendor's own, and hands its body on as a page. Pure.

Page "Webhooks (Global)", sample of the check: the signature is the HMAC-SHA256 of the raw body followed by the
timestamp header, in hexadecimal, under the key that was shown once when the webhook was made. A key is replaced by
making another webhook: while both are there, the key before counts beside the new one.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from tieout.connect.json_codec import decode_strict
from tieout.connect.source import Page
from tieout.connect.webhook import WebhookRequest
from tieout.connectors.bamboohr.mapping import WEBHOOK, BambooTranslator
from tieout.connectors.bamboohr.minimise import Minimiser
from tieout.connectors.bamboohr.options import Options
from tieout.errors import AccessError

SIGNATURE_HEADER: Final = "x-bamboohr-signature"
TIMESTAMP_HEADER: Final = "x-bamboohr-timestamp"
KEY: Final = "webhook_private_key"
KEY_BEFORE: Final = "webhook_private_key_before"
LONGEST_AGE: Final = timedelta(minutes=5)
"""How far the time of signing may lie from ours, either way; repeats within it are recognised by what they say."""

_LONGEST_TIMESTAMP: Final = 12


class BambooWebhook:
    """Receives webhooks of both kinds, those with fields and those that only name an employee."""

    def __init__(self, options: Options) -> None:
        self._translator = BambooTranslator(options)
        self._cut = Minimiser(options).cut

    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        """One page with the body, without what the hub does not keep of a person.

        Raises AccessError for a signature that is missing, wrong or too old, ContractError for a body that is none.
        """
        _prove(request, secrets)
        decode_strict(request.body)
        payload = self._cut(WEBHOOK, request.body)
        count = len(self._translator.translate(WEBHOOK, payload))
        return [Page(object=WEBHOOK, payload=payload, item_count=count, next_cursor="")]


def _prove(request: WebhookRequest, secrets: Mapping[str, str]) -> None:
    keys = [key for name in (KEY, KEY_BEFORE) if (key := secrets.get(name))]
    if not keys:
        raise _refused(f"there is no secret {KEY} to check it with")
    signature, timestamp = request.headers.get(SIGNATURE_HEADER), request.headers.get(TIMESTAMP_HEADER)
    if not signature or not timestamp:
        raise _refused("it is not signed")
    signed = request.body + timestamp.encode()
    rights = [hmac.new(key.encode(), signed, hashlib.sha256).hexdigest().encode() for key in keys]
    told = signature.strip().lower().encode()
    if not any(hmac.compare_digest(right, told) for right in rights):
        raise _refused("its signature is wrong")
    signed_at = _signed_at(timestamp)
    if signed_at is None:
        raise _refused("its timestamp is none")
    if abs(request.received_at - signed_at) > LONGEST_AGE:
        raise _refused(f"it was signed at {signed_at.isoformat()}, too far from now")


def _signed_at(timestamp: str) -> datetime | None:
    """Seconds since 1970 as an instant."""
    text = timestamp.strip()
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_TIMESTAMP:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(text))


def _refused(why: str) -> AccessError:
    return AccessError(code="TIE-BAMBOOHR-007", message=f"A webhook of BambooHR is refused: {why}.")
