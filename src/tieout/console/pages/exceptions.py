"""Exceptions: root causes by money, the items of a cause, one item with all that is known of it.

Reads only; ``exceptions_acts`` changes things. Neighbours: ``desk.queue`` and ``desk.item_view`` know the desk.
"""

from decimal import Decimal
from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from tieout.console.readers import desk as priced
from tieout.console.readers.worth import comparison
from tieout.console.received import excerpt
from tieout.console.view import Asked, View, open_view
from tieout.desk import item_view, queue
from tieout.errors import ConfigurationError
from tieout.governance import firm_version
from tieout.model.access import Scope
from tieout.web.guards import Asking

_SHOWN: Final = 100
_UNKNOWN: Final = "TIE-DESK-001"


@get("/exceptions", sync_to_thread=True)
def causes(request: Asked, principal: Asking) -> Response[str]:
    """Root causes, the costliest first."""
    with open_view(request, principal, Scope.DESK_READ) as view:
        query = view.query
        chosen = priced.Chosen(
            entity=query.entity, owner=query.get("owner"), code=query.get("code"), text=query.get("text")
        )
        worth = comparison(view.conn, firm_version.newest(view.conn), query.entity)
        found = view.recently("causes", Scope.DESK_READ, lambda: priced.causes(view.conn, chosen, worth), chosen)
        total: dict[str, int] = {}
        for one in found:
            for currency, minor in one.minor.items():
                total[currency] = total.get(currency, 0) + minor
        start = query.number("after")
        return view.render(
            "exceptions.html",
            causes=found[start : start + _SHOWN],
            count=len(found),
            items=sum(one.items for one in found),
            hours=sum((one.hours for one in found), Decimal(0)),
            next_after=start + _SHOWN if start + _SHOWN < len(found) else None,
            total=total,
            total_worth=worth.worth(total),
            owners=view.recently("owners", Scope.DESK_READ, lambda: priced.owners(view.conn)),
            is_filtered=any((chosen.owner, chosen.code, chosen.text, chosen.entity)),
        )


@get("/exceptions/causes/{cause_id:int}", sync_to_thread=True)
def cause(request: Asked, principal: Asking, cause_id: FromPath[int]) -> Response[str]:
    """One root cause: what it holds, what to do about all of it, and its items."""
    with open_view(request, principal, Scope.DESK_READ) as view:
        return _cause_page(view, cause_id)


@get("/exceptions/items", sync_to_thread=True)
def items(request: Asked, principal: Asking) -> Response[str]:
    """Items of the desk in one list, by state."""
    with open_view(request, principal, Scope.DESK_READ) as view:
        query = view.query
        said = query.get("state") or "held"
        state = queue.ItemState.RESOLVED if said == "closed" else _state(said)
        chosen = queue.Chosen(
            state=state,
            entity=query.entity,
            owner=query.get("owner"),
            code=query.get("code"),
            assignee=query.get("assignee"),
            text=query.get("text"),
        )
        order = queue.ItemOrder.AGE if state is queue.ItemState.HELD else queue.ItemOrder.NEWEST
        page = queue.items(view.conn, chosen, order=order, after=query.get("after"), limit=_SHOWN)
        return view.render(
            "items.html",
            page=page,
            totals=view.recently("totals", Scope.DESK_READ, lambda: queue.totals(view.conn, chosen), chosen),
            state=state.value,
            states=queue.ItemState,
        )


@get("/exceptions/items/{item_id:int}", sync_to_thread=True)
def item(request: Asked, principal: Asking, item_id: FromPath[int]) -> Response[str]:
    """One item beside the others of its cause."""
    with open_view(request, principal, Scope.DESK_READ) as view:
        try:
            whole = item_view.whole(view.conn, item_id)
        except ConfigurationError as error:
            if error.code == _UNKNOWN:
                raise NotFoundException from error
            raise
        return _cause_page(view, whole.item.cause_id, whole)


def _state(said: str) -> queue.ItemState:
    try:
        return queue.ItemState(said)
    except ValueError as error:
        raise NotFoundException from error


def _cause_page(view: View, cause_id: int, whole: item_view.WholeItem | None = None) -> Response[str]:
    worth = comparison(view.conn, firm_version.newest(view.conn), view.query.entity)
    found = priced.causes(view.conn, priced.Chosen(cause_id=cause_id, entity=view.query.entity), worth)
    if not found and whole is None:
        raise NotFoundException
    chosen = queue.Chosen(cause_id=cause_id, entity=view.query.entity)
    page = queue.items(view.conn, chosen, after=view.query.get("after"), limit=_SHOWN)
    first = whole or (item_view.whole(view.conn, page.items[0].item_id) if page.items else None)
    return view.render(
        "cause.html",
        cause=found[0] if found else None,
        page=page,
        whole=whole,
        offers=() if first is None else first.offers,
        received=None if whole is None else _received(view, whole),
    )


def _received(view: View, whole: item_view.WholeItem) -> str | None:
    """The record as received; None where the reader may not see messages of all entities, or there is none."""
    if whole.received is None:
        return None
    payload = item_view.received_payload(view.conn, whole.item.item_id)
    return excerpt(payload, whole.item.source_id, costs=view.principal.may(Scope.COSTS_READ, whole.item.entity))
