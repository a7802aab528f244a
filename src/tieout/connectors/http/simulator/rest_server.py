"""The REST server: sign-in of every kind, lists in every cut, writes, and the faults between.

Neighbours: ``rows`` keeps the items, ``records`` takes what is written. The bundled ``sample.toml`` is the definition
by which the generic connector reads and writes all of it.
"""

import base64
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from tieout.connect.simulator.base import Simulator, SimulatorOptions
from tieout.connect.simulator.control import (
    Change,
    ConnectionSheet,
    DeleteHolding,
    DeleteRecord,
    DeleteTimeEntry,
    Holding,
    PutAssignment,
    PutClient,
    PutDeal,
    PutPerson,
    PutProject,
    PutTimeEntry,
    PutTimeOff,
    SetPeriod,
)
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind, RequestClass
from tieout.connectors.http.simulator.records import Records, RefusedRecordError
from tieout.connectors.http.simulator.rows import SCHEMA, Body, Json, Rows, shown

TOKEN: Final = "simulated-bearer-51c8e2"  # noqa: S105 - made up, and the simulator listens on loopback only
USER, PASSWORD = "hub", "simulated-password-9d04"
API_KEY: Final = "simulated-key-7713fa"
CLIENT_ID, CLIENT_SECRET = "tieout", "simulated-client-secret-c2f9"
_LARGEST_PAGE: Final = 200
_FAULT_ANSWERS: Final = {
    FaultKind.HTTP_429: (429, "too_many", "too many requests"),
    FaultKind.HTTP_500: (500, "broken", "something broke"),
    FaultKind.HTTP_503: (503, "unavailable", "down for a moment"),
    FaultKind.TOKEN_EXPIRED: (401, "expired", "sign in again"),
    FaultKind.FORBIDDEN: (403, "forbidden", "not for you"),
    FaultKind.NOT_FOUND: (404, "not_found", "there is nothing here"),
    FaultKind.CONFLICT: (409, "conflict", "somebody else was first"),
    FaultKind.UNPROCESSABLE: (422, "invalid", "that cannot be"),
    FaultKind.OK_WITH_ERROR_BODY: (200, "broken", "something broke"),
}
_LISTS: Final = frozenset({"clients", "projects", "tasks", "people", "rate_cards", "deals", "demands"})
"""Collections that are there even while nothing is in them."""

