"""How the firm runs its streams: read as it is meant, and every mistake told at once."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tieout.model.stream_policy import ApprovalRule, CodeRule
from tieout.runtime.firm.directory import read_firm
from tieout.runtime.firm.problems import FirmInvalidError

ERP = """
connector = "tryton"
account = "erp"
environment = "sandbox"
takes = [{takes}]

[settings]
base_url = "http://erp.example"
database = "tryton"
user = "hub"
journal = "TIE"

[secrets]
password = "env:ERP_PASSWORD"
"""
PROJECT = '"upsert_customer", "upsert_project"'


def write(directory: Path, streams: str, *, takes: str = PROJECT) -> Path:
    (directory / "systems").mkdir(parents=True)
    (directory / "tieout.toml").write_text('name = "Northwind"\n')
    (directory / "systems" / "erp.toml").write_text(ERP.format(takes=takes))
    (directory / "streams.toml").write_text(streams)
    return directory


def test_a_policy_is_read_with_its_tasks_and_is_part_of_the_version(tmp_path: Path) -> None:
    text = """
    [lead_to_project]
    approved_stages = ["Signed"]
    approval = "required"
    approvers = ["cfo@example.com"]
    project_code = "sequence"
    code_format = "{entity}-{number:05d}"
    go_live = 2026-10-01
    lines_below = "D"

    [[lead_to_project.tasks]]
    code = "D"
    name = "Delivery"
    """
    firm = read_firm(write(tmp_path / "one", text))
    policy = firm.streams.lead_to_project
    assert policy is not None
    assert (policy.approval, policy.project_code, policy.go_live) == (
        ApprovalRule.REQUIRED,
        CodeRule.SEQUENCE,
        date(2026, 10, 1),
    )
    assert policy.tasks[0].name == "Delivery"
    assert read_firm(write(tmp_path / "two", "")).content_hash != firm.content_hash
    assert read_firm(tmp_path / "two").streams.lead_to_project is None


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('code_format = "{number}"', "it knows no {number}"),
        ('code_format = "P"', "without {deal} two projects would have one code"),
        ('project_code = "guess"', "Invalid enum value"),
        ('project_link = "https://{host}/{code}"', "project_link cannot be read"),
        ("minimum_completeness = 101", "minimum_completeness is 101"),
        ('approvers = ["cfo"]', "nothing is approved"),
        ('lines_below = "X"', "which is no task"),
        ('stages = ["Won"]', "unknown field `stages`"),
        ('tasks = [{code = "A", name = "A", parent = "B"}]', "its parent B does not exist"),
        ('tasks = [{code = "A", name = "A", parent = "A"}]', "is its own parent"),
        (
            'tasks = [{code = "A", name = "A", parent = "B"}, {code = "B", name = "B", parent = "A"}]',
            "it is its own ancestor",
        ),
        ('tasks = [{code = "A", name = "A"}, {code = "A", name = "B"}]', "its code is used twice"),
        ('tasks = [{code = "L3", name = "A"}]', "a code that a line of a deal will get"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_in_words(tmp_path: Path, setting: str, words: str) -> None:
    with pytest.raises(FirmInvalidError) as refused:
        read_firm(write(tmp_path / "firm", f"[lead_to_project]\n{setting}\n"))
    assert words in " ".join(problem.describe() for problem in refused.value.problems)
    assert {problem.file for problem in refused.value.problems} == {"streams.toml"}


def test_a_stream_whose_projects_no_system_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FirmInvalidError, match="No system takes projects"):
        read_firm(write(tmp_path / "firm", "[lead_to_project]\n", takes='"upsert_customer"'))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('soft_states = ["soft", "hard"]', "'hard' is both soft and hard"),
        ('hard_states = ["firm"]', "'firm' is no state of a booking"),
        ("horizon_weeks = 0", "horizon_weeks is 0"),
        ("weekly_hours = 200", "weekly_hours is 200"),
        ("budget_near_percent = 120", "near its end at 120 %"),
        ('public_holidays = ["DE", "UK"]', "'UK' is in no country whose public holidays are known. Use GB."),
        ('public_holidays = ["Germany"]', "'Germany' is in no country whose public holidays are known. Use DE."),
        ('public_holidays = ["DE-BX"]', "'BX' is no part of DE whose public holidays are known. Use DE-HB"),
        ('public_holidays = ["JP-13"]', "JP has no parts with public holidays of their own. Use JP."),
    ],
)
def test_a_plan_that_cannot_be_meant_is_told(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(FirmInvalidError) as error:
        read_firm(write(tmp_path, f"[plan_to_allocate]\n{setting}\n"))
    assert message in str(error.value.problems[0].describe())
    assert len(error.value.problems) == 1


def test_a_plan_needs_no_setting(tmp_path: Path) -> None:
    policy = read_firm(write(tmp_path, "[plan_to_allocate]\nweekly_hours = 37.5\n")).streams.plan_to_allocate
    assert policy is not None
    assert (policy.weekly_hours, policy.horizon_weeks) == (Decimal("37.5"), 26)
