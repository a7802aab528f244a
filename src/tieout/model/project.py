"""Projects and their work breakdown: what time is booked on. The PSA owns them, the ERP owns their dimensions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from tieout.model.finding import Finding, finding
from tieout.model.money import Money, exponent
from tieout.model.rule import refuse
from tieout.model.span import ALWAYS, DateSpan
from tieout.model.working_time import has_hour_decimals

_FULL = Decimal(100)


class ProjectState(StrEnum):
    """The states of ``lifecycle.PROJECT``."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    DELIVERY_COMPLETE = "delivery_complete"
    FINANCIALLY_CLOSED = "financially_closed"
    ARCHIVED = "archived"

    @property
    def takes_time(self) -> bool:
        """Whether work may be booked on it."""
        return self is ProjectState.ACTIVE


class Project(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One project; ``code`` is unique in its legal entity, ``currency`` is its contract's.

    Planned days are both inclusive here, as people plan them. ``dimensions`` are the ERP's (cost centre and others).
    """

    code: str
    name: str
    client: str
    legal_entity: str
    currency: str
    state: ProjectState
    contract: str | None = None
    service_line: str | None = None
    project_manager: str | None = None
    planned_start: date | None = None
    planned_end: date | None = None
    budget_hours: Decimal | None = None
    budget_cost: Money | None = None
    budget_revenue: Money | None = None
    dimensions: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse a project without code, ending before it starts, or with an impossible budget."""
        name = f"Project {self.code or self.name!r}"
        if not (self.code and self.legal_entity):
            refuse(name, "it has no code or no legal entity")
        exponent(self.currency)
        if self.planned_start is not None and self.planned_end is not None and self.planned_end < self.planned_start:
            refuse(name, f"it ends {self.planned_end}, before it starts ({self.planned_start})")
        if self.budget_hours is not None and (not has_hour_decimals(self.budget_hours) or self.budget_hours < 0):
            refuse(name, f"a budget of {self.budget_hours} hours is impossible")
        if self.budget_revenue is not None and self.budget_revenue.currency != self.currency:
            refuse(name, f"its revenue budget is in {self.budget_revenue.currency}, the project in {self.currency}")
        if self.state.takes_time and self.contract is None:
            refuse(name, "it is active without a contract")


class WBSTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One task of a project's work breakdown; ``wbs_code`` is unique in the project, ``parent`` is another's code."""

    project: str
    wbs_code: str
    name: str
    parent: str | None = None
    is_billable: bool = True
    is_milestone: bool = False
    open_for_time: bool = True
    planned_hours: Decimal = Decimal(0)
    window: DateSpan = ALWAYS
    role: str | None = None
    percent_complete: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse a task without code, its own parent, negative hours, a milestone of work, progress over 100 %."""
        name = f"Task {self.wbs_code} of {self.project}"
        if not self.wbs_code:
            refuse(name, "it has no WBS code")
        if self.parent == self.wbs_code:
            refuse(name, "it is its own parent")
        if not has_hour_decimals(self.planned_hours) or self.planned_hours < 0:
            refuse(name, f"{self.planned_hours} planned hours are impossible")
        if self.is_milestone and self.planned_hours:
            refuse(name, "it is a milestone and has planned hours")
        if not 0 <= self.percent_complete <= _FULL:
            refuse(name, f"{self.percent_complete} percent complete is not between 0 and 100")


def wbs_problems(tasks: Iterable[WBSTask], booked_hours: Mapping[str, Decimal] | None = None) -> list[Finding]:
    """What is wrong with the tasks of one project as a tree.

    Codes given twice, parents that do not exist, cycles, and hours (planned, or booked as ``booked_hours`` by WBS code)
    on a task that has children block; a child outside its parent's dates is a warning.
    """
    ordered = list(tasks)
    by_code: dict[str, WBSTask] = {}
    found: list[Finding] = []
    for task in ordered:
        if task.wbs_code in by_code:
            found.append(_broken(task, "its code is used twice"))
        by_code.setdefault(task.wbs_code, task)
    parents = {task.parent for task in by_code.values() if task.parent is not None}
    for task in by_code.values():
        if task.parent is not None and task.parent not in by_code:
            found.append(_broken(task, f"its parent {task.parent} does not exist"))
        if task.wbs_code in parents and (task.planned_hours or (booked_hours or {}).get(task.wbs_code)):
            found.append(_broken(task, "it has hours and children; hours belong on leaves only"))
    found.extend(_broken(by_code[code], "it is its own ancestor") for code in _on_cycles(by_code))
    found.extend(_outside_parent(by_code))
    return found


def _on_cycles(by_code: Mapping[str, WBSTask]) -> Sequence[str]:
    """The codes that lie on a cycle of parents, in the order of the tasks."""
    cyclic: set[str] = set()
    settled: set[str] = set()
    for code in by_code:
        path: list[str] = []
        at: str | None = code
        while at is not None and at in by_code and at not in settled and at not in path:
            path.append(at)
            at = by_code[at].parent
        if at is not None and at in path:
            cyclic.update(path[path.index(at) :])
        settled.update(path)
    return [code for code in by_code if code in cyclic]


def _outside_parent(by_code: Mapping[str, WBSTask]) -> list[Finding]:
    found = []
    for task in by_code.values():
        parent = by_code.get(task.parent) if task.parent is not None else None
        if parent is not None and not parent.window.covers(task.window):
            found.append(
                finding(
                    "WBS_WINDOW",
                    f"Task {task.wbs_code} of {task.project} lies outside the dates of its parent {parent.wbs_code}.",
                    cause=task.project,
                    subject=f"task:{task.project}/{task.wbs_code}",
                )
            )
    return found


def _broken(task: WBSTask, what: str) -> Finding:
    return finding(
        "WBS_INVALID",
        f"Task {task.wbs_code} of {task.project}: {what}.",
        cause=task.project,
        subject=f"task:{task.project}/{task.wbs_code}",
    )
