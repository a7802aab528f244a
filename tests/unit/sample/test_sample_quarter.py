"""The sample's quarter of deals: reproducible, with every kind of mess, and worth what its lines say."""

from collections import Counter
from datetime import date

import pytest

from tieout.connect.simulator.seed import SeedDeal
from tieout.model.finding_codes import CATALOGUE
from tieout.sample.deals import LOST, PROBLEMS, WON, Quarter, expected_projects, sample_quarter
from tieout.sample.masters import SIZES, sample_masters


def quarter(size: str = "small", seed: int = 1) -> Quarter:
    return sample_quarter(sample_masters(SIZES[size], seed), SIZES[size].deals, seed)


def test_equal_seeds_give_equal_quarters_and_others_do_not() -> None:
    assert quarter() == quarter()
    assert quarter(seed=2) != quarter()


@pytest.mark.parametrize("size", ["small", "firm"])
@pytest.mark.parametrize("seed", [1, 7])
def test_every_kind_of_mess_is_in_it_and_most_won_deals_become_projects(size: str, seed: int) -> None:
    deals = quarter(size, seed)
    stages = Counter(deal.stage for deal in deals.final().values())
    assert len(deals.final()) == SIZES[size].deals
    assert stages[WON] > stages[LOST] > 0
    assert len(stages) > 3
    assert set(deals.problems.values()) == set(PROBLEMS.values()) - {"LEGAL_ENTITY_UNMAPPED"}
    assert set(deals.problems.values()) <= CATALOGUE.keys()
    projects = expected_projects(deals, own_tasks=2)
    assert len(projects) >= len(deals.problems)
    assert {one.status for one in projects} == {"active", "on_hold"}
    assert any(len(one.deals) > 1 for one in projects)


@pytest.mark.parametrize("size", ["small", "firm"])
def test_a_deal_is_worth_its_lines_and_deals_of_one_project_agree(size: str) -> None:
    deals = quarter(size)
    standing = deals.final()
    for deal in standing.values():
        if deal.key not in deals.problems:
            assert deal.amount_minor == sum(line.minutes // 60 * line.price_minor for line in deal.lines)
            assert deal.starts is not None
            assert deal.ends is not None
            assert date.fromisoformat(deal.starts) < date.fromisoformat(deal.ends)
    for second, first in deals.merged.items():
        here, there = standing[second], standing[first]
        assert (here.client, here.entity, here.currency) == (there.client, there.entity, there.currency)


def test_what_changes_later_is_later() -> None:
    deals = quarter("firm")
    known = {deal.key: deal.updated_at for deal in deals.deals}
    for act in deals.acts:
        for one in act:
            if isinstance(one, SeedDeal):
                assert one.updated_at > known.get(one.key, "")
                known[one.key] = one.updated_at


def test_what_is_expected_of_a_project_adds_up_its_deals() -> None:
    deals = quarter()
    merged = next(one for one in expected_projects(deals, own_tasks=2) if len(one.deals) == 2)
    parts = [deals.final()[key] for key in merged.deals]
    assert merged.code == merged.deals[0]
    assert merged.budget_minor == sum(one.amount_minor for one in parts)
    assert merged.tasks == 2 + sum(len(one.lines) for one in parts)
    assert merged.name == parts[0].name
