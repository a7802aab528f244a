"""Identity: public ids, names in other systems, idempotency keys that survive a restore, content hashes.

Keys and hashes are stable for ever: target systems hold keys that were made here. Their test vectors are part of the
contract; a change of either is a migration, never an edit.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

import msgspec

from tieout.errors import ContractError
from tieout.model.clock import Clock

REFERENCE_PREFIX = "TIE-"
REFERENCE_DIGITS = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class IdFactory(Protocol):
    """Makes public ids (UUIDv7)."""

    def new_id(self) -> UUID:
        """A new id, later ones sorting after earlier ones."""
        ...


class SequentialIds:
    """UUIDv7 of a given clock and given randomness (RFC 9562): milliseconds, a counter within them, 62 random bits.

    ``random_bits(n)`` returns n random bits (``secrets.randbits`` in operation, a seeded source in tests). Ids of one
    factory ascend strictly, also when the clock stands or goes back; a factory belongs to one thread.
    """

    _COUNTER_BITS = 12
    _RANDOM_BITS = 62

    def __init__(self, clock: Clock, random_bits: Callable[[int], int]) -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._last = 0

    def new_id(self) -> UUID:
        """A new id; sorts after every earlier one of this factory."""
        millis = (self._clock.now() - _EPOCH) // timedelta(milliseconds=1)
        self._last = max(millis << self._COUNTER_BITS, self._last + 1)
        counter = self._last & ((1 << self._COUNTER_BITS) - 1)
        value = (self._last >> self._COUNTER_BITS) << 80 | 7 << 76 | counter << 64 | 2 << 62
        return UUID(int=value | self._random_bits(self._RANDOM_BITS))


class ExternalId(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What another system calls a record: ``value`` of ``kind`` (id, code, e-mail) in ``system``, in [from, to)."""

    system: str
    kind: str
    value: str
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        """Refuse an empty name and a span without days."""
        if not (self.system and self.kind and self.value):
            raise ContractError(code="TIE-ID-001", message=f"An identifier lacks a part: {self}.")
        if self.valid_from is not None and self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ContractError(
                code="TIE-ID-001",
                message=f"Identifier {self.key} is valid to {self.valid_to}, not after {self.valid_from}.",
            )

    @property
    def key(self) -> str:
        """System, kind and value in one text; no two different identifiers share it."""
        return business_key(self.system, self.kind, self.value)

    def valid_on(self, day: date) -> bool:
        """Whether it names the record on ``day``."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


def business_key(*parts: str) -> str:
    r"""Several keys as one readable text: parts joined by ``|``, with ``|`` and ``\`` escaped, so that none collide."""
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)


def idempotency_key(*, entity: str, kind: str, source_id: str, source_version: str, purpose: str) -> str:
    """The key of one effect in a target: SHA-256 over length-prefixed fields, in hexadecimal.

    Derived from what is posted and never random, so that a restored hub makes the same key again. Source ids are
    opaque: two ids that only look alike stay two. Several ids in one field are joined with ``business_key``.
    """
    digest = hashlib.sha256()
    for part in (entity, kind, source_id, source_version, purpose):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def reference_of(key: str) -> str:
    """Our external reference in a target for an idempotency key: 36 characters."""
    return f"{REFERENCE_PREFIX}{key[:REFERENCE_DIGITS]}"


def content_hash(value: object) -> bytes:
    """SHA-256 over the canonical JSON of plain values: 32 bytes, equal for equal content.

    Keys are sorted, text is NFC, decimals are texts without trailing zeros, dates ISO, instants in UTC. Takes None,
    bool, int, text, bytes, Decimal, date, local time, aware datetime, UUID, mappings, lists, tuples, sets and msgspec
    structs; raises ContractError for anything else, floats above all.
    """
    return hashlib.sha256(msgspec.json.encode(_canonical(value), order="sorted")).digest()


def _canonical(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        return _canonical_mapping(value)
    if isinstance(value, AbstractSet):
        return sorted((_canonical(inner) for inner in value), key=lambda one: msgspec.json.encode(one, order="sorted"))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_canonical(inner) for inner in value]
    return _canonical_text(value)


def _canonical_text(value: object) -> str:
    match value:
        case str():
            text = unicodedata.normalize("NFC", value)
        case Decimal() if value.is_finite():
            text = decimal_text(value)
        case datetime() if value.tzinfo is not None:
            text = value.astimezone(UTC).isoformat()
        case date() if not isinstance(value, datetime):
            text = value.isoformat()
        case time() if value.tzinfo is None:
            text = value.isoformat()
        case UUID():
            text = str(value)
        case bytes():
            text = value.hex()
        case _:
            raise ContractError(code="TIE-ID-002", message=f"{value!r} has no canonical form to hash.")
    return text


def _canonical_mapping(value: Mapping[str, object]) -> dict[str, object]:
    canonical = {unicodedata.normalize("NFC", str(key)): _canonical(inner) for key, inner in value.items()}
    if len(canonical) != len(value):
        raise ContractError(code="TIE-ID-002", message=f"Two keys of {sorted(value)} are spellings of one.")
    return canonical


def decimal_text(value: Decimal) -> str:
    """A decimal without exponent and without trailing zeros; minus zero is zero. Keeps every digit."""
    if not value:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def match_key(text: str) -> str:
    """A form of a name in which spellings of the same name agree; for proposing matches, never for merging.

    Folds case (sharp s and dotless i included), composition and width, and drops invisible and directional marks
    (fault F52 of the failure catalogue). Folding twice changes nothing.
    """
    folded = _folded(text)
    while (again := _folded(folded)) != folded:
        folded = again
    return folded


_VARIATION_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_PLAIN_I = str.maketrans({"\u0131": "i", "\u0130": "i"})


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).translate(_PLAIN_I).casefold()
    shown = "".join(
        one
        for one in unicodedata.normalize("NFKC", plain)
        if unicodedata.category(one) != "Cf" and one not in _VARIATION_SELECTORS
    )
    return " ".join(shown.split())
