"""What BambooHR says of people: employees, those deleted, departments, and pay where the settings ask for it. Pure.

BambooHR refers to departments by name, so the name is their key. The termination date is the last day of employment;
ours is the first day after it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

import msgspec

from tieout.connect.json_codec import JsonValue, shape_strict
from tieout.connect.source import Translated, Unreadable
from tieout.connectors.bamboohr.fields import (
    UnmappableError,
    changes_of,
    day_of,
    decimal_of,
    guarded,
    id_of,
    text_of,
    unreadable_answer,
    version_of,
)
from tieout.connectors.bamboohr.options import Options
from tieout.connectors.bamboohr.records import (
    WEBHOOK_FIELDS,
    BambooChange,
    BambooEmployee,
    BambooEvent,
    BambooFieldOption,
    BambooPayRow,
    BambooWebhookEmployee,
    Instant,
    Number,
)
from tieout.model.money import RoundingMode, UnknownCurrencyError, round_amount
from tieout.model.reported import FieldValue, RecordType, ReportedRecord

_STATUSES: Final = frozenset({"Active", "Inactive"})
_DELETED: Final = "Deleted"
_LIVING_ACTIONS: Final = frozenset({"Inserted", "Updated", "Created"})
_DEPARTMENT: Final = "jobInformationDepartment"
_RESTRICTED: Final = "_restrictedFields"
_EVENT_DELETED: Final = "employee.deleted"
_EVENTS_WITHOUT_CONTENT: Final = frozenset({"employee.created", "employee.updated"})
_HOURLY: Final = "Hour"
_PAYMENTS_PER_YEAR: Final = {
    "Year": 1,
    "Quarter": 4,
    "Month": 12,
    "Twice a month": 24,
    "Every other week": 26,
    "Week": 52,
}
_ONLY_VERSION: Final = 1
"""Of what has no time of change and cannot change under its key."""


def employees(rows: Sequence[JsonValue], options: Options) -> list[Translated]:
    """Rows of the employee dataset."""
    return [_row(one, options) for one in rows]


def _row(row: JsonValue, options: Options) -> Translated:
    fields = row.get("fields") if isinstance(row, dict) else None
    restricted = row.get(_RESTRICTED) if isinstance(row, dict) else None
    if restricted is None and isinstance(fields, dict):
        restricted = fields.get(_RESTRICTED)
    return guarded("Employee", id_of(fields, "eeid"), partial(_resource, fields, restricted, options))


def _resource(fields: JsonValue, restricted: JsonValue, options: Options) -> ReportedRecord:
    row = shape_strict(fields, BambooEmployee)
    hidden = frozenset(shape_strict(restricted, list[str]) if restricted is not None else ())
    if not hidden.isdisjoint({"firstName", "lastName", "hireDate"}):
        raise UnmappableError("the key's user may not see the name or the day of hire")
    hired, leaves = day_of("hireDate", row.hire_date), day_of("terminationDate", row.termination_date)
    _check_status(row, hired, leaves, hidden)
    name = " ".join(part for part in (text_of(row.first_name), text_of(row.last_name)) if part)
    if not name:
        raise UnmappableError("it has no name")
    told: dict[str, tuple[str, FieldValue]] = {
        "name": ("firstName", name),
        "email": ("email", text_of(row.email)),
        "employment_from": ("hireDate", _iso(hired)),
        "employment_to": ("terminationDate", _iso(None if leaves is None else leaves + timedelta(days=1))),
        "location": ("jobInformationLocation", text_of(row.job_information_location)),
        "weekly_hours": ("standardHoursPerWeek", _decimal("standardHoursPerWeek", row.standard_hours_per_week)),
    }
    if options.fte_field is not None:
        told["fte"] = (options.fte_field, _decimal(options.fte_field, _added(fields, options.fte_field)))
    references = {
        "legal_entity": (options.legal_entity_field, _added(fields, options.legal_entity_field)),
        "org_unit": (_DEPARTMENT, text_of(row.job_information_department)),
        "manager": ("supervisorEid", text_of(str(row.supervisor_eid)) if row.supervisor_eid is not None else None),
    }
    return ReportedRecord(
        type=RecordType.RESOURCE,
        source_id=str(row.eeid),
        version=version_of(row.last_changed),
        fields={name: value for name, (vendor, value) in told.items() if vendor not in hidden},
        references={
            name: value for name, (vendor, value) in references.items() if vendor not in hidden and value is not None
        },
    )


def _check_status(row: BambooEmployee, hired: date | None, leaves: date | None, hidden: frozenset[str]) -> None:
    """Somebody inactive has left or has not begun; where neither is told, nobody knows until when to plan work."""
    if "status" in hidden:
        return
    if row.status not in _STATUSES:
        raise UnmappableError(f"the status {row.status!r} is unknown")
    begun = hired is None or hired <= row.last_changed.astimezone(UTC).date()
    if row.status == "Inactive" and leaves is None and begun and "terminationDate" not in hidden:
        raise UnmappableError("it is inactive and has no termination date")


def _added(fields: JsonValue, name: str) -> str | None:
    """A field that the settings name; raises UnmappableError where it is not there or no text."""
    if not isinstance(fields, dict) or name not in fields:
        raise UnmappableError(f"{name} is missing")
    value = fields[name]
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | Decimal)):
        raise UnmappableError(f"{name} is no text")
    return None if value is None else text_of(str(value))


def _decimal(name: str, value: Number) -> str | None:
    number = decimal_of(name, value)
    return None if number is None else f"{number:f}"


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def deleted_employees(answer: JsonValue) -> list[Translated]:
    """Deletions of the feed of changes; who was inserted or updated is read as an employee and is no item here."""
    items = []
    for key, change in changes_of(answer).items():
        action = change.get("action") if isinstance(change, dict) else None
        if action not in _LIVING_ACTIONS:
            items.append(guarded("Change of employee", key, partial(_tombstone, change)))
    return items


def _tombstone(change: JsonValue) -> ReportedRecord:
    row = shape_strict(change, BambooChange)
    if row.action != _DELETED:
        raise UnmappableError(f"the action {row.action!r} is unknown")
    return _deleted(str(row.id), row.last_changed)


def _deleted(source_id: str, at: datetime) -> ReportedRecord:
    """A tombstone; its version lies above that of a change in the very instant: ids are never used again."""
    return ReportedRecord(
        type=RecordType.RESOURCE, source_id=source_id, version=version_of(at) + 1, fields={}, deleted=True
    )


def departments(answer: JsonValue) -> list[Translated]:
    """The values that the field department can have."""
    options = answer.get(_DEPARTMENT) if isinstance(answer, dict) else None
    if not isinstance(options, list):
        raise unreadable_answer(f"it has no list {_DEPARTMENT!r}")
    return [guarded("Department", id_of(one), partial(_org_unit, one)) for one in options]


def _org_unit(option: JsonValue) -> ReportedRecord:
    name = text_of(shape_strict(option, BambooFieldOption).value)
    if name is None:
        raise UnmappableError("it has no name")
    return ReportedRecord(
        type=RecordType.ORG_UNIT, source_id=name, version=_ONLY_VERSION, fields={"code": name, "name": name}
    )


def cost_rates(answer: JsonValue, options: Options) -> list[Translated]:
    """Pay of changed employees as what an hour costs, one rate per row of the table."""
    items: list[Translated] = []
    for employee, told in changes_of(answer).items():
        rows = told.get("rows") if isinstance(told, dict) else None
        if not isinstance(told, dict) or not isinstance(rows, list):
            items.append(Unreadable(problem=f"Pay of employee {employee}: it has no list 'rows'.", source_id=employee))
            continue
        starts = [row.get("startDate") if isinstance(row, dict) else None for row in rows]
        for row, start in zip(rows, starts, strict=True):
            pay = _Pay(employee=employee, changed=told.get("lastChanged"), row=row, starts=starts)
            items.append(guarded("Pay of employee", f"{employee}:{start}", partial(_cost_rate, pay, options)))
    return items


class _Pay(msgspec.Struct, frozen=True, kw_only=True):
    """One row of an employee's table, with the beginnings of all rows."""

    employee: str
    changed: JsonValue
    row: JsonValue
    starts: list[JsonValue]


