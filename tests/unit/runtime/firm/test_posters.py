"""One system posts for a legal entity at a time, and none is left out in between."""

from datetime import date

import msgspec
import pytest
from tests.worlds import inbound_firm

from tieout.model.firm import Environment, FirmConfig, SystemConfig
from tieout.runtime.firm.posters import poster_problems

JULY = date(2026, 7, 1)


def firm(old: dict[str, date], new: dict[str, date]) -> FirmConfig:
    """US01 is posted by ``old`` until the days of ``old`` and by ``new`` from the days of ``new``."""

    def ledger(name: str) -> SystemConfig:
        return SystemConfig(
            name=name, connector="plain", account=name, environment=Environment.SANDBOX, posts_for=("US01",)
        )

    systems = (
        msgspec.structs.replace(ledger("old"), posts_until=old),
        msgspec.structs.replace(ledger("new"), posts_from=new),
    )
    return msgspec.structs.replace(inbound_firm.firm(), systems=systems)


def test_a_handover_on_a_day_leaves_no_accounting_date_to_two_ledgers_or_to_none() -> None:
    config = firm({"US01": JULY}, {"US01": JULY})
    assert list(poster_problems(config)) == []
    for day, name in ((date(2026, 6, 30), "old"), (JULY, "new"), (None, "new")):
        poster = config.poster_of("US01", day)
        assert poster is not None
        assert poster.name == name


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({}, {}, "US01 is posted by old already."),
        ({"US01": JULY}, {}, "US01 is posted by old until 2026-07-01 and by new from ever."),
        (
            {"US01": JULY},
            {"US01": date(2026, 8, 1)},
            "US01 is posted by old until 2026-07-01 and by new from 2026-08-01.",
        ),
        ({}, {"US01": JULY}, "US01 is posted by old until for ever and by new from 2026-07-01."),
    ],
)
def test_a_gap_or_an_overlap_is_a_problem_with_words(old: dict[str, date], new: dict[str, date], words: str) -> None:
    assert [one.message for one in poster_problems(firm(old, new))] == [words]


def test_a_day_for_an_entity_that_is_not_posted_there_is_a_problem() -> None:
    messages = [one.message for one in poster_problems(firm({"US01": JULY, "DE01": JULY}, {"US01": JULY}))]
    assert messages == ["There is a day for DE01, which posts_for does not name."]
