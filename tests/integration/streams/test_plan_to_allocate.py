"""Bookings and absences move forecast, capacity, cost and budgets, and what is wrong with the plan is told."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world
from tests.worlds.plan_hub import MONDAY, PlanHub, firm

from tieout.model.reported import FieldValue, RecordType
from tieout.model.stream_policy import PlanToAllocate
from tieout.storage.pool import connect

WEEK = timedelta(days=7)
HARD, SOFT = 2, 1
MORE: dict[str, FieldValue] = {"code": "P100", "name": "One", "status": "active", "currency": "USD"}


@pytest.fixture
def hub(database_url: str) -> Iterator[PlanHub]:
    with connect(database_url, autocommit=True) as conn:
        yield PlanHub(conn)


def codes(hub: PlanHub) -> list[object]:
    return [row[0] for row in hub.inbound.open_items()]


def ada(**fields: FieldValue) -> dict[str, FieldValue]:
    return {"name": "Ada", "email": "ada@example.com", "employment_from": "2020-01-01", **fields}


def report_ada(hub: PlanHub, version: int, **fields: FieldValue) -> None:
    hub.report(RecordType.RESOURCE, "ada", ada(**fields), version, legal_entity="Acme US", role="r1")


def test_everybody_has_capacity_for_the_horizon_before_anything_is_booked(hub: PlanHub) -> None:
    hub.open()
    rows = hub.rows("select week, calendar from person_week where person_id = %s", hub.id_of("resource", "ada"))
    assert [(str(week), calendar) for week, calendar in sorted(rows)] == [
        (str(MONDAY + n * WEEK), Decimal(40)) for n in range(6)
    ]


def test_a_booking_is_hours_revenue_and_cost_of_its_weeks(hub: PlanHub) -> None:
    hub.open()
    hub.book(ends=MONDAY + timedelta(days=12))
    assert hub.weeks("ada") == {"2026-08-10": (40, 40, 0), "2026-08-17": (40, 40, 0)}
    assert hub.forecast("p100") == {
        ("2026-08-10", HARD): (40, 800_000, 320_000),
        ("2026-08-17", HARD): (40, 800_000, 320_000),
    }
    assert codes(hub) == []


def test_a_moved_split_softened_and_cancelled_booking_leaves_nothing_behind(hub: PlanHub) -> None:
    hub.open()
    number = hub.book()
    hub.book(number=number, starts=MONDAY + WEEK)
    assert hub.weeks("ada") == {"2026-08-17": (40, 40, 0)}
    hub.book(number=number, starts=MONDAY + WEEK, ends=MONDAY + WEEK + timedelta(days=2), state="soft")
    second = hub.book(starts=MONDAY + 2 * WEEK, hours_per_day=Decimal("7.5"))
    assert hub.forecast("p100") == {
        ("2026-08-17", SOFT): (16, 320_000, 128_000),
        ("2026-08-24", HARD): (Decimal("37.5"), 750_000, 300_000),
    }
    hub.book("bob", number=number, project="p200", starts=MONDAY + WEEK)
    assert hub.weeks("ada") == {"2026-08-24": (40, Decimal("37.5"), 0)}
    assert hub.forecast("p200") == {("2026-08-17", HARD): (40, 720_000, 280_000)}
    hub.cancel(number)
    hub.cancel(second)
    assert (hub.weeks("ada"), hub.weeks("bob"), hub.forecast("p100"), hub.forecast("p200")) == ({}, {}, {}, {})
    assert hub.rows("select count(*) from booking_week") == [(0,)]


def test_a_share_of_capacity_follows_holidays_time_off_and_hours(hub: PlanHub) -> None:
    hub.open()
    hub.book(percent=Decimal(50), hours_per_day=None)
    assert hub.weeks("ada") == {"2026-08-10": (40, 20, 0)}
    hub.away("ada", MONDAY, MONDAY + timedelta(days=1))
    assert hub.weeks("ada") == {"2026-08-10": (32, 16, 0)}
    hub.report(RecordType.HOLIDAY, "h1", {"day": "2026-08-12", "name": "Day", "fraction": "0.5"})
    assert hub.weeks("ada") == {"2026-08-10": (28, 14, 0)}
    report_ada(hub, 2, weekly_hours="40", fte="0.5")
    assert hub.weeks("ada") == {"2026-08-10": (14, 7, 0)}
    assert hub.forecast("p100") == {("2026-08-10", HARD): (7, 140_000, 56_000)}


def test_only_approved_time_off_takes_capacity(hub: PlanHub) -> None:
    hub.open()
    hub.away("ada", MONDAY, MONDAY + WEEK, state="requested")
    hub.away("bob", MONDAY, MONDAY + WEEK, hours=Decimal(3), number=2)
    rows = hub.rows("select time_off from person_week where time_off > 0 order by week")
    assert rows == [(Decimal(15),)]


def test_a_role_that_nobody_fills_is_in_the_forecast_and_in_nobodys_capacity(hub: PlanHub) -> None:
    hub.open()
    hub.book(None, role="r1", state="soft")
    assert hub.forecast("p100") == {("2026-08-10", SOFT): (40, 800_000, 320_000)}
    assert hub.rows("select count(*) from person_week where soft > 0") == [(0,)]


def test_what_has_no_price_says_so_and_is_priced_once_there_is_one(hub: PlanHub) -> None:
    config = firm()
    hub.open(msgspec.structs.replace(config, rates=config.rates[2:]))
    hub.book()
    assert hub.rows("select revenue_gap, revenue_minor, cost_minor from booking_week") == [
        ("RATE_NOT_FOUND", None, 320_000)
    ]
    assert hub.rows("select unpriced, uncosted, revenue_minor from project_week") == [(Decimal(40), Decimal(0), 0)]
    hub.inbound.apply(config)
    hub.work()
    assert hub.forecast("p100") == {("2026-08-10", HARD): (40, 800_000, 320_000)}
    assert hub.rows("select unpriced from project_week") == [(Decimal(0),)]


def test_work_on_a_task_that_is_not_billable_costs_and_earns_nothing(hub: PlanHub) -> None:
    hub.open()
    hub.report(RecordType.TASK, "inner", {"name": "Inner", "billable": False, "open_for_time": True}, project="p100")
    hub.book(task="inner")
    assert hub.rows("select revenue_gap, cost_minor from booking_week") == [("NOT_BILLABLE", 320_000)]
    assert hub.rows("select not_billable, unpriced from project_week") == [(Decimal(40), Decimal(0))]


def test_a_change_writes_only_the_rows_that_differ(hub: PlanHub) -> None:
    hub.open()
    number = hub.book(ends=MONDAY + timedelta(days=12))
    hub.book("bob", starts=MONDAY)
    before = hub.versions()
    hub.book(number=number, ends=MONDAY + timedelta(days=10))
    after = hub.versions()
    assert {key for key in after if after[key] != before[key]} == {number * 10 + 1}


def test_firm_bookings_beyond_capacity_are_told_with_hours_and_money_until_they_are_not(hub: PlanHub) -> None:
    hub.open()
    hub.book()
    second = hub.book(hours_per_day=Decimal(4))
    assert codes(hub) == ["OVERBOOKED"]
    assert hub.rows("select hours, amount_minor, currency from desk_item") == [(Decimal(20), 400_000, 840)]
    hub.book(number=second, hours_per_day=Decimal(4), state="soft")
    assert codes(hub) == []
    assert hub.rows("select state from desk_item") == [("resolved",)]


def test_overbooked_weeks_apart_are_told_apart(hub: PlanHub) -> None:
    hub.open()
    hub.book(ends=MONDAY + 4 * WEEK)
    hub.book(hours_per_day=Decimal(1), ends=MONDAY + timedelta(days=12))
    hub.book(hours_per_day=Decimal(1), starts=MONDAY + 3 * WEEK)
    spans = hub.rows("select context ->> 'from', context ->> 'until', hours from desk_item order by 1")
    assert spans == [("2026-08-10", "2026-08-22", Decimal(10)), ("2026-08-31", "2026-09-05", Decimal(5))]


def test_what_a_person_excluded_stays_away_until_it_is_another_overbooking(hub: PlanHub) -> None:
    hub.open()
    hub.book()
    number = hub.book(hours_per_day=Decimal(4))
    hub.conn.execute("update desk_item set state = 'excluded'")
    hub.book(number=number, hours_per_day=Decimal(3))
    assert codes(hub) == []
    hub.book(hours_per_day=Decimal(9), starts=MONDAY + 3 * WEEK)
    assert codes(hub) == ["OVERBOOKED"]


def test_a_released_item_is_judged_again_and_stays_while_its_cause_does(hub: PlanHub) -> None:
    hub.open()
    hub.book()
    hub.book(hours_per_day=Decimal(4))
    hub.conn.execute("update desk_item set state = 'released'")
    hub.work()
    assert hub.rows("select state from desk_item") == [("open",)]


def test_a_booking_outside_the_employment_is_told_with_what_it_would_have_earned(hub: PlanHub) -> None:
    hub.open()
    hub.book(ends=MONDAY + timedelta(days=12))
    report_ada(hub, 2, employment_to="2026-08-17")
    assert codes(hub) == ["RESOURCE_INACTIVE"]
    assert hub.rows("select hours, amount_minor, currency from desk_item") == [(Decimal(40), 800_000, 840)]
    assert hub.weeks("ada") == {"2026-08-10": (40, 40, 0)}
    report_ada(hub, 3)
    assert codes(hub) == []
    assert hub.weeks("ada") == {"2026-08-10": (40, 40, 0), "2026-08-17": (40, 40, 0)}


def test_a_booking_on_a_closed_project_is_told_until_the_project_is_open_again(hub: PlanHub) -> None:
    hub.open()
    hub.book()
    hub.report(RecordType.PROJECT, "p100", MORE | {"status": "archived"}, 2, legal_entity="Acme US", client="c1")
    assert codes(hub) == ["PROJECT_CLOSED"]
    assert hub.rows("select hours, amount_minor from desk_item") == [(Decimal(40), 800_000)]
    hub.report(RecordType.PROJECT, "p100", MORE, 3, legal_entity="Acme US", client="c1")
    assert codes(hub) == []


def demand(hub: PlanHub, number: str = "1", version: int = 1, **fields: FieldValue) -> None:
    said: dict[str, FieldValue] = {"number": number, "hours": "100", **fields}
    hub.report(RecordType.DEMAND, number, said, version, project="p100", role="r1")


def test_work_booked_elsewhere_than_it_is_needed_is_told(hub: PlanHub) -> None:
    hub.open(firm(None, ("locations", "Bln", "Berlin")))
    demand(hub, location="Berlin")
    report_ada(hub, 2, location="Bln")
    number = hub.book()
    assert codes(hub) == []
    hub.book(number=number, location="Paris")
    assert codes(hub) == ["LOCATION_MISMATCH"]
    demand(hub, "2", location="Paris")
    assert codes(hub) == []


def test_a_missing_skill_is_told_until_the_person_has_it(hub: PlanHub) -> None:
    hub.open()
    demand(hub, skills="Python, SQL")
    hub.book()
    assert codes(hub) == []
    hub.report(RecordType.SKILL, "s1", {"code": "py", "name": "Python"})
    hub.report(RecordType.RESOURCE_SKILL, "a1", {}, resource="ada", skill="s1")
    assert codes(hub) == ["SKILL_MISSING"]
    assert hub.rows("select context ->> 'skills' from desk_item") == [("SQL",)]
    hub.report(RecordType.SKILL, "s2", {"code": "sql", "name": "SQL"})
    hub.report(RecordType.RESOURCE_SKILL, "a2", {}, resource="ada", skill="s2")
    assert codes(hub) == []


def test_a_budget_is_near_its_end_then_used_up_then_enough_again(hub: PlanHub) -> None:
    hub.open()
    said = MORE | {"budget_hours": "50", "budget_amount": "20000.00"}
    hub.report(RecordType.PROJECT, "p100", said, 2, legal_entity="Acme US", client="c1")
    number = hub.book()
    assert codes(hub) == ["BUDGET_NEAR"]
    hub.book(number=number, ends=MONDAY + timedelta(days=9))
    assert codes(hub) == ["BUDGET_USED_UP"]
    more = MORE | {"budget_hours": "500", "budget_amount": "20000.00"}
    hub.report(RecordType.PROJECT, "p100", more, 3, legal_entity="Acme US", client="c1")
    assert codes(hub) == []


def test_the_thresholds_of_a_budget_and_soft_bookings_are_the_firms(hub: PlanHub) -> None:
    hub.open(firm(PlanToAllocate(budget_near_percent=50, burn_counts_soft=True)))
    said = MORE | {"budget_amount": "16000.00"}
    hub.report(RecordType.PROJECT, "p100", said, 2, legal_entity="Acme US", client="c1")
    hub.book(state="soft")
    assert codes(hub) == ["BUDGET_NEAR"]
    assert hub.rows("select amount_minor from desk_item") == [(800_000,)]
    hub.inbound.apply(firm(PlanToAllocate(budget_near_percent=50)))
    hub.work()
    assert codes(hub) == []


def test_recorded_time_burns_the_budget_and_takes_the_place_of_what_was_booked_this_week(hub: PlanHub) -> None:
    hub.open()
    said = MORE | {"budget_hours": "45"}
    hub.report(RecordType.PROJECT, "p100", said, 2, legal_entity="Acme US", client="c1")
    hub.book()
    assert hub.rows("select context ->> 'hours' from desk_item") == [("40",)]
    hub.inbound.take(world.said(hours=Decimal("7.5")))
    ids = hub.inbound.entry_ids("1")
    hub.conn.execute(
        "insert into plan_pending (kind, first_id, last_id) select 'accepted', %s, %s"
        " where not exists (select from plan_pending)",
        (min(ids), max(ids)),
    )
    hub.work()
    assert hub.rows("select side, currency, hours, amount_minor from project_actual order by side") == [
        (0, 840, Decimal("7.5"), 60_000),
        (1, 840, Decimal("7.5"), 150_000),
    ]
    assert codes(hub) == ["BUDGET_USED_UP"]
    assert hub.rows("select context ->> 'hours' from desk_item where state = 'open'") == [("47.5",)]


def test_a_new_week_brings_one_more_week_and_leaves_what_is_past(hub: PlanHub) -> None:
    hub.open()
    hub.book()
    hub.book(hours_per_day=Decimal(4))
    assert codes(hub) == ["OVERBOOKED"]
    hub.clock.advance(WEEK.total_seconds())
    hub.work()
    assert hub.rows("select min(week), max(week) from person_week") == [(MONDAY, MONDAY + 6 * WEEK)]
    assert codes(hub) == []


def test_what_is_wrong_with_bookings_to_come_outlives_the_day_and_ends_with_their_days(hub: PlanHub) -> None:
    hub.open()
    hub.book(starts=MONDAY + WEEK, bill_rate=Decimal(210))
    hub.report(RecordType.PROJECT, "p100", MORE | {"status": "archived"}, 2, legal_entity="Acme US", client="c1")
    before = sorted(map(str, codes(hub)))
    assert before == ["PROJECT_CLOSED", "RATE_DIFFERS"]
    hub.clock.advance(timedelta(days=1).total_seconds())
    hub.work()
    assert sorted(map(str, codes(hub))) == before
    hub.clock.advance((2 * WEEK).total_seconds())
    hub.work()
    assert codes(hub) == []


def test_the_plan_is_the_same_as_if_it_were_computed_at_once(hub: PlanHub) -> None:
    hub.open()
    number = hub.book(ends=MONDAY + 3 * WEEK)
    hub.book("bob", percent=Decimal(80), hours_per_day=None, ends=MONDAY + 2 * WEEK)
    hub.book(None, role="r1", project="p200", state="soft")
    hub.book(hours_by_day={MONDAY: Decimal(3), MONDAY + timedelta(days=5): Decimal(2)}, ends=MONDAY + WEEK)
    hub.away("ada", MONDAY, MONDAY + timedelta(days=3))
    hub.book("cyd", number=number, starts=MONDAY + WEEK, state="soft")
    hub.report(RecordType.HOLIDAY, "h1", {"day": "2026-08-19", "name": "Day", "fraction": "1"})
    report_ada(hub, 2, working_hours="8 8 8 4 0 0 0", employment_to="2026-09-01")
    step_by_step, desk = hub.derived(), sorted(map(str, codes(hub)))
    hub.compute_anew()
    assert hub.derived() == step_by_step
    assert sorted(map(str, codes(hub))) == desk


def test_a_booking_that_was_given_away_and_waits_does_not_hold_up_its_new_owner(
    hub: PlanHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.open()
    monkeypatch.setattr("tieout.streams.plan_to_allocate.step._CHANGES", 1)
    given = hub.book(ends=MONDAY + 2 * WEEK)
    other = hub.book("bob", state="soft")
    hub.book("bob", number=other, state="hard", work=False)
    hub.book("bob", number=given, ends=MONDAY + 2 * WEEK, hours_per_day=Decimal(4), work=False)
    hub.work()
    assert hub.weeks("ada") == {}
    assert hub.weeks("bob") == {"2026-08-10": (40, 60, 0), "2026-08-17": (40, 20, 0)}
    step_by_step = hub.derived()
    hub.compute_anew()
    assert hub.derived() == step_by_step


def test_a_stream_that_is_not_configured_does_nothing_and_keeps_what_waits(hub: PlanHub) -> None:
    hub.inbound.open_firm(world.firm())
    hub.book(work=False)
    assert hub.work() == 0
    assert hub.rows("select count(*) from plan_pending where kind = 'booking'") == [(1,)]
    hub.inbound.apply(firm())
    hub.work()
    assert hub.weeks("ada") == {"2026-08-10": (40, 40, 0)}


def test_a_booking_far_in_the_past_or_future_is_planned_where_it_is(hub: PlanHub) -> None:
    hub.open()
    hub.book(starts=date(2026, 3, 2))
    hub.book(starts=date(2026, 12, 28), ends=date(2027, 1, 2))
    assert list(hub.weeks("ada")) == ["2026-03-02", "2026-12-28"]
    assert hub.rows("select revenue_gap, hours from booking_week where week = '2026-12-28' order by part") == [
        (None, Decimal(32)),
        ("RATE_EXPIRED", Decimal(8)),
    ]
