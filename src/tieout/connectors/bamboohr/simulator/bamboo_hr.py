"""The simulator of BambooHR: its routes, its faults, and people who work in it by hand.

Neighbours: ``rows`` keeps what the company holds, ``dataset`` reads questions, ``webhooks`` signs what is told. Times
of change have seconds and nothing finer.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from aiohttp import BasicAuth, web
from aiohttp.typedefs import Handler

from tieout.connect.simulator.base import Simulator, SimulatorOptions
from tieout.connect.simulator.control import (
    Change,
    ConnectionSheet,
    DeleteRecord,
    PutPerson,
    PutTimeOff,
    SentWebhook,
)
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind, RequestClass
from tieout.connectors.bamboohr.simulator import dataset
from tieout.connectors.bamboohr.simulator.dataset import RefusedQuestionError
from tieout.connectors.bamboohr.simulator.rows import SCHEMA, TABLES, Json, Rows, instant
from tieout.connectors.bamboohr.simulator.webhooks import FIRST_KEY, Wanted, Webhooks

API_KEY: Final = "simulated-key-7c1e40b2d95f"
_BASE: Final = "/api/gateway.php/northwind"
_LARGEST_HOLIDAY_PAGE: Final = 100
_FAULT_ANSWERS: Final = {
    FaultKind.HTTP_429: (429, "Too Many Requests", "Rate limit exceeded"),
    FaultKind.HTTP_500: (500, "Internal Server Error", "An error occurred"),
    FaultKind.HTTP_503: (503, "Service Unavailable", "Rate limit exceeded"),
    FaultKind.TOKEN_EXPIRED: (401, "Unauthorized", "Invalid API key"),
    FaultKind.FORBIDDEN: (403, "Forbidden", "Insufficient permissions"),
    FaultKind.NOT_FOUND: (404, "Not Found", "Company not found"),
    FaultKind.UNPROCESSABLE: (422, "Unprocessable", "INVALID_FILTER"),
    FaultKind.OK_WITH_ERROR_BODY: (200, "Internal Server Error", "An error occurred"),
}
_LIMITED: Final = frozenset({429, 503})
_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BambooSimulator(Simulator):
    """A local BambooHR company. Its key never expires; whoever deletes it takes it away."""

    name: ClassVar[str] = "bamboohr"
    schema: ClassVar[str] = SCHEMA
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset(
        {FaultKind.PARTIAL_BATCH, FaultKind.ALTER_AMOUNT, FaultKind.ALTER_CURRENCY, FaultKind.CONFLICT}
    )
    drift: ClassVar[Drift] = Drift(
        enums=("status", "action", "unit", "paidPer"),
        required=("hireDate", "lastChanged", "employeeId", "startDate", "value"),
        retyped=("firstName", "start", "name", "value", "lastChanged"),
    )

    def __init__(self, options: SimulatorOptions) -> None:
        super().__init__(options)
        self._rows = Rows(self.state)
        self._webhooks = Webhooks(self.state)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The documented routes that are played."""
        v1, webhook = f"{_BASE}/v1", _BASE + r"/v1/webhooks/{id:\d+}"
        return [
            web.post(f"{_BASE}/v2/datasets/employee/data", _vendor(self._dataset)),
            web.post(f"{_BASE}/v1_2/datasets/employee/field-options", _vendor(self._options)),
            web.get(f"{v1}/employees/changed", _vendor(self._changed)),
            web.get(f"{v1}/employees/changed/tables/compensation", _vendor(self._compensation)),
            web.get(f"{v1}/time_off/requests", _vendor(self._time_off)),
            web.get(f"{v1}/holidays", _vendor(self._holidays)),
            web.get(f"{v1}/webhooks", _vendor(self._list_webhooks)),
            web.post(f"{v1}/webhooks", _vendor(self._make_webhook)),
            web.put(webhook, _vendor(self._change_webhook)),
            web.get(f"{webhook}/log", _vendor(self._webhook_log)),
        ]

    def request_class(self, request: web.Request) -> RequestClass:
        """Questions of datasets are posted and change nothing."""
        return "read" if "/datasets/" in request.path else super().request_class(request)

    def seed(self, firm_dir: Path) -> None:
        """Replace the company by the firm in ``firm_dir``."""
        with self.state.transaction():
            self._rows.fill(firm_dir, at=self._seconds())
            self._webhooks.fill()

    def fault_response(self, fault: Fault) -> web.Response:
        """The vendor's errors: words in a header, a problem as the body; what is limited says when to come back."""
        status, title, detail = _FAULT_ANSWERS[fault.kind]
        return _problem(status, title, detail)

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """Settings and secrets for the connector."""
        return ConnectionSheet(
            settings={"base_url": f"{base_url}{_BASE}"},
            secrets={"api_key": API_KEY, "webhook_private_key": FIRST_KEY},
        )

    def object_counts(self) -> dict[str, int]:
        """Rows by table."""
        counts = {}
        for table in TABLES:
            found = self.state.row(f"select count(*) as n from {table}")  # noqa: S608 - names of our own tables
            counts[table] = 0 if found is None else int(found["n"])
        return counts

    def webhooks(self) -> Sequence[SentWebhook]:
        """Everything that was signed."""
        return self._webhooks.sent()

    async def webhooks_posted(self) -> None:
        """Wait until every webhook with an address has arrived there or was given up."""
        await self._webhooks.posted()

    def apply_change(self, change: Change) -> None:
        """Somebody in HR works in the company; changes of people are told to webhooks."""
        now = self._seconds()
        with self.state.transaction():
            match change:
                case PutPerson():
                    held = self.state.row("select 1 from employee where key = ?", (change.person.key,))
                    employee = self._rows.put_person(change.person, at=now)
                    self._webhooks.tell("Created" if held is None else "Updated", employee, at=now)
                case PutTimeOff():
                    self._rows.put_time_off(change.time_off)
                case DeleteRecord(kind="person"):
                    gone = self._rows.delete_person(change.key, at=now)
                    self._webhooks.tell("Deleted", gone, at=now)
                case DeleteRecord(kind="time_off"):
                    self._rows.delete_time_off(change.key)
                case _:
                    super().apply_change(change)

    def _seconds(self) -> int:
        return int(self.now().timestamp())

    def _visible_until(self) -> float | None:
        return self.visible_until().timestamp() if self.read_lag_s else None

    async def _dataset(self, request: web.Request) -> web.Response:
        question = dataset.read_question(await request.read())
        rows = [one.fields for one in self._rows.employees(visible_until=self._visible_until())]
        known = frozenset(name for row in rows for name in row)
        return _json(dataset.answer(question, rows, known))

    async def _options(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=dict[str, list[str]]).get("fields", [])
        rows = [one.fields for one in self._rows.employees(visible_until=None)]
        told: dict[str, Json] = {}
        for name in asked:
            if rows and name not in rows[0]:
                raise RefusedQuestionError(400, "Bad Request", f"Unknown field: {name}")
            values = sorted({str(row[name]) for row in rows if row[name] is not None})
            told[name] = [{"id": number, "value": value} for number, value in enumerate(values, start=1)]
        return _json(told)

    async def _changed(self, request: web.Request) -> web.Response:
        since = _instant(request, "since")
        found = self._rows.changes(since=since, action=request.query.get("type"))
        employees: dict[str, Json] = {
            str(row_id): {"id": str(row_id), "action": action, "lastChanged": instant(changed)}
            for row_id, action, changed in found
        }
        latest = max((changed for _, _, changed in found), default=int(since))
        # An empty map is an empty list in the vendor's language.
        return _json({"latest": instant(latest), "employees": employees or []})

    async def _compensation(self, request: web.Request) -> web.Response:
        since = _instant(request, "since")
        employees: dict[str, Json] = {
            str(one.id): {"lastChanged": instant(one.changed), "rows": one.pay}
            for one in self._rows.employees(visible_until=self._visible_until())
            if one.changed > since
        }
        return _json({"table": "compensation", "employees": employees or []})

    async def _time_off(self, request: web.Request) -> web.Response:
        first, last = _day(request, "start"), _day(request, "end")
        rows = self.state.rows("select body from time_off where first <= ? and last >= ? order by id", (last, first))
        wanted = request.query.get("status")
        found: list[dict[str, Json]] = [msgspec.json.decode(row["body"]) for row in rows]
        return _json([one for one in found if wanted is None or _status(one) in wanted.split(",")])

    async def _holidays(self, request: web.Request) -> web.Response:
        page, size = _number(request, "page", 1), _number(request, "pageSize", 20)
        if size > _LARGEST_HOLIDAY_PAGE:
            raise RefusedQuestionError(400, "Bad Request", "pageSize must be at most 100")
        rows = self.state.rows("select body from holiday order by starts, id")
        data: list[Json] = [msgspec.json.decode(row["body"]) for row in rows[(page - 1) * size : page * size]]
        meta: Json = {
            "page": page,
            "pageSize": size,
            "totalPages": -(-len(rows) // size),
            "totalItems": len(rows),
        }
        return _json({"data": data, "meta": meta, "_links": {}})

    async def _list_webhooks(self, _: web.Request) -> web.Response:
        return _json({"webhooks": self._webhooks.listed()})

    async def _make_webhook(self, request: web.Request) -> web.Response:
        return _json(self._webhooks.make(await _wanted(request)), 201)

    async def _change_webhook(self, request: web.Request) -> web.Response:
        changed = self._webhooks.change(int(request.match_info["id"]), await _wanted(request))
        if changed is None:
            raise RefusedQuestionError(404, "Not Found", "Webhook not found")
        return _json(changed)

    async def _webhook_log(self, request: web.Request) -> web.Response:
        return _json(self._webhooks.log(int(request.match_info["id"])))


def _vendor(handler: _Answer) -> Handler:
    """What every route shares: the key as the user of HTTP Basic, and refusals as answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if _user(request) != API_KEY:
            return _problem(401, "Unauthorized", "Invalid API key")
        if "json" not in request.headers.get("Accept", "application/json") and "*/*" not in request.headers["Accept"]:
            return _problem(406, "Not Acceptable", "Only JSON is played here")
        try:
            return await handler(request)
        except RefusedQuestionError as refusal:
            return _problem(refusal.status, refusal.title, refusal.detail)

    return answer


def _user(request: web.Request) -> str | None:
    try:
        user: str = BasicAuth.decode(request.headers.get("Authorization", "")).login
    except ValueError:
        return None
    return user


async def _wanted(request: web.Request) -> Wanted:
    try:
        return msgspec.json.decode(await request.read(), type=Wanted)
    except msgspec.DecodeError as error:
        raise RefusedQuestionError(400, "Bad Request", str(error)) from error


def _instant(request: web.Request, name: str) -> float:
    try:
        found = datetime.fromisoformat(request.query[name])
    except (KeyError, ValueError) as error:
        raise RefusedQuestionError(400, "Bad Request", f"{name} must be an ISO 8601 timestamp") from error
    if found.tzinfo is None:
        raise RefusedQuestionError(400, "Bad Request", f"{name} must name a zone")
    return found.timestamp()


def _day(request: web.Request, name: str) -> str:
    try:
        return date.fromisoformat(request.query[name]).isoformat()
    except (KeyError, ValueError) as error:
        raise RefusedQuestionError(400, "Bad Request", f"{name} must be a date") from error


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise RefusedQuestionError(400, "Bad Request", f"{name} must be a positive number")
    return int(text)


def _status(row: dict[str, Json]) -> Json:
    status = row["status"]
    return status["status"] if isinstance(status, dict) else None


def _problem(status: int, title: str, detail: str) -> web.Response:
    answer = _json({"type": "about:blank", "title": title, "status": status, "detail": detail}, status)
    answer.headers["X-BambooHR-Error-Message"] = detail
    if status in _LIMITED:
        answer.headers["Retry-After"] = "1"
    return answer


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
