"""A replay does to the ledger what its dry run said, once, to nothing that is posted, and as fast as it may."""

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from tests.integration.reconciliation.books import Books
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub
from tests.worlds.people import CONTROLLER, FINANCE, person

from tieout.desk import proposals, queue
from tieout.desk.proposals import Proposed
from tieout.errors import ConfigurationError
from tieout.governance import firm_version
from tieout.model.access import Principal, Role
from tieout.model.reported import ReportedTime
from tieout.replay import running
from tieout.replay.dry_run import DryRun, dry_run
from tieout.replay.running import ReplayRequest, ReplayView
from tieout.replay.selection import Selection
from tieout.storage.pool import in_transaction

H = Decimal
JULY = Selection(worked_from=date(2026, 7, 1), worked_until=date(2026, 8, 1))


def said(number: int, **changes: object) -> ReportedTime:
    return world.said(source_id=f"e{number}", work_date=date(2026, 7, number), **changes)


def state(hub: Hub) -> tuple[object, ...]:
    """All that a replay could touch."""
    return (
        hub.ledger(),
        hub.standing(),
        hub.open_items(),
        hub.rows("select count(*), max(entry_id) from time_entry"),
        hub.rows("select count(*) from batch"),
        hub.rows("select count(*) from desk_action"),
    )


def propose(books: Books, selection: Selection, version: int, *, per_minute: int = 6000) -> tuple[Proposed, DryRun]:
    books.hub.clock.advance(1)
    request = ReplayRequest(selection=selection, version=version, per_minute=per_minute)
    return running.propose(books.hub.conn, books.hub.context, request, maker=FINANCE, reason="As agreed.")


def approve(books: Books, made: Proposed, by: Principal = CONTROLLER) -> None:
    in_transaction(
        books.hub.conn,
        lambda cur: proposals.approve(cur, made.proposal_id, by, made.content_hash, now=books.hub.clock.now()),
    )


def run(books: Books) -> int:
    """Judge chunks until nothing is left to do right now; how many steps it took."""
    steps = 0
    while running.advance(books.hub.conn, books.hub.context):
        steps += 1
    return steps


def replayed(books: Books, made: Proposed) -> ReplayView:
    [found] = running.replays(books.hub.conn, proposal_id=made.proposal_id)
    return found


@pytest.fixture
def quarters(books: Books) -> Books:
    """Two entries of 7.4 hours that version 1 holds (no whole quarter) and version 2 would accept; one that is good."""
    books.take(said(1, hours=H("7.4")), said(2, hours=H("7.4")), said(3))
    assert len(queue.find_items(books.hub.conn, code="INCREMENT")) == 2
    policies = tuple(
        msgspec.structs.replace(one, increment_minutes=1) for one in firm_version.current(books.hub.conn).policies
    )
    books.hub.apply(msgspec.structs.replace(firm_version.current(books.hub.conn), policies=policies, name="v2"))
    books.hub.apply(msgspec.structs.replace(firm_version.at_version(books.hub.conn, 1), name="v3"))
    return books


def test_a_dry_run_tells_the_difference_and_changes_nothing(quarters: Books) -> None:
    hub = quarters.hub
    before = state(hub)
    found = dry_run(hub.conn, hub.context, JULY, version=2)
    assert state(hub) == before
    assert (found.entry_count, found.changed_count, found.posted_count) == (3, 2, 0)
    [ledger] = found.ledger
    assert (ledger.entity, ledger.currency, ledger.entries) == ("US01", "USD", 2)
    assert (ledger.hours, ledger.amount, ledger.cost) == (H("14.8"), H("2960"), H("1184"))
    assert (found.held_before, found.held_after) == ({"INCREMENT": 2}, {})


