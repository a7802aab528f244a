"""What an entry is worth and costs, or which finding says why that is not known."""

from decimal import Decimal

import msgspec
import pytest
from tests.worlds.ledger_firm import (
    CARD,
    DAY,
    ENTITY,
    PROJECT,
    ROLE,
    YEAR_START,
    book,
    cost_line,
    entity,
    fx_rate,
    line,
    project,
    request,
)

from tieout.ledger.rate_lines import RateUnit
from tieout.ledger.rating import (
    CHARGEABLE,
    COMPLIMENTARY,
    NON_CHARGEABLE,
    RateBook,
    Rated,
    RatingRequest,
    explain,
    rate,
)
from tieout.model.finding import Finding
from tieout.model.money import RoundingMode


def rated(rates: RateBook, entry: RatingRequest) -> Rated:
    found = rate(rates, entry)
    assert isinstance(found, Rated), found
    return found


def sold(rates: RateBook, entry: RatingRequest) -> int:
    sales = rated(rates, entry).sales
    assert sales is not None
    return sales.amount_minor


def findings(rates: RateBook, entry: RatingRequest) -> dict[str, Finding]:
    found = rate(rates, entry)
    assert not isinstance(found, Rated)
    return {one.code: one for one in found}


def test_an_entry_is_worth_its_hours_times_the_rate_and_costs_its_hours_times_the_cost() -> None:
    found = rated(book(line(1, "150")), request(hours="7.5"))
    assert found.sales is not None
    assert (found.sales.amount_minor, found.sales.currency, found.sales.price.line.rate_line_id) == (112_500, 840, 1)
    assert (found.cost.amount_minor, found.cost.functional_minor) == (45_000, 45_000)
    assert found.billing_type == CHARGEABLE


def test_time_that_is_not_billable_only_costs() -> None:
    found = rated(book(), request(billable=False))
    assert found.sales is None
    assert found.billing_type == NON_CHARGEABLE


def test_a_complimentary_hour_is_sold_for_nothing_on_purpose() -> None:
    found = rated(book(line(1, "0", complimentary=True)), request())
    assert found.sales is not None
    assert (found.sales.amount_minor, found.billing_type) == (0, COMPLIMENTARY)


@pytest.mark.parametrize(("mode", "expected"), [(RoundingMode.HALF_UP, 13), (RoundingMode.HALF_EVEN, 12)])
def test_half_a_cent_is_rounded_as_the_entity_says(mode: RoundingMode, expected: int) -> None:
    of = project(of=entity(rounding=mode))
    assert sold(book(line(1, "0.5")), request(of, hours="0.25")) == expected


def test_hours_are_rounded_first_only_where_the_entity_says_so() -> None:
    rates = book(line(1, "7360"))
    assert sold(rates, request(hours="0.3428")) == 252_301
    assert sold(rates, request(project(of=entity(round_hours_first=True)), hours="0.3428")) == 250_240


def test_a_day_price_is_divided_by_the_hours_of_a_day_that_the_policy_states() -> None:
    rates = book(line(1, "1000", unit=RateUnit.DAY))
    of = project(of=entity(hours_per_day=Decimal("7.5")))
    found = rated(rates, request(of, hours="7.5"))
    assert found.sales is not None
    assert found.sales.amount_minor == 100_000
    assert found.sales.price.price_text == "133.333333"
    assert found.sales.price.hours_per_day == Decimal("7.5")


def test_the_hours_of_a_day_that_the_line_states_go_first() -> None:
    rates = book(line(1, "1000", unit=RateUnit.DAY, hours_per_day=Decimal(8)))
    assert sold(rates, request(project(of=entity(hours_per_day=Decimal("7.5"))), hours="4")) == 50_000


def test_a_day_price_without_hours_of_a_day_is_no_price() -> None:
    found = findings(book(line(1, "1000", unit=RateUnit.DAY)), request())
    assert "how many hours" in found["RATE_NOT_FOUND"].message


def test_no_rate_is_a_finding_that_waits_for_rates_and_for_the_project() -> None:
    found = findings(book(), request())["RATE_NOT_FOUND"]
    assert found.depends_on == ("rates", "record:project:P100")
    assert "P100" in found.message


def test_the_same_gap_of_two_people_has_one_cause() -> None:
    other = msgspec.structs.replace(request().resource, record_id=77)
    one = findings(book(cost_line(resource_id=None)), request())["RATE_NOT_FOUND"]
    two = findings(book(cost_line(resource_id=None)), msgspec.structs.replace(request(), resource=other))
    assert two["RATE_NOT_FOUND"].cause_key == one.cause_key


def test_an_expired_rate_names_its_last_line() -> None:
    found = findings(book(line(1, "150", valid_to=DAY - 2)), request())["RATE_EXPIRED"]
    assert "line 1" in found.message
    assert "2026-03-08" in found.message


def test_an_ambiguous_rate_names_both_lines() -> None:
    found = findings(book(line(1, "150"), line(2, "160")), request())["RATE_AMBIGUOUS"]
    assert "line 1" in found.message
    assert "line 2" in found.message


def test_everything_that_is_missing_is_told_at_once() -> None:
    rates = book(cost_line(valid_to=DAY - 1))
    found = findings(rates, request())
    assert found.keys() == {"RATE_NOT_FOUND", "COST_RATE_NOT_FOUND"}
    assert "ended before" in found["COST_RATE_NOT_FOUND"].message


def test_a_rate_in_another_currency_than_the_project_is_a_mismatch() -> None:
    found = findings(book(line(1, "150", currency="EUR"), fx=(fx_rate(1, "EUR/USD", "1.1"),)), request())
    assert "EUR" in found["CURRENCY_MISMATCH"].message


