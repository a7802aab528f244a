"""Whether systems hold the rate cards that deals are billed by: a price that differs is named, system by system."""

import msgspec
import pytest

from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.seed import SeedRateCard, SeedRateLine
from tieout.sample.agreement import Agreement
from tieout.sample.card_agreement import with_cards

CARD = SeedRateCard(
    code="RC-USD",
    name="Standard",
    currency="USD",
    lines=[
        SeedRateLine(role="Consultant", amount_minor=15_050, starts="2026-01-01", ends="2026-07-01"),
        SeedRateLine(role="Consultant", amount_minor=16_000, starts="2026-07-01"),
        SeedRateLine(role="Manager", amount_minor=25_000, starts="2026-01-01", ends="2026-10-01"),
    ],
)
FACTS = {
    "name": "Standard",
    "currency": "USD",
    "price:Consultant@2026-01-01": "150.5",
    "price:Consultant@2026-07-01": "160",
    "price:Manager@2026-01-01": "250.00",
    "price:Manager@2026-10-01": "",
}
NOTHING = Agreement(projects=0, systems=("psa",), facts=7, disagreements=())


def held(**changes: str) -> Holding:
    return Holding(kind="upsert_rate_card", reference="", id="1", code="RC-USD", facts={**FACTS, **changes})


def told(*holdings: Holding) -> list[str]:
    return [one.message for one in with_cards(NOTHING, [CARD], {"psa": holdings}).disagreements]


def test_a_card_that_is_equal_holds_and_its_facts_are_counted() -> None:
    agreement = with_cards(NOTHING, [CARD], {"psa": [held()]})
    assert (agreement.holds, agreement.facts) == (True, 7 + 1 + len(FACTS))


def test_a_card_that_is_known_by_its_name_is_the_same() -> None:
    assert told(msgspec.structs.replace(held(), code="Standard")) == []


def test_a_system_that_keeps_no_rate_cards_holds_none() -> None:
    assert told(Holding(kind="upsert_project", reference="", id="1", code="P")) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"price:Consultant@2026-07-01": "161"}, "psa bills Consultant from 2026-07-01 at 161 by rate card RC-USD"),
        ({"price:Manager@2026-10-01": "250"}, "psa bills Manager from 2026-10-01 at 250 by rate card RC-USD"),
        ({"price:Partner@2026-01-01": "400"}, "psa bills Partner from 2026-01-01 at 400 by rate card RC-USD"),
        ({"currency": "EUR"}, "psa has rate card RC-USD in EUR, the firm in USD."),
    ],
)
def test_a_price_or_currency_that_differs_is_named(changes: dict[str, str], words: str) -> None:
    (found,) = told(held(**changes))
    assert words in found


def test_a_price_that_is_missing_is_named() -> None:
    facts = {name: value for name, value in FACTS.items() if name != "price:Consultant@2026-01-01"}
    (found,) = told(msgspec.structs.replace(held(), facts=facts))
    assert "psa bills Consultant from 2026-01-01 at None" in found


def test_a_card_that_is_held_twice_or_not_at_all_is_named() -> None:
    other = msgspec.structs.replace(held(name="Other"), code="RC-OTHER")
    assert told(held(), held()) == ["psa holds rate card RC-USD 2 times."]
    assert told(other) == ["psa holds rate card RC-USD 0 times."]
