"""The plan's ground is proven: what stands of assignments and absences follows from what was told, and nothing else."""

from datetime import date
from decimal import Decimal

import pytest
from tests.integration.reconciliation.books import Books
from tests.worlds.inbound_database import master
from tests.worlds.inbound_plan import assignment, time_off

from tieout.model.reported import RecordType, ReportedBooking


def told(books: Books) -> None:
    """Bookings and absences of all fates: standing, moved, cancelled, held, cured, superseded, unreadable, unread."""
    hub = books.hub
    hub.plan(assignment(), time_off())
    hub.plan(assignment(version=3, percent=Decimal(50), hours_per_day=None), time_off(version=2, kind="sick"))
    hub.plan(assignment(version=2, person="bob"))
    hub.plan(
        assignment(source_id="b2", hours_per_day=None, hours_by_day={date(2026, 9, 8): Decimal("7.50")}),
        assignment(source_id="b3", state=ReportedBooking.CANCELLED),
        assignment(source_id="b4", person="eve"),
        assignment(source_id="b5", person="nobody"),
        assignment(source_id="b6", notes="\x00"),
        assignment(source_id="b7", version=2),
        time_off(source_id="t2", person="nobody"),
    )
    hub.report(master(RecordType.RESOURCE, "eve", {"name": "Eve", "email": "eve@example.com"}))
    hub.send_plan(assignment(source_id="b8"), assignment(source_id="b7", version=3))


def test_everything_that_was_told_of_the_plan_is_proven(books: Books) -> None:
    told(books)
    assert books.proven().holds
    codes = sorted(str(code) for code, _, _ in books.hub.open_items())
    assert codes == ["PERSON_UNKNOWN", "PERSON_UNKNOWN", "SCHEMA_INVALID"]


@pytest.mark.parametrize(
    ("change", "proof", "subject"),
    [
        ("update booking set ends = ends + 1 where source_id = 'b1'", "booking_derivation", "assignment b1"),
        ("update booking set percent = 60 where source_id = 'b1'", "booking_derivation", "assignment b1"),
        ("update booking set hours_by_day = '{}' where source_id = 'b2'", "booking_derivation", "assignment b2"),
        ("delete from booking where source_id = 'b2'", "booking_derivation", "assignment b2"),
        (
            """
            insert into booking (booking_id, reading_id, system_id, source_id, state, project_id, starts, ends)
            select 1, reading_id, system_id, 'made up', state, project_id, starts, ends
              from booking where source_id = 'b1'
            """,
            "booking_derivation",
            "assignment made up",
        ),
        ("update absence set kind = 'leave' where source_id = 't1'", "absence_derivation", "absence t1"),
        ("delete from absence where source_id = 't1'", "absence_derivation", "absence t1"),
        ("delete from assignment_version where source_id = 'b3'", "assignment_lost", "assignment b3"),
        (
            "update assignment_version set state = 'soft' where source_id = 'b3'",
            "assignment_without_message",
            "assignment b3",
        ),
        (
            "update time_off_version set ends = ends + 1 where source_id = 't1' and version = 1",
            "time_off_without_message",
            "absence t1",
        ),
        (
            "update desk_item set state = 'resolved' where source_id = 'b5' and subject_kind = 'assignment'",
            "booking_held_without_item",
            "assignment b5",
        ),
        (
            "update desk_item set state = 'resolved' where source_id = 't2' and subject_kind = 'time_off'",
            "absence_held_without_item",
            "absence t2",
        ),
    ],
)
def test_a_row_that_does_not_follow_from_what_was_told_is_found_even_if_the_product_wrote_it(
    books: Books, change: str, proof: str, subject: str
) -> None:
    told(books)
    assert books.hub.conn.execute(change).rowcount == 1
    found = [(one.proof, one.subject) for one in books.statement().breaks]
    assert (proof, subject) in found
    assert "control_totals" not in [name for name, _ in found]
