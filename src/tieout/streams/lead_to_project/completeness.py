"""How much of a deal is told, in percent of what a project can be made of. Pure.

A score, not a judgement: what is wrong or may not be missing is a rule of ``validation``. The firm's policy may ask for
a minimum.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from tieout.streams.lead_to_project.deal import Deal

_FACTS: Final[dict[str, Callable[[Deal], object]]] = {
    "customer": lambda deal: deal.client_id,
    "legal entity": lambda deal: deal.entity_id,
    "contract": lambda deal: deal.contract,
    "service line": lambda deal: deal.service_line,
    "amount": lambda deal: deal.amount,
    "currency": lambda deal: deal.currency,
    "start": lambda deal: deal.starts,
    "end": lambda deal: deal.ends,
    "rate card": lambda deal: deal.rate_card_ids or (deal.contract and deal.contract.rate_card_id),
    "lines": lambda deal: [line for line in deal.lines if not line.deleted],
    "hours and role of every line": lambda deal: all(
        line.hours and line.role_id for line in deal.lines if not line.deleted
    ),
    "purchase order": lambda deal: deal.po_number or (deal.contract and deal.contract.po_number),
    "owner": lambda deal: deal.owner_email,
}


class Completeness(msgspec.Struct, frozen=True):
    """``percent`` from 0 to 100, and the names of what is not told."""

    percent: int
    missing: tuple[str, ...]


def completeness(deal: Deal) -> Completeness:
    """The score of a deal; every fact weighs the same, and a part of a percent does not count."""
    missing = tuple(name for name, fact in _FACTS.items() if fact(deal) in (None, False, 0, "", (), []))
    return Completeness((len(_FACTS) - len(missing)) * 100 // len(_FACTS), missing)
