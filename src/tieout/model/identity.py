"""Keys and hashes: idempotency keys that survive a restore, content hashes, and keys for proposing matches.

Everything here is stable for ever: keys stored in target systems were made by it.
"""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

import msgspec

_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
REFERENCE_PREFIX = "TIE-"


class IdFactory(Protocol):
    """Makes public ids (UUIDv7)."""

    def new_id(self) -> UUID:
        """A new id, later ones sorting after earlier ones."""
        ...


def idempotency_key(*, entity: str, kind: str, source_id: str, source_version: str, purpose: str) -> str:
    """The key of one effect in a target: SHA-256 over length-prefixed fields, in hexadecimal.

    Derived from what is posted and never random, so that a restored hub makes the same key again.
    """
    digest = hashlib.sha256()
    for part in (entity, kind, source_id, source_version, purpose):
        raw = unicodedata.normalize("NFC", part).encode()
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def reference_of(key: str) -> str:
    """Our external reference in a target for an idempotency key: 36 characters."""
    return f"{REFERENCE_PREFIX}{key[:32]}"


def content_hash(value: object) -> bytes:
    """SHA-256 over the canonical form of plain values: sorted keys, NFC text, decimals without trailing zeros."""
    return hashlib.sha256(msgspec.json.encode(_canonical(value), order="sorted")).digest()


def _canonical(value: object) -> object:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case Decimal():
            return f"{value.normalize():f}" if value else "0"
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case Mapping():
            return {str(key): _canonical(inner) for key, inner in value.items()}
        case Sequence():
            return [_canonical(inner) for inner in value]
        case _:
            return value


def match_key(text: str) -> str:
    """A form of a name in which spellings of the same name agree; for proposing matches, never for merging.

    Folds case (including sharp s and dotless i), composition, width, and drops invisible and directional marks.
    """
    visible = "".join(one for one in unicodedata.normalize("NFKC", text) if one not in _INVISIBLE)
    folded = visible.replace("\u0131", "i").replace("\u0130", "i").casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())
