"""What the account's masters say: read through the connector from a local account, and rows that say too little."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.connectors.kantata.account import OpenAccount, one_of

from tieout.connect.manifest import DeleteVisibility, ReadCapability
from tieout.connect.simulator.control import PutClient, SetPeriod
from tieout.connect.simulator.seed import SeedClient
from tieout.connect.source import Unreadable, kind_of
from tieout.connectors.kantata.manifest import MANIFEST
from tieout.connectors.kantata.mapping import KantataTranslator
from tieout.errors import ContractError
from tieout.model.reported import RecordType, ReportedRecord

TRANSLATOR = KantataTranslator()


def answer(listed: str, collections: Mapping[str, list[dict[str, Any]]]) -> bytes:
    return json.dumps(
        {
            "results": [{"key": listed, "id": row["id"]} for row in collections[listed]],
            **{name: {row["id"]: row for row in rows} for name, rows in collections.items()},
        }
    ).encode()


async def test_a_project_tells_its_client_entity_service_line_and_rate_card(open_account: OpenAccount) -> None:
    account = await open_account([])
    _, projects = await account.read("workspaces")
    _, clients = await account.read("workspace_groups")
    _, cards = await account.read("rate_cards")
    acme = one_of(clients, code="ACME")
    assert (acme.type, acme.fields["name"], acme.deleted) == (RecordType.CLIENT, "Acme Corporation", False)
    card = one_of(cards, name="Standard US")
    assert card.fields["currency"] == "USD"
    project = one_of(projects, code="P-US")
    assert project.fields == {
        "code": "P-US",
        "name": "Ledger roll-out",
        "status": "active",
        "currency": "USD",
        "starts": "2026-01-01",
        "ends": "2027-01-01",
        "service_line": "Advisory",
    }
    assert project.references == {
        "client": acme.source_id,
        "legal_entity": "Northwind US Inc",
        "rate_card": card.source_id,
    }
    assert one_of(projects, code="P-JP").fields["status"] == "on_hold"


def a_project(*, values: Mapping[str, str] | None = None, **row: Any) -> Any:
    said = values or {}
    workspace = {
        "id": "1",
        "updated_at": "2026-09-01T08:00:00Z",
        "title": "Roll-out",
        "archived": False,
        "custom_field_value_ids": [str(one) for one, _ in enumerate(said)],
    }
    custom = [
        {"id": str(at), "updated_at": "2026-09-01T08:00:00Z", "custom_field_name": name, "display_value": value}
        for at, (name, value) in enumerate(said.items())
    ]
    (told,) = TRANSLATOR.translate(
        "workspaces",
        answer("workspaces", {"workspaces": [workspace | row], "custom_field_values": custom}),
    )
    return told


def test_a_project_tells_its_budget_contract_and_the_fields_of_the_account() -> None:
    told = a_project(
        values={"Budget Hours": "120.50", "contract number": "C-7", "Practice": "Data", "Region": "  "},
        budgeted=True,
        price="30000.00",
    )
    assert told.fields == {
        "name": "Roll-out",
        "budget_hours": "120.50",
        "budget_amount": "30000.00",
        "contract_number": "C-7",
        "custom:Practice": "Data",
    }


def test_a_price_without_a_budget_limits_nothing() -> None:
    assert "budget_amount" not in a_project(budgeted=False, price="30000.00").fields


@pytest.mark.parametrize("hours", ["many", "NaN", "1,5"])
def test_a_budget_that_is_no_number_is_said(hours: str) -> None:
    told = a_project(values={"Budget Hours": hours})
    assert isinstance(told, Unreadable)
    assert f"custom field 'Budget Hours' is not a number: {hours!r}" in told.problem


async def test_people_tell_employment_entity_and_role(open_account: OpenAccount) -> None:
    account = await open_account([])
    _, roles = await account.read("roles")
    _, people = await account.read("users")
    bo = one_of(people, email="bo@northwind.example")
    assert bo.fields == {
        "name": "Bo Lind",
        "email": "bo@northwind.example",
        "employment_from": "2021-05-01",
        "employment_to": "2026-09-01",
    }
    assert bo.references == {"legal_entity": "Northwind KK", "role": one_of(roles, name="Consultant").source_id}


@pytest.mark.parametrize("one", [one for one in MANIFEST.reads if one.deletes is DeleteVisibility.ABSENCE])
async def test_what_only_its_absence_tells_gone_is_declared_so_that_sweeps_ask_for_it(
    open_account: OpenAccount, one: ReadCapability
) -> None:
    account = await open_account([])
    _, items = await account.read(one.object)
    assert {kind_of(item) for item in items if not isinstance(item, Unreadable)} == set(one.kinds)


async def test_tasks_tell_whether_they_take_time(open_account: OpenAccount) -> None:
    account = await open_account([])
    _, tasks = await account.read("stories")
    by_name = {one.fields["name"]: one.fields for one in tasks if isinstance(one, ReportedRecord)}
    assert by_name["Travel"] == {"name": "Travel", "billable": False, "open_for_time": True}
    assert by_name["Blueprint"]["open_for_time"] is False


async def test_a_price_holds_until_the_next_version_takes_effect(open_account: OpenAccount) -> None:
    account = await open_account([])
    _, roles = await account.read("roles")
    consultant = one_of(roles, name="Consultant").source_id
    _, lines = await account.read("rate_card_versions")
    _, cards = await account.read("rate_cards")
    us, jp = (one_of(cards, name=f"Standard {code}").source_id for code in ("US", "JP"))
    found = {
        (line.references["rate_card"], line.fields["price"], line.fields["valid_from"], line.fields.get("valid_to"))
        for line in lines
        if isinstance(line, ReportedRecord) and line.references["role"] == consultant
    }
    assert found == {
        (us, "150.50", "2026-01-01", "2026-08-10"),
        (us, "160.00", "2026-08-10", None),
        (jp, "15000", "2026-01-01", None),
    }


async def test_only_the_present_cost_rate_is_known_and_without_dates(open_account: OpenAccount) -> None:
    account = await open_account([])
    _, people = await account.read("users")
    _, rates = await account.read("cost_rates")
    found = {rate.references["resource"]: rate.fields for rate in rates if isinstance(rate, ReportedRecord)}
    assert found == {
        one_of(people, name="Ann Ito").source_id: {"price": "90.00", "currency": "USD"},
        one_of(people, name="Bo Lind").source_id: {"price": "6000", "currency": "JPY"},
    }


async def test_a_financial_period_is_closed_once_all_entities_have_closed_it(open_account: OpenAccount) -> None:
    account = await open_account([])
    _, periods = await account.read("financial_periods")
    assert one_of(periods, code="2026-07").fields == {
        "code": "2026-07",
        "starts": "2026-07-01",
        "ends": "2026-08-01",
        "state": "closed",
    }
    assert one_of(periods, code="2026-08").fields["state"] == "open"
    account.change(SetPeriod(entity="US01", period="2026-08", closed=True))
    assert one_of((await account.read("financial_periods"))[1], code="2026-08").fields["state"] == "open"
    account.change(SetPeriod(entity="JP01", period="2026-08", closed=True))
    assert one_of((await account.read("financial_periods"))[1], code="2026-08").fields["state"] == "closed"


async def test_a_full_read_repeats_nothing_until_something_changes(open_account: OpenAccount) -> None:
    account = await open_account([])
    pages, _ = await account.read("workspace_groups")
    cursor = pages[-1].next_cursor
    assert (await account.read("workspace_groups", cursor))[0] == []
    account.change(PutClient(client=SeedClient(code="ACME", name="Acme Holdings", entity="US01", currency="USD")))
    account.change(PutClient(client=SeedClient(code="NEW", name="Newcomer", entity="US01", currency="USD")))
    _, clients = await account.read("workspace_groups", cursor)
    assert one_of(clients, code="ACME").fields["name"] == "Acme Holdings"
    assert one_of(clients, code="NEW").version > 0


def status_of(status: dict[str, Any] | None, *, archived: bool = False) -> object:
    row = {"id": "31", "updated_at": "2026-08-01T00:00:00Z", "title": "T", "archived": archived, "status": status}
    (found,) = TRANSLATOR.translate("workspaces", answer("workspaces", {"workspaces": [row]}))
    return found.fields.get("status") if isinstance(found, ReportedRecord) else found


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"color": "gray", "key": "105", "message": "Not Started"}, "approved"),
        ({"color": "light-green", "key": "200", "message": "In Setup"}, "provisioning"),
        ({"color": "Light Green"}, "provisioning"),
        ({"color": "green", "key": 305, "message": "In Development"}, "active"),
        ({"color": "yellow", "message": "Waiting"}, "active"),
        ({"color": "red", "message": "Blocked"}, "on_hold"),
        ({"color": "red", "key": "501", "message": "Cancelled"}, "archived"),
        ({"color": "yellow", "message": "On Hold"}, "on_hold"),
        ({"color": "blue", "message": "Done"}, "delivery_complete"),
        ({"color": "blue", "message": "Closed"}, "financially_closed"),
        (None, None),
    ],
)
def test_the_status_of_a_project_is_read_by_text_then_by_colour(
    status: dict[str, Any] | None, expected: str | None
) -> None:
    assert status_of(status) == expected


def test_an_archived_project_is_archived_whatever_its_status() -> None:
    assert status_of({"color": "green", "message": "Active"}, archived=True) == "archived"


def test_a_colour_nobody_documented_is_a_finding() -> None:
    found = status_of({"color": "mauve", "message": "Odd"})
    assert isinstance(found, Unreadable)
    assert "mauve" in found.problem


def test_the_client_is_the_primary_group_or_the_only_company() -> None:
    groups = [
        {"id": "1", "name": "Acme", "company": True},
        {"id": "2", "name": "Beta", "company": True},
        {"id": "3", "name": "Wave 2", "company": False},
    ]

    def client(primary: str | None, *members: str) -> str | None:
        row = {
            "id": "31",
            "updated_at": "2026-08-01T00:00:00Z",
            "title": "T",
            "archived": False,
            "primary_workspace_group_id": primary,
            "workspace_group_ids": members,
        }
        (found,) = TRANSLATOR.translate(
            "workspaces", answer("workspaces", {"workspaces": [row], "workspace_groups": groups})
        )
        assert isinstance(found, ReportedRecord)
        return found.references.get("client")

    assert client("2", "1", "2") == "2"
    assert client(None, "1", "3") == "1"
    assert client("3", "1", "3") == "1"
    assert client(None, "1", "2") is None
    assert client(None, "3") is None


def test_a_group_that_is_no_company_is_no_client() -> None:
    rows = [{"id": "1", "name": "Wave 2", "company": False, "updated_at": "2026-08-01T00:00:00Z"}]
    (found,) = TRANSLATOR.translate("workspace_groups", answer("workspace_groups", {"workspace_groups": rows}))
    assert isinstance(found, ReportedRecord)
    assert found.deleted


def test_a_hire_date_that_is_no_date_makes_the_person_a_finding() -> None:
    user = {"id": "11", "full_name": "Bo Lind", "custom_field_value_ids": ["5"]}
    value = {
        "id": "5",
        "updated_at": "2026-08-01T00:00:00Z",
        "custom_field_name": "hire date",
        "display_value": "soon",
        "value": "soon",
    }
    (found,) = TRANSLATOR.translate("users", answer("users", {"users": [user], "custom_field_values": [value]}))
    assert isinstance(found, Unreadable)
    assert found.source_id == "11"


def test_custom_fields_of_other_kinds_do_no_harm() -> None:
    user = {"id": "11", "full_name": "Bo Lind", "custom_field_value_ids": ["5", 6]}
    values: list[dict[str, Any]] = [
        {"id": "5", "updated_at": "2026-08-01T00:00:00Z", "custom_field_name": "Shoe size", "value": 44.5},
        {"id": "6", "updated_at": "2026-08-02T00:00:00Z", "custom_field_name": "HIRE DATE", "value": None},
    ]
    (found,) = TRANSLATOR.translate("users", answer("users", {"users": [user], "custom_field_values": values}))
    assert isinstance(found, ReportedRecord)
    assert found.fields == {"name": "Bo Lind"}


def test_deleted_roles_and_tasks_are_tombstones() -> None:
    gone = {"id": "3", "name": "Clerk", "updated_at": "2026-08-01T00:00:00Z", "deleted_at": "2026-08-02T00:00:00Z"}
    (role,) = TRANSLATOR.translate("roles", answer("roles", {"roles": [gone]}))
    story = {"id": "5", "title": "Old", "workspace_id": 31, "updated_at": "2026-08-01T00:00:00Z"} | {
        "deleted_at": "2026-08-02T00:00:00Z"
    }
    (task,) = TRANSLATOR.translate("stories", answer("stories", {"stories": [story]}))
    assert isinstance(role, ReportedRecord)
    assert isinstance(task, ReportedRecord)
    assert role.deleted
    assert task.deleted
    assert task.references == {"project": "31"}


def card_versions(**changes: Any) -> bytes:
    collections: dict[str, Any] = {
        "rate_card_versions": [
            {
                "id": "1501",
                "default_rate": None,
                "rate_card_id": "701",
                "rate_card_set_version_id": "121",
                "rate_card_role_ids": ["1"],
            }
        ],
        "rate_cards": [{"id": "701", "currency": "USD"}],
        "rate_card_set_versions": [{"id": "121", "effective_date": "2026-01-01", "active": True}],
        "rate_card_roles": [{"id": "1", "rate": 15000, "role_id": "3"}],
    } | changes
    return answer("rate_card_versions", collections)


def test_an_unpublished_version_prices_nothing() -> None:
    draft = [{"id": "121", "effective_date": "2026-01-01", "active": False}]
    assert list(TRANSLATOR.translate("rate_card_versions", card_versions(rate_card_set_versions=draft))) == []


def test_a_default_rate_is_a_line_without_role() -> None:
    version = {
        "id": "1501",
        "default_rate": 9900,
        "rate_card_id": "701",
        "rate_card_set_version_id": "121",
        "rate_card_role_ids": [],
    }
    (line,) = TRANSLATOR.translate("rate_card_versions", card_versions(rate_card_versions=[version]))
    assert isinstance(line, ReportedRecord)
    assert (line.source_id, line.fields["price"], line.references) == ("default-1501", "99.00", {"rate_card": "701"})


@pytest.mark.parametrize(
    "changes",
    [
        {"rate_card_set_versions": []},
        {"rate_card_set_versions": [{"id": "121", "effective_date": "soon", "active": True}]},
    ],
)
def test_prices_that_cannot_be_dated_are_refused_together(changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        TRANSLATOR.translate("rate_card_versions", card_versions(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"rate_card_roles": []},
        {"rate_card_roles": [{"id": "1", "rate": "150", "role_id": "3"}]},
        {"rate_cards": []},
        {"rate_cards": [{"id": "701", "currency": "XXL"}]},
    ],
)
def test_a_price_that_cannot_be_read_is_a_finding(changes: dict[str, Any]) -> None:
    (found,) = TRANSLATOR.translate("rate_card_versions", card_versions(**changes))
    assert isinstance(found, Unreadable)
    assert found.source_id == "1"


@pytest.mark.parametrize(("status", "ends"), [("ajar", "2026-08-31"), ("open", "2026-07-31")])
def test_a_period_of_an_unknown_state_or_without_days_is_a_finding(status: str, ends: str) -> None:
    row = {"id": "4", "start_date": "2026-08-01", "end_date": ends, "status": status}
    (found,) = TRANSLATOR.translate("financial_periods", answer("financial_periods", {"financial_periods": [row]}))
    assert isinstance(found, Unreadable)


def test_an_object_that_kantata_does_not_have_is_refused() -> None:
    with pytest.raises(ContractError):
        TRANSLATOR.translate("horoscopes", b"{}")
