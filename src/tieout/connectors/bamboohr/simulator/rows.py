"""The rows of a local BambooHR company, and how the seed firm becomes them.

Employees are kept as documents of dataset fields. A change of an employee moves ``changed`` on, deleting leaves a row
in ``change`` with the action Deleted. Neighbours: ``bamboo_hr`` answers from these rows.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from tieout.connect.simulator.base import UnsupportedChangeError
from tieout.connect.simulator.seed import (
    SeedCostRate,
    SeedFirm,
    SeedHoliday,
    SeedPerson,
    SeedTimeOff,
    read_firm,
)
from tieout.connect.simulator.state import State

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

SCHEMA: Final = """
create table if not exists employee (
    id integer primary key,
    key text not null unique,
    country text not null,
    changed integer not null,
    fields blob not null,
    pay blob not null
);
create index if not exists employee_changed on employee (changed, id);
create table if not exists change (
    employee_id integer primary key,
    action text not null,
    changed integer not null
);
create table if not exists time_off (
    id integer primary key,
    key text not null unique,
    first text not null,
    last text not null,
    body blob not null
);
create table if not exists holiday (
    id integer primary key,
    starts text not null,
    body blob not null
);
create table if not exists webhook (
    id integer primary key,
    private_key text not null,
    body blob not null
);
create table if not exists delivery (
    id integer primary key,
    webhook_id integer not null,
    sent integer not null,
    signature text not null,
    body text not null
);
"""
TABLES: Final = ("employee", "change", "time_off", "holiday", "webhook", "delivery")

FTE_FIELD: Final = "customFte"
_SATURDAY: Final = 6
_MINUTES: Final = Decimal(60)
_EXPONENTS: Final = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
_STATUSES: Final = {
    "requested": "requested",
    "approved": "approved",
    "denied": "denied",
    "rejected": "denied",
    "canceled": "canceled",
    "cancelled": "canceled",
}


class Employee(msgspec.Struct, frozen=True, kw_only=True):
    """One employee: ``changed`` in seconds since 1970, ``fields`` by the names of the dataset."""

    id: int
    key: str
    changed: int
    fields: dict[str, Json]
    pay: list[Json]


class Rows:
    """Reads and writes the rows of one company."""

    def __init__(self, state: State) -> None:
        self._state = state

    def fill(self, firm_dir: Path, *, at: int) -> None:
        """Replace everything by the firm in ``firm_dir``; its people were made at ``at`` (seconds since 1970)."""
        firm = read_firm(firm_dir)
        with self._state.transaction():
            for table in TABLES:
                self._state.run(f"delete from {table}")  # noqa: S608 - names of our own tables
            self._state.put("entities", {one.code: [one.name, one.country] for one in firm.entities})
            for person in firm.people:
                self.put_person(person, at=at)
            for person in firm.people:
                self._set_manager(person, at=at)
            self._fill_calendar(firm)

    def _fill_calendar(self, firm: SeedFirm) -> None:
        for number, holiday in enumerate(firm.holidays, start=1):
            self._state.run(
                "insert into holiday (id, starts, body) values (?, ?, ?)",
                (number, holiday.day, msgspec.json.encode(_holiday(number, holiday))),
            )
        for time_off in firm.time_off:
            self.put_time_off(time_off)

    def put_person(self, person: SeedPerson, *, at: int) -> Employee:
        """Add a person or change the one with the same key; the time of change always moves on."""
        held = self._state.row("select id, changed from employee where key = ?", (person.key,))
        entity, country = self._entity(person.entity)
        row_id = self._state.bump("employees") if held is None else held["id"]
        changed = at if held is None else max(at, held["changed"] + 1)
        given, _, family = person.name.partition(" ")
        fields: dict[str, Json] = {
            "eeid": row_id,
            "employeeNumber": person.key,
            "firstName": given,
            "lastName": family,
            "preferredName": None,
            "email": person.email,
            "dateOfBirth": "1990-01-01",
            "status": "Inactive" if _is_over(person.employed_to, at) else "Active",
            "hireDate": person.employed_from,
            "terminationDate": _last_day(person.employed_to),
            "jobInformationJobTitle": person.role,
            "jobInformationDepartment": person.department,
            "jobInformationDivision": entity,
            "jobInformationLocation": person.location,
            "jobInformationReportsTo": None,
            "supervisorEid": None,
            "standardHoursPerWeek": _hours(person.weekly_minutes),
            FTE_FIELD: person.fte,
            "lastChanged": instant(changed),
        }
        pay = msgspec.json.encode([_pay_row(one) for one in person.cost_rates])
        self._state.run(
            "insert into employee (id, key, country, changed, fields, pay) values (?, ?, ?, ?, ?, ?) "
            "on conflict (id) do update set "
            "country = excluded.country, changed = excluded.changed, fields = excluded.fields, pay = excluded.pay",
            (row_id, person.key, country, changed, msgspec.json.encode(fields), pay),
        )
        self._note(row_id, "Inserted" if held is None else "Updated", changed)
        self._set_manager(person, at=changed)
        return self.employee(row_id)

    def _set_manager(self, person: SeedPerson, *, at: int) -> None:
        if person.manager is None:
            return
        manager = self._state.row("select id, fields from employee where key = ?", (person.manager,))
        held = self._state.row("select id, fields from employee where key = ?", (person.key,))
        if manager is None or held is None:
            return
        boss: dict[str, Json] = msgspec.json.decode(manager["fields"])
        fields: dict[str, Json] = msgspec.json.decode(held["fields"])
        fields |= {
            "supervisorEid": manager["id"],
            "jobInformationReportsTo": f"{boss['firstName']} {boss['lastName']}",
            "lastChanged": instant(at),
        }
        self._state.run(
            "update employee set fields = ?, changed = ? where id = ?", (msgspec.json.encode(fields), at, held["id"])
        )

    def delete_person(self, key: str, *, at: int) -> Employee:
        """Delete a person for good; the feed of changes keeps that it happened."""
        held = self._state.row("select id, changed from employee where key = ?", (key,))
        if held is None:
            raise UnsupportedChangeError(f"there is no employee {key!r}")
        changed = max(at, held["changed"] + 1)
        gone = msgspec.structs.replace(self.employee(held["id"]), changed=changed)
        self._state.run("delete from employee where id = ?", (held["id"],))
        self._note(held["id"], "Deleted", changed)
        return gone

    def put_time_off(self, time_off: SeedTimeOff) -> None:
        """Add a request, or change the one with the same key."""
        employee = self._state.row("select id, key, fields from employee where key = ?", (time_off.person,))
        if employee is None:
            raise UnsupportedChangeError(f"there is no employee {time_off.person!r}")
        held = self._state.row("select id from time_off where key = ?", (time_off.key,))
        row_id = self._state.bump("requests") if held is None else held["id"]
        body = _request(row_id, employee["id"], time_off)
        self._state.run(
            "insert into time_off (id, key, first, last, body) values (?, ?, ?, ?, ?) on conflict (id) do update set "
            "first = excluded.first, last = excluded.last, body = excluded.body",
            (row_id, time_off.key, time_off.starts, time_off.ends, msgspec.json.encode(body)),
        )

    def delete_time_off(self, key: str) -> None:
        """Delete a request for good; no feed tells of it."""
        if not self._state.run("delete from time_off where key = ?", (key,)):
            raise UnsupportedChangeError(f"there is no time off {key!r}")

    def employee(self, row_id: int) -> Employee:
        """The employee ``row_id``."""
        row = self._state.row("select * from employee where id = ?", (row_id,))
        if row is None:
            raise UnsupportedChangeError(f"there is no employee {row_id}")
        return Employee(
            id=row["id"],
            key=row["key"],
            changed=row["changed"],
            fields=msgspec.json.decode(row["fields"]),
            pay=msgspec.json.decode(row["pay"]),
        )

    def employees(self, *, visible_until: float | None) -> Iterator[Employee]:
        """All employees whose last change searches already see."""
        for row in self._state.rows("select id, changed from employee order by id"):
            if visible_until is None or row["changed"] <= visible_until:
                yield self.employee(row["id"])

    def changes(self, *, since: float, action: str | None) -> list[tuple[int, str, int]]:
        """Employee, action and time of each employee that changed after ``since``."""
        rows = self._state.rows("select * from change where changed > ? order by changed, employee_id", (since,))
        found = [(row["employee_id"], row["action"], row["changed"]) for row in rows]
        return [one for one in found if action is None or one[1].lower() == action.lower()]

    def _note(self, employee_id: int, action: str, changed: int) -> None:
        self._state.run(
            "insert into change (employee_id, action, changed) values (?, ?, ?) "
            "on conflict (employee_id) do update set action = excluded.action, changed = excluded.changed",
            (employee_id, action, changed),
        )

    def _entity(self, code: str) -> tuple[str, str]:
        entities: dict[str, list[str]] = self._state.get("entities", {})
        if code not in entities:
            raise UnsupportedChangeError(f"there is no legal entity {code!r}")
        name, country = entities[code]
        return name, country


def instant(seconds: float) -> str:
    """Seconds since 1970 as the API tells them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _last_day(employed_to: str | None) -> str | None:
    """The termination date: the seed tells the first day without employment."""
    return None if employed_to is None else (date.fromisoformat(employed_to) - timedelta(days=1)).isoformat()


