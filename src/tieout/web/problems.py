"""Refusals in words that programs read: application/problem+json (RFC 9457) with a code that never changes.

Nothing of a refused request was stored: the caller still has it, and ``detail`` says what to do. The codes are those of
the reference of errors. A page that needs a person who signed in sends a browser to the sign-in page instead.
Neighbours: ``guards`` raises what is answered here, ``api.problems`` words what the API alone refuses.
"""

import traceback
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.status_codes import (
    HTTP_303_SEE_OTHER,
    HTTP_400_BAD_REQUEST,
    HTTP_401_UNAUTHORIZED,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_405_METHOD_NOT_ALLOWED,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from tieout.errors import CATALOGUE, TransientError

log = structlog.get_logger(__name__)

PROBLEM_TYPE: Final = "application/problem+json"
API_PATH: Final = "/v1"
METRICS_PATH: Final = "/metrics"
SIGN_IN_PATH: Final = "/sign-in"
RETRY_AFTER_S: Final = 2
SHOWN_CHARS: Final = 80
_READS: Final = frozenset({"GET", "HEAD"})

Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    """An answer by RFC 9457; its title is what the catalogue says of ``code``."""
    body = {"type": "about:blank", "title": CATALOGUE[code].title, "status": status, "detail": detail, "code": code}
    return Response(content=msgspec.json.encode(body), status_code=status, media_type=PROBLEM_TYPE, headers=headers)


def not_authorised() -> Response[bytes]:
    """No credentials, or such that are not known, were forged, expired or revoked."""
    return problem(
        HTTP_401_UNAUTHORIZED,
        "TIE-API-002",
        "Send a valid key or access token as Authorization: Bearer KEY.",
        {"WWW-Authenticate": "Bearer"},
    )


def too_large(limit_bytes: int) -> Response[bytes]:
    """More bytes than a request may have."""
    return problem(
        HTTP_413_REQUEST_ENTITY_TOO_LARGE,
        "TIE-API-003",
        f"A request may have {limit_bytes} bytes; send it in parts.",
    )


def is_api(path: str) -> bool:
    """Whether programs read the answer, not people."""
    return path in {API_PATH, METRICS_PATH} or path.startswith(f"{API_PATH}/")


def handlers(limit_bytes: int) -> dict[int | type[Exception], Handler]:
    """What becomes of an exception that a request ends with."""

    def refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        if error.status_code == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
            return too_large(limit_bytes)
        if error.status_code == HTTP_401_UNAUTHORIZED:
            return not_authorised() if is_api(request.url.path) else _to_sign_in(request)
        return _refusal(request, error)

    return {TransientError: _unavailable, HTTPException: refused, RecursionError: _too_deep, Exception: defect}


def _refusal(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    where = f"{request.method} {_shown(request)}"
    if error.status_code in {HTTP_404_NOT_FOUND, HTTP_405_METHOD_NOT_ALLOWED}:
        return problem(error.status_code, "TIE-API-007", f"There is no {where}.", error.headers)
    if error.status_code == HTTP_403_FORBIDDEN:
        return problem(error.status_code, "TIE-API-010", f"{where}: {error.detail}")
    if error.status_code == HTTP_429_TOO_MANY_REQUESTS:
        return problem(error.status_code, "TIE-API-011", error.detail, error.headers)
    if error.status_code < HTTP_500_INTERNAL_SERVER_ERROR:
        return problem(error.status_code, "TIE-API-008", f"{where}: {error.detail}")
    return defect(request, error)


def defect(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Our own bug: the words go to the log, not to the caller; values of variables, which may be secret, to neither."""
    where = "".join(traceback.format_exception(error))
    log.error("api.defect", method=request.method, path=_shown(request), traceback=where)
    return problem(
        HTTP_500_INTERNAL_SERVER_ERROR, "TIE-API-009", "The request could not be handled; nothing of it was stored."
    )


def _too_deep(request: Request[Any, Any, Any], error: RecursionError) -> Response[bytes]:
    """A body that is nested deeper than anything that has a meaning; any other recursion is a defect of ours."""
    if "deserializing" not in str(error):
        return defect(request, error)
    return problem(HTTP_400_BAD_REQUEST, "TIE-API-008", "The body is nested too deep.")


def _shown(request: Request[Any, Any, Any]) -> str:
    """The path, without the secret that a link has in it."""
    path = request.url.path
    return f"{SIGN_IN_PATH}/..." if path.startswith(f"{SIGN_IN_PATH}/") else path[:SHOWN_CHARS]


def _to_sign_in(request: Request[Any, Any, Any]) -> Redirect:
    """A person is sent to sign in, and from there back to the page that he asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(asked, safe='')}" if request.method in _READS and asked != "/" else ""
    return Redirect(f"{SIGN_IN_PATH}{back}", status_code=HTTP_303_SEE_OTHER)


def _unavailable(_: Request[Any, Any, Any], error: TransientError) -> Response[bytes]:
    """Nothing was accepted: the caller sends it again."""
    return problem(HTTP_503_SERVICE_UNAVAILABLE, error.code, error.message, {"Retry-After": str(RETRY_AFTER_S)})