_COLLECTIONS: Final = {
    "client": "clients",
    "deal": "deals",
    "person": "people",
    "project": "projects",
    "assignment": "assignments",
    "time_off": "time_off",
}
_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RestSimulator(Simulator):
    """A local REST server."""

    name: ClassVar[str] = "http"
    schema: ClassVar[str] = SCHEMA
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset({FaultKind.PARTIAL_BATCH})
    drift: ClassVar[Drift] = Drift(
        enums=("state", "outcome"),
        required=("minutes", "name", "minor", "rate", "from"),
        retyped=("minutes", "name", "title", "first", "minor", "from", "on"),
    )

    def __init__(self, options: SimulatorOptions) -> None:
        super().__init__(options)
        self._rows = Rows(self.state)
        self._records = Records(self.state, self._rows, self._micros)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Every route of the server."""
        return [
            web.post("/oauth/token", self._token),
            web.get("/v1/ledger", _guarded(self, self._ledger)),
            web.post("/v1/journals", _guarded(self, self._post_journal)),
            web.get("/v1/journals", _guarded(self, self._find_journals)),
            web.put("/v1/projects/{number}/tasks/{wbs}", _guarded(self, self._put_task)),
            web.put("/v1/projects/{number}/state", _guarded(self, self._put_state)),
            web.put("/v1/deals/{number}/project", _guarded(self, self._put_link)),
            web.put("/v1/{collection}/{number}", _guarded(self, self._put)),
            web.get("/v1/{collection}", _guarded(self, self._list)),
        ]

    def request_class(self, request: web.Request) -> RequestClass:
        """The token endpoint is one."""
        return "token" if request.path == "/oauth/token" else super().request_class(request)

    def seed(self, firm_dir: Path) -> None:
        """Replace everything by the firm in ``firm_dir``."""
        self._rows.fill(firm_dir, at=self._micros())

    def fault_response(self, fault: Fault) -> web.Response:
        """The server's error body."""
        return _error(*_FAULT_ANSWERS[fault.kind])

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """The bundled definition, and the secret of the client that it names."""
        return ConnectionSheet(
            settings={"base_url": base_url, "definition": sample_definition()},
            secrets={"client_secret": CLIENT_SECRET},
            custom_fields={
                "upsert_customer": {"segment": "Gold"},
                "upsert_project": {"practice": "Payments"},
                "upsert_task": {"activity": "Build"},
            },
        )

    def object_counts(self) -> dict[str, int]:
        """Items by collection."""
        return self._rows.counts()

    def expire_tokens(self) -> bool:
        """Forget every token that was issued."""
        self.state.run("delete from token")
        return True

    def holdings(self) -> Iterable[Holding]:
        """Everything with a reference."""
        return self._records.holdings()

    def apply_change(self, change: Change) -> None:
        """Somebody works on the server by hand."""
        now = self._micros()
        with self.state.transaction():
            if not self._apply_master(change, now) and not self._apply_fact(change, now):
                super().apply_change(change)

    def _apply_master(self, change: Change, now: int) -> bool:
        match change:
            case PutClient():
                self._rows.put_client(change.client, at=now)
            case PutPerson():
                self._rows.put_person(change.person, at=now)
            case PutProject():
                self._rows.put_project(change.project, at=now)
            case PutDeal():
                self._rows.put_deal(change.deal, at=now)
            case SetPeriod():
                self._rows.set_period(change.entity, change.period, is_locked=change.closed, at=now)
            case DeleteRecord() if change.kind in _COLLECTIONS:
                self._rows.delete(_COLLECTIONS[change.kind], change.key, at=now)
            case _:
                return False
        return True

    def _apply_fact(self, change: Change, now: int) -> bool:
        match change:
            case PutTimeEntry():
                self._rows.put_time_entry(change.entry, at=now)
            case DeleteTimeEntry():
                self._rows.delete("time_entries", change.key, at=now)
            case PutAssignment():
                self._rows.put_assignment(change.assignment, at=now)
            case PutTimeOff():
                self._rows.put_time_off(change.time_off, at=now)
            case DeleteHolding():
                self._records.remove_journal(change.reference)
            case _:
                return False
        return True

    def _micros(self) -> int:
        return int(self.now().timestamp() * 1_000_000)

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        basic = request.headers.get("Authorization", "")
        client = (str(form.get("client_id", "")), str(form.get("client_secret", "")))
        if basic:
            client = _basic(basic)
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        if client != (CLIENT_ID, CLIENT_SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = secrets.token_hex(16)
        self.state.run("insert into token (value) values (?)", (token,))
        return web.json_response({"access_token": token, "token_type": "bearer", "expires_in": 3600})

    def is_known(self, request: web.Request) -> bool:
        """Whether a request is signed in any of the ways that the server takes."""
        authorization = request.headers.get("Authorization", "")
        if request.headers.get("X-Api-Key") == API_KEY or _basic(authorization) == (USER, PASSWORD):
            return True
        token = authorization.removeprefix("Bearer ")
        return token == TOKEN or self.state.row("select 1 from token where value = ?", (token,)) is not None

    async def _list(self, request: web.Request) -> web.Response:
        collection = request.match_info["collection"].replace("-", "_")
        items = self._items(collection, request)
        if collection not in _LISTS and collection not in self._rows.counts():
            return _error(404, "not_found", f"there is no collection {collection}")
        return _cut(request, items)

    def _items(self, collection: str, request: web.Request) -> list[Body]:
        query = request.query
        since = (
            int(datetime.fromisoformat(query["updated_since"]).timestamp() * 1_000_000)
            if ("updated_since" in query)
            else 0
        )
        until = int(self.visible_until().timestamp() * 1_000_000) if self.read_lag_s else 2**62
        rows = self.state.rows(
            "select id, changed, deleted, body from item where collection = ? and changed between ? and ? "
            "order by changed, id",
            (collection, since, until),
        )
        found = [
            (row["id"], row["changed"], row["deleted"], msgspec.json.decode(row["body"]))
            for row in rows
            if not row["deleted"] or query.get("deleted") == "true"
        ]
        for member in ("external_ref", "state_ref", "link_ref"):
            if member in query:
                found = [one for one in found if one[3].get(member) == query[member]]
        return shown(found)

    async def _put(self, request: web.Request) -> web.Response:
        body = await _body(request)
        return _data(self._records.put(request.match_info["collection"], request.match_info["number"], body))

    async def _put_task(self, request: web.Request) -> web.Response:
        body = await _body(request)
        return _data(self._records.put_task(request.match_info["number"], request.match_info["wbs"], body))

    async def _put_state(self, request: web.Request) -> web.Response:
        return _data(self._records.put_state(request.match_info["number"], await _body(request)))

    async def _put_link(self, request: web.Request) -> web.Response:
        return _data(self._records.put_link(request.match_info["number"], await _body(request)))

    async def _post_journal(self, request: web.Request) -> web.Response:
        payload = await request.read()
        with self.state.transaction():
            recorded = self._records.post_journal(
                payload,
                alter_amount=self.fault_for(request, FaultKind.ALTER_AMOUNT) is not None,
                alter_currency=self.fault_for(request, FaultKind.ALTER_CURRENCY) is not None,
                dedup=self.dedup,
            )
        return _data(recorded, 201)

    async def _find_journals(self, request: web.Request) -> web.Response:
        found = self._records.journals("reference = ?", (request.query.get("external_ref", ""),))
        return _cut(request, found)

    async def _ledger(self, request: web.Request) -> web.Response:
        query = request.query
        found = self._records.journals(
            "entity = ? and day between ? and ?", (query["entity"], query["from"], query["to"])
        )
        return _cut(request, found)


def sample_definition() -> str:
    """The definition by which the generic connector reads and writes this server."""
    return files("tieout.connectors.http").joinpath("sample.toml").read_text(encoding="utf-8")


def _guarded(simulator: RestSimulator, handler: _Answer) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        if not simulator.is_known(request):
            return _error(401, "expired", "sign in")
        try:
            return await handler(request)
        except RefusedRecordError as refusal:
            return _error(refusal.status, refusal.code, str(refusal))
        except (KeyError, ValueError, msgspec.DecodeError) as error:
            return _error(400, "malformed", str(error))

    return answer


def _cut(request: web.Request, items: list[Body]) -> web.Response:
    """A part of a list: by page, by offset, or from a cursor on; with a cursor in the body and a link in the header."""
    query = request.query
    size = min(int(query.get("per_page", query.get("limit", "50"))), _LARGEST_PAGE)
    first = int(query.get("offset", "0"))
    if "page" in query:
        first = (int(query["page"]) - 1) * size
    if "cursor" in query:
        after = tuple(msgspec.json.decode(base64.urlsafe_b64decode(query["cursor"]), type=tuple[str, int]))
        first = sum(_place(one) <= after for one in items)
    part = items[first : first + size]
    cursor = None
    if first + size < len(items):
        cursor = base64.urlsafe_b64encode(msgspec.json.encode(_place(part[-1]))).decode()
    answer = _json({"data": part, "meta": {"total": len(items), "next_cursor": cursor}})
    if cursor is not None:
        target = request.url.update_query({"cursor": cursor, "limit": str(size)})
        answer.headers["Link"] = f'<{target}>; rel="next", <{request.url}>; rel="self"'
    return answer


def _place(item: Body) -> tuple[str, int]:
    """Where an item stands in its list, whatever happens to others: by its time or day, then by its id."""
    return str(item.get("updated_at", item.get("on"))), int(str(item["id"]))


def _basic(authorization: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password


async def _body(request: web.Request) -> Body:
    body: Body = msgspec.json.decode(await request.read(), type=dict)
    return body


def _data(record: Json, status: int = 200) -> web.Response:
    return _json({"data": record}, status)


def _error(status: int, code: str, words: str) -> web.Response:
    return _json({"error": {"code": code, "message": words}}, status)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
