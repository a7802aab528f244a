"""Customers, projects and tasks as NetSuite takes them; pure.

Neighbours: ``master_writer`` sends what is made here, ``directory`` found the ids, ``records`` holds the types. What an
account cannot take is refused here in words, nothing is left out: a state without a project status, a time budget finer
than a minute, a field that the account does not have. NetSuite names last days, commands the first day after.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tieout.connect.outcome import Rejected, RejectionCode
from tieout.connectors.netsuite.manifest import STATUS_REFERENCE_FIELD, WBS_FIELD
from tieout.connectors.netsuite.mapping import flattened
from tieout.connectors.netsuite.records import (
    NetSuiteCustomer,
    NetSuiteProject,
    NetSuiteProjectStatus,
    NetSuiteProjectTask,
    NetSuiteProperty,
    NetSuiteReference,
    NetSuiteSchema,
)
from tieout.model.command import SetProjectStatus, UpsertCustomer, UpsertProject, UpsertTask
from tieout.model.money import from_minor

KEPT_IN_CUSTOM_FIELDS: Final = ("contract_number", "rate_card_code", "service_line", "manager_email")
"""What a project has in canonical words and NetSuite has no field for."""

TASK_COMPLETED: Final = "COMPLETE"
TASK_IN_PROGRESS: Final = "PROGRESS"
_MINUTES: Final = 60
_NUMBERS: Final = frozenset({"number", "integer"})
_WRITTEN_ALWAYS: Final = frozenset({"id", "externalId", WBS_FIELD, STATUS_REFERENCE_FIELD})
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

MasterBody = NetSuiteCustomer | NetSuiteProject | NetSuiteProjectStatus | NetSuiteProjectTask
Members = dict[str, msgspec.Raw]


class Place(msgspec.Struct, frozen=True):
    """Where a customer or project lives in the account: ids of its subsidiary and currency."""

    subsidiary: str
    currency: str


class HeldTask(msgspec.Struct, frozen=True):
    """A task that the account holds: its id, and whether it is completed."""

    id: str
    completed: bool


def refused(words: str) -> Rejected:
    """A refusal of what the account cannot hold."""
    return Rejected(code=RejectionCode.INVALID, words=words)


def encoded(body: MasterBody) -> bytes:
    """The JSON text of a body, with the account's own members beside the others."""
    plain = _ENCODER.encode(body)
    return _ENCODER.encode(flattened(plain)) if body.custom else plain


def further_members(
    fields: Mapping[str, str], schema: NetSuiteSchema | None, body_type: type[MasterBody]
) -> Members | Rejected:
    """``fields`` as members of a record, typed as its schema says; ``body_type`` names what is filled otherwise."""
    taken = _WRITTEN_ALWAYS.union(body_type.__struct_encode_fields__)
    found: Members = {}
    for name, value in fields.items():
        member = None if schema is None else schema.properties.get(name)
        if member is None:
            return refused(f"NetSuite has no field {name} there; nothing was written.")
        if name in taken:
            return refused(f"The field {name} is filled with what the hub knows and cannot be filled otherwise.")
        typed = _typed(value, member)
        if typed is None:
            return refused(f"The field {name} of NetSuite does not take {value!r}.")
        found[name] = typed
    return found


def _typed(value: str, member: NetSuiteProperty) -> msgspec.Raw | None:
    """A text as JSON of the member's type; None where it is none."""
    if member.type == "string":
        return _raw(value)
    if member.type == "boolean":
        return _raw(value == "true") if value in {"true", "false"} else None
    if member.type in _NUMBERS:
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        return _raw(number) if number.is_finite() else None
    if member.type == "object" or member.refers_to is not None:
        return _raw({"id": value}) if value else None
    return None


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(value))


def to_customer(command: UpsertCustomer, place: Place, custom: Members) -> NetSuiteCustomer:
    """The customer for a command."""
    return NetSuiteCustomer(
        entity_id=command.code,
        company_name=command.name,
        subsidiary=NetSuiteReference(place.subsidiary),
        currency=NetSuiteReference(place.currency),
        default_tax_reg=command.tax_id,
        custom=custom,
    )


def kept(command: UpsertProject, fields: Mapping[str, str]) -> Members:
    """What the account keeps of a project in custom fields of its own, as the setting ``project_fields`` says."""
    told = {
        "contract_number": command.contract_number,
        "rate_card_code": command.rate_card_code,
        "service_line": command.service_line,
        "manager_email": command.manager_email,
    }
    return {field: _raw(told[name]) for name, field in fields.items() if told[name] is not None}


def to_project(
    command: UpsertProject, place: Place, *, customer: str, status: str | None, custom: Members
) -> NetSuiteProject | Rejected:
    """The project for a command, or why the account cannot hold it; ``customer`` and ``status`` are ids."""
    budget = None if command.budget_hours is None else _hours_and_minutes(command.budget_hours)
    if isinstance(budget, Rejected):
        return budget
    money = None if command.budget_minor is None else from_minor(command.budget_minor, command.currency)
    return NetSuiteProject(
        entity_id=command.code,
        company_name=command.name,
        parent=NetSuiteReference(customer),
        subsidiary=NetSuiteReference(place.subsidiary),
        currency=NetSuiteReference(place.currency),
        start_date=command.starts.isoformat() if command.starts else None,
        projected_end_date=_last_day(command.ends),
        entity_status=None if status is None else NetSuiteReference(status),
        estimated_revenue=money,
        estimated_time_override=budget,
        custom=custom,
    )


def to_status(command: SetProjectStatus, status: str) -> NetSuiteProjectStatus:
    """The change of a project's status to the account's ``status``."""
    return NetSuiteProjectStatus(
        entity_status=NetSuiteReference(status), custom={STATUS_REFERENCE_FIELD: _raw(command.reference)}
    )


def to_task(
    command: UpsertTask, *, project: str, parent: str | None, held: HeldTask | None, custom: Members
) -> NetSuiteProjectTask:
    """The task for a command; ``project`` and ``parent`` are ids.

    A closed task is completed; one that is open again is in progress, and the progress of others stays as it is.
    """
    status = None if command.open_for_time else TASK_COMPLETED
    if command.open_for_time and held is not None and held.completed:
        status = TASK_IN_PROGRESS
    return NetSuiteProjectTask(
        company=NetSuiteReference(project),
        title=command.name,
        non_billable_task=not command.billable,
        parent=None if parent is None else NetSuiteReference(parent),
        status=None if status is None else NetSuiteReference(status),
        estimated_work=command.planned_hours,
        # Without a fixed start NetSuite works one out from the tasks before it.
        constraint_type=None if command.starts is None else NetSuiteReference("FIXEDSTART"),
        start_date=command.starts.isoformat() if command.starts else None,
        finish_by_date=_last_day(command.ends),
        custom={WBS_FIELD: _raw(command.wbs_code)} | custom,
    )


def _last_day(ends: date | None) -> str | None:
    return None if ends is None else (ends - timedelta(days=1)).isoformat()


def _hours_and_minutes(hours: Decimal) -> str | Rejected:
    minutes = hours * _MINUTES
    if minutes != minutes.to_integral_value():
        return refused(f"NetSuite keeps a time budget in whole minutes; {hours} hours are none.")
    return f"{int(minutes) // _MINUTES}:{int(minutes) % _MINUTES:02d}"
