"""The part of a view that is in its URL: legal entity, period and whatever filters a page has.

Pure. Every link of a page is made here, so that entity and period stay while one goes from page to page, and any view
can be sent to somebody else as it is.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

KEPT: Final = ("entity", "period")
"""What stays in the URL from page to page."""
_LONGEST: Final = 200


class Query(msgspec.Struct, frozen=True):
    """The query of one request: names and single values; empty values count as not given."""

    path: str
    values: Mapping[str, str]

    @classmethod
    def of(cls, path: str, given: Mapping[str, str]) -> "Query":
        """The query of a request; values are cut to a length that anything sensible has."""
        return cls(path, {name: value.strip()[:_LONGEST] for name, value in given.items() if value.strip()})

    def get(self, name: str) -> str | None:
        """The value of ``name``; None where it is not given."""
        return self.values.get(name)

    def number(self, name: str, *, otherwise: int = 0) -> int:
        """The value of ``name`` as a number of at most nine digits; ``otherwise`` where it is none."""
        value = self.values.get(name, "")
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else otherwise  # noqa: PLR2004

    @property
    def entity(self) -> str | None:
        """The legal entity that the reader looks at; None: all."""
        return self.get("entity")

    @property
    def period(self) -> str | None:
        """The accounting period that the reader looks at; None: all."""
        return self.get("period")

    def to(self, path: str, **values: object) -> str:
        """The URL of another page, entity and period kept; ``values`` set or (None) take away what it is asked for."""
        kept: dict[str, object] = {name: self.values[name] for name in KEPT if name in self.values}
        return _url(path, kept | values)

    def again(self, **values: object) -> str:
        """The URL of this page with some values set or (None) taken away; the page number is left out."""
        kept: dict[str, object] = {name: value for name, value in self.values.items() if name not in {"after", "page"}}
        return _url(self.path, kept | values)


def segment(value: object) -> str:
    """``value`` as one segment of a path."""
    return quote(str(value), safe="")


def _url(path: str, values: Mapping[str, object]) -> str:
    said = [(name, str(value)) for name, value in values.items() if value is not None and value != ""]
    return f"{path}?{urlencode(said)}" if said else path
