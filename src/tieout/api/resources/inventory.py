"""``/v1/inventory``: every endpoint, whether it is going away, and who uses it."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.routes import HTTPRoute

from tieout.api.resources.reading import read
from tieout.api.versions import RETIRING
from tieout.governance import api_inventory
from tieout.governance.api_inventory import Consumer
from tieout.model.access import Principal, Scope
from tieout.web.guards import Asking, requires

_DEFAULT_DAYS: Final = 90
_HEAD: Final = frozenset({"HEAD", "OPTIONS"})

Days = Annotated[int, QueryParameter(ge=1, le=730, description="Uses of the last so many days.")]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One operation: where it is, when it ends if it does, and who used it."""

    operation: str
    method: str
    path: str
    deprecated_at: datetime | None
    sunset_at: datetime | None
    successor: str | None
    consumers: list[Consumer]


@get(
    "/v1/inventory",
    guards=[requires(Scope.CONTRACTS_READ)],
    operation_id="list_inventory",
    summary="Every endpoint and who uses it",
    tags=["oversight"],
)
async def inventory(
    request: Request[Any, Any, State], principal: Asking, state: State, days: Days = _DEFAULT_DAYS
) -> list[Endpoint]:
    """Of principals that were known; counted by this hub, this minute included, of other processes until the last."""
    used = await asyncio.to_thread(_used, state, principal, days)
    return [
        _endpoint(operation, method, path, [one for one in used if one.operation == operation])
        for operation, method, path in sorted(operations(request.app.routes))
    ]


def operations(routes: list[Any]) -> set[tuple[str, str, str]]:
    """Id, method and path of each operation of an application."""
    return {
        (handler.operation_id, method, route.path_format)
        for route in routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if isinstance(handler.operation_id, str)
        for method in handler.http_methods - _HEAD
    }


def handlers() -> list[HTTPRouteHandler]:
    """Every handler of this resource."""
    return [inventory]


def _used(state: State, principal: Principal, days: int) -> list[Consumer]:
    state.api_uses.write(state.database)
    since = state.clock.now() - timedelta(days=days)
    return read(state, principal, Scope.CONTRACTS_READ, lambda conn: api_inventory.consumers(conn, since=since))


def _endpoint(operation: str, method: str, path: str, consumers: list[Consumer]) -> Endpoint:
    retirement = RETIRING.get(operation)
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        deprecated_at=None if retirement is None else retirement.deprecated_at,
        sunset_at=None if retirement is None else retirement.sunset_at,
        successor=None if retirement is None else retirement.successor,
        consumers=consumers,
    )
