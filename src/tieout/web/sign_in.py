"""How people sign in and out: the page behind a one-time link, the page that says how to get one, the session's cookie.

A link is used by the button on its page, not by opening it: programs that look at links in e-mails use none up.
Neighbours: ``governance.sign_in`` keeps links and sessions, ``oidc`` signs in by the identity provider.
"""

import asyncio
from functools import cache
from importlib.resources import files
from typing import Any, Final

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie, State
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER, HTTP_410_GONE

from tieout.governance import sign_in
from tieout.web.database import DoorDatabase
from tieout.web.guards import IS_NO_ACT_OF_A_SESSION, cookie_name, count, session_secret
from tieout.web.headers import is_secure

log = structlog.get_logger(__name__)

Asked = Request[Any, Any, State]
_HOME: Final = "/"
_SECRET_CHARS_MAX: Final = 128


@get("/sign-in", include_in_schema=False, sync_to_thread=False)
def sign_in_page(request: Asked) -> Response[str]:
    """How to get in."""
    return page(request, title="Sign in", kind="ask", to=local_path(request.query_params.get("next")))


@get("/sign-in/{secret:str}", include_in_schema=False)
async def link_page(request: Asked, state: State, secret: FromPath[str]) -> Response[str]:
    """The page of a one-time link; opening it uses nothing up."""
    count(request, state.guesses, _address(request))
    works = await asyncio.to_thread(_works, state, secret)
    if not works:
        return _gone(request)
    return page(request, title="Sign in", kind="link", secret=secret)


@post("/sign-in/{secret:str}", include_in_schema=False, opt={IS_NO_ACT_OF_A_SESSION: True})
async def use_link(request: Asked, state: State, secret: FromPath[str]) -> Response[Any]:
    """Use the link up and begin a session."""
    count(request, state.guesses, _address(request))
    session = await asyncio.to_thread(_use, state, secret)
    if session is None:
        log.warning("sign_in.refused", address=_address(request))
        return _gone(request)
    return signed_in(request, session, _HOME)


@post("/sign-out", include_in_schema=False)
async def sign_out(request: Asked, state: State) -> Response[Any]:
    """End the session and forget its cookie; ``guards.Gate`` has checked that a page of the session asks."""
    secret = session_secret(request)
    if secret is not None:
        await asyncio.to_thread(_end, state, secret)
    answer = Redirect("/sign-in", status_code=HTTP_303_SEE_OTHER)
    answer.set_cookie(_cookie(request, "", max_age=0))
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@get("/sign-in-style.css", include_in_schema=False, sync_to_thread=False)
def style() -> Response[str]:
    """The style of these pages."""
    return Response(_style(), media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


def signed_in(request: Asked, session: str, to: str) -> Redirect:
    """On to ``to`` with the cookie of a session that has just begun."""
    answer = Redirect(to, status_code=HTTP_303_SEE_OTHER)
    answer.set_cookie(_cookie(request, session, max_age=int(sign_in.SESSION_LASTS.total_seconds())))
    return answer


def page(request: Asked, *, status_code: int = HTTP_200_OK, **context: object) -> Response[str]:
    """One of these pages."""
    site = request.app.state.site
    words = {"kind": "", "secret": "", "to": _HOME, "what": "", "next_step": "", **context}
    text = _templates().get_template("sign_in.html").render(provider=site.provider is not None, **words)
    return Response(text, status_code=status_code, media_type=MediaType.HTML)


def local_path(given: str | None) -> str:
    """``given`` where it is a path of ours, else the first page: nobody is sent to another site."""
    if given is None or not given.startswith("/") or given.startswith(("//", "/\\")):
        return _HOME
    return given if given.isprintable() and "\\" not in given else _HOME


def _gone(request: Asked) -> Response[str]:
    return page(
        request,
        status_code=HTTP_410_GONE,
        title="This link does not work any more",
        kind="gone",
        what="A link signs in once, within a day, and only the newest one of a person works.",
        next_step="Ask for a new one: whoever gives rights in your firm makes it.",
    )


def _cookie(request: Asked, value: str, *, max_age: int) -> Cookie:
    return Cookie(
        key=cookie_name(request.scope),
        value=value,
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure(request.scope),
    )


def _address(request: Asked) -> str:
    return "unknown" if request.client is None else request.client.host


def _works(state: State, secret: str) -> bool:
    database: DoorDatabase = state.database
    if len(secret) > _SECRET_CHARS_MAX:
        return False
    with database.as_nobody() as conn:
        return sign_in.link_works(conn, secret, now=state.clock.now())


def _use(state: State, secret: str) -> str | None:
    database: DoorDatabase = state.database
    if len(secret) > _SECRET_CHARS_MAX:
        return None
    with database.as_nobody() as conn, conn.cursor() as cur:
        return sign_in.use_link(cur, secret, now=state.clock.now())


def _end(state: State, secret: str) -> None:
    database: DoorDatabase = state.database
    with database.as_nobody() as conn, conn.cursor() as cur:
        sign_in.end_session(cur, secret, now=state.clock.now())


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(str(files("tieout.web").joinpath("templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )


@cache
def _style() -> str:
    return files("tieout.web").joinpath("static/sign-in.css").read_text(encoding="utf-8")