def test_a_replay_does_what_its_dry_run_said_and_the_books_still_hold(quarters: Books) -> None:
    hub = quarters.hub
    entries, hours, amount, cost = hub.ledger()
    made, found = propose(quarters, JULY, 2)
    assert run(quarters) == 0
    approve(quarters, made)
    run(quarters)
    [ledger] = found.ledger
    assert hub.ledger() == (
        int(str(entries)) + 2 * ledger.entries,
        H(str(hours)) + ledger.hours,
        H(str(amount)) + ledger.amount * 100,
        H(str(cost)) + ledger.cost * 100,
    )
    assert queue.find_items(hub.conn, code="INCREMENT") == []
    assert (replayed(quarters, made).state, replayed(quarters, made).done_count) == ("done", 3)
    versions = hub.rows("select distinct firm_version from time_entry where disposition = 1 and hours = 7.4")
    assert versions == [(2,)]
    quarters.deliver()
    statement = quarters.proven()
    assert statement.holds


def test_a_second_replay_of_the_same_has_no_effect(quarters: Books) -> None:
    made, _ = propose(quarters, JULY, 2)
    approve(quarters, made)
    run(quarters)
    before = quarters.hub.ledger()
    again = dry_run(quarters.hub.conn, quarters.hub.context, JULY, version=2)
    assert (again.changed_count, again.ledger) == (0, ())
    second, _ = propose(quarters, JULY, 2)
    approve(quarters, second)
    run(quarters)
    assert quarters.hub.ledger() == before


def test_entries_that_are_accepted_and_not_posted_are_rated_by_the_chosen_mapping(books: Books) -> None:
    """Under version 2 the legal entity of the project is another one, with another rate."""
    hub = books.hub
    first = firm_version.current(hub.conn)
    moved = tuple(
        msgspec.structs.replace(one, target="DE01") if one.source == "Acme US" else one for one in first.mappings
    )
    hub.apply(msgspec.structs.replace(first, mappings=moved, name="v2"))
    hub.apply(msgspec.structs.replace(firm_version.at_version(hub.conn, 1), name="v3"))
    books.take(said(1), said(2))
    found = dry_run(hub.conn, hub.context, JULY, version=2)
    assert found.changed_count == 2
    assert found.held_after or {one.entity for one in found.ledger} == {"US01", "DE01"}
    [us] = [one for one in found.ledger if one.entity == "US01"]
    assert (us.entries, us.hours, us.amount) == (-2, H("-15"), H("-3000"))


def test_what_is_posted_is_left_alone_whatever_version_is_chosen(books: Books) -> None:
    hub = books.hub
    first = firm_version.current(hub.conn)
    books.take(said(1))
    books.deliver()
    hub.apply(msgspec.structs.replace(first, mappings=(), name="v2"))
    hub.apply(msgspec.structs.replace(firm_version.at_version(hub.conn, 1), name="v3"))
    found = dry_run(hub.conn, hub.context, JULY, version=2)
    assert (found.entry_count, found.posted_count, found.ledger) == (0, 1, ())
    with pytest.raises(ConfigurationError) as caught:
        propose(books, JULY, 2)
    assert caught.value.code == "TIE-REPLAY-002"


def test_a_replay_keeps_its_rate_and_its_place_between_chunks(quarters: Books) -> None:
    hub = quarters.hub
    made, _ = propose(quarters, JULY, 2, per_minute=1)
    approve(quarters, made)
    for done in (1, 2, 3):
        run(quarters)
        assert replayed(quarters, made).done_count == done
        run(quarters)
        assert replayed(quarters, made).done_count == done
        hub.clock.advance(60)
    assert replayed(quarters, made).state == "done"


def test_entries_are_judged_by_legal_entity_and_project_and_then_as_they_came(books: Books) -> None:
    hub = books.hub
    books.take(
        world.said(source_id="b2", hours=H(75), project="p200", task=None, work_date=date(2026, 7, 2)),
        world.said(source_id="a1", hours=H(75), work_date=date(2026, 7, 9)),
        world.said(source_id="b1", hours=H(75), project="p200", task=None, work_date=date(2026, 7, 1)),
        world.said(source_id="a2", hours=H(75), work_date=date(2026, 7, 8)),
    )
    made, _ = propose(books, JULY, 1)
    rows = hub.rows(
        """
        select t.source_id from replay_entry e join replay r using (replay_id) join time_entry t using (entry_id)
         where r.proposal_id = %s order by e.place
        """,
        made.proposal_id,
    )
    assert [str(row[0]) for row in rows] == ["b2", "b1", "a1", "a2"]


