"""Where a page of a list ended: an opaque mark that the next page goes on from, stable while the list grows."""

import base64
import binascii
from decimal import Decimal

import msgspec

from tieout.errors import ConfigurationError


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """The last row of a page: its place in ``order`` and its number."""

    order: str
    key: Decimal
    number: int


def written(mark: Mark) -> str:
    """``mark`` as a door hands it out."""
    return base64.urlsafe_b64encode(msgspec.json.encode(mark)).decode().rstrip("=")


def read(text: str | None, *, order: str) -> Mark | None:
    """The mark that ``text`` is; raises ConfigurationError (TIE-DESK-011) for one of another list or order."""
    if text is None:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        mark = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=Mark)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise ConfigurationError(code="TIE-DESK-011", message="The mark of the page cannot be read.") from error
    if mark.order != order:
        raise ConfigurationError(code="TIE-DESK-011", message=f"The mark is of a list by {mark.order}, not by {order}.")
    return mark