def test_a_line_in_the_currency_of_the_project_does_not_stand_in_for_a_closer_one_in_another() -> None:
    rates = book(line(1, "150", "global"), line(2, "140", "legal_entity", entity_id=ENTITY, currency="EUR"))
    assert "line 2" in findings(rates, request())["CURRENCY_MISMATCH"].message


def test_prices_for_two_currencies_are_told_apart_by_what_they_are_for() -> None:
    rates = book(
        line(1, "150", "global", entity_id=ENTITY), line(2, "140", "global", entity_id=ENTITY + 100, currency="EUR")
    )
    assert sold(rates, request()) == 120_000


def test_an_ambiguity_of_two_currencies_is_not_settled_by_allowing_to_convert() -> None:
    rates = book(line(1, "150", "global"), line(2, "140", "global", currency="EUR"), fx=(fx_rate(1, "EUR/USD", "1.1"),))
    found = findings(rates, request(project(of=entity(fx_convert_bill_rates=True))))["RATE_AMBIGUOUS"]
    assert "150.00 USD" in found.message
    assert "140.00 EUR" in found.message


def test_it_is_converted_where_the_policy_allows_and_says_by_which_rate() -> None:
    rates = book(line(1, "100", currency="EUR"), fx=(fx_rate(41, "EUR/USD", "1.0834"),))
    found = rated(rates, request(project(of=entity(fx_convert_bill_rates=True)), hours="0.1"))
    assert found.sales is not None
    assert (found.sales.amount_minor, found.sales.currency) == (1_083, 840)
    assert found.sales.price.price_text == "108.340000"
    assert found.sales.price.conversion is not None
    assert found.sales.price.conversion.rates[0].fx_rate_id == 41


def test_the_functional_amount_is_made_of_the_rounded_amount_by_the_rate_of_the_work_date() -> None:
    rates = book(
        line(1, "100", currency="EUR"), fx=(fx_rate(41, "EUR/USD", "1.0834"), fx_rate(42, "EUR/USD", "2", DAY + 1))
    )
    found = rated(rates, request(project("EUR"), hours="0.0333"))
    assert found.sales is not None
    assert (found.sales.amount_minor, found.sales.functional_minor) == (333, 361)
    assert sold(rates, request(project("EUR"), hours="0.0333", day=DAY + 1)) == 333
    later = rated(rates, request(project("EUR"), hours="0.0333", day=DAY + 1)).sales
    assert later is not None
    assert later.functional_minor == 666


def test_a_person_paid_in_another_currency_costs_the_project_its_own() -> None:
    rates = book(line(1), cost_line(price="50", currency="GBP"), fx=(fx_rate(1, "GBP/USD", "1.25"),))
    cost = rated(rates, request(hours="8")).cost
    assert (cost.amount_minor, cost.currency, cost.functional_minor, cost.functional_currency) == (
        40_000,
        826,
        50_000,
        840,
    )


def test_a_missing_exchange_rate_is_a_finding_that_waits_for_rates_of_exchange() -> None:
    found = findings(book(line(1), cost_line(currency="GBP")), request())["FX_MISSING"]
    assert found.depends_on == ("fx",)


def test_yen_have_no_cents_and_dinars_have_three_decimals() -> None:
    yen = book(line(1, "15000", currency="JPY"), cost_line(currency="JPY"))
    assert sold(yen, request(project("JPY", entity("JPY")), hours="0.3333")) == 5_000
    dinars = book(line(1, "45.5", currency="KWD"), cost_line(currency="KWD"))
    assert sold(dinars, request(project("KWD", entity("KWD")), hours="0.3333")) == 15_165


def test_overtime_takes_its_own_line_where_there_is_one() -> None:
    rates = book(line(1, "100"), line(2, "150", work_type=2))
    assert sold(rates, request(hours="1")) == 10_000
    assert sold(rates, request(hours="1", work_type=2)) == 15_000


def test_the_rate_of_the_work_date_counts_on_each_side_of_a_change() -> None:
    rates = book(line(1, "100", valid_to=DAY), line(2, "110", valid_from=DAY))
    assert [sold(rates, request(hours="1", day=day)) for day in (DAY - 1, DAY, DAY - 1)] == [10_000, 11_000, 10_000]


def test_a_project_bound_to_another_card_is_priced_afresh() -> None:
    rates = book(line(1, "100", rate_card_id=CARD), line(2, "200", rate_card_id=CARD + 100))
    before = project()
    assert sold(rates, request(before, hours="1")) == 10_000
    after = msgspec.structs.replace(before, rate_card_id=CARD + 100)
    assert sold(rates, request(after, hours="1")) == 20_000


def test_a_policy_that_changed_is_followed_at_once() -> None:
    rates = book(line(1, "0.5"))
    assert sold(rates, request(hours="0.25")) == 13
    assert sold(rates, request(project(of=entity(rounding=RoundingMode.HALF_EVEN)), hours="0.25")) == 12


def test_a_project_without_a_policy_is_not_priced() -> None:
    assert findings(book(line(1)), request(project(of=msgspec.structs.replace(entity(), policy=None)))).keys() == {
        "LEGAL_ENTITY_UNMAPPED"
    }


def test_an_explanation_lists_both_sides() -> None:
    rates = book(
        line(1, project_id=PROJECT, scope="project"),
        line(2, role_id=ROLE, scope="global"),
        line(3, entity_id=ENTITY, valid_from=YEAR_START - 5, scope="global"),
    )
    told = explain(rates, request())
    assert [one.line.rate_line_id for one in told.sales] == [1, 2, 3]
    assert [one.won for one in told.cost] == [True]
