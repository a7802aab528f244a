"""Everything that the console serves, for whoever puts an application together, and what becomes of what goes wrong.

The application provides ``principal`` as a dependency, ``database`` (``web.database``) and ``clock`` in its state.
"""

from collections.abc import Callable
from typing import Any

import structlog
from litestar import MediaType, Response, Router
from litestar.exceptions import HTTPException, NotFoundException
from litestar.status_codes import (
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_422_UNPROCESSABLE_ENTITY,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)
from litestar.types import ControllerRouterHandler

from tieout.console.assets import asset
from tieout.console.pages import (
    access,
    deliveries,
    entries,
    exceptions,
    exceptions_acts,
    firm,
    governance,
    overview,
    projects,
    search,
    systems,
    tie_out,
)
from tieout.console.query import Query
from tieout.console.rendering import render
from tieout.console.view import Asked, Refused, frame_context
from tieout.errors import ConfigurationError, TransientError
from tieout.model.access import Principal
from tieout.web.guards import PRINCIPAL

log = structlog.get_logger(__name__)

_HANDLERS: tuple[ControllerRouterHandler, ...] = (
    overview.overview,
    exceptions.causes,
    exceptions.cause,
    exceptions.items,
    exceptions.item,
    exceptions_acts.act,
    exceptions_acts.proposed,
    exceptions_acts.proposal,
    exceptions_acts.decide,
    tie_out.statement,
    tie_out.ask,
    tie_out.entries,
    entries.entry,
    deliveries.deliveries,
    deliveries.delivery,
    systems.systems,
    systems.system,
    systems.resume,
    projects.projects,
    projects.project,
    projects.capacity,
    projects.person,
    projects.forecast_page,
    firm.ownership,
    firm.mapping,
    firm.propose,
    governance.audit_log,
    governance.contracts,
    governance.schema,
    governance.settings,
    governance.theme,
    access.people,
    access.export,
    access.add,
    access.give,
    access.take_back,
    access.link,
    search.search,
)


def console_routes() -> list[ControllerRouterHandler]:
    """The routes of the console, to be mounted by an application."""
    pages = Router(path="/", route_handlers=list(_HANDLERS), exception_handlers=_answers(), include_in_schema=False)
    return [asset, pages]


def _answers() -> dict[int | type[Exception], Callable[[Any, Any], Response[str]]]:
    return {
        Refused: _refused,
        NotFoundException: _unknown,
        ConfigurationError: _not_possible,
        TransientError: _unavailable,
        Exception: _defect,
    }


def _refused(asked: Asked, error: Refused) -> Response[str]:
    return _page(
        asked,
        error.principal,
        status_code=HTTP_403_FORBIDDEN,
        title="You may not see this",
        what=f"Your roles do not include {error.scope.value}.",
        next_step="Whoever gives rights in your firm can grant you a role that has it.",
    )


def _unknown(asked: Asked, _: HTTPException) -> Response[str]:
    return _page(
        asked,
        None,
        status_code=HTTP_404_NOT_FOUND,
        title="There is nothing here",
        what="What this address names does not exist, or belongs to a legal entity that you may not see.",
        next_step="Look for it with the search above.",
    )


def _not_possible(asked: Asked, error: ConfigurationError) -> Response[str]:
    return _page(
        asked,
        None,
        status_code=HTTP_422_UNPROCESSABLE_ENTITY,
        title="That is not possible",
        what=error.message,
        next_step=error.next_step or "",
        code=error.code,
    )


def _unavailable(asked: Asked, error: TransientError) -> Response[str]:
    log.warning("console.unavailable", path=asked.url.path, code=error.code)
    return _page(
        asked,
        None,
        status_code=HTTP_503_SERVICE_UNAVAILABLE,
        title="The hub cannot answer now",
        what="Its database cannot be reached. Nothing is lost: what was sent is stored or was refused.",
        next_step="Try again in a moment.",
        code=error.code,
    )


def _defect(asked: Asked, error: Exception) -> Response[str]:
    """Our own bug: the words go to the log, not to the reader."""
    log.error("console.defect", method=asked.method, path=asked.url.path, exc_info=error)
    return _page(
        asked,
        None,
        status_code=HTTP_500_INTERNAL_SERVER_ERROR,
        title="This page is broken",
        what="That is a defect of Tieout. Nothing was changed.",
        next_step="Tell whoever runs the hub; its log has the rest.",
        code="TIE-API-009",
    )


def _page(asked: Asked, principal: Principal | None, *, status_code: int, **words: str) -> Response[str]:
    kept: Any = asked.scope
    who = principal or kept.get(PRINCIPAL)
    context: dict[str, object] = {"code": "", **words}
    if isinstance(who, Principal):
        query = Query.of(asked.url.path, dict(asked.query_params))
        text = render("refused.html", frame_context(asked, who, query, asked.app.state.clock.now(), None) | context)
    else:
        text = render("bare.html", context)
    return Response(text, status_code=status_code, media_type=MediaType.HTML)
