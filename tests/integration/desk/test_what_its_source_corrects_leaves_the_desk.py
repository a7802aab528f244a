"""Whatever is held leaves the desk by itself once its source says it right; the history tells so."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.integration.reconciliation.books import Books
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, master
from tests.worlds.inbound_plan import assignment, time_off
from tests.worlds.people import FINANCE

from tieout.desk import acts, item_view, queue
from tieout.governance import firm_version
from tieout.model.firm import OwnershipRule
from tieout.model.reported import RecordType, ReportedState
from tieout.storage.pool import in_transaction

H = Decimal


def wrong_time(hub: Hub) -> None:
    hub.take(world.said(source_id="x", hours=H(75)))


def right_time(hub: Hub) -> None:
    hub.take(world.said(source_id="x", hours=H("7.5"), version=2))


def unreadable_item(hub: Hub) -> None:
    hub.take(bad=["x"])


def readable_item(hub: Hub) -> None:
    hub.take(world.said(source_id="x", version=2))


def entry_without_its_project(hub: Hub) -> None:
    hub.take(world.said(source_id="x", project="late", task=None))


def the_project(hub: Hub) -> None:
    hub.report(
        master(
            RecordType.PROJECT,
            "late",
            {"code": "LATE", "name": "Late", "status": "active", "currency": "USD"},
            legal_entity="Acme US",
        )
    )


def wrong_assignment(hub: Hub) -> None:
    hub.plan(assignment(person="nobody"))


def right_assignment(hub: Hub) -> None:
    hub.plan(assignment(version=2))


def wrong_absence(hub: Hub) -> None:
    hub.plan(time_off(person="nobody"))


def right_absence(hub: Hub) -> None:
    hub.plan(time_off(version=2))


def change_by_a_stranger(hub: Hub) -> None:
    """The ERP names a client otherwise than the PSA, which owns the name."""
    firm = firm_version.current(hub.conn)
    owned = OwnershipRule(object="client", fields=("name",), system="psa")
    hub.apply(msgspec.structs.replace(firm, ownership=(owned,)))
    hub.report(master(RecordType.CLIENT, "e1", {"code": "ACME", "name": "Acme Ltd"}), system="erp")


def change_withdrawn(hub: Hub) -> None:
    hub.report(master(RecordType.CLIENT, "e1", {"code": "ACME", "name": "Acme"}, version=2), system="erp")


@pytest.mark.parametrize(
    ("kind", "goes_wrong", "is_corrected"),
    [
        ("time_entry", wrong_time, right_time),
        ("message_item", unreadable_item, readable_item),
        ("time_entry", entry_without_its_project, the_project),
        ("assignment", wrong_assignment, right_assignment),
        ("time_off", wrong_absence, right_absence),
        ("record", change_by_a_stranger, change_withdrawn),
    ],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_an_item_is_resolved_when_its_source_says_it_right(
    books: Books, kind: str, goes_wrong: Callable[[Hub], None], is_corrected: Callable[[Hub], None]
) -> None:
    hub = books.hub
    goes_wrong(hub)
    [(item_id, subject_kind, state)] = hub.rows("select item_id, subject_kind, state from desk_item")
    assert (subject_kind, state) == (kind, "open")
    hub.clock.advance(60)
    is_corrected(hub)
    assert hub.rows("select state, closed_at from desk_item") == [("resolved", hub.clock.now())]
    *_, last = item_view.history(hub.conn, int(str(item_id)))
    assert (last.action, last.actor) == ("resolved", "tieout")
    assert last.reason


def test_a_posted_entry_that_is_restored_in_its_source_leaves_the_desk(books: Books) -> None:
    books.take(world.said(source_id="x"))
    books.deliver()
    books.take(world.said(source_id="x", version=2, hours=H(4)))
    [(state,)] = books.hub.rows("select state from desk_item")
    assert state == "open"
    books.take(world.said(source_id="x", version=3))
    assert books.hub.rows("select state from desk_item") == [("resolved",)]
    assert books.proven().holds


def test_of_two_entries_that_say_the_same_work_the_other_is_freed_when_one_is_deleted(books: Books) -> None:
    hub = books.hub
    books.take(world.said(source_id="x"), world.said(source_id="y"))
    [(held,)] = hub.rows("select source_id from desk_item")
    other = "x" if held == "y" else "y"
    books.take(world.said(source_id=other, version=2, state=ReportedState.DELETED))
    assert hub.rows("select state from desk_item") == [("resolved",)]


def test_a_delivery_that_the_ledger_takes_at_the_second_try_leaves_the_desk(books: Books) -> None:
    """The ledger refuses a journal; once it was corrected there, a retry posts it."""
    hub = books.hub
    books.ledger.poison.add("x")
    books.take(world.said(source_id="x", work_date=date(2026, 7, 1)))
    books.deliver()
    [(kind, state)] = hub.rows("select subject_kind, state from desk_item")
    assert (kind, state) == ("delivery", "open")
    books.ledger.poison.clear()
    items = queue.find_items(hub.conn, code=str(hub.rows("select code from root_cause")[0][0]))
    in_transaction(hub.conn, lambda cur: acts.retry(cur, items, FINANCE, now=hub.clock.now()))
    books.deliver()
    assert hub.rows("select state from desk_item") == [("resolved",)]
    assert books.proven().holds
