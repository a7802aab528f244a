from decimal import Decimal

import msgspec
import pytest

from tieout.connect.json_codec import decode_strict, decode_strict_as, shape_strict
from tieout.errors import ContractError


class Entry(msgspec.Struct):
    hours: Decimal
    note: str = ""


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"{", "TIE-PAYLOAD-001"),
        (b"", "TIE-PAYLOAD-001"),
        (b"[1] trailing", "TIE-PAYLOAD-001"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "TIE-PAYLOAD-004"),
        (b'{"a": NaN}', "TIE-PAYLOAD-005"),
        (b"[Infinity]", "TIE-PAYLOAD-005"),
        (b"[-Infinity]", "TIE-PAYLOAD-005"),
        (b"[1e400]", "TIE-PAYLOAD-005"),
        (b"[1e-400]", "TIE-PAYLOAD-005"),
        (b"[" + b"7" * 5000 + b"]", "TIE-PAYLOAD-005"),
        (b"[" + b"7" * 41 + b"]", "TIE-PAYLOAD-005"),
        (b"[0." + b"7" * 5000 + b"]", "TIE-PAYLOAD-005"),
        (b"[" * 65 + b"]" * 65, "TIE-PAYLOAD-003"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "TIE-PAYLOAD-003"),
        (b"[" * 100_000 + b"]" * 100_000, "TIE-PAYLOAD-003"),
        (b'["\\ud800"]', "TIE-PAYLOAD-006"),
        (b'{"\\uDC00x": 1}', "TIE-PAYLOAD-006"),
        (b'["\xff"]', "TIE-PAYLOAD-006"),
    ],
)
def test_what_is_ambiguous_or_absurd_is_refused_with_its_code(payload: bytes, code: str) -> None:
    with pytest.raises(ContractError) as refused:
        decode_strict(payload)
    assert refused.value.code == code
    with pytest.raises(ContractError) as refused:
        decode_strict_as(payload, Entry)
    assert refused.value.code == code


def test_a_payload_one_byte_over_the_limit_is_refused() -> None:
    assert decode_strict(b'"12345678"', max_bytes=10) == "12345678"
    with pytest.raises(ContractError) as refused:
        decode_strict(b'"123456789"', max_bytes=10)
    assert refused.value.code == "TIE-PAYLOAD-002"


def test_depth_counts_up_to_the_limit() -> None:
    assert decode_strict(b"[" * 64 + b"]" * 64)
    assert decode_strict(b'[["[[[[[["]]', max_depth=2) == [["[[[[[["]]


def test_fractions_stay_exact_and_integers_stay_integers() -> None:
    assert decode_strict(b"[0.1, 1.10, 7, 1E+2]") == [Decimal("0.1"), Decimal("1.10"), 7, Decimal("1E+2")]
    assert str(decode_strict_as(b'{"hours": 7.50}', Entry).hours) == "7.50"


def test_long_digits_in_text_are_only_text() -> None:
    assert decode_strict(b'{"note": "' + b"9" * 500 + b'", "n": 12}') == {"note": "9" * 500, "n": 12}


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert decode_strict(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_another_shape_is_named_by_its_path() -> None:
    with pytest.raises(ContractError, match=r"\$\.hours") as refused:
        decode_strict_as(b'{"hours": true}', Entry)
    assert refused.value.code == "TIE-PAYLOAD-007"
    assert shape_strict(decode_strict(b'{"hours": 1.5}'), Entry) == Entry(hours=Decimal("1.5"))
    with pytest.raises(ContractError, match=r"\$\.hours"):
        shape_strict({"hours": []}, Entry)


def test_a_value_does_not_appear_in_the_refusal_at_full_length() -> None:
    with pytest.raises(ContractError) as refused:
        decode_strict(b"[" + b"7" * 5000 + b"]")
    assert len(refused.value.message) < 200
