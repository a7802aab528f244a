"""Keys of different things differ, and folding names twice changes nothing."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tieout.model.identity import business_key, content_hash, decimal_text, idempotency_key, match_key

# Few letters, so that parts often share characters across their borders.
TEXT = st.text(alphabet="ab|\\\n1\u00eb\u0308e", max_size=5)
PARTS = st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT)


def _key(parts: tuple[str, str, str, str, str]) -> str:
    entity, kind, source_id, source_version, purpose = parts
    return idempotency_key(
        entity=entity, kind=kind, source_id=source_id, source_version=source_version, purpose=purpose
    )


@given(PARTS, PARTS)
def test_keys_are_equal_exactly_when_all_parts_are(
    one: tuple[str, str, str, str, str], other: tuple[str, str, str, str, str]
) -> None:
    assert (_key(one) == _key(other)) == (one == other)
    assert len(_key(one)) == 64


@given(st.lists(TEXT, min_size=1, max_size=4), st.lists(TEXT, min_size=1, max_size=4))
def test_business_keys_are_equal_exactly_when_all_parts_are(one: list[str], other: list[str]) -> None:
    assert (business_key(*one) == business_key(*other)) == (one == other)


@given(st.text())
def test_folding_a_name_twice_changes_nothing(name: str) -> None:
    assert match_key(match_key(name)) == match_key(name)


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 6))
def test_trailing_zeros_change_neither_text_nor_hash(value: Decimal, zeros: int) -> None:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    padded = Decimal((sign, (*digits, *(0,) * zeros), exponent - zeros))
    assert decimal_text(padded) == decimal_text(value)
    assert content_hash(padded) == content_hash(value)
    assert Decimal(decimal_text(value)) == value


@given(st.dictionaries(st.text("abcdef", max_size=3), st.integers() | st.text(max_size=3) | st.booleans(), max_size=5))
def test_the_order_of_fields_does_not_change_the_hash(content: dict[str, int | str | bool]) -> None:
    assert content_hash(dict(reversed(content.items()))) == content_hash(content)