def _is_over(employed_to: str | None, at: int) -> bool:
    return employed_to is not None and date.fromisoformat(employed_to) <= datetime.fromtimestamp(at, UTC).date()


def _hours(minutes: int) -> str:
    return f"{Decimal(minutes) / _MINUTES:.2f}"


def _pay_row(rate: SeedCostRate) -> Json:
    exponent = _EXPONENTS.get(rate.currency, 2)
    return {
        "startDate": rate.starts,
        "rate": {"currency": rate.currency, "value": f"{Decimal(rate.amount_minor).scaleb(-exponent):f}"},
        "type": "Hourly",
        "exempt": "Non-exempt",
        "reason": "",
        "paidPer": "Hour",
        "paySchedule": "",
    }


def _holiday(number: int, holiday: SeedHoliday) -> Json:
    return {
        "id": number,
        "name": holiday.name,
        "startDate": holiday.day,
        "endDate": holiday.day,
        "isPublic": True,
        "countryCodes": [holiday.country],
        "audience": {
            "mode": "ALL",
            "filterListValueIds": [],
            "specificEmployeeIds": [],
            "additionalEmployeeIds": [],
            "exemptEmployeeIds": [],
        },
        "holidayPay": None,
        "globalHolidayUuid": None,
        "createdAt": "2025-12-01T08:00:00Z",
        "updatedAt": "2025-12-01T08:00:00Z",
        "deletedAt": None,
    }


def _request(row_id: int, employee_id: int, time_off: SeedTimeOff) -> Json:
    first, last = date.fromisoformat(time_off.starts), date.fromisoformat(time_off.ends)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    whole = time_off.minutes_per_day is None
    each = "1" if time_off.minutes_per_day is None else f"{Decimal(time_off.minutes_per_day) / _MINUTES:f}"
    dates: dict[str, Json] = {day.isoformat(): each if day.isoweekday() < _SATURDAY else "0" for day in days}
    if time_off.status not in _STATUSES:
        raise UnsupportedChangeError(f"time off has no status {time_off.status!r}")
    total = sum((Decimal(str(one)) for one in dates.values()), Decimal(0))
    return {
        "id": str(row_id),
        "employeeId": str(employee_id),
        "name": "",
        "status": {
            "status": _STATUSES[time_off.status],
            "lastChanged": time_off.updated_at[:10],
            "lastChangedByUserId": "1",
        },
        "start": time_off.starts,
        "end": time_off.ends,
        "created": time_off.updated_at[:10],
        "type": {"id": "78", "name": time_off.kind, "icon": "palm-trees"},
        "amount": {"unit": "days" if whole else "hours", "amount": f"{total:f}"},
        "dates": dates,
        "notes": {},
    }
