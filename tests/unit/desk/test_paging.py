"""The mark of a page leads back to where it ended, and to nowhere else."""

from decimal import Decimal

import pytest

from tieout.desk import paging
from tieout.desk.paging import Mark
from tieout.errors import ConfigurationError


@pytest.mark.parametrize("key", [Decimal("-7.5000"), Decimal("1786190400.123456"), Decimal(0)])
def test_a_mark_that_was_handed_out_leads_back_to_its_row(key: Decimal) -> None:
    mark = Mark("hours", key, 2**53 + 1)
    assert paging.read(paging.written(mark), order="hours") == mark


@pytest.mark.parametrize("text", ["", "x", "!!!!", "bnVsbA", "W10", "WyJob3VycyIsMSwiMiJd"])
def test_a_mark_that_nobody_handed_out_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        paging.read(text, order="hours")
    assert caught.value.code == "TIE-DESK-011"


def test_a_mark_of_a_list_in_another_order_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="by hours, not by age"):
        paging.read(paging.written(Mark("hours", Decimal(1), 1)), order="age")
