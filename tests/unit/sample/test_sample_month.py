"""The sample firm is what it promises: its size, the same for the same seed, and the usual mess in its usual shares."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise

import msgspec
import pytest

from tieout.connect.simulator.seed import SeedFirm, SeedTimeEntry
from tieout.sample.masters import (
    CLOSED,
    EXPIRED_ROLE,
    MONTH,
    PERIODS,
    SIZES,
    UNMAPPED_SERVICE_LINE,
    sample_masters,
)
from tieout.sample.time_sheets import sample_time

SEEDS = (1, 2, 7)
LATE_AFTER_DAYS = 14
RATE_EXPIRES = date(2026, 10, 16)


class Month:
    """A firm and its time, with what is to be known of an entry."""

    def __init__(self, size: str, seed: int) -> None:
        self.firm = sample_masters(SIZES[size], seed)
        self.entries = list(sample_time(self.firm, seed))
        self._people = {one.key: one for one in self.firm.people}
        self._projects = {one.code: one for one in self.firm.projects}
        self._tasks = {task.key: task for project in self.firm.projects for task in project.tasks}

    def is_invalid(self, one: SeedTimeEntry) -> bool:
        task = None if one.task is None else self._tasks[one.task]
        return (
            not 0 < one.minutes <= 24 * 60
            or not one.notes
            or task is None
            or not task.open
            or self._projects[one.project].status != "active"
            or one.approver == one.person
            or bool(one.raw)
        )

    def is_late(self, one: SeedTimeEntry) -> bool:
        entered = date.fromisoformat(one.updated_at[:10])
        return self.is_of_the_month(one) and (entered - date.fromisoformat(one.work_date)).days > LATE_AFTER_DAYS

    def is_of_the_month(self, one: SeedTimeEntry) -> bool:
        return date.fromisoformat(one.work_date) >= MONTH

    def is_unmapped(self, one: SeedTimeEntry) -> bool:
        return self._projects[one.project].service_line == UNMAPPED_SERVICE_LINE

    def has_an_expired_rate(self, one: SeedTimeEntry) -> bool:
        return (
            self._people[one.person].role == EXPIRED_ROLE
            and self._projects[one.project].rate_card.endswith("OLD")
            and date.fromisoformat(one.work_date) >= RATE_EXPIRES
        )

    def entity_of(self, one: SeedTimeEntry) -> str:
        return self._people[one.person].entity

    def copies(self) -> int:
        said = Counter(map(same_work, self.entries))
        return sum(count - 1 for count in said.values())

    def percent(self, is_such: Callable[[SeedTimeEntry], bool]) -> float:
        return 100 * sum(map(is_such, self.entries)) / len(self.entries)


def same_work(one: SeedTimeEntry) -> tuple[object, ...]:
    return one.person, one.project, one.task, one.work_date, one.minutes


@pytest.fixture(scope="module", params=SEEDS)
def small(request: pytest.FixtureRequest) -> Month:
    return Month("small", request.param)


@pytest.fixture(scope="module")
def large() -> Month:
    return Month("firm", 1)


def encoded(things: Sequence[msgspec.Struct] | SeedFirm) -> bytes:
    return msgspec.json.encode(things)


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_seeds_give_equal_firms_and_months_to_the_byte(seed: int) -> None:
    one, other = Month("small", seed), Month("small", seed)
    assert encoded(one.firm) == encoded(other.firm)
    assert encoded(one.entries) == encoded(other.entries)


def test_other_seeds_give_other_firms_and_months() -> None:
    months = [Month("small", seed) for seed in range(1, 6)]
    assert len({encoded(one.firm) for one in months}) == 5
    assert len({encoded(one.entries) for one in months}) == 5


def test_the_small_firm_has_sixty_people_in_four_legal_entities(small: Month) -> None:
    assert len(small.firm.people) == 60
    assert {one.code: one.currency for one in small.firm.entities} == {
        "US01": "USD",
        "UK01": "GBP",
        "DE01": "EUR",
        "JP01": "JPY",
    }
    assert {one.entity for one in small.firm.people} == {one.code for one in small.firm.entities}
    assert 4_500 < len(small.entries) < 5_100


def test_the_large_firm_has_five_thousand_people_and_about_four_hundred_thousand_entries(large: Month) -> None:
    assert len(large.firm.people) == 5_000
    assert len({one.email for one in large.firm.people}) == 5_000
    assert 390_000 < len(large.entries) < 410_000


def test_every_reference_leads_somewhere_and_every_key_is_given_once(small: Month) -> None:
    firm = small.firm
    people = {one.key for one in firm.people}
    projects = {one.code: {task.key for task in one.tasks} for one in firm.projects}
    cards = {one.code for one in firm.rate_cards}
    entities = {one.code for one in firm.entities}
    assert len(people) == len(firm.people)
    assert len(projects) == len(firm.projects)
    for belonging in (firm.people, firm.clients, firm.projects):
        assert {one.entity for one in belonging} <= entities
    assert {one.client for one in firm.projects} <= {one.code for one in firm.clients}
    assert {one.rate_card for one in firm.projects} <= cards
    assert {one.role for one in firm.people} <= set(firm.roles)
    for one in small.entries:
        assert one.person in people
        assert one.approver in people
        assert one.task in projects[one.project]
    keys = [one.key for one in small.entries]
    assert keys == sorted(set(keys))


def test_one_in_twenty_entries_is_said_twice_and_none_by_chance(small: Month, large: Month) -> None:
    assert 4.3 < 100 * small.copies() / len(small.entries) < 5.7
    assert 4.5 < 100 * large.copies() / len(large.entries) < 5.1
    copies = [now for before, now in pairwise(small.entries) if same_work(before) == same_work(now)]
    assert len(copies) == small.copies(), "a copy follows what it copies"
    notes = {one.key: one.notes for one in small.entries}
    word_for_word = sum(
        notes[now.key] == before.notes for before, now in pairwise(small.entries) if same_work(before) == same_work(now)
    )
    assert 0 < word_for_word < len(copies), "some copies have slightly other words"


def test_one_in_fifty_entries_is_invalid_in_every_way_that_there_is(small: Month, large: Month) -> None:
    assert 1.4 < small.percent(small.is_invalid) < 2.6
    assert 1.8 < large.percent(large.is_invalid) < 2.2
    for month in (small, large):
        invalid = [one for one in month.entries if month.is_invalid(one)]
        assert any(one.minutes == 0 for one in invalid)
        assert any(one.minutes < 0 for one in invalid)
        assert any(one.minutes > 24 * 60 for one in invalid)
        assert any(not one.notes for one in invalid)
        assert any(one.approver == one.person for one in invalid)
        assert any(one.raw for one in invalid)
        assert any((one.task or "").endswith("T4") for one in invalid)


def test_one_in_a_hundred_comes_late_and_one_in_a_hundred_for_a_closed_period(small: Month, large: Month) -> None:
    assert 0.6 < small.percent(small.is_late) < 1.5
    assert 0.9 < large.percent(large.is_late) < 1.1
    for month, least, most in ((small, 0.5, 1.5), (large, 0.9, 1.1)):
        prior = [one for one in month.entries if not month.is_of_the_month(one)]
        assert least < 100 * len(prior) / len(month.entries) < most
        assert {one.work_date[:7] for one in prior} <= set(CLOSED)
        assert {month.entity_of(one) for one in prior} >= {"US01", "JP01"}, "both policies for closed periods are met"
    assert all(set(one.closed_periods) < set(one.periods) == set(PERIODS) for one in small.firm.entities)


def test_a_rate_expires_in_mid_month_for_one_role_on_old_cards_only(small: Month, large: Month) -> None:
    assert 1.0 < small.percent(small.has_an_expired_rate) < 2.5
    assert 1.0 < large.percent(large.has_an_expired_rate) < 1.5
    ends = {
        (card.code.rpartition("-")[2], line.role)
        for card in small.firm.rate_cards
        for line in card.lines
        if line.ends is not None and line.ends > MONTH.isoformat()
    }
    assert ends == {("OLD", EXPIRED_ROLE)}


def test_one_service_line_in_twelve_projects_has_no_mapping(small: Month, large: Month) -> None:
    assert 6.5 < small.percent(small.is_unmapped) < 10
    assert 8 < large.percent(large.is_unmapped) < 8.7
    assert UNMAPPED_SERVICE_LINE in small.firm.departments


def test_a_day_of_a_person_has_eight_hours_but_for_the_mess(small: Month) -> None:
    hours = Counter[tuple[str, str]]()
    seen = set()
    for one in small.entries:
        if same_work(one) not in seen:
            hours[one.person, one.work_date] += one.minutes
        seen.add(same_work(one))
    assert Counter(hours.values()).most_common(1)[0][0] == 480
    assert sum(minutes == 480 for minutes in hours.values()) > 0.85 * len(hours)


def test_everything_happens_on_working_days_of_people_who_are_there(small: Month) -> None:
    left = {one.key: one.employed_to for one in small.firm.people if one.employed_to is not None}
    assert left, "somebody leaves in mid-month"
    for one in small.entries:
        if small.is_of_the_month(one):
            assert date.fromisoformat(one.work_date).weekday() < 5
            assert one.work_date < left.get(one.person, "9999")


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_seed_the_small_month_can_be_made(seed: int) -> None:
    month = Month("small", seed)
    assert month.copies() > 150
    assert {month.entity_of(one) for one in month.entries} == {"US01", "UK01", "DE01", "JP01"}


def test_a_rate_of_exchange_is_there_for_every_working_day_of_the_month(small: Month) -> None:
    pairs = {(one.base, one.quote) for one in small.firm.fx_rates}
    assert pairs == {("GBP", "USD"), ("EUR", "USD"), ("JPY", "USD")}
    days = {one.day for one in small.firm.fx_rates}
    assert all(date.fromisoformat(day).weekday() < 5 for day in days)
    october = {date(2026, 10, day).isoformat() for day in range(1, 32) if date(2026, 10, day).weekday() < 5}
    assert october <= days
