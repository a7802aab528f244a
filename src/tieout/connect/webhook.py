"""Webhooks that a vendor sends: one request, proven to be the vendor's own, as a page of raw payload.

The door in ``api`` hands a request over and stores the pages that come back; their translation is the translator's, as
that of pages that a source read. A webhook may come twice, late, out of order or never: what it says has the version of
its source, and polling or a sweep brings what was lost.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from tieout.connect.source import Page


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived: header names in lower case, the body byte for byte, and when."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class Webhook(Protocol):
    """Pure: proves and cuts up one request. ``next_cursor`` of its pages is empty and moves no cursor."""

    def receive(self, request: WebhookRequest, *, secrets: Mapping[str, str]) -> Sequence[Page]:
        """The pages of the request.

        Raises AccessError for a signature that is missing, wrong or too old, ContractError for a body that cannot be
        cut into pages. Compares signatures in constant time.
        """
        ...
