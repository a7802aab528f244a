import json
import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tieout.connect.json_codec import decode_strict
from tieout.errors import ContractError

scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(st.characters(exclude_categories=["Cs"]))
documents = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=30
)


@given(documents)
def test_what_json_writes_is_read_back_equal(document: object) -> None:
    assert decode_strict(json.dumps(document).encode()) == document
    assert decode_strict(json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")) == document


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20))
def test_a_decimal_survives_exactly(number: object) -> None:
    assert decode_strict(f"[{number:f}]".encode()) == [number]


@given(st.binary(max_size=200) | st.text('[]{}",:0123456789.eE+-\\uNaIinfty ', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_and_never_crash(payload: bytes) -> None:
    try:
        value = decode_strict(payload)
    except ContractError:
        return
    again = json.loads(payload, parse_constant=lambda _: math.nan)
    assert msgspec.json.encode(value) or again == value
