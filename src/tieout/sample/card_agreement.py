"""Whether every system that keeps rate cards holds the sample firm's, read from the systems and not from the hub.

What is expected are the cards that the deals are billed by; what is held is read past every API
(``connect.simulator.control.Holding``), where an hour's price is a fact named by role and first day. A system that
holds no rate card at all keeps none. Neighbours: ``agreement`` compares projects, ``project_act`` asks for both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.seed import SeedRateCard
from tieout.model.money import from_minor
from tieout.sample.agreement import Agreement, Disagreement
from tieout.streams.lead_to_project.targets import RATE_CARD

_PRICE: Final = "price:"


def with_cards(
    agreement: Agreement, cards: Sequence[SeedRateCard], holdings: Mapping[str, Iterable[Holding]]
) -> Agreement:
    """``agreement``, and what the systems of ``holdings`` hold of ``cards``."""
    found: list[Disagreement] = []
    facts = 0
    for system, held in sorted(holdings.items()):
        mine = [one for one in held if one.kind == RATE_CARD]
        for card in cards if mine else ():
            same = [one for one in mine if card.code == one.code or card.name == one.facts.get("name")]
            if len(same) != 1:
                words = f"{system} holds rate card {card.code} {len(same)} times."
                found.append(Disagreement(system=system, code=card.code, message=words))
                continue
            facts += 1 + len(same[0].facts)
            found += _differences(system, card, same[0])
    return msgspec.structs.replace(
        agreement, facts=agreement.facts + facts, disagreements=(*agreement.disagreements, *found)
    )


def _differences(system: str, card: SeedRateCard, held: Holding) -> Iterator[Disagreement]:
    wanted, there = _prices(card), _held_prices(held)
    told = {f"{role} from {day}": price for (role, day), price in wanted.items()}
    kept = {f"{role} from {day}": price for (role, day), price in there.items()}
    for name in sorted(told.keys() | kept.keys()):
        if told.get(name) != kept.get(name):
            words = f"{system} bills {name} at {kept.get(name)} by rate card {card.code}, the firm at {told.get(name)}."
            yield Disagreement(system=system, code=card.code, message=words)
    currency = held.facts.get("currency")
    if currency != card.currency:
        words = f"{system} has rate card {card.code} in {currency}, the firm in {card.currency}."
        yield Disagreement(system=system, code=card.code, message=words)


def _prices(card: SeedRateCard) -> dict[tuple[str, str], Decimal | None]:
    """What an hour costs from each day on which that changes; None from the day on which a price ends."""
    found: dict[tuple[str, str], Decimal | None] = {}
    for line in card.lines:
        found[line.role, line.starts] = from_minor(line.amount_minor, card.currency)
        if line.ends is not None:
            found.setdefault((line.role, line.ends), None)
    before: dict[str, Decimal | None] = {}
    changes = {}
    for role, day in sorted(found, key=lambda one: one[1]):
        if before.get(role) != found[role, day]:
            changes[role, day] = found[role, day]
        before[role] = found[role, day]
    return changes


def _held_prices(held: Holding) -> dict[tuple[str, str], Decimal | None]:
    found: dict[tuple[str, str], Decimal | None] = {}
    for name, value in held.facts.items():
        if name.startswith(_PRICE):
            role, _, day = name.removeprefix(_PRICE).rpartition("@")
            found[role, day] = Decimal(value) if value else None
    return found
