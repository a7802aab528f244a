"""Reads ``[audit]`` of ``tieout.toml``: where the head of the audit chain is written down. Neighbour: ``directory``."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tieout.model.firm import AnchorPlace, AuditPolicy
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
    if place.kind == "file":
        if place.secret is not None:
            return f"The anchor file {place.place} has a secret.", "Leave the secret out: a file is not signed."
        if not Path(place.place).is_absolute():
            return (
                f"The anchor file {place.place} is no absolute path.",
                "Say where it lies, outside the database's disk.",
            )
        return "", ""
    parts = urlsplit(place.place)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        return (
            f"The anchor webhook {place.place} is no plain https address.",
            "Use https://HOST/PATH; a secret is a reference of its own.",
        )
    return "", ""
