"""Error bodies as SuiteTalk REST sends them ("Error Handling in REST Web Services"): an RFC 7807 profile.

Every other module of the simulator refuses by raising ``RefusedError``; the server turns it into an answer.
"""

from typing import Final

import msgspec
from aiohttp import web

ERROR_MEDIA_TYPE: Final = "application/vnd.oracle.resource+json; type=error"
_SECTIONS: Final = {400: "10.4.1", 401: "10.4.2", 403: "10.4.4", 404: "10.4.5", 405: "10.4.6", 409: "10.4.10"}
_TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class RefusedError(Exception):
    """The account refuses a request; ``path`` is the member of the body at fault, as ``o:errorPath``."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int = 400,
        path: str | None = None,
        title: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.path = path
        self.title = title or _TITLES[status]
        self.headers: dict[str, str] = {}


def error_body(refused: RefusedError) -> bytes:
    """The JSON text of a refusal."""
    detail = {"detail": refused.detail, "o:errorCode": refused.code}
    if refused.path is not None:
        detail["o:errorPath"] = refused.path
    section = _SECTIONS.get(refused.status, "10")
    return msgspec.json.encode(
        {
            "type": f"https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec{section}",
            "title": refused.title,
            "status": refused.status,
            "o:errorDetails": [detail],
        }
    )


def error_response(refused: RefusedError, *, status: int | None = None) -> web.Response:
    """The HTTP answer of a refusal; ``status`` sends its body under another status."""
    return web.Response(
        body=error_body(refused),
        status=refused.status if status is None else status,
        headers={"Content-Type": ERROR_MEDIA_TYPE, **refused.headers},
    )
