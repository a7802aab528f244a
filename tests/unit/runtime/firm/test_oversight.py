"""The sections of tieout.toml by which the hub watches over itself have defaults; what cannot be meant is told."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from tests.worlds import inbound_firm as world

from tieout.model.oversight import DataQuality, DeletionSweep, Oversight, QualityOverride, QualityPolicy
from tieout.runtime.firm.differences import differences
from tieout.runtime.firm.oversight import oversight_contradictions, read_oversight
from tieout.runtime.firm.problems import FirmProblem


def read(text: str) -> tuple[Oversight, list[str]]:
    problems: list[FirmProblem] = []
    found = read_oversight(tomllib.loads(text, parse_float=Decimal), problems)
    return found, [one.message for one in problems]


def test_a_firm_that_says_nothing_has_the_defaults() -> None:
    assert read('name = "Northwind"') == (Oversight(), [])


def test_what_a_firm_says_counts() -> None:
    found, problems = read(
        """
        [schedule.deletion_sweep]
        at = "04:30"
        limit_percent = 5
        [schedule.data_quality]
        at = "off"
        [quality]
        completeness = 97.5
        polled_within_minutes = 10
        [[quality.override]]
        object = "client"
        completeness = 60
        [webhooks]
        per_minute = 60
        refused_per_day = 3
        [intake]
        unreadable_percent = 80
        """
    )
    assert problems == []
    assert found.schedule.deletion_sweep == DeletionSweep(at="04:30", limit_percent=5)
    assert found.schedule.data_quality == DataQuality(at="off")
    assert found.quality.overrides == (QualityOverride(object="client", completeness=Decimal(60)),)
    assert found.quality.threshold("psa", "project", "completeness") == Decimal("97.5")
    assert (found.webhooks.per_minute, found.intake.unreadable_percent) == (60, 80)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[schedule.deletion_sweep]\nat = "25:00"', "at is '25:00'"),
        ('[schedule.drift_sweep]\nat = "at night"', "at is 'at night'"),
        ("[schedule.deletion_sweep]\nlimit_percent = 101", "limit_percent is 101"),
        ('[schedule.coffee]\nat = "09:00"', "unknown field `coffee`"),
        ("[quality]\nvalidity = 101", "validity is 101"),
        ("[quality]\nbeauty = 50", "unknown field `beauty`"),
        ("[quality]\npolled_within_minutes = 0", "polled_within_minutes is 0"),
        ("[[quality.override]]\nvalidity = 50", "names no system and no object"),
        ('[[quality.override]]\nobject = "clients"\nvalidity = 50', "no type of record"),
        ('[[quality.override]]\nobject = "client"\nvalidity = -1', "validity is -1"),
        ("[webhooks]\nper_minute = 0", "per_minute is 0"),
        ("[webhooks]\nrefused_per_day = 0", "refused_per_day is 0"),
        ("[intake]\nunreadable_percent = 0", "unreadable_percent is 0"),
    ],
)
def test_what_cannot_be_meant_is_told(text: str, why: str) -> None:
    _, problems = read(text)
    assert len(problems) == 1
    assert why in problems[0]


def test_two_thresholds_for_the_same_are_one_too_many() -> None:
    _, problems = read('[[quality.override]]\nsystem = "psa"\n[[quality.override]]\nsystem = "psa"')
    assert problems == ["Two [[quality.override]] are for psa."]


def test_the_threshold_that_names_most_counts_and_a_type_counts_more_than_a_system() -> None:
    policy = QualityPolicy(
        overrides=(
            QualityOverride(system="psa", validity=Decimal(1)),
            QualityOverride(object="client", validity=Decimal(2)),
            QualityOverride(system="psa", object="client", validity=Decimal(3)),
            QualityOverride(system="erp", object="client", completeness=Decimal(4)),
        )
    )
    assert policy.threshold("psa", "client", "validity") == 3
    assert policy.threshold("erp", "client", "validity") == 2
    assert policy.threshold("psa", "project", "validity") == 1
    assert policy.threshold("erp", "project", "validity") == 98
    assert policy.threshold("erp", "client", "completeness") == 4


def test_a_threshold_for_a_system_that_the_firm_does_not_have_is_told() -> None:
    policy = QualityPolicy(overrides=(QualityOverride(system="psa"), QualityOverride(system="nowhere")))
    firm = msgspec.structs.replace(world.firm(), oversight=Oversight(quality=policy))
    assert [one.message for one in oversight_contradictions(firm)] == [
        "[[quality.override]] names 'nowhere', which is no system."
    ]


def test_a_changed_threshold_is_a_difference_between_two_versions() -> None:
    before = world.firm()
    after = msgspec.structs.replace(before, oversight=Oversight(quality=QualityPolicy(validity=Decimal(99))))
    assert [one.words() for one in differences(before, after)] == ["~ tieout.toml: quality.validity 98 -> 99"]


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        (datetime(2026, 7, 2, 2, 14, 59, tzinfo=UTC), 1, 2),
        (datetime(2026, 7, 2, 2, 15, tzinfo=UTC), 2, 3),
        (datetime(2026, 7, 2, 23, 59, tzinfo=UTC), 2, 3),
    ],
)
def test_a_daily_run_is_due_at_its_time_in_utc(now: datetime, last: int, following: int) -> None:
    run = DeletionSweep()
    assert run.due_before(now) == datetime(2026, 7, last, 2, 15, tzinfo=UTC)
    assert run.due_after(now) == datetime(2026, 7, following, 2, 15, tzinfo=UTC)
