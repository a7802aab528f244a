"""The rate card and the contract of a deal go to who takes them and does not keep them, before the project."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.worlds.inbound_database import master
from tests.worlds.project_hub import TAKES, ProjectHub, firm, price, told_since, whole_deal

from tieout.model.firm import FirmConfig, OwnershipRule
from tieout.model.reported import RecordType
from tieout.streams.lead_to_project.targets import targets_of

CARD = "upsert_rate_card"


def taking_cards(*systems: str, crm: bool = False, owners: tuple[OwnershipRule, ...] = ()) -> FirmConfig:
    """The firm whose ``systems`` take rate cards too, and, if so wanted, whose CRM takes contracts."""
    config = firm()
    changed = [
        msgspec.structs.replace(one, takes=(*TAKES, CARD))
        if one.name in systems
        else msgspec.structs.replace(one, takes=("link_deal", "upsert_contract"))
        if crm and one.name == "crm"
        else one
        for one in config.systems
    ]
    return msgspec.structs.replace(config, systems=tuple(changed), ownership=(*owners, *config.ownership))


@pytest.fixture
def cards(hub: ProjectHub) -> ProjectHub:
    """The ERP takes rate cards, and so does the PSA, which states and owns them."""
    hub.apply(taking_cards("psa", "erp"))
    return hub


def test_the_rate_card_goes_to_who_does_not_state_it_before_contract_and_project(cards: ProjectHub) -> None:
    cards.report(*whole_deal())
    assert cards.books["erp"].kinds()[:4] == ["upsert_customer", CARD, "upsert_contract", "upsert_project"]
    card = cards.books["erp"].objects["rate_card", "RC-USD"]
    assert (card["currency"], list(card["prices"])) == (
        "USD",
        [{"role": "Senior", "price": "200", "starts": "2026-01-01", "ends": None}],
    )
    assert cards.books["psa"].of("rate_card") == []
    assert cards.project_state("P-D1") == "active"


def test_a_rate_card_is_a_step_of_its_own_and_the_project_waits_for_it(cards: ProjectHub) -> None:
    cards.books["erp"].refuse[CARD] = "The period of the card is locked."
    cards.report(*whole_deal())
    assert cards.books["erp"].kinds() == ["upsert_customer"]
    assert cards.project_state("P-D1") == "provisioning"
    steps = "select o.system, s.current from provisioning_step s join provisioned_object o using (object_id)"
    assert cards.rows(f"{steps} where o.kind = '{CARD}'") == [("erp", False)]
    cards.books["erp"].refuse.clear()
    cards.retry("DELIVERY_REJECTED")
    assert cards.books["erp"].of("rate_card") == ["RC-USD"]
    assert cards.project_state("P-D1") == "active"


def test_a_price_that_is_amended_goes_out_and_nothing_else_does(cards: ProjectHub) -> None:
    cards.report(*whole_deal())
    before = {name: len(book.told) for name, book in cards.books.items()}
    amended = [
        msgspec.structs.replace(price("USD", "r1", "200", valid_to="2026-10-01"), version=2),
        msgspec.structs.replace(price("USD", "r1", "220", valid_from="2026-10-01"), source_id="USD-r1-2"),
    ]
    cards.report(*amended, system="psa")
    assert told_since(cards.books["erp"], before["erp"]) == [CARD]
    prices = cards.books["erp"].objects["rate_card", "RC-USD"]["prices"]
    assert [(one["price"], one["starts"], one["ends"]) for one in prices] == [
        ("200", "2026-01-01", "2026-10-01"),
        ("220", "2026-10-01", None),
    ]
    assert cards.project_state("P-D1") == "active"


def test_two_projects_of_one_card_send_it_once(cards: ProjectHub) -> None:
    cards.report(*whole_deal(), *whole_deal("D2"))
    assert cards.books["erp"].kinds().count(CARD) == 1


def test_a_system_that_reads_back_what_it_was_told_is_told_amendments_still(cards: ProjectHub) -> None:
    cards.report(*whole_deal())
    echo: dict[str, Any] = {"code": "RC-USD", "name": "USD", "currency": "USD"}
    cards.report(master(RecordType.RATE_CARD, "card-7", echo), system="erp")
    before = len(cards.books["erp"].told)
    cards.report(msgspec.structs.replace(price("USD", "r1", "230"), version=2), system="psa")
    assert told_since(cards.books["erp"], before) == [CARD]


@pytest.mark.parametrize(("kind", "command"), [("contract", "upsert_contract"), ("rate_card", CARD)])
def test_a_system_that_owns_rate_cards_or_contracts_is_no_target_of_them(kind: str, command: str) -> None:
    config = taking_cards("erp", "psa", owners=(OwnershipRule(object=kind, fields=("*",), system="erp"),))
    takes = {one.system: one.takes for one in targets_of(config, "US01", date(2026, 9, 1))}
    assert command not in takes["erp"]
    assert command in takes["psa"]
    assert "upsert_project" in takes["erp"]


def test_the_crm_that_states_the_contract_is_not_told_it(hub: ProjectHub) -> None:
    hub.apply(taking_cards(crm=True))
    hub.report(*whole_deal())
    assert hub.books["crm"].kinds() == ["link_deal"]


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"unit": "day", "hours_per_day": "8"}, ["25"]),
        ({"unit": "day"}, []),
        ({"unit": "day", "hours_per_day": "7"}, []),
        ({"work_type": "overtime"}, []),
    ],
)
def test_only_what_an_hour_of_a_role_costs_is_told(cards: ProjectHub, stated: dict[str, Any], told: list[str]) -> None:
    cards.report(msgspec.structs.replace(price("USD", "r1", "200", **stated), version=2), system="psa")
    cards.report(*whole_deal())
    held = cards.books["erp"].objects.get(("rate_card", "RC-USD"), {"prices": []})
    assert [f"{Decimal(one['price']).normalize():f}" for one in held["prices"]] == told
