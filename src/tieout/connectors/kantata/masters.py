"""What Kantata's projects, clients, tasks, people, roles and periods say in canonical words.

Pure; ``mapping`` holds the Translator over this, ``rates`` does prices. Kantata has no field for a business code, a
legal entity, a service line or employment dates: firms keep them in custom fields, found by the names below, whatever
their case; every other custom field is told as the account's own. A value that is not set is absent from the fields,
so that another system can own it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from tieout.connect.source import Translated
from tieout.connectors.kantata.envelope import Envelope, Keyed
from tieout.connectors.kantata.fields import (
    CustomFields,
    UnmappableError,
    decimal_text,
    each,
    iso_text,
    references_to,
    required,
    told,
    version_of,
)
from tieout.connectors.kantata.records import (
    KantataAccountMembership,
    KantataCustomFieldValue,
    KantataExternalReference,
    KantataFinancialPeriod,
    KantataProjectStatus,
    KantataRole,
    KantataStory,
    KantataUser,
    KantataWorkspace,
    KantataWorkspaceGroup,
)
from tieout.model.identity import match_key
from tieout.model.reported import RecordType, ReportedRecord
from tieout.model.working_time import hours_from_minutes

CLIENT_CODE: Final = "Client Code"
CLIENT_CURRENCY: Final = "Client Currency"
TAX_ID: Final = "Tax ID"
PROJECT_CODE: Final = "Project Code"
LEGAL_ENTITY: Final = "Legal Entity"
SERVICE_LINE: Final = "Service Line"
CONTRACT_NUMBER: Final = "Contract Number"
BUDGET_HOURS: Final = "Budget Hours"
WBS_CODE: Final = "WBS Code"
HIRE_DATE: Final = "Hire Date"
TERMINATION_DATE: Final = "Termination Date"
RATE_CARD_CODE: Final = "rate_card_code"
"""The model of the external reference that holds a rate card's business code."""
UNFINISHED: Final = ":unfinished"
"""Ends the reference of a record that is begun and not whole yet."""

_STATUS_OF_TEXT: Final = {
    "cancelled": "archived",
    "canceled": "archived",
    "closed": "financially_closed",
    "on hold": "on_hold",
    "estimate": "proposed",
    "prospect": "proposed",
    "proposal": "proposed",
}
_STATUS_OF_COLOUR: Final = {
    "gray": "approved",
    "grey": "approved",
    "light green": "provisioning",
    "green": "active",
    "yellow": "active",
    "red": "on_hold",
    "blue": "delivery_complete",
}
_PERIOD_STATES: Final = {
    "open": "open",
    "closing": "soft_closed",
    "soft_closed": "soft_closed",
    "closed": "closed",
    "locked": "closed",
}


def workspaces(payload: bytes) -> list[Translated]:
    """Projects of ``/workspaces``."""
    envelope = Envelope(payload)
    groups = envelope.rows("workspace_groups", KantataWorkspaceGroup)
    values = envelope.rows("custom_field_values", KantataCustomFieldValue)
    told = each("Project", envelope, "workspaces", KantataWorkspace, lambda row: _project(row, groups, values))
    # What a write of ours has begun is no project yet: it has no code, and would count as one of its own for ever.
    begun = _begun(envelope)
    return [one for one in told if one.source_id not in begun]


def _begun(envelope: Envelope) -> frozenset[str | None]:
    """The projects that carry a reference of ours which says that they are not whole yet."""
    unfinished = {
        str(key)
        for key, one in envelope.rows("external_references", KantataExternalReference).rows.items()
        if one.service_model_ref.endswith(UNFINISHED)
    }
    rows = envelope.rows("workspaces", KantataWorkspace).rows.values()
    return frozenset(row.id for row in rows if any(str(one) in unfinished for one in row.external_reference_ids))


