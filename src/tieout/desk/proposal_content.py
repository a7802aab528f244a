"""What two people agree on: the canonical content of a proposal, and the hash that an approval is bound to.

Pure. ``proposals`` stores and decides them; doors show the content and hand the hash that was seen back.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from tieout.model.access import Scope
from tieout.model.money import alpha_code, from_minor

_DOMAIN: Final = b"tieout-proposal-1\n"


class ProposalKind(StrEnum):
    """What is proposed."""

    EXCLUDE = "exclude"
    OVERRULE = "overrule"
    EDIT = "edit"
    MAPPING = "mapping"
    REPLAY = "replay"


PROPOSED_WITH: Final = {
    ProposalKind.EXCLUDE: Scope.DESK_WORK,
    ProposalKind.OVERRULE: Scope.DESK_WORK,
    ProposalKind.EDIT: Scope.DESK_WORK,
    ProposalKind.MAPPING: Scope.MAPPINGS_PROPOSE,
    ProposalKind.REPLAY: Scope.REPLAY_PROPOSE,
}
"""The scope that a maker needs, for every legal entity that is touched."""

APPROVED_WITH: Final = {
    ProposalKind.EXCLUDE: Scope.DESK_APPROVE,
    ProposalKind.OVERRULE: Scope.DESK_APPROVE,
    ProposalKind.EDIT: Scope.DESK_APPROVE,
    ProposalKind.MAPPING: Scope.MAPPINGS_APPROVE,
    ProposalKind.REPLAY: Scope.REPLAY_APPROVE,
}
"""The scope that a checker needs, for every legal entity that is touched."""


class ItemFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One item as it was when it was proposed: what is approved is this, not whatever it has become since.

    ``amount_minor`` is of ``currency`` and ``new_amount_minor`` of ``new_currency`` (ISO 4217 numeric). ``hours`` is
    text.
    """

    item_id: int
    code: str
    cause_key: str
    subject_kind: str
    subject_id: int
    entity: str | None
    hours: str | None
    amount_minor: int | None
    currency: int | None
    new_amount_minor: int | None
    new_currency: int | None


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """All that is approved. ``details`` are by kind: values of an edit, the line of a mapping, a replay's plan.

    ``entities`` are codes of the legal entities touched; ``firm_wide``: some item or line is of none that can be named,
    or of all. ``hours`` and ``money`` (by ISO 4217 code) are what is at stake, as decimal text.
    """

    kind: ProposalKind
    reason: str
    maker_id: UUID
    maker: str
    made_at: datetime
    details: dict[str, str]
    items: tuple[ItemFacts, ...]
    entities: tuple[str, ...]
    firm_wide: bool
    hours: str
    money: dict[str, str]


def canonical(content: Content) -> str:
    """The text of ``content`` that is hashed: JSON with sorted keys, so that equal contents have equal texts."""
    return msgspec.json.encode(content, order="sorted").decode()


def hash_of(text: str) -> str:
    """SHA-256 of a canonical content, as 64 hexadecimal digits."""
    return hashlib.sha256(_DOMAIN + text.encode()).hexdigest()


def content_of(text: str) -> Content:
    """The content that ``text`` says."""
    return msgspec.json.decode(text, type=Content)


def hours_of(items: Iterable[ItemFacts]) -> Decimal:
    """The hours at stake of ``items``."""
    return sum((Decimal(one.hours) for one in items if one.hours is not None), Decimal(0))


def money_of(items: Sequence[ItemFacts]) -> dict[str, str]:
    """The money at stake of ``items``, by ISO 4217 code, as decimal text; what is unpriced is in none of them."""
    sums: dict[int, int] = {}
    for one in items:
        for amount, currency in ((one.amount_minor, one.currency), (one.new_amount_minor, one.new_currency)):
            if amount is not None and currency is not None:
                sums[currency] = sums.get(currency, 0) + amount
    codes = {alpha_code(number): total for number, total in sums.items()}
    return {code: str(from_minor(codes[code], code)) for code in sorted(codes)}


def entities_of(items: Iterable[ItemFacts]) -> tuple[tuple[str, ...], bool]:
    """The legal entities of ``items``, and whether some item is of none that is known."""
    codes = {one.entity for one in items}
    return tuple(sorted(one for one in codes if one is not None)), None in codes
