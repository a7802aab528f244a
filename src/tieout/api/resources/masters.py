"""``/v1/clients``, ``/v1/contracts``, ``/v1/projects`` and the other master records: golden records by type.

All alike: a list in pages, with ``code`` and ``entity`` to choose by, and one by its public id. What a record says of
itself is by the ownership register; ``keys`` are those of each system. Cost rates are no resource of this API.
"""

from typing import Final
from uuid import UUID

from litestar import Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from psycopg import Connection

from tieout.api.resources.reading import DEFAULT_LIMIT, After, Flag, Limit, Text, found, read
from tieout.model.access import Scope
from tieout.model.reported import RecordType
from tieout.records import record_reader
from tieout.records.record_explanation import RecordExplanation, explain_public_record
from tieout.records.record_reader import RecordPage, RecordView, Wanted
from tieout.storage.pool import Row
from tieout.streams.lead_to_project.overview import ProjectView, show_project
from tieout.web.guards import Asking, requires

RESOURCES: Final[dict[str, tuple[RecordType, Scope]]] = {
    "clients": (RecordType.CLIENT, Scope.MASTERS_READ),
    "contracts": (RecordType.CONTRACT, Scope.MASTERS_READ),
    "projects": (RecordType.PROJECT, Scope.PROJECTS_READ),
    "demand": (RecordType.DEMAND, Scope.PROJECTS_READ),
    "resources": (RecordType.RESOURCE, Scope.PEOPLE_READ),
    "rate-cards": (RecordType.RATE_CARD, Scope.MASTERS_READ),
    "rate-lines": (RecordType.RATE_LINE, Scope.MASTERS_READ),
    "legal-entities": (RecordType.LEGAL_ENTITY, Scope.MASTERS_READ),
}
"""Path, type of record and the scope that reads it."""


def routers() -> list[Router]:
    """A router for each resource."""
    return [_router(path, kind, scope) for path, (kind, scope) in RESOURCES.items()]


def _router(path: str, kind: RecordType, scope: Scope) -> Router:
    handlers: list[HTTPRouteHandler] = [
        _listing(path, kind, scope),
        _single(path, kind, scope),
        _facts(path, kind, scope),
    ]
    if kind is RecordType.PROJECT:
        handlers.append(provisioning)
    return Router(path=f"/v1/{path}", route_handlers=handlers, tags=[path])


def _listing(path: str, kind: RecordType, scope: Scope) -> HTTPRouteHandler:
    what = kind.value.replace("_", " ")

    @get(
        "/",
        guards=[requires(scope)],
        sync_to_thread=True,
        operation_id=f"list_{path.replace('-', '_')}",
        summary=f"Records of type {what}, in pages",
    )
    def listing(
        principal: Asking,
        state: State,
        code: Text = None,
        entity: Text = None,
        deleted: Flag = False,
        after: After = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> RecordPage:
        wanted = Wanted(code=code, entity=entity, deleted=deleted)
        return read(
            state, principal, scope, lambda conn: record_reader.page(conn, kind, wanted, after=after, limit=limit)
        )

    return listing


def _single(path: str, kind: RecordType, scope: Scope) -> HTTPRouteHandler:
    what = kind.value.replace("_", " ")

    @get(
        "/{record_id:uuid}",
        guards=[requires(scope)],
        sync_to_thread=True,
        operation_id=f"read_{path.replace('-', '_')}",
        summary=f"One {what} by its public id",
    )
    def single(principal: Asking, state: State, record_id: FromPath[UUID]) -> RecordView:
        record = read(state, principal, scope, lambda conn: record_reader.one(conn, kind, record_id))
        return found(record, what)

    return single


def _facts(path: str, kind: RecordType, scope: Scope) -> HTTPRouteHandler:
    what = kind.value.replace("_", " ")

    @get(
        "/{record_id:uuid}/facts",
        guards=[requires(scope)],
        sync_to_thread=True,
        operation_id=f"explain_{path.replace('-', '_')}",
        summary=f"Each field of one {what} as each system says it",
    )
    def facts(principal: Asking, state: State, record_id: FromPath[UUID]) -> RecordExplanation:
        """Whose word holds, since when and by which rule, and what the others say."""
        explained = read(state, principal, scope, lambda conn: explain_public_record(conn, kind, record_id))
        return found(explained, what)

    return facts


@get(
    "/{record_id:uuid}/provisioning",
    guards=[requires(Scope.PROJECTS_READ)],
    sync_to_thread=True,
    operation_id="read_provisioning",
    summary="How a project was made of won deals, step by step",
)
def provisioning(principal: Asking, state: State, record_id: FromPath[UUID]) -> ProjectView:
    """Deals, and every object in every target; not there for a project that was not made of deals."""

    def work(conn: Connection[Row]) -> ProjectView:
        record = found(record_reader.one(conn, RecordType.PROJECT, record_id), "project")
        entity = record.references.get("legal_entity")
        if record.code is None or entity is None:
            raise NotFoundException("This project was not made of a deal.")
        return show_project(conn, record.code, entity=entity.code)

    return read(state, principal, Scope.PROJECTS_READ, work)
