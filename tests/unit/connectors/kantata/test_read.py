"""Reading an account that people work in: changes, recalls, deletions, faults on the way."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from tests.unit.connectors.kantata.account import Account, MachineClock, OpenAccount, one_of, seed_entry

from tieout.connect.connector import Connection
from tieout.connect.http import Exchange, HttpSettings
from tieout.connect.simulator.control import DeleteTimeEntry, PutTimeEntry
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.source import Page
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.paging import Cursor, read_cursor
from tieout.connectors.kantata.read import KantataSource
from tieout.errors import AccessError, ContractError, TieoutError, TransientError
from tieout.model.reported import ReportedState, ReportedTime


async def latest(account: Account, cursor: str | None = None) -> tuple[dict[str, ReportedTime], str | None]:
    """What the account says of each entry at last, read from ``cursor`` on, and where to go on."""
    pages, found = await account.read("time_entries", cursor)
    times = sorted((one for one in found if isinstance(one, ReportedTime)), key=lambda one: one.version)
    return {one.source_id: one for one in times}, pages[-1].next_cursor if pages else cursor


async def test_a_correction_made_over_the_api_is_read_as_a_new_version(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry("a"), seed_entry("b", notes="Other")])
    row_id = await account.entry_id("Chart of accounts")
    before, cursor = await latest(account)
    submission = (await account.rows("time_entries", include="active_submission"))[row_id]["active_submission_id"]
    refused = await account.api.put(f"/time_entries/{row_id}.json", json={"time_entry": {"time_in_minutes": 60}})
    assert refused.status_code == 422
    assert (await account.api.put(f"/timesheet_submissions/{submission}/reject", json={})).is_success
    rejected, cursor = await latest(account, cursor)
    assert rejected[row_id].state is ReportedState.REJECTED
    assert rejected[row_id].version > before[row_id].version
    assert (
        await account.api.put(f"/time_entries/{row_id}.json", json={"time_entry": {"time_in_minutes": 60}})
    ).is_success
    made = await account.api.post(
        "/timesheet_submissions.json",
        json={
            "timesheet_submission": {
                "title": "Again",
                "workspace_id": before[row_id].project,
                "line_item_ids": [row_id],
            }
        },
    )
    (again,) = made.json()["timesheet_submissions"]
    submitted, cursor = await latest(account, cursor)
    assert submitted[row_id].state is ReportedState.SUBMITTED
    assert (await account.api.post("/timesheet_approvals", json={"resolution": {"submission_ids": [again]}})).is_success
    approved, _ = await latest(account, cursor)
    assert (approved[row_id].state, approved[row_id].hours) == (ReportedState.APPROVED, Decimal("1.0000"))
    assert approved[row_id].version > submitted[row_id].version > rejected[row_id].version


async def test_a_cancelled_submission_is_a_recall(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry("a", approved=False)])
    row_id = await account.entry_id("Chart of accounts")
    project = (await account.rows("time_entries"))[row_id]["workspace_id"]
    made = await account.api.post(
        "/timesheet_submissions",
        json={"timesheet_submission": {"title": "T", "workspace_id": project, "line_item_ids": [row_id]}},
    )
    (submission,) = made.json()["timesheet_submissions"]
    assert (await account.api.put(f"/timesheet_submissions/{submission}/cancel")).is_success
    found, _ = await latest(account)
    assert found[row_id].state is ReportedState.RECALLED


async def test_a_deletion_comes_as_a_tombstone_that_wins(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry("a"), seed_entry("b", notes="Other")])
    row_id = await account.entry_id("Other")
    before, _ = await latest(account)
    account.change(DeleteTimeEntry(key="b"))
    account.simulator.set_clock_offset(10)
    pages, found = await account.read("subscribed_events")
    tombstones = {one.source_id: one for one in found if isinstance(one, ReportedTime)}
    assert tombstones[row_id].state is ReportedState.DELETED
    assert tombstones[row_id].version > before[row_id].version
    assert tombstones[row_id].person == before[row_id].person
    assert row_id not in (await latest(account))[0]
    again = [page async for page in account.source.read("subscribed_events", pages[-1].next_cursor)]
    assert again == []


async def test_events_older_than_the_feed_remembers_are_not_passed_over(open_account: OpenAccount) -> None:
    account = await open_account([])
    old = Cursor(finished=MachineClock().now() - timedelta(days=10)).text()
    with pytest.raises(ContractError) as refused:
        await account.read("subscribed_events", old)
    assert refused.value.code == "TIE-KANTATA-003"


async def test_a_quiet_feed_is_not_taken_for_a_lost_one(open_account: OpenAccount) -> None:
    account = await open_account([])
    two_days_ago = Cursor(finished=MachineClock().now() - timedelta(days=2)).text()
    (page,) = [page async for page in account.source.read("subscribed_events", two_days_ago)]
    assert page.item_count == 0
    assert [page async for page in account.source.read("subscribed_events", page.next_cursor)] == []


async def test_an_account_with_a_slow_clock_is_read_as_well(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry("a")])
    _, cursor = await latest(account)
    account.simulator.set_clock_offset(-7200)
    account.change(PutTimeEntry(entry=seed_entry("b", notes="Late")))
    found, _ = await latest(account, cursor)
    assert [one.narrative for one in found.values()] == ["Late"]


async def test_an_entry_changed_past_the_api_moves_on_in_time(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry("a")])
    before, cursor = await latest(account)
    account.change(PutTimeEntry(entry=seed_entry("a", minutes=30)), PutTimeEntry(entry=seed_entry("c", notes="New")))
    account.change(PutTimeEntry(entry=seed_entry("a", minutes=45)))
    found, _ = await latest(account, cursor)
    (row_id,) = before
    assert found[row_id].hours == Decimal("0.7500")
    assert found[row_id].version > before[row_id].version
    assert len(found) == 2


async def test_nothing_new_is_nothing_to_store(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry(f"k{place}", notes=str(place)) for place in range(450)])
    found, cursor = await latest(account)
    assert len(found) == 450
    assert (await account.read("time_entries", cursor))[0] == []


async def test_a_read_that_breaks_off_is_taken_up_where_it_was_stored(open_account: OpenAccount) -> None:
    moments = [f"2026-08-08T09:{place // 60:02}:{place % 60:02}+00:00" for place in range(900)]
    account = await open_account([seed_entry(f"k{at}", notes=at, updated_at=at) for at in moments])
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(20):
        pages = [page async for page in _first(account, cursor)]
        if not pages:
            break
        for one in account.translator.translate("time_entries", pages[0].payload):
            assert isinstance(one, ReportedTime)
            seen.add(one.source_id)
        cursor = pages[0].next_cursor
    assert len(seen) == 900
    assert read_cursor(cursor).started is None


async def test_a_walk_that_was_left_near_its_end_is_not_resumed_for_ever(open_account: OpenAccount) -> None:
    account = await open_account([])
    for name, position in (
        ("roles", Cursor(started=MachineClock().now(), offset=400)),
        ("rate_card_versions", Cursor(started=MachineClock().now(), witnesses=("702",))),
        ("time_entries", Cursor(started=MachineClock().now(), finished=MachineClock().now())),
    ):
        pages = [page async for page in account.source.read(name, position.text())]
        assert pages, name
        assert read_cursor(pages[-1].next_cursor).started is None, name
        again, found = await account.read(name, pages[-1].next_cursor)
        assert (len(found) > 0) is (name == "roles"), name
        assert len(again) <= 1


async def _first(account: Account, cursor: str | None):  # type: ignore[no-untyped-def]  # noqa: ANN202 - generator
    async for page in account.source.read("time_entries", cursor):
        yield page
        return


async def test_time_of_archived_projects_is_still_read(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry("a")])
    row_id = await account.entry_id("Chart of accounts")
    project = (await account.rows("time_entries"))[row_id]["workspace_id"]
    assert (await account.api.put(f"/workspaces/{project}.json", json={"workspace": {"archived": True}})).is_success
    assert await account.rows("time_entries") == {}
    assert (await account.api.get(f"/workspaces/{project}.json")).status_code == 404
    assert row_id in (await latest(account))[0]
    _, projects = await account.read("workspaces")
    assert one_of(projects, code="P-US").fields["status"] == "archived"


async def test_seeded_garbage_is_a_finding_beside_good_rows(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry("a"), seed_entry("b", notes="Other", raw={"time_in_minutes": "lots"})])
    pages, found = await account.read("time_entries")
    assert sorted(type(one).__name__ for one in found) == ["ReportedTime", "Unreadable"]
    assert pages[0].item_count == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind=FaultKind.TOKEN_EXPIRED), AccessError),
        (Fault(kind=FaultKind.FORBIDDEN), AccessError),
        (Fault(kind=FaultKind.NOT_FOUND), AccessError),
        (Fault(kind=FaultKind.UNPROCESSABLE), ContractError),
        (Fault(kind=FaultKind.HTTP_429), TransientError),
        (Fault(kind=FaultKind.HTTP_429, retry_after="7"), TransientError),
        (Fault(kind=FaultKind.HTTP_500), TransientError),
        (Fault(kind=FaultKind.HTTP_503), TransientError),
        (Fault(kind=FaultKind.OK_WITH_ERROR_BODY), TransientError),
        (Fault(kind=FaultKind.HTML_PAGE), TransientError),
        (Fault(kind=FaultKind.DROP), TransientError),
        (Fault(kind=FaultKind.CUT_BODY), TransientError),
    ],
)
async def test_what_goes_wrong_says_what_happens_next_and_loses_nothing(
    open_account: OpenAccount, fault: Fault, error: type[TieoutError]
) -> None:
    account = await open_account([seed_entry("a")])
    account.simulator.plan.force(fault)
    with pytest.raises(error) as failed:
        await account.read("time_entries")
    assert account.connection.secrets["access_token"] not in str(failed.value)
    if fault.retry_after is not None:
        assert isinstance(failed.value, TransientError)
        assert failed.value.retry_after_s == 7
    assert len((await latest(account))[0]) == 1


@pytest.mark.parametrize("variant", ["not_a_number", "duplicate_key", "nested", "truncated", "bad_utf8"])
async def test_an_answer_that_cannot_be_read_is_stored_and_asked_for_again(
    open_account: OpenAccount, variant: str
) -> None:
    account = await open_account([seed_entry("a")])
    account.simulator.plan.force(Fault(kind=FaultKind.SCHEMA_DRIFT, variant=variant))
    pages = [page async for page in account.source.read("time_entries", None)]
    (page,) = pages
    assert page.item_count is None
    with pytest.raises(ContractError):
        account.translator.translate("time_entries", page.payload)
    assert len((await latest(account, page.next_cursor))[0]) == 1


async def test_an_unreadable_answer_does_not_take_the_page_before_with_it(open_account: OpenAccount) -> None:
    moments = [f"2026-08-08T09:{place // 60:02}:{place % 60:02}+00:00" for place in range(300)]
    account = await open_account([seed_entry(f"k{at}", notes=at, updated_at=at) for at in moments])
    account.simulator.plan.force(Fault(kind=FaultKind.SCHEMA_DRIFT, variant="truncated", skip=1))
    pages: list[Page] = [page async for page in account.source.read("time_entries", None)]
    assert [page.item_count for page in pages] == [200, None]
    found, _ = await latest(account, pages[-1].next_cursor)
    assert len(found) >= 100


async def test_no_secret_is_tapped_and_the_vendor_is_asked_as_documented(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry("a")])
    tapped: list[Exchange] = []
    connection = Connection(
        **{
            name: getattr(account.connection, name)
            for name in ("system", "account", "settings", "secrets", "throttle", "clock")
        },
        http=HttpSettings(wire_tap=tapped.append),
    )
    source = KantataSource(KantataClient(connection), MachineClock())
    assert [page async for page in source.read("time_entries", None)]
    await source.aclose()
    (exchange,) = tapped
    shown = msgspec.json.encode(exchange).decode()
    assert account.connection.secrets["access_token"] not in shown
    for part in ("order=updated_at%3Aasc", "per_page=200", "from_archived_workspaces=true", "time_entries.json"):
        assert part in exchange.url


async def test_an_object_that_is_not_in_the_manifest_is_refused(open_account: OpenAccount) -> None:
    account = await open_account([])
    with pytest.raises(ContractError):
        await account.read("horoscopes")


async def test_people_who_work_while_we_read_hide_nothing(open_account: OpenAccount) -> None:
    entries = [seed_entry(f"k{place}", notes=f"n{place}", minutes=15) for place in range(700)]
    account = await open_account(entries)

    async def work() -> None:
        for place in range(0, 700, 23):
            account.change(PutTimeEntry(entry=msgspec.structs.replace(entries[place], minutes=30)))
            await asyncio.sleep(0)

    worker = asyncio.ensure_future(work())
    first, cursor = await latest(account)
    await worker
    later, _ = await latest(account, cursor)
    found = first | later
    assert len(found) == 700
    assert sum(one.hours == Decimal("0.5000") for one in found.values()) == len(range(0, 700, 23))
    json.loads(cursor or "{}")
