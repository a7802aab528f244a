"""The first page: the value streams, the tie-out of the period, what costs most, and what changed since yesterday."""

from datetime import timedelta
from typing import Final

from litestar import Response, get
from litestar.response import Redirect

from tieout.console.charts import band
from tieout.console.navigation import sections
from tieout.console.readers import changes, desk, streams
from tieout.console.readers.levels import by_level
from tieout.console.readers.worth import comparison
from tieout.console.view import Asked, open_view
from tieout.desk import service_levels
from tieout.governance import firm_version
from tieout.model.access import Scope
from tieout.reconciliation import tie_out_runs
from tieout.web.guards import Asking

_CAUSES: Final = 8
_STALE_AFTER: Final = timedelta(hours=1)


@get("/", sync_to_thread=True)
def overview(request: Asked, principal: Asking) -> Response[str] | Redirect:
    """What needs somebody, what it is worth, and whether the books say the same; else the first section there is."""
    open_to_him = sections(principal, "/")
    if open_to_him and not principal.may(Scope.TIE_OUT_READ):
        return Redirect(open_to_him[0].path)
    with open_view(request, principal, Scope.TIE_OUT_READ) as view:
        query, conn = view.query, view.conn
        worth = comparison(conn, firm_version.newest(conn), query.entity)
        run = tie_out_runs.newest(conn)
        period = query.period or view.frame.period
        rows = []
        if run is not None:
            rows = tie_out_runs.rows_of_run(conn, run.run_id, entity=query.entity, period=period)
        yesterday = view.now.replace(second=0, microsecond=0) - timedelta(days=1)
        flows = []
        if principal.may(Scope.PROJECTS_READ):
            with view.seeing(Scope.PROJECTS_READ) as projects:
                flows.append(streams.lead_to_project(projects, worth, query.entity))
                flows.append(streams.plan_to_allocate(projects, worth, query.entity, today=view.now.date()))
        flows.append(
            view.recently(
                "time-to-bill",
                Scope.TIE_OUT_READ,
                lambda: streams.time_to_bill(conn, rows, worth, query.entity),
                query.entity,
                period,
                run and run.run_id,
            )
        )
        causes: list[desk.Cause] = []
        breaches = None
        if principal.may(Scope.DESK_READ):
            chosen = desk.Chosen(entity=query.entity)
            with view.seeing(Scope.DESK_READ) as held:
                causes = view.recently("causes", Scope.DESK_READ, lambda: desk.causes(held, chosen, worth), chosen)
                breaches = by_level(service_levels.breaches(held))
        told = []
        if all(view.covers(scope) for scope in (Scope.DESK_READ, Scope.DELIVERIES_READ, Scope.PROJECTS_READ)):
            told = view.recently("changes", Scope.TIE_OUT_READ, lambda: changes.since(conn, yesterday), yesterday)
        return view.render(
            "overview.html",
            flows=[(flow, band(flow)) for flow in flows],
            run=run,
            is_stale=run is not None and view.now - run.finished_at > _STALE_AFTER,
            period=period,
            rows=rows,
            causes=causes[:_CAUSES],
            causes_count=len(causes),
            at_stake=worth.worth(_sum(causes)),
            breaches=breaches,
            changes=told,
            yesterday=yesterday.isoformat(),
        )


def _sum(causes: list[desk.Cause]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in causes:
        for currency, minor in one.minor.items():
            total[currency] = total.get(currency, 0) + minor
    return total
