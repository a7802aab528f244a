"""The search: from any key or name to its page."""

from typing import Final

from litestar import Response, get

from tieout.console.query import segment
from tieout.console.readers import search as reader
from tieout.console.view import Asked, View, open_view
from tieout.model.access import Scope
from tieout.web.guards import Asking

_EACH: Final = 20
_KINDS: Final = {
    "item": ("/exceptions/items/", Scope.DESK_READ, "Exception"),
    "entry": ("/entries/", Scope.DELIVERIES_READ, "Time entry"),
    "delivery": ("/deliveries/", Scope.DELIVERIES_READ, "Delivery"),
    "project": ("/projects/", Scope.PROJECTS_READ, "Project"),
    "deal": ("/projects/", Scope.PROJECTS_READ, "Deal"),
    "person": ("/people/", Scope.PEOPLE_READ, "Person"),
}


@get("/search", sync_to_thread=True)
def search(request: Asked, principal: Asking) -> Response[str]:
    """What fits the words, of what the reader may open."""
    with open_view(request, principal, Scope.MASTERS_READ) as view:
        words = view.query.get("q")
        hits = [] if words is None else _hits(view, words)
        shown = [
            (view.query.to(path + segment(one.key), q=None), title, one)
            for one in hits
            for path, _, title in [_KINDS[one.kind]]
        ]
        return view.render("search.html", words=words, hits=shown)


def _hits(view: View, words: str) -> list[reader.Hit]:
    """What fits, each kind of the legal entities for which the reader may see it."""
    found: list[reader.Hit] = []
    places = {view.principal.entities(scope): scope for _, scope, _ in _KINDS.values() if view.principal.may(scope)}
    for entities, scope in places.items():
        with view.seeing(scope) as conn:
            found += [
                one
                for one in reader.search(conn, words, limit=_EACH)
                if view.principal.may(_KINDS[one.kind][1]) and view.principal.entities(_KINDS[one.kind][1]) == entities
            ]
    return found
