"""BambooHR's own types, as its API documents them; ``mapping`` says what they mean to us.

``EMPLOYEE_FIELDS`` is the list of all that is ever asked about a person (two settings can each add one field). Whatever
is not on it, pay and private life above all, is not requested, so it never arrives. The employee dataset speaks of
``eeid`` and ``email`` where other endpoints say ``id`` and ``workEmail``.
"""

from datetime import date, datetime
from typing import Annotated, Final, TypeAlias

import msgspec

Id: TypeAlias = str | int
Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Number: TypeAlias = object
"""A number, or a text that is one; ``fields.decimal_of`` reads it, and refuses anything else."""

EMPLOYEE_FIELDS: Final = (
    "eeid",
    "firstName",
    "lastName",
    "email",
    "status",
    "hireDate",
    "terminationDate",
    "jobInformationDepartment",
    "jobInformationLocation",
    "supervisorEid",
    "standardHoursPerWeek",
    "lastChanged",
)

WEBHOOK_FIELDS: Final = {
    "id": "eeid",
    "firstName": "firstName",
    "lastName": "lastName",
    "workEmail": "email",
    "status": "status",
    "hireDate": "hireDate",
    "terminationDate": "terminationDate",
    "department": "jobInformationDepartment",
    "location": "jobInformationLocation",
    "supervisorEId": "supervisorEid",
    "standardHoursPerWeek": "standardHoursPerWeek",
    "lastChanged": "lastChanged",
}
"""What a webhook is to post (``postFields``), by the names of this endpoint, under the names of the dataset."""


class BambooEmployee(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Page "Get Data from Dataset (v2)": one row of the dataset ``employee``, with the fields of ``EMPLOYEE_FIELDS``.

    Every field that was asked for is there; one that the key's user may not see is empty, and named in
    ``_restrictedFields`` beside the fields.
    """

    eeid: Id
    first_name: str | None
    last_name: str | None
    email: str | None
    status: str | None
    hire_date: str | None
    termination_date: str | None
    job_information_department: str | None
    job_information_location: str | None
    supervisor_eid: Id | None
    standard_hours_per_week: Number
    last_changed: Instant


class BambooFieldOption(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Get Field Options (v1.2)": one value that a field of a dataset can have."""

    id: Id | None
    value: str


class BambooChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Page "Get Changed Employee IDs": ``action`` is Inserted, Updated or Deleted."""

    id: Id
    action: str
    last_changed: Instant


class BambooTimeOffStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The status of a request; ``lastChanged`` is documented with a day and without a time."""

    status: str
    last_changed: str


class BambooTimeOffType(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of absence, as the firm named it."""

    id: Id
    name: str


class BambooTimeOffAmount(msgspec.Struct, frozen=True, kw_only=True):
    """How much: ``unit`` is days or hours."""

    unit: str
    amount: Number


class BambooTimeOffRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Page "Get Time Off Requests". Both days are included; ``dates`` has the amount of each day."""

    id: Id
    employee_id: Id
    status: BambooTimeOffStatus
    start: date
    end: date
    type: BambooTimeOffType
    amount: BambooTimeOffAmount
    dates: dict[date, Number]


class BambooAudience(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whom a holiday is for. ``exempt_employee_ids`` and the lists are only filled where they apply."""

    mode: str
    filter_list_value_ids: list[int] | None = None
    specific_employee_ids: list[int] | None = None
    additional_employee_ids: list[int] | None = None
    exempt_employee_ids: list[int] | None = None


class BambooHoliday(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Page "List Company Holidays"; no country codes means every country."""

    id: int
    name: str
    start_date: date
    end_date: date | None
    country_codes: list[str]
    updated_at: Instant
    audience: BambooAudience | None = None


class BambooPay(msgspec.Struct, frozen=True, kw_only=True):
    """An amount with its currency."""

    currency: str
    value: Number


class BambooPayRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row of the table ``compensation``: from ``start_date`` on, ``rate`` is paid per ``paid_per``."""

    start_date: date
    rate: BambooPay
    paid_per: str


class BambooWebhookEmployee(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Webhooks (Global)": one employee of a posted body; ``fields``, read apart, has {value} by posted name."""

    id: Id
    action: str
    timestamp: Instant


class BambooEventData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whom an event is about."""

    employee_id: Id


class BambooEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Pages "Employee Created", "Employee Updated", "Employee Deleted": an event without content."""

    type: str
    timestamp: Instant
    data: BambooEventData


class BambooProblem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 7807, as the newer endpoints answer errors."""

    title: str
    status: int
    detail: str = ""
