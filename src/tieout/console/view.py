"""One request for one page: who asks, what the URL says, the database with the rights of whoever asks, the answer.

Every handler opens a ``View`` with the scope that its page needs; without it the reader gets the page that says so.
Answers carry an ETag of what they show: a page that refreshes itself gets 304 while nothing has changed.
"""

import hashlib
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.datastructures import State
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED
from psycopg import Connection

from tieout.console.navigation import sections
from tieout.console.query import Query
from tieout.console.readers.shell import Frame, read_frame
from tieout.console.recent import Recent
from tieout.console.rendering import render
from tieout.model.access import Principal, Scope
from tieout.web.database import DoorDatabase
from tieout.web.guards import csrf_token

Asked: TypeAlias = Request[Any, Any, State]
THEME_COOKIE: Final = "tieout_theme"
THEMES: Final = ("light", "dark")
_RECENT: Final = "console_recent"
_RECENT_LASTS: Final = timedelta(seconds=10)
_T = TypeVar("_T")
_NEVER_STORED: Final = {"Cache-Control": "private, no-cache"}


class Refused(Exception):  # noqa: N818 - no error of the product: a page that says what is missing
    """The reader lacks ``scope``; ``routes`` answers with the page that says so."""

    def __init__(self, asked: Asked, principal: Principal, scope: Scope) -> None:
        super().__init__(scope.value)
        self.asked = asked
        self.principal = principal
        self.scope = scope


class View:
    """One page being made. ``conn`` sees what the principal may see, in one transaction that ends with the page."""

    def __init__(self, asked: Asked, principal: Principal, conn: Connection[tuple[object, ...]], scope: Scope) -> None:
        """``scope`` is the one whose legal entities ``conn`` shows."""
        self._began_at = time.monotonic()
        self._scope = scope
        self._recent = _recent_of(asked)
        self.asked = asked
        self.principal = principal
        self.conn = conn
        self.query = Query.of(asked.url.path, dict(asked.query_params))
        self.now: datetime = asked.app.state.clock.now()
        self.frame: Frame = _without_hidden(read_frame(conn), self)

    def render(self, template: str, *, status_code: int = HTTP_200_OK, **context: object) -> Response[str]:
        """The page, or 304 where the reader has it already."""
        text = render(template, frame_context(self.asked, self.principal, self.query, self.now, self.frame) | context)
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'
        took_ms = (time.monotonic() - self._began_at) * 1000
        headers = {**_NEVER_STORED, "ETag": tag, "Vary": "Cookie", "Server-Timing": f"page;dur={took_ms:.1f}"}
        if self.asked.headers.get("if-none-match") == tag and status_code == HTTP_200_OK:
            return Response("", status_code=HTTP_304_NOT_MODIFIED, media_type=MediaType.HTML, headers=headers)
        return Response(text, status_code=status_code, media_type=MediaType.HTML, headers=headers)

    def covers(self, scope: Scope) -> bool:
        """Whether ``scope`` is held wherever this page shows rows."""
        held, shown = self.principal.entities(scope), self.principal.entities(self._scope)
        return held is None or (shown is not None and shown <= held)

    @contextmanager
    def seeing(self, scope: Scope) -> Iterator[Connection[tuple[object, ...]]]:
        """A connection that shows the legal entities of another scope, for a part of the page that needs it."""
        if self.principal.entities(scope) == self.principal.entities(self._scope):
            yield self.conn
            return
        database: DoorDatabase = self.asked.app.state.database
        with database.as_principal(self.principal, scope) as conn:
            yield conn

    def recently(self, name: str, scope: Scope, make: Callable[[], _T], *more: Hashable) -> _T:
        """What ``make`` makes of rows that ``scope`` shows, at most some seconds old; ``more`` chooses among them."""
        key = (name, self.principal.entities(scope), more)
        return self._recent.get(key, make, now=self.now)

    def go(self, path: str, **values: object) -> Redirect:
        """What answers a form that was carried out: the page that shows what came of it."""
        self._recent.clear()
        return Redirect(self.query.to(path, **values), status_code=303)


def _without_hidden(frame: Frame, view: View) -> Frame:
    """Counts only of what the reader may open, and only where they are of the same legal entities."""
    return msgspec.structs.replace(
        frame,
        exceptions=frame.exceptions if view.covers(Scope.DESK_READ) else 0,
        in_doubt=frame.in_doubt if view.covers(Scope.DELIVERIES_READ) else 0,
        chain_head=frame.chain_head if view.principal.may(Scope.AUDIT_READ) else None,
    )


def _recent_of(asked: Asked) -> Recent:
    """The sums of this application; two that make it at once lose nothing but one of them."""
    found = asked.app.state.get(_RECENT)
    if not isinstance(found, Recent):
        found = Recent(_RECENT_LASTS)
        asked.app.state[_RECENT] = found
    return found


def frame_context(
    asked: Asked, principal: Principal, query: Query, now: datetime, frame: Frame | None
) -> dict[str, object]:
    """What every template may use; ``frame`` is None where the database could not be asked."""
    theme = asked.cookies.get(THEME_COOKIE)
    return {
        "principal": principal,
        "query": query,
        "now": now,
        "frame": frame,
        "sections": sections(principal, asked.url.path),
        "theme": theme if theme in THEMES else None,
        "may": lambda scope, entity=None: principal.may(Scope(scope), entity),
        "form_token": csrf_token(asked),
    }


@contextmanager
def open_view(asked: Asked, principal: Principal, scope: Scope) -> Iterator[View]:
    """A view for whoever holds ``scope``; raises Refused for others."""
    if not principal.may(scope):
        raise Refused(asked, principal, scope)
    database: DoorDatabase = asked.app.state.database
    with database.as_principal(principal, scope) as conn:
        yield View(asked, principal, conn, scope)
