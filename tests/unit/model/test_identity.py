"""Identity: the vectors here are a contract. Keys in target systems were made by these functions."""

import random
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from tieout.errors import ContractError
from tieout.model.clock import FixedClock
from tieout.model.identity import (
    ExternalId,
    SequentialIds,
    business_key,
    content_hash,
    decimal_text,
    idempotency_key,
    match_key,
    reference_of,
)
from tieout.model.money import Money

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_key_of_an_effect_never_changes() -> None:
    key = idempotency_key(entity="EU01", kind="journal", source_id="4711", source_version="3", purpose="time_to_bill")
    assert key == "2b38dfc888428d60d2a6079932ca5dbdcf58a97c4248c252f76b0fd741645922"
    assert reference_of(key) == "TIE-2b38dfc888428d60d2a6079932ca5dbd"
    assert len(reference_of(key)) == 36


def test_moving_a_character_between_fields_makes_another_key() -> None:
    def key(source_id: str, source_version: str) -> str:
        return idempotency_key(
            entity="E", kind="journal", source_id=source_id, source_version=source_version, purpose="p"
        )

    assert len({key("12", "3"), key("1", "23"), key("123", ""), key("", "123")}) == 4


def test_ids_that_only_look_alike_have_two_keys() -> None:
    composed, decomposed = "Zo\u00eb", "Zoe\u0308"
    keys = {
        idempotency_key(entity="E", kind="k", source_id=one, source_version="1", purpose="p")
        for one in (composed, decomposed)
    }
    assert len(keys) == 2


def test_a_broken_character_in_a_source_id_still_has_a_key() -> None:
    assert idempotency_key(entity="E", kind="k", source_id="\ud800", source_version="1", purpose="p")


def test_parts_of_a_business_key_cannot_run_into_each_other() -> None:
    assert business_key("kantata", "time", "7") == "kantata|time|7"
    assert business_key("a|b", "c") != business_key("a", "b|c")
    assert business_key("a\\", "b") != business_key("a", "\\b")


def test_the_content_hash_never_changes() -> None:
    value = {"name": "Zoe\u0308", "rate": Decimal("100.500"), "from": date(2026, 3, 2), "tags": ["b", "a"], "on": True}
    assert content_hash(value).hex() == "d56d940df1045f77eb393242d70cbd3129e5424a09bc82c83d2c0465403c1666"


def test_spellings_of_the_same_content_have_one_hash() -> None:
    berlin = timezone(timedelta(hours=1))
    pairs = [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Decimal("1.50"), Decimal("1.5")),
        (Decimal("1E+3"), Decimal(1000)),
        (Decimal("-0.0"), Decimal(0)),
        ("Zo\u00eb", "Zoe\u0308"),
        (NOON, NOON.astimezone(berlin)),
        ((1, 2), [1, 2]),
        (frozenset({"x", "y"}), {"y", "x"}),
        (Money(Decimal("1.0"), "EUR"), {"amount": Decimal(1), "currency": "EUR"}),
    ]
    for one, other in pairs:
        assert content_hash(one) == content_hash(other)


def test_other_content_has_another_hash() -> None:
    values: list[object] = [
        None, False, 0, "", [], {}, [[]], {"a": None}, {"a": 1}, {"a": [1]}, ["a", "b"], ["b", "a"], Decimal("1.01"),
        date(2026, 3, 2), NOON, time(9), b"ab", UUID(int=7), NOON + timedelta(microseconds=1),
    ]  # fmt: skip
    assert len({content_hash(value) for value in values}) == len(values)


def test_digits_beyond_28_still_count() -> None:
    assert content_hash(Decimal("0.1234567890123456789012345678901")) != content_hash(
        Decimal("0.1234567890123456789012345678902")
    )


@pytest.mark.parametrize(
    "value", [1.5, Decimal("NaN"), NOON.replace(tzinfo=None), object(), {"a": 0.1}, {"\u00eb": 1, "e\u0308": 2}]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(ContractError):
        content_hash(value)


@pytest.mark.parametrize(
    ("value", "text"), [("1.500", "1.5"), ("1E+3", "1000"), ("-0.00", "0"), ("100", "100"), ("0.0001", "0.0001")]
)
def test_a_decimal_has_one_text(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zo\u00eb GmbH", "Zoe\u0308 GMBH"),
        ("Stra\u00dfe", "STRASSE"),
        ("D\u0131yarbak\u0131r", "DIYARBAKIR"),
        ("\u0130stanbul", "istanbul"),
        ("Ac\u200bme\ufeff", "Acme"),
        ("\u202eAcme\u202c", "acme"),
        ("\u2066Acme\u2069 \u061c", "acme"),
        ("Ａｃｍｅ　Ｌｔｄ", "acme ltd"),  # noqa: RUF001  # full-width letters are the point
        ("  Acme \t Ltd\n", "acme ltd"),
        ("Acme\ufe0f", "Acme"),
    ],
)
def test_spellings_of_one_name_propose_a_match(one: str, other: str) -> None:
    assert match_key(one) == match_key(other)


def test_different_letters_that_look_alike_do_not_match() -> None:
    assert match_key("Acme") != match_key("\u0410cme")


def test_ids_ascend_also_when_the_clock_stands_or_goes_back() -> None:
    clock = FixedClock(NOON)
    ids = SequentialIds(clock, random.Random(7).getrandbits)
    made = [ids.new_id() for _ in range(5000)]
    clock.advance(-3600)
    made += [ids.new_id() for _ in range(10)]
    clock.advance(7200)
    made += [ids.new_id()]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {"specified in RFC 4122"}
    assert (made[0].int >> 80) == int(NOON.timestamp()) * 1000
    assert (made[-1].int >> 80) == int(NOON.timestamp() + 3600) * 1000


def test_an_external_id_names_its_record_while_it_is_valid() -> None:
    one = ExternalId(system="hcm", kind="worker", value="E|7", valid_from=date(2026, 1, 1), valid_to=date(2026, 2, 1))
    assert one.key == "hcm|worker|E\\|7"
    assert one.valid_on(date(2026, 1, 31))
    assert not one.valid_on(date(2026, 2, 1))
    assert not one.valid_on(date(2025, 12, 31))


def test_an_external_id_without_a_part_or_without_days_is_refused() -> None:
    with pytest.raises(ContractError, match="lacks a part"):
        ExternalId(system="hcm", kind="worker", value="")
    with pytest.raises(ContractError, match="not after"):
        ExternalId(system="hcm", kind="worker", value="7", valid_from=date(2026, 1, 1), valid_to=date(2026, 1, 1))


def test_a_clock_stands_until_it_is_advanced() -> None:
    clock = FixedClock(NOON.astimezone(timezone(timedelta(hours=9))))
    clock.advance(1.5)
    assert clock.now() == NOON + timedelta(seconds=1.5)
    assert clock.now().tzinfo is UTC
    with pytest.raises(ContractError):
        FixedClock(NOON.replace(tzinfo=None))
