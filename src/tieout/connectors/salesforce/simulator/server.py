"""The simulated Salesforce org as a server: routes, sessions, the request allocation, and what the admin API asks.

Neighbours: ``rest``, ``streaming`` and ``oauth`` do the work; ``tieout.connect.simulator`` runs the process, plays the
generic faults and counts. A used-up allocation is 403 with a code, a locked row 400: both are what a throttled request
and a conflict are here. Every answer tells the org's own time.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

import msgspec
from aiohttp import web

from tieout.connect.simulator.base import Simulator, SimulatorOptions, UnsupportedChangeError
from tieout.connect.simulator.control import (
    Change,
    ConnectionSheet,
    DeleteRecord,
    Holding,
    PutClient,
    PutDeal,
)
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind, RequestClass
from tieout.connect.simulator.seed import read_firm
from tieout.connectors.salesforce.simulator.errors import (
    Json,
    RefusedError,
    allocation_used_up,
    error_response,
    not_found,
    session_refused,
)
from tieout.connectors.salesforce.simulator.oauth import (
    CLIENT_ID,
    CLIENT_SECRET,
    TOKEN_PATH,
    USERNAME,
    InvalidGrantError,
    TokenDesk,
)
from tieout.connectors.salesforce.simulator.reply import ENCODER
from tieout.connectors.salesforce.simulator.rest import DATA_PATH, RestApi, call_of
from tieout.connectors.salesforce.simulator.rows import RowWriter
from tieout.connectors.salesforce.simulator.seeding import Seller, minor_units
from tieout.connectors.salesforce.simulator.store import SCHEMA, Record, Store
from tieout.connectors.salesforce.simulator.streaming import Message, Streaming

STREAMING_PATH: Final = "/cometd/60.0"
DAILY_REQUESTS: Final = 1_000_000
"""Far above what tests need; the allocation is a durable setting (``daily_requests``) of the simulator."""

_DOORS: Final = frozenset({"client", "deal"})
_Answer: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]
_FACTS: Final = {
    "Account": {"Name": "name", "CurrencyIsoCode": "currency", "Tax_Id__c": "tax_id"},
    "Opportunity": {
        "Project_Code__c": "project_code",
        "Project_Status__c": "project_status",
        "Project_Link__c": "link",
    },
    "Contract": {
        "Name": "name",
        "CurrencyIsoCode": "currency",
        "StartDate": "starts",
        "PO_Number__c": "po_number",
        "Tax_Treatment__c": "tax_treatment",
        "Rate_Card__c": "rate_card_code",
    },
}
_HELD: Final = (
    ("Account", "upsert_customer", "Client_Code__c"),
    ("Contract", "upsert_contract", "Contract_Code__c"),
    ("Opportunity", "link_deal", "Id"),
)
"""What the hub writes: the object, the command that does, and the field that it is known by."""
_REGION: Final = "Region__c"


class SalesforceSimulator(Simulator):
    """One Salesforce org."""

    name: ClassVar[str] = "salesforce"
    schema: ClassVar[str] = SCHEMA
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset({FaultKind.ALTER_AMOUNT, FaultKind.ALTER_CURRENCY})
    drift: ClassVar[Drift] = Drift(
        enums=("StageName", "StatusCode"),
        required=("Id", "SystemModstamp", "IsDeleted", "StageName", "deletedDate", "Quantity"),
        retyped=("Name", "Amount", "CloseDate", "SystemModstamp", "Quantity", "deletedDate"),
    )

    def __init__(self, options: SimulatorOptions) -> None:
        super().__init__(options)
        self.store = Store(self.state, self.now)
        self.tokens = TokenDesk(self.state)
        self.writer = RowWriter(self.store, lambda: self.dedup)
        self.seller = Seller(self.store, self.writer)
        self._rest = RestApi(self.store, self.writer, usage=self._usage)
        self._streaming = Streaming(self.store)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The public paths that are played."""
        return [
            web.post(TOKEN_PATH, self._token),
            web.get("/services/data", self._versions),
            web.post(STREAMING_PATH, self._guarded(self._bayeux)),
            web.route("*", DATA_PATH + "/{resource:.*}", self._guarded(self._resource)),
        ]

    def request_class(self, request: web.Request) -> RequestClass:
        """Streaming only reads; of composite requests those that only ask are what this org is sent."""
        if request.path == TOKEN_PATH:
            return "token"
        reads = request.path in {STREAMING_PATH, f"{DATA_PATH}/composite"}
        return "read" if reads else super().request_class(request)

    def _guarded(self, answer: _Answer) -> _Answer:
        """The allocation and the session before ``answer``; refusals become error bodies."""

        async def guarded(request: web.Request) -> web.Response:
            try:
                used, allowed = self._usage()
                if used > allowed:
                    raise allocation_used_up()
                self.tokens.check(request.headers)
                return self._timed(await answer(request))
            except RefusedError as refused:
                return self._timed(error_response(refused))

        return guarded

    def _usage(self) -> tuple[int, int]:
        """Requests made, and how many the org may make in a day."""
        return self.traffic.total, self.state.get("daily_requests", DAILY_REQUESTS)

    def _timed(self, response: web.Response) -> web.Response:
        used, allowed = self._usage()
        response.headers["Date"] = format_datetime(self.now(), usegmt=True)
        response.headers["Sforce-Limit-Info"] = f"api-usage={used}/{allowed}"
        return response

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        try:
            issued = self.tokens.issue(form, base_url=_base_url(request), now_s=self.now().timestamp())
        except InvalidGrantError as refused:
            return web.json_response({"error": refused.error, "error_description": refused.description}, status=400)
        return web.json_response(issued)

    async def _versions(self, _: web.Request) -> web.Response:
        return web.json_response([{"label": "Spring '24", "url": DATA_PATH, "version": "60.0"}])

    async def _resource(self, request: web.Request) -> web.Response:
        call = call_of(
            request.method,
            request.path_qs,
            await _json_of(request),
            request.headers,
            spoilt=self.fault_for(request, FaultKind.PARTIAL_BATCH) is not None,
        )
        reply = self._rest.dispatch(call)
        body = b"" if reply.body is None else ENCODER.encode(reply.body)
        headers = {
            **reply.headers,
            **({} if reply.body is None else {"Content-Type": "application/json;charset=UTF-8"}),
        }
        return web.Response(body=body, status=reply.status, headers=headers)

    async def _bayeux(self, request: web.Request) -> web.Response:
        try:
            messages = msgspec.json.decode(await request.read(), type=list[Message])
        except msgspec.DecodeError as error:
            raise RefusedError("JSON_PARSER_ERROR", str(error)) from error
        return web.json_response(await self._streaming.answer(messages))

    def seed(self, firm_dir: Path) -> None:
        """Replace the org's rows by those of the firm in ``firm_dir``."""
        self.seller.fill(read_firm(firm_dir))

    def apply_change(self, change: Change) -> None:
        """What a seller can do here by hand."""
        match change:
            case PutClient(client=client):
                with self.state.transaction():
                    self.seller.put_client(client)
            case PutDeal(deal=deal):
                with self.state.transaction():
                    self.seller.put_deal(deal)
            case DeleteRecord(kind=kind, key=key) if kind in _DOORS:
                if not self.seller.delete(kind, key):
                    raise UnsupportedChangeError(f"there is no {kind} {key}")
            case _:
                super().apply_change(change)

    def holdings(self) -> Iterable[Holding]:
        """Every account, contract and opportunity that carries a reference, read from the rows."""
        for name, kind, code in _HELD:
            for record in self.store.records(name):
                reference = record.fields.get("Tieout_Reference__c")
                if isinstance(reference, str) and not record.deleted:
                    yield Holding(
                        kind=kind,
                        reference=reference,
                        id=record.id,
                        entity=_text(record, "Legal_Entity__c"),
                        code=_text(record, code),
                        facts=_facts(record) | self._terms(record),
                    )

    def _terms(self, record: Record) -> dict[str, str]:
        """What a contract says of its customer, its value and its end (the first day after), in the hub's words."""
        if record.type != "Contract":
            return {}
        account = self.store.get(_text(record, "AccountId") or "")
        value, currency, last = (_text(record, one) for one in ("Signed_Value__c", "CurrencyIsoCode", "EndDate"))
        told = {
            "customer_code": None if account is None else _text(account, "Client_Code__c"),
            "signed_value_minor": None if value is None else str(minor_units(value, currency or "")),
            "ends": None if last is None else (date.fromisoformat(last) + timedelta(days=1)).isoformat(),
        }
        return {name: one for name, one in told.items() if one is not None}

    def object_counts(self) -> dict[str, int]:
        """Living rows by object."""
        rows = self.state.rows("select type, count(*) as n from sobject where deleted = 0 group by type")
        return {str(row["type"]): int(row["n"]) for row in rows}

    def expire_tokens(self) -> bool:
        """End every session."""
        self.tokens.end_all()
        return True

    def fault_response(self, fault: Fault) -> web.Response:
        """The org's own error bodies."""
        refused = _REFUSALS.get(fault.kind, _unknown)()
        return self._timed(error_response(refused, status=200 if fault.kind is FaultKind.OK_WITH_ERROR_BODY else None))

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """The connected app, with its secret; pages are as small as they can be, and nobody waits long for anything."""
        return ConnectionSheet(
            settings={
                "base_url": base_url,
                "client_id": CLIENT_ID,
                "contract_fields": "code=Contract_Code__c",
                "page_size": "200",
                "event_wait_s": "0",
                "allocation_wait_s": "1",
            },
            secrets={"client_secret": CLIENT_SECRET},
            custom_fields={"upsert_customer": {_REGION: "EMEA"}, "upsert_contract": {_REGION: "EMEA"}},
        )

    def jwt_sheet(self, base_url: str) -> ConnectionSheet:
        """The same org by the other flow: a user, and the key whose certificate the app has."""
        sheet = self.connection_sheet(base_url)
        return msgspec.structs.replace(
            sheet,
            settings={**sheet.settings, "auth_flow": "jwt_bearer", "username": USERNAME},
            secrets={"private_key": self.tokens.private_key()},
        )


