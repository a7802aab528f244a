"""What Kantata's rate cards and cost rates say in canonical words.

Pure. Prices are subunits of a currency per hour; the API gives no base unit beside them, so that the currency's own
minor units count (ISO 4217).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from tieout.connect.source import Translated
from tieout.connectors.kantata.directory import SERVICE
from tieout.connectors.kantata.envelope import Envelope, Keyed
from tieout.connectors.kantata.fields import (
    UnmappableError,
    each,
    guarded,
    iso_text,
    missing,
    references_to,
    required,
    told,
    version_of,
)
from tieout.connectors.kantata.masters import RATE_CARD_CODE, UNFINISHED
from tieout.connectors.kantata.records import (
    Id,
    KantataAccountMembership,
    KantataCostRate,
    KantataExternalReference,
    KantataRateCard,
    KantataRateCardRole,
    KantataRateCardSetVersion,
    KantataRateCardVersion,
)
from tieout.errors import ContractError
from tieout.model.identity import REFERENCE_PREFIX
from tieout.model.money import from_minor
from tieout.model.reported import RecordType, ReportedRecord


def rate_cards(payload: bytes) -> list[Translated]:
    """Rate cards of ``/rate_cards``: a card is one currency of a rate card set.

    A card that the hub has begun and not finished is a tombstone: it is no card of the firm's yet.
    """
    envelope = Envelope(payload)
    referred = envelope.rows("external_references", KantataExternalReference)
    return each("Rate card", envelope, "rate_cards", KantataRateCard, lambda row: _rate_card(row, referred))


def _rate_card(row: KantataRateCard, referred: Keyed[KantataExternalReference]) -> ReportedRecord:
    references = [required("external reference", one, referred) for one in row.external_reference_ids]
    codes = [one.service_model_ref for one in references if _is_code(one)]
    title = row.rate_card_set_title
    return ReportedRecord(
        type=RecordType.RATE_CARD,
        source_id=row.id,
        version=version_of(row.updated_at),
        fields=told(code=codes[0] if codes else None, name=title, currency=row.currency),
        deleted=title is not None and title.startswith(REFERENCE_PREFIX) and title.endswith(UNFINISHED),
    )


def _is_code(reference: KantataExternalReference) -> bool:
    return (reference.service_name, reference.service_model) == (SERVICE, RATE_CARD_CODE)


class _Dated(msgspec.Struct, frozen=True):
    """A published version of a card, the set version that dates it, and the one that ends it."""

    version: KantataRateCardVersion
    starts: KantataRateCardSetVersion
    ends: KantataRateCardSetVersion | None


class _Line(msgspec.Struct, frozen=True):
    """One price of a version; without a role it is for roles that have no price of their own."""

    source_id: str
    rate: int
    role_id: Id | None
    changed_at: datetime | None


def rate_card_versions(payload: bytes) -> list[Translated]:
    """Rate lines: one result per price of every published version of ONE rate card, as ``read`` asks for them.

    A version takes effect on the date of its set version and holds until the next one does, so that the end of a line
    is known from the answer alone. Raises ContractError where a version's dates cannot be read: then no line of the
    card could be dated.
    """
    envelope = Envelope(payload)
    priced = envelope.rows("rate_card_roles", KantataRateCardRole)
    cards = envelope.rows("rate_cards", KantataRateCard)
    return [line for dated in _published(envelope) for line in _rate_lines(dated, priced, cards)]


def _published(envelope: Envelope) -> list[_Dated]:
    versions = envelope.rows("rate_card_versions", KantataRateCardVersion)
    set_versions = envelope.rows("rate_card_set_versions", KantataRateCardSetVersion)
    try:
        pairs = []
        for row_id in envelope.references("rate_card_versions"):
            version = required("version", row_id, versions)
            pairs.append((version, required("set version", version.rate_card_set_version_id, set_versions)))
    except UnmappableError as error:
        raise _undated(str(error)) from error
    if len({str(version.rate_card_id) for version, _ in pairs}) > 1:
        raise _undated("the answer holds versions of several rate cards")
    published = sorted(
        (pair for pair in pairs if pair[1].active), key=lambda pair: (pair[1].effective_date, pair[0].id)
    )
    following = [starts for _, starts in published[1:]]
    return (
        [_Dated(version, starts, ends) for (version, starts), ends in zip(published, [*following, None], strict=True)]
        if published
        else []
    )


def _undated(why: str) -> ContractError:
    return ContractError(code="TIE-KANTATA-001", message=f"Rate card versions of Kantata cannot be dated: {why}.")


def _rate_lines(
    dated: _Dated, priced: Keyed[KantataRateCardRole], cards: Keyed[KantataRateCard]
) -> Iterator[Translated]:
    version = dated.version
    if version.default_rate is not None:
        default = _Line(f"default-{version.id}", version.default_rate, None, version.updated_at)
        yield guarded("Rate", default.source_id, partial(_rate_line, dated, default, cards))
    for one in version.rate_card_role_ids:
        row = priced.rows.get(str(one))
        if row is None:
            yield missing("Rate", str(one), priced)
        else:
            line = _Line(row.id, row.rate, row.role_id, row.updated_at)
            yield guarded("Rate", row.id, partial(_rate_line, dated, line, cards))


def _rate_line(dated: _Dated, line: _Line, cards: Keyed[KantataRateCard]) -> ReportedRecord:
    card = required("its rate card", dated.version.rate_card_id, cards)
    ends = dated.ends
    changed_at = (line.changed_at, dated.version.updated_at, dated.starts.updated_at, ends.updated_at if ends else None)
    return ReportedRecord(
        type=RecordType.RATE_LINE,
        source_id=line.source_id,
        version=version_of(*changed_at),
        fields=told(
            price=_price(line.rate, card.currency),
            unit="hour",
            valid_from=dated.starts.effective_date.isoformat(),
            valid_to=iso_text(ends.effective_date if ends else None),
        ),
        references=references_to(rate_card=card.id, role=line.role_id),
    )


def _price(subunits: int, currency: str) -> str:
    try:
        return str(from_minor(subunits, currency))
    except ContractError as error:
        raise UnmappableError(error.message.rstrip(".")) from error


def cost_rates(payload: bytes) -> list[Translated]:
    """Cost rates, side-loaded from ``/account_memberships``; the API tells what holds now and no dates."""
    envelope = Envelope(payload)
    memberships = envelope.rows("account_memberships", KantataAccountMembership)
    rates = envelope.rows("cost_rates", KantataCostRate)
    translated: list[Translated] = []
    for row_id in envelope.references("account_memberships"):
        membership = memberships.rows.get(row_id)
        if membership is None:
            translated.append(missing("Account membership", row_id, memberships))
            continue
        for one in membership.cost_rate_ids:
            rate = rates.rows.get(str(one))
            if rate is None:
                translated.append(missing("Cost rate", str(one), rates))
            else:
                translated.append(guarded("Cost rate", rate.id, partial(_cost_rate, rate, membership)))
    return translated


def _cost_rate(rate: KantataCostRate, membership: KantataAccountMembership) -> ReportedRecord:
    if membership.user_id is None:
        raise UnmappableError(f"account membership {membership.id} names no user")
    return ReportedRecord(
        type=RecordType.COST_RATE,
        source_id=rate.id,
        version=version_of(rate.updated_at),
        fields=told(price=_price(rate.amount_in_subunits, rate.currency), currency=rate.currency),
        references=references_to(resource=membership.user_id),
    )


TRANSLATE: Final[Mapping[str, Callable[[bytes], Sequence[Translated]]]] = {
    "rate_cards": rate_cards,
    "rate_card_versions": rate_card_versions,
    "cost_rates": cost_rates,
}
