"""What commands become in Kantata's words; pure.

A date of an end is the last day there. Budgets in money are the project's ``price``. What Kantata has no field for
(business codes, legal entity, a customer's currency and tax id, service line, contract number, budget of hours, WBS
code) goes into custom fields of the account; it has no place for a task's contract or a project's manager.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from tieout.connect.outcome import Rejected, RejectionCode
from tieout.connectors.kantata.masters import (
    BUDGET_HOURS,
    CLIENT_CODE,
    CLIENT_CURRENCY,
    CONTRACT_NUMBER,
    LEGAL_ENTITY,
    PROJECT_CODE,
    SERVICE_LINE,
    TAX_ID,
    WBS_CODE,
)
from tieout.connectors.kantata.options import WriteOptions
from tieout.model.command import SetProjectStatus, UpsertCustomer, UpsertProject, UpsertTask
from tieout.model.money import from_minor
from tieout.model.working_time import hours_from_minutes

Body: TypeAlias = dict[str, object]
_MINUTES: Final = 60


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it should be: plain fields, those that only a creation may name, and custom fields by name."""

    collection: str
    member: str
    subject: str
    code_field: str
    code: str
    fields: Body
    at_creation: Body = {}
    custom: dict[str, str] = {}
    own: frozenset[str] = frozenset()


def client_of(command: UpsertCustomer) -> Wanted:
    """A customer is a group that is a company."""
    custom = {CLIENT_CODE: command.code, CLIENT_CURRENCY: command.currency, TAX_ID: command.tax_id}
    return Wanted(
        collection="workspace_groups",
        member="workspace_group",
        subject="WorkspaceGroup",
        code_field=CLIENT_CODE,
        code=command.code,
        fields={"name": command.name, "company": True},
        custom={**{name: value for name, value in custom.items() if value is not None}, **command.fields},
        own=frozenset(command.fields),
    )


def project_of(
    command: UpsertProject, *, group_id: int, rate_card_id: int | None, options: WriteOptions
) -> Wanted | Rejected:
    """A project is a workspace; its client is its primary group."""
    fields: Body = {
        "title": command.name,
        "currency": command.currency,
        "start_date": _iso(command.starts),
        "due_date": _last(command.ends),
        "workspace_group_ids": [group_id],
        "primary_workspace_group_id": group_id,
    }
    if command.budget_minor is not None:
        fields |= {"budgeted": True, "price": f"{from_minor(command.budget_minor, command.currency):f}"}
    if rate_card_id is not None:
        fields["rate_card_id"] = rate_card_id
    if command.status is not None:
        key = status_key(command.status, options)
        if isinstance(key, Rejected):
            return key
        fields["status_key"] = key
    custom = {
        PROJECT_CODE: command.code,
        LEGAL_ENTITY: options.legal_entities.get(command.entity, command.entity),
        SERVICE_LINE: command.service_line,
        CONTRACT_NUMBER: command.contract_number,
        BUDGET_HOURS: None if command.budget_hours is None else f"{command.budget_hours.normalize():f}",
    }
    return Wanted(
        collection="workspaces",
        member="workspace",
        subject="Workspace",
        code_field=PROJECT_CODE,
        code=command.code,
        fields={name: value for name, value in fields.items() if value is not None},
        at_creation={"creator_role": "maven"},
        custom={**{name: value for name, value in custom.items() if value is not None}, **command.fields},
        own=frozenset(command.fields),
    )


def task_of(command: UpsertTask, *, workspace_id: int, parent_id: int | None) -> Wanted:
    """A task is a story of type task."""
    planned = command.planned_hours
    fields: Body = {
        "title": command.name,
        "story_type": "task",
        "parent_id": parent_id,
        "billable": command.billable,
        "time_trackable": command.open_for_time,
        "start_date": _iso(command.starts),
        "due_date": _last(command.ends),
        "time_estimate_in_minutes": None if planned is None else _minutes(planned),
    }
    return Wanted(
        collection="stories",
        member="story",
        subject="Story",
        code_field=WBS_CODE,
        code=command.wbs_code,
        fields={name: value for name, value in fields.items() if value is not None},
        at_creation={"workspace_id": workspace_id},
        custom={WBS_CODE: command.wbs_code, **command.fields},
        own=frozenset(command.fields),
    )


def status_key(status: str, options: WriteOptions) -> int | Rejected:
    """The account's key of a status."""
    key = options.statuses.get(status)
    if key is None:
        words = f"No status of the account is set up for {status} (setting project_statuses)."
        return Rejected(code=RejectionCode.INVALID, words=words)
    return key


def is_whole_minutes(command: UpsertTask) -> bool:
    """Whether the planned hours are whole minutes as hours are kept (20 minutes are 0.3333): Kantata holds no other."""
    planned = command.planned_hours or Decimal(0)
    return hours_from_minutes(_minutes(planned)) == planned


def code_of(command: UpsertCustomer | UpsertProject | UpsertTask | SetProjectStatus) -> str:
    """The business code that a command's record is known by."""
    match command:
        case UpsertCustomer() | UpsertProject():
            return command.code
        case UpsertTask():
            return command.wbs_code
    return command.project_code


def differing(fields: Mapping[str, str], held: Mapping[str, str]) -> dict[str, str]:
    """The custom fields that are to be written because the record says otherwise."""
    return {name: value for name, value in fields.items() if held.get(name) != value}


def _minutes(hours: Decimal) -> int:
    return int((hours * _MINUTES).to_integral_value())


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _last(day: date | None) -> str | None:
    return None if day is None else (day - timedelta(days=1)).isoformat()