def _project(
    row: KantataWorkspace, groups: Keyed[KantataWorkspaceGroup], values: Keyed[KantataCustomFieldValue]
) -> ReportedRecord:
    custom = CustomFields(row.custom_field_value_ids, values)
    return ReportedRecord(
        type=RecordType.PROJECT,
        source_id=row.id,
        version=version_of(row.updated_at, *custom.changed_at()),
        fields=told(
            code=custom.text(PROJECT_CODE),
            name=row.title,
            status="archived" if row.archived else _project_status(row.status),
            currency=row.currency,
            starts=iso_text(row.start_date),
            ends=_day_after(row.due_date),
            service_line=custom.text(SERVICE_LINE),
            contract_number=custom.text(CONTRACT_NUMBER),
            budget_hours=custom.number(BUDGET_HOURS),
            budget_amount=_budget_amount(row),
        )
        | custom.own(PROJECT_CODE, LEGAL_ENTITY, SERVICE_LINE, CONTRACT_NUMBER, BUDGET_HOURS),
        references=references_to(
            client=_client_of(row, groups),
            legal_entity=custom.text(LEGAL_ENTITY),
            rate_card=row.rate_card_id,
        ),
    )


def _day_after(last: date | None) -> str | None:
    return None if last is None else iso_text(last + timedelta(days=1))


def _budget_amount(row: KantataWorkspace) -> str | None:
    """The price of a project that has a budget; a price without one limits nothing."""
    if not row.budgeted or row.price is None:
        return None
    return decimal_text(row.price, "the price")


def _project_status(status: KantataProjectStatus | None) -> str | None:
    """By its text where that has one meaning in every account, else by the meaning of its colour.

    Colours by the page "Project Status List": not yet started, close to starting, in progress, in progress with a
    pending action, blocked or ended, finished.
    """
    if status is None:
        return None
    by_text = _STATUS_OF_TEXT.get(match_key(status.message or ""))
    if by_text is not None:
        return by_text
    colour = match_key(status.color.replace("-", " ").replace("_", " "))
    if colour not in _STATUS_OF_COLOUR:
        raise UnmappableError(f"the status colour {status.color!r} is unknown")
    return _STATUS_OF_COLOUR[colour]


def _client_of(row: KantataWorkspace, groups: Keyed[KantataWorkspaceGroup]) -> str | None:
    """The primary group where it is a company, else the only company among the groups, else none is told."""
    members = [required("group", one, groups) for one in row.workspace_group_ids]
    companies = [one.id for one in members if one.company]
    primary = None if row.primary_workspace_group_id is None else str(row.primary_workspace_group_id)
    if primary in companies:
        return primary
    return companies[0] if len(companies) == 1 else None


def workspace_groups(payload: bytes) -> list[Translated]:
    """Clients of ``/workspace_groups``; a group that is no company sorts projects and is a tombstone as a client.

    So every item has one result, and a group that stops being a company stops being a client.
    """
    envelope = Envelope(payload)
    values = envelope.rows("custom_field_values", KantataCustomFieldValue)
    return each("Group", envelope, "workspace_groups", KantataWorkspaceGroup, lambda row: _client(row, values))


def _client(row: KantataWorkspaceGroup, values: Keyed[KantataCustomFieldValue]) -> ReportedRecord:
    custom = CustomFields(row.custom_field_value_ids, values)
    return ReportedRecord(
        type=RecordType.CLIENT,
        source_id=row.id,
        version=version_of(row.updated_at, *custom.changed_at()),
        fields=told(
            code=custom.text(CLIENT_CODE),
            name=row.name,
            currency=custom.text(CLIENT_CURRENCY),
            tax_id=custom.text(TAX_ID),
        )
        | custom.own(CLIENT_CODE, CLIENT_CURRENCY, TAX_ID),
        deleted=not row.company,
    )


def stories(payload: bytes) -> list[Translated]:
    """Tasks of ``/stories``; a deleted one is a tombstone."""
    envelope = Envelope(payload)
    values = envelope.rows("custom_field_values", KantataCustomFieldValue)
    return each("Task", envelope, "stories", KantataStory, lambda row: _task(row, values))


