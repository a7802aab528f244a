"""The simulator of Kantata OX: its routes, its seed, its faults.

Everything a test or a person needs to work in the account by hand is a documented route; the admin API's changes go
the same way. Neighbours: ``reads`` and ``writes`` answer, ``seeding`` fills, ``answers`` knows the envelope.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from tieout.connect.simulator.base import Simulator, SimulatorOptions, UnsupportedChangeError
from tieout.connect.simulator.control import (
    Change,
    ConnectionSheet,
    DeleteRecord,
    DeleteTimeEntry,
    Holding,
    PutClient,
    PutPerson,
    PutProject,
    PutTimeEntry,
    SetPeriod,
)
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.seed import SeedTimeEntry
from tieout.connectors.kantata.simulator import answers, tables
from tieout.connectors.kantata.simulator.held_masters import STATE_OF_STATUS, held_masters
from tieout.connectors.kantata.simulator.masters import MasterWrites
from tieout.connectors.kantata.simulator.rate_card_writes import RateCardWrites
from tieout.connectors.kantata.simulator.reads import Reads
from tieout.connectors.kantata.simulator.seeding import COLLECTIONS, Seeding
from tieout.connectors.kantata.simulator.timekeeping import FIRST_ENTRY_ID, Names, Timekeeping
from tieout.connectors.kantata.simulator.writes import VERBS, Writes

ACCESS_TOKEN: Final = "simulated-administrator"  # noqa: S105 - made up, and the simulator listens on loopback only
_RESOLUTIONS: Final = {
    "timesheet_approvals": "approve",
    "timesheet_rejections": "reject",
    "timesheet_cancellations": "cancel",
}
_FAULT_ANSWERS: Final = {
    FaultKind.HTTP_429: (429, "system", "Too many requests. Please retry after a small delay."),
    FaultKind.HTTP_500: (500, "system", "An unexpected error occurred"),
    FaultKind.HTTP_503: (503, "system", "Service is unavailable"),
    FaultKind.TOKEN_EXPIRED: (401, "oauth", "Invalid OAuth 2 Request"),
    FaultKind.FORBIDDEN: (403, "system", "You are not authorized to access this resource"),
    FaultKind.NOT_FOUND: (404, "system", "Resource not found"),
    FaultKind.UNPROCESSABLE: (422, "validation", "Title can't be blank"),
    FaultKind.OK_WITH_ERROR_BODY: (200, "system", "An unexpected error occurred"),
}
_MASTERS: Final = "{collection:workspaces|workspace_groups|stories|custom_field_values}"
_CARD_PARTS: Final = "{collection:rate_card_sets|rate_card_set_versions|rate_cards}"
_SET_VERSION: Final = r"rate_card_set_versions/{id:\d+}"
_DELETIONS: Final = {"client": ("workspace_group", "WorkspaceGroup"), "project": ("workspace", "Workspace")}
_UNHIDDEN: Final = {
    "workspaces": {"include_archived": "true"},
    "stories": {"show_archived": "true", "show_from_archived_workspaces": "true"},
}
_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class KantataSimulator(Simulator):
    """A local Kantata OX account. Its token never expires; whoever revokes the application takes it away."""

    name: ClassVar[str] = "kantata"
    schema: ClassVar[str] = tables.SCHEMA + tables.COUNT_TRIGGERS
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset(
        {FaultKind.PARTIAL_BATCH, FaultKind.ALTER_AMOUNT, FaultKind.ALTER_CURRENCY, FaultKind.CONFLICT}
    )
    drift: ClassVar[Drift] = Drift(
        enums=("status", "color", "event_type"),
        required=("time_in_minutes", "title", "name", "full_name"),
        retyped=("time_in_minutes", "rate_in_cents", "billable"),
    )

    def __init__(self, options: SimulatorOptions) -> None:
        super().__init__(options)
        self._documents = tables.Documents(self.state)
        self._names = Names(self.state)
        self._reads = Reads(self.state, self._documents, self._seconds, self._visible_until)
        self._writes = Writes(self.state, self._documents, self._names, self._seconds)
        self._masters = MasterWrites(self._documents, self._seconds, self._writes.note_subject)
        self._cards = RateCardWrites(self._documents, self._seconds, self._masters.refer)

    def _seconds(self) -> int:
        return int(self.now().timestamp())

    def _visible_until(self) -> float | None:
        return self.visible_until().timestamp() if self.read_lag_s else None

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Every documented route exists with and without ``.json``."""
        base = "/api/v1"
        row = base + r"/{collection}/{id:\d+}"
        found: list[web.AbstractRouteDef] = []
        for suffix in ("", ".json"):
            found += [
                web.get(f"{row}{suffix}", _vendor(self._show)),
                web.get(base + r"/{collection:[a-z_]+}" + suffix, _vendor(self._index)),
                web.post(f"{base}/time_entries{suffix}", _vendor(self._create_entries)),
                web.delete(f"{base}/time_entries{suffix}", _vendor(self._delete_entries)),
                web.put(base + r"/time_entries/{id:\d+}" + suffix, _vendor(self._update_entry)),
                web.delete(base + r"/time_entries/{id:\d+}" + suffix, _vendor(self._delete_entry)),
                web.post(f"{base}/timesheet_submissions{suffix}", _vendor(self._create_submission)),
                web.put(
                    base + r"/timesheet_submissions/{id:\d+}/{verb:approve|reject|cancel}" + suffix,
                    _vendor(self._resolve),
                ),
                web.post(f"{base}/{_MASTERS}{suffix}", _vendor(self._create_master)),
                web.put(base + f"/{_MASTERS}" + r"/{id:\d+}" + suffix, _vendor(self._update_master)),
                web.post(f"{base}/{_CARD_PARTS}{suffix}", _vendor(self._create_card_part)),
                web.put(base + f"/{_CARD_PARTS}" + r"/{id:\d+}" + suffix, _vendor(self._update_card_part)),
                web.put(f"{base}/{_SET_VERSION}/publish{suffix}", _vendor(self._publish_card)),
                web.put(
                    f"{base}/{_SET_VERSION}/rate_card_table_rows" + r"/{role:\d+}" + suffix, _vendor(self._put_rate)
                ),
                web.delete(base + r"/rate_card_roles/{id:\d+}" + suffix, _vendor(self._remove_rate)),
                *(web.post(f"{base}/{collection}{suffix}", _vendor(self._resolve_many)) for collection in _RESOLUTIONS),
            ]
        return found

    def seed(self, firm_dir: Path) -> None:
        """Replace the account by the firm in ``firm_dir``."""
        self._seeding().fill(firm_dir)
        self.state.connection.executescript(tables.COUNT_TRIGGERS)

    def fault_response(self, fault: Fault) -> web.Response:
        """The vendor's error bodies; 429 comes without Retry-After unless a test insists on one."""
        status, kind, message = _FAULT_ANSWERS[fault.kind]
        return answers.errors(status, (kind, message, "title" if kind == "validation" else None))

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """Settings and secrets for the connector."""
        entities = self.state.get("entities", dict[str, str]())
        return ConnectionSheet(
            settings={
                "base_url": f"{base_url}/api/v1",
                "project_statuses": ";".join(f"{state}={key}" for key, state in STATE_OF_STATUS.items()),
                "legal_entities": ";".join(f"{code}={name}" for code, name in entities.items()),
            },
            secrets={"access_token": ACCESS_TOKEN},
            custom_fields={
                "upsert_project": {"Engagement Type": "Fixed"},
                "upsert_customer": {"Segment": "Gold"},
                "upsert_task": {"Activity": "Build"},
            },
        )

    def object_counts(self) -> dict[str, int]:
        """Rows by collection."""
        counts = self._documents.counts()
        for table, collection in (
            ("time_entry", "time_entries"),
            ("timesheet_submission", "timesheet_submissions"),
            ("subscribed_event", "subscribed_events"),
        ):
            found = self.state.row(f"select count(*) as n from {table}")  # noqa: S608 - names of our own tables
            counts[collection] = 0 if found is None else int(found["n"])
        return counts

    def apply_change(self, change: Change) -> None:
        """Somebody works in the account."""
        with self.state.transaction():
            match change:
                case PutTimeEntry():
                    self._put_entry(change.entry)
                case DeleteTimeEntry():
                    held = self.state.row("select * from time_entry where key = ?", (change.key,))
                    if held is None:
                        raise UnsupportedChangeError(f"there is no time entry {change.key!r}")
                    self._writes.remove_entry(held)
                case SetPeriod():
                    self._set_period(change)
                case DeleteRecord() if change.kind in COLLECTIONS:
                    self._delete(change)
                case PutClient() | PutPerson() | PutProject():
                    self._put_master(change)
                case _:
                    super().apply_change(change)

    def _put_master(self, change: PutClient | PutPerson | PutProject) -> None:
        match change:
            case PutClient():
                self._seeding().client(change.client)
            case PutPerson():
                self._seeding().person(change.person)
            case PutProject():
                self._seeding().project(change.project)

    def _seeding(self) -> Seeding:
        return Seeding(self.state, self._documents, self._names, at=self._seconds())

    def _delete(self, change: DeleteRecord) -> None:
        """A row is deleted for good; where deletions of its kind have an event, that is left behind."""
        row_id = self._seeding().remove(change.kind, change.key)
        if row_id is None:
            raise UnsupportedChangeError(f"there is no {change.kind} {change.key!r}")
        told = _DELETIONS.get(change.kind)
        if told is not None:
            self._writes.note_subject(f"{told[0]}:deleted", told[1], row_id, self._seconds())

    def _put_entry(self, entry: SeedTimeEntry) -> None:
        """The row as the entry describes it, changed now: the update time of a person's work is the account's."""
        held = self.state.row("select * from time_entry where key = ?", (entry.key,))
        timekeeping = Timekeeping(self.state, self._documents, self._names)
        timekeeping.continue_submissions()
        row_id = held["id"] if held is not None else self._writes.next_entry_id(FIRST_ENTRY_ID)
        changed_at = max(self._seconds(), held["updated_at"] + 1 if held is not None else 0)
        moved = msgspec.structs.replace(entry, updated_at=answers.instant(changed_at))
        try:
            row = timekeeping.entry_row(row_id, moved)
        except KeyError as error:
            raise UnsupportedChangeError(str(error)) from error
        if held is not None:
            self.state.run("delete from time_entry where id = ?", (row_id,))
        self.state.run(tables.INSERT_ENTRY, row)
        timekeeping.store_submissions()
        kind = "time_entry:created" if held is None else "time_entry:updated"
        self._writes.note(kind, row_id, changed_at)

    def _set_period(self, change: SetPeriod) -> None:
        document = self._documents.get("financial_periods", self._names.get("financial_periods", change.period))
        if document is None:
            raise UnsupportedChangeError(f"the account has no period {change.period!r}")
        self.state.run(
            "insert into closed_period (entity, period, closed) values (?, ?, ?) "
            "on conflict (entity, period) do update set closed = excluded.closed",
            (change.entity, change.period, change.closed),
        )
        self._seeding().settle_period(document, change.period)

    async def _index(self, request: web.Request) -> web.Response:
        return self._reads.index(request.match_info["collection"], request.query).answer()

    async def _show(self, request: web.Request) -> web.Response:
        return self._shown(request.match_info["collection"], request.match_info["id"], request.query)

    def _shown(self, collection: str, row_id: str, query: Mapping[str, str]) -> web.Response:
        return self._reads.show(collection, row_id, query).answer()

    def _written(self, collection: str, ids: Sequence[int], request: web.Request) -> web.Response:
        """What a write answers: the rows as an index request shows them."""
        query = {"only": ",".join(str(one) for one in ids), "per_page": "200"}
        if "include" in request.query:
            query["include"] = request.query["include"]
        return self._reads.index(collection, query).answer()

    async def _create_entries(self, request: web.Request) -> web.Response:
        return self._written("time_entries", self._writes.create_entries(await request.read()), request)

    async def _update_entry(self, request: web.Request) -> web.Response:
        row_id = int(request.match_info["id"])
        self._writes.update_entry(row_id, await request.read())
        return self._written("time_entries", [row_id], request)

    async def _delete_entry(self, request: web.Request) -> web.Response:
        self._writes.delete_entries([int(request.match_info["id"])])
        return web.Response(status=204)

    async def _delete_entries(self, request: web.Request) -> web.Response:
        words = request.query.get("ids", "").split(",")
        self._writes.delete_entries([int(one) for one in words if one.strip().isdigit()])
        return web.Response(status=204)

    async def _create_submission(self, request: web.Request) -> web.Response:
        row_id = self._writes.create_submission(await request.read())
        return self._written("timesheet_submissions", [row_id], request)

    async def _resolve(self, request: web.Request) -> web.Response:
        row_id = int(request.match_info["id"])
        verb = request.match_info["verb"]
        if verb not in VERBS:
            raise answers.not_found()
        self._writes.resolve(verb, [row_id], await request.read())
        return self._written("timesheet_submissions", [row_id], request)

    async def _resolve_many(self, request: web.Request) -> web.Response:
        verb = _RESOLUTIONS[request.path.rsplit("/", 1)[1].removesuffix(".json")]
        ids = self._writes.resolve_many(verb, await request.read())
        return self._written("timesheet_submissions", ids, request)

    async def _create_master(self, request: web.Request) -> web.Response:
        collection, payload = request.match_info["collection"], await request.read()
        with self.state.transaction():
            row_id = self._masters.create(collection, payload)
        return self._whole(collection, row_id)

    async def _update_master(self, request: web.Request) -> web.Response:
        collection, payload = request.match_info["collection"], await request.read()
        row_id = int(request.match_info["id"])
        with self.state.transaction():
            self._masters.update(collection, row_id, payload)
        return self._whole(collection, row_id)

    async def _create_card_part(self, request: web.Request) -> web.Response:
        collection, payload = request.match_info["collection"], await request.read()
        with self.state.transaction():
            row_id = self._cards.create(collection, payload, request.query)
        return self._whole(collection, row_id)

    async def _update_card_part(self, request: web.Request) -> web.Response:
        collection, payload = request.match_info["collection"], await request.read()
        row_id = int(request.match_info["id"])
        with self.state.transaction():
            self._cards.update(collection, row_id, payload)
        return self._whole(collection, row_id)

    async def _publish_card(self, request: web.Request) -> web.Response:
        with self.state.transaction():
            self._cards.publish(int(request.match_info["id"]))
        return answers.json_answer({"activated": True})

    async def _put_rate(self, request: web.Request) -> web.Response:
        set_version_id, role_id = int(request.match_info["id"]), int(request.match_info["role"])
        payload = await request.read()
        with self.state.transaction():
            rates = self._cards.put_rates(set_version_id, role_id, payload)
        row = {"id": str(role_id), "role_id": str(role_id), "rates": rates}
        results = [{"key": "rate_card_table_rows", "id": str(role_id)}]
        return answers.json_answer({"count": 1, "results": results, "rate_card_table_rows": {str(role_id): row}})

    async def _remove_rate(self, request: web.Request) -> web.Response:
        with self.state.transaction():
            self._cards.remove_rate(int(request.match_info["id"]))
        return web.Response(status=204)

    def _whole(self, collection: str, row_id: int) -> web.Response:
        """A row that was just written, whatever hides it from others."""
        query = dict(_UNHIDDEN.get(collection, {}))
        document = self._documents.get(collection, row_id)
        if collection == "custom_field_values" and document is not None:
            query["subject_type"] = str(document.fields["subject_type"])
        return self._shown(collection, str(row_id), query)

    def holdings(self) -> Iterable[Holding]:
        """Clients, projects and tasks, whoever made them."""
        return held_masters(self._documents)


def _vendor(handler: _Answer) -> Handler:
    """What every route shares: the bearer token, and refusals as answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {ACCESS_TOKEN}":
            return answers.errors(401, ("oauth", "Invalid OAuth 2 Request", None))
        try:
            return await handler(request)
        except answers.Refusal as refusal:
            return answers.refused(refusal)

    return answer
