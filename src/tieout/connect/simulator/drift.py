"""Schema drift: how a vendor's answer can quietly stop being what its documentation says.

A simulator names the members that matter (``Drift``); the variants are generic. Neighbours: ``base`` plays them.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """Members of the vendor's records that drift spoils.

    ``enums`` hold one of a closed list of words, ``required`` must be there, ``retyped`` change their JSON type.
    """

    enums: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()


UNKNOWN_ENUM_VALUE = "never_heard_of"

VARIANTS = ("unknown_enum", "missing", "retyped", "not_a_number", "duplicate_key", "nested", "truncated", "bad_utf8")
"""Names of the drifts: three of records, five of the JSON text itself."""


def drifted(body: bytes, drift: Drift, variant: str) -> bytes:
    """``body`` as it looks after the drift ``variant``; text that is not JSON stays as it is."""
    if variant in _TEXT_VARIANTS:
        return _TEXT_VARIANTS[variant](body)
    try:
        document: Json = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
    return msgspec.json.encode(_walk(document, drift, variant))


def _walk(value: Json, drift: Drift, variant: str) -> Json:
    if isinstance(value, list):
        return [_walk(one, drift, variant) for one in value]
    if not isinstance(value, dict):
        return value
    changed: dict[str, Json] = {}
    for name, member in value.items():
        if variant == "missing" and name in drift.required:
            continue
        if variant == "unknown_enum" and name in drift.enums and not isinstance(member, dict | list):
            changed[name] = UNKNOWN_ENUM_VALUE
        elif variant == "retyped" and name in drift.retyped:
            changed[name] = {"value": member}
        else:
            changed[name] = _walk(member, drift, variant)
    return changed


_TEXT_VARIANTS: dict[str, Callable[[bytes], bytes]] = {
    "not_a_number": lambda body: b'{"drift": NaN, "page": ' + body + b"}",
    "duplicate_key": lambda body: b'{"drift": 1, "drift": 2, "page": ' + body + b"}",
    "nested": lambda _: b"[" * 100_000 + b"]" * 100_000,
    "truncated": lambda body: body[: len(body) // 2],
    "bad_utf8": lambda body: b'{"drift": "\xff\xfe", "page": ' + body + b"}",
}
