"""Reads ``[audit]`` of ``tieout.toml``: where the head of the audit chain is written down. Neighbour: ``directory``."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tieout.model.firm import AnchorPlace, AuditPolicy, FirmConfig
from tieout.runtime.firm.problems import FirmProblem

FILE: Final = "tieout.toml"


def read_audit(table: object, problems: list[FirmProblem]) -> AuditPolicy:
    """The policy that ``table`` states; what is wrong with it is added to ``problems``."""
    try:
        policy = msgspec.convert(table, AuditPolicy)
    except msgspec.ValidationError as error:
        problems.append(FirmProblem(file=FILE, message=f"[audit]: {error}.", next_step="Correct the named setting."))
        return AuditPolicy()
    problems += [
        FirmProblem(file=FILE, message=why, next_step=step) for why, step in map(_wrong, policy.anchors) if why
    ]
    return policy


def _wrong(place: AnchorPlace) -> tuple[str, str]:
    """What is wrong with a place and what to do; empty where nothing is."""
    if place.kind == "email":
        return _wrong_mailbox(place)
    if place.system is not None:
        return f"The anchor {place.kind} {place.place} names a system.", "Only mail goes by a system; leave it out."
    return _wrong_file(place) if place.kind == "file" else _wrong_webhook(place)


def _wrong_file(place: AnchorPlace) -> tuple[str, str]:
    if place.secret is not None:
        return f"The anchor file {place.place} has a secret.", "Leave the secret out: a file is not signed."
    if not Path(place.place).is_absolute():
        return f"The anchor file {place.place} is no absolute path.", "Say where it lies, outside the database's disk."
    return "", ""


def _wrong_webhook(place: AnchorPlace) -> tuple[str, str]:
    parts = urlsplit(place.place)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        return (
            f"The anchor webhook {place.place} is no plain https address.",
            "Use https://HOST/PATH; a secret is a reference of its own.",
        )
    return "", ""


def _wrong_mailbox(place: AnchorPlace) -> tuple[str, str]:
    local, at, host = place.place.partition("@")
    if not (local and at and "." in host) or " " in place.place:
        return f"The anchor mailbox {place.place!r} is no e-mail address.", "Say NAME@HOST."
    if place.secret is not None:
        return f"The anchor mailbox {place.place} has a secret.", "Leave it out: the system that sends has its own."
    if place.system is None:
        return f"The anchor mailbox {place.place} names no system.", "Say by which system of the firm it is sent."
    return "", ""


def audit_contradictions(config: FirmConfig) -> list[FirmProblem]:
    """Mailboxes whose system the firm does not have, or that takes nothing to send."""
    takers = {one.name for one in config.systems if "send_notice" in one.takes}
    return [
        FirmProblem(
            file=FILE,
            message=f"The anchor mailbox {one.place} goes by {one.system}, which takes no notices.",
            next_step='Name a system whose file says takes = ["send_notice"].',
        )
        for one in config.audit.anchors
        if one.kind == "email" and one.system is not None and one.system not in takers
    ]
