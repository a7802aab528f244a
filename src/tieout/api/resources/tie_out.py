"""``/v1/tie-out``: the newest tie-out that was made, each figure down to its lines, and the wish for another."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from litestar import get, post
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from psycopg import Connection

from tieout.api.resources.reading import DEFAULT_LIMIT, Limit, Text, read
from tieout.model.access import Scope
from tieout.reconciliation import tie_out_runs
from tieout.reconciliation.tie_out import TieOutRow
from tieout.reconciliation.tie_out_runs import Line, Run
from tieout.storage.pool import Row
from tieout.web.guards import Asking, requires

_TAGS: Final = ["tie-out"]
Side = Literal["taken_in", "posted", "in_exception", "in_doubt", "excluded", "in_progress"]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A tie-out as it was made. ``breaks`` are told to whoever sees every legal entity."""

    run: Run
    rows: list[TieOutRow]
    breaks: list[str]


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines behind a figure; ``next`` is the number to go on after, None at the end."""

    lines: list[Line]
    next: int | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """When another tie-out was asked for; it is made by the hub beside its work."""

    requested_at: datetime


@get(
    "/v1/tie-out",
    guards=[requires(Scope.TIE_OUT_READ)],
    sync_to_thread=True,
    operation_id="read_tie_out",
    summary="Taken in = posted + in exception + in doubt + excluded + in progress, as last made",
    tags=_TAGS,
)
def statement(principal: Asking, state: State, entity: Text = None, period: Text = None) -> Statement:
    """``started_at`` of the run is the instant as of which its figures hold."""

    def work(conn: Connection[Row]) -> Statement:
        run = _newest(conn)
        rows = tie_out_runs.rows_of_run(conn, run.run_id, entity=entity, period=period)
        return Statement(run=run, rows=rows, breaks=tie_out_runs.breaks(conn, run.run_id))

    return read(state, principal, Scope.TIE_OUT_READ, work)


@get(
    "/v1/tie-out/lines",
    guards=[requires(Scope.TIE_OUT_READ)],
    sync_to_thread=True,
    operation_id="list_tie_out_lines",
    summary="The lines behind one figure, which add up to it",
    tags=_TAGS,
)
def lines(
    principal: Asking,
    state: State,
    entity: Annotated[str, QueryParameter(max_length=200)],
    period: Annotated[str, QueryParameter(max_length=200)],
    currency: Annotated[str, QueryParameter(max_length=20)],
    side: Annotated[Side, QueryParameter()],
    after: Annotated[int, QueryParameter(ge=0, le=2**31 - 1)] = 0,
    limit: Limit = DEFAULT_LIMIT,
) -> Lines:
    """``entity``, ``period``, ``currency`` and ``side`` as the statement names them."""

    def work(conn: Connection[Row]) -> list[Line]:
        return tie_out_runs.lines_behind(
            conn,
            _newest(conn).run_id,
            entity=entity,
            period=period,
            currency=currency,
            side=side,
            after_line=after,
            limit=limit + 1,
        )

    found = read(state, principal, Scope.TIE_OUT_READ, work)
    kept = found[:limit]
    return Lines(lines=kept, next=kept[-1].line_no if len(found) > limit else None)


@post(
    "/v1/tie-out",
    guards=[requires(Scope.TIE_OUT_READ)],
    status_code=202,
    sync_to_thread=True,
    operation_id="request_tie_out",
    summary="Ask for another tie-out",
    tags=_TAGS,
)
def ask(principal: Asking, state: State) -> Asked:
    """It reads everything that was ever taken in, and may take a while; read the statement again later."""
    now = state.clock.now()
    with state.database.as_principal(principal, Scope.TIE_OUT_READ) as conn, conn.cursor() as cur:
        tie_out_runs.request(cur, requested_by=principal.name, now=now)
    return Asked(requested_at=now)


def handlers() -> list[HTTPRouteHandler]:
    """Every handler of this resource."""
    return [statement, lines, ask]


def _newest(conn: Connection[Row]) -> Run:
    run = tie_out_runs.newest(conn)
    if run is None:
        raise NotFoundException("No tie-out was made yet.")
    return run