def test_what_was_read_anew_between_approval_and_start_voids_the_replay(quarters: Books) -> None:
    made, _ = propose(quarters, JULY, 2)
    approve(quarters, made)
    quarters.take(said(3, version=2, hours=H(8)))
    run(quarters)
    assert replayed(quarters, made).state == "failed"
    assert len(queue.find_items(quarters.hub.conn, code="INCREMENT")) == 2


def test_a_held_entry_that_changed_before_the_approval_voids_it(quarters: Books) -> None:
    made, _ = propose(quarters, JULY, 2)
    quarters.take(said(1, version=2, hours=H(8)))
    with pytest.raises(ConfigurationError) as caught:
        approve(quarters, made)
    assert caught.value.code == "TIE-DESK-005"


def test_an_entry_that_comes_later_belongs_to_no_replay_proposed_before(quarters: Books) -> None:
    made, found = propose(quarters, Selection(system="psa"), 2)
    quarters.hub.clock.advance(60)
    quarters.take(said(5, hours=H("7.4")))
    approve(quarters, made)
    run(quarters)
    assert replayed(quarters, made).total_count == found.entry_count == 3
    assert len(queue.find_items(quarters.hub.conn, code="INCREMENT")) == 1


def test_a_replay_needs_its_own_rights_and_two_people(quarters: Books) -> None:
    request = ReplayRequest(selection=JULY, version=2)
    hub = quarters.hub
    hub.clock.advance(1)
    with pytest.raises(ConfigurationError, match="replay:propose"):
        running.propose(hub.conn, hub.context, request, maker=person("rea", Role.READER), reason="Curious.")
    made, _ = propose(quarters, JULY, 2)
    for somebody in (FINANCE, person("ada", Role.ADMINISTRATOR), person("dora", Role.CONTROLLER, entity="DE01")):
        with pytest.raises(ConfigurationError, match="replay:approve"):
            approve(quarters, made, somebody)
    assert run(quarters) == 0


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(code="INCREMENT"), 2),
        (Selection(entity="US01"), 3),
        (Selection(system="psa"), 3),
        (Selection(object="time_entries"), 3),
        (Selection(worked_from=date(2026, 7, 2)), 2),
        (Selection(worked_until=date(2026, 7, 2)), 1),
        (Selection(received_from=world.NOW), 3),
    ],
    ids=str,
)
def test_a_selection_chooses(quarters: Books, selection: Selection, count: int) -> None:
    assert dry_run(quarters.hub.conn, quarters.hub.context, selection, version=2).entry_count == count


def test_items_of_the_desk_are_replayed_alone(quarters: Books) -> None:
    [first, _] = queue.find_items(quarters.hub.conn, code="INCREMENT")
    made, found = propose(quarters, Selection(item_ids=(first,)), 2)
    assert found.entry_count == 1
    approve(quarters, made)
    run(quarters)
    assert len(queue.find_items(quarters.hub.conn, code="INCREMENT")) == 1


def test_what_names_nothing_or_an_unknown_version_is_refused(quarters: Books) -> None:
    hub = quarters.hub
    for selection, version, code in ((Selection(), 1, "TIE-REPLAY-001"), (JULY, 99, "TIE-FIRM-002")):
        with pytest.raises(ConfigurationError) as caught:
            dry_run(hub.conn, hub.context, selection, version=version)
        assert caught.value.code == code
    for per_minute in (0, -1, 1_000_001):
        with pytest.raises(ConfigurationError) as caught:
            propose(quarters, JULY, 2, per_minute=per_minute)
        assert caught.value.code == "TIE-REPLAY-002"
    late = Selection(received_from=hub.clock.now() + timedelta(days=1))
    assert dry_run(hub.conn, hub.context, late, version=2).entry_count == 0