def _cost_rate(pay: _Pay, options: Options) -> ReportedRecord:
    row = shape_strict(pay.row, BambooPayRow)
    start = row.start_date.isoformat()
    if pay.starts.count(start) > 1:
        raise UnmappableError(f"several rows begin on {start}")
    later = sorted(one for one in pay.starts if isinstance(one, str) and one > start)
    fields: dict[str, FieldValue] = {
        "price": f"{_per_hour(row, options):f}",
        "currency": row.rate.currency,
        "valid_from": start,
        "valid_to": later[0] if later else None,
    }
    return ReportedRecord(
        type=RecordType.COST_RATE,
        source_id=f"{pay.employee}:{start}",
        version=version_of(shape_strict(pay.changed, Instant)),
        fields=fields,
        references={"resource": pay.employee},
    )


def _per_hour(row: BambooPayRow, options: Options) -> Decimal:
    """What an hour costs; a salary is spread over the hours that the settings give a year, to the currency's cent."""
    value = decimal_of("rate", row.rate.value)
    if value is None:
        raise UnmappableError("it names no amount")
    if row.paid_per == _HOURLY:
        return value
    payments = _PAYMENTS_PER_YEAR.get(row.paid_per)
    if payments is None:
        raise UnmappableError(f"what is paid per {row.paid_per!r} is paid for an unknown number of hours")
    if options.hours_per_year is None:
        raise UnmappableError(f"it is paid per {row.paid_per}, and no setting says how many hours a year has")
    try:
        return round_amount(value * payments / options.hours_per_year, row.rate.currency, RoundingMode.HALF_UP)
    except UnknownCurrencyError as error:
        raise UnmappableError(f"{row.rate.currency!r} is no currency") from error


