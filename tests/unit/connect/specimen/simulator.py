"""The specimen: a made-up system that is PSA and ERP in one, small and complete, to prove the suite on."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from aiohttp import web

from tieout.connect.simulator.base import Simulator
from tieout.connect.simulator.control import (
    Change,
    ConnectionSheet,
    DeleteHolding,
    DeleteTimeEntry,
    Holding,
    PutTimeEntry,
    SetPeriod,
)
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind, RequestClass
from tieout.connect.simulator.seed import SeedFirm, SeedTimeEntry, read_firm, read_time_entries

SECRET = "specimen-secret-6f1c"
_FIRST_WRITTEN = 10_000
_TABLES = ("entry", "client", "period", "cost", "fx", "account", "journal", "customer")
_STATUS = {
    FaultKind.HTTP_429: 429,
    FaultKind.HTTP_503: 503,
    FaultKind.TOKEN_EXPIRED: 401,
    FaultKind.FORBIDDEN: 403,
    FaultKind.NOT_FOUND: 404,
    FaultKind.CONFLICT: 409,
    FaultKind.UNPROCESSABLE: 422,
    FaultKind.OK_WITH_ERROR_BODY: 200,
}


class Journal(msgspec.Struct):
    reference: str
    entity: str
    date: str
    currency: str
    lines: list[dict[str, str | int]]


class Customer(msgspec.Struct):
    reference: str
    code: str
    name: str


class SpecimenSimulator(Simulator):
    name = "specimen"
    schema = """
    create table if not exists entry (id integer primary key, key text unique, changed_us integer, deleted integer,
                                      body text);
    create table if not exists client (body text);
    create table if not exists period (entity text, month text, closed integer);
    create table if not exists cost (body text);
    create table if not exists fx (body text);
    create table if not exists account (number text);
    create table if not exists token (value text primary key);
    create table if not exists journal (id integer primary key, key text, reference text, entity text, day text,
                                        currency text, debit_minor integer, lines text, written_us integer);
    create table if not exists customer (id integer primary key, key text, reference text, code text, name text);
    """
    drift = Drift(enums=("status",), required=("minutes", "status"), retyped=("minutes", "name"))

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.post("/token", self._token),
            web.get("/entries", self._entries),
            web.get("/list/{table}", self._list),
            web.post("/journals", self._post),
            web.get("/journals", self._find),
            web.get("/ledger", self._ledger),
            web.post("/customers", self._post_customers),
            web.get("/customers", self._find_customers),
        ]

    def request_class(self, request: web.Request) -> RequestClass:
        return "token" if request.path == "/token" else super().request_class(request)

    def fault_response(self, fault: Fault) -> web.Response:
        return web.json_response({"error": str(fault.kind)}, status=_STATUS.get(fault.kind, 500))

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        return ConnectionSheet(settings={"base_url": base_url}, secrets={"client_secret": SECRET})

    def expire_tokens(self) -> bool:
        self.state.run("delete from token")
        return True

    def seed(self, firm_dir: Path) -> None:
        firm = read_firm(firm_dir)
        with self.state.transaction():
            for table in _TABLES:
                self.state.run(f"delete from {table}")
            self._seed_masters(firm)
            for entry in read_time_entries(firm_dir):
                self._put(entry, datetime.fromisoformat(entry.updated_at))

    def _seed_masters(self, firm: SeedFirm) -> None:
        for client in firm.clients:
            self._insert("client", {"code": client.code, "name": client.name, "currency": client.currency})
        for entity in firm.entities:
            for month in entity.periods:
                closed = month in entity.closed_periods
                self.state.run("insert into period values (?, ?, ?)", (entity.code, month, closed))
        for person, rate in ((one, rate) for one in firm.people for rate in one.cost_rates):
            self._insert("cost", {"person": person.key, "minor": rate.amount_minor, "currency": rate.currency})
        for fx in firm.fx_rates:
            self._insert("fx", {"base": fx.base, "quote": fx.quote, "day": fx.day, "rate": fx.rate})
        self.state.run_many("insert into account values (?)", [(number,) for number in firm.accounts.values()])

    def _insert(self, table: str, body: Mapping[str, str | int]) -> None:
        self.state.run(f"insert into {table} values (?)", (msgspec.json.encode(body).decode(),))

    def _put(self, entry: SeedTimeEntry, at: datetime) -> None:
        body = {
            "person": entry.person,
            "project": entry.project,
            "task": entry.task,
            "day": entry.work_date,
            "minutes": entry.minutes,
            "billable": entry.billable,
            "notes": entry.notes,
            "status": "approved" if entry.approved else "draft",
            "approver": entry.approver,
        }
        self.state.run(
            "insert into entry (key, changed_us, deleted, body) values (?, ?, 0, ?) on conflict (key) do update set "
            "changed_us = excluded.changed_us, deleted = 0, body = excluded.body",
            (entry.key, int(at.timestamp() * 1_000_000), msgspec.json.encode(body).decode()),
        )

    def apply_change(self, change: Change) -> None:
        now_us = int(self.now().timestamp() * 1_000_000)
        match change:
            case PutTimeEntry():
                self._put(change.entry, self.now())
            case DeleteTimeEntry():
                self.state.run("update entry set deleted = 1, changed_us = ? where key = ?", (now_us, change.key))
            case SetPeriod():
                self.state.run(
                    "update period set closed = ? where entity = ? and month = ?",
                    (change.closed, change.entity, change.period),
                )
            case DeleteHolding():
                self.state.run("delete from journal where reference = ?", (change.reference,))
            case _:
                super().apply_change(change)

    def holdings(self) -> Iterable[Holding]:
        for row in self.state.rows("select * from journal"):
            yield Holding(
                kind="post_journal",
                reference=row["reference"],
                id=str(row["id"]),
                debit_minor=row["debit_minor"],
                currency=row["currency"],
                accounting_date=row["day"],
                entity=row["entity"],
            )

        for row in self.state.rows("select * from customer"):
            yield Holding(kind="upsert_customer", reference=row["reference"], id=str(row["id"]))

    async def _token(self, request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=dict[str, str])
        if asked.get("client_secret") != SECRET:
            return web.json_response({"error": "invalid_client"}, status=401)
        token = f"specimen-token-{self.state.bump('tokens')}"
        self.state.run("insert into token values (?)", (token,))
        return web.json_response({"access_token": token, "expires_in": 3600})

    def _stranger(self, request: web.Request) -> web.Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.state.row("select 1 from token where value = ?", (token,)) is None:
            return web.json_response({"error": "token_expired"}, status=401)
        return None

    async def _entries(self, request: web.Request) -> web.Response:
        if stranger := self._stranger(request):
            return stranger
        after = (int(request.query["after_us"]), int(request.query["after_id"]))
        limit = int(request.query["limit"])
        rows = self.state.rows(
            "select * from entry where (changed_us, id) > (?, ?) order by changed_us, id limit ?", (*after, limit)
        )
        items = [
            {"id": row["id"], "changed_us": row["changed_us"], "deleted": bool(row["deleted"])}
            | msgspec.json.decode(row["body"], type=dict[str, object])
            for row in rows
        ]
        return self._json({"items": items})

    async def _list(self, request: web.Request) -> web.Response:
        if stranger := self._stranger(request):
            return stranger
        table = request.match_info["table"]
        if table == "period":
            return self._json({"items": [dict(row) for row in self.state.rows("select * from period")]})
        written = [
            {"id": row["id"], "code": row["code"], "name": row["name"], "currency": "USD"}
            for row in (self.state.rows("select * from customer") if table == "client" else [])
        ]
        return self._json(
            {
                "items": [
                    {"id": row["rowid"]} | msgspec.json.decode(row["body"], type=dict[str, object])
                    for row in self.state.rows(f"select rowid, body from {table}")
                ]
                + written
            }
        )

    async def _post(self, request: web.Request) -> web.Response:
        if stranger := self._stranger(request):
            return stranger
        journals = msgspec.json.decode(await request.read(), type=list[Journal])
        keys = request.headers.get("Idempotency-Key", "").split(",")
        partial = self.fault_for(request, FaultKind.PARTIAL_BATCH)
        answers: list[dict[str, str | int]] = []
        with self.state.transaction():
            for place, journal in enumerate(journals):
                if partial and place >= len(journals) // 2:
                    break
                answers.append(self._record(request, journal, keys[place] if place < len(keys) else ""))
        return self._json({"results": answers})

    def _record(self, request: web.Request, journal: Journal, key: str) -> dict[str, str | int]:
        held = self.state.row("select * from journal where key = ?", (key,)) if key and self.dedup else None
        if held is not None:
            return {"result": "repeated", "id": held["id"], "minor": held["debit_minor"], "currency": held["currency"]}
        month = self.state.row(
            "select closed from period where entity = ? and month = ?", (journal.entity, journal.date[:7])
        )
        if month is None or month["closed"]:
            return {"result": "refused", "code": "period_closed", "words": f"{journal.date[:7]} is closed"}
        for line in journal.lines:
            if self.state.row("select 1 from account where number = ?", (line["account"],)) is None:
                return {"result": "refused", "code": "no_account", "words": f"there is no account {line['account']}"}
        debit = sum(int(line["debit"]) for line in journal.lines)
        debit -= 1 if self.fault_for(request, FaultKind.ALTER_AMOUNT) else 0
        currency = "XXX" if self.fault_for(request, FaultKind.ALTER_CURRENCY) else journal.currency
        number = self.state.bump("journals")
        self.state.run(
            "insert into journal values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                key,
                journal.reference,
                journal.entity,
                journal.date,
                currency,
                debit,
                msgspec.json.encode(journal.lines).decode(),
                int(self.now().timestamp() * 1_000_000),
            ),
        )
        return {"result": "recorded", "id": number, "minor": debit, "currency": currency}

    async def _find(self, request: web.Request) -> web.Response:
        if stranger := self._stranger(request):
            return stranger
        wanted = set(request.query.get("references", "").split(","))
        rows = self.state.rows("select id, reference, debit_minor, currency from journal")
        return self._json({"items": [dict(row) for row in rows if row["reference"] in wanted]})

    async def _post_customers(self, request: web.Request) -> web.Response:
        if stranger := self._stranger(request):
            return stranger
        customers = msgspec.json.decode(await request.read(), type=list[Customer])
        key = request.headers.get("Idempotency-Key", "")
        with self.state.transaction():
            answers = [self._keep(one, key) for one in customers]
        return self._json({"results": answers})

    def _keep(self, customer: Customer, key: str) -> dict[str, str | int]:
        held = self.state.row("select id from customer where key = ?", (key,)) if key and self.dedup else None
        if held is not None:
            self.state.run("update customer set name = ? where id = ?", (customer.name, held["id"]))
            return {"result": "recorded", "id": held["id"]}
        number = _FIRST_WRITTEN + self.state.bump("customers")
        self.state.run(
            "insert into customer values (?, ?, ?, ?, ?)",
            (number, key, customer.reference, customer.code, customer.name),
        )
        return {"result": "recorded", "id": number}

    async def _find_customers(self, request: web.Request) -> web.Response:
        if stranger := self._stranger(request):
            return stranger
        wanted = set(request.query.get("references", "").split(","))
        rows = self.state.rows("select id, reference from customer")
        return self._json({"items": [dict(row) for row in rows if row["reference"] in wanted]})

    async def _ledger(self, request: web.Request) -> web.Response:
        if stranger := self._stranger(request):
            return stranger
        rows = self.state.rows(
            "select * from journal where entity = ? and day >= ? and day < ?",
            (request.query["entity"], request.query["starts"], request.query["ends"]),
        )
        items = [
            {name: row[name] for name in ("id", "reference", "entity", "day", "currency")}
            | {"lines": msgspec.json.decode(row["lines"])}
            for row in rows
        ]
        return self._json({"items": items})

    def _json(self, body: object) -> web.Response:
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")
