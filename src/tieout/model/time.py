"""Time entries: the hours that people work, the fact that most of the money comes from.

Sources report them (``reported``), ``inbound`` checks them, ``ledger`` rates them. ``work_date`` is the worker's own
calendar day: it selects period, rate, holiday and exchange rate (domain model, decision 5).
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from tieout.model.identity import ExternalId
from tieout.model.rule import refuse
from tieout.model.working_time import elapsed_hours, has_hour_decimals

MAX_ENTRY_HOURS = Decimal(24)


class WorkType(StrEnum):
    """What kind of work it was; a dimension of rates."""

    REGULAR = "regular"
    OVERTIME = "overtime"
    TRAVEL = "travel"


WORK_TYPE_NUMBER = {WorkType.REGULAR: 1, WorkType.OVERTIME: 2, WorkType.TRAVEL: 3}
"""The numbers that tables keep work types by; never renumbered."""

WORK_TYPE_OF_NUMBER = {number: work_type for work_type, number in WORK_TYPE_NUMBER.items()}


class TimeEntryState(StrEnum):
    """The states of ``lifecycle.TIME_ENTRY``."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RECALLED = "recalled"
    REJECTED = "rejected"
    APPROVED = "approved"
    VALIDATED = "validated"
    ENRICHED = "enriched"
    POSTING = "posting"
    POSTED = "posted"
    INVOICED = "invoiced"
    PAID = "paid"
    ADJUSTED = "adjusted"
    CANCELLED = "cancelled"
    APPROVED_EXCEPTION = "approved_exception"
    VALIDATED_EXCEPTION = "validated_exception"
    ENRICHED_EXCEPTION = "enriched_exception"
    POSTING_EXCEPTION = "posting_exception"

    @property
    def is_open_to_its_worker(self) -> bool:
        """Whether the worker may still change it: once approved, an entry changes by reversal only."""
        return self in _OPEN_TO_ITS_WORKER

    @property
    def needs_approver(self) -> bool:
        """Whether an entry in this state must say who approved it and when."""
        return self not in _BEFORE_APPROVAL


_OPEN_TO_ITS_WORKER = frozenset({TimeEntryState.DRAFT, TimeEntryState.RECALLED, TimeEntryState.REJECTED})
_BEFORE_APPROVAL = _OPEN_TO_ITS_WORKER | {TimeEntryState.SUBMITTED, TimeEntryState.CANCELLED}


class TimeEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person's work on one task on one day; ``resource``, ``project`` and ``task`` are canonical codes.

    ``hours`` is above zero and at most 24, with at most four decimals; ``billable_hours`` may be more (a minimum
    charge) but not below zero. ``started_at`` and ``ended_at`` are instants and come together, with ``time_zone``.
    """

    resource: str
    project: str
    task: str | None
    work_date: date
    hours: Decimal
    billable_hours: Decimal
    state: TimeEntryState
    work_type: WorkType = WorkType.REGULAR
    description: str = ""
    period: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    time_zone: str | None = None
    approver: str | None = None
    approved_at: datetime | None = None
    identifiers: tuple[ExternalId, ...] = ()

    def __post_init__(self) -> None:
        """Refuse impossible hours, half an interval, and an approval by nobody."""
        if not has_hour_decimals(self.hours) or not 0 < self.hours <= MAX_ENTRY_HOURS:
            refuse(self._name, f"{self.hours} hours are not between 0 and 24 with at most four decimals")
        if not has_hour_decimals(self.billable_hours) or self.billable_hours < 0:
            refuse(self._name, f"{self.billable_hours} billable hours are below zero or have more than four decimals")
        self._check_interval()
        if self.state.needs_approver and (self.approver is None or self.approved_at is None):
            refuse(self._name, f"it is {self.state} but does not say who approved it and when")
        if self.approved_at is not None and self.approved_at.tzinfo is None:
            refuse(self._name, "the instant of its approval names no zone")

    def _check_interval(self) -> None:
        if (self.started_at is None) != (self.ended_at is None):
            refuse(self._name, "it has a start or an end, but not both")
        if self.started_at is not None and self.ended_at is not None:
            if elapsed_hours(self.started_at, self.ended_at) < 0:
                refuse(self._name, "it ends before it starts")
            if self.time_zone is None:
                refuse(self._name, "it has start and end but no time zone")

    @property
    def _name(self) -> str:
        return f"Time entry of {self.resource} on {self.project}, {self.work_date}"


def overlaps(one: TimeEntry, other: TimeEntry) -> bool:
    """Whether two entries claim the same stretch of time; entries that only touch do not (half-open intervals)."""
    if one.started_at is None or one.ended_at is None or other.started_at is None or other.ended_at is None:
        return False
    return elapsed_hours(one.started_at, other.ended_at) > 0 and elapsed_hours(other.started_at, one.ended_at) > 0
