"""Assignments and absences: what stands of them, what the plan is told, and what waits on the desk."""

from datetime import date
from decimal import Decimal

from tests.worlds.inbound_database import Hub
from tests.worlds.inbound_plan import ENDS, STARTS, assignment, time_off

from tieout.model.reported import ReportedBooking, ReportedLeave


def bookings(hub: Hub) -> list[tuple[object, ...]]:
    return hub.rows(
        """
        select b.source_id, v.version, b.state, r.fields ->> 'name', p.code, b.starts, b.ends, b.hours_per_day
          from booking b
          join assignment_version v using (reading_id)
          join golden_record p on p.record_id = b.project_id
          left join golden_record r on r.record_id = b.resource_id
         order by b.source_id
        """
    )


def absences(hub: Hub) -> list[tuple[object, ...]]:
    return hub.rows("select source_id, state, starts, ends, hours_per_day from absence order by source_id")


def told_to_the_plan(hub: Hub) -> list[tuple[object, ...]]:
    """What is waiting for the plan, taken away as it does."""
    return hub.rows(
        """
        with taken as (delete from plan_pending returning pending_id, kind, from_day, until_day)
        select kind, from_day, until_day from taken order by pending_id
        """
    )


def test_an_assignment_becomes_a_booking_and_the_plan_hears_of_it(hub: Hub) -> None:
    hub.plan(assignment())
    assert bookings(hub) == [("b1", 1, "hard", "Ada", "P100", STARTS, ENDS, Decimal(8))]
    assert hub.rows("select booking_id = reading_id, task_id is not null, role_id is not null from booking") == [
        (True, True, True)
    ]
    assert told_to_the_plan(hub) == [("booking", None, None)]


def test_a_moved_assignment_stays_the_same_booking(hub: Hub) -> None:
    hub.plan(assignment())
    before = hub.rows("select booking_id from booking")
    told_to_the_plan(hub)
    hub.plan(assignment(version=2, starts=date(2026, 10, 5), ends=date(2026, 10, 10)))
    assert bookings(hub) == [("b1", 2, "hard", "Ada", "P100", date(2026, 10, 5), date(2026, 10, 10), Decimal(8))]
    assert hub.rows("select booking_id from booking") == before
    assert told_to_the_plan(hub) == [("booking", None, None)]


def test_a_change_that_plans_nothing_else_is_kept_and_computes_nothing(hub: Hub) -> None:
    hub.plan(assignment())
    told_to_the_plan(hub)
    hub.plan(assignment(version=2, notes="Talk to Bob first."))
    assert bookings(hub)[0][1] == 2
    assert told_to_the_plan(hub) == []


def test_a_cancelled_assignment_leaves_the_plan_and_comes_back_as_itself(hub: Hub) -> None:
    hub.plan(assignment())
    before = hub.rows("select booking_id from booking")
    hub.plan(assignment(version=2, state=ReportedBooking.CANCELLED))
    assert bookings(hub) == []
    assert len(told_to_the_plan(hub)) == 2
    hub.plan(assignment(version=3, state=ReportedBooking.SOFT))
    assert hub.rows("select booking_id from booking") == before
    assert hub.open_items() == []


def test_an_absence_tells_the_plan_its_old_and_its_new_days(hub: Hub) -> None:
    hub.plan(time_off())
    assert absences(hub) == [("t1", "approved", STARTS, ENDS, None)]
    assert told_to_the_plan(hub) == [("person", STARTS, ENDS)]
    hub.plan(time_off(version=2, starts=date(2026, 9, 10), ends=date(2026, 9, 15)))
    assert told_to_the_plan(hub) == [("person", STARTS, date(2026, 9, 15))]
    hub.plan(time_off(version=3, state=ReportedLeave.REJECTED))
    assert absences(hub) == []
    assert told_to_the_plan(hub) == [("person", date(2026, 9, 10), date(2026, 9, 15))]
