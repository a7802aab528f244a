"""Newer versions: freed while not posted, carried where nothing that counts changed, held once posted."""

from decimal import Decimal

import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub

from tieout.inbound.reading import Disposition
from tieout.model.reported import ReportedState
from tieout.storage.control_totals import verify_control_totals

ACCEPTED, HELD, NOT_APPROVED, SUPERSEDED, CARRIED = (int(one) for one in Disposition)


def _posted(hub: Hub) -> int:
    hub.take(world.said())
    (entry_id,) = hub.entry_ids("1")
    hub.link([entry_id])
    return entry_id


def test_a_newer_version_of_an_entry_that_is_not_posted_replaces_it(hub: Hub) -> None:
    hub.take(world.said())
    hub.take(world.said(version=2, hours=Decimal(4)))
    assert hub.standing() == {"1": (2, ACCEPTED)}
    assert hub.ledger() == (6, Decimal("4.0000"), 80_000, 32_000)
    first, second = hub.entry_ids("1")
    assert hub.rows("select entry_id, delivery_id from posting_link") == [(first, 0)]
    assert hub.rows("select previous_entry_id from time_entry where entry_id = %s", second) == [(first,)]
    assert hub.rows("select sum(entry_count), sum(hours), sum(amount_minor), sum(cost_minor) from batch_total") == [
        (1, Decimal("4.0000"), 80_000, 32_000)
    ]
    assert verify_control_totals(hub.conn) == []


@pytest.mark.parametrize("state", [ReportedState.DELETED, ReportedState.RECALLED, ReportedState.SUBMITTED])
def test_an_entry_that_is_withdrawn_before_it_is_posted_leaves_nothing(hub: Hub, state: ReportedState) -> None:
    hub.take(world.said())
    hub.take(world.said(version=2, state=state))
    assert hub.standing() == {"1": (2, NOT_APPROVED)}
    assert hub.ledger() == (4, Decimal("0.0000"), 0, 0)
    assert hub.open_items() == []


def test_an_entry_that_comes_back_after_it_was_withdrawn_is_taken_in_again(hub: Hub) -> None:
    hub.take(world.said())
    hub.take(world.said(version=2, state=ReportedState.RECALLED))
    hub.take(world.said(version=3))
    assert hub.standing() == {"1": (3, ACCEPTED)}
    assert hub.ledger() == (6, Decimal("7.5000"), 150_000, 60_000)


def test_a_version_without_a_change_that_counts_is_carried_by_the_earlier_one(hub: Hub) -> None:
    hub.take(world.said())
    hub.take(world.said(version=2, narrative="Better words"))
    assert hub.standing() == {"1": (2, CARRIED)}
    assert hub.ledger()[0] == 2
    first, second = hub.entry_ids("1")
    assert hub.rows("select previous_entry_id from time_entry where entry_id = %s", second) == [(first,)]
    hub.take(world.said(version=3, hours=Decimal(1)))
    assert hub.standing() == {"1": (3, ACCEPTED)}
    assert hub.ledger() == (6, Decimal("1.0000"), 20_000, 8_000)


def test_an_older_version_that_arrives_late_changes_nothing(hub: Hub) -> None:
    hub.take(world.said(version=2))
    hub.take(world.said(version=1, hours=Decimal(1)))
    assert hub.standing() == {"1": (2, ACCEPTED)}
    assert hub.ledger()[1] == Decimal("7.5000")
    assert hub.rows("select code from finding where entry_id is not null") == [("OUT_OF_ORDER_VERSION",)]
    assert hub.open_items() == []


def test_a_held_version_is_resolved_when_a_newer_one_is_right(hub: Hub) -> None:
    hub.take(world.said(approved_by=None))
    hub.take(world.said(version=2))
    assert hub.open_items() == []
    assert hub.standing() == {"1": (2, ACCEPTED)}
    assert hub.rows("select state from desk_item") == [("resolved",)]


def test_a_held_version_that_is_withdrawn_leaves_the_desk(hub: Hub) -> None:
    hub.take(world.said(approved_by=None))
    hub.take(world.said(version=2, state=ReportedState.DELETED))
    assert hub.open_items() == []
    assert hub.standing() == {"1": (2, NOT_APPROVED)}


