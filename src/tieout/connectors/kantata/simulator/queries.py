"""The query of an index request: pages, order, filters, includes (pages "Pagination", "Filters", "Includes")."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from tieout.connectors.kantata.simulator.answers import bad_request

MAX_PER_PAGE = 200
_COMMON = frozenset(
    {
        "page",
        "per_page",
        "limit",
        "offset",
        "order",
        "include",
        "optional_fields",
        "only",
        "created_after",
        "created_before",
        "updated_after",
        "updated_before",
    }
)


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of one request, read and checked; raises Refusal (400) where they make no sense."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, values: Mapping[str, str], *, allowed: frozenset[str]) -> "Query":
        """Read the parameters of an endpoint that has the filters ``allowed`` beside the common ones."""
        unknown = sorted(set(values) - _COMMON - allowed)
        if unknown:
            raise bad_request(f"Unknown filter: {', '.join(unknown)}")
        return cls(values=dict(values))

    @property
    def window(self) -> tuple[int, int]:
        """How many rows to skip and to return; ``limit`` and ``offset`` together win over pages."""
        if "limit" in self.values and "offset" in self.values:
            return self._number("offset", 0, 0), min(self._number("limit", 20, 1), MAX_PER_PAGE)
        size = min(self._number("per_page", 20, 1), MAX_PER_PAGE)
        return (self._number("page", 1, 1) - 1) * size, size

    @property
    def page_number(self) -> int:
        """The page as counted by the answer's ``meta``."""
        skip, size = self.window
        return skip // size + 1

    @property
    def include(self) -> tuple[str, ...]:
        """Associations asked for; unknown ones are ignored."""
        return self.words("include")

    @property
    def only(self) -> list[int] | None:
        """Ids asked for, or None."""
        if "only" not in self.values:
            return None
        return [int(one) for one in self.words("only") if one.isdigit()]

    def words(self, name: str) -> tuple[str, ...]:
        """A comma-separated parameter."""
        return tuple(one.strip() for one in self.values.get(name, "").split(",") if one.strip())

    def flag(self, name: str) -> bool | None:
        """A boolean parameter, or None where it is not given."""
        value = self.values.get(name)
        if value is None:
            return None
        if value not in {"true", "false"}:
            raise bad_request(f"{name} must be true or false")
        return value == "true"

    def instant(self, name: str) -> float | None:
        """An ISO 8601 parameter in seconds since 1970, or None."""
        value = self.values.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise bad_request(f"{name} must be an ISO 8601 date") from error
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def order(self, allowed: Mapping[str, str], default: str) -> tuple[str, bool]:
        """The column to order by and whether it ascends; ``allowed`` maps the API's names to columns."""
        name, _, direction = self.values.get("order", default).partition(":")
        if name not in allowed or direction not in {"asc", "desc"}:
            name, _, direction = default.partition(":")
        return allowed[name], direction == "asc"

    def _number(self, name: str, default: int, least: int) -> int:
        value = self.values.get(name, str(default))
        if not value.isdigit() or int(value) < least:
            raise bad_request(f"{name} must be a number of at least {least}")
        return int(value)
