"""Everything is killed at once under sixteen callers with duplicates: nothing is lost, nothing is posted twice.

The time until the first posting is measured by ``make bench``; here it only has to come.
"""

import pytest
from benchmarks import restart

pytestmark = pytest.mark.faults


def test_after_a_kill_of_everything_each_entry_is_posted_once_and_each_bad_one_stands_on_the_desk() -> None:
    outcome = restart.measure(3_000, kills=2, seed=5)
    assert not outcome.doubled
    assert outcome.posted == outcome.good
    assert outcome.on_desk == outcome.bad
    assert len(outcome.first_s) == 2
