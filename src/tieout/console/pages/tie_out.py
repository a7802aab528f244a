"""The tie-out: the identity per legal entity, period and currency, each figure opening the entries that add up to it.

Shows the newest run, which says as of when it holds; a new one is asked for here and made by the hub.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Final

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from tieout.console.query import segment
from tieout.console.view import Asked, View, open_view
from tieout.model.access import Scope
from tieout.reconciliation import tie_out_runs
from tieout.reconciliation.lines import SIDES
from tieout.reconciliation.tie_out import UNASSIGNED, Bucket, TieOutRow
from tieout.web.guards import Asking

_STALE_AFTER: Final = timedelta(hours=1)
_LINES: Final = 200
_RUNS: Final = 12


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """One side over all rows that are shown: what can be added up, and money by currency."""

    count: int
    hours: Decimal
    minor: dict[str, int]


@get("/tie-out", sync_to_thread=True)
def statement(request: Asked, principal: Asking) -> Response[str]:
    """The newest statement of what is chosen."""
    with open_view(request, principal, Scope.TIE_OUT_READ) as view:
        run = tie_out_runs.newest(view.conn)
        rows = []
        breaks: list[str] = []
        if run is not None:
            rows = tie_out_runs.rows_of_run(view.conn, run.run_id, entity=view.query.entity, period=view.query.period)
            breaks = tie_out_runs.breaks(view.conn, run.run_id)
        return view.render(
            "tie_out.html",
            run=run,
            rows=rows,
            breaks=breaks,
            totals={side: _total(rows, side) for side in SIDES},
            sides=SIDES,
            is_stale=run is not None and view.now - run.finished_at > _STALE_AFTER,
            asked_at=tie_out_runs.requested_at(view.conn),
            runs=tie_out_runs.history(view.conn, limit=_RUNS),
        )


@post("/tie-out/runs", sync_to_thread=True)
def ask(request: Asked, principal: Asking) -> Redirect:
    """Ask for a run; it appears on the page when it is made."""
    with open_view(request, principal, Scope.TIE_OUT_READ) as view:
        with view.conn.cursor() as cur:
            tie_out_runs.request(cur, requested_by=principal.name, now=view.now)
        return view.go("/tie-out")


@get("/tie-out/{entity:str}/{period:str}/{currency:str}/{side:str}", sync_to_thread=True)
def entries(
    request: Asked,
    principal: Asking,
    *,
    entity: FromPath[str],
    period: FromPath[str],
    currency: FromPath[str],
    side: FromPath[str],
) -> Response[str]:
    """The entries behind one figure, and how they add up to it."""
    with open_view(request, principal, Scope.TIE_OUT_READ) as view:
        run, row = _row(view, entity, period, currency)
        if side not in SIDES:
            raise NotFoundException
        after = view.query.number("after")
        lines = tie_out_runs.lines_behind(
            view.conn,
            run.run_id,
            entity=entity,
            period=period,
            currency=currency,
            side=side,
            after_line=after,
            limit=_LINES,
        )
        bucket = row.bucket(side)
        return view.render(
            "tie_out_entries.html",
            run=run,
            row=row,
            side=side,
            bucket=bucket,
            lines=lines,
            after=after,
            next_after=lines[-1].line_no if len(lines) == _LINES else None,
            sides=[(one, row.bucket(one), _path(row, one)) for one in SIDES],
            is_gone=not lines and not after and bucket != Bucket(),
        )


def _row(view: View, entity: str, period: str, currency: str) -> tuple[tie_out_runs.Run, TieOutRow]:
    run = tie_out_runs.newest(view.conn)
    if run is None:
        raise NotFoundException
    for row in tie_out_runs.rows_of_run(view.conn, run.run_id):
        if (row.entity, row.period, row.currency) == (entity, period, currency):
            return run, row
    raise NotFoundException


def _path(row: TieOutRow, side: str) -> str:
    return "/tie-out/" + "/".join(segment(one) for one in (row.entity, row.period, row.currency, side))


def _total(rows: list[TieOutRow], side: str) -> Total:
    minor: dict[str, int] = {}
    for row in rows:
        amount = row.bucket(side).amount_minor
        if amount and row.currency != UNASSIGNED:
            minor[row.currency] = minor.get(row.currency, 0) + amount
    return Total(
        count=sum(row.bucket(side).count for row in rows),
        hours=sum((row.bucket(side).hours for row in rows), Decimal(0)),
        minor=minor,
    )
