"""Rows of the ledger as text: what a price and its traces look like when they are written."""

import pytest
from tests.worlds.ledger_firm import book, cost_line, entity, fx_rate, line, project, request

from tieout.ledger.actuals import ACTUAL_COLUMNS, AcceptedEntry, Slot, actual_id, actual_rows, entry_and_slot
from tieout.ledger.rating import RateBook, Rated, RatingRequest, rate


def written(rates: RateBook, entry: RatingRequest) -> list[dict[str, str]]:
    rated = rate(rates, entry)
    assert isinstance(rated, Rated)
    rows = actual_rows([AcceptedEntry(5, 1, 3, entry.day, entry.hours_e4, 7, rated)])
    return [dict(zip(ACTUAL_COLUMNS, row.split("\t"), strict=True)) for row in rows]


def test_a_billable_entry_has_a_cost_and_a_sale() -> None:
    cost, sale = written(book(line(12, "150")), request(hours="7.5"))
    assert (cost["actual_id"], sale["actual_id"]) == ("40", "41")
    assert sale == {
        "actual_id": "41",
        "entity_id": "1",
        "project_id": "3",
        "document_date": "2026-03-10",
        "hours": "7.5000",
        "price": "150.000000",
        "amount_minor": "112500",
        "currency": "840",
        "functional_minor": "112500",
        "functional_currency": "840",
        "rate_line_id": "12",
        "fx_rate_id": "\\N",
        "fx_cross_rate_id": "\\N",
        "price_fx_rate_id": "\\N",
        "price_fx_cross_rate_id": "\\N",
        "firm_version": "7",
        "billing_type": "1",
    }
    assert (cost["amount_minor"], cost["rate_line_id"]) == ("45000", "900")


def test_time_that_is_not_billable_has_only_a_cost() -> None:
    (cost,) = written(book(), request(billable=False))
    assert (cost["actual_id"], cost["billing_type"]) == ("40", "2")


def test_both_rates_of_a_cross_and_the_rate_of_a_converted_price_are_named() -> None:
    fx = (fx_rate(31, "EUR/GBP", "0.85"), fx_rate(32, "EUR/USD", "1.1"), fx_rate(33, "JPY/USD", "0.0066"))
    of = project("USD", entity("USD", fx_convert_bill_rates=True))
    cost, sale = written(book(line(1, "15000", currency="JPY"), cost_line(currency="GBP"), fx=fx), request(of))
    assert (cost["fx_rate_id"], cost["fx_cross_rate_id"], cost["price_fx_rate_id"]) == ("31", "32", "\\N")
    assert (sale["fx_rate_id"], sale["price_fx_rate_id"]) == ("\\N", "33")
    assert (sale["price"], sale["amount_minor"], sale["currency"]) == ("99.000000", "79200", "840")


@pytest.mark.parametrize("slot", list(Slot))
def test_an_actual_is_found_by_its_number(slot: Slot) -> None:
    assert entry_and_slot(actual_id(123_456_789, slot)) == (123_456_789, slot)
