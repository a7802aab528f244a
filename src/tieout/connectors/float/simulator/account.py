"""The simulator of Float: its routes, its faults, and people who plan in it by hand.

Neighbours: ``tables`` keeps the rows, ``listing`` answers questions, ``writes`` takes what the API writes, ``seeding``
fills it, ``holdings`` tells what is really held.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from tieout.connect.simulator.base import Simulator, SimulatorOptions
from tieout.connect.simulator.control import Change, ConnectionSheet, Holding
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.seed import read_firm
from tieout.connectors.float.simulator.holdings import holdings
from tieout.connectors.float.simulator.listing import RefusedError, listed, shown
from tieout.connectors.float.simulator.seeding import Seeding
from tieout.connectors.float.simulator.tables import ID_MEMBERS, SCHEMA, Body, Tables
from tieout.connectors.float.simulator.writes import Writes

TOKEN: Final = "simulated-token-5d0e97c3a1b8"  # noqa: S105 - a made-up one
_BASE: Final = "/v3"
_WRITTEN: Final = ("clients", "projects", "tasks")
_NAMES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_FAULT_ANSWERS: Final = {
    FaultKind.HTTP_429: (429, 429, "Rate limit exceeded."),
    FaultKind.HTTP_500: (500, 500, "An internal server error occurred."),
    FaultKind.HTTP_503: (503, 503, "Down for maintenance."),
    FaultKind.TOKEN_EXPIRED: (401, 401, "Your request was made with invalid credentials."),
    FaultKind.FORBIDDEN: (403, 403, "You are not allowed to perform this action."),
    FaultKind.NOT_FOUND: (404, 404, "Page not found."),
    FaultKind.OK_WITH_ERROR_BODY: (200, 500, "An internal server error occurred."),
}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_Answer = Callable[[web.Request], Awaitable[web.Response]]


class FloatSimulator(Simulator):
    """A local Float account. Its token never expires; whoever owns the account takes it away."""

    name: ClassVar[str] = "float"
    schema: ClassVar[str] = SCHEMA
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset(
        {FaultKind.PARTIAL_BATCH, FaultKind.ALTER_AMOUNT, FaultKind.ALTER_CURRENCY, FaultKind.CONFLICT}
    )
    drift: ClassVar[Drift] = Drift(
        enums=("status", "people_type_id"),
        required=("name", "task_name", "hours", "start_date", "project_id"),
        retyped=("name", "task_name", "hours", "start_date", "dates"),
    )

    def __init__(self, options: SimulatorOptions) -> None:
        super().__init__(options)
        self._tables = Tables(self.state, self.now)
        self._seeding = Seeding(self.state, self._tables)
        self._writes = Writes(self._tables, is_code_unique=lambda: self.dedup)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The documented routes that are played."""
        routes = [web.get(f"{_BASE}/{name}", _vendor(self._listing(name))) for name in ID_MEMBERS]
        for name in _WRITTEN:
            row = rf"{_BASE}/{name}/{{id:\d+}}"
            routes.append(web.post(f"{_BASE}/{name}", _vendor(self._creating(name))))
            routes.append(web.patch(row, _vendor(self._changing(name))))
            routes.append(web.put(row, _vendor(self._changing(name))))
        routes.append(web.delete(rf"{_BASE}/tasks/{{id:\d+}}", _vendor(self._deleting("tasks"))))
        return routes

    def seed(self, firm_dir: Path) -> None:
        """Replace the account by the firm in ``firm_dir``."""
        self._seeding.fill(read_firm(firm_dir))

    def fault_response(self, fault: Fault) -> web.Response:
        """The vendor's errors; none says how long to wait."""
        if fault.kind is FaultKind.UNPROCESSABLE:
            return _json([{"field": "name", "message": "Name is invalid."}], 422)
        status, told, message = _FAULT_ANSWERS[fault.kind]
        return _problem(status, told, message)

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """Settings and secrets for the connector; regions are named as the people who work there name them."""
        regions = (f"{number}={place}" for number, (_, place) in enumerate(self._seeding.regions(), start=1))
        return ConnectionSheet(
            settings={
                "base_url": f"{base_url}{_BASE}",
                "contact": "operations@hub.example",
                "regions": "; ".join(regions),
            },
            secrets={"access_token": TOKEN},
            custom_fields={"upsert_project": {"color": "2E7D32", "non_billable": "1"}},
        )

    def object_counts(self) -> dict[str, int]:
        """Rows by list."""
        return {name: self._tables.count(name, "", ()) for name in ID_MEMBERS}

    def apply_change(self, change: Change) -> None:
        """Somebody plans, hires or sells: past the API, and nothing tells of a deletion."""
        self._seeding.apply(change)

    def holdings(self) -> Iterable[Holding]:
        """What is really held of clients, projects and demand."""
        return holdings(self._tables)

    def _listing(self, name: str) -> _Answer:
        async def answer(request: web.Request) -> web.Response:
            until = self.visible_until().timestamp() if self.read_lag_s else None
            found = listed(self._tables, name, request.query, visible_until=until)
            response = _json(found.rows)
            response.headers["X-Pagination-Total-Count"] = str(found.total)
            response.headers["X-Pagination-Page-Count"] = str(max(-(-found.total // found.per_page), 1))
            response.headers["X-Pagination-Current-Page"] = str(found.page)
            response.headers["X-Pagination-Per-Page"] = str(found.per_page)
            return response

        return answer

    def _creating(self, name: str) -> _Answer:
        async def answer(request: web.Request) -> web.Response:
            content = await request.read()
            with self.state.transaction():
                made = self._writes.create(name, content)
            return _row(name, made, request, 201)

        return answer

    def _changing(self, name: str) -> _Answer:
        async def answer(request: web.Request) -> web.Response:
            content = await request.read()
            with self.state.transaction():
                made = self._writes.change(name, int(request.match_info["id"]), content)
            return _row(name, made, request, 200)

        return answer

    def _deleting(self, name: str) -> _Answer:
        async def answer(request: web.Request) -> web.Response:
            with self.state.transaction():
                self._writes.delete(name, int(request.match_info["id"]))
            return web.Response(status=204)

        return answer


def _vendor(handler: _Answer) -> Handler:
    """What every route shares: the bearer token, and refusals as answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _problem(401, 401, "Your request was made with invalid credentials.")
        try:
            return await handler(request)
        except RefusedError as refusal:
            if refusal.field is not None:
                return _json([{"field": refusal.field, "message": refusal.message}], refusal.status)
            return _problem(refusal.status, refusal.status, refusal.message)

    return answer


def _row(name: str, body: Body, request: web.Request, status: int) -> web.Response:
    return _json(shown(name, body, frozenset(request.query.get("expand", "").split(","))), status)


def _problem(status: int, told: int, message: str) -> web.Response:
    return _json({"name": _NAMES[told], "message": message, "code": 0, "status": told}, status)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=_ENCODER.encode(value), status=status, content_type="application/json")
