"""What a source said, in canonical words but with the source's own keys.

A connector's translator turns vendor payloads into these values; the normalizer in ``inbound`` then replaces
the source's keys by golden records. Nothing here is resolved, checked or rated yet.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

FieldValue: TypeAlias = str | int | bool | None


class ReportedState(StrEnum):
    """Where a time entry stands in its source (domain model 1.4), as far as the source tells."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECALLED = "recalled"
    DELETED = "deleted"


class ReportedBooking(StrEnum):
    """Where an assignment stands in its source (domain model 1.4, and deleted)."""

    REQUESTED = "requested"
    PROPOSED = "proposed"
    SOFT = "soft"
    HARD = "hard"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DELETED = "deleted"


class ReportedLeave(StrEnum):
    """Where an absence stands in its source."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    DELETED = "deleted"


class RecordType(StrEnum):
    """The master objects that golden records are kept of; docs/reference/canonical-fields.md lists the fields of each.

    A deal is an opportunity of the CRM, a deal line a role or product sold in it. Demand is what a project needs of a
    role. A holiday is one day of a calendar, which a legal entity or a location names.
    """

    LEGAL_ENTITY = "legal_entity"
    CLIENT = "client"
    PROJECT = "project"
    TASK = "task"
    ROLE = "role"
    RESOURCE = "resource"
    RATE_CARD = "rate_card"
    RATE_LINE = "rate_line"
    COST_RATE = "cost_rate"
    PERIOD = "period"
    FX_RATE = "fx_rate"
    DEAL = "deal"
    DEAL_LINE = "deal_line"
    CONTRACT = "contract"
    CONTRACT_LINE = "contract_line"
    DEMAND = "demand"
    SKILL = "skill"
    RESOURCE_SKILL = "resource_skill"
    ORG_UNIT = "org_unit"
    HOLIDAY = "holiday"


class ReportedTime(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One version of one time entry as its source reported it.

    ``version`` grows with every change in the source (for example its update time in microseconds).
    ``person``, ``project``, ``task``, ``role`` and ``approved_by`` are the source's own keys. ``hours`` has at
    most four decimals. ``claimed_rate`` and ``claimed_amount`` are what the source says one hour and the whole
    entry are worth in ``claimed_currency``; the hub compares, it never takes them over. ``replaces`` names the
    source id of the entry that this one corrects.
    """

    source_id: str
    version: int
    state: ReportedState
    person: str
    project: str
    work_date: date
    hours: Decimal
    billable: bool
    task: str | None = None
    role: str | None = None
    work_type: str = "regular"
    narrative: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    time_zone: str | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    claimed_rate: Decimal | None = None
    claimed_amount: Decimal | None = None
    claimed_currency: str | None = None
    replaces: str | None = None


class ReportedAssignment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One version of one booking as its source reported it, from day ``starts`` until before ``ends``.

    ``person``, ``project``, ``task`` and ``role`` are the source's own keys; without ``person`` a role is booked that
    nobody fills yet. Exactly one of ``hours_per_day`` (on each day that the person works), ``percent`` (of the person's
    capacity) and ``hours_by_day`` says how much.
    """

    source_id: str
    version: int
    state: ReportedBooking
    project: str
    starts: date
    ends: date
    person: str | None = None
    role: str | None = None
    task: str | None = None
    hours_per_day: Decimal | None = None
    percent: Decimal | None = None
    hours_by_day: dict[date, Decimal] | None = None
    bill_rate: Decimal | None = None
    location: str | None = None
    time_zone: str | None = None
    notes: str = ""


class ReportedTimeOff(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One version of one absence as its source reported it, from day ``starts`` until before ``ends``.

    ``hours_per_day`` are away on each day that the person works, ``hours_by_day`` on the named days where they differ;
    at most one is told, and neither means the whole of each day.
    """

    source_id: str
    version: int
    state: ReportedLeave
    person: str
    starts: date
    ends: date
    kind: str = "leave"
    hours_per_day: Decimal | None = None
    hours_by_day: dict[date, Decimal] | None = None


class ReportedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one master record as its source reported it.

    ``fields`` maps canonical field names to scalars (decimals and dates as ISO strings); a field that the
    source does not tell is absent, a field that it tells to be empty is ``None``. ``references`` maps canonical
    reference fields to the source's own key of the other record. ``deleted`` marks a tombstone.
    """

    type: RecordType
    source_id: str
    version: int
    fields: dict[str, FieldValue]
    references: dict[str, str] = {}
    deleted: bool = False
