"""What others do in the systems around the hub shows in the statement: never silently, never twice."""

import time
from decimal import Decimal

import msgspec
import pytest
from tests.acceptance.conftest import running, systems
from tests.acceptance.hub import Cause, Entry, Hub, wait_for

from tieout.connect.simulator.control import DeleteHolding, DeleteTimeEntry, PutTimeEntry, SetPeriod
from tieout.connect.simulator.seed import SeedTimeEntry, read_time_entries

pytestmark = pytest.mark.timeout(400)

POLL_S = 6
"""The sample systems are polled every five seconds."""
US = ("US01", "2026-10", "USD")


def posted(hub: Hub) -> dict[str, Entry]:
    """Posted billable entries of the American books by source id."""
    rows = [one for one in hub.statement("--entity", "US01").tie_out if one.entity == "US01" and one.posted.count]
    entries = [entry for row in rows for entry in hub.entries(row, "posted")]
    return {one.source_id: one for one in entries if one.source_id is not None and one.amount_minor}


def seeds(hub: Hub) -> dict[str, SeedTimeEntry]:
    """What people keyed, by the id that the PSA gives it."""
    return {f"12{int(one.key[1:]):08d}": one for one in read_time_entries(hub.home / "sample")}


def changed(hub: Hub) -> list[Cause]:
    return hub.causes("SOURCE_CHANGED")


def test_the_ledger_read_afresh_agrees_and_names_a_posting_that_somebody_deleted(hub: Hub) -> None:
    with systems(hub) as (_, erp):
        assert hub.statement("--verify").ledger_breaks == []
        victim = next(one for one in erp.holdings() if one.kind == "post_journal" and one.entity == "UK01")
        erp.change(DeleteHolding(reference=victim.reference))
        found = hub.statement("--verify", "--entity", "UK01")
        assert not found.holds
        assert [(one.kind, one.reference) for one in found.ledger_breaks] == [("missing", victim.reference)]
        assert hub.statement("--verify", "--entity", "DE01").ledger_breaks == []
        assert hub.statement().holds


def test_a_posted_entry_that_its_source_changes_or_deletes_is_held_with_its_delta(hub: Hub) -> None:
    before = hub.statement()
    keyed = seeds(hub)
    chosen = [source_id for source_id in posted(hub) if source_id in keyed and keyed[source_id].minutes >= 120][:2]
    with systems(hub) as (psa, erp):
        held_before = sorted(one.reference for one in erp.holdings())
        longer = msgspec.structs.replace(keyed[chosen[0]], minutes=keyed[chosen[0]].minutes + 60)
        with running(hub):
            psa.change(PutTimeEntry(entry=longer), DeleteTimeEntry(key=keyed[chosen[1]].key))
            wait_for(lambda: sum(one.count for one in changed(hub)) >= 2, "both changes are on the desk")
        items = {item.source_id: item for cause in changed(hub) for item in hub.items(cause.cause_id)}
        assert set(items) == set(chosen)
        assert Decimal(items[chosen[0]].context["delta_hours"]) == 1
        assert Decimal(items[chosen[1]].context["delta_hours"]) == -Decimal(keyed[chosen[1]].minutes) / 60
        assert sorted(one.reference for one in erp.holdings()) == held_before
        after = hub.statement("--verify")
    assert after.holds
    assert after.row(*US).posted == before.row(*US).posted
    off_by = after.row(*US).in_exception.hours - before.row(*US).in_exception.hours
    assert off_by == 1 - Decimal(keyed[chosen[1]].minutes) / 60


def test_time_of_a_period_that_was_closed_goes_to_the_next_one_or_to_the_desk_as_the_policy_says(hub: Hub) -> None:
    keyed = seeds(hub)
    posted_before, held_before = set(posted(hub)), held(hub, "PERIOD_CLOSED")
    with systems(hub) as (psa, erp):
        erp.change(*(SetPeriod(entity=entity, period="2026-10", closed=True) for entity in ("US01", "JP01")))
        with running(hub):
            wait_for(lambda: erp.status().requests > 0, "the hub reads the ERP")
            time.sleep(POLL_S)
            for number, (entity, currency) in enumerate((("US01", "USD"), ("JP01", "JPY")), start=1):
                entries = hub.entries(hub.statement().row(entity, "2026-10", currency), "posted")
                like = next(keyed[one.source_id] for one in entries if one.source_id in keyed and one.amount_minor)
                notes = "Said after the close"
                psa.change(
                    PutTimeEntry(entry=msgspec.structs.replace(like, key=f"T900000{number}", notes=notes, minutes=15))
                )
            wait_for(lambda: len(held(hub, "PERIOD_CLOSED") - held_before) == 1, "the Japanese entry is held")
            wait_for(lambda: len(set(posted(hub)) - posted_before) == 1, "the American entry is posted")
        [late] = [one for source_id, one in posted(hub).items() if source_id not in posted_before]
        journal = next(one for one in erp.holdings() if one.reference == late.reference)
        assert (journal.accounting_date or "").startswith("2026-11")
        assert hub.statement("--verify").holds


def held(hub: Hub, code: str) -> set[str | None]:
    return {item.source_id for cause in hub.causes(code) for item in hub.items(cause.cause_id)}
