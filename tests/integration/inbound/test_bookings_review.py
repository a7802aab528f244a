"""What stands is judged again when its task or role is reported, and when ownership or a mapping changes."""

from datetime import date

import msgspec
import pytest
from psycopg import Cursor
from tests.integration.inbound.test_bookings import absences, bookings, told_to_the_plan
from tests.worlds import inbound_firm as world
from tests.worlds.inbound_database import Hub, master
from tests.worlds.inbound_plan import STARTS, assignment, time_off

from tieout.inbound import bookings_review
from tieout.model.firm import FirmConfig, MappingLine, OwnershipRule
from tieout.model.reported import RecordType, ReportedRecord
from tieout.records.adoption_store import Decision
from tieout.runtime.adopt import adopt
from tieout.storage.pool import in_transaction


def owned_by(system: str, valid_from: date | None = None) -> FirmConfig:
    rules = tuple(
        OwnershipRule(object=noun, fields=("*",), system=system, steward="resources", valid_from=valid_from)
        for noun in ("assignment", "time_off")
    )
    return msgspec.structs.replace(world.firm(), ownership=rules)


def test_a_task_that_is_reported_late_is_filled_in(hub: Hub) -> None:
    hub.plan(assignment(task="build"), assignment(source_id="b2"))
    told_to_the_plan(hub)
    assert hub.rows("select task_id from booking where source_id = 'b1'") == [(None,)]
    hub.report(master(RecordType.TASK, "build", {"name": "Build", "open_for_time": True}, project="p100"))
    assert hub.rows(
        "select b.source_id, t.fields ->> 'name' from booking b join golden_record t on t.record_id = b.task_id "
        "order by b.source_id"
    ) == [("b1", "Build"), ("b2", "Design")]
    assert hub.rows("select source_id, version, revision, disposition from assignment_version order by reading_id") == [
        ("b1", 1, 0, 1),
        ("b2", 1, 0, 1),
        ("b1", 1, 1, 1),
    ]
    assert told_to_the_plan(hub) == [("booking", None, None)]


def test_a_role_that_is_reported_late_is_filled_in(hub: Hub) -> None:
    hub.plan(assignment(role="r7", person=None))
    hub.report(master(RecordType.ROLE, "r7", {"name": "Junior"}))
    assert hub.rows("select r.fields ->> 'name' from booking b join golden_record r on r.record_id = b.role_id") == [
        ("Junior",)
    ]


def test_a_mapping_that_means_nothing_to_a_booking_leaves_its_reading_as_it_is(hub: Hub) -> None:
    hub.plan(assignment(role="r7"))
    before = hub.rows("select reading_id from booking")
    mapping = MappingLine(
        table="roles", line=9, system="psa", entity="*", source="r9", target="Senior", valid_from=date(2020, 1, 1)
    )
    hub.apply(msgspec.structs.replace(world.firm(), mappings=(*world.firm().mappings, mapping)))
    hub.work()
    assert hub.rows("select reading_id from booking") == before
    assert hub.rows("select count(*) from booking_review") == [(0,)]


def test_bookings_of_a_person_that_was_adopted_as_another_move_to_that_one(hub: Hub, database_url: str) -> None:
    hub.report(master(RecordType.RESOURCE, "e7", {"name": "Ada L.", "email": "ada.l@example.com"}), system="erp")
    hub.report(master(RecordType.PROJECT, "x1", {"code": "P100", "name": "One"}), system="erp")
    hub.plan(assignment(person="e7", project="x1"), time_off(person="e7"), system="erp")
    assert hub.open_items() == []
    told_to_the_plan(hub)
    ada, other = (
        hub.rows("select record_id from cross_reference where type = 'resource' and source_id = %s", key)[0][0]
        for key in ("ada", "e7")
    )
    assert hub.rows("select resource_id from booking union select resource_id from absence") == [(other,)]
    one = Decision(type="resource", gone=("erp", "e7"), kept=("psa", "ada"), is_one=True, evidence="e-mail")
    adopt(database_url, [one], undecided=0, actor="ada", clock=hub.clock)
    hub.work()
    assert hub.rows("select resource_id from booking union select resource_id from absence") == [(ada,)]
    assert {(kind, first) for kind, first in hub.rows("select kind, first_id from plan_pending")} == {
        ("booking", hub.rows("select booking_id from booking")[0][0]),
        ("person", ada),
        ("person", other),
    }


def test_bookings_of_a_project_that_was_merged_in_its_system_move_to_that_one(hub: Hub) -> None:
    hub.plan(assignment(task=None), assignment(source_id="b2", project="p200", task=None))
    gone = ReportedRecord(
        type=RecordType.PROJECT,
        source_id="p200",
        version=2,
        fields={"code": "P200"},
        references={"merged_into": "p100"},
        deleted=True,
    )
    hub.report(gone)
    assert [(row[0], row[4]) for row in bookings(hub)] == [("b1", "P100"), ("b2", "P100")]


def test_bookings_of_a_system_that_owns_them_no_longer_leave_the_plan_and_come_back(hub: Hub) -> None:
    hub.plan(assignment(), time_off())
    told_to_the_plan(hub)
    numbers = hub.rows("select booking_id from booking union all select absence_id from absence")
    hub.apply(owned_by("erp"))
    hub.work()
    assert (bookings(hub), absences(hub)) == ([], [])
    assert sorted(told_to_the_plan(hub)) == [("booking", None, None), ("person", STARTS, date(2026, 9, 12))]
    assert hub.open_items() == [("NOT_OWNER", "open", "b1"), ("NOT_OWNER", "open", "t1")]
    hub.apply(world.firm())
    hub.work()
    assert hub.rows("select booking_id from booking union all select absence_id from absence") == numbers
    assert hub.open_items() == []


def test_ownership_that_changes_on_a_day_decides_by_the_day_on_which_a_booking_starts(hub: Hub) -> None:
    hub.plan(assignment(), assignment(source_id="b2", starts=date(2026, 10, 1), ends=date(2026, 10, 2)))
    hub.apply(owned_by("erp", valid_from=date(2026, 10, 1)))
    hub.work()
    assert [row[0] for row in bookings(hub)] == ["b1"]


def test_what_is_judged_as_before_gets_no_new_reading(hub: Hub) -> None:
    hub.plan(assignment(), time_off(), assignment(source_id="b2", person="eve"), assignment(source_id="b3", task="x"))
    told_to_the_plan(hub)
    hub.apply(owned_by("psa"))
    hub.work()
    assert hub.rows("select count(*) from assignment_version") == [(3,)]
    assert hub.rows("select count(*) from time_off_version") == [(1,)]
    assert told_to_the_plan(hub) == []


def test_many_bookings_are_judged_again_in_blocks(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookings_review, "BLOCK", 4)
    hub.plan(*(assignment(source_id=f"b{at}") for at in range(10)))

    def request(cur: Cursor[tuple[object, ...]]) -> None:
        bookings_review.request_all(cur)

    in_transaction(hub.conn, request)
    assert hub.rows("select count(*) from booking_review") == [(3,)]
    hub.work()
    assert hub.rows("select count(*) from booking_review") == [(0,)]
    assert hub.rows("select count(*) from assignment_version") == [(10,)]
