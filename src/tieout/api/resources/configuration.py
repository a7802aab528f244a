"""``/v1/systems``, ``/v1/mappings``, ``/v1/ownership``: how the firm is configured, and how its systems are.

Read from the version of the firm directory that holds now. Secrets and settings of systems are no part of it. A mapping
line is proposed here and holds when a second person has approved it (``exceptions``).
"""

from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from psycopg import Connection

from tieout.api.resources.reading import DEFAULT_LIMIT, Limit, Text, read
from tieout.desk.proposals import Proposed
from tieout.governance import firm_version
from tieout.governance.mapping_additions import ANY, MappingAddition
from tieout.governance.ownership import rules_of
from tieout.inbound.drift_store import ObjectState
from tieout.model.access import Scope
from tieout.model.firm import FirmConfig, MappingLine, OwnershipRule
from tieout.runtime import system_overview
from tieout.runtime.proposals import propose_mapping
from tieout.runtime.system_overview import Circuit, SchemaChange, System
from tieout.storage.pool import Row
from tieout.web.guards import Asking, requires

_TAGS: Final = ["configuration"]
_MAX_POSITION: Final = 2**31 - 1

Position = Annotated[int, QueryParameter(ge=0, le=_MAX_POSITION, description="`next` of the page before.")]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class SystemView(msgspec.Struct, frozen=True, kw_only=True):
    """One system. ``commands``: what is written to it, and the class by which it is written once.

    ``problem``: why it cannot be spoken to at all. ``messages_day`` counts its messages among the newest of the hub.
    ``open_changes``: of the form of what it sends, not yet acknowledged.
    """

    name: str
    connector: str
    environment: str
    role: str | None
    api_version: str | None
    retires_on: date | None
    problem: str | None
    reads: list[ObjectState]
    commands: dict[str, str]
    circuit: Circuit | None
    messages_day: int
    last_news: datetime | None
    open_changes: int
    throttled_until: datetime | None


class MappingPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of mapping tables, by table and word; ``next`` is the mark of the following page, None at the end."""

    lines: list[MappingLine]
    next: int | None


class MappingProposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line: ``source`` of ``system`` for ``entity`` (``*``: any) means ``target``, by the day."""

    table: Word
    source: Word
    target: Word
    reason: Reason
    system: Word = ANY
    entity: Word = ANY
    valid_from: date = date.min
    valid_to: date | None = None


@get(
    "/v1/systems",
    guards=[requires(Scope.SYSTEMS_READ)],
    sync_to_thread=True,
    operation_id="list_systems",
    summary="The systems of the firm, and how each is",
    tags=_TAGS,
)
def systems(principal: Asking, state: State) -> list[SystemView]:
    """In the order of their names; none before a firm directory was applied."""
    return [_view(one) for one in read(state, principal, Scope.SYSTEMS_READ, _systems)]


@get(
    "/v1/systems/{name:str}",
    guards=[requires(Scope.SYSTEMS_READ)],
    sync_to_thread=True,
    operation_id="read_system",
    summary="One system",
    tags=_TAGS,
)
def system(principal: Asking, state: State, name: FromPath[str]) -> SystemView:
    """By its name in the firm directory."""
    return _view(read(state, principal, Scope.SYSTEMS_READ, lambda conn: _named(conn, name)))


@get(
    "/v1/systems/{name:str}/changes",
    guards=[requires(Scope.SYSTEMS_READ)],
    sync_to_thread=True,
    operation_id="list_system_changes",
    summary="What changed in the form of what a system sends, the newest first",
    tags=_TAGS,
)
def changes(principal: Asking, state: State, name: FromPath[str]) -> list[SchemaChange]:
    """The newest fifty."""

    def work(conn: Connection[Row]) -> list[SchemaChange]:
        return system_overview.schema_changes(conn, _named(conn, name).config.name)

    return read(state, principal, Scope.SYSTEMS_READ, work)


