"""One time entry: the way from the message to the posting, and what made its amounts."""

from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from tieout.console.readers import entries as reader
from tieout.console.received import excerpt
from tieout.console.view import Asked, open_view
from tieout.errors import ConfigurationError
from tieout.ledger.explain import explain_actual
from tieout.model.access import Scope
from tieout.web.guards import Asking

_SALES: Final = 1


@get("/entries/{entry_id:int}", sync_to_thread=True)
def entry(request: Asked, principal: Asking, entry_id: FromPath[int]) -> Response[str]:
    """The entry with its ledger rows and the trace of its price."""
    with open_view(request, principal, Scope.DELIVERIES_READ) as view:
        found = reader.entry(view.conn, entry_id)
        if found is None:
            raise NotFoundException
        costs = principal.may(Scope.COSTS_READ, found.entity)
        rows = reader.actuals(view.conn, entry_id, costs=costs)
        payload = reader.payload(view.conn, found.message_id)
        sale = next((one for one in rows if one.slot == _SALES), None)
        trace: list[str] = []
        if sale is not None:
            try:
                trace = explain_actual(view.conn, sale.actual_id).lines()
            except ConfigurationError as error:
                trace = [error.message]
        return view.render(
            "entry.html",
            entry=found,
            versions=reader.versions(view.conn, found),
            actuals=rows,
            received=None if payload is None else excerpt(payload, found.source_id, costs=costs),
            trace=trace,
        )
