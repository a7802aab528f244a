"""The local account answers as the vendor documents: envelope, pages, filters, errors, approvals, locks, events."""

from pathlib import Path

import msgspec
import pytest
from tests.unit.connectors.kantata.account import Account, OpenAccount, seed_entry, write_seed

from tieout.connect.simulator.base import SimulatorOptions, UnsupportedChangeError
from tieout.connect.simulator.control import DeleteHolding, DeleteTimeEntry, PutTimeEntry
from tieout.connectors.kantata.simulator import SIMULATOR
from tieout.connectors.kantata.simulator.reads import COLLECTIONS

THREE = [seed_entry("a"), seed_entry("b", notes="Other"), seed_entry("c", notes="Third", approved=False)]


async def test_rows_lie_beside_an_ordered_list_of_references(open_account: OpenAccount) -> None:
    account = await open_account(THREE)
    answer = (await account.api.get("/time_entries.json", params={"include": "user,workspace", "per_page": "2"})).json()
    assert answer["count"] == 3
    assert answer["meta"] == {"count": 3, "page_count": 2, "page_number": 1, "page_size": 2}
    assert [one["key"] for one in answer["results"]] == ["time_entries", "time_entries"]
    for one in answer["results"]:
        row = answer["time_entries"][one["id"]]
        assert answer["users"][row["user_id"]]["full_name"] == "Bo Lind"
        assert answer["workspaces"][row["workspace_id"]]["title"] == "Ledger roll-out"


async def test_equal_times_of_change_are_ordered_by_id_and_limits_win_over_pages(open_account: OpenAccount) -> None:
    account = await open_account(THREE)
    query = {"order": "updated_at:asc", "limit": "2", "offset": "1", "page": "9", "per_page": "1"}
    answer = (await account.api.get("/time_entries.json", params=query)).json()
    ids = [int(one["id"]) for one in answer["results"]]
    assert ids == sorted(ids)
    assert len(ids) == 2
    newest_first = {**query, "order": "updated_at:desc"}
    turned = (await account.api.get("/time_entries.json", params=newest_first)).json()
    assert [int(one["id"]) for one in turned["results"]] == [ids[0], ids[0] - 1]


async def test_only_drops_what_is_not_there_and_show_says_404(open_account: OpenAccount) -> None:
    account = await open_account(THREE)
    row_id = await account.entry_id("Other")
    assert list(await account.rows("time_entries", only=f"{row_id},99")) == [row_id]
    assert (await account.api.get("/time_entries/99.json")).status_code == 404
    assert (await account.api.get(f"/time_entries/{row_id}")).json()["results"] == [
        {"key": "time_entries", "id": row_id}
    ]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/time_entries.json?updated_after=yesterday", 400, "system"),
        ("/time_entries.json?per_page=many", 400, "system"),
        ("/time_entries.json?colour=blue", 400, "system"),
        ("/custom_field_values.json", 400, "system"),
        ("/horoscopes.json", 404, "system"),
    ],
)
async def test_errors_come_in_the_vendors_envelope(
    open_account: OpenAccount, path: str, status: int, kind: str
) -> None:
    account = await open_account([])
    answer = await account.api.get(path)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["type"] == kind
    assert "x-request-id" in answer.headers


