"""A value corrected on the desk stands beside the message; a mapping line frees all that waited for it."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.integration.reconciliation.books import Books
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, master
from tests.worlds.people import CONTROLLER, FINANCE, person

from tieout.desk import item_view, proposal_store, proposals, queue
from tieout.desk.proposals import Decided, Proposed
from tieout.errors import ConfigurationError
from tieout.governance import firm_version, mapping_additions
from tieout.governance.mapping_additions import MappingAddition
from tieout.model.access import Principal, Role
from tieout.model.clock import FixedClock
from tieout.model.reported import RecordType
from tieout.runtime.proposals import carry_out, propose_mapping
from tieout.storage.pool import in_transaction

H = Decimal


def edit(hub: Hub, item_id: int, **changes: str) -> Proposed | Decided:
    return in_transaction(
        hub.conn,
        lambda cur: proposals.propose_edit(
            cur, item_id, changes, maker=FINANCE, reason="A typing error.", now=hub.clock.now()
        ),
    )


def approve(hub: Hub, made: Proposed | Decided) -> Decided:
    assert isinstance(made, Proposed)
    return in_transaction(
        hub.conn,
        lambda cur: proposals.approve(cur, made.proposal_id, CONTROLLER, made.content_hash, now=hub.clock.now()),
    )


def held(hub: Hub, code: str) -> int:
    [item_id] = queue.find_items(hub.conn, code=code)
    return item_id


def stored(hub: Hub) -> list[tuple[object, ...]]:
    return hub.rows("select message_id, payload from message order by message_id")


def test_corrected_hours_are_posted_tie_out_and_leave_the_message_as_it_was_received(books: Books) -> None:
    hub = books.hub
    books.take(world.said(source_id="wrong", hours=H(75)))
    received = stored(hub)
    made = edit(hub, held(hub, "HOURS_RANGE"), hours="7.5")
    hub.work()
    assert hub.standing()["wrong"] == (1, 2)
    approve(hub, made)
    hub.work()
    books.deliver()
    assert queue.find_items(hub.conn, code="HOURS_RANGE") == []
    assert stored(hub) == received
    [row] = books.proven().rows
    assert (row.bucket("taken_in").hours, row.bucket("posted").hours) == (H("7.5"), H("7.5"))
    assert hub.rows("select field, was, value, actor from message_correction") == [("hours", "75", "7.5", "fran")]


def test_a_newer_version_of_the_source_stands_instead_of_a_correction(books: Books) -> None:
    hub = books.hub
    books.take(world.said(source_id="wrong", hours=H(75)))
    approve(hub, edit(hub, held(hub, "HOURS_RANGE"), hours="7.5"))
    hub.work()
    books.take(world.said(source_id="wrong", hours=H(6), version=2))
    books.deliver()
    [row] = books.proven().rows
    assert row.bucket("posted").hours == H(6)


def test_a_project_corrected_on_the_desk_decides_whose_the_entry_is(hub: Hub) -> None:
    [first, *_] = queue.find_items(hub.conn, code="PROJECT_UNKNOWN")
    approve(hub, edit(hub, first, project="p100"))
    hub.work()
    assert first not in queue.find_items(hub.conn, code="PROJECT_UNKNOWN")
    view = item_view.whole(hub.conn, first)
    assert view.item.state == "resolved"
    assert [(one.field, one.value, one.actor) for one in view.corrections] == [("project", "p100", "fran")]
    assert [one.action for one in view.history] == ["propose_edit", "edit", "retry", "resolved"]


def test_words_that_touch_no_money_need_one_person_only(hub: Hub) -> None:
    hub.take(world.said(source_id="silent", narrative=""))
    done = edit(hub, held(hub, "NARRATIVE_MISSING"), narrative="Design of the interface")
    assert isinstance(done, Decided)
    hub.work()
    assert queue.find_items(hub.conn, code="NARRATIVE_MISSING") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hours", "many"),
        ("hours", "NaN"),
        ("hours", "1.00001"),
        ("hours", "1e9"),
        ("work_date", "2026-02-30"),
        ("billable", "yes"),
        ("project", ""),
        ("project", "p\x00"),
        ("source_id", "other"),
        ("claimed_rate", "1"),
    ],
)
def test_what_cannot_be_a_value_is_refused_before_anything_is_proposed(hub: Hub, field: str, value: str) -> None:
    [first, *_] = queue.find_items(hub.conn, code="PROJECT_UNKNOWN")
    with pytest.raises(ConfigurationError) as caught:
        edit(hub, first, **{field: value})
    assert caught.value.code == "TIE-DESK-007"
    assert proposal_store.proposals(hub.conn) == []


def test_only_a_held_time_entry_is_edited(hub: Hub) -> None:
    hub.take(bad=["unreadable"])
    with pytest.raises(ConfigurationError, match="corrected in its source"):
        edit(hub, held(hub, "SCHEMA_INVALID"), hours="4")


LINE = MappingAddition(table="legal_entities", source="Acme France", target="US01")


def propose(hub: Hub, line: MappingAddition = LINE, maker: Principal = FINANCE) -> Proposed:
    return in_transaction(
        hub.conn,
        lambda cur: propose_mapping(
            cur,
            line,
            maker=maker,
            reason="Opened in May.",
            now=hub.clock.now(),
        ),
    )


@pytest.fixture
def unmapped(hub: Hub) -> Hub:
    """Four entries of two projects whose legal entity nothing maps."""
    hub.report(
        *(
            master(
                RecordType.PROJECT,
                code.lower(),
                {"code": code, "name": code, "status": "active", "currency": "USD"},
                legal_entity="Acme France",
            )
            for code in ("F1", "F2")
        )
    )
    hub.take(
        *(world.said(source_id=f"f{at}", project=f"f{at % 2 + 1}", task=None) for at in range(4)),
    )
    assert len(queue.find_items(hub.conn, code="LEGAL_ENTITY_UNMAPPED")) == 4
    return hub


def test_one_approved_mapping_line_releases_all_that_waited_for_it(unmapped: Hub) -> None:
    made = propose(unmapped)
    assert made.item_count == 4
    assert carry_out(unmapped.conn, FixedClock(world.NOW)) == 0
    assert approve(unmapped, made).state == "approved"
    assert carry_out(unmapped.conn, FixedClock(world.NOW)) == 1
    assert carry_out(unmapped.conn, FixedClock(world.NOW)) == 0
    unmapped.work()
    assert queue.find_items(unmapped.conn, code="LEGAL_ENTITY_UNMAPPED") == []
    found, _ = proposal_store.show(unmapped.conn, made.proposal_id)
    assert (found.state, found.outcome) == ("done", {"firm_version": "2", "released": "4"})


def test_the_line_holds_under_every_firm_directory_that_is_applied_after_it(unmapped: Hub) -> None:
    approve(unmapped, propose(unmapped))
    carry_out(unmapped.conn, FixedClock(world.NOW))
    with unmapped.conn.cursor() as cur:
        additions = mapping_additions.load(cur)
    directory = msgspec.structs.replace(firm_version.current(unmapped.conn), mappings=(), content_hash="another")
    assert [(one.source, one.target) for one in mapping_additions.merged(directory, additions).mappings] == [
        ("Acme France", "US01")
    ]
    own = MappingAddition(table="legal_entities", source="Acme France", target="DE01").line()
    taken_over = msgspec.structs.replace(directory, mappings=(own,))
    assert mapping_additions.merged(taken_over, additions) == taken_over


def test_a_mapping_needs_its_own_rights_from_both_people(unmapped: Hub) -> None:
    with pytest.raises(ConfigurationError, match="mappings:propose"):
        propose(unmapped, maker=person("rea", Role.READER))
    with pytest.raises(ConfigurationError, match="the whole firm"):
        propose(unmapped, maker=person("uma", Role.FINANCE_OPERATIONS, entity="US01"))
    made = propose(unmapped)
    of_us = person("uma", Role.CONTROLLER, entity="US01")
    with pytest.raises(ConfigurationError, match="mappings:approve"):
        in_transaction(
            unmapped.conn,
            lambda cur: proposals.approve(cur, made.proposal_id, of_us, made.content_hash, now=world.NOW),
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"table": "no_such_table"},
        {"source": "Acme US"},
        {"source": " "},
        {"target": ""},
        {"system": "nowhere"},
        {"entity": "FR01"},
        {"valid_from": date(2026, 7, 1), "valid_to": date(2026, 7, 1)},
    ],
    ids=str,
)
def test_a_line_that_cannot_be_is_refused_before_anything_is_proposed(
    unmapped: Hub, changes: dict[str, object]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        propose(unmapped, msgspec.structs.replace(LINE, **changes))
    assert caught.value.code == "TIE-DESK-008"


def test_a_line_that_became_impossible_after_its_approval_fails_in_plain_sight(unmapped: Hub) -> None:
    first, second = propose(unmapped), propose(unmapped, msgspec.structs.replace(LINE, target="DE01"))
    for made in (first, second):
        approve(unmapped, made)
    assert carry_out(unmapped.conn, FixedClock(world.NOW)) + carry_out(unmapped.conn, FixedClock(world.NOW)) == 2
    states = [proposal_store.show(unmapped.conn, one.proposal_id)[0].state for one in (first, second)]
    assert states == ["done", "failed"]
