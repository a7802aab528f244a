"""Assignments and absences: what stands of them, what the plan is told, and what waits on the desk."""

from datetime import date
from decimal import Decimal
from itertools import permutations

import msgspec
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, master
from tests.worlds.inbound_plan import ENDS, STARTS, assignment, time_off

from tieout.model.firm import OwnershipRule
from tieout.model.reported import RecordType, ReportedBooking, ReportedLeave


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
    hub.plan(assignment(role="r1"))
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


def test_webhooks_in_any_order_and_twice_end_in_the_state_of_the_source(hub: Hub) -> None:
    versions = [
        assignment(),
        assignment(version=2, person="bob"),
        assignment(version=3, state=ReportedBooking.CANCELLED),
        assignment(version=4, hours_per_day=None, percent=Decimal(50)),
    ]
    for number, order in enumerate(permutations(versions)):
        own = [msgspec.structs.replace(one, source_id=f"b{number}") for one in order]
        for one in (own[0], own[2], own[0], own[1], own[3], own[2]):
            hub.send_plan(one)
        hub.work()
    assert hub.rows(
        """
        select distinct r.code, b.state, b.hours_per_day, b.percent, v.version
          from booking b
          join assignment_version v using (reading_id)
          join golden_record r on r.record_id = b.resource_id
        """
    ) == [("ada@example.com", "hard", None, Decimal(50), 4)]
    assert hub.rows("select count(*), count(distinct source_id) from booking") == [(24, 24)]
    assert hub.rows("select count(*) from assignment_version") == [(24 * 4,)]
    assert hub.open_items() == []


def test_an_older_version_that_arrives_late_is_kept_and_noted(hub: Hub) -> None:
    hub.plan(assignment(version=2))
    hub.plan(assignment(version=1, person="eve"))
    assert bookings(hub)[0][1] == 2
    assert hub.rows("select version, disposition from assignment_version order by version") == [(1, 4), (2, 1)]
    assert hub.rows("select code, severity, message from finding") == [
        ("OUT_OF_ORDER_VERSION", "warn", "Version 1 of assignment b1 of psa arrived after version 2, which stands.")
    ]
    assert hub.open_items() == []


def test_a_held_assignment_is_not_in_the_plan_until_its_person_is_reported(hub: Hub) -> None:
    hub.plan(assignment(person="eve"))
    assert bookings(hub) == []
    assert told_to_the_plan(hub) == []
    assert hub.open_items() == [("PERSON_UNKNOWN", "open", "b1")]
    assert hub.rows("select subject_kind, document_date, message from desk_item") == [
        ("assignment", STARTS, "Assignment b1 of psa names person 'eve', who is not known.")
    ]
    hub.report(master(RecordType.RESOURCE, "eve", {"name": "Eve", "email": "eve@example.com"}))
    assert bookings(hub) == [("b1", 1, "hard", "Eve", "P100", STARTS, ENDS, Decimal(8))]
    assert hub.rows("select booking_id = (select min(reading_id) from assignment_version) from booking") == [(True,)]
    assert told_to_the_plan(hub) == [("booking", None, None)]
    assert hub.open_items() == []


def test_a_correction_that_is_held_takes_the_booking_out_of_the_plan(hub: Hub) -> None:
    hub.plan(assignment(), time_off())
    told_to_the_plan(hub)
    hub.plan(assignment(version=2, ends=STARTS), time_off(version=2, hours_per_day=Decimal(-8)))
    assert bookings(hub) == []
    assert absences(hub) == []
    assert told_to_the_plan(hub) == [("booking", None, None), ("person", STARTS, ENDS)]
    assert hub.open_items() == [("BOOKING_INVALID", "open", "b1"), ("BOOKING_INVALID", "open", "t1")]
    hub.plan(assignment(version=3), time_off(version=3))
    assert (len(bookings(hub)), len(absences(hub))) == (1, 1)
    assert hub.open_items() == []


def test_an_item_that_is_judged_again_for_nothing_keeps_its_age_and_adds_no_reading(hub: Hub) -> None:
    hub.plan(assignment(project="p9"), time_off(person="eve"))
    before = hub.rows("select item_id, opened_at from desk_item order by item_id")
    hub.conn.execute("update desk_item set state = 'released'")
    hub.work()
    assert hub.rows("select item_id, opened_at from desk_item where state = 'open' order by item_id") == before
    assert hub.rows("select count(*) from assignment_version") == [(1,)]
    assert hub.rows("select count(*) from time_off_version") == [(1,)]


def test_a_held_assignment_that_was_deleted_in_the_source_leaves_the_desk(hub: Hub) -> None:
    hub.plan(assignment(person="eve"))
    hub.plan(assignment(version=2, person="eve", state=ReportedBooking.DELETED))
    assert hub.open_items() == []
    assert bookings(hub) == []


def test_only_the_owner_of_assignments_is_heard_and_a_change_of_ownership_lets_them_in(hub: Hub) -> None:
    owned = OwnershipRule(object="assignment", fields=("*",), system="erp", steward="resource_management")
    hub.apply(msgspec.structs.replace(world.firm(), ownership=(owned,)))
    hub.plan(assignment())
    assert hub.open_items() == [("NOT_OWNER", "open", "b1")]
    hub.apply(world.firm())
    hub.work()
    assert len(bookings(hub)) == 1
    assert hub.open_items() == []


def test_what_could_not_be_read_waits_on_the_desk_until_a_readable_version_comes(hub: Hub) -> None:
    hub.plan(bad=["b1"])
    hub.plan(assignment(source_id="b2", hours_per_day=Decimal("0.00001")))
    assert hub.open_items() == [
        ("SCHEMA_INVALID", "open", "bookings:b1"),
        ("SCHEMA_INVALID", "open", "bookings:b2"),
    ]
    hub.plan(assignment(version=2), assignment(source_id="b2", version=2))
    assert hub.open_items() == []
    assert len(bookings(hub)) == 2


def test_records_and_bookings_of_one_message_come_in_together(hub: Hub) -> None:
    eve = master(RecordType.RESOURCE, "eve", {"name": "Eve", "email": "eve@example.com"})
    hub.send_plan(assignment(person="eve"), time_off(person="eve"), records=[eve])
    hub.work()
    assert (len(bookings(hub)), len(absences(hub))) == (1, 1)
    assert hub.open_items() == []


def test_accepted_and_reversed_time_is_told_to_the_plan(hub: Hub) -> None:
    hub.take(world.said(), world.said(source_id="2", work_date=date(2026, 7, 2)))
    ids = hub.rows("select min(entry_id), max(entry_id) from time_entry")[0]
    assert hub.rows("select kind, first_id, last_id from plan_pending") == [("accepted", *ids)]
    told_to_the_plan(hub)
    hub.take(world.said(version=2, hours=Decimal(4)))
    newest = hub.rows("select max(entry_id) from time_entry")[0][0]
    assert hub.rows("select kind, first_id, last_id from plan_pending order by kind") == [
        ("accepted", newest, newest),
        ("reversed", ids[0], ids[0]),
    ]
