"""How figures are printed: exact, tabular, with a true minus and the unit in lighter weight."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tieout.console import figures

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def plain(markup: str) -> str:
    """The text without tags."""
    return "".join(part.partition(">")[2] if at else part for at, part in enumerate(str(markup).split("<")))


def test_an_amount_has_the_decimals_of_its_currency() -> None:
    assert plain(figures.amount(28_099_296, "EUR")) == "280,992.96\N{NARROW NO-BREAK SPACE}EUR"
    assert plain(figures.amount(23_157_540, "JPY")) == "23,157,540\N{NARROW NO-BREAK SPACE}JPY"


def test_a_negative_amount_has_a_true_minus() -> None:
    assert plain(figures.amount(-11_392, "EUR")).startswith("\N{MINUS SIGN}113.92")
    assert plain(figures.count(-1_200)) == "\N{MINUS SIGN}1,200"


def test_what_has_no_amount_is_a_dash_and_never_zero() -> None:
    assert plain(figures.amount(None, "EUR")) == "\N{EN DASH}"
    assert plain(figures.amounts({})) == "\N{EN DASH}"
    assert plain(figures.hours(None)) == "\N{EN DASH}"


def test_amounts_of_several_currencies_are_never_added_up() -> None:
    assert plain(figures.amounts({"USD": 100, "EUR": 200})).count("1.00") == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [("1076634.63", "1.1 m"), ("204000", "204 k"), ("-1500", "\N{MINUS SIGN}1.5 k"), ("999", "999"), ("0", "0")],
)
def test_pictures_say_a_number_in_few_digits(value: str, said: str) -> None:
    assert figures.short(Decimal(value)).replace("\N{NARROW NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "just now"), (41, "41 s ago"), (720, "12 min ago"), (7_260, "2 h 1 min ago"), (90_000, "1 d 1 h ago")],
)
def test_an_age_is_relative_and_keeps_the_exact_instant(seconds: int, said: str) -> None:
    instant = NOW - timedelta(seconds=seconds)
    markup = str(figures.age(instant, NOW))
    assert plain(markup) == said
    assert f'datetime="{instant.isoformat()}"' in markup


def test_a_work_date_is_a_civil_date() -> None:
    assert plain(figures.civil(date(2026, 10, 9))) == plain(figures.civil("2026-10-09")) == "09 Oct 2026"


def test_what_others_wrote_is_escaped() -> None:
    assert "<script>" not in str(figures.known("<script>alert(1)</script>"))
    assert "<b>" not in str(figures.decimal_amount(Decimal(1), "<b>"))
