"""A request of a resource and what it is answered, whether it came alone or as a part of several."""

from collections.abc import Mapping
from typing import Final

import msgspec

ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
"""Numbers are kept as decimals and shown as numbers."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request: the path after the version, its parameters and its decoded body.

    ``batch`` is how many rows an answer may hold; ``spoilt`` lets every second item of several be refused.
    """

    method: str
    path: str
    parameters: Mapping[str, str]
    batch: int
    body: object = None
    spoilt: bool = False


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered: status, body (None is an empty one) and headers."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = {}
