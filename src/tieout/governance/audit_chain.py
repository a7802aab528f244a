"""The audit chain as values: what is hashed, how each entry is bound to the one before, and what is wrong with a chain.

Pure, so that an auditor verifies an export without a database. ``audit`` stores the chain and exports it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

_DOMAIN: Final = b"tieout-audit-1"
_HASH_BYTES: Final = 32
GENESIS: Final = bytes(_HASH_BYTES)
"""What the first entry is bound to."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act: ``action`` such as ``exclusion.approved`` on ``object_kind``/``object_id``, by ``principal``.

    ``before`` and ``after`` are what changed, as text; ``approval`` is the hash of the content that a second person
    approved. Secrets and amounts as floats never stand in it.
    """

    principal: str
    action: str
    object_kind: str
    object_id: str
    reason: str = ""
    entity: str | None = None
    before: Mapping[str, str] | None = None
    after: Mapping[str, str] | None = None
    approval: str | None = None


class ChainLink(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as it is stored and exported: its number, the exact text that was hashed, and the hash."""

    seq: int
    content: str
    hash: str


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The head of the chain as it was written down outside the database."""

    seq: int
    hash: str
    anchored_at: datetime


class BreakKind(StrEnum):
    """What is wrong at one place of the chain."""

    MISSING = "missing"
    OUT_OF_ORDER = "out_of_order"
    ALTERED = "altered"
    CUT_OFF = "cut_off"
    REWRITTEN = "rewritten"


class ChainBreak(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that does not hold, at entry ``seq``."""

    seq: int
    kind: BreakKind
    words: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification found. ``anchored_seq`` is the newest entry that an anchor proves, 0 without any."""

    entry_count: int
    head_seq: int
    head_hash: str
    anchored_seq: int
    breaks: tuple[ChainBreak, ...]


def content_of(entry: AuditEntry, *, recorded_at: datetime) -> str:
    """The text of ``entry`` that is hashed: JSON with sorted keys, so that equal acts have equal texts."""
    fields = msgspec.to_builtins(entry) | {"recorded_at": recorded_at.isoformat()}
    return msgspec.json.encode(fields, order="sorted").decode()


def hash_of(*, seq: int, previous: bytes, content: str) -> bytes:
    """SHA-256 over the number, the hash of the entry before, and the text; the first two have fixed lengths."""
    return hashlib.sha256(_DOMAIN + seq.to_bytes(8, "big") + previous + content.encode()).digest()


def verify(links: Iterable[ChainLink], anchors: Iterable[Anchor]) -> Verdict:
    """Everything that does not hold: gaps, swaps, altered texts, and what differs from an anchor.

    Without an anchor somebody who can write to the table could cut the end off or hash everything anew;
    ``anchored_seq`` says up to where that is excluded. Memory does not grow with the chain.
    """
    wanted = {one.seq: one for one in sorted(anchors, key=lambda one: one.seq)}
    breaks: list[ChainBreak] = []
    previous, expected, count, head = GENESIS, 1, 0, ""
    proven = 0
    for link in links:
        count += 1
        if link.seq != expected:
            breaks.append(_misplaced(link.seq, expected))
        digest = hash_of(seq=link.seq, previous=previous, content=link.content)
        if digest.hex() != link.hash:
            breaks.append(_broken(link.seq, BreakKind.ALTERED, "its hash is not that of its text and the entry before"))
        anchor = wanted.pop(link.seq, None)
        if anchor is not None and anchor.hash != link.hash:
            breaks.append(_broken(link.seq, BreakKind.REWRITTEN, "its hash is not the one that was anchored"))
        elif anchor is not None:
            proven = max(proven, link.seq)
        previous = _bytes_of(link.hash)
        expected, head = link.seq + 1, link.hash
    breaks += [
        _broken(seq, BreakKind.CUT_OFF, "it was anchored, and the chain does not have it") for seq in sorted(wanted)
    ]
    return Verdict(entry_count=count, head_seq=expected - 1, head_hash=head, anchored_seq=proven, breaks=tuple(breaks))


def _misplaced(seq: int, expected: int) -> ChainBreak:
    if seq > expected:
        return _broken(expected, BreakKind.MISSING, f"entry {seq} follows where {expected} should stand")
    return _broken(seq, BreakKind.OUT_OF_ORDER, f"it stands where entry {expected} should")


def _broken(seq: int, kind: BreakKind, words: str) -> ChainBreak:
    return ChainBreak(seq=seq, kind=kind, words=f"Entry {seq}: {words}.")


def _bytes_of(text: str) -> bytes:
    """The hash that an entry claims; one that is no hash at all binds the next to nothing."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return GENESIS
