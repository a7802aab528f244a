"""What NetSuite holds of projects and tasks beside what is read of them as a source: budgets, status, all tasks.

The firm's project system owns these, so that the hub only compares them with what it wrote. Neighbours: ``write`` shows
them, ``queries`` asks, ``masters`` wrote them.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tieout.connectors.netsuite import queries
from tieout.connectors.netsuite.client import NetSuiteClient
from tieout.connectors.netsuite.masters import TASK_COMPLETED
from tieout.connectors.netsuite.options import Options
from tieout.errors import ContractError
from tieout.model.reported import FieldValue, RecordType, ReportedRecord

_TOLD: Final = ("contract_number", "service_line", "manager_email")
"""What projects keep in custom fields, where the setting ``project_fields`` names one."""
_MINUTES: Final = 60


class _Job(msgspec.Struct, frozen=True):
    id: str
    revenue: str | None = None
    hours: str | None = None
    status: str | None = None
    contract_number: str | None = None
    service_line: str | None = None
    manager_email: str | None = None


class _Task(msgspec.Struct, frozen=True):
    id: str
    project: str
    nonbillable: str
    title: str | None = None
    code: str | None = None
    parent: str | None = None
    status: str | None = None
    hours: str | None = None
    starts: str | None = None
    ends: str | None = None


class _Status(msgspec.Struct, frozen=True):
    id: str
    name: str


async def held_records(client: NetSuiteClient, options: Options) -> dict[str, list[ReportedRecord]]:
    """Fields more of every project, and every task with a WBS code.

    Raises TransientError, AccessError or ContractError where they cannot be read.
    """
    kept = {name: field for name, field in options.project_fields.items() if name in _TOLD}
    names = {row.id: row.name for row in await client.rows(queries.PROJECT_STATUSES, _Status)}
    states = _states(options.project_statuses)
    jobs = await client.rows(queries.held_jobs(kept), _Job)
    tasks = await client.rows(queries.HELD_TASKS, _Task)
    try:
        return {
            RecordType.PROJECT.value: [_project(row, states.get(names.get(row.status or "", ""))) for row in jobs],
            RecordType.TASK.value: [_task(row) for row in tasks if row.code],
        }
    except (ValueError, InvalidOperation) as error:
        raise ContractError(code="TIE-NETSUITE-002", message=f"A project or task cannot be read: {error}.") from error


def _states(statuses: Mapping[str, str]) -> dict[str, str]:
    """The state that an account's status means, where it means just one."""
    found: dict[str, list[str]] = {}
    for state, name in statuses.items():
        found.setdefault(name, []).append(state)
    return {name: states[0] for name, states in found.items() if len(states) == 1}


def _project(row: _Job, state: str | None) -> ReportedRecord:
    fields: dict[str, FieldValue] = {
        "budget_amount": row.revenue,
        "budget_hours": None if row.hours is None else f"{_hours(row.hours):f}",
        "status": state,
        "contract_number": row.contract_number,
        "service_line": row.service_line,
        "manager_email": row.manager_email,
    }
    return _record(RecordType.PROJECT, row.id, fields, {})


def _task(row: _Task) -> ReportedRecord:
    fields: dict[str, FieldValue] = {
        "code": row.code,
        "name": row.title,
        "billable": row.nonbillable != "T",
        "open_for_time": row.status != TASK_COMPLETED,
        "planned_hours": row.hours,
        "starts": row.starts,
        "ends": None if row.ends is None else (date.fromisoformat(row.ends) + timedelta(days=1)).isoformat(),
    }
    return _record(RecordType.TASK, row.id, fields, {"project": row.project, "parent": row.parent})


def _record(
    kind: RecordType, key: str, fields: Mapping[str, FieldValue], references: Mapping[str, str | None]
) -> ReportedRecord:
    return ReportedRecord(
        type=kind,
        source_id=key,
        version=0,
        fields={name: value for name, value in fields.items() if value is not None},
        references={name: value for name, value in references.items() if value is not None},
    )


def _hours(text: str) -> Decimal:
    """A time budget: hours as a number, or hours and minutes as they are written (``12:30``)."""
    hours, colon, minutes = text.partition(":")
    return Decimal(hours) + (Decimal(minutes) / _MINUTES if colon else Decimal(0))
