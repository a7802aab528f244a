"""Writes the head of the audit chain down outside the database: into files, and to webhooks of whoever keeps it.

Whoever can write to the database could hash the chain anew; they cannot reach what an auditor keeps. Neighbours:
``governance.audit`` has the chain, ``governance.audit_chain`` verifies against what was written down.
"""

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from tieout.connect.http import HttpClient, HttpSettings
from tieout.connect.manifest import Limits
from tieout.connect.redaction import Redactor
from tieout.connect.throttle import NoThrottle
from tieout.errors import ConfigurationError, TieoutError
from tieout.governance import audit
from tieout.governance.audit_chain import Anchor
from tieout.model.clock import Clock
from tieout.model.firm import AnchorPlace, FirmConfig
from tieout.runtime.secrets import resolve_secret
from tieout.storage.pool import connect, in_transaction

_TIMEOUT_S: Final = 15.0


class Anchored(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one place: the number of the entry that was written down there, or why it was not."""

    place: str
    seq: int
    problem: str | None = None


def anchor_head(url: str, firm: FirmConfig, clock: Clock) -> list[Anchored]:
    """Write the head down at every place of ``firm``; a place that fails does not keep the others from it."""
    with connect(url, autocommit=True) as conn:
        head = audit.head(conn)
        done: list[Anchored] = []
        for place in firm.audit.anchors if head.seq else ():
            now = clock.now()
            anchor = Anchor(seq=head.seq, hash=head.hash, anchored_at=now)
            try:
                _write_down(place, anchor, firm=firm.name, clock=clock)
            except TieoutError as error:
                done.append(Anchored(place=place.place, seq=head.seq, problem=f"{error.code}: {error.message}"))
                continue
            in_transaction(conn, partial(audit.note_anchor, anchored=head, place=place.place, now=now))
            done.append(Anchored(place=place.place, seq=head.seq))
        return done


def read_anchors(paths: Sequence[Path]) -> list[Anchor]:
    """The anchors in files that ``anchor_head`` wrote, or that a receiver of webhooks kept in the same form.

    Raises ConfigurationError (TIE-AUDIT-002) for a file that is not there or is none of these.
    """
    anchors: list[Anchor] = []
    for path in paths:
        try:
            lines = path.read_bytes().splitlines()
            anchors += [msgspec.json.decode(line, type=Anchor) for line in lines if line.strip()]
        except OSError as error:
            raise ConfigurationError(
                code="TIE-AUDIT-002", message=f"The anchor file {path} cannot be read: {error.strerror}."
            ) from error
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                code="TIE-AUDIT-002", message=f"The anchor file {path} holds a line that is no anchor: {error}."
            ) from error
    return anchors


def _write_down(place: AnchorPlace, anchor: Anchor, *, firm: str, clock: Clock) -> None:
    if place.kind == "file":
        _append(Path(place.place), anchor)
    else:
        asyncio.run(_post(place, anchor, firm=firm, clock=clock))


def _append(path: Path, anchor: Anchor) -> None:
    """Add a line; it lies on the disk before this returns."""
    try:
        with path.open("ab") as file:
            file.write(msgspec.json.encode(anchor) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigurationError(
            code="TIE-AUDIT-001", message=f"The anchor cannot be written to {path}: {error.strerror}."
        ) from error


async def _post(place: AnchorPlace, anchor: Anchor, *, firm: str, clock: Clock) -> None:
    """Send the anchor, signed by Standard Webhooks where the place has a secret; sent twice it says the same."""
    body = msgspec.json.encode({"firm": firm, **msgspec.to_builtins(anchor)})
    parts = urlsplit(place.place)
    secret = None if place.secret is None else resolve_secret(place.secret, system="audit", setting="secret")
    client = HttpClient(
        HttpSettings(timeout_s=_TIMEOUT_S),
        base_url=f"{parts.scheme}://{parts.netloc}",
        account=f"audit:{parts.netloc}",
        limits=Limits(),
        throttle=NoThrottle(),
        clock=clock,
        redactor=Redactor([] if secret is None else [secret]),
    )
    try:
        headers = {"content-type": "application/json", **_signature(secret, anchor, body, clock.now())}
        answer = await client.request("POST", parts.path or "/", headers=headers, content=body, read_only=True)
    finally:
        await client.aclose()
    if not answer.ok:
        raise ConfigurationError(
            code="TIE-AUDIT-001", message=f"{place.place} answered the anchor with status {answer.status}."
        )


def _signature(secret: str | None, anchor: Anchor, body: bytes, now: datetime) -> dict[str, str]:
    if secret is None:
        return {}
    message_id = f"audit-{anchor.seq}"
    try:
        signature = Webhook(secret).sign(message_id, now, body.decode())
    except (ValueError, EmptyWebhookSecretError) as error:
        raise ConfigurationError(
            code="TIE-AUDIT-001", message="The secret of an anchor is no Standard Webhooks secret (whsec_...)."
        ) from error
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
