"""The form of Kantata's answers: side-loaded envelope, error bodies, instants (pages "Response Format", "Errors")."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

import msgspec
from aiohttp import web

from tieout.connectors.kantata.simulator.tables import Json


class Refusal(Exception):  # noqa: N818 - it is an answer of the vendor, not an error of the simulator
    """An answer of the 4xx kind, raised by a handler: a status and (type, message, field) for each thing wrong."""

    def __init__(self, status: int, *problems: tuple[str, str, str | None]) -> None:
        super().__init__(problems)
        self.status = status
        self.problems = problems


def invalid(message: str, field: str | None = None) -> Refusal:
    """422: the request is understood and refused."""
    return Refusal(422, ("validation", message, field))


def bad_request(message: str) -> Refusal:
    """400: the request cannot be understood."""
    return Refusal(400, ("system", message, None))


def not_found() -> Refusal:
    """404: no such row, or one that a default filter hides."""
    return Refusal(404, ("system", "Resource not found", None))


def refused(refusal: Refusal) -> web.Response:
    """The answer for a refusal."""
    return errors(refusal.status, *refusal.problems)


def errors(status: int, *problems: tuple[str, str, str | None]) -> web.Response:
    """An error answer; ``field`` is only there for what a validation names."""
    listed = [
        {"type": kind, "message": message} | ({} if field is None else {"field": field})
        for kind, message, field in problems
    ]
    return json_answer({"errors": listed}, status)


def json_answer(value: object, status: int = 200) -> web.Response:
    """Any JSON answer, with the request id that every answer of the vendor carries."""
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        headers={"x-request-id": "simulated"},
    )


Row: TypeAlias = dict[str, Json]


class Listing(msgspec.Struct, kw_only=True):
    """What a handler found: the ids of the rows asked for, in order, and all rows by collection."""

    collection: str
    ids: Sequence[str]
    count: int
    page_number: int
    page_size: int
    rows: dict[str, dict[str, Row]]

    def side_load(self, collection: str, rows: Iterable[tuple[str, Row]]) -> None:
        """Add rows of an association."""
        self.rows.setdefault(collection, {}).update(rows)

    def answer(self) -> web.Response:
        """The envelope."""
        pages = -(-self.count // self.page_size) if self.page_size else 0
        meta = {
            "count": self.count,
            "page_count": pages,
            "page_number": self.page_number,
            "page_size": self.page_size,
        }
        results = [{"key": self.collection, "id": one} for one in self.ids]
        self.rows.setdefault(self.collection, {})
        return json_answer({"count": self.count, "meta": meta, "results": results, **self.rows})


@lru_cache(maxsize=65_536)
def instant(seconds: int) -> str:
    """Seconds since 1970 as the API tells them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def optional_instant(seconds: int | None) -> str | None:
    """``instant``, or null."""
    return None if seconds is None else instant(seconds)


def optional_id(row_id: int | None) -> str | None:
    """An id as text, or null."""
    return None if row_id is None else str(row_id)
