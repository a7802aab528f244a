"""``streams.toml``: how the firm runs its process managers, checked against the systems and against itself.

``directory`` reads it with the other files; what is wrong is told as its other mistakes are.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from tieout.model.assignment import AssignmentState
from tieout.model.firm import FirmConfig
from tieout.model.project import WBSTask, wbs_problems
from tieout.model.stream_policy import ApprovalRule, LeadToProject, PlanToAllocate, StreamPolicies
from tieout.runtime.firm.payrolls import payroll_contradictions
from tieout.runtime.firm.problems import FirmProblem
from tieout.streams.lead_to_project.project_code import format_problem
from tieout.streams.lead_to_project.targets import PROJECT, STATUS, TASK
from tieout.streams.plan_to_allocate.public_holidays import place_problem

FILE: Final = "streams.toml"
_ALL: Final = 100
_LONGEST_HORIZON: Final = 260
_WEEK_HOURS: Final = 168


def read_streams(table: dict[str, object], problems: list[FirmProblem]) -> StreamPolicies:
    """The policies in the parsed file; what cannot be read is added to ``problems``."""
    try:
        return msgspec.convert(table, StreamPolicies, strict=False)
    except msgspec.ValidationError as error:
        problems.append(_problem(f"{error}.", "Correct the named setting."))
        return StreamPolicies()


def stream_contradictions(config: FirmConfig) -> list[FirmProblem]:
    """What in the streams' policies cannot be meant."""
    projects, plan = config.streams.lead_to_project, config.streams.plan_to_allocate
    return [
        *([] if projects is None else [*_settings(projects), *_tasks(projects), *_targets(config)]),
        *([] if plan is None else [*_planning(plan), *_public_holidays(plan)]),
        *payroll_contradictions(config),
    ]


def _settings(policy: LeadToProject) -> Iterator[FirmProblem]:
    wrong = format_problem(policy.project_code, policy.code_format)
    if wrong is not None:
        yield _problem(f"code_format {policy.code_format!r} makes no codes: {wrong}.", "Use {deal} or {number:05d}.")
    if policy.project_link is not None:
        try:
            policy.project_link.format(code="P-1", entity="US01")
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            yield _problem(f"project_link cannot be read ({error}).", "Use {code} and {entity} only.")
    if not 0 <= policy.minimum_completeness <= _ALL:
        yield _problem(f"minimum_completeness is {policy.minimum_completeness}.", "Use a number from 0 to 100.")
    if policy.approvers and policy.approval is ApprovalRule.NONE:
        yield _problem("It names approvers, but nothing is approved.", 'Set approval = "required" or remove them.')


def _tasks(policy: LeadToProject) -> Iterator[FirmProblem]:
    """The template tasks are a tree, and no line that is sold can get the code of one."""
    wrong = [one for one in policy.tasks if not one.code or one.parent == one.code]
    for one in wrong:
        yield _problem(f"Task {one.code!r} has no code or is its own parent.", "Correct it.")
    sound = [one for one in policy.tasks if one not in wrong]
    tree = [WBSTask(project=FILE, wbs_code=one.code, name=one.name, parent=one.parent) for one in sound]
    for found in wbs_problems(tree):
        yield _problem(found.message, "Correct codes and parents of the tasks.")
    codes = {one.code for one in policy.tasks}
    if policy.lines_below is not None and policy.lines_below not in codes:
        yield _problem(f"lines_below names {policy.lines_below!r}, which is no task.", "Name one of the tasks.")
    stem = "L" if policy.lines_below is None else f"{policy.lines_below}."
    for code in sorted(codes):
        if code.startswith(stem) and code.removeprefix(stem).isdecimal():
            yield _problem(f"Task {code!r} has a code that a line of a deal will get.", "Give it another code.")


def _targets(config: FirmConfig) -> Iterator[FirmProblem]:
    """What is sent fits together: tasks and status belong to a project that the system takes too."""
    takes = {one.name: set(one.takes) for one in config.systems}
    if not any(PROJECT in one for one in takes.values()):
        yield _problem("No system takes projects.", f'Add "{PROJECT}" to takes of a system.')
    for name, commands in sorted(takes.items()):
        for needs in sorted({TASK, STATUS} & commands):
            if PROJECT not in commands:
                yield FirmProblem(
                    file=f"systems/{name}.toml",
                    message=f"It takes {needs} without {PROJECT}.",
                    next_step=f'Add "{PROJECT}" to takes.',
                )


def _planning(policy: PlanToAllocate) -> Iterator[FirmProblem]:
    """Every state means one thing, and the numbers are such as a plan can be made by."""
    known = set(AssignmentState) - {AssignmentState.CANCELLED}
    for state in sorted({*policy.soft_states, *policy.hard_states}):
        if state not in known:
            yield _problem(f"{state!r} is no state of a booking.", f"Use some of {', '.join(sorted(known))}.")
        elif state in policy.soft_states and state in policy.hard_states:
            yield _problem(f"{state!r} is both soft and hard.", "Take it out of one of the two.")
    if not 1 <= policy.horizon_weeks <= _LONGEST_HORIZON:
        yield _problem(f"horizon_weeks is {policy.horizon_weeks}.", f"Use 1 to {_LONGEST_HORIZON} weeks.")
    if not policy.weekly_hours.is_finite() or not 0 < policy.weekly_hours <= _WEEK_HOURS:
        yield _problem(f"weekly_hours is {policy.weekly_hours}.", f"Use more than 0 and at most {_WEEK_HOURS} hours.")
    if not 0 < policy.budget_near_percent <= policy.budget_full_percent:
        yield _problem(
            f"A budget is near its end at {policy.budget_near_percent} % and used up at "
            f"{policy.budget_full_percent} %.",
            "Use percents above 0, the near one not above the full one.",
        )


def _public_holidays(policy: PlanToAllocate) -> Iterator[FirmProblem]:
    """Every place is one whose holidays are known."""
    for place in dict.fromkeys(policy.public_holidays):
        wrong = place_problem(place)
        if wrong is not None:
            yield _problem(f"public_holidays: {wrong[0]}", wrong[1])


def _problem(message: str, next_step: str) -> FirmProblem:
    return FirmProblem(file=FILE, message=message, next_step=next_step)
