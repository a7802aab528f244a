"""What answers of BambooHR mean, item by item; what does not say what it must is told, and the rest goes on."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tieout.connect.source import Translated, Unreadable
from tieout.connectors.bamboohr.connector import CONNECTOR
from tieout.errors import ContractError
from tieout.model.reported import ReportedLeave, ReportedRecord, ReportedTimeOff

EMPLOYEE = {
    "eeid": 12,
    "firstName": "Ann",
    "lastName": "Ito",
    "email": "ann@northwind.example",
    "status": "Active",
    "hireDate": "2020-03-01",
    "terminationDate": "0000-00-00",
    "jobInformationDepartment": "Audit",
    "jobInformationDivision": "Northwind US Inc",
    "jobInformationLocation": "New York",
    "supervisorEid": None,
    "standardHoursPerWeek": "40.00",
    "lastChanged": "2026-08-01T09:00:00+00:00",
}
REQUEST: dict[str, Any] = {
    "id": "7",
    "employeeId": "12",
    "status": {"status": "approved", "lastChanged": "2026-08-01"},
    "start": "2026-08-10",
    "end": "2026-08-12",
    "type": {"id": "78", "name": "Vacation"},
    "amount": {"unit": "hours", "amount": "20"},
    "dates": {"2026-08-10": "8", "2026-08-11": "8", "2026-08-12": "4"},
}
HOLIDAY: dict[str, Any] = {
    "id": 3,
    "name": "New Year",
    "startDate": "2026-12-31",
    "endDate": "2027-01-01",
    "countryCodes": ["US", "JP"],
    "updatedAt": "2026-01-05T10:00:00Z",
}


def translate(object_name: str, answer: object, **settings: str) -> list[Translated]:
    translator = CONNECTOR.configured(settings).translator
    assert translator is not None
    return list(translator.translate(object_name, msgspec.json.encode(answer)))


def employee(restricted: list[str] | None = None, **fields: object) -> Translated:
    row: dict[str, object] = {"fields": EMPLOYEE | fields}
    if restricted is not None:
        row["_restrictedFields"] = restricted
    (found,) = translate("employees", {"data": [row]})
    return found


def problem(found: Translated) -> str:
    assert isinstance(found, Unreadable), found
    return found.problem


def test_a_termination_date_of_zeros_is_none() -> None:
    found = employee()
    assert isinstance(found, ReportedRecord)
    assert found.fields["employment_to"] is None


def test_employment_ends_on_the_day_after_the_termination_date() -> None:
    found = employee(terminationDate="2026-12-31", status="Inactive")
    assert isinstance(found, ReportedRecord)
    assert found.fields["employment_to"] == "2027-01-01"


def test_a_field_that_the_key_may_not_see_is_not_told_at_all_instead_of_being_told_empty() -> None:
    found = employee(
        ["terminationDate", "standardHoursPerWeek", "jobInformationDivision"],
        terminationDate=None,
        standardHoursPerWeek=None,
        jobInformationDivision=None,
        status="Inactive",
    )
    assert isinstance(found, ReportedRecord)
    assert "employment_to" not in found.fields
    assert "weekly_hours" not in found.fields
    assert "legal_entity" not in found.references


def test_a_name_that_the_key_may_not_see_makes_no_person() -> None:
    assert "may not see" in problem(employee(["firstName"], firstName=None))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "Dormant"}, "the status 'Dormant' is unknown"),
        ({"status": "Inactive"}, "it is inactive and has no termination date"),
        ({"hireDate": "spring"}, "hireDate is no date: 'spring'"),
        ({"standardHoursPerWeek": "full"}, "standardHoursPerWeek is no number: 'full'"),
        ({"standardHoursPerWeek": "-1"}, "standardHoursPerWeek is below zero or no number: '-1'"),
        ({"standardHoursPerWeek": {"value": 40}}, "standardHoursPerWeek is neither a number nor a text"),
        ({"firstName": "", "lastName": " "}, "it has no name"),
        ({"jobInformationDivision": ["US"]}, "jobInformationDivision is no text"),
        ({"lastChanged": "2026-08-01T09:00:00"}, "lastChanged"),
        ({"lastChanged": None}, "lastChanged"),
    ],
)
def test_an_employee_that_does_not_say_what_it_must_is_told_in_words(fields: dict[str, object], words: str) -> None:
    assert words in problem(employee(None, **fields))


def test_somebody_hired_for_a_later_day_may_be_inactive() -> None:
    assert isinstance(employee(status="Inactive", hireDate="2026-09-01"), ReportedRecord)


def test_a_field_that_is_missing_is_told_and_the_other_rows_go_on() -> None:
    rows = [{"fields": {name: value for name, value in EMPLOYEE.items() if name != "hireDate"}}, {"fields": EMPLOYEE}]
    bad, good = translate("employees", {"data": rows})
    assert "hireDate" in problem(bad)
    assert isinstance(bad, Unreadable)
    assert bad.source_id == "12"
    assert isinstance(good, ReportedRecord)


def test_an_answer_without_rows_cannot_be_read() -> None:
    for object_name in ("employees", "changed_employees", "time_off", "holidays", "departments", "webhook"):
        with pytest.raises(ContractError):
            translate(object_name, {"page": 1})
    with pytest.raises(ContractError):
        translate("payslips", {"data": []})


def test_only_deletions_are_items_of_the_feed_of_changes_and_unknown_actions_are_told() -> None:
    changes = {
        str(number): {"id": str(number), "action": action, "lastChanged": "2026-08-01T09:00:00+00:00"}
        for number, action in enumerate(("Inserted", "Updated", "Deleted", "Merged"))
    }
    gone, unknown = translate("changed_employees", {"latest": "2026-08-01T09:00:00+00:00", "employees": changes})
    assert isinstance(gone, ReportedRecord)
    assert (gone.source_id, gone.deleted) == ("2", True)
    assert "the action 'Merged' is unknown" in problem(unknown)


def test_an_empty_map_of_changes_may_come_as_an_empty_list() -> None:
    assert translate("changed_employees", {"latest": "2026-08-01T09:00:00+00:00", "employees": []}) == []


def time_off(**fields: object) -> Translated:
    (found,) = translate("time_off", [REQUEST | fields])
    return found


def hours(found: Translated) -> tuple[Decimal | None, dict[date, Decimal] | None]:
    assert isinstance(found, ReportedTimeOff), found
    return found.hours_per_day, found.hours_by_day


def test_hours_that_differ_from_day_to_day_are_told_by_day() -> None:
    per_day, by_day = hours(time_off())
    assert per_day is None
    assert by_day == {
        date(2026, 8, 10): Decimal("8.0000"),
        date(2026, 8, 11): Decimal("8.0000"),
        date(2026, 8, 12): Decimal("4.0000"),
    }


def test_equal_hours_on_all_working_days_are_told_once_and_weekends_do_not_count() -> None:
    dates = {"2026-08-14": "4", "2026-08-15": "0", "2026-08-16": "0", "2026-08-17": "4"}
    assert hours(time_off(start="2026-08-14", end="2026-08-17", dates=dates)) == (Decimal("4.0000"), None)


def test_a_working_day_without_an_amount_is_not_away() -> None:
    dates = {"2026-08-10": "1", "2026-08-11": "0", "2026-08-12": "1"}
    found = time_off(amount={"unit": "days", "amount": "2"}, dates=dates)
    assert hours(found) == (None, {date(2026, 8, 10): Decimal("8.0000"), date(2026, 8, 12): Decimal("8.0000")})


def test_whole_days_are_told_without_hours() -> None:
    dates = {"2026-08-10": 1, "2026-08-11": "1", "2026-08-12": "1.00"}
    assert hours(time_off(amount={"unit": "days", "amount": "3"}, dates=dates)) == (None, None)


def test_half_days_are_halves_of_the_working_day_that_a_setting_gives() -> None:
    request = REQUEST | {
        "end": "2026-08-10",
        "amount": {"unit": "days", "amount": "0.5"},
        "dates": {"2026-08-10": "0.5"},
    }
    (found,) = translate("time_off", [request], hours_per_day="7.5")
    assert hours(found) == (Decimal("3.7500"), None)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("requested", ReportedLeave.REQUESTED),
        ("denied", ReportedLeave.REJECTED),
        ("canceled", ReportedLeave.CANCELLED),
        ("superceded", ReportedLeave.CANCELLED),
    ],
)
def test_every_status_of_a_request_has_its_state(status: str, state: ReportedLeave) -> None:
    found = time_off(status={"status": status, "lastChanged": "2026-08-01"})
    assert isinstance(found, ReportedTimeOff)
    assert found.state is state


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": {"status": "parked", "lastChanged": "2026-08-01"}}, "the status 'parked' is unknown"),
        ({"status": {"status": "approved", "lastChanged": "May"}}, "its time of change is none: 'May'"),
        ({"status": {"status": "approved", "lastChanged": "2026-08-01 10:00"}}, "names no zone"),
        ({"end": "2026-08-01"}, "it lasts from 2026-08-10 to 2026-08-01"),
        ({"amount": {"unit": "weeks", "amount": "1"}}, "the unit 'weeks' is unknown"),
        ({"dates": {"2026-08-10": "0"}}, "no day of it has an amount"),
        ({"dates": {"2026-09-10": "8"}}, "which is not one of its days"),
    ],
)
def test_time_off_that_does_not_say_what_it_must_is_told_in_words(fields: dict[str, object], words: str) -> None:
    assert words in problem(time_off(**fields))


def test_a_holiday_of_two_days_in_two_countries_is_four_records() -> None:
    found = translate("holidays", {"data": [HOLIDAY]})
    assert [one.source_id for one in found] == [
        "3:2026-12-31:US",
        "3:2026-12-31:JP",
        "3:2027-01-01:US",
        "3:2027-01-01:JP",
    ]


def test_a_holiday_without_countries_and_end_is_one_day_everywhere() -> None:
    (found,) = translate("holidays", {"data": [HOLIDAY | {"countryCodes": [], "endDate": None}]})
    assert isinstance(found, ReportedRecord)
    assert found.fields == {"day": "2026-12-31", "name": "New Year", "fraction": "1"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"endDate": "2026-12-01"}, "it lasts from 2026-12-31 to 2026-12-01"),
        ({"audience": {"mode": "SPECIFIC_EMPLOYEES", "specificEmployeeIds": [3]}}, "it is not for everybody"),
        ({"audience": {"mode": "ALL", "exemptEmployeeIds": [3]}}, "it is not for everybody"),
        ({"countryCodes": ["US", "US"]}, "it names country US twice"),
        ({"updatedAt": None}, "updatedAt"),
    ],
)
def test_a_holiday_that_is_no_holiday_of_all_is_told_in_words(fields: dict[str, object], words: str) -> None:
    (found,) = translate("holidays", {"data": [HOLIDAY | fields]})
    assert words in problem(found)


def pay(*rows: dict[str, object], **settings: str) -> list[Translated]:
    told = {"table": "compensation", "employees": {"12": {"lastChanged": "2026-08-01T09:00:00Z", "rows": list(rows)}}}
    return translate("compensation", told, pay="read", **settings)


def pay_row(start: str, value: str, paid_per: str = "Hour", currency: str = "USD") -> dict[str, object]:
    return {"startDate": start, "rate": {"currency": currency, "value": value}, "paidPer": paid_per}


@pytest.mark.parametrize(
    ("paid_per", "value", "price"),
    [("Year", "90000.00", "50.00"), ("Month", "7500", "50.00"), ("Every other week", "3461.54", "50.00")],
)
def test_a_salary_is_spread_over_the_hours_of_a_year_that_a_setting_gives(
    paid_per: str, value: str, price: str
) -> None:
    (found,) = pay(pay_row("2026-01-01", value, paid_per), hours_per_year="1800")
    assert isinstance(found, ReportedRecord)
    assert found.fields["price"] == price


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (pay_row("2026-01-01", "90000", "Year"), "no setting says how many hours a year has"),
        (pay_row("2026-01-01", "500", "Day"), "paid per 'Day'"),
        (pay_row("2026-01-01", "much"), "rate is no number"),
        ({"startDate": "2026-01-01", "rate": "50.00 USD", "paidPer": "Hour"}, "rate"),
    ],
)
def test_pay_that_names_no_price_of_an_hour_is_told_in_words(row: dict[str, object], words: str) -> None:
    (found,) = pay(row)
    assert words in problem(found)


def test_two_rows_of_pay_from_one_day_on_are_both_told_as_wrong() -> None:
    first, second = pay(pay_row("2026-01-01", "50"), pay_row("2026-01-01", "60"))
    assert "several rows begin on 2026-01-01" in problem(first)
    assert "several rows begin on 2026-01-01" in problem(second)
