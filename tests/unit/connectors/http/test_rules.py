"""Rules turn values both ways, exactly, and refuse what does not fit."""

from datetime import date
from decimal import Decimal

import pytest

from tieout.connect.by_rule.rule import Rule
from tieout.connect.by_rule.values import ABSENT, UnfitError, canonical, minor, text, vendor_body
from tieout.connectors.http.definition import Changed
from tieout.connectors.http.paging import next_link, since_text

ITEM = {
    "id": 7,
    "name": " Ann ",
    "last": "Ito",
    "none": None,
    "day": "05.11.2026",
    "rate": "1.234,50",
    "cents": 12345,
    "yen": 12345,
    "currency": "USD",
    "jpy": "JPY",
    "minutes": 100,
    "state": "A",
    "flag": True,
    "seconds": 1_790_000_000,
    "lines": [{"sku": "x"}],
    "customer": {"id": 3},
}


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("id", 7),
        ("customer.id", 3),
        ("lines.0.sku", "x"),
        ("/customer.id", 3),
        ("none", None),
        (Rule(constant="EUR"), "EUR"),
        (Rule(path="nothing", optional=True), ABSENT),
        (Rule(join=("name", "last")), "Ann Ito"),
        (Rule(join=("none", "last")), "Ito"),
        (Rule(path="day", date="%d.%m.%Y"), "2026-11-05"),
        (Rule(path="day", date="%d.%m.%Y", plus_days=1), "2026-11-06"),
        (Rule(path="seconds", instant="unix"), "2026-09-21T14:13:20+00:00"),
        (Rule(path="rate", decimal=",", group="."), Decimal("1234.50")),
        (Rule(path="cents", scale=3), Decimal("12.345")),
        (Rule(path="cents", minor_of="currency"), Decimal("123.45")),
        (Rule(path="yen", minor_of="jpy"), Decimal(12345)),
        (Rule(path="minutes", minutes=True), Decimal("1.6667")),
        (Rule(path="state", lookup={"A": "active"}), "active"),
        (Rule(path="flag", lookup={"true": "yes"}), "yes"),
        (Rule(path="none", date="iso"), None),
    ],
)
def test_a_value_of_a_vendor_becomes_canonical(rule: str | Rule, value: object) -> None:
    found = canonical("field", rule, ITEM, ITEM)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("nothing", "field is missing (nothing)"),
        ("customer", "field is a table"),
        ("lines", "field is a list"),
        (Rule(join=("name", "nothing")), "field is missing"),
        (Rule(join=("name", "customer")), "neither a text nor a whole number"),
        (Rule(path="state", lookup={"B": "b"}), "field has the unknown value 'A'"),
        (Rule(path="day", date="iso"), "field is no date of the form iso"),
        (Rule(path="id", date="iso"), "field is no date: 7"),
        (Rule(path="day", instant="iso"), "field is no instant with a zone"),
        (Rule(path="name", minutes=True), "field is no whole number"),
        (Rule(path="flag", decimal="."), "field is no number: True"),
        (Rule(path="name", decimal="."), "field is no number: ' Ann '"),
        (Rule(path="cents", minor_of="name"), "is no currency"),
        (Rule(path="cents", minor_of="nothing"), "field has no currency"),
    ],
)
def test_a_value_that_does_not_fit_its_rule_is_refused(rule: str | Rule, words: str) -> None:
    with pytest.raises(UnfitError) as refused:
        canonical("field", rule, ITEM, ITEM)
    assert words in str(refused.value)


def test_amounts_become_minor_units_exactly_or_not_at_all() -> None:
    item = {"a": "123.45", "b": "123.456", "c": "much", "d": True, "n": 3}
    assert minor("amount", "a", "USD", item, item) == 12345
    assert minor("amount", "n", "KWD", item, item) == 3000
    for path in ("b", "c", "d"):
        with pytest.raises(UnfitError):
            minor("amount", path, "USD", item, item)


def test_a_key_is_a_text_or_a_whole_number() -> None:
    assert text("id", "id", ITEM, ITEM) == "7"
    for path in ("flag", "none"):
        with pytest.raises(UnfitError):
            text("id", path, ITEM, ITEM)


COMMAND = {
    "code": "P-1",
    "starts": date(2026, 11, 5),
    "ends": date(2026, 12, 1),
    "budget_minor": 12345,
    "currency": "JPY",
    "hours": Decimal("1.5"),
    "odd": Decimal("0.3333"),
    "skills": ("a", "b"),
    "empty": None,
    "lines": ({"price": Decimal("10.50"), "minor": 5},),
}


def test_a_command_becomes_a_body_in_the_vendors_form() -> None:
    body = vendor_body(
        {
            "number": "code",
            "plan.from": "starts",
            "plan.until": Rule(path="ends", date="%d/%m/%Y", plus_days=-1),
            "plan.budget": Rule(path="budget_minor", minor_of="currency"),
            "minutes": Rule(path="hours", minutes=True),
            "hundredths": Rule(path="hours", scale=2),
            "hours": Rule(path="hours", decimal=","),
            "raw": Rule(path="hours", number=True),
            "skills": "skills",
            "kind": Rule(constant="fixed"),
            "nothing": "empty",
            "left_out": Rule(path="empty", optional=True),
            "lines": Rule(path="lines", each={"price": "price", "value": Rule(path="minor", minor_of="/currency")}),
        },
        COMMAND,
    )
    assert body == {
        "number": "P-1",
        "plan": {"from": "2026-11-05", "until": "30/11/2026", "budget": "12345"},
        "minutes": 90,
        "hundredths": 150,
        "hours": "1,5",
        "raw": Decimal("1.5"),
        "skills": ["a", "b"],
        "kind": "fixed",
        "nothing": None,
        "lines": [{"price": "10.50", "value": "5"}],
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"a": "nothing"},
        {"a": Rule(path="odd", minutes=True)},
        {"a": Rule(path="odd", scale=2)},
        {"a": Rule(path="code", each={"b": "c"})},
        {"a": "code", "a.b": "code"},
        {"a": Rule(path="code", lookup={"X": "y"})},
    ],
)
def test_what_cannot_be_said_in_the_vendors_form_is_refused(fields: dict[str, str | Rule]) -> None:
    with pytest.raises(UnfitError):
        vendor_body(fields, COMMAND)


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://a.example/x?page=2>; rel="next"', "https://a.example/x?page=2"),
        ('<https://a.example/1>; rel="prev", <https://a.example/3>; rel=next', "https://a.example/3"),
        ('</x?q=a,b>; title="c, d"; rel="last next"', "/x?q=a,b"),
        ('<https://a.example/1>; rel="first"', None),
        ("", None),
    ],
)
def test_the_next_link_of_a_header_is_found(header: str, target: str | None) -> None:
    assert next_link(header) == target


def test_a_version_is_asked_for_in_the_form_that_the_system_wants() -> None:
    since = 1_790_000_000_123_456
    assert since_text(Changed(param="p"), since) == "2026-09-21T14:13:20.123456Z"
    assert since_text(Changed(param="p", format="unix"), since) == "1790000000"
    assert since_text(Changed(param="p", format="unix_ms"), since) == "1790000000123"
    assert since_text(Changed(param="p", format="date"), since) == "2026-09-21"
    assert since_text(Changed(param="p", format="integer"), 42) == "42"
