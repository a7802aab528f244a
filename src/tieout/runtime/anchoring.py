"""Writes the head of the audit chain down outside the database: into files, to webhooks and mailboxes of who keeps it.

Whoever can write to the database could hash the chain anew; they cannot reach what an auditor keeps. Neighbours:
``governance.audit`` has the chain, ``governance.audit_chain`` verifies against what was written down.
"""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from tieout.connect.connector import connector_for
from tieout.connect.http import HttpClient, HttpSettings
from tieout.connect.manifest import Limits
from tieout.connect.outcome import Accepted, AlreadyDone
from tieout.connect.redaction import Redactor
from tieout.connect.throttle import NoThrottle
from tieout.errors import ConfigurationError, TieoutError
from tieout.governance import audit
from tieout.governance.audit_chain import Anchor
from tieout.model.clock import Clock
from tieout.model.command import SendNotice, Severity
from tieout.model.firm import AnchorPlace, FirmConfig
from tieout.runtime.secrets import resolve_secret
from tieout.runtime.systems import connection_to
from tieout.storage.pool import connect, in_transaction

_TIMEOUT_S: Final = 15.0
_KEEP_THIS: Final = "Keep this message: with it `tieout audit verify` proves that the log was not written anew."


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
                _write_down(place, anchor, firm=firm, clock=clock)
            except TieoutError as error:
                done.append(Anchored(place=place.place, seq=head.seq, problem=f"{error.code}: {error.message}"))
                continue
            in_transaction(conn, partial(audit.note_anchor, anchored=head, place=place.place, now=now))
            done.append(Anchored(place=place.place, seq=head.seq))
        return done


def read_anchors(paths: Sequence[Path]) -> list[Anchor]:
    """The anchors in files that ``anchor_head`` wrote, that receivers of webhooks kept so, or in saved mails (.eml).

    Raises ConfigurationError (TIE-AUDIT-002) for a file that is not there or is none of these.
    """
    anchors: list[Anchor] = []
    for path in paths:
        try:
            anchors += [msgspec.json.decode(line, type=Anchor) for line in _lines(path)]
        except OSError as error:
            raise ConfigurationError(
                code="TIE-AUDIT-002", message=f"The anchor file {path} cannot be read: {error.strerror}."
            ) from error
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                code="TIE-AUDIT-002", message=f"The anchor file {path} holds a line that is no anchor: {error}."
            ) from error
    return anchors


def _lines(path: Path) -> list[bytes]:
    """The lines of a file that should be anchors; of a mail those of its text that look like one."""
    content = path.read_bytes()
    if path.suffix != ".eml":
        return [line for line in content.splitlines() if line.strip()]
    body = message_from_bytes(content, policy=default).get_body(("plain",))
    lines = [] if body is None else str(body.get_content()).splitlines()
    anchors = [line.encode() for line in lines if line.startswith("{")]
    if not anchors:
        raise ConfigurationError(code="TIE-AUDIT-002", message=f"The mail {path} holds no anchor.")
    return anchors


def _write_down(place: AnchorPlace, anchor: Anchor, *, firm: FirmConfig, clock: Clock) -> None:
    match place.kind:
        case "file":
            _append(Path(place.place), anchor)
        case "webhook":
            asyncio.run(_post(place, anchor, firm=firm.name, clock=clock))
        case "email":
            asyncio.run(_mail(place, anchor, firm=firm, clock=clock))


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


async def _mail(place: AnchorPlace, anchor: Anchor, *, firm: FirmConfig, clock: Clock) -> None:
    """Send the anchor by the firm's own mail system; the message of one entry always has the same Message-ID."""
    system = firm.system(place.system or "")
    connector = None if system is None else connector_for(system.connector, system.settings)
    if system is None or connector is None or connector.open_sink is None:
        raise ConfigurationError(code="TIE-AUDIT-001", message=f"There is no system {place.system} that sends mail.")
    key = hashlib.sha256(f"anchor\0{firm.name}\0{anchor.seq}\0{anchor.hash}\0{place.place}".encode()).hexdigest()
    command = SendNotice(
        reference=f"TIE-{key[:32]}",
        entity="",
        address=place.place,
        subject=f"Tieout audit anchor of {firm.name}: entry {anchor.seq}",
        body=f"{_KEEP_THIS}\n\n{msgspec.json.encode(anchor).decode()}",
        severity=Severity.INFO,
    )
    sink = connector.open_sink(connection_to(system, connector, throttle=NoThrottle(), clock=clock))
    try:
        (outcome,) = await sink.write([command])
    finally:
        await sink.aclose()
    if not isinstance(outcome, Accepted | AlreadyDone):
        raise ConfigurationError(
            code="TIE-AUDIT-001", message=f"The anchor was not taken for {place.place} by {system.name}: {outcome}."
        )


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
