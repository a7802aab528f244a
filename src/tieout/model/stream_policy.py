"""How the firm runs its streams (``streams.toml``): a section for each process manager, absent where it does not run.

``runtime.firm.streams`` reads the file into ``StreamPolicies``, which is part of every applied firm version; a stream
finds its own section there.
"""

from datetime import date
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


class StreamPolicies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sections of ``streams.toml``; a stream without one does nothing."""

    lead_to_project: LeadToProject | None = None