def webhook(answer: JsonValue, options: Options) -> list[Translated]:
    """Employees that a webhook tells of.

    The older kind posts fields: those of ``WEBHOOK_FIELDS``, so that what it says is as whole as a row of the dataset.
    The newer kind names an employee and no content: only a deletion says all there is to say.
    """
    if not isinstance(answer, dict):
        raise unreadable_answer("a webhook is no object")
    told = answer.get("employees")
    if isinstance(told, list):
        return [guarded("Webhook of employee", id_of(one), partial(_posted, one, options)) for one in told]
    if "type" not in answer:
        raise unreadable_answer("a webhook has neither employees nor a type")
    if answer["type"] in _EVENTS_WITHOUT_CONTENT:
        return []
    data = answer.get("data")
    return [guarded("Webhook of employee", id_of(data, "employeeId"), partial(_event, answer))]


def _posted(employee: JsonValue, options: Options) -> Translated:
    row = shape_strict(employee, BambooWebhookEmployee)
    if row.action == _DELETED:
        return _deleted(str(row.id), row.timestamp)
    if row.action not in _LIVING_ACTIONS:
        raise UnmappableError(f"the action {row.action!r} is unknown")
    told = employee.get("fields") if isinstance(employee, dict) else None
    fields = {
        name: value.get("value") if isinstance(value, dict) else value
        for name, value in (told.items() if isinstance(told, dict) else ())
    }
    missing = sorted({*WEBHOOK_FIELDS.values(), options.legal_entity_field} - {"eeid"} - fields.keys())
    if missing:
        raise UnmappableError(f"the webhook does not post {', '.join(missing)}")
    return _resource({**fields, "eeid": str(row.id)}, None, options)


def _event(answer: dict[str, JsonValue]) -> Translated:
    event = shape_strict(answer, BambooEvent)
    if event.type != _EVENT_DELETED:
        raise UnmappableError(f"the event {event.type!r} is unknown")
    return _deleted(str(event.data.employee_id), event.timestamp)
