"""One rate, compared across systems: what cards, bookings and deals state otherwise is told with its money effect."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from tests.worlds.inbound_database import master
from tests.worlds.plan_hub import MONDAY, PlanHub, firm

from tieout.model.reported import FieldValue, RecordType, ReportedRecord
from tieout.storage.pool import connect

WIDE: dict[str, FieldValue] = {"code": "P100", "name": "One", "status": "active", "currency": "USD"}


@pytest.fixture
def hub(database_url: str) -> Iterator[PlanHub]:
    with connect(database_url, autocommit=True) as conn:
        yield PlanHub(conn)


def card(hub: PlanHub, system: str, price: str, version: int = 1, *, role: str = "r1", **fields: FieldValue) -> None:
    said: dict[str, FieldValue] = {"price": price, "currency": "USD", "valid_from": "2026-01-01"}
    head: dict[str, FieldValue] = {"code": "STD", "name": "Standard", "currency": "USD", **fields}
    records = [
        master(RecordType.ROLE, role, {"name": "Senior"}, 2),
        master(RecordType.RATE_CARD, "c1", head),
        master(RecordType.RATE_LINE, "l1", said, version, rate_card="c1", role=role),
    ]
    hub.inbound.report(*records, system=system)
    hub.work()


def bind(hub: PlanHub) -> None:
    hub.inbound.report(_project())
    hub.work()


def _project() -> ReportedRecord:
    return master(RecordType.PROJECT, "p100", WIDE, 2, legal_entity="Acme US", client="c1", rate_card="c1")


def items(hub: PlanHub) -> list[tuple[object, ...]]:
    return hub.rows(
        """
        select i.subject_kind, i.hours, i.amount_minor, i.currency, i.message
          from desk_item i join root_cause c using (cause_id)
         where c.code = 'RATE_DIFFERS' and i.state = 'open' order by 1
        """
    )


def test_a_card_that_another_system_states_otherwise_is_told_with_its_effect_until_it_agrees(hub: PlanHub) -> None:
    hub.open()
    card(hub, "psa", "150")
    bind(hub)
    hub.book()
    assert items(hub) == []
    card(hub, "erp", "160", role="x9")
    assert items(hub) == [
        (
            "rate_of_card",
            Decimal(40),
            40_000,
            840,
            "An hour of Senior (rate card STD) is 150.00 USD by psa and 160.00 USD by erp.",
        )
    ]
    card(hub, "erp", "150", 2, role="x9")
    assert items(hub) == []


def test_cards_of_two_systems_are_one_by_name_and_by_the_firms_mapping(hub: PlanHub) -> None:
    hub.open()
    card(hub, "psa", "150", code=None)
    bind(hub)
    card(hub, "erp", "160", code=None, role="x9")
    assert len(items(hub)) == 1
    hub.inbound.report(
        master(RecordType.RATE_CARD, "c1", {"code": "T-9", "name": "Liste", "currency": "USD"}, 2), system="erp"
    )
    hub.clock.advance(24 * 3600)
    hub.work()
    assert items(hub) == []
    hub.inbound.apply(firm(None, ("rate_cards", "T-9", "Standard")))
    hub.work()
    assert len(items(hub)) == 1


def test_a_rate_in_another_currency_has_no_effect_that_can_be_said(hub: PlanHub) -> None:
    hub.open()
    card(hub, "psa", "150")
    bind(hub)
    hub.book()
    said: dict[str, FieldValue] = {"price": "150", "currency": "EUR", "valid_from": "2026-01-01"}
    hub.inbound.report(
        master(RecordType.ROLE, "x9", {"name": "Senior"}),
        master(RecordType.RATE_CARD, "c1", {"code": "STD", "name": "Standard", "currency": "EUR"}),
        master(RecordType.RATE_LINE, "l1", said, rate_card="c1", role="x9"),
        system="erp",
    )
    hub.work()
    ((_, hours, amount, currency, _),) = items(hub)
    assert (hours, amount, currency) == (Decimal(40), None, None)


def test_a_booking_with_a_rate_of_its_own_is_told_and_priced_by_the_hub(hub: PlanHub) -> None:
    hub.open()
    number = hub.book(bill_rate=Decimal(180))
    assert items(hub) == [
        (
            "rate_of_booking",
            Decimal(40),
            -80_000,
            840,
            "An hour of Senior (booking b1 on project P100) is 200.00 USD by the hub and 180.00 USD by psa.",
        )
    ]
    assert hub.forecast("p100")["2026-08-10", 2] == (40, 800_000, 320_000)
    hub.book(number=number, bill_rate=Decimal(200))
    assert items(hub) == []
    hub.book(number=number, bill_rate=Decimal(190), starts=MONDAY)
    assert len(items(hub)) == 1
    hub.cancel(number)
    assert items(hub) == []
