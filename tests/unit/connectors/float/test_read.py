"""Reading misses nothing: pages that move while they are walked, changes of the last moments, rows that are gone."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import httpx
import pytest
from tests.unit.connectors.float.account import (
    ANN,
    BO,
    Account,
    OpenAccount,
    absences,
    assignments,
    booking,
    records,
)

from tieout.connect.connector import Connection
from tieout.connect.simulator.control import DeleteRecord, PutAssignment, PutPerson
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.source import Unreadable
from tieout.connectors.float.connector import CONNECTOR
from tieout.connectors.float.manifest import PAGE_SIZE
from tieout.connectors.float.paging import WHOLE_WALK_EVERY
from tieout.errors import AccessError, ConfigurationError, ContractError, TransientError
from tieout.model.reported import RecordType, ReportedBooking, ReportedLeave

MANY = [booking(f"B{number}", minutes_per_day=60 + number) for number in range(2 * PAGE_SIZE + 50)]


async def test_an_allocation_is_an_assignment_that_ends_the_day_after(open_account: OpenAccount) -> None:
    account = await open_account([booking("one"), booking("two", "bo", status="soft")])
    _, found = await account.read("tasks")
    one, two = assignments(found)["Booking one"], assignments(found)["Booking two"]
    assert (one.starts, one.ends, one.hours_per_day) == (date(2026, 10, 5), date(2026, 10, 10), Decimal("6.5"))
    assert (one.state, two.state) == (ReportedBooking.HARD, ReportedBooking.SOFT)


async def test_people_come_with_employment_place_and_the_hours_of_part_time(account: Account) -> None:
    _, found = await account.read("people")
    people = {one.fields["name"]: one.fields for one in records(found).values() if one.type is RecordType.RESOURCE}
    assert people["Ann Ito"].items() >= {"location": "New York", "fte": "1", "employment_to": None}.items()
    assert people["Bo van der Berg"]["location"] == "Berlin"
    assert (people["Bo van der Berg"]["weekly_hours"], people["Bo van der Berg"]["employment_to"]) == (
        "24.0",
        "2027-10-16",
    )
    assert {one.source_id for one in records(found).values() if one.type is RecordType.SKILL} == {"SQL"}


async def test_a_region_without_a_name_is_told_by_its_key(open_account: OpenAccount) -> None:
    account = await open_account(regions="1=Berlin Mitte")
    _, found = await account.read("people")
    told = {one.fields["location"] for one in records(found).values() if one.type is RecordType.RESOURCE}
    assert told == {"Berlin Mitte", "3"}


async def test_absences_are_of_whole_days_or_of_hours(account: Account) -> None:
    _, found = await account.read("timeoffs")
    summer, dentist = absences(found)["Vacation"], absences(found)["Medical"]
    assert (summer.hours_per_day, summer.ends, summer.state) == (None, date(2026, 8, 15), ReportedLeave.APPROVED)
    assert (dentist.hours_per_day, dentist.state) == (Decimal("2.5"), ReportedLeave.REQUESTED)


async def test_a_list_of_many_pages_is_read_whole_and_once(open_account: OpenAccount) -> None:
    account = await open_account(MANY)
    cursor, found = await account.read("tasks")
    assert sorted(one.notes for one in assignments(found).values()) == sorted(one.notes for one in MANY)
    assert len(found) == len(MANY)
    cursor, again = await account.read("tasks", cursor)
    assert again == found  # all of them lie within the overlap of what changed last
    assert await account.read("tasks", cursor) == (cursor, [])


async def test_a_deletion_while_pages_are_walked_hides_nobody_else(open_account: OpenAccount) -> None:
    account = await open_account(MANY)
    found = []
    deleted = iter(["B0", "B250"])
    async for page in account.source.read("tasks", None):
        found += account.translated(page)
        key = next(deleted, None)
        if key is not None:
            account.change(DeleteRecord(kind="assignment", key=key))
    assert {one.notes for one in MANY} - {"Booking B0", "Booking B250"} <= set(assignments(found))


async def test_reading_goes_on_in_the_middle_of_a_walk(open_account: OpenAccount) -> None:
    account = await open_account(MANY)
    page = await anext(aiter(account.source.read("tasks", None)))
    first, cursor = account.translated(page), page.next_cursor
    _, rest = await account.read("tasks", cursor)
    assert set(assignments(first)) | set(assignments(rest)) == {one.notes for one in MANY}
    assert not set(assignments(first)) & set(assignments(rest))


async def test_a_change_is_read_alone_with_a_later_version(open_account: OpenAccount) -> None:
    account = await open_account(MANY)
    cursor, found = await account.read("tasks")
    account.change(PutAssignment(assignment=booking("B7", "bo", minutes_per_day=240, status="soft")))
    account.exchanges.clear()
    _, news = await account.read("tasks", cursor)
    before, after = assignments(found)["Booking B7"], assignments(news)["Booking B7"]
    assert (after.source_id, after.hours_per_day, after.state) == (before.source_id, Decimal(4), ReportedBooking.SOFT)
    assert after.version > before.version
    assert all("modified_since" in httpx.URL(one.url).params for one in account.exchanges)


async def test_two_changes_within_a_second_have_two_versions(account: Account) -> None:
    cursor, _ = await account.read("tasks")
    account.change(PutAssignment(assignment=booking("quick")))
    _, first = await account.read("tasks", cursor)
    account.change(PutAssignment(assignment=booking("quick", minutes_per_day=60)))
    _, second = await account.read("tasks", cursor)
    versions = [assignments(one)["Booking quick"].version for one in (first, second)]
    assert versions[0] < versions[1]


async def test_what_was_deleted_is_missing_from_the_next_whole_walk(open_account: OpenAccount) -> None:
    account = await open_account([booking("one"), booking("two")])
    cursor, _ = await account.read("tasks")
    account.change(DeleteRecord(kind="assignment", key="one"))
    _, soon = await account.read("tasks", cursor)
    assert "Booking one" not in assignments(soon)
    account.clock.ahead = WHOLE_WALK_EVERY + timedelta(seconds=1)
    account.exchanges.clear()
    _, whole = await account.read("tasks", cursor)
    assert set(assignments(whole)) == {"Booking two"}
    assert not any("modified_since" in httpx.URL(one.url).params for one in account.exchanges)


async def test_a_changed_person_keeps_the_source_id(account: Account) -> None:
    cursor, found = await account.read("people")
    account.change(PutPerson(person=BO), PutPerson(person=ANN))
    _, news = await account.read("people", cursor)
    known = {key for key, one in records(found).items() if one.type is RecordType.RESOURCE}
    assert {key for key, one in records(news).items() if one.type is RecordType.RESOURCE} == known


async def test_a_status_that_is_new_makes_one_item_unreadable_and_no_page(open_account: OpenAccount) -> None:
    account = await open_account([booking("one"), booking("two")])
    row = (await account.api.get("/tasks")).json()[0]
    await account.api.patch(f"/tasks/{row['task_id']}", json={"status": 9})
    _, found = await account.read("tasks")
    unreadable = [one for one in found if isinstance(one, Unreadable)]
    assert [one.source_id for one in unreadable] == [str(row["task_id"])]
    assert "status 9" in unreadable[0].problem
    assert len(assignments(found)) == 1


async def test_an_allocation_that_repeats_is_told_day_by_day(account: Account) -> None:
    account.change(PutAssignment(assignment=booking("weekly", starts="2026-10-05", ends="2026-10-06")))
    row = (await account.api.get("/tasks")).json()[0]
    repeat = {"repeat_state": 1, "repeat_end_date": "2026-10-14"}
    assert (await account.api.patch(f"/tasks/{row['task_id']}", json=repeat)).is_success
    _, found = await account.read("tasks")
    told = assignments(found)["Booking weekly"]
    assert told.hours_by_day == {date(2026, 10, day): Decimal("6.5") for day in (5, 6, 12, 13)}
    assert (told.hours_per_day, told.ends) == (None, date(2026, 10, 14))


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.HTTP_503, TransientError),
        (FaultKind.HTTP_429, TransientError),
        (FaultKind.FORBIDDEN, AccessError),
        (FaultKind.TOKEN_EXPIRED, AccessError),
        (FaultKind.OK_WITH_ERROR_BODY, TransientError),
        (FaultKind.HTML_PAGE, TransientError),
        (FaultKind.UNPROCESSABLE, ContractError),
    ],
)
async def test_a_read_that_fails_says_what_happens_next(
    account: Account, kind: FaultKind, error: type[Exception]
) -> None:
    account.force(Fault(kind=kind, count=10))
    with pytest.raises(error):
        await account.read("people")


async def test_a_position_of_another_connector_is_refused(account: Account) -> None:
    with pytest.raises(ContractError, match="stored position"):
        await account.read("people", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule_from": "yesterday"},
        {"schedule_to": "2020-06-30"},
        {"contact": " "},
        {"regions": "Berlin"},
        {"regions": "1=Berlin; 1=Bonn"},
    ],
)
async def test_a_setting_that_cannot_be_used_is_named(account: Account, settings: dict[str, str]) -> None:
    connection = replace(account.connection, settings={**account.connection.settings, **settings})
    with pytest.raises(ConfigurationError, match=f"Setting {next(iter(settings))}"):
        open_configured(connection)


def open_configured(connection: Connection) -> None:
    connector = CONNECTOR.configured(connection.settings)
    assert connector.open_source is not None
    connector.open_source(connection)
