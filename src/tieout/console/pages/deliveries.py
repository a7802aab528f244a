"""Deliveries: by target, those in doubt apart; one with its attempts, its command and what it carries."""

from datetime import datetime
from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from tieout.console.view import Asked, open_view
from tieout.model.access import Scope
from tieout.outbound import overview as reader
from tieout.web.guards import Asking

_SHOWN: Final = 50
_CARRIED: Final = 500


@get("/deliveries", sync_to_thread=True)
def deliveries(request: Asked, principal: Asking) -> Response[str]:
    """Targets with their counts, and the deliveries that are chosen, the newest first."""
    with open_view(request, principal, Scope.DELIVERIES_READ) as view:
        query = view.query
        chosen = reader.Chosen(
            entity=query.entity,
            system=query.get("system"),
            kind=query.get("kind"),
            state=query.get("state"),
            text=query.get("text"),
            since=_instant(query.get("since")),
        )
        before = query.number("after") or None
        found = reader.deliveries(view.conn, chosen, before=before, limit=_SHOWN)
        doubtful = reader.deliveries(
            view.conn, reader.Chosen(entity=query.entity, state="doubt"), before=None, limit=_SHOWN
        )
        return view.render(
            "deliveries.html",
            targets=view.recently(
                "targets", Scope.DELIVERIES_READ, lambda: reader.targets(view.conn, query.entity), query.entity
            ),
            found=found,
            total=view.recently("deliveries", Scope.DELIVERIES_READ, lambda: reader.total(view.conn, chosen), chosen),
            doubtful=[] if chosen.state == "doubt" else doubtful,
            next_after=found[-1].delivery_id if len(found) == _SHOWN else None,
        )


def _instant(text: str | None) -> datetime | None:
    """An instant with its zone; None for anything else."""
    try:
        found = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


@get("/deliveries/{delivery_id:int}", sync_to_thread=True)
def delivery(request: Asked, principal: Asking, delivery_id: FromPath[int]) -> Response[str]:
    """One delivery: what was sent, how often, what came back, and what happens next."""
    with open_view(request, principal, Scope.DELIVERIES_READ) as view:
        found = reader.delivery(view.conn, delivery_id)
        if found is None:
            raise NotFoundException
        sees_costs = principal.may(Scope.COSTS_READ, found.entity)
        after = view.query.number("after")
        carried = reader.carried(view.conn, delivery_id, after=after, limit=_CARRIED)
        return view.render(
            "delivery.html",
            delivery=found if sees_costs else reader.without_costs(found),
            sees_costs=sees_costs,
            attempts=reader.attempts(view.conn, delivery_id),
            command=reader.command(view.conn, delivery_id) if sees_costs or not reader.tells_costs(found) else None,
            carried=carried,
            after=after,
            next_after=carried[-1].entry_id if len(carried) == _CARRIED else None,
            item_id=reader.item_of(view.conn, delivery_id),
        )
