"""Rates applied anew: what is not posted is rated anew, what is posted becomes RATE_CHANGED with its delta."""

from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.inbound.reading import Disposition
from tieout.inbound.revaluation import process_revaluation, request
from tieout.model.firm import FirmConfig
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import in_transaction
from tieout.streams.time_to_bill.entries import is_revaluation_pending

ACCEPTED, HELD, CARRIED = int(Disposition.ACCEPTED), int(Disposition.HELD), int(Disposition.CARRIED)


def priced(bill: str) -> FirmConfig:
    """The firm with another bill rate of US01."""
    firm = world.firm()
    rates = tuple(
        msgspec.structs.replace(one, price=Decimal(bill)) if (one.context, one.entity) == ("bill", "US01") else one
        for one in firm.rates
    )
    return msgspec.structs.replace(firm, rates=rates)


def apply(hub: Hub, bill: str) -> None:
    hub.apply(priced(bill))
    in_transaction(hub.conn, request)
    while process_revaluation(hub.conn, hub.context):
        pass
    hub.work()


def stakes(hub: Hub) -> list[tuple[object, ...]]:
    return hub.rows(
        """
        select c.code, i.hours, i.amount_minor from desk_item i join root_cause c using (cause_id)
         where i.state in ('open', 'released')
        """
    )


def test_an_entry_that_is_not_posted_is_reversed_and_rated_anew(hub: Hub) -> None:
    hub.take(world.said())
    apply(hub, "210")
    assert hub.ledger() == (6, Decimal("7.5000"), 157_500, 60_000)
    assert hub.standing() == {"1": (1, ACCEPTED)}
    first, second = hub.entry_ids("1")
    assert hub.rows("select entry_id, delivery_id from posting_link") == [(first, 0)]
    assert hub.rows("select previous_entry_id from time_entry where entry_id = %s", second) == [(first,)]
    assert hub.open_items() == []
    assert verify_control_totals(hub.conn) == []


def test_an_entry_that_is_worth_the_same_is_left_alone(hub: Hub) -> None:
    hub.take(world.said())
    apply(hub, "200.00")
    assert hub.ledger() == (2, Decimal("7.5000"), 150_000, 60_000)
    assert len(hub.entry_ids("1")) == 1


def test_a_posted_entry_stays_and_its_delta_is_on_the_desk(hub: Hub) -> None:
    hub.take(world.said())
    hub.link(hub.entry_ids("1"))
    apply(hub, "210")
    assert hub.ledger() == (2, Decimal("7.5000"), 150_000, 60_000)
    assert stakes(hub) == [("RATE_CHANGED", Decimal("0.0000"), 7_500)]
    assert hub.standing() == {"1": (1, HELD)}
    assert verify_control_totals(hub.conn) == []


def test_a_rate_that_changes_again_changes_the_delta_and_not_the_number_of_items(hub: Hub) -> None:
    hub.take(world.said())
    hub.link(hub.entry_ids("1"))
    apply(hub, "210")
    apply(hub, "190")
    assert stakes(hub) == [("RATE_CHANGED", Decimal("0.0000"), -7_500)]


def test_the_old_rate_applied_again_closes_the_item(hub: Hub) -> None:
    hub.take(world.said())
    hub.link(hub.entry_ids("1"))
    apply(hub, "210")
    apply(hub, "200")
    assert stakes(hub) == []
    assert hub.standing() == {"1": (1, CARRIED)}
    assert hub.ledger() == (2, Decimal("7.5000"), 150_000, 60_000)


def test_a_carried_version_is_rated_anew_by_what_it_says(hub: Hub) -> None:
    hub.take(world.said())
    hub.take(world.said(version=2, narrative="Better words"))
    apply(hub, "210")
    assert hub.standing() == {"1": (2, ACCEPTED)}
    assert hub.ledger()[1:] == (Decimal("7.5000"), 157_500, 60_000)
    assert verify_control_totals(hub.conn) == []


def test_an_entry_that_nothing_prices_any_more_is_held_and_not_posted(hub: Hub) -> None:
    hub.take(world.said())
    firm = world.firm()
    hub.apply(msgspec.structs.replace(firm, rates=tuple(one for one in firm.rates if one.context != "bill")))
    in_transaction(hub.conn, request)
    while process_revaluation(hub.conn, hub.context):
        pass
    assert [code for code, _, _ in hub.open_items()] == ["RATE_NOT_FOUND"]
    assert hub.ledger() == (4, Decimal("0.0000"), 0, 0)


def test_a_newer_version_after_the_new_rate_stands_for_the_source(hub: Hub) -> None:
    hub.take(world.said())
    hub.link(hub.entry_ids("1"))
    apply(hub, "210")
    hub.take(world.said(version=2, hours=Decimal(4)))
    (stake,) = stakes(hub)
    assert stake == ("SOURCE_CHANGED", Decimal("-3.5000"), 84_000 - 150_000)


@pytest.mark.parametrize("pending", [True, False])
def test_no_journal_is_made_before_everything_was_rated_anew(hub: Hub, *, pending: bool) -> None:
    hub.take(world.said())
    hub.apply(priced("210"))
    in_transaction(hub.conn, request)
    if not pending:
        while process_revaluation(hub.conn, hub.context):
            pass
    assert in_transaction(hub.conn, is_revaluation_pending) is pending