async def test_without_a_token_nothing_is_told(open_account: OpenAccount) -> None:
    account = await open_account(THREE)
    answer = await account.api.get("/time_entries.json", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    assert answer.json() == {"errors": [{"type": "oauth", "message": "Invalid OAuth 2 Request"}]}


async def create(account: Account, **fields: object) -> tuple[int, dict[str, object]]:
    answer = await account.api.post("/time_entries.json", json={"time_entry": fields})
    body: dict[str, object] = answer.json()
    return answer.status_code, body


async def test_a_new_entry_is_checked_and_priced_by_the_rate_card(open_account: OpenAccount) -> None:
    account = await open_account(THREE)
    seeded = (await account.rows("time_entries"))[await account.entry_id("Other")]
    project, person, task = seeded["workspace_id"], seeded["user_id"], seeded["story_id"]
    status, body = await create(account)
    assert status == 422
    assert [one["field"] for one in body["errors"]] == ["workspace_id", "date_performed", "time_in_minutes"]  # type: ignore[attr-defined]
    plain = {"workspace_id": project, "user_id": person, "story_id": task, "time_in_minutes": 50}
    status, body = await create(account, date_performed="2026-08-12", **plain)
    assert status == 200
    (row,) = body["time_entries"].values()  # type: ignore[attr-defined]
    assert (row["rate_in_cents"], row["currency"], row["approved"], row["billable"]) == (16000, "USD", False, True)
    assert (await create(account, date_performed="2026-07-31", **plain))[0] == 422
    assert (await create(account, date_performed="2026-08-12", **plain | {"workspace_id": 1}))[0] == 422
    assert (await create(account, date_performed="2026-08-12", **plain | {"time_in_minutes": "long"}))[0] == 422
    bulk = await account.api.post(
        "/time_entries.json", json={"time_entries": [plain | {"date_performed": "2026-08-13"}] * 2}
    )
    assert len(bulk.json()["results"]) == 2


async def test_locked_time_cannot_be_changed_or_deleted(open_account: OpenAccount) -> None:
    account = await open_account([seed_entry("old", work_date="2026-07-30", approved=False)])
    row_id = await account.entry_id("Chart of accounts")
    assert (await account.api.delete(f"/time_entries/{row_id}.json")).status_code == 422
    changed = await account.api.put(f"/time_entries/{row_id}.json", json={"time_entry": {"notes": "x"}})
    assert changed.status_code == 422
    assert await account.rows("time_entries", only=row_id)


async def test_a_bulk_deletion_is_all_or_nothing(open_account: OpenAccount) -> None:
    account = await open_account([*THREE, seed_entry("old", notes="Old", work_date="2026-07-30")])
    ids = [await account.entry_id(notes) for notes in ("Other", "Old")]
    assert (await account.api.delete("/time_entries.json", params={"ids": ",".join(ids)})).status_code == 422
    assert len(await account.rows("time_entries")) == 4
    assert (await account.api.delete("/time_entries.json", params={"ids": ids[0]})).status_code == 204
    assert len(await account.rows("time_entries")) == 3


@pytest.mark.parametrize(("verb", "status"), [("approve", 422), ("cancel", 422), ("reject", 200)])
async def test_an_approved_submission_can_only_be_rejected(open_account: OpenAccount, verb: str, status: int) -> None:
    account = await open_account([seed_entry("a")])
    (submission,) = await account.rows("timesheet_submissions", statuses="approved")
    answer = await account.api.put(f"/timesheet_submissions/{submission}/{verb}.json", json={})
    assert answer.status_code == status
    (entry,) = (await account.rows("time_entries", include="active_submission")).values()
    assert entry["approved"] is (status == 422)
    assert (entry["active_submission_id"] is None) is (status == 200)


async def test_every_event_of_many_comes_at_least_once_in_no_order_and_some_again_later(
    open_account: OpenAccount,
) -> None:
    account = await open_account([seed_entry(f"k{place}", notes=str(place)) for place in range(40)])
    account.change(*(DeleteTimeEntry(key=f"k{place}") for place in range(40)))
    account.simulator.set_clock_offset(10)
    query = {"event_types": "time_entry:deleted", "order": "created_at:asc", "per_page": "200"}
    events = list((await account.rows("subscribed_events", **query)).values())
    subjects = [one["subject_id"] for one in events]
    assert len(set(subjects)) == 40
    assert len(subjects) > 40
    assert any(one["created_at"] > one["subject_changed_at"] for one in events)
    assert subjects != sorted(subjects)
    assert "previous_payload" not in events[0]
    account.simulator.set_clock_offset(10 * 24 * 3600)
    assert await account.rows("subscribed_events", **query) == {}


async def test_what_was_answered_survives_a_crash(open_account: OpenAccount, tmp_path: Path) -> None:
    account = await open_account(THREE)
    row_id = await account.entry_id("Third")
    assert (await account.api.delete(f"/time_entries/{row_id}.json")).status_code == 204
    account.change(PutTimeEntry(entry=seed_entry("d", notes="Fourth")))
    counted = account.simulator.object_counts()
    again = SIMULATOR(SimulatorOptions(state_dir=tmp_path / "state0"))
    assert again.object_counts() == counted
    again.apply_change(PutTimeEntry(entry=seed_entry("e", notes="Fifth")))
    assert again.object_counts()["time_entries"] == counted["time_entries"] + 1
    again.state.close()


async def test_a_second_seed_replaces_the_first(open_account: OpenAccount, tmp_path: Path) -> None:
    account = await open_account(THREE)
    first = account.simulator.object_counts()
    account.simulator.seed(write_seed(tmp_path / "again", THREE[:1]))
    second = account.simulator.object_counts()
    assert second["time_entries"] == 1
    assert {name: n for name, n in second.items() if name != "time_entries" and n != first[name]} == {}


async def test_changes_that_kantata_does_not_have_are_refused(open_account: OpenAccount) -> None:
    account = await open_account(THREE)
    for change in (
        DeleteHolding(reference="TIE-1"),
        DeleteTimeEntry(key="nobody"),
        PutTimeEntry(entry=seed_entry("z", person="nobody")),
    ):
        with pytest.raises(UnsupportedChangeError):
            account.change(change)


async def test_every_collection_answers_an_empty_account(open_account: OpenAccount) -> None:
    account = await open_account([])
    for collection in sorted(COLLECTIONS):
        query = {"subject_type": "User"} if collection == "custom_field_values" else {}
        assert (await account.api.get(f"/{collection}.json", params=query)).is_success, collection


def test_many_entries_are_seeded_and_served_a_page_at_a_time(tmp_path: Path) -> None:
    entries = [seed_entry(f"k{place}", notes=f"n{place}", minutes=15) for place in range(20_000)]
    directory = write_seed(tmp_path / "seed", entries)
    simulator = SIMULATOR(SimulatorOptions(state_dir=tmp_path / "state"))
    simulator.seed(directory)
    query = {
        "include": "active_submission,recent_submission",
        "order": "updated_at:asc",
        "per_page": "200",
        "updated_after": "2026-08-01T00:00:00Z",
    }
    answer = simulator._reads.index("time_entries", query).answer()
    assert isinstance(answer.body, bytes)
    page = msgspec.json.decode(answer.body)
    assert page["count"] == 20_000
    assert len(page["time_entries"]) == 200
    simulator.state.close()
