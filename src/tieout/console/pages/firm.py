"""Ownership and mappings: who owns which field, what words mean since when, and proposing another line."""

from datetime import date

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from tieout.console import forms
from tieout.console.forms import Sent
from tieout.console.readers import firm as reader
from tieout.console.view import Asked, open_view
from tieout.errors import ConfigurationError
from tieout.governance import firm_version
from tieout.governance.mapping_additions import ANY, MappingAddition
from tieout.model.access import Scope
from tieout.runtime.proposals import propose_mapping
from tieout.web.guards import Asking


@get("/mappings", sync_to_thread=True)
def ownership(request: Asked, principal: Asking) -> Response[str]:
    """The ownership matrix, the mapping tables, and the versions of the firm."""
    with open_view(request, principal, Scope.MAPPINGS_READ) as view:
        firm = firm_version.newest(view.conn)
        systems, owned = ([], []) if firm is None else reader.matrix(firm)
        return view.render(
            "ownership.html",
            firm=firm,
            systems=systems,
            owned=owned,
            tables={} if firm is None else reader.tables(firm),
            versions=firm_version.history(view.conn)[:20],
        )


@get("/mappings/{table:str}", sync_to_thread=True)
def mapping(request: Asked, principal: Asking, table: FromPath[str]) -> Response[str]:
    """One mapping table on a time line, what waits for it, and the form that proposes a line."""
    with open_view(request, principal, Scope.MAPPINGS_READ) as view:
        firm = firm_version.newest(view.conn)
        waiting = reader.waiting_for(view.conn, table)
        if firm is None or (table not in reader.tables(firm) and not waiting):
            raise NotFoundException
        today = view.now.date()
        words = reader.words(firm, table, today=today)
        return view.render(
            "mapping.html",
            table=table,
            words=words,
            now_x=reader.now_x(firm, table, today=today),
            waiting=waiting,
            targets=sorted({span.line.target for word in words for span in word.spans}),
            systems=[one.name for one in firm.systems],
            entities=[one.entity for one in firm.policies],
            any=ANY,
        )


@post("/mappings/{table:str}", sync_to_thread=True)
def propose(request: Asked, principal: Asking, table: FromPath[str], data: Sent) -> Redirect:
    """Propose one more line; a second person approves it, and what waits for it is judged again."""
    with open_view(request, principal, Scope.MAPPINGS_PROPOSE) as view:
        addition = MappingAddition(
            table=table,
            source=forms.text(data, "source"),
            target=forms.text(data, "target"),
            system=forms.text(data, "system") or ANY,
            entity=forms.text(data, "entity") or ANY,
            valid_from=_day(forms.text(data, "valid_from")) or date.min,
            valid_to=_day(forms.text(data, "valid_to")),
        )
        with view.conn.cursor() as cur:
            proposed = propose_mapping(cur, addition, maker=principal, reason=forms.text(data, "reason"), now=view.now)
        return view.go(f"/exceptions/proposals/{proposed.proposal_id}")


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(code="TIE-DESK-008", message=f"{text[:40]} is no date.") from error
