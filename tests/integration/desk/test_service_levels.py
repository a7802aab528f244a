"""Every service level can be broken; then somebody is told, once for every step of the path, until it holds again."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from psycopg import Cursor
from tests.integration.reconciliation.books import Books
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub
from tests.worlds.inbound_plan import assignment
from tests.worlds.people import FINANCE

from tieout.desk import acts, proposals, queue, service_levels
from tieout.desk.service_levels import Breach
from tieout.governance import firm_version
from tieout.model.service_level import Domain, EscalationStep, Exceptions, ServiceLevels
from tieout.reconciliation import tie_out_runs
from tieout.runtime.service_levels import measure, measure_when_due
from tieout.storage.pool import in_transaction


def measured(hub: Hub) -> dict[tuple[str, str], Breach]:
    """Measure now; the breaches that last, by level and subject."""
    in_transaction(hub.conn, lambda cur: measure(hub.conn, cur, hub.context.books, now=hub.clock.now()))
    return {(one.level, one.subject): one for one in service_levels.breaches(hub.conn)}


def notices(hub: Hub, breach: Breach) -> list[tuple[object, ...]]:
    """Who was told of a breach, step by step."""
    return hub.rows(
        """
        select facts ->> 'escalation', recipients, entity from notice where facts ->> 'breach_id' = %s
         order by notice_id
        """,
        str(breach.breach_id),
    )


def promises(hub: Hub, levels: ServiceLevels) -> None:
    """Let the firm promise ``levels``."""
    hub.apply(msgspec.structs.replace(firm_version.current(hub.conn), service_levels=levels))


@pytest.fixture
def quiet(books: Books) -> Books:
    """A hub of which every service level holds."""
    assert measured(books.hub) == {}
    return books


def test_time_that_no_ledger_acknowledged_within_a_quarter_of_an_hour_is_told(quiet: Books) -> None:
    hub = quiet.hub
    quiet.take(world.said(source_id="slow"))
    hub.clock.advance(899)
    assert measured(hub) == {}
    hub.clock.advance(31)
    found = measured(hub)["time_posted", "US01"]
    assert (found.late_by, found.unit, found.entity, found.domain) == (Decimal(30), "s", "US01", "time")
    assert found.breached_at == world.NOW + timedelta(seconds=900)
    assert notices(hub, found) == [("1", ["queue:integration"], "US01")]
    quiet.ledger.down = True
    quiet.deliver()
    assert ("time_posted", "US01") in measured(hub)
    quiet.ledger.down = False
    hub.clock.advance(600)
    quiet.deliver()
    assert ("time_posted", "US01") in measured(hub)
    hub.clock.advance(3601)
    assert measured(hub) == {}


def test_five_in_a_hundred_may_take_longer(quiet: Books) -> None:
    hub = quiet.hub
    quiet.take(world.said(source_id="slow"))
    hub.clock.advance(1000)
    quiet.take(*(world.said(source_id=f"q{at}", work_date=date(2026, 7, 2 + at)) for at in range(19)))
    quiet.deliver()
    assert measured(hub) == {}


def test_an_assignment_that_waits_a_minute_for_the_plan_is_told(quiet: Books) -> None:
    hub = quiet.hub
    hub.plan(assignment())
    hub.clock.advance(59)
    assert measured(hub) == {}
    hub.clock.advance(11)
    found = measured(hub)["plan_updated", "plan"]
    assert (found.late_by, found.owner) == (Decimal(10), "resource_management")
    assert notices(hub, found) == [("1", ["queue:resource_management"], None)]


def test_a_project_that_is_not_made_within_half_an_hour_is_told(quiet: Books) -> None:
    hub = quiet.hub
    quiet.sell()
    assert measured(hub) == {}
    hub.clock.advance(1801)
    found = measured(hub)["project_created", "US01"]
    assert (found.late_by, found.facts["waiting"]) == (Decimal(1), "1")
    assert notices(hub, found) == [("1", ["queue:project_management"], "US01")]


def test_a_tie_out_that_was_not_made_for_a_day_is_told(quiet: Books) -> None:
    hub = quiet.hub
    quiet.take(world.said())
    quiet.deliver()
    tie_out(quiet)
    hub.clock.advance(24 * 3600)
    assert ("tie_out_made", "tie-out") not in measured(hub)
    hub.clock.advance(3600)
    found = measured(hub)["tie_out_made", "tie-out"]
    assert (found.late_by, found.unit) == (Decimal(1), "h")
    assert notices(hub, found) == [("1", ["queue:finance"], None)]
    tie_out(quiet)
    assert ("tie_out_made", "tie-out") not in measured(hub)


def tie_out(books: Books) -> None:
    tie_out_runs.run(
        books.hub.conn, translators=books.hub.context.translators, requested_by="test", clock=books.hub.clock
    )


def test_an_entry_that_is_lost_and_value_that_nobody_can_explain_are_told_at_once(quiet: Books) -> None:
    hub = quiet.hub
    quiet.take(world.said(source_id="kept"), world.said(source_id="lost", work_date=date(2026, 7, 2)))
    quiet.deliver()
    hub.conn.execute(
        "delete from actual where actual_id / 8 = (select entry_id from time_entry where source_id = 'lost')"
    )
    hub.conn.execute(
        "delete from posting_link where entry_id = (select entry_id from time_entry where source_id = 'lost')"
    )
    hub.conn.execute("delete from time_entry where source_id = 'lost'")
    tie_out(quiet)
    found = measured(hub)
    assert found["lost", "US01 USD"].late_by == Decimal(1)
    assert found["drift", "US01 USD"].late_by == Decimal("49.99")
    assert ("unexplained", "tie-out") not in found
    hub.clock.advance(24 * 3600 + 60)
    tie_out(quiet)
    later = measured(hub)
    assert later["unexplained", "tie-out"].late_by == Decimal("0.02")
    for level in ("lost", "drift", "unexplained"):
        [breach] = [one for (name, _), one in later.items() if name == level]
        assert notices(hub, breach)[0][:2] == ("1", ["queue:finance"])


def test_entries_that_are_accounted_for_twice_are_told_at_once(quiet: Books) -> None:
    hub = quiet.hub
    quiet.take(world.said(source_id="kept"), world.said(source_id="gone", work_date=date(2026, 7, 2)))
    quiet.deliver()
    tie_out(quiet)
    hub.conn.execute("update tie_out_run set holds = false")
    hub.conn.execute("update tie_out_figure set entry_count = 1 where side = 'taken_in'")
    found = measured(hub)["duplicates", "US01 USD"]
    assert (found.late_by, found.unit) == (Decimal(1), "entries")
    assert notices(hub, found)[0][:2] == ("1", ["queue:finance"])


def test_a_cause_that_is_held_for_longer_than_its_queue_resolves_within_is_told_with_its_item(hub: Hub) -> None:
    promises(hub, ServiceLevels(exceptions=Exceptions(by_owner={"project_management": Decimal(8)})))
    hub.clock.advance(8 * 3600 + 1800)
    found = measured(hub)
    [(level, _), breach] = next((key, one) for key, one in found.items() if one.facts.get("code") == "PROJECT_UNKNOWN")
    first = queue.find_items(hub.conn, code="PROJECT_UNKNOWN")[0]
    assert (level, breach.late_by, breach.owner) == ("exception_resolved", Decimal("0.5"), "project_management")
    assert (breach.facts["items"], breach.facts["item_id"]) == ("3", str(first))
    assert notices(hub, breach) == [("1", ["queue:project_management"], None)]
    assert {one.owner for one in found.values()} == {"project_management"}


def test_a_cause_that_is_held_a_day_before_its_cut_off_is_told(books: Books) -> None:
    hub = books.hub
    hub.clock.advance((datetime(2026, 8, 1, tzinfo=UTC) - world.NOW).total_seconds())
    books.take(world.said(source_id="held", hours=Decimal(75)))
    assert ("before_cut_off", "cause 1") not in measured(hub)
    hub.clock.advance(48 * 3600 + 5 * 3600)
    [found] = [one for one in measured(hub).values() if one.level == "before_cut_off"]
    assert (found.entity, found.late_by) == ("US01", Decimal(5))
    [item] = queue.items(hub.conn, queue.Chosen(code="HOURS_RANGE")).items
    assert item.hours_to_cut_off(hub.clock.now()) == 19
    assert notices(hub, found) == [("1", ["queue:project_management"], "US01"), ("2", ["role:controller"], "US01")]


def test_a_breach_is_escalated_step_by_step_and_nobody_is_told_twice(hub: Hub) -> None:
    hub.clock.advance(25 * 3600)
    [breach] = [one for one in measured(hub).values() if one.facts.get("code") == "PROJECT_UNKNOWN"]
    for _ in range(3):
        measured(hub)
    assert [row[0] for row in notices(hub, breach)] == ["1"]
    hub.clock.advance(4 * 3600)
    measured(hub)
    hub.clock.advance(24 * 3600)
    measured(hub)
    measured(hub)
    assert [row[:2] for row in notices(hub, breach)] == [
        ("1", ["queue:project_management"]),
        ("2", ["role:controller"]),
        ("3", ["role:administrator"]),
    ]


def test_the_path_of_the_owner_and_the_domain_goes_before_the_path_for_all(hub: Hub) -> None:
    promises(
        hub,
        ServiceLevels(
            escalation=(
                EscalationStep(told=("all@example.com",)),
                EscalationStep(told=("exceptions@example.com",), domain=Domain.EXCEPTIONS),
                EscalationStep(told=("cfo@example.com", "channel:finance"), owner="finance"),
            )
        ),
    )
    hub.clock.advance(25 * 3600)
    told = {one.owner: notices(hub, one)[0][1] for one in measured(hub).values()}
    assert told == {
        "project_management": ["exceptions@example.com"],
        "finance": ["cfo@example.com", "channel:finance"],
    }


def test_what_is_late_again_after_it_held_is_another_breach_and_told_anew(hub: Hub) -> None:
    hub.clock.advance(25 * 3600)
    [first] = [one for one in measured(hub).values() if one.facts.get("code") == "PROJECT_UNKNOWN"]
    promises(hub, ServiceLevels(exceptions=Exceptions(within_h=Decimal(1000), before_cut_off_h=Decimal(0))))
    assert [one for one in measured(hub).values() if one.level == "exception_resolved"] == []
    promises(hub, ServiceLevels())
    [again] = [one for one in measured(hub).values() if one.facts.get("code") == "PROJECT_UNKNOWN"]
    assert again.breach_id != first.breach_id
    assert len(notices(hub, first)) == len(notices(hub, again)) == 1
    ended = {one.breach_id: one.ended_at for one in service_levels.breaches(hub.conn, lasting=False)}
    assert ended[first.breach_id] == hub.clock.now()
    assert ended[again.breach_id] is None


def test_many_workers_measure_once_in_half_a_minute(hub: Hub) -> None:
    hub.clock.advance(25 * 3600)
    books = hub.context.books
    assert measure_when_due(hub.conn, books, hub.clock) > 0
    hub.clock.advance(4 * 3600)
    hub.conn.execute("update service_measure set measured_at = %s", (hub.clock.now() - timedelta(seconds=29),))
    assert measure_when_due(hub.conn, books, hub.clock) == 0
    hub.clock.advance(1)
    assert measure_when_due(hub.conn, books, hub.clock) > 0


def test_whoever_approves_is_told_once_of_a_proposal_and_a_person_once_of_what_is_assigned_to_him(hub: Hub) -> None:
    held = queue.find_items(hub.conn, code="PROJECT_UNKNOWN")
    zero = queue.find_items(hub.conn, code="HOURS_RANGE")

    def work(cur: Cursor[tuple[object, ...]]) -> None:
        acts.assign(cur, held, FINANCE, "ines", now=hub.clock.now())
        acts.assign(cur, zero, FINANCE, FINANCE.name, now=hub.clock.now())
        proposals.propose_exclusion(cur, held, maker=FINANCE, reason="Internal.", now=hub.clock.now())

    in_transaction(hub.conn, work)
    for _ in range(3):
        measured(hub)
        hub.clock.advance(60)
    told = "select kind, recipients, facts ->> 'items' from notice where kind <> 'service_level' order by notice_id"
    assert hub.rows(told) == [
        ("proposal", ["role:controller"], "3"),
        ("assignment", ["person:ines"], "3"),
    ]