def test_a_change_of_a_posted_entry_is_held_with_its_delta(hub: Hub) -> None:
    _posted(hub)
    hub.take(world.said(version=2, hours=Decimal(4)))
    assert hub.open_items() == [("SOURCE_CHANGED", "open", "1")]
    assert hub.rows("select hours, amount_minor, currency from desk_item") == [(Decimal("-3.5000"), -70_000, 840)]
    assert hub.ledger() == (2, Decimal("7.5000"), 150_000, 60_000)
    assert hub.standing() == {"1": (2, HELD)}


@pytest.mark.parametrize("state", [ReportedState.DELETED, ReportedState.RECALLED, ReportedState.REJECTED])
def test_a_posted_entry_that_is_withdrawn_is_off_by_everything(hub: Hub, state: ReportedState) -> None:
    _posted(hub)
    hub.take(world.said(version=2, state=state))
    assert hub.rows("select hours, amount_minor from desk_item") == [(Decimal("-7.5000"), -150_000)]
    assert hub.ledger()[0] == 2


def test_a_later_version_updates_the_item_and_never_makes_a_second(hub: Hub) -> None:
    _posted(hub)
    hub.take(world.said(version=2, hours=Decimal(4)))
    before = hub.rows("select item_id, opened_at from desk_item")
    hub.take(world.said(version=3, hours=Decimal(8)))
    assert hub.rows("select item_id, opened_at from desk_item") == before
    assert hub.rows("select hours, amount_minor, state from desk_item") == [(Decimal("0.5000"), 10_000, "open")]
    hub.take(world.said(version=4, state=ReportedState.DELETED))
    assert hub.rows("select hours, amount_minor, state from desk_item") == [(Decimal("-7.5000"), -150_000, "open")]


def test_a_version_that_says_what_is_posted_resolves_the_item(hub: Hub) -> None:
    _posted(hub)
    hub.take(world.said(version=2, hours=Decimal(4)))
    hub.take(world.said(version=3))
    assert hub.open_items() == []
    assert hub.standing() == {"1": (3, CARRIED)}
    assert hub.ledger()[0] == 2


def test_a_change_of_money_only_is_a_delta_too(hub: Hub) -> None:
    _posted(hub)
    hub.take(world.said(version=2, billable=False))
    assert hub.rows("select hours, amount_minor from desk_item") == [(Decimal("0.0000"), -150_000)]


def test_a_new_version_that_cannot_be_priced_counts_its_hours_only(hub: Hub) -> None:
    _posted(hub)
    hub.take(world.said(version=2, project="p999", task=None))
    assert hub.open_items() == [("SOURCE_CHANGED", "open", "1")]
    assert hub.rows("select hours, amount_minor from desk_item") == [(Decimal("0.0000"), None)]
    assert {row[0] for row in hub.rows("select code from finding where entry_id is not null")} == {
        "SOURCE_CHANGED",
        "PROJECT_UNKNOWN",
    }


def test_an_entry_is_taken_out_of_a_delivery_that_is_not_sent(hub: Hub) -> None:
    hub.recut_answer = "recut"
    entry_id = _posted(hub)
    hub.take(world.said(version=2, hours=Decimal(4)))
    assert hub.standing() == {"1": (2, ACCEPTED)}
    assert hub.rows("select delivery_id from posting_link where entry_id = %s", entry_id) == [(0,)]
    assert hub.ledger() == (6, Decimal("4.0000"), 80_000, 32_000)


def test_a_retry_of_a_changed_entry_is_held_again_until_it_can_be_freed(hub: Hub) -> None:
    _posted(hub)
    hub.take(world.said(version=2, hours=Decimal(4)))
    hub.conn.execute("update desk_item set state = 'released'")
    hub.work()
    assert hub.open_items() == [("SOURCE_CHANGED", "open", "1")]
    assert len(hub.entry_ids("1")) == 2
    hub.recut_answer = "recut"
    hub.conn.execute("update desk_item set state = 'released'")
    hub.work()
    assert hub.open_items() == []
    assert hub.ledger() == (6, Decimal("4.0000"), 80_000, 32_000)


def test_the_posted_entry_still_counts_for_the_persons_day(hub: Hub) -> None:
    hub.apply(world.firm(max_day_hours=Decimal(8)))
    _posted(hub)
    hub.take(world.said(version=2, hours=Decimal(4)))
    hub.take(world.said(source_id="2", task=None, hours=Decimal(2), narrative="Mails"))
    assert ("DAY_TOTAL", "open", "2") in hub.open_items()
