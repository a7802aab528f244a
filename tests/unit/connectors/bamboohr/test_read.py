"""What is asked of BambooHR, and that nothing is lost between two readings."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.connectors.bamboohr.company import ANN, BO, Company, OpenCompany, absences, changed, records

from tieout.connect.simulator.control import DeleteRecord, PutPerson, PutTimeOff
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.seed import SeedPerson, SeedTimeOff
from tieout.connectors.bamboohr import read
from tieout.connectors.bamboohr.connector import CONNECTOR
from tieout.connectors.bamboohr.records import EMPLOYEE_FIELDS
from tieout.errors import AccessError, ConfigurationError, ContractError, TransientError
from tieout.model.reported import RecordType, ReportedLeave


def person(number: int) -> SeedPerson:
    return changed(ANN, key=f"p{number}", name=f"Person {number}", email=f"p{number}@northwind.example")


async def test_an_employee_is_told_with_employment_hours_place_manager_unit_and_entity(company: Company) -> None:
    _, found = await company.read("employees")
    told = records(found)
    (ann,) = [one for one in told.values() if one.fields["email"] == "ann@northwind.example"]
    (bo,) = [one for one in told.values() if one.fields["email"] == "bo@northwind.example"]
    assert bo.type is RecordType.RESOURCE
    assert bo.fields == {
        "name": "Bo van der Berg",
        "email": "bo@northwind.example",
        "employment_from": "2024-01-01",
        "employment_to": "2026-10-16",
        "location": "Tokyo",
        "weekly_hours": "32.00",
    }
    assert bo.references == {"legal_entity": "Northwind KK", "org_unit": "Tax", "manager": ann.source_id}
    assert ann.fields["employment_to"] is None


async def test_nothing_that_is_not_on_the_list_is_ever_asked_of_a_person(open_company: OpenCompany) -> None:
    company = await open_company(fte_field="customFte")
    for capability in company.connector.manifest.reads:
        await company.read(capability.object)
    asked = {
        name
        for one in company.exchanges
        if one.method == "POST"
        for name in json.loads(one.request_body).get("fields", [])
    }
    assert asked == {*EMPLOYEE_FIELDS, "jobInformationDivision", "customFte"}
    assert not any("compensation" in one.url for one in company.exchanges)
    assert not any("1990-01-01" in one.response_body for one in company.exchanges)


async def test_pay_cannot_be_read_unless_a_setting_asks_for_it(company: Company) -> None:
    assert company.connector.manifest.read("compensation") is None
    with pytest.raises(ContractError) as refused:
        await company.read("compensation")
    assert refused.value.code == "TIE-BAMBOOHR-001"
    assert not company.exchanges


async def test_pay_becomes_cost_rates_where_a_setting_asks_for_it(open_company: OpenCompany) -> None:
    company = await open_company(pay="read")
    assert company.connector.manifest.read("compensation") is not None
    _, found = await company.read("compensation")
    rates = [one.fields for one in records(found).values()]
    assert {"price": "90.00", "currency": "USD", "valid_from": "2020-03-01", "valid_to": "2026-01-01"} in rates
    assert {"price": "95.50", "currency": "USD", "valid_from": "2026-01-01", "valid_to": None} in rates
    assert {"price": "8000", "currency": "JPY", "valid_from": "2024-01-01", "valid_to": None} in rates


async def test_the_share_of_full_time_comes_from_the_field_that_a_setting_names(open_company: OpenCompany) -> None:
    company = await open_company(fte_field="customFte")
    _, found = await company.read("employees")
    assert sorted(str(one.fields["fte"]) for one in records(found).values()) == ["0.8", "1"]


async def test_a_setting_that_names_a_private_field_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        CONNECTOR.configured({"fte_field": "dateOfBirth"})
    with pytest.raises(ConfigurationError):
        CONNECTOR.configured({"legal_entity_field": "compensationPayRate"})


async def test_a_field_that_the_company_does_not_have_is_an_error_and_no_empty_reading(
    open_company: OpenCompany,
) -> None:
    company = await open_company(fte_field="customNoSuchField")
    with pytest.raises(ContractError) as refused:
        await company.read("employees")
    assert "Unknown fields: customNoSuchField" in refused.value.message


async def test_a_change_is_read_from_the_cursor_and_unchanged_answers_are_held_back(company: Company) -> None:
    pages, _ = await company.read("employees")
    again, _ = await company.read("employees", pages[-1].next_cursor)
    assert again == []
    company.change(PutPerson(person=changed(BO, location="Osaka")))
    _, found = await company.read("employees", pages[-1].next_cursor)
    assert "Osaka" in {one.fields["location"] for one in records(found).values()}


async def test_people_changed_in_one_instant_are_all_read_whatever_the_page(
    open_company: OpenCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "EMPLOYEES_PER_PAGE", 3)
    company = await open_company(people=[person(number) for number in range(10)])
    pages, found = await company.read("employees")
    assert {one.fields["name"] for one in records(found).values()} == {f"Person {number}" for number in range(10)}
    assert len(pages) > 3
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(3 * len(pages)):
        page = await anext(company.source.read("employees", cursor), None)
        if page is None:
            break
        seen |= {str(one.fields["name"]) for one in records(company.translated(page)).values()}
        cursor = page.next_cursor
    assert len(seen) == 10


async def test_somebody_changed_while_pages_are_read_moves_nobody_out_of_sight(
    open_company: OpenCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "EMPLOYEES_PER_PAGE", 3)
    company = await open_company(people=[person(0)])
    company.simulator.set_clock_offset(10)
    for number in range(1, 9):
        company.simulator.set_clock_offset(10 + 10 * number)
        company.change(PutPerson(person=person(number)))
    seen: set[str] = set()
    async for page in company.source.read("employees", None):
        if not seen:
            company.simulator.set_clock_offset(200)
            company.change(PutPerson(person=person(0)), PutPerson(person=person(1)))
        seen |= {str(one.fields["name"]) for one in records(company.translated(page)).values()}
    assert seen == {f"Person {number}" for number in range(9)}


async def test_a_deleted_employee_becomes_a_tombstone_above_every_version_of_it(company: Company) -> None:
    before = {str(one.fields["name"]): one for one in records((await company.read("employees"))[1]).values()}
    pages, none = await company.read("changed_employees")
    assert (pages, none) == ([], [])
    company.change(DeleteRecord(kind="person", key="bo"))
    pages, found = await company.read("changed_employees")
    (gone,) = records(found).values()
    bo = before["Bo van der Berg"]
    assert (gone.type, gone.source_id, gone.deleted) == (RecordType.RESOURCE, bo.source_id, True)
    assert gone.version > bo.version
    assert (await company.read("changed_employees", pages[-1].next_cursor))[0] == []


async def test_departments_are_units_under_the_name_that_employees_refer_to(company: Company) -> None:
    _, found = await company.read("departments")
    units = records(found)
    assert units.keys() == {"Audit", "Tax"}
    assert units["Tax"].fields == {"code": "Tax", "name": "Tax"}
    assert units["Tax"].type is RecordType.ORG_UNIT


async def test_time_off_has_its_days_its_state_and_hours_where_days_are_not_whole(company: Company) -> None:
    _, found = await company.read("time_off")
    told = absences(found)
    vacation, sick = told["Vacation"], told["Sick"]
    assert (vacation.state, vacation.hours_per_day, vacation.hours_by_day) == (ReportedLeave.APPROVED, None, None)
    assert (vacation.starts.isoformat(), vacation.ends.isoformat()) == ("2026-08-10", "2026-08-17")
    assert (sick.state, str(sick.hours_per_day)) == (ReportedLeave.REQUESTED, "2.5000")


async def test_time_off_that_is_approved_later_that_day_has_a_greater_version(company: Company) -> None:
    before = absences((await company.read("time_off"))[1])["Sick"]
    approved = SeedTimeOff(
        key="dentist",
        person="ann",
        starts="2026-09-02",
        ends="2026-09-02",
        kind="Sick",
        updated_at="2026-08-20T15:00:00Z",
        minutes_per_day=150,
    )
    company.change(PutTimeOff(time_off=approved))
    after = absences((await company.read("time_off"))[1])["Sick"]
    assert after.state is ReportedLeave.APPROVED
    assert after.version > before.version


async def test_time_off_is_read_from_the_day_and_as_far_ahead_as_settings_say(open_company: OpenCompany) -> None:
    today = datetime.now(UTC).date()
    company = await open_company(time_off_from=today.isoformat(), time_off_future_days="0")
    await company.read("time_off")
    assert len(company.exchanges) == 1
    later = await open_company(time_off_from=(today + timedelta(days=200)).isoformat(), time_off_future_days="0")
    assert await later.read("time_off") == ([], [])
    assert not later.exchanges


async def test_holidays_come_by_day_and_country(company: Company) -> None:
    _, found = await company.read("holidays")
    days = {(one.fields["country"], one.fields["day"], one.fields["name"]) for one in records(found).values()}
    assert days == {("US", "2026-11-26", "Thanksgiving"), ("JP", "2026-11-23", "勤労感謝の日")}


@pytest.mark.parametrize("kind", [FaultKind.HTTP_429, FaultKind.HTTP_503])
async def test_a_limited_read_says_when_to_come_back_with_either_status(company: Company, kind: FaultKind) -> None:
    company.simulator.plan.force(Fault(kind=kind, retry_after="17"))
    with pytest.raises(TransientError) as limited:
        await company.read("employees")
    assert limited.value.retry_after_s == 17
    assert "Rate limit exceeded" in limited.value.message


async def test_words_of_an_error_come_from_the_header(company: Company) -> None:
    company.simulator.plan.force(Fault(kind=FaultKind.FORBIDDEN))
    with pytest.raises(AccessError) as refused:
        await company.read("holidays")
    assert "Insufficient permissions" in refused.value.message


async def test_a_position_of_another_connector_is_refused(company: Company) -> None:
    with pytest.raises(ContractError) as refused:
        await company.read("employees", "17")
    assert refused.value.code == "TIE-BAMBOOHR-002"


async def test_rows_that_appear_late_are_read_within_the_overlap(company: Company) -> None:
    pages, _ = await company.read("employees")
    company.simulator.set_clock_offset(-timedelta(minutes=4).total_seconds())
    company.change(PutPerson(person=changed(ANN, key="late", name="Late Comer", email="late@northwind.example")))
    _, found = await company.read("employees", pages[-1].next_cursor)
    assert "Late Comer" in {one.fields["name"] for one in records(found).values()}
