"""Kantata's own types, as its API documents them; ``mapping`` and ``masters`` say what they mean to us.

Ids are strings of digits, but some foreign keys arrive as integers (page "Response Format"). A foreign key that is a
column of its row comes always, an association that is computed only with ``include``. Money is integer subunits
("cents"), time is integer minutes. Fields that the hub does not read are left out, so that new ones do no harm.
"""

from datetime import date, datetime
from typing import Annotated, TypeAlias

import msgspec

Id: TypeAlias = str | int
Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Subunits: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Minutes: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


class KantataReference(msgspec.Struct, frozen=True):
    """One entry of ``results``: which row of which collection comes at this place."""

    key: str
    id: str


class KantataTimeEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Page "Time Entries", with ``include=active_submission,recent_submission``."""

    id: str
    updated_at: Instant
    date_performed: date
    time_in_minutes: Minutes
    billable: bool
    approved: bool
    workspace_id: Id
    user_id: Id
    currency: str | None = None
    currency_base_unit: int | None = None
    rate_in_cents: Subunits | None = None
    notes: str | None = None
    story_id: Id | None = None
    role_id: Id | None = None
    active_submission_id: Id | None = None
    recent_submission_id: Id | None = None


class KantataTimesheetSubmission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Page "Timesheet Submissions": ``status`` is approved, rejected, cancelled or pending (``new`` in filters)."""

    id: str
    status: str
    current_resolution_creator_id: Id | None = None
    current_resolution_created_at_date: Instant | None = None


class KantataCustomFieldValue(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Custom Field Values": a value that the firm's administrators defined for a project, group or user."""

    id: str
    updated_at: Instant
    custom_field_name: str | None = None
    display_value: str | None = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class KantataProjectStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The status of a project; colours have a documented meaning (page "Project Status List"), texts are labels."""

    color: str
    key: Id | None = None
    message: str | None = None


class KantataWorkspace(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Workspaces" (projects), with ``include=primary_workspace_group,workspace_groups,custom_field_values``."""

    id: str
    updated_at: Instant
    title: str
    archived: bool
    currency: str | None = None
    start_date: date | None = None
    due_date: date | None = None
    status: KantataProjectStatus | None = None
    rate_card_id: Id | None = None
    price: str | None = None
    budgeted: bool = False
    primary_workspace_group_id: Id | None = None
    workspace_group_ids: list[Id] = []
    custom_field_value_ids: list[Id] = []
    external_reference_ids: list[Id] = []


class KantataWorkspaceGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Workspace Groups": a client where ``company`` is true, otherwise just a way to sort projects."""

    id: str
    name: str
    company: bool | None = None
    updated_at: Instant | None = None
    custom_field_value_ids: list[Id] = []


class KantataStory(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Stories" (tasks), with ``include=custom_field_values``; ``show_deleted=true`` shows a deleted one too."""

    id: str
    updated_at: Instant
    title: str
    workspace_id: Id
    parent_id: Id | None = None
    billable: bool | None = None
    archived: bool = False
    time_trackable: bool | None = None
    time_estimate_in_minutes: Minutes | None = None
    start_date: date | None = None
    due_date: date | None = None
    deleted_at: Instant | None = None
    custom_field_value_ids: list[Id] = []


class KantataAccountMembership(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Account Memberships": a user's relation to the firm's account."""

    id: str
    updated_at: Instant
    user_id: Id | None = None
    disabled_at: Instant | None = None
    cost_rate_ids: list[Id] = []


class KantataUser(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Users", with ``include=account_membership,role,custom_field_values``. It tells no time of change."""

    id: str
    full_name: str
    email_address: str | None = None
    role_id: Id | None = None
    account_membership_id: Id | None = None
    custom_field_value_ids: list[Id] = []


class KantataRole(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Roles"."""

    id: str
    name: str
    updated_at: Instant | None = None
    deleted_at: Instant | None = None


class KantataRateCard(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Rate Cards (Multiple Currencies)": one currency of a rate card set."""

    id: str
    currency: str
    rate_card_set_title: str | None = None
    updated_at: Instant | None = None
    external_reference_ids: list[Id] = []


class KantataExternalReference(msgspec.Struct, frozen=True, kw_only=True):
    """Page "External References": by what another system refers to a record."""

    id: str
    service_name: str
    service_model: str
    service_model_ref: str
    subject_id: Id


class KantataRateCardSetVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Rate Card Set Version": takes effect on ``effective_date`` once it is published (``active``)."""

    id: str
    effective_date: date
    active: bool
    updated_at: Instant | None = None


class KantataRateCardVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Rate Card Versions", with ``include=rate_card,rate_card_roles,rate_card_set_version``.

    ``default_rate``, in subunits per hour, is for roles that have no rate of their own.
    """

    id: str
    rate_card_id: Id
    rate_card_set_version_id: Id
    rate_card_role_ids: list[Id] = []
    default_rate: Subunits | None = None
    updated_at: Instant | None = None


class KantataRateCardRole(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Rate Card Role": what an hour of a role is billed at, in subunits of the card's currency."""

    id: str
    rate: Subunits
    role_id: Id
    updated_at: Instant | None = None


class KantataCostRate(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Cost Rates": what an hour of an account member costs now; the API tells no dates of effect."""

    id: str
    amount_in_subunits: Subunits
    currency: str
    updated_at: Instant | None = None


class KantataFinancialPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """Financial period of the account (resource of the vendor's client library); both dates belong to it."""

    id: str
    start_date: date
    end_date: date
    status: str
    updated_at: Instant | None = None


class KantataSubscribedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Page "Events": unordered, sometimes repeated, kept for nine days. ``previous_payload`` is JSON as text."""

    id: str
    event_type: str
    subject_id: Id
    subject_changed_at: Instant
    created_at: Instant
    previous_payload: str | dict[str, object] | None = None


class KantataTimeBeforeDeletion(msgspec.Struct, frozen=True, kw_only=True):
    """What the event of a deletion still knows of the time entry; every field may be missing."""

    updated_at: Instant | None = None
    date_performed: date | None = None
    time_in_minutes: Minutes | None = None
    billable: bool | None = None
    workspace_id: Id | None = None
    user_id: Id | None = None
    story_id: Id | None = None
    role_id: Id | None = None


class KantataError(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an error body; ``type`` is oauth, system or validation."""

    type: str = ""
    message: str = ""
    field: str | None = None


class KantataErrors(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error answer (page "Errors")."""

    errors: list[KantataError]


class KantataTimePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of time entries with the submissions they belong to."""

    results: list[KantataReference]
    time_entries: dict[str, KantataTimeEntry] = {}
    timesheet_submissions: dict[str, KantataTimesheetSubmission] = {}
