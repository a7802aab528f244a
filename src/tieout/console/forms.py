"""Forms as they are sent: single values, cut to a sensible length; several values of one name where a page has boxes.

Pure. The token against forged forms is checked before a handler runs (``web``).
"""

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from litestar.enums import RequestEncodingType
from litestar.exceptions import ValidationException
from litestar.params import Body

Sent: TypeAlias = Annotated[
    dict[str, str | list[str]], Body(media_type=RequestEncodingType.URL_ENCODED, multipart_form_part_limit=2_000)
]
"""What a handler takes as ``data``."""
_LONGEST: Final = 4_000
_DIGITS: Final = 18


def text(sent: Mapping[str, str | list[str]], name: str) -> str:
    """The value of ``name``, without blanks around it; empty where it was not sent."""
    value = sent.get(name, "")
    return (value[0] if isinstance(value, list) else value).strip()[:_LONGEST]


def numbers(sent: Mapping[str, str | list[str]], name: str) -> list[int]:
    """Every value of ``name`` as a number; raises ValidationException (400) for one that is none."""
    value = sent.get(name, [])
    return [_number(one) for one in (value if isinstance(value, list) else [value]) if one]


def _number(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS):
        raise ValidationException("A number of the form is none.")
    return int(value)
