"""The queue by filters and pages: every list adds up to its figures, and every item tells all about itself."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub
from tests.worlds.people import CONTROLLER, FINANCE

from tieout.desk import acts, item_view, proposals, queue
from tieout.desk.queue import CauseOrder, Chosen, ItemOrder, ItemState
from tieout.errors import ConfigurationError
from tieout.storage.pool import in_transaction


@pytest.fixture
def desk(hub: Hub) -> Hub:
    """Eight causes with one to eight entries each, opened a minute apart."""
    for number in range(1, 9):
        hub.clock.advance(60)
        hub.take(
            *(
                world.said(source_id=f"x{number}-{at}", project=f"P90{number}", hours=Decimal(number))
                for at in range(number)
            )
        )
    return hub


def all_causes(hub: Hub, chosen: Chosen, order: CauseOrder, limit: int) -> list[queue.CauseSummary]:
    found: list[queue.CauseSummary] = []
    mark: str | None = None
    while True:
        page = queue.causes(hub.conn, chosen, order=order, after=mark, limit=limit)
        assert len(page.causes) <= limit
        found += page.causes
        mark = page.next
        if mark is None:
            return found


def all_items(hub: Hub, chosen: Chosen, order: ItemOrder, limit: int) -> list[queue.ItemView]:
    found: list[queue.ItemView] = []
    mark: str | None = None
    while True:
        page = queue.items(hub.conn, chosen, order=order, after=mark, limit=limit)
        found += page.items
        mark = page.next
        if mark is None:
            return found


@pytest.mark.parametrize("order", CauseOrder)
def test_pages_of_causes_have_each_cause_once_and_in_order(desk: Hub, order: CauseOrder) -> None:
    whole = list(queue.causes(desk.conn, order=order, limit=None).causes)
    assert all_causes(desk, queue.EVERYTHING, order, 3) == whole
    keys = {
        CauseOrder.HOURS: [-one.hours for one in whole],
        CauseOrder.ITEMS: [Decimal(-one.items) for one in whole],
        CauseOrder.AGE: [Decimal(one.oldest.timestamp()) for one in whole],
        CauseOrder.CUT_OFF: [Decimal(one.cause_id) for one in whole],
    }[order]
    assert keys == sorted(keys)


@pytest.mark.parametrize("order", ItemOrder)
def test_pages_of_items_have_each_item_once_and_in_order(desk: Hub, order: ItemOrder) -> None:
    whole = list(queue.items(desk.conn, order=order, limit=None).items)
    assert [one.item_id for one in all_items(desk, queue.EVERYTHING, order, 7)] == [one.item_id for one in whole]
    assert len({one.item_id for one in whole}) == len(whole) == 41


def test_a_page_goes_on_where_it_ended_although_items_came_and_went_meanwhile(desk: Hub) -> None:
    first = queue.items(desk.conn, limit=10)
    made = in_transaction(
        desk.conn,
        lambda cur: proposals.propose_exclusion(
            cur, [one.item_id for one in first.items[:5]], maker=FINANCE, reason="Tests.", now=desk.clock.now()
        ),
    )
    in_transaction(
        desk.conn,
        lambda cur: proposals.approve(cur, made.proposal_id, CONTROLLER, made.content_hash, now=desk.clock.now()),
    )
    desk.clock.advance(60)
    desk.take(world.said(source_id="late", project="P999"))
    rest = [one.item_id for one in queue.items(desk.conn, after=first.next, limit=None).items]
    assert len(rest) == 32
    assert not {one.item_id for one in first.items} & set(rest)


@pytest.mark.parametrize(
    "chosen",
    [
        queue.EVERYTHING,
        Chosen(owner="project_management"),
        Chosen(owner="finance"),
        Chosen(code="PROJECT_UNKNOWN"),
        Chosen(entity="US01"),
        Chosen(entity=""),
        Chosen(system="psa"),
        Chosen(system="erp"),
        Chosen(assignee=""),
        Chosen(assignee="ines"),
        Chosen(text="X3"),
        Chosen(state=ItemState.OPEN),
        Chosen(state=ItemState.EXCLUDED),
        Chosen(state=ItemState.ANY),
        Chosen(opened_before=world.NOW + timedelta(minutes=4, seconds=1)),
        Chosen(currency=840, amount_minor_from=1),
    ],
    ids=str,
)
def test_every_choice_adds_up_the_same_in_its_causes_its_items_and_its_totals(desk: Hub, chosen: Chosen) -> None:
    [some, *_] = queue.find_items(desk.conn, code="PROJECT_UNKNOWN")
    in_transaction(desk.conn, lambda cur: acts.assign(cur, [some], FINANCE, "ines", now=desk.clock.now()))
    totals = queue.totals(desk.conn, chosen)
    causes = all_causes(desk, chosen, CauseOrder.HOURS, 2)
    items = all_items(desk, chosen, ItemOrder.HOURS, 5)
    assert totals.causes == len(causes)
    assert totals.items == sum(one.items for one in causes) == len(items)
    assert totals.hours == sum(one.hours for one in causes) == sum(one.hours or 0 for one in items)
    assert totals.count == sum(one.count for one in causes)
    assert totals.unpriced_count == sum(one.unpriced_count for one in causes)
    for number, amount in totals.amount_minor.items():
        assert amount == sum(one.amount_minor.get(number, 0) for one in causes)
        assert amount == sum(one.amount_minor or 0 for one in items if str(one.currency) == number)


def test_choices_choose(desk: Hub) -> None:
    assert {one.entity for one in queue.items(desk.conn, Chosen(entity="DE01")).items} == {"DE01"}
    assert {one.entity for one in queue.items(desk.conn, Chosen(entity=""), limit=None).items} == {None}
    assert len(queue.items(desk.conn, Chosen(text="X8-")).items) == 8
    assert queue.items(desk.conn, Chosen(system="erp")).items == ()
    assert queue.totals(desk.conn, Chosen(code="PROJECT_UNKNOWN", opened_before=world.NOW)).items == 0
    assert queue.causes(desk.conn, Chosen(owner="integration")).causes == ()


def test_items_and_causes_know_the_hours_to_the_cut_off_of_their_period(desk: Hub) -> None:
    desk.conn.execute(
        """
        insert into posting_cut_off (entity_id, code, starts, ends, cut_off)
        select record_id, '2026-07', %s, %s, %s from golden_record where type = 'legal_entity' and code = 'US01'
        """,
        (date(2026, 7, 1), date(2026, 8, 1), datetime(2026, 8, 12, tzinfo=UTC)),
    )
    [us] = queue.items(desk.conn, Chosen(entity="US01")).items
    now = datetime(2026, 8, 10, 11, 30, tzinfo=UTC)
    assert us.hours_to_cut_off(now) == 36
    assert us.hours_to_cut_off(now + timedelta(days=2)) == -12
    [first, *_] = queue.causes(desk.conn, order=CauseOrder.CUT_OFF).causes
    assert (first.code, first.hours_to_cut_off(now)) == ("HOURS_RANGE", 36)
    assert queue.totals(desk.conn, Chosen(cut_off_before=datetime(2026, 8, 13, tzinfo=UTC))).items == 1


def test_an_item_tells_what_was_received_how_it_is_understood_and_what_can_be_done(desk: Hub) -> None:
    [us] = queue.items(desk.conn, Chosen(entity="US01")).items
    whole = item_view.whole(desk.conn, us.item_id)
    assert [(one.code, one.severity) for one in whole.findings] == [("HOURS_RANGE", "block")]
    assert whole.received is not None
    assert (whole.received.system, whole.received.object) == ("psa", "time_entries")
    payload = item_view.received_payload(desk.conn, us.item_id)
    assert len(payload) == whole.received.payload_bytes
    said = msgspec.json.decode(payload)["times"][whole.received.item_no]
    assert said["source_id"] == "none-us"
    assert whole.understood["person"] == "Ada"
    assert (whole.understood["project"], whole.understood["hours"]) == ("P100", "0")
    assert {one.action for one in whole.offers} == {"retry", "edit", "overrule", "exclude", "assign", "comment"}
    assert {one.action for one in whole.offers if one.needs_approval} == {"edit", "overrule", "exclude"}


def test_an_item_shows_how_such_things_were_solved_before(desk: Hub) -> None:
    [first, second, *_] = queue.find_items(desk.conn, code="PROJECT_UNKNOWN")
    made = in_transaction(
        desk.conn,
        lambda cur: proposals.propose_exclusion(
            cur, [first], maker=FINANCE, reason="A test project.", now=desk.clock.now()
        ),
    )
    in_transaction(
        desk.conn,
        lambda cur: proposals.approve(cur, made.proposal_id, CONTROLLER, made.content_hash, now=desk.clock.now()),
    )
    [solved] = item_view.whole(desk.conn, second).solved
    assert (solved.item_id, solved.state, solved.actor, solved.reason) == (first, "excluded", "cleo", "A test project.")
    assert [one.action for one in item_view.whole(desk.conn, first).offers] == ["comment"]


def test_an_item_that_is_not_there_is_not_shown(desk: Hub) -> None:
    with pytest.raises(ConfigurationError, match="no item 999999"):
        item_view.whole(desk.conn, 999999)
