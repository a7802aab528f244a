"""What of the API is going away: told by Deprecation (RFC 9745) and Sunset (RFC 8594), and in the inventory.

The path carries the version (``/v1``). Within it only additions happen; what must change otherwise comes beside the old
under a new version, and the old is entered in ``RETIRING`` by its operation id, six months before it ends at least.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from tieout.errors import InvariantError

NOTICE: Final = timedelta(days=180)


class Retirement(msgspec.Struct, frozen=True, kw_only=True):
    """From when an operation should not be used, and when it ends; ``successor`` is the path to use instead."""

    deprecated_at: datetime
    sunset_at: datetime
    successor: str

    def __post_init__(self) -> None:
        """Refuse an end that comes before consumers had time to follow."""
        if self.sunset_at < self.deprecated_at + NOTICE:
            raise InvariantError(
                code="TIE-API-015",
                message=f"It would end {self.sunset_at:%Y-%m-%d}, less than {NOTICE.days} days after it is deprecated.",
            )

    def headers(self) -> dict[str, str]:
        """As the two RFCs write it."""
        return {
            "Deprecation": f"@{int(self.deprecated_at.timestamp())}",
            "Sunset": format_datetime(self.sunset_at.astimezone(UTC), usegmt=True),
            "Link": f'<{self.successor}>; rel="successor-version"',
        }


RETIRING: Final[Mapping[str, Retirement]] = {}
"""By operation id; nothing of version 1 is going away."""


class Versions(ASGIMiddleware):
    """Tells in every answer of an operation that it is going away."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, retiring: Mapping[str, Retirement]) -> None:
        self._retiring = retiring

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Add the headers where there is something to tell."""
        retirement = self._retiring.get(operation_of(scope) or "")
        if retirement is None:
            await next_app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in retirement.headers().items():
                    headers.add(name, value)
            await send(message)

        await next_app(scope, receive, told)


def operation_of(scope: Scope) -> str | None:
    """The id of the operation that a request is for, None for what is no operation of the API."""
    if scope["type"] != ScopeType.HTTP:
        return None
    named = getattr(scope["route_handler"], "operation_id", None)
    return named if isinstance(named, str) else None
