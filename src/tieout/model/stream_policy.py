"""How the firm runs its streams (``streams.toml``): a section for each process manager, absent where it does not run.

``runtime.firm.streams`` reads the file into ``StreamPolicies``, which is part of every applied firm version; a stream
finds its own section there.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec


class ApprovalRule(StrEnum):
    """Whether a person has to approve a deal before anything is made of it."""

    NONE = "none"
    REQUIRED = "required"


class CodeRule(StrEnum):
    """What a project's code is made of: the number of its deal, or a number that counts within the legal entity."""

    DEAL = "deal"
    SEQUENCE = "sequence"


class TaskTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task that every project gets; ``parent`` is the code of another one."""

    code: str
    name: str
    parent: str | None = None
    billable: bool = True
    open_for_time: bool = True


class LeadToProject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a won deal becomes a project.

    A deal counts as approved by the CRM in one of ``approved_stages``; where none is named, in a stage that the CRM
    calls won. ``approvers`` are the people who may approve (empty: anybody but the deal's owner).
    ``minimum_completeness`` is in percent. ``code_format`` may say ``{deal}``, ``{entity}`` and, for a sequence,
    ``{number}`` with a width (``{number:05d}``); ``project_link`` may say ``{code}`` and ``{entity}``. Deals closed
    before ``go_live`` are left alone. ``lines_below`` is the code of the task below which a deal's lines become tasks.
    """

    approved_stages: tuple[str, ...] = ()
    approval: ApprovalRule = ApprovalRule.NONE
    approvers: tuple[str, ...] = ()
    minimum_completeness: int = 0
    contract_required: bool = True
    project_code: CodeRule = CodeRule.DEAL
    code_format: str = "{deal}"
    project_link: str | None = None
    go_live: date | None = None
    lines_below: str | None = None
    tasks: tuple[TaskTemplate, ...] = ()


class PlanToAllocate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How bookings become a plan.

    Capacity is kept for the present week and the ``horizon_weeks`` weeks from it on. ``weekly_hours`` are those of
    everybody of whom no system tells any, and of roles that nobody fills. Bookings in ``soft_states`` and
    ``hard_states`` count in the plan, others do not. A budget is near its end at ``budget_near_percent`` and used up at
    ``budget_full_percent`` of hours or money; soft bookings burn it only where ``burn_counts_soft``.
    ``public_holidays`` are the countries, or parts of them, whose holidays by law count beside those that systems tell.
    """

    horizon_weeks: int = 26
    weekly_hours: Decimal = Decimal(40)
    soft_states: tuple[str, ...] = ("proposed", "soft")
    hard_states: tuple[str, ...] = ("hard", "in_progress", "completed")
    budget_near_percent: int = 80
    budget_full_percent: int = 100
    burn_counts_soft: bool = False
    public_holidays: tuple[str, ...] = ()


class PayPeriod(StrEnum):
    """How long a pay period is; weeks are counted from the first day that payrolls are told of."""

    MONTH = "month"
    HALF_MONTH = "half_month"
    WEEK = "week"
    TWO_WEEKS = "two_weeks"


class HoursToPayroll(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How approved hours get to payrolls.

    ``payrolls`` names the system that pays the people of each legal entity. Nothing before ``first_day`` is told. Hours
    are told ``cut_off_days`` after the last day of their pay period, what changes later as differences. ``numbers_of``
    is the system whose keys of people are the employee numbers (None: the payroll itself). People of the kinds in
    ``leave_out`` are not told.
    """

    payrolls: dict[str, str]
    first_day: date
    pay_period: PayPeriod = PayPeriod.MONTH
    cut_off_days: int = 0
    numbers_of: str | None = None
    leave_out: tuple[str, ...] = ("contractor", "generic")


class StreamPolicies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sections of ``streams.toml``; a stream without one does nothing."""

    lead_to_project: LeadToProject | None = None
    plan_to_allocate: PlanToAllocate | None = None
    hours_to_payroll: HoursToPayroll | None = None
