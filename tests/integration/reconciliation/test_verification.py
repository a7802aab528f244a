"""The whole path into an ERP account of its own process, and the ledger read afresh: what is missing there is named."""

import asyncio
from datetime import date, timedelta

import msgspec
import pytest
from tests.faults import campaign
from tests.faults.conftest import erp, hub, psa, sample_firm
from tests.faults.nursery import Order, work

from tieout.connect.simulator.control import DeleteHolding
from tieout.connect.simulator.process import SimulatorProcess
from tieout.inbound import message_store
from tieout.reconciliation.tie_out import tie_out
from tieout.reconciliation.verify import LedgerBreak
from tieout.runtime.clock import SystemClock
from tieout.runtime.reconcile import current_translators, verify_entity
from tieout.storage.pool import connect, in_transaction

__all__ = ["erp", "hub", "psa", "sample_firm"]


def _verify(url: str) -> list[LedgerBreak]:
    with connect(url, autocommit=True) as conn:
        return asyncio.run(verify_entity(url, conn, entity=None, period=None))


@pytest.fixture
def posted(hub: str) -> str:
    """The hub after it has posted a few entries."""
    entries = [
        {
            "source_id": f"E{number}",
            "version": 1,
            "state": "approved",
            "person": campaign.PEOPLE[number % len(campaign.PEOPLE)],
            "project": campaign.PROJECTS[number % len(campaign.PROJECTS)],
            "task": "Delivery",
            "work_date": str(date(2026, 10, 1) + timedelta(days=number)),
            "hours": "1.5",
            "billable": True,
            "narrative": f"Work item {number}",
            "approved_by": "boss@northwind.example",
            "approved_at": "2026-10-30T10:00:00Z",
        }
        for number in range(6)
    ]
    payload = msgspec.json.encode({"time_entries": entries})
    message = message_store.NewMessage(
        system="timeapp", object="time_entries", channel="api", payload=payload, item_count=len(entries)
    )
    with connect(hub, autocommit=True) as conn:
        in_transaction(conn, lambda cur: message_store.store(cur, [message], now=SystemClock().now()))
    work(Order(url=hub, in_flight_s=1.0, quarantine=True, idempotency="U"))
    return hub


def test_a_posting_removed_from_the_ledger_is_named_while_the_books_themselves_hold(
    posted: str, erp: SimulatorProcess
) -> None:
    with connect(posted, autocommit=True) as conn:
        statement = tie_out(conn, translators=current_translators(conn))
        assert statement.holds
        assert sum(one.bucket("posted").count for one in statement.rows) == 6
    assert _verify(posted) == []
    held = [one.reference for one in erp.admin.holdings() if one.kind == "post_journal"]
    assert len(held) == 6
    erp.admin.change(DeleteHolding(reference=held[0]))
    (gone,) = _verify(posted)
    assert (gone.kind, gone.reference) == ("missing", held[0])


def test_a_posting_that_the_hub_does_not_know_is_named(posted: str) -> None:
    with connect(posted, autocommit=True) as conn:
        row = conn.execute("select reference from delivery where state = 'posted' limit 1").fetchone()
        assert row is not None
        conn.execute("update delivery set state = 'held' where reference = %s", row)
    (stranger,) = _verify(posted)
    assert (stranger.kind, stranger.reference) == ("unknown", row[0])
