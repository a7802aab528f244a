"""Which rate line wins, and why the others lost (domain model 2.1)."""

import msgspec
import pytest
from tests.worlds.ledger_firm import (
    CARD,
    CLIENT,
    DAY,
    ENTITY,
    PERSON,
    PROJECT,
    ROLE,
    TASK,
    YEAR_START,
    line,
    request,
)

from tieout.ledger.rate_lines import RateContext, RateGap, RateIndex, RateLine, candidates, choose, span
from tieout.ledger.rating import rate_key

KEY = rate_key(RateContext.BILL, request())


def winner(*lines: RateLine) -> int | str:
    chosen = choose(RateIndex(lines).fitting(KEY), DAY)
    return chosen.code if isinstance(chosen, RateGap) else chosen.rate_line_id


LADDER = [
    line(1, scope="global"),
    line(2, scope="global", entity_id=ENTITY),
    line(3, scope="global", work_type=1),
    line(4, scope="global", task_id=TASK),
    line(5, scope="global", role_id=ROLE),
    line(6, scope="global", resource_id=PERSON),
    line(7, scope="global", resource_id=PERSON, role_id=ROLE),
    line(8, scope="legal_entity", entity_id=ENTITY),
    line(9, scope="client", client_id=CLIENT),
    line(10, scope="contract", rate_card_id=CARD),
    line(11, scope="contract", rate_card_id=CARD, role_id=ROLE),
    line(12, scope="project", project_id=PROJECT),
    line(13, scope="assignment", project_id=PROJECT, resource_id=PERSON),
]


@pytest.mark.parametrize("at", range(1, len(LADDER)))
def test_a_closer_scope_or_a_more_telling_dimension_wins(at: int) -> None:
    assert winner(*LADDER[: at + 1]) == LADDER[at].rate_line_id
    assert winner(*reversed(LADDER[: at + 1])) == LADDER[at].rate_line_id


def test_scope_goes_before_the_number_of_dimensions() -> None:
    assert winner(line(1, scope="client", client_id=CLIENT), line(2, scope="global", resource_id=PERSON)) == 1


@pytest.mark.parametrize(
    "other", [{"role_id": 99}, {"resource_id": 99}, {"task_id": 99}, {"project_id": 99}, {"work_type": 2}]
)
def test_a_line_for_something_else_never_fits(other: dict[str, object]) -> None:
    assert winner(msgspec.structs.replace(line(1, scope="assignment"), **other)) == "RATE_NOT_FOUND"


def test_of_two_alike_the_later_start_wins() -> None:
    assert winner(line(1, valid_from=YEAR_START), line(2, valid_from=YEAR_START + 30)) == 2


def test_two_that_fit_equally_well_are_ambiguous_and_never_guessed() -> None:
    assert winner(line(1, "150"), line(2, "160")) == "RATE_AMBIGUOUS"
    assert winner(line(1, "150"), line(2, "150")) == "RATE_AMBIGUOUS"


@pytest.mark.parametrize(("one", "other"), [("USD", "EUR"), ("EUR", "USD"), ("EUR", "GBP")])
def test_two_that_differ_in_their_currency_alone_are_ambiguous_whichever_the_project_is_in(
    one: str, other: str
) -> None:
    lines = (line(1, scope="global", currency=one), line(2, scope="global", currency=other))
    assert winner(*lines) == "RATE_AMBIGUOUS"
    assert winner(*reversed(lines)) == "RATE_AMBIGUOUS"


def test_a_closer_line_wins_in_whatever_currency_it_is() -> None:
    assert winner(line(1, scope="global"), line(2, scope="legal_entity", entity_id=ENTITY, currency="EUR")) == 2
    assert winner(line(1, scope="global"), line(2, scope="global", currency="EUR", valid_from=YEAR_START + 1)) == 2


def test_an_ambiguity_below_a_winner_does_not_matter() -> None:
    assert winner(line(1), line(2), line(3, scope="project", project_id=PROJECT)) == 3


def test_a_line_holds_until_before_its_end() -> None:
    assert winner(line(1, valid_to=DAY)) == "RATE_EXPIRED"
    assert winner(line(1, valid_to=DAY + 1)) == 1


def test_the_expired_line_that_is_named_is_the_last_one() -> None:
    lines = [line(1, scope="project", valid_to=DAY - 20), line(2, scope="global", valid_to=DAY - 1)]
    chosen = choose(RateIndex(lines).fitting(KEY), DAY)
    assert isinstance(chosen, RateGap)
    assert (chosen.code, chosen.lines[0].rate_line_id) == ("RATE_EXPIRED", 2)


def test_a_line_that_begins_later_is_not_expired() -> None:
    assert winner(line(1, valid_from=DAY + 1)) == "RATE_NOT_FOUND"


def test_a_price_of_zero_counts_only_when_it_is_complimentary() -> None:
    assert winner(line(1, "0")) == "RATE_NOT_FOUND"
    assert winner(line(1, "0", complimentary=True)) == 1


def test_a_zero_price_that_nobody_meant_is_not_passed_over_for_the_next() -> None:
    assert winner(line(1, "0", scope="project"), line(2, "150", scope="global")) == "RATE_NOT_FOUND"


def test_a_choice_is_told_with_the_days_for_which_it_holds() -> None:
    lines = [line(1), line(2, scope="project", valid_from=DAY - 3, valid_to=DAY + 4)]
    start, end, chosen = span(RateIndex(lines).fitting(KEY), DAY)
    assert (start, end) == (DAY - 3, DAY + 4)
    assert isinstance(chosen, RateLine)
    assert chosen.rate_line_id == 2


def test_every_loser_has_its_reason() -> None:
    lines = [
        line(1, scope="project", project_id=PROJECT, role_id=ROLE),
        line(2, scope="project", project_id=PROJECT),
        line(3, scope="client", client_id=CLIENT),
        line(4, scope="project", project_id=PROJECT, role_id=ROLE, valid_from=YEAR_START - 9),
        line(5, scope="project", project_id=PROJECT, valid_to=DAY - 1),
        line(6, scope="project", project_id=PROJECT, valid_from=DAY + 1),
        line(7, scope="project", project_id=PROJECT, role_id=99),
    ]
    listed = candidates(RateIndex(lines), KEY, DAY)
    reasons = {one.line.rate_line_id: one.reason for one in listed}
    assert [one.line.rate_line_id for one in listed if one.won] == [1]
    assert listed[0].won
    assert "does not name the role" in reasons[2]
    assert "scope client is behind project" in reasons[3]
    assert "began" in reasons[4]
    assert reasons[5].startswith("ended before")
    assert reasons[6].startswith("begins only on")
    assert reasons[7] == "is for another role"


def test_ties_are_told_as_ties() -> None:
    listed = candidates(RateIndex([line(1), line(2)]), KEY, DAY)
    assert [one.reason for one in listed] == ["ties with another line"] * 2
    assert not any(one.won for one in listed)
