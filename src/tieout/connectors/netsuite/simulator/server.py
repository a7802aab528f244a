"""The simulated NetSuite account as a server: routes, sign-in, concurrency governance, and what the admin API asks.

Neighbours: ``records``, ``jobs``, ``suiteql`` and ``oauth`` do the work; ``tieout.connect.simulator`` runs the process,
plays the generic faults and counts. A request beyond the account's concurrency is refused with 429 at once
("Concurrency Governance and Session Management"); async work in the background does not count.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

import msgspec
from aiohttp import web

from tieout.connect.simulator.base import FAULT, Simulator, SimulatorOptions, UnsupportedChangeError
from tieout.connect.simulator.control import (
    Change,
    ConnectionSheet,
    DeleteHolding,
    DeleteRecord,
    Holding,
    PutClient,
    PutProject,
    SetPeriod,
)
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind, RequestClass
from tieout.connect.simulator.seed import read_firm
from tieout.connectors.netsuite.simulator import journals, seed, shown, suiteql
from tieout.connectors.netsuite.simulator.errors import RefusedError, error_response
from tieout.connectors.netsuite.simulator.holdings import holdings
from tieout.connectors.netsuite.simulator.jobs import JOB_PATH, RECORD_PATH, AsyncJobs, split_batch
from tieout.connectors.netsuite.simulator.oauth import TOKEN_PATH, TokenDesk, invalid_login
from tieout.connectors.netsuite.simulator.records import BODIES, TABLES, Account, RecordRequest, find_by_external_id
from tieout.connectors.netsuite.simulator.store import AccountStore

QUERY_PATH: Final = "/services/rest/query/v1/suiteql"
GOVERNANCE_PATH: Final = "/services/rest/system/v1/governanceLimits"
CONCURRENCY_LIMIT: Final = 15
"""Service tier 1 without further licences."""
_DIMENSION_FIELDS: Final = (
    "department=department,class=class,location=location,region=cseg_region,workstream=custcol_workstream"
)
ASYNC_DELAY_S: Final = 0.02
_RECORD_MEDIA_TYPE: Final = "application/vnd.oracle.resource+json; type=singular"

Answerer: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


class NetSuiteSimulator(Simulator):
    """One NetSuite OneWorld account."""

    name: ClassVar[str] = "netsuite"
    drift: ClassVar[Drift] = Drift(
        enums=("closed", "alllocked", "isinactive", "locked"),
        required=("id", "entityid", "startdate", "symbol", "exchangerate"),
        retyped=("id", "entityid", "companyname", "exchangerate"),
    )

    def __init__(self, options: SimulatorOptions) -> None:
        super().__init__(options)
        self.account = Account(
            store=AccountStore(options.state_dir / "netsuite-account.sqlite"),
            clock=self.now,
            keeps_external_ids_unique=lambda: self.dedup,
        )
        self._tokens = TokenDesk(self.account.store)
        self._tokens.ensure_client()
        self._jobs = AsyncJobs(self.account, delay_s=ASYNC_DELAY_S)

    def application(self) -> web.Application:
        """The vendor's API, with the worker of asynchronous jobs beside it."""
        app = super().application()
        app.cleanup_ctx.append(self._background)
        return app

    async def _background(self, _: web.Application) -> AsyncIterator[None]:
        self._jobs.start()
        yield
        await self._jobs.stop()
        self.account.store.close()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The public paths of SuiteTalk REST that are played."""
        record = f"{RECORD_PATH}/{{record}}"
        return [
            web.post(TOKEN_PATH, self._token),
            web.post(QUERY_PATH, self._guarded(self._query)),
            web.get(GOVERNANCE_PATH, self._guarded(self._governance)),
            web.post(record, self._guarded(self._write)),
            web.put(record, self._guarded(self._write)),
            web.patch(record, self._guarded(self._write)),
            web.get(f"{RECORD_PATH}/metadata-catalog/{{record}}", self._guarded(self._schema)),
            web.get(record + "/{key}", self._guarded(self._read)),
            web.put(record + "/{key}", self._guarded(self._write)),
            web.patch(record + "/{key}", self._guarded(self._write)),
            web.delete(record + "/{key}", self._guarded(self._write)),
            web.get(JOB_PATH + "/{job}", self._guarded(self._job)),
            web.get(JOB_PATH + "/{job}/task", self._guarded(self._job_tasks)),
            web.get(JOB_PATH + "/{job}/task/{task}", self._guarded(self._job_task)),
            web.get(JOB_PATH + "/{job}/task/{task}/result", self._guarded(self._job_result)),
        ]

    def request_class(self, request: web.Request) -> RequestClass:
        """SuiteQL is posted, yet only reads."""
        if request.path == TOKEN_PATH:
            return "token"
        return "read" if request.path == QUERY_PATH else super().request_class(request)

    def _guarded(self, answer: Answerer) -> Answerer:
        """Sign-in and governance before ``answer``; its refusals become error bodies."""

        async def guarded(request: web.Request) -> web.Response:
            try:
                if self.traffic.concurrency > self.concurrency_limit:
                    raise _too_many()
                self._tokens.check(request.headers, now_s=self.now().timestamp())
                return await answer(request)
            except RefusedError as refused:
                return error_response(refused)

        return guarded

    @property
    def concurrency_limit(self) -> int:
        """How many requests the account serves at once; a durable setting of the simulator."""
        return self.state.get("concurrency_limit", CONCURRENCY_LIMIT)

    async def _token(self, request: web.Request) -> web.Response:
        return await self._tokens.answer(request, now_s=self.now().timestamp())

    async def _query(self, request: web.Request) -> web.Response:
        page = suiteql.answer(
            self.account.store.reader,
            body=await request.read(),
            headers=request.headers,
            parameters=request.query,
            visible_before=self.visible_until().timestamp(),
            url=f"{_base_url(request)}{QUERY_PATH}",
        )
        return web.Response(body=page, content_type="application/vnd.oracle.resource+json")

    async def _governance(self, _: web.Request) -> web.Response:
        limit = self.concurrency_limit
        return web.json_response(
            {
                "accountConcurrencyLimit": limit,
                "accountUnallocatedConcurrencyLimit": limit,
                "limitType": "accountSpecific",
            }
        )

    async def _write(self, request: web.Request) -> web.Response:
        order = await self._order(request)
        if request.headers.get("Prefer", "").lower() == "respond-async":
            tasks = split_batch(order) if "type=collection" in request.headers.get("Content-Type", "") else [order]
            if order.alteration == "refuse":
                # Only every second record of a batch fails.
                tasks[::2] = [msgspec.structs.replace(one, alteration=None) for one in tasks[::2]]
            return await self._jobs.submit(tasks, idempotency_key=request.headers.get("X-NetSuite-Idempotency-Key"))
        if request.method != "POST" and order.key is None and order.external_id is None:
            raise RefusedError("INVALID_CONTENT", "Collections are changed asynchronously only.")
        key = await self.account.write(order)
        headers = {"Location": f"{_base_url(request)}{RECORD_PATH}/{order.record}/{key}"}
        return web.Response(status=204, headers=headers)

    async def _order(self, request: web.Request) -> RecordRequest:
        key = request.match_info.get("key")
        external_id = key[len("eid:") :] if key is not None and key.startswith("eid:") else None
        if request.method == "PUT" and key is not None and external_id is None:
            raise RefusedError("INVALID_PARAMETER", "An upsert names its record by eid: and an external ID.", path="id")
        if request.method != "PUT" and external_id is not None:
            key = self._internal_id(request.match_info["record"], external_id)
        fault = request.get(FAULT)
        return RecordRequest(
            method=request.method,
            record=request.match_info["record"],
            body=msgspec.Raw(await request.read() or b"{}"),
            key=None if request.method == "PUT" else key,
            external_id=external_id if request.method == "PUT" else None,
            replace_lines="line" in request.query.get("replace", "").split(","),
            strict_names=request.headers.get("X-NetSuite-PropertyNameValidation", "Warning") == "Error",
            alteration=None if fault is None else _ALTERATIONS.get(fault.kind),
        )

    def _internal_id(self, record: str, external_id: str) -> str:
        found = find_by_external_id(self.account.store.reader, record, external_id) if record in TABLES else None
        if found is None:
            words = f"The record instance does not exist. Provide a valid external id: {external_id}."
            raise RefusedError("NONEXISTENT_ID", words, status=404)
        return str(found)

    async def _read(self, request: web.Request) -> web.Response:
        record, key = request.match_info["record"], request.match_info["key"]
        if key.startswith("eid:"):
            key = self._internal_id(record, key[len("eid:") :])
        rows, masters = self.account.store.reader, self.account.masters
        exists = record in TABLES and key.isdecimal() and self._holds(record, int(key))
        if not exists:
            raise RefusedError("NONEXISTENT_ID", "The record instance does not exist. Provide a valid id.", status=404)
        url = f"{_base_url(request)}{RECORD_PATH}/{record}/{key}"
        if record == "journalEntry":
            expand = request.query.get("expandSubResources") == "true"
            body = shown.journal(rows, masters, int(key), url=url, expand=expand)
        else:
            body = _SHOWN[record](rows, masters, int(key), url=url)
        return web.Response(body=body, headers={"Content-Type": _RECORD_MEDIA_TYPE})

    async def _schema(self, request: web.Request) -> web.Response:
        body_type = BODIES.get(request.match_info["record"])
        if body_type is None:
            raise RefusedError("NONEXISTENT_ID", "There is no such record type.", status=404)
        return web.Response(body=shown.schema(body_type), content_type="application/schema+json")

    def _holds(self, record: str, key: int) -> bool:
        statement = f"select 1 from {TABLES[record]} where id = ?"  # noqa: S608 - a table of the catalogue
        return self.account.store.reader.execute(statement, (key,)).fetchone() is not None

    async def _job(self, request: web.Request) -> web.Response:
        return web.json_response(self._jobs.job(request.match_info["job"], base_url=_base_url(request)))

    async def _job_tasks(self, request: web.Request) -> web.Response:
        return web.json_response(self._jobs.tasks(request.match_info["job"], base_url=_base_url(request)))

    async def _job_task(self, request: web.Request) -> web.Response:
        job, task = request.match_info["job"], request.match_info["task"]
        return web.json_response(self._jobs.task(job, task, base_url=_base_url(request)))

    async def _job_result(self, request: web.Request) -> web.Response:
        job, task = request.match_info["job"], request.match_info["task"]
        return self._jobs.result(job, task, base_url=_base_url(request))

    def seed(self, firm_dir: Path) -> None:
        """Replace everything held by the firm's subsidiaries, periods, accounts, customers, projects and rates."""
        firm = read_firm(firm_dir)
        local_time = self.account.local_time()
        self.account.store.write_now(lambda rows: seed.fill(rows, firm, local_time=local_time))
        self.account.masters_changed()

    def apply_change(self, change: Change) -> None:
        """What somebody can do here by hand: lock a period, change or delete masters, delete a journal."""
        local_time = self.account.local_time()
        match change:
            case SetPeriod(entity=entity, period=month, closed=closed):
                done = self.account.store.write_now(
                    lambda rows: seed.set_period(rows, entity=entity, month=month, closed=closed, local_time=local_time)
                )
            case PutClient(client=client):
                done = self.account.store.write_now(lambda rows: seed.put_client(rows, client, local_time=local_time))
            case PutProject(project=project):
                done = self.account.store.write_now(lambda rows: seed.put_project(rows, project, local_time=local_time))
            case DeleteRecord(kind=kind, key=code):
                done = self.account.store.write_now(lambda rows: seed.delete_record(rows, kind, code))
            case DeleteHolding(reference=reference):
                done = self._delete_journal(reference)
            case _:
                super().apply_change(change)
                return
        self.account.masters_changed()
        if not done:
            raise UnsupportedChangeError(f"there is nothing to apply {change} to")

    def _delete_journal(self, reference: str) -> bool:
        key = find_by_external_id(self.account.store.reader, "journalEntry", reference)
        if key is not None:
            self.account.store.write_now(lambda rows: journals.delete(rows, key))
        return key is not None

    def holdings(self) -> Iterable[Holding]:
        """Every journal with an external id, every customer, project and task, read from the tables."""
        return holdings(self.account.store.reader, self.account.masters)

    def object_counts(self) -> dict[str, int]:
        """Rows of what people ask about."""
        rows = self.account.store.reader
        return {
            name: int(rows.execute(f"select count(*) from {table}").fetchone()[0])  # noqa: S608 - literals of this module
            for name, table in {**TABLES, "transactionLine": "transactionline", "asyncJob": "async_job"}.items()
        }

    def expire_tokens(self) -> bool:
        """Forget every token."""
        self._tokens.expire_all()
        return True

    def fault_response(self, fault: Fault) -> web.Response:
        """The account's own error bodies."""
        if fault.kind is FaultKind.OK_WITH_ERROR_BODY:
            return error_response(_unexpected(), status=200)
        made = _REFUSALS.get(fault.kind, _unexpected)()
        return error_response(made)

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """The client that was made on first start."""
        store = self.account.store
        return ConnectionSheet(
            settings={
                "base_url": base_url,
                "account_id": "TSTDRV1",
                "client_id": store.setting("client_id", ""),
                "certificate_id": store.setting("certificate_id", ""),
                "dimension_fields": _DIMENSION_FIELDS,
            },
            secrets={"private_key": store.setting("client_private_key", "")},
            custom_fields={
                "upsert_customer": {"custentity_region": "EMEA", "custentity_strategic": "true"},
                "upsert_project": {"custentity_practice": "Payments", "custentity_risk_score": "2.5"},
                "upsert_task": {"custevent_phase": "Build"},
                "post_journal": {"region": seed.REGIONS[0], "workstream": "Ledger"},
            },
        )


