"""What Float's rows say in canonical words, and which of them say too little."""

from datetime import date
from typing import Any

import msgspec
import pytest

from tieout.connect.source import Translated, Unreadable
from tieout.connectors.float.mapping import FloatTranslator
from tieout.connectors.float.marks import LineKey, line_key_of, split_customer_name, with_mark, without_marks
from tieout.connectors.float.repeats import occurrences
from tieout.model.reported import ReportedAssignment, ReportedBooking, ReportedRecord, ReportedTimeOff

STAMPS = {"created": "2026-02-01 10:00:00", "modified": "2026-02-02 10:00:00"}
ALLOCATION = {
    "task_id": 17,
    "project_id": 5,
    "people_id": 4,
    "people_ids": None,
    "start_date": "2026-03-02",
    "end_date": "2026-03-06",
    "hours": 6.5,
    "status": 2,
    "notes": "n",
    "repeat_state": 0,
    "repeat_end_date": None,
    "phase_id": 0,
    "task_meta_id": 0,
    **STAMPS,
}
TIME_OFF = {
    "timeoff_id": 9,
    "timeoff_type_id": 1,
    "timeoff_type_name": "Leave",
    "people_ids": [4],
    "start_date": "2026-01-31",
    "end_date": "2026-01-31",
    "hours": None,
    "full_day": 1,
    "status": 2,
    "repeat_state": 0,
    "repeat_end": None,
    **STAMPS,
}
PROJECT = {
    "project_id": 5,
    "name": "Grid",
    "project_code": "PX-1",
    "client_id": 2,
    "notes": None,
    "status": 2,
    "active": 1,
    "budget_type": 1,
    "budget_total": "100.5",
    "start_date": "2026-01-01",
    "end_date": "2026-12-31",
    **STAMPS,
}


def told(name: str, row: dict[str, Any], **changes: Any) -> list[Translated]:
    return list(FloatTranslator().translate(name, msgspec.json.encode([{**row, **changes}])))


def assignment(**changes: Any) -> ReportedAssignment:
    (found,) = told("tasks", ALLOCATION, **changes)
    assert isinstance(found, ReportedAssignment)
    return found


def record(name: str, row: dict[str, Any], **changes: Any) -> ReportedRecord:
    (found,) = told(name, row, **changes)
    assert isinstance(found, ReportedRecord)
    return found


def test_an_allocation_of_several_people_is_one_assignment_of_each_by_ascending_key() -> None:
    found = told("tasks", ALLOCATION, people_id=None, people_ids=[9, 4])
    assert [(one.source_id, one.person) for one in found if isinstance(one, ReportedAssignment)] == [
        ("17", "4"),
        ("17:2", "9"),
    ]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0, ReportedBooking.PROPOSED),
        (1, ReportedBooking.SOFT),
        (2, ReportedBooking.HARD),
        (3, ReportedBooking.COMPLETED),
        (4, ReportedBooking.CANCELLED),
    ],
)
def test_every_status_of_an_allocation_has_its_state(status: int, state: ReportedBooking) -> None:
    assert assignment(status=status).state is state


def test_published_demand_is_only_requested_until_somebody_confirms_it() -> None:
    notes = "Skills: SQL\nTieout line 3/1"
    assert (assignment(status=1, notes=notes).state, assignment(notes=notes).state) == (
        ReportedBooking.REQUESTED,
        ReportedBooking.HARD,
    )
    assert assignment(notes=notes).notes == "Skills: SQL"


def test_an_allocation_names_its_task_else_its_phase() -> None:
    assert (assignment(task_meta_id=8, phase_id=2).task, assignment(phase_id=2).task) == ("8", "phase-2")
    assert assignment().task is None


