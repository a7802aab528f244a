"""The sample's quarter of bookings is what it promises: firm, soft, split, part time, and just two that are wrong."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tieout.connect.simulator.seed import SeedAssignment, SeedFirm
from tieout.sample.bookings import QUARTER_ENDS, Plans, sample_plans
from tieout.sample.masters import MONTH, PART_TIME, SIZES, sample_masters

SEEDS = (1, 2, 7)
SATURDAY = 5


@pytest.fixture(params=SEEDS)
def sample(request: pytest.FixtureRequest) -> tuple[SeedFirm, Plans]:
    firm = sample_masters(SIZES["small"], request.param)
    return firm, sample_plans(firm, request.param)


def days_of(one: SeedAssignment) -> list[date]:
    first, last = date.fromisoformat(one.starts), date.fromisoformat(one.ends)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if day.weekday() < SATURDAY]


def firm_minutes(plans: Plans) -> dict[tuple[str, date], int]:
    """Minutes of firm work of each person on each day."""
    booked: dict[tuple[str, date], int] = defaultdict(int)
    for one in plans.assignments:
        for day in days_of(one):
            booked[one.person or "", day] += one.minutes_per_day
    return booked


def test_equal_seeds_give_equal_plans_and_others_give_others() -> None:
    firm = sample_masters(SIZES["small"], 1)
    assert sample_plans(firm, 1) == sample_plans(firm, 1)
    assert sample_plans(firm, 1) != sample_plans(firm, 2)


def test_every_booking_lies_in_the_quarter_on_a_running_project_of_the_persons_own_entity(
    sample: tuple[SeedFirm, Plans],
) -> None:
    firm, plans = sample
    people = {one.key: one for one in firm.people}
    projects = {one.code: one for one in firm.projects}
    for one in plans.assignments:
        assert MONTH <= date.fromisoformat(one.starts) <= date.fromisoformat(one.ends) < QUARTER_ENDS
        assert projects[one.project].status == "active"
        assert projects[one.project].entity == people[one.person or ""].entity
    assert len({one.key for one in plans.assignments}) == len(plans.assignments)


def test_just_one_person_has_more_work_than_hours(sample: tuple[SeedFirm, Plans]) -> None:
    firm, plans = sample
    able = {one.key: int(480 * Decimal(one.fte)) for one in firm.people}
    over = {person for (person, day), minutes in firm_minutes(plans).items() if minutes > able[person]}
    peak = next(one for one in plans.assignments if one.key == plans.overbooked)
    assert over == {peak.person}


def test_just_one_booking_outlasts_an_employment(sample: tuple[SeedFirm, Plans]) -> None:
    firm, plans = sample
    until = {one.key: one.employed_to for one in firm.people}
    outlasting = [
        one.key for one in plans.assignments if (ends := until[one.person or ""]) is not None and one.ends >= ends
    ]
    assert outlasting == [plans.outlasting]


def test_there_is_firm_soft_and_split_work_and_somebody_in_part_time(sample: tuple[SeedFirm, Plans]) -> None:
    firm, plans = sample
    assert {one.status for one in plans.assignments} == {"hard", "soft"}
    halves = [one for one in plans.assignments if one.key.endswith(("-1a", "-1b"))]
    assert len(halves) >= 2
    part_time = {one.key for one in firm.people if one.fte == PART_TIME}
    assert any(one.person in part_time for one in plans.assignments)


def test_nobody_is_away_while_booked(sample: tuple[SeedFirm, Plans]) -> None:
    _, plans = sample
    booked = firm_minutes(plans)
    for absence in plans.time_off:
        first, last = date.fromisoformat(absence.starts), date.fromisoformat(absence.ends)
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        assert [day for day in days if booked.get((absence.person, day))] == []
    assert {one.status for one in plans.time_off} == {"approved", "requested"}
    assert any(one.minutes_per_day is not None for one in plans.time_off)


def test_every_legal_entity_has_public_holidays(sample: tuple[SeedFirm, Plans]) -> None:
    firm, plans = sample
    assert {one.country for one in plans.holidays} == {one.country for one in firm.entities}