@get(
    "/v1/mappings",
    guards=[requires(Scope.MAPPINGS_READ)],
    sync_to_thread=True,
    operation_id="list_mappings",
    summary="Lines of the mapping tables, in pages",
    tags=_TAGS,
)
def mappings(
    principal: Asking,
    state: State,
    table: Text = None,
    system: Text = None,
    source: Text = None,
    after: Position = 0,
    limit: Limit = DEFAULT_LIMIT,
) -> MappingPage:
    """``line`` is the number in the file of the table, 0 for a line that two people agreed on."""
    firm = read(state, principal, Scope.MAPPINGS_READ, firm_version.newest)
    entities = principal.entities(Scope.MAPPINGS_READ)
    chosen = sorted(
        (
            one
            for one in (() if firm is None else firm.mappings)
            if table in {None, one.table}
            and system in {None, one.system}
            and source in {None, one.source}
            and (entities is None or one.entity == ANY or one.entity in entities)
        ),
        key=lambda one: (one.table, one.system, one.entity, one.source, one.valid_from, one.line),
    )
    ends = after + limit
    return MappingPage(lines=chosen[after:ends], next=ends if len(chosen) > ends else None)


@post(
    "/v1/mappings/proposals",
    guards=[requires(Scope.MAPPINGS_PROPOSE)],
    status_code=201,
    sync_to_thread=True,
    operation_id="propose_mapping",
    summary="Propose one more line of a mapping table",
    tags=_TAGS,
)
def propose(principal: Asking, state: State, data: JSONBody[MappingProposal]) -> Proposed:
    """It holds when a second person has approved it at `/v1/exceptions/proposals/ID/approval`."""
    addition = MappingAddition(
        table=data.table,
        source=data.source,
        target=data.target,
        system=data.system,
        entity=data.entity,
        valid_from=data.valid_from,
        valid_to=data.valid_to,
    )
    now = state.clock.now()
    with state.database.as_principal(principal, Scope.MAPPINGS_PROPOSE) as conn, conn.cursor() as cur:
        return propose_mapping(cur, addition, maker=principal, reason=data.reason, now=now)


@get(
    "/v1/ownership",
    guards=[requires(Scope.MAPPINGS_READ)],
    sync_to_thread=True,
    operation_id="list_ownership",
    summary="Which system owns which fields of which object",
    tags=_TAGS,
)
def ownership(principal: Asking, state: State) -> list[OwnershipRule]:
    """Rules of the firm, and the defaults by the role of a system where it says nothing."""
    firm = read(state, principal, Scope.MAPPINGS_READ, firm_version.newest)
    entities = principal.entities(Scope.MAPPINGS_READ)
    return [
        one
        for one in ([] if firm is None else rules_of(firm))
        if entities is None or one.entity is None or one.entity in entities
    ]


def handlers() -> list[HTTPRouteHandler]:
    """Every handler of these resources."""
    return [systems, system, changes, mappings, propose, ownership]


def _systems(conn: Connection[Row]) -> list[System]:
    firm: FirmConfig | None = firm_version.newest(conn)
    return [] if firm is None else sorted(system_overview.systems(conn, firm), key=lambda one: one.config.name)


def _named(conn: Connection[Row], name: str) -> System:
    named = next((one for one in _systems(conn) if one.config.name == name), None)
    if named is None:
        raise NotFoundException("There is no such system.")
    return named


def _view(one: System) -> SystemView:
    manifest = one.manifest
    return SystemView(
        name=one.config.name,
        connector=one.config.connector,
        environment=one.config.environment.value,
        role=one.config.role or (None if manifest is None else manifest.role.value),
        api_version=None if manifest is None else manifest.api_version,
        retires_on=one.config.api_retires_on or one.retires_on,
        problem=one.problem,
        reads=one.objects,
        commands={} if manifest is None else {write.command: write.idempotency.value for write in manifest.writes},
        circuit=one.circuit,
        messages_day=one.messages_day,
        last_news=one.last_news,
        open_changes=one.open_changes,
        throttled_until=one.throttled_until,
    )