_SHOWN: Final = {"customer": shown.customer, "job": shown.job, "projectTask": shown.task}
_ALTERATIONS: Final = {
    FaultKind.ALTER_AMOUNT: "amount",
    FaultKind.ALTER_CURRENCY: "currency",
    FaultKind.PARTIAL_BATCH: "refuse",
}


def _base_url(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _too_many() -> RefusedError:
    words = "The request could not be processed because the account's concurrent request limit was exceeded."
    return RefusedError("CONCURRENCY_LIMIT_EXCEEDED", words, status=429)


def _unexpected() -> RefusedError:
    return RefusedError("UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: simulated", status=500)


_REFUSALS: Final[dict[FaultKind, Callable[[], RefusedError]]] = {
    FaultKind.HTTP_429: _too_many,
    FaultKind.HTTP_503: lambda: RefusedError("UNEXPECTED_ERROR", "The service is not available.", status=503),
    FaultKind.TOKEN_EXPIRED: invalid_login,
    FaultKind.FORBIDDEN: lambda: RefusedError(
        "INSUFFICIENT_PERMISSION", "Permission violation: your role does not allow this.", status=403
    ),
    FaultKind.NOT_FOUND: lambda: RefusedError("NONEXISTENT_ID", "The record instance does not exist.", status=404),
    FaultKind.CONFLICT: lambda: RefusedError("RCRD_HAS_BEEN_CHANGED", "Record has been changed.", status=409),
    FaultKind.UNPROCESSABLE: lambda: RefusedError("INVALID_CONTENT", "Invalid content in the request body."),
}

SIMULATOR: Final = NetSuiteSimulator