@pytest.mark.parametrize(
    "changes",
    [
        {"people_id": None},
        {"status": 7},
        {"hours": -1},
        {"hours": 1.00001},
        {"end_date": "2026-03-01"},
        {"repeat_state": 1, "repeat_end_date": "2026-03-20"},
        {"repeat_state": 1, "task_days": ["2026-03-02"]},
        {"repeat_state": 99, "repeat_end_date": "2026-03-20"},
        {"created": None, "modified": None},
    ],
)
def test_an_allocation_that_says_too_little_is_unreadable_by_its_id(changes: dict[str, Any]) -> None:
    (found,) = told("tasks", ALLOCATION, **changes)
    assert isinstance(found, Unreadable)
    assert found.source_id == "17"


def test_an_absence_that_repeats_is_one_absence_each_time() -> None:
    found = told("timeoffs", TIME_OFF, repeat_state=2, repeat_end="2026-03-31")
    assert [(one.source_id, one.starts) for one in found if isinstance(one, ReportedTimeOff)] == [
        ("9", date(2026, 1, 31)),
        ("9#2", date(2026, 2, 28)),
        ("9#3", date(2026, 3, 31)),
    ]


def test_part_of_a_day_without_hours_is_unreadable() -> None:
    (found,) = told("timeoffs", TIME_OFF, full_day=0)
    assert isinstance(found, Unreadable)


def test_repetitions_keep_their_length_and_end_in_time() -> None:
    first, last = date(2026, 3, 2), date(2026, 3, 3)
    assert occurrences(first, last, state=3, until=date(2026, 3, 29)) == [
        (first, last),
        (date(2026, 3, 16), date(2026, 3, 17)),
    ]
    leap = date(2028, 2, 29)
    assert occurrences(leap, leap, state=9, until=date(2029, 12, 31))[-1] == (date(2029, 2, 28), date(2029, 2, 28))


def test_a_project_ends_the_day_after_and_tells_a_budget_of_hours_only() -> None:
    fields = record("projects", PROJECT).fields
    assert (fields["status"], fields["ends"], fields["budget_hours"]) == ("active", "2027-01-01", "100.5")
    assert "budget_hours" not in record("projects", PROJECT, budget_type=2).fields
    assert record("projects", PROJECT, active=0).fields["status"] == "archived"
    assert "status" not in record("projects", PROJECT, status=1).fields


def test_a_clients_name_ends_with_its_code() -> None:
    assert record("clients", {"client_id": 1, "name": "Acme [ACM 7f3a9c21d4]"}).fields == {
        "name": "Acme",
        "code": "ACM",
    }
    assert record("clients", {"client_id": 1, "name": "Acme [Berlin branch]"}).fields == {
        "name": "Acme [Berlin branch]"
    }
    assert split_customer_name("[ACM]").code is None


def test_a_phase_is_a_task_above_its_tasks() -> None:
    phase = {"phase_id": 3, "project_id": 5, "name": "Build", "start_date": None, "end_date": None}
    above = record("project-tasks", phase, non_billable=1, active=1, **STAMPS)
    below = {"task_meta_id": 8, "project_id": 5, "phase_id": 3, "task_name": "Code", "billable": 1, **STAMPS}
    assert (above.source_id, above.fields["billable"]) == ("phase-3", False)
    assert record("project-tasks", below).references == {"project": "5", "parent": "phase-3"}


def test_a_holiday_of_the_team_is_one_of_each_of_its_days() -> None:
    row = {"holiday_id": 2, "name": "Shutdown", "date": "2026-12-24", "end_date": "2026-12-26"}
    found = [one for one in told("holidays", row) if isinstance(one, ReportedRecord)]
    assert [one.fields["day"] for one in found] == ["2026-12-24", "2026-12-25", "2026-12-26"]
    assert all("location" not in one.fields for one in found)


def test_marks_stand_beside_what_people_wrote() -> None:
    notes = with_mark(with_mark("Ask Ann", "project", "TIE-1"), "status", "TIE-2")
    assert with_mark(notes, "project", "TIE-3") == "Ask Ann\nTieout status TIE-2\nTieout project TIE-3"
    assert without_marks(notes) == "Ask Ann"
    assert line_key_of("Tieout line 3/2") == LineKey("3", 2)
