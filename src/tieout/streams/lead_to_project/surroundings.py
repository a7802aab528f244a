"""What deals are judged by, and what the firm's mapping tables make of a deal's own words. Pure.

``step`` makes it once a run from the reference; ``validation`` and ``verdict`` judge by it, ``provision`` builds by it.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from tieout.ledger.rating import RateBook
from tieout.model.stream_policy import LeadToProject
from tieout.records.facts import ClientFacts, EntityFacts, RateCardFacts
from tieout.records.mapping import ANY
from tieout.records.reference_book import ReferenceBook
from tieout.streams.lead_to_project.deal import Deal

SERVICE_LINES: Final = "service_lines"
TAX_REGIMES: Final = "tax_regimes"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What deals are judged by: the policy, the reference, the rates."""

    policy: LeadToProject
    book: ReferenceBook
    rates: RateBook

    def client_of(self, deal: Deal) -> ClientFacts | None:
        """The customer, where it is known and not deleted."""
        known = None if deal.client_id is None else self.book.client_by_id.get(deal.client_id)
        return None if known is None or known.deleted else known

    def entity_of(self, deal: Deal) -> EntityFacts | None:
        """The legal entity that delivers, where it is known."""
        return None if deal.entity_id is None else self.book.entity_by_id.get(deal.entity_id)

    def card_of(self, deal: Deal) -> RateCardFacts | None:
        """The rate card of the contract, else the only one that the deal's own word fits."""
        if deal.contract is not None and deal.contract.rate_card_id is not None:
            return self._card(deal.contract.rate_card_id)
        return self._card(deal.rate_card_ids[0]) if len(deal.rate_card_ids) == 1 else None

    def service_line_of(self, deal: Deal) -> str | None:
        """The firm's word for the deal's service line: by ``mappings/service_lines.csv``, where that says anything."""
        if not deal.service_line:
            return None
        if not any(line.table == SERVICE_LINES for line in self.book.firm.mappings):
            return deal.service_line
        entity = self.entity_of(deal)
        code = ANY if entity is None else entity.code
        return self.book.map_value(SERVICE_LINES, deal.system, code, deal.service_line, self.day_of(deal))

    def tax_treatment_of(self, deal: Deal) -> str | None:
        """How somebody decided to tax the deal: what ``mappings/tax_regimes.csv`` makes of the word, or the word."""
        said = deal.tax_treatment or (None if deal.contract is None else deal.contract.tax_treatment)
        if said is None:
            return None
        entity = self.entity_of(deal)
        code = ANY if entity is None else entity.code
        return self.book.map_value(TAX_REGIMES, deal.system, code, said, self.day_of(deal)) or said

    def day_of(self, deal: Deal) -> date:
        """The day by which mappings are read: the first of the project."""
        return deal.starts or self.book.on

    def _card(self, record_id: int) -> RateCardFacts | None:
        card = self.book.rate_card_by_id.get(record_id)
        return None if card is None or card.deleted else card