def _base_url(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


async def _json_of(request: web.Request) -> Json:
    content = await request.read()
    if not content:
        return None
    try:
        decoded: Json = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise RefusedError("JSON_PARSER_ERROR", str(error)) from error
    return decoded


def _text(record: Record, name: str) -> str | None:
    value = record.value(name)
    return value if isinstance(value, str) else None


def _facts(record: Record) -> dict[str, str]:
    told = {ours: _text(record, field) for field, ours in _FACTS[record.type].items()}
    told[f"field:{_REGION}"] = _text(record, _REGION)
    return {name: value for name, value in told.items() if value is not None}


def _unknown() -> RefusedError:
    return RefusedError(
        "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId: simulated", status=500
    )


_REFUSALS: Final[dict[FaultKind, Callable[[], RefusedError]]] = {
    FaultKind.HTTP_429: allocation_used_up,
    FaultKind.HTTP_503: lambda: RefusedError(
        "SERVER_UNAVAILABLE", "The server is unavailable to handle the request.", status=503
    ),
    FaultKind.TOKEN_EXPIRED: session_refused,
    FaultKind.FORBIDDEN: lambda: RefusedError(
        "INSUFFICIENT_ACCESS", "insufficient access rights on object id", status=403
    ),
    FaultKind.NOT_FOUND: not_found,
    FaultKind.CONFLICT: lambda: RefusedError("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    FaultKind.UNPROCESSABLE: lambda: RefusedError(
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "A validation rule of the org refuses this.", fields=("Name",)
    ),
}