def _task(row: KantataStory, values: Keyed[KantataCustomFieldValue]) -> ReportedRecord:
    custom = CustomFields(row.custom_field_value_ids, values)
    planned = row.time_estimate_in_minutes
    return ReportedRecord(
        type=RecordType.TASK,
        source_id=row.id,
        version=version_of(row.updated_at, row.deleted_at, *custom.changed_at()),
        fields=told(
            code=custom.text(WBS_CODE),
            name=row.title,
            open_for_time=row.time_trackable is not False and not row.archived and row.deleted_at is None,
            billable=row.billable,
            planned_hours=None if planned is None else f"{hours_from_minutes(planned).normalize():f}",
            starts=iso_text(row.start_date),
            ends=_day_after(row.due_date),
        )
        | custom.own(WBS_CODE),
        references=references_to(project=row.workspace_id, parent=row.parent_id),
        deleted=row.deleted_at is not None,
    )


def users(payload: bytes) -> list[Translated]:
    """People of ``/users``. A user has no time of change of its own: name and e-mail can change under one version."""
    envelope = Envelope(payload)
    memberships = envelope.rows("account_memberships", KantataAccountMembership)
    values = envelope.rows("custom_field_values", KantataCustomFieldValue)
    return each("User", envelope, "users", KantataUser, lambda row: _resource(row, memberships, values))


def _resource(
    row: KantataUser,
    memberships: Keyed[KantataAccountMembership],
    values: Keyed[KantataCustomFieldValue],
) -> ReportedRecord:
    custom = CustomFields(row.custom_field_value_ids, values)
    changed_at = custom.changed_at()
    if row.account_membership_id is not None:
        changed_at.append(required("account membership", row.account_membership_id, memberships).updated_at)
    return ReportedRecord(
        type=RecordType.RESOURCE,
        source_id=row.id,
        version=version_of(*changed_at),
        fields=told(
            name=row.full_name,
            email=row.email_address,
            employment_from=custom.day(HIRE_DATE),
            employment_to=custom.day_after(TERMINATION_DATE),
        )
        | custom.own(HIRE_DATE, TERMINATION_DATE, LEGAL_ENTITY),
        references=references_to(legal_entity=custom.text(LEGAL_ENTITY), role=row.role_id),
    )


def roles(payload: bytes) -> list[Translated]:
    """Roles of ``/roles``; a deleted one is a tombstone."""
    return each("Role", Envelope(payload), "roles", KantataRole, _role)


def _role(row: KantataRole) -> ReportedRecord:
    return ReportedRecord(
        type=RecordType.ROLE,
        source_id=row.id,
        version=version_of(row.updated_at, row.deleted_at),
        fields=told(name=row.name),
        deleted=row.deleted_at is not None,
    )


def financial_periods(payload: bytes) -> list[Translated]:
    """Financial periods of the account, with half-open dates; they belong to no legal entity."""
    return each("Financial period", Envelope(payload), "financial_periods", KantataFinancialPeriod, _period)


def _period(row: KantataFinancialPeriod) -> ReportedRecord:
    state = _PERIOD_STATES.get(match_key(row.status))
    if state is None:
        raise UnmappableError(f"the status {row.status!r} is unknown")
    if row.end_date < row.start_date:
        raise UnmappableError(f"it ends on {row.end_date} before it starts on {row.start_date}")
    ends = row.end_date + timedelta(days=1)
    return ReportedRecord(
        type=RecordType.PERIOD,
        source_id=row.id,
        version=version_of(row.updated_at),
        fields=told(code=_period_code(row), starts=row.start_date.isoformat(), ends=ends.isoformat(), state=state),
    )


def _period_code(row: KantataFinancialPeriod) -> str:
    """``2026-08`` for a calendar month, else both dates."""
    next_day = row.end_date + timedelta(days=1)
    is_month = row.start_date.day == 1 and next_day.day == 1 and next_day - row.start_date <= timedelta(days=31)
    return f"{row.start_date:%Y-%m}" if is_month else f"{row.start_date}/{row.end_date}"


TRANSLATE: Final[Mapping[str, Callable[[bytes], Sequence[Translated]]]] = {
    "workspaces": workspaces,
    "workspace_groups": workspace_groups,
    "stories": stories,
    "users": users,
    "roles": roles,
    "financial_periods": financial_periods,
}
